use remotex::{Server, Variable, remote};

static SERVER: Server = Server::new("ui");

#[derive(Clone, PartialEq)]
struct Motd(String);

#[remote(SERVER)]
static MOTD: Variable<Motd> = Variable::new(|| Motd("hello".into()));

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Count(u32);

#[remote(SERVER)]
static COUNT: Variable<Count> = Variable::new(|| Count(1));

#[remote(SERVER, read_only)]
static FINE: Variable<Count> = Variable::new(|| Count(1));

fn main() {}
