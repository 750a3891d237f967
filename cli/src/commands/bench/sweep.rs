//! What the sweeps `enfold bench scaling` and `enfold bench latency` share: options, files, reports.

use std::fmt;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use clap::Args;
use enfold_benches::error::BenchError;
use enfold_benches::plot::{Labelled, figures};
use enfold_benches::results::{BatchPoint, Place, Point, Results, Settings};
use enfold_benches::{batch_size, sweep};
use enfold_circuits::circuit_set::Circuit;
use enfold_fixtures::workload::Workload;
use enfold_prover::cache::{build_circuits, circuits};
use enfold_prover::files::write_file;
use enfold_state::leaf::TREE_DEPTH;
use enfold_state::profile::ProfileId;
use serde::Serialize;
use tracing::info;

use crate::error::{CliError, Failure};
use crate::files::{create_folder, read_bounded, write_all};
use crate::options::profile_parser;
use crate::output::Outcome;
use crate::progress::Progress;
use crate::text::{count, duration, grouped};

/// Longest results file that is read, in bytes.
const RESULTS_LIMIT: u64 = 1 << 28;
/// The results, in the output folder.
const JSON: &str = "results.json";
/// The same as CSV.
const CSV: &str = "results.csv";

/// Options of a sweep.
#[derive(Debug, Args)]
pub struct SweepArgs {
    /// Profile.
    #[arg(long, value_name = "PROFILE", default_value = "standard", value_parser = profile_parser())]
    pub profile: ProfileId,
    /// Skew of senders and receivers: 0 is uniform, 1 the classical Zipf law.
    #[arg(long, value_name = "S", default_value_t = 0.0, value_parser = parse_skew)]
    skew: f64,
    /// Accounts in the state.
    #[arg(long, value_name = "A", default_value_t = 1 << 16, value_parser = clap::value_parser!(u32).range(1..1 << TREE_DEPTH))]
    accounts: u32,
    /// Seed for keys and transactions.
    #[arg(long, value_name = "K", default_value_t = 1)]
    seed: u64,
    /// Measured runs per point; a median of fewer than five says little.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    runs: u16,
    /// Warm-up runs per point, which are not counted.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(..=100))]
    warmups: u16,
    /// Folder for results.json, results.csv and the plots; created if it does not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Continue with the results in the folder, without measuring again what they have.
    #[arg(long = "continue")]
    resume: bool,
    /// Replace existing files in the folder.
    #[arg(long, conflicts_with = "resume")]
    force: bool,
}

fn parse_skew(text: &str) -> Result<f64, String> {
    let skew = text.parse().ok().filter(|skew| (0.0..=10.0).contains(skew));
    skew.ok_or_else(|| "expected a number from 0 to 10".to_owned())
}

/// Cores that this process may use.
pub fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// A sweep that is under way. What is measured is on disk before the next point begins.
pub struct Sweep<'a> {
    args: &'a SweepArgs,
    workload: Workload,
    results: Results,
    /// Points that were measured, not taken over.
    measured: usize,
}

/// What is in the way of results, or cannot be continued.
#[derive(Debug, thiserror::Error)]
enum ResultsError {
    /// The file holds no results, or those of another measurement.
    #[error("{}: {source}", path.display())]
    Wrong { path: PathBuf, source: BenchError },
    /// There are results already.
    #[error("{}: results already exist (use --continue to add to them, --force to replace them)", path.display())]
    Exist { path: PathBuf },
}

impl Failure for ResultsError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Wrong { .. } => "results",
            Self::Exist { .. } => "output_exists",
        }
    }
}

