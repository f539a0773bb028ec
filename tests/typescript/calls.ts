// Calls a server with the types that its /openapi.json gives, and is refused by the compiler what the
// server would refuse.
import createClient from 'openapi-fetch';
import type { components, paths } from './offering.js';

declare const process: { env: Record<string, string>; exitCode: number };

const { AT: baseUrl, TOKEN: token } = process.env;
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

function same(found: unknown, expected: unknown) {
  const [a, b] = [found, expected].map(value => JSON.stringify(value));
  if (a !== b) throw new Error(`${a} and not ${b}`);
}

const tree: components['schemas']['Tree'] = {
  Node: ['Leaf', { Named: { name: 'elm', of: [{ Other: 7 }] } }],
};
const all = {
  tree,
  pair: [true, 'ß'] as [boolean, string],
  names: { '-3': 0.5, '5': null },
  places: [[[1, 2], null]] as [[number, number], null][],
  large: '340282366920938463463374607431768211455',
  small: -128,
  path: '/a/ü',
  maybe: 'x',
};
const { data } = await client.POST('/call/mirror', { body: all });
same(data, Object.values(all));

// Its types have aliases, and are not described.
const form = { colour: 'Grey', count: '9007199254740993', at: ['::1'], id: null };
const reformed = await client.POST('/call/reform', { body: { form, more: '01-02' } });
same((reformed.data as unknown[])[1], '01-02');

// An error that travels as its own type is told from others by its kind.
const failed = await client.POST('/call/fail', { body: { how: { Wrong: { code: 7 } } } });
if (failed.error?.error.kind !== 'Raised') throw new Error('it has not failed as it should');
same(failed.error.error.value.code + 1, 8);
const panicked = await client.POST('/call/fail', { body: { how: 'Panic' } });
same([panicked.error?.error.kind, panicked.error?.error.causes], ['Panicked', []]);

// What the server refuses, the compiler refuses.
const refused = [
  // @ts-expect-error: there is no such variant
  await client.POST('/call/mirror', { body: { ...all, tree: 'Lead' } }),
  // @ts-expect-error: a variant that holds something is no text
  await client.POST('/call/mirror', { body: { ...all, tree: 'Node' } }),
  // @ts-expect-error: a field has another type
  await client.POST('/call/mirror', { body: { ...all, tree: { Named: { name: 7, of: [] } } } }),
  // @ts-expect-error: a list has a part of another type
  await client.POST('/call/mirror', { body: { ...all, pair: [true, 7] } }),
  // @ts-expect-error: a number is no text
  await client.POST('/call/mirror', { body: { ...all, small: '' } }),
  // @ts-expect-error: there is no such argument
  await client.POST('/call/fail', { body: { how: 'Panic', where: 'here' } }),
  // @ts-expect-error: an argument is missing
  await client.POST('/call/fail', { body: {} }),
];
for (const { error } of refused) {
  same((error as components['schemas']['Error']).error.kind, 'Unsendable');
}

type Mirror = paths['/call/mirror']['post']['requestBody']['content']['application/json'];
// @ts-expect-error: a list has another length
const pair: Mirror['pair'] = [true];
// @ts-expect-error: an error has no such kind
const kind: components['schemas']['Error']['error']['kind'] = 'Rased';
// @ts-expect-error: there is no such function
const path: keyof paths = '/call/miror';
same([pair, kind, path].length, 3);
