use remotex::{Remote, Result, Server, remote};

static SERVER: Server = Server::new("ui");

pub struct Track(u32);

#[remote(SERVER)]
impl Track {
    pub fn open() -> Result<Remote<Track>> {
        Ok(Remote::new(Track(0)))
    }

    pub fn get(&self) -> Result<u32> {
        Ok(self.0)
    }

    pub fn into_inner(self) -> Result<u32> {
        Ok(self.0)
    }

    pub fn same<T>(&self, other: T) -> Result<T> {
        Ok(other)
    }

    pub fn take(&mut self, from: &mut u32) -> Result<()> {
        self.0 = *from;
        Ok(())
    }

    pub fn plain(&self) -> u32 {
        self.0
    }
}

pub struct Items(Vec<u8>);

#[remote(SERVER)]
impl Items {
    pub fn next(self) -> Result<u8> {
        Ok(self.0[0])
    }
}

#[remote(SERVER)]
fn items(first: u8) -> Result<Remote<Items>> {
    Ok(Remote::new(Items(vec![first])))
}

pub struct Other;

#[remote(SERVER)]
impl Other {
    pub fn all(&self) -> u32 {
        1
    }
}

#[remote(SERVER)]
fn other(it: &Remote<Other>) -> Result<u32> {
    Ok(it.all())
}

fn main() {
    let track = Track::open().unwrap();
    track.get().unwrap();
    track.into_inner().unwrap();
    track.take(&mut 0).unwrap();
    items(1).unwrap().next().unwrap();
}