impl<'a> Sweep<'a> {
    /// Begins a sweep, or resumes one.
    ///
    /// # Errors
    /// If there are results already, or those to resume are of something else.
    pub fn new(args: &'a SweepArgs) -> Result<Self, CliError> {
        let workload = if args.skew == 0.0 { Workload::Uniform } else { Workload::Zipf(args.skew) };
        let mut results = Results::new(Settings {
            profile: args.profile,
            circuits: Settings::circuits(args.profile),
            workload: workload.to_string(),
            accounts: args.accounts,
            seed: args.seed,
            warmups: args.warmups.into(),
            runs: args.runs.into(),
        });
        let path = args.out.join(JSON);
        if args.resume && path.exists() {
            let earlier = read_results(&path)?;
            results.resume(earlier).map_err(|source| ResultsError::Wrong { path, source })?;
        } else if !args.force && path.exists() {
            return Err(ResultsError::Exist { path }.into());
        }
        let sweep = Self { args, workload, results, measured: 0 };
        sweep.write()?;
        Ok(sweep)
    }

    /// Measures points of blocks, but for those that are there.
    ///
    /// # Errors
    /// If a block cannot be proven, or results cannot be written.
    pub fn points(&mut self, places: &[Place]) -> Result<(), CliError> {
        let progress = Progress::new(self.args.profile);
        let observe = |event: &_| progress.observe(event);
        for (number, &place) in places.iter().enumerate() {
            if self.results.has(place) {
                continue;
            }
            let circuits = circuits(self.args.profile);
            build_circuits(circuits, Circuit::all(), &observe)?;
            let Place { series, cores, in_flight, transfers } = place;
            let (at, of) = (number + 1, places.len());
            let cores = count(cores, "core", "cores");
            let transfers = count(transfers, "transfer", "transfers");
            let in_flight = count(in_flight, "proof", "proofs");
            info!("{} {at} of {of}: {cores}, {in_flight} concurrently, {transfers}", series.name());
            let settings = &self.results.settings;
            let point = sweep::measure(circuits, self.workload, settings, place, &|_| ())?;
            self.results.add(point);
            self.measured += 1;
            self.write()?;
        }
        Ok(())
    }

    /// Measures debit batches of `2^degree_bits` rows, but for those that are there.
    ///
    /// # Errors
    /// If a batch cannot be proven, or results cannot be written.
    pub fn batches(&mut self, degree_bits: &[usize], cores: usize) -> Result<(), CliError> {
        for &degree_bits in degree_bits {
            let there = |point: &BatchPoint| (point.cores, point.degree_bits) == (cores, degree_bits);
            if self.results.batches.iter().any(there) {
                continue;
            }
            info!("debit batch of 2^{degree_bits} rows on {}", count(cores, "core", "cores"));
            match batch_size::measure(&self.results.settings, degree_bits, cores)? {
                Some(point) => self.results.add_batch(point),
                None => return Err(CliError::usage(format!("no leg fits 2^{degree_bits} rows"))),
            }
            self.measured += 1;
            self.write()?;
        }
        Ok(())
    }

    fn write(&self) -> Result<(), CliError> {
        let folder = &self.args.out;
        create_folder(folder)?;
        write_file(&folder.join(JSON), self.results.to_json()?.as_bytes(), true)?;
        write_file(&folder.join(CSV), self.results.to_csv()?.as_bytes(), true)?;
        Ok(())
    }

    /// Draws the plots and gives the report.
    ///
    /// # Errors
    /// If the plots cannot be drawn or written.
    pub fn finish(self) -> Result<Outcome, CliError> {
        let plots = write_figures(&self.args.out, &[Labelled { label: "", results: &self.results }], true)?;
        Outcome::of(&Report { out: &self.args.out, measured: self.measured, plots, results: &self.results })
    }
}

