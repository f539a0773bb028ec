use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const TOKEN: Token = [7; 16];

/// The way over which the client of the model calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// A socket over a network: the client hears the hello of a server before it sends a call.
    Live,
    /// A socket of this machine behind ssh: the same, and the hello does not say its instance.
    Near,
    /// HTTP: a request reaches the server that runs when it is delivered.
    Exchange,
}

/// An event that can happen next.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// The client makes its next call, over a new connection or the latest one.
    Call { is_new: bool },
    /// A message reaches the server, however late.
    Deliver(usize),
    /// The client takes the connection of a call for lost, and sends the call again.
    Resend { call: usize, is_new: bool },
    /// The server sees the end of a connection.
    End(usize),
    /// Time passes.
    Pass(Duration),
    /// Other clients come and go, so that sessions without a connection are forgotten.
    Crowd,
    /// The server ends, and another one takes its place.
    Restart,
}

#[derive(Debug, Clone)]
struct Message {
    connection: usize,
    number: u64,
    again: Option<Again>,
}

#[derive(Debug, Clone)]
struct Connection {
    instance: u64,
    accepted: Instant,
    is_attended: bool,
    is_open: bool,
}

#[derive(Debug, Clone)]
struct Call {
    first_sent: Instant,
    /// The server that the client knows to have been sent the call first.
    instance: Option<u64>,
    /// `true` if it was sent again. From then on the client learns nothing of its first server.
    is_lost: bool,
}

/// A client, its server, and all that is between them.
struct World {
    way: Way,
    now: Instant,
    server: Taken,
    connections: Vec<Connection>,
    messages: Vec<Message>,
    calls: Vec<Call>,
    runs: HashMap<u64, u32>,
    others: u8,
}

impl World {
    fn new(way: Way) -> Self {
        let now = Instant::now() + Duration::from_secs(1_000_000);
        Self {
            way,
            now,
            server: Taken::new(0, now),
            connections: Vec::new(),
            messages: Vec::new(),
            calls: Vec::new(),
            runs: HashMap::new(),
            others: 0,
        }
    }

    fn after(way: Way, events: &[Event]) -> Self {
        let mut world = Self::new(way);
        for event in events {
            world.happen(*event);
        }
        world
    }

    /// A connection to the server that runs now; the latest one if that will do.
    fn connect(&mut self, is_new: bool) -> usize {
        let instance = self.server.instance;
        let usable = |c: &Connection| c.is_open && c.instance == instance;
        if is_new || !self.connections.last().is_some_and(usable) {
            self.connections.push(Connection {
                instance,
                accepted: self.now,
                is_attended: false,
                is_open: true,
            });
        }
        self.connections.len() - 1
    }

    fn happen(&mut self, event: Event) {
        self.now += Duration::from_millis(1);
        match event {
            Event::Call { is_new } => {
                let connection = self.connect(is_new);
                let instance = self.connections[connection].instance;
                self.calls.push(Call {
                    first_sent: self.now,
                    instance: (self.way == Way::Live).then_some(instance),
                    is_lost: false,
                });
                self.messages.push(Message {
                    connection,
                    number: self.calls.len() as u64,
                    again: None,
                });
            }
            Event::Deliver(at) => {
                let message = self.messages.remove(at);
                self.deliver(&message);
            }
            Event::Resend { call, is_new } => {
                let connection = self.connect(is_new);
                self.calls[call].is_lost = true;
                let Call {
                    first_sent,
                    instance,
                    ..
                } = self.calls[call];
                let since = match self.way {
                    Way::Exchange => Duration::from_micros(u64::MAX),
                    _ => self.now - first_sent,
                };
                self.messages.push(Message {
                    connection,
                    number: call as u64 + 1,
                    again: Some(Again { instance, since }),
                });
            }
            Event::End(connection) => self.end(connection),
            Event::Pass(time) => self.now += time,
            Event::Crowd => {
                self.server.most_left = 0;
                let other = [8; 16];
                self.others += 1;
                let sending = Sending {
                    accepted: self.now,
                    again: None,
                    is_near: false,
                };
                self.server
                    .take(other, self.others.into(), sending, self.now);
                self.server.most_left = MOST_LEFT;
            }
            Event::Restart => {
                for connection in 0..self.connections.len() {
                    self.end(connection);
                }
                self.server = Taken::new(self.server.instance + 1, self.now);
            }
        }
    }

    fn deliver(&mut self, message: &Message) {
        let is_exchange = self.way == Way::Exchange;
        let connection = &mut self.connections[message.connection];
        if is_exchange {
            // A gateway makes a connection to the server when the request has come.
            connection.accepted = self.now;
            connection.instance = self.server.instance;
            connection.is_open = true;
        }
        if !connection.is_open || connection.instance != self.server.instance {
            return;
        }
        let sending = Sending {
            accepted: connection.accepted,
            again: message.again,
            is_near: self.way == Way::Near,
        };
        if !connection.is_attended {
            connection.is_attended = true;
            self.server.attend(TOKEN);
        }
        if self.server.take(TOKEN, message.number, sending, self.now) {
            *self.runs.entry(message.number).or_default() += 1;
        }
        if is_exchange {
            let instance = Some(connection.instance);
            self.end(message.connection);
            // Its response may have been cut after the hello.
            let call = &mut self.calls[message.number as usize - 1];
            if !call.is_lost {
                call.instance = instance;
            }
        }
    }

