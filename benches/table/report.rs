//! What comes of a run: rows, each with its goal, and what is to be known beside them.

use crate::Result;
use crate::median::median;

#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<String>,
    notes: Vec<String>,
    missed: usize,
}

/// What a figure is to be to its goal.
type Relation = (&'static str, fn(&f64, &f64) -> bool);

impl Report {
    /// A figure of which less is better.
    pub(crate) fn at_most(&mut self, what: &str, figure: f64, goal: f64) {
        self.row(what, figure, ("≤", f64::le), goal);
    }

    /// A figure of which more is better.
    pub(crate) fn at_least(&mut self, what: &str, figure: f64, goal: f64) {
        self.row(what, figure, ("≥", f64::ge), goal);
    }

    fn row(&mut self, what: &str, figure: f64, (sign, holds): Relation, goal: f64) {
        // What is no ratio is a whole number. What is shown is what is judged.
        let (digits, step) = if goal < 10.0 { (2, 100.0) } else { (0, 1.0) };
        let figure = (figure * step).round() / step;
        let is_met = holds(&figure, &goal);
        let verdict = if is_met { "yes" } else { "**no**" };
        self.missed += usize::from(!is_met);
        self.rows.push(format!(
            "| {what} | {figure:.digits$} | {sign} {goal:.digits$} | {verdict} |\n"
        ));
    }

    /// A paragraph of its own.
    pub(crate) fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    /// Adds what was found out earlier, and is to be read later.
    pub(crate) fn append(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.notes.extend(other.notes);
        self.missed += other.missed;
    }

    pub(crate) fn markdown(&self) -> String {
        format!(
            "| what | figure | goal | met |\n| --- | ---: | ---: | --- |\n{}\n{} of {} goals are met.\n\n{}\n\n{}\n",
            self.rows.concat(),
            self.rows.len() - self.missed,
            self.rows.len(),
            LEGEND,
            self.notes.join("\n\n")
        )
    }
}

const LEGEND: &str = "\
Limit (a) is a bare blocking Unix socket with a thread per connection and length-prefixed frames of the \
same bytes; (b) is (a) with bincode through serde. Figures are ratios to a limit of the same run, if nothing \
else is said: each is the median of those of the rounds, in which all take turns. On one CPU means that \
server and clients share it.";

/// Does the same for some rounds; the median of each number that comes of it.
pub(crate) fn medians<const N: usize>(
    rounds: usize,
    mut round: impl FnMut() -> Result<[f64; N]>,
) -> Result<[f64; N]> {
    let mut all = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (all, figure) in all.iter_mut().zip(round()?) {
            all.push(figure);
        }
    }
    Ok(all.map(median))
}