/// Draws all figures of results into a folder; their file names.
///
/// # Errors
/// If they cannot be drawn or written.
pub fn write_figures(folder: &Path, all: &[Labelled<'_>], force: bool) -> Result<Vec<String>, CliError> {
    let figures = figures(all)?;
    let files: Vec<_> =
        figures.into_iter().map(|(name, svg)| (format!("{name}.svg"), svg.into_bytes())).collect();
    write_all(folder, &files, force)?;
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

/// Reads results.
///
/// # Errors
/// If the file cannot be read or holds none.
pub fn read_results(path: &Path) -> Result<Results, CliError> {
    let bytes = read_bounded(path, RESULTS_LIMIT)?;
    Ok(Results::read(&bytes).map_err(|source| ResultsError::Wrong { path: path.to_owned(), source })?)
}

#[derive(Serialize)]
struct Report<'a> {
    out: &'a Path,
    /// Points that were measured now.
    measured: usize,
    plots: Vec<String>,
    results: &'a Results,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", ResultsText(self.results))?;
        let plots = count(self.plots.len(), "plot", "plots");
        writeln!(f, "\n{JSON}, {CSV} and {plots} are in {}", self.out.display())
    }
}

/// Results as tables.
pub struct ResultsText<'a>(pub &'a Results);

impl fmt::Display for ResultsText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Results { machine, commit, settings, points, batches, .. } = self.0;
        let Settings { profile, circuits, workload, accounts, seed, warmups, runs } = settings;
        let cpu = machine.cpu.as_deref().unwrap_or("unknown processor");
        write!(f, "{cpu}, {}", count(machine.cores, "core", "cores"))?;
        match machine.memory_bytes {
            Some(bytes) => writeln!(f, ", {} MB", grouped(bytes / 1_000_000))?,
            None => writeln!(f)?,
        }
        writeln!(f, "commit {commit}\nprofile {profile}, circuits {circuits}")?;
        writeln!(f, "{workload} on {}, seed {seed}", count(*accounts as usize, "account", "accounts"))?;
        let runs = count(*runs, "run", "runs");
        writeln!(f, "medians of {runs} after {warmups}; the spread is from the lowest to the highest\n")?;
        if !points.is_empty() {
            writeln!(
                f,
                "{:<8} {:>5} {:>6} {:>9} {:>8} {:>9} {:>7} {:>12} {:>10}",
                "series",
                "cores",
                "proofs",
                "transfers",
                "batches",
                "time",
                "spread",
                "transfers/s",
                "per core"
            )?;
        }
        for point in points {
            write_point(f, point)?;
        }
        if let Some(law) = self.0.amdahl() {
            let share = 100.0 * law.serial_share();
            writeln!(f, "Amdahl's law fitted to the strong scaling: {share:.1} % serial")?;
        }
        if !batches.is_empty() {
            writeln!(
                f,
                "\n{:<12} {:>5} {:>6} {:>9} {:>7} {:>10}",
                "debit batch", "cores", "legs", "time", "spread", "per leg"
            )?;
        }
        for point in batches {
            let BatchPoint { cores, legs, degree_bits, .. } = point;
            let Some(seconds) = point.seconds() else { continue };
            let (time, leg) = (seconds.median, seconds.median / *legs as f64);
            let [time, leg] = [time, leg].map(|time| duration(Duration::from_secs_f64(time)));
            let (rows, spread) = (format!("2^{degree_bits} rows"), 100.0 * seconds.relative());
            writeln!(f, "{rows:<12} {cores:>5} {legs:>6} {time:>9} {spread:>6.1}% {leg:>10}")?;
        }
        Ok(())
    }
}

fn write_point(f: &mut fmt::Formatter<'_>, point: &Point) -> fmt::Result {
    let (Some(seconds), Some(rate), Some(per_core)) = (point.seconds(), point.throughput(), point.per_core())
    else {
        return Ok(());
    };
    let Place { series, cores, in_flight, transfers } = point.place;
    writeln!(
        f,
        "{:<8} {cores:>5} {in_flight:>6} {transfers:>9} {:>8} {:>9} {:>6.1}% {:>12.1} {:>10.1}",
        series.name(),
        point.batches,
        duration(Duration::from_secs_f64(seconds.median)),
        100.0 * seconds.relative(),
        rate.median,
        per_core.median
    )
}
