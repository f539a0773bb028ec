//! What stands in the attribute's parentheses.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Ident, LitStr, Path, Token, parse_quote};

use crate::Mistakes;

/// `SERVER, name = "…", types = "…", timeout = "…", json, no_start, idempotent, or_local, crate = path` of
/// a function or a block.
pub(crate) struct Options {
    pub(crate) server: Path,
    pub(crate) traits: Traits,
    /// Where remotex is, for whoever has it under another name.
    pub(crate) krate: Path,
}

impl Options {
    pub(crate) fn parse(options: TokenStream) -> syn::Result<Self> {
        if options.is_empty() {
            return Err(syn::Error::new(
                Span::call_site(),
                "name the server: write `#[remote(SERVER)]`",
            ));
        }
        (|input: ParseStream<'_>| {
            if input.peek(Ident::peek_any) && (input.peek2(Token![=]) || input.fork().call(is_option)?) {
                return Err(input.error("the server comes first: write `#[remote(SERVER)]`, where SERVER is a `static` of type `remotex::Server`"));
            }
            let server = input.parse()?;
            let mut options = Self { server, traits: Traits::default(), krate: parse_quote!(::remotex) };
            while !input.is_empty() {
                input.parse::<Token![,]>()?;
                if input.is_empty() {
                    break;
                }
                let option = input.call(Ident::parse_any)?;
                if option == "crate" {
                    options.krate = input.parse::<Token![=]>().and_then(|_| input.call(Path::parse_mod_style))?;
                } else if !options.traits.take(&option, input)? {
                    let words = format!("`{option}` is no option of `#[remote]`; there are `name = \"…\"`, `types = \"…\"`, `timeout = \"…\"`, `json`, `no_start`, `idempotent`, `or_local` and `read_only`");
                    return Err(syn::Error::new(option.span(), words));
                }
            }
            Ok(options)
        })
        .parse2(options)
    }
}

/// Whether an option stands where the server should.
fn is_option(input: ParseStream<'_>) -> syn::Result<bool> {
    const OPTIONS: [&str; 8] = [
        "skip",
        "types",
        "timeout",
        "json",
        "no_start",
        "idempotent",
        "or_local",
        "read_only",
    ];
    let first = input.parse::<Path>()?;
    Ok(OPTIONS.iter().any(|option| first.is_ident(option)))
}

/// What a remote function may be besides remote.
#[derive(Default, Clone)]
pub(crate) struct Traits {
    /// Its name on the wire.
    pub(crate) name: Option<LitStr>,
    /// It may be run again after a call of which nobody knows how it ended.
    pub(crate) idempotent: Option<Span>,
    /// It is right without the server's state.
    pub(crate) or_local: Option<Span>,
    /// Clients cannot change it, being a variable.
    pub(crate) read_only: Option<Span>,
    /// The author's word for types that serde does not show wholly.
    pub(crate) types: Option<LitStr>,
    /// How long a call waits for its answer.
    pub(crate) timeout: Option<(Span, Duration)>,
    /// Its values travel as CBOR, which describes itself.
    pub(crate) json: Option<Span>,
    /// A call of it starts no server.
    pub(crate) no_start: Option<Span>,
}

impl Traits {
    /// Reads the option of that name; `false` if it is none of these.
    fn take(&mut self, option: &Ident, input: ParseStream<'_>) -> syn::Result<bool> {
        let twice = || {
            Err(syn::Error::new(
                option.span(),
                format!("`{option}` is given twice"),
            ))
        };
        let switch = match option.to_string().as_str() {
            "name" if self.name.is_some() => return twice(),
            "name" => {
                self.name = Some(name(input)?);
                return Ok(true);
            }
            "types" if self.types.is_some() => return twice(),
            "types" => {
                self.types = Some(types(option, input)?);
                return Ok(true);
            }
            "timeout" if self.timeout.is_some() => return twice(),
            "timeout" => {
                self.timeout = Some((option.span(), timeout(option, input)?));
                return Ok(true);
            }
            "json" => &mut self.json,
            "no_start" => &mut self.no_start,
            "idempotent" => &mut self.idempotent,
            "or_local" => &mut self.or_local,
            "read_only" => &mut self.read_only,
            _ => return Ok(false),
        };
        match switch.replace(option.span()) {
            Some(_) => twice(),
            None => Ok(true),
        }
    }

