//! `enfold bench compare`: results of several machines, or of several commits, in one set of plots.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_benches::plot::Labelled;
use enfold_benches::results::{Results, Series};
use serde::Serialize;

use super::sweep::{ResultsText, read_results, write_figures};
use crate::error::CliError;
use crate::output::Outcome;

/// Options of `enfold bench compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Takes the results.json files of enfold bench scaling or enfold bench latency. In the plots, each
is named after its folder, unless --label names it.

Examples:
  enfold bench compare here/results.json there/results.json --out both
  enfold bench compare a.json b.json --label laptop --label server --out both --force")]
pub struct CompareArgs {
    /// The result files.
    #[arg(value_name = "RESULTS", required = true, num_args = 2..)]
    results: Vec<PathBuf>,
    /// Name of a result in the plots, in the same order; may be repeated.
    #[arg(long, value_name = "NAME")]
    label: Vec<String>,
    /// Folder for the plots; created if it does not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace existing plots.
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    out: &'a Path,
    plots: Vec<String>,
    results: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    label: &'a str,
    /// The most transfers a second of all points.
    best_tx_per_s: Option<f64>,
    /// The same for each core that was used.
    best_tx_per_s_per_core: Option<f64>,
    #[serde(flatten)]
    results: &'a Results,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Entry { label, results, .. } in &self.results {
            writeln!(f, "{label}\n{}", ResultsText(results))?;
        }
        writeln!(f, "{:<16} {:>13} {:>13}", "best", "transfers/s", "per core")?;
        for Entry { label, best_tx_per_s, best_tx_per_s_per_core, .. } in &self.results {
            let shown = |rate: &Option<f64>| rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"));
            writeln!(f, "{label:<16} {:>13} {:>13}", shown(best_tx_per_s), shown(best_tx_per_s_per_core))?;
        }
        writeln!(f, "\n{} plots are in {}", self.plots.len(), self.out.display())
    }
}

fn best(results: &Results, per_core: bool) -> Option<f64> {
    let points =
        [Series::Strong, Series::Weak, Series::Latency].into_iter().flat_map(|series| results.best(series));
    let rate = points.filter_map(|point| if per_core { point.per_core() } else { point.throughput() });
    rate.map(|rate| rate.median).max_by(f64::total_cmp)
}

impl CompareArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If results cannot be read, or plots cannot be written.
    pub fn run(&self) -> Result<Outcome, CliError> {
        if !self.label.is_empty() && self.label.len() != self.results.len() {
            let (expected, got) = (self.results.len(), self.label.len());
            return Err(CliError::usage(format!("expected {expected} labels, got {got}")));
        }
        let results: Vec<Results> =
            self.results.iter().map(|path| read_results(path)).collect::<Result<_, _>>()?;
        let labels: Vec<String> = match self.label.is_empty() {
            true => self.results.iter().map(|path| name_of(path)).collect(),
            false => self.label.clone(),
        };
        let all: Vec<_> =
            labels.iter().zip(&results).map(|(label, results)| Labelled { label, results }).collect();
        let plots = write_figures(&self.out, &all, self.force)?;
        let entries = labels.iter().zip(&results).map(|(label, results)| Entry {
            label,
            best_tx_per_s: best(results, false),
            best_tx_per_s_per_core: best(results, true),
            results,
        });
        Outcome::of(&Report { out: &self.out, plots, results: entries.collect() })
    }
}

/// The folder of a file that is called `results.json`, as all are; else the file's name without its ending.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name);
    let name = if stem == "results" { folder.unwrap_or(stem) } else { stem };
    name.to_string_lossy().into_owned()
}
