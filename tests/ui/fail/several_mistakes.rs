use remotex::{Server, remote};

static SERVER: Server = Server::new("ui");

/// All of them are reported, and the function stays known.
#[remote(SERVER)]
async fn much<T>(a: &mut u32, b: impl Copy, c: T) {
    let _ = (a, b, c);
}

fn calls_it() {
    let _ = much(&mut 1, 2, 3);
}

fn main() {}
