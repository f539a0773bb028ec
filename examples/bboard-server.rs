//! The bulletin board as two programs; this one serves, in the foreground, until it is interrupted.
//!
//! ```sh
//! cargo run --example bboard-server
//! ```

#[path = "board/board.rs"]
mod board;

fn main() -> remotex::Result<()> {
    board::SERVER.listen()
}
