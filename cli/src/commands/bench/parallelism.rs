//! `enfold bench parallelism`: what the blocks of a real chain need.

use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use enfold_state::executor::execute;
use enfold_state::ledger::Ledger;
use enfold_state::profile::ProfileId;
use enfold_witness::plan::Plan;
use enfold_witness::whole::{self, WholeReport};
use enfold_witness::witness::witness_plan;
use serde::Serialize;

use super::WorkloadError;
use super::witness::WitnessBenchError;
use crate::error::{CliError, at};
use crate::import::build::{Options, build};
use crate::import::{keys, read_rows};
use crate::options::{GENESIS_TIME, profile_parser};
use crate::output::Outcome;
use crate::text::grouped;

/// Options of `enfold bench parallelism`.
#[derive(Debug, Args)]
#[command(after_help = "\
Imports each block of the file on a genesis of its own, as enfold import does, executes and plans
it, and makes its batch witnesses. Beside the batches and the lower bound of any plan, the table
shows how many batches of whole transactions the block would take: strictly with no account twice
in a batch, and with several credits of one account allowed. Fees count only in the first two
columns.

Examples:
  enfold bench parallelism --csv transfers.csv
  enfold bench parallelism --csv transfers.csv --block 4369999 --fee 0 --format json")]
pub struct ParallelismArgs {
    /// CSV file with the transfers, as `enfold import` reads it.
    #[arg(long, value_name = "FILE")]
    csv: PathBuf,
    /// Number of a block in the file; may be repeated [default: all of them].
    #[arg(long = "block", value_name = "B")]
    blocks: Vec<u64>,
    /// Fee of each transfer, in units of its asset after scaling; 0 for no fees.
    #[arg(long, value_name = "N", default_value_t = 1)]
    fee: u64,
    /// Profile.
    #[arg(long, value_name = "PROFILE", default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
    /// Whole transactions per batch [default: as many as a circuit of the same size has paths for].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    whole_batch: Option<u32>,
}

#[derive(Serialize)]
struct Report {
    profile: ProfileId,
    fee: u64,
    /// Whole transactions of a batch.
    whole_batch: usize,
    blocks: Vec<Row>,
    total: Row,
    /// Execution, plan and witnesses of all blocks.
    seconds: f64,
}

/// A block, or all of them.
#[derive(Clone, Copy, Default, Serialize)]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<u64>,
    transfers: usize,
    /// Legs of the longest lane.
    longest_lane: usize,
    batches: usize,
    lower_bound: usize,
    whole_strict: usize,
    whole_commutative: usize,
    whole_lower_bound: usize,
}

impl Row {
    fn add(&mut self, other: &Self) {
        self.transfers += other.transfers;
        self.longest_lane = self.longest_lane.max(other.longest_lane);
        self.batches += other.batches;
        self.lower_bound += other.lower_bound;
        self.whole_strict += other.whole_strict;
        self.whole_commutative += other.whole_commutative;
        self.whole_lower_bound += other.whole_lower_bound;
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.block.map_or("all".to_owned(), |block| block.to_string());
        write!(f, "| {name} |")?;
        for number in [
            self.transfers,
            self.longest_lane,
            self.batches,
            self.lower_bound,
            self.whole_strict,
            self.whole_commutative,
            self.whole_lower_bound,
        ] {
            write!(f, " {} |", grouped(number as u64))?;
        }
        writeln!(f)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "profile {}, fee {}, whole transactions in batches of {}; all blocks executed, planned and witnessed in \
             {:.2} s\n",
            self.profile, self.fee, self.whole_batch, self.seconds
        )?;
        writeln!(
            f,
            "| block | transfers | longest lane | batches | bound | whole, strict | commutative | bound |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        self.blocks.iter().chain([&self.total]).try_for_each(|row| write!(f, "{row}"))
    }
}

impl ParallelismArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the file cannot be read or holds no such blocks.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let rows = read_rows(&self.csv)?;
        let mut numbers = self.blocks.clone();
        if numbers.is_empty() {
            numbers = rows.iter().map(|row| row.block).collect();
            numbers.sort_unstable();
            numbers.dedup();
        }
        let profile = self.profile.profile();
        let whole_batch = self.whole_batch.map_or_else(|| whole::capacity(profile), |batch| batch as usize);
        let mut report = Report {
            profile: self.profile,
            fee: self.fee,
            whole_batch,
            blocks: Vec::with_capacity(numbers.len()),
            total: Row::default(),
            seconds: 0.0,
        };
        for number in numbers {
            let options = Options {
                blocks: &[number],
                seed: keys::DEFAULT_SEED,
                chain_id: 1,
                genesis_time: GENESIS_TIME,
                shards: 1,
                fee: self.fee,
            };
            let import = build(&rows, &options).map_err(at(&self.csv))?;
            let failed = WorkloadError::<WitnessBenchError>::of(format!("block {number}"));
            let ledger = Ledger::from_genesis(&import.genesis).map_err(at(&self.csv))?;
            for block in &import.blocks {
                let clock = Instant::now();
                let execution = execute(&ledger, block).map_err(|error| failed(error.into()))?;
                let plan = Plan::new(profile, &execution);
                let witness = witness_plan(profile, &ledger, block, &execution, plan)
                    .map_err(|error| failed(error.into()))?;
                report.seconds += clock.elapsed().as_secs_f64();
                let plan = witness.plan.report(profile);
                let whole = WholeReport::of(&execution, whole_batch);
                let row = Row {
                    block: Some(number),
                    transfers: execution.debits.len(),
                    longest_lane: plan.kinds().map(|(_, report)| report.longest_lane).max().unwrap_or(0),
                    batches: plan.batches(),
                    lower_bound: plan.lower_bound(),
                    whole_strict: whole.strict,
                    whole_commutative: whole.commutative,
                    whole_lower_bound: whole.lower_bound,
                };
                report.total.add(&row);
                report.blocks.push(row);
            }
        }
        Outcome::of(&report)
    }
}