    /// Refuses a name of many functions, which have names of their own.
    pub(crate) fn refuse_name(&self, of: &str, mistakes: &mut Mistakes) {
        if let Some(name) = &self.name {
            mistakes.add(
                name,
                format_args!("a {of} has no name of its own; write `#[remote(name = \"…\")]` on a function in it"),
            );
        }
    }

    pub(crate) fn refuse_read_only(&self, mistakes: &mut Mistakes) {
        if let Some(at) = self.read_only {
            mistakes.push(syn::Error::new(
                at,
                "only a `static` that is a `Variable` can be `read_only`",
            ));
        }
    }

    /// Those of a block, with those of one of its functions.
    pub(crate) fn of_block(block: &Self, own: Self) -> Self {
        Self {
            name: own.name,
            idempotent: own.idempotent.or(block.idempotent),
            or_local: own.or_local.or(block.or_local),
            read_only: own.read_only.or(block.read_only),
            types: own.types.or_else(|| block.types.clone()),
            timeout: own.timeout.or(block.timeout),
            json: own.json.or(block.json),
            no_start: own.no_start.or(block.no_start),
        }
    }
}

/// What stands in the parentheses of a function inside a remote block.
pub(crate) enum Inner {
    Skip,
    Traits(Traits),
}

impl Parse for Inner {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut traits = Traits::default();
        loop {
            let option: Ident = input.call(Ident::parse_any)?;
            if option == "skip" {
                return if input.is_empty() {
                    Ok(Self::Skip)
                } else {
                    Err(input.error("`skip` is all there is to say of a function that is left out"))
                };
            }
            if !traits.take(&option, input)? {
                return Err(syn::Error::new(
                    option.span(),
                    "inside a remote block, write `#[remote(skip)]`, or `name = \"…\"`, `types = \"…\"`, `timeout = \"…\"`, `json`, `no_start`, `idempotent` and `or_local`; the server is the block's",
                ));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
            if input.is_empty() {
                return Ok(Self::Traits(traits));
            }
        }
    }
}

/// Takes the text of an option; `advice` is the error if there is none.
fn text(option: &Ident, input: ParseStream<'_>, advice: &str) -> syn::Result<LitStr> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(option.span(), advice));
    }
    input.parse::<Token![=]>()?;
    let word = input.parse::<LitStr>();
    word.map_err(|e| syn::Error::new(e.span(), advice))
}

/// The word for the types, which is part of a fingerprint and of nothing else.
fn types(option: &Ident, input: ParseStream<'_>) -> syn::Result<LitStr> {
    const WORDS: &str = "say which version of its types this is, and change it when they change: write `types = \"1\"`";
    let word = text(option, input, WORDS)?;
    if word.value().trim().is_empty() {
        return Err(syn::Error::new(word.span(), WORDS));
    }
    Ok(word)
}

/// How long a call waits, in words.
fn timeout(option: &Ident, input: ParseStream<'_>) -> syn::Result<Duration> {
    const WORDS: &str = "say how long a call waits for its answer: write `timeout = \"5s\"`, or so many `ms`, `min` or `h`";
    let word = text(option, input, WORDS)?;
    let text = word.value();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let millis = match text[digits..].trim_start() {
        "ms" => Some(1),
        "s" => Some(1000),
        "min" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let count = text[..digits]
        .parse::<u64>()
        .ok()
        .filter(|&count| count > 0);
    let whole = count
        .zip(millis)
        .and_then(|(count, millis)| count.checked_mul(millis));
    whole
        .map(Duration::from_millis)
        .ok_or_else(|| syn::Error::new(word.span(), WORDS))
}

fn name(input: ParseStream<'_>) -> syn::Result<LitStr> {
    input.parse::<Token![=]>()?;
    let name: LitStr = input.parse()?;
    let is_good = |c: char| c.is_alphanumeric() || "_-.:".contains(c);
    if (1..=128).contains(&name.value().len()) && name.value().chars().all(is_good) {
        Ok(name)
    } else {
        Err(syn::Error::new(
            name.span(),
            "a function's name is 1 to 128 letters, digits, `_`, `-`, `.` or `:`",
        ))
    }
}
