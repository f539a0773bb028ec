//! What processes take that make one call each.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::Result;
use crate::median::median;

/// How much longer each of `posts` takes than `nothing`, in nanoseconds. One process of each is
/// started, then the next of each, and so on, and each is compared with one of `nothing` on the spot.
///
/// Whatever is timed comes after a `nothing`: what ran before a process makes it faster or slower.
pub(crate) fn cold(
    nothing: &mut Command,
    posts: &mut [Command],
    processes: usize,
) -> Result<Vec<f64>> {
    let mut more = vec![Vec::with_capacity(processes); posts.len()];
    for _ in 0..processes {
        for (post, more) in posts.iter_mut().zip(&mut more) {
            life(nothing)?;
            let floor = life(nothing)?;
            more.push(life(post)? - floor);
        }
    }
    Ok(more.into_iter().map(median).collect())
}

/// How long a process takes, from its start to when its end is known.
fn life(command: &mut Command) -> Result<f64> {
    command.stdout(Stdio::null());
    let begun = Instant::now();
    let status = command.status()?;
    let took = begun.elapsed();
    if !status.success() {
        return Err(format!("{command:?} ended with {status}").into());
    }
    Ok(took.as_nanos() as f64)
}