    fn end(&mut self, at: usize) {
        let connection = &mut self.connections[at];
        if std::mem::take(&mut connection.is_attended) {
            self.server.leave(TOKEN, self.now);
        }
        connection.is_open = false;
    }

    /// All that can happen now.
    fn events(&self) -> Vec<Event> {
        let mut events = vec![
            Event::Call { is_new: true },
            Event::Call { is_new: false },
            Event::Pass(REMEMBERED * 2),
            Event::Crowd,
            Event::Restart,
        ];
        events.extend((0..self.messages.len()).map(Event::Deliver));
        events.extend((0..self.calls.len()).map(|call| Event::Resend { call, is_new: true }));
        events.extend((0..self.calls.len()).map(|call| Event::Resend {
            call,
            is_new: false,
        }));
        let open = self.connections.iter().enumerate();
        events.extend(
            open.filter(|(_, c)| c.is_open)
                .map(|(at, _)| Event::End(at)),
        );
        events
    }

    fn most_runs(&self) -> u32 {
        self.runs.values().copied().max().unwrap_or(0)
    }
}

const WAYS: [Way; 3] = [Way::Live, Way::Near, Way::Exchange];

fn try_all(way: Way, events: &mut Vec<Event>, deeper: usize, tried: &mut usize) {
    let world = World::after(way, events);
    *tried += 1;
    assert!(world.most_runs() <= 1, "{way:?} {events:?}");
    if deeper == 0 {
        return;
    }
    for event in world.events() {
        events.push(event);
        try_all(way, events, deeper - 1, tried);
        events.pop();
    }
}

/// Every order of five events after a first call.
#[test]
fn no_order_of_few_events_runs_a_call_twice() {
    for way in WAYS {
        let mut tried = 0;
        let mut events = vec![Event::Call { is_new: true }];
        try_all(way, &mut events, 5, &mut tried);
        assert!(tried > 10_000, "{tried}");
    }
}

proptest! {
    #[test]
    fn no_order_of_many_events_runs_a_call_twice(
        choices in proptest::collection::vec((any::<prop::sample::Index>(), 0_u64..600), 1..60),
        way in prop::sample::select(&WAYS[..]),
    ) {
        let mut world = World::new(way);
        let mut events = Vec::new();
        for (choice, seconds) in choices {
            let mut next = *choice.get(&world.events());
            if let Event::Pass(_) = next {
                next = Event::Pass(Duration::from_secs(seconds));
            }
            events.push(next);
            world.happen(next);
            prop_assert!(world.most_runs() <= 1, "{:?}", events);
        }
    }
}

/// A call that has not run runs when it is sent again, however much time passes between.
#[test]
fn a_call_that_did_not_arrive_runs_when_it_is_sent_again() {
    use Event::*;
    let call = Call { is_new: true };
    let again = Resend {
        call: 0,
        is_new: true,
    };
    let minute = Pass(Duration::from_secs(60));
    for way in [Way::Live, Way::Near] {
        for before in [&[][..], &[minute][..]] {
            let events = [before, &[call, again, Deliver(1), Deliver(0)]].concat();
            // The server that began less than a second before may be another one than that which
            // the client had heard, where that does not say its instance.
            let runs = u32::from(way == Way::Live || !before.is_empty());
            let world = World::after(way, &events);
            assert_eq!(
                world.runs.get(&1).copied().unwrap_or_default(),
                1,
                "{way:?}"
            );
            let first = World::after(way, &events[..events.len() - 1]);
            assert_eq!(first.most_runs(), runs, "{way:?} {events:?}");
        }
    }
}

/// A connection that rests for long is no reason to refuse its next call.
#[test]
fn an_old_connection_calls_on() {
    use Event::*;
    let mut world = World::new(Way::Live);
    for hour in 0..5 {
        world.happen(Call { is_new: false });
        world.happen(Deliver(0));
        world.happen(Crowd);
        world.happen(Pass(Duration::from_secs(3600)));
        assert_eq!(world.runs.len(), hour + 1);
    }
}

/// Clients over HTTP come and leave with each call, which crowds nobody out.
#[test]
fn a_session_that_comes_and_leaves_often_is_listed_once() {
    let mut server = Taken::new(1, Instant::now());
    let sending = |now| Sending {
        accepted: now,
        again: None,
        is_near: false,
    };
    let began = Instant::now();
    assert!(server.take([9; 16], 1, sending(began), began));
    for number in 0..3 * MOST_LEFT as u64 {
        let now = began + Duration::from_millis(number);
        server.attend(TOKEN);
        assert!(server.take(TOKEN, number, sending(now), now));
        server.leave(TOKEN, now);
    }
    assert_eq!((server.left.len(), server.horizon), (2, None));
    assert!(!server.take([9; 16], 1, sending(began), began));
}

/// A call that runs for longer than a session is remembered keeps its session, and its connection
/// calls on.
#[test]
fn a_session_is_not_forgotten_while_its_first_call_runs() {
    let began = Instant::now();
    let mut server = Taken::new(1, began);
    let sending = Sending {
        accepted: began,
        again: None,
        is_near: false,
    };
    server.attend(TOKEN);
    assert!(server.take(TOKEN, 1, sending, began));
    let later = began + REMEMBERED * 2;
    assert!(server.take([9; 16], 1, sending, later));
    assert!(server.take(TOKEN, 2, sending, later));
    assert!(!server.take(TOKEN, 1, sending, later));
}
