//! redis over a Unix socket: its own commands stand for the functions, and a list for the board.

use std::os::unix::process::CommandExt;
use std::process::Command;

use peers::work::{KEPT, NewsItem, Peer};
use peers::{Result, measure};
use redis::{Client, Commands, Connection};

/// What stands between the two parts of an item.
const SEPARATOR: char = '\t';

struct Redis(Connection);

impl Peer for Redis {
    /// Becomes a redis server that keeps all in memory.
    fn serve(address: &str) -> Result<()> {
        let failed = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket", address])
            .exec();
        Err(failed.into())
    }

    fn connect(address: &str) -> Result<Self> {
        let client = Client::open(format!("redis+unix://{address}"))?;
        Ok(Self(client.get_connection()?))
    }

    fn echo(&mut self, data: Vec<u8>) -> Result<Vec<u8>> {
        Ok(redis::cmd("ECHO").arg(data).query(&mut self.0)?)
    }

    fn post(&mut self, item: &str, by: &str) -> Result<()> {
        let there: usize = self.0.lpush("news", format!("{item}{SEPARATOR}{by}"))?;
        // A second command, and so not with every item.
        if there > 2 * KEPT {
            let () = self.0.ltrim("news", 0, KEPT as isize - 1)?;
        }
        Ok(())
    }

    fn read(&mut self, n: u32) -> Result<Vec<NewsItem>> {
        let items: Vec<String> = self.0.lrange("news", 0, n as isize - 1)?;
        let item = |both: String| {
            let (item, by) = both.split_once(SEPARATOR)?;
            let (item, by) = (item.into(), by.into());
            Some(NewsItem { item, by })
        };
        let items: Option<_> = items.into_iter().map(item).collect();
        items.ok_or_else(|| "an item without its author".into())
    }
}

fn main() -> Result<()> {
    measure::main::<Redis>()
}
