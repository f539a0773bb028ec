//! What a call costs on servers of few and of many functions.

use crate::process::on_one_cpu;
use crate::report::{Report, medians};
use crate::{Bench, Result};

const CALL: [&str; 2] = ["call", "6000"];

pub(crate) fn measure(bench: &Bench, report: &mut Report) -> Result<()> {
    let [thousand, ten_thousand] = on_one_cpu(|| medians(15, || round(bench)))?;
    let most = thousand.max(ten_thousand).max(1.0);
    let least = thousand.min(ten_thousand).min(1.0);
    report.at_most(
        "warm call with 10, 1,000 and 10,000 functions, on one CPU: slowest to fastest",
        most / least,
        1.03,
    );
    report.note(format!(
        "A call to a server of 1,000 functions took {thousand:.3} of one to a server of 10, and with 10,000 {ten_thousand:.3}."
    ));
    Ok(())
}

/// What 1,000 and 10,000 functions make of a call, to ten.
fn round(bench: &Bench) -> Result<[f64; 2]> {
    let call = |functions: &str| -> Result<f64> {
        let mut program = bench.programs.functions.clone();
        program.push(functions.into());
        let [time] = bench.server(&program)?.ask(&CALL)?;
        Ok(time)
    };
    let ten = call("10")?;
    Ok([call("1000")? / ten, call("10000")? / ten])
}
