//! `enfold plan`: what a block will take, before it is proven.

use std::fmt;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use clap::Args;
use enfold_prover::bound::profile_for;
use enfold_prover::calibration::{Calibration, Forecast, batches_at_most, circuits_of, forecast};
use enfold_prover::options::available_memory;
use enfold_state::block::Block;
use enfold_state::executor::{Execution, Rejection, execute};
use enfold_state::profile::{BatchId, ProfileId};
use enfold_state::store::{Check, Snapshot};
use enfold_witness::plan::Plan;
use serde::Serialize;

use crate::error::{CliError, at};
use crate::options::profile_parser;
use crate::output::Outcome;
use crate::text::{count, duration, proofs, size};
use crate::{reading, records};

/// Options of `enfold plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
With --txs, the block is the worst case: no two transfers share a leaf, and each has a fee unless
--no-fees is given. With --block, a real block is executed on a state and planned, and nothing is
written; transactions that break a rule are listed and not counted.
Times need a calibration of this machine or of another; without one, only counts and memory are
shown. They assume that the work spreads evenly over the cores.

Examples:
  enfold plan --txs 100000 --cores 64 --memory 256G
  enfold bench calibrate --out calibration.json && enfold plan --txs 5000 --calibration calibration.json
  enfold plan --data state --block block-1.bin")]
pub struct PlanArgs {
    /// Transactions in the block.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000),
          required_unless_present = "block", conflicts_with = "block")]
    txs: Option<u32>,
    /// Plan --txs transfers without fees.
    #[arg(long, requires = "txs")]
    no_fees: bool,
    /// A block to plan.
    #[arg(long, value_name = "FILE", requires = "data")]
    block: Option<PathBuf>,
    /// The data directory that the block follows.
    #[arg(long, value_name = "DIR", requires = "block")]
    data: Option<PathBuf>,
    /// Number of cores [default: this machine's].
    #[arg(long, value_name = "C", value_parser = clap::value_parser!(u16).range(1..))]
    cores: Option<u16>,
    /// Memory, with K, M, G or T for powers of 1,024 [default: the free memory of this machine].
    #[arg(long, value_name = "M", value_parser = bytes)]
    memory: Option<u64>,
    /// Calibration file, as `enfold bench calibrate` writes it.
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// Profile to prove with; with --data, must be the data directory's [default: the data directory's, or standard].
    #[arg(long, value_parser = profile_parser())]
    profile: Option<ProfileId>,
}

/// Reads a number of bytes.
fn bytes(text: &str) -> Result<u64, String> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let shift = match unit.trim_end_matches("iB").trim_end_matches('B') {
        "" => 0,
        "K" | "k" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => return Err(format!("expected a number with K, M, G or T, got {text:?}")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("expected a number, got {digits:?}"))?;
    number.checked_mul(1 << shift).ok_or_else(|| format!("expected less than 2^64 bytes, got {text}"))
}

#[derive(Serialize)]
struct Report {
    profile: ProfileId,
    /// Those that are executed.
    transactions: usize,
    /// Transactions of the block that are left out; `None` of a block that is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejections: Option<Vec<Rejection>>,
    cores: usize,
    memory_bytes: u64,
    #[serde(flatten)]
    forecast: Forecast,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Forecast { batches, lifts, folds, in_flight, peak_bytes, fits, prove_s, total_s } = self.forecast;
        let transactions = count(self.transactions, "transaction", "transactions");
        let cores = count(self.cores, "core", "cores");
        let left_out = match &self.rejections {
            Some(rejections) if !rejections.is_empty() => format!(", {} left out", rejections.len()),
            _ => String::new(),
        };
        writeln!(
            f,
            "{transactions}{left_out}, profile {}, {cores}, {}",
            self.profile,
            size(self.memory_bytes)
        )?;
        for rejection in self.rejections.iter().flatten() {
            writeln!(f, "  left out: {rejection}")?;
        }
        writeln!(f, "proofs         {}", proofs([batches, lifts, folds, 1]))?;
        writeln!(f, "concurrent     {in_flight}")?;
        writeln!(f, "peak memory    {}{}", size(peak_bytes), if fits { "" } else { ": does not fit" })?;
        match (prove_s, total_s) {
            (Some(prove), Some(total)) => {
                let [prove, total] = [prove, total].map(Duration::from_secs_f64).map(duration);
                writeln!(f, "proving        {prove}")?;
                writeln!(f, "total          {total}, with execution, witnesses and building the circuits")
            }
            _ => writeln!(
                f,
                "time           unknown without --calibration; `enfold bench calibrate` writes one"
            ),
        }
    }
}

impl PlanArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the calibration, the block or the state cannot be read, or the block cannot be executed.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let state = self.data.as_ref().map(|data| reading::open(data, Check::Sampled)).transpose()?;
        let profile = match &state {
            Some(state) => profile_for(state, self.profile)?,
            None => self.profile.unwrap_or(ProfileId::Standard),
        };
        let known = self.calibration.as_ref().map(|path| Calibration::read(path, profile)).transpose()?;
        let (transactions, batches, rejections) = match (&self.block, &state) {
            (Some(block), Some(state)) => {
                let (batches, execution) = planned(block, state, profile)?;
                (execution.debits.len(), batches, Some(execution.rejections))
            }
            _ => {
                let transactions = self.txs.unwrap_or(1) as usize;
                (transactions, batches_at_most(profile, transactions, !self.no_fees), None)
            }
        };
        let cores = self.cores.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from);
        // A system that does not say what is free has no bound that could be stated.
        let memory_bytes = self.memory.or_else(available_memory).unwrap_or(u64::MAX);
        let forecast = forecast(profile, transactions, &batches, cores, memory_bytes, known.as_ref());
        Outcome::of(&Report { profile, transactions, rejections, cores, memory_bytes, forecast })
    }
}

/// The circuits of a block's batches, and what the block does.
fn planned(
    block: &Path,
    state: &Snapshot,
    profile: ProfileId,
) -> Result<(Vec<BatchId>, Execution), CliError> {
    let execution = execute(state.ledger(), &records::read::<Block>(block)?).map_err(at(block))?;
    let batches = circuits_of(&Plan::new(profile.profile(), &execution));
    Ok((batches, execution))
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn bytes_have_units() {
        assert_eq!(
            ["0", "12", "3K", "2M", "24G", "1TiB", "5GB"].map(|text| bytes(text).unwrap()),
            [0, 12, 3 << 10, 2 << 20, 24 << 30, 1 << 40, 5 << 30]
        );
        for wrong in ["", "G", "1.5G", "-1", "12X", "99999999999T", "1 G"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
