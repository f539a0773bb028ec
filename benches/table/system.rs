//! What the kernel knows of processes.

use std::fs;
use std::process::Child;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Result;

/// How much time on processors a process has used, in ticks.
pub(crate) fn used(process: &Child) -> Result<f64> {
    ticks(&process.id().to_string(), [14, 15])
}

/// How much those used that were started here and have ended.
pub(crate) fn waited() -> Result<f64> {
    ticks("self", [16, 17])
}

/// The sum of two fields, by their numbers in proc(5).
fn ticks(process: &str, fields: [usize; 2]) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field, the program's name in parentheses, may have anything in it.
    let (_, after) = stat.rsplit_once(") ").ok_or("no program's name")?;
    let mut sum = 0.0;
    for field in fields {
        let text = after.split(' ').nth(field - 3).ok_or("no such field")?;
        sum += text.parse::<f64>()?;
    }
    Ok(sum)
}

/// How much of a process lies in memory, in KiB.
pub(crate) fn resident(process: &Child) -> Result<f64> {
    status(process, "VmRSS:")
}

pub(crate) fn threads(process: &Child) -> Result<f64> {
    status(process, "Threads:")
}

fn status(process: &Child, name: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no such line")?.parse()?)
}

/// Lets this process, and those that it starts, have as many descriptors as they may: how many.
pub(crate) fn raise_descriptors() -> Result<usize> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, limit)?;
    Ok(maximum.map_or(usize::MAX, |n| n as usize))
}
