//! `enfold bench calibrate`: what proofs cost on this machine, for `enfold plan`.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Args;
use enfold_circuits::circuit_set::Circuit;
use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::cache::{build_circuits, circuits};
use enfold_prover::calibration::Calibration;
use enfold_prover::cost::proofs_memory;
use enfold_prover::events::Event;
use enfold_prover::machine::peak_memory;
use enfold_prover::options::ProveOptions;
use enfold_prover::prove::prove_block;
use enfold_state::profile::{BatchId, ProfileId};
use serde::Serialize;

use crate::error::CliError;
use crate::options::{OutArgs, profile_parser};
use crate::output::{Outcome, ReportError};
use crate::progress::Progress;
use crate::text::{count, duration, size};

/// Options of `enfold bench calibrate`.
#[derive(Debug, Args)]
#[command(mut_arg("out", |out| out.help("Output file for the calibration, in JSON")))]
#[command(after_help = "\
Builds the circuits and proves a generated block of full batches. Run it on an otherwise idle
machine.

Examples:
  enfold bench calibrate --out calibration.json
  enfold bench calibrate --profile test --batches 3 --out test.json --force")]
pub struct CalibrateArgs {
    /// The profile.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
    /// Full debit batches in the block; it has as many credit batches.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1000))]
    batches: u16,
    #[command(flatten)]
    out: OutArgs,
}

#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    calibration: Calibration,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Calibration { cores, in_flight, .. } = self.calibration;
        let time = |seconds| duration(Duration::from_secs_f64(seconds));
        let (cores, in_flight) = (count(cores, "core", "cores"), count(in_flight, "proof", "proofs"));
        writeln!(f, "profile {}, {cores}, {in_flight} concurrently", self.calibration.profile)?;
        writeln!(
            f,
            "core time of a batch {}, a lift {}, a fold {}, the block {}",
            time(self.calibration.batch_s),
            time(self.calibration.lift_s),
            time(self.calibration.fold_s),
            time(self.calibration.block_s)
        )?;
        let circuits = time(self.calibration.circuits_s);
        writeln!(
            f,
            "circuits built in {circuits}, memory beside proofs {}",
            size(self.calibration.base_bytes)
        )?;
        writeln!(f, "written to {}", self.file.display())
    }
}

impl CalibrateArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the block cannot be proven or the file cannot be written.
    pub fn run(&self) -> Result<Outcome, CliError> {
        self.out.check()?;
        let legs = self.profile.profile().shape(BatchId::DebitWide).paths() * usize::from(self.batches);
        let mut world = World::new(WorldSpec { accounts: 4 * legs, ..WorldSpec::default() });
        let block = world.block(legs);
        let progress = Progress::new(self.profile);
        let in_flight = AtomicUsize::new(1);
        let observe = |event: &Event| {
            if let Event::Proving { in_flight: at_a_time, batches, .. } = event {
                in_flight.store((*at_a_time).min(*batches), Ordering::Relaxed);
            }
            progress.observe(event);
        };
        let set = circuits(self.profile);
        // All of them, so that a forecast is none too low for any block.
        build_circuits(set, Circuit::all(), &observe)?;
        let proven = prove_block(set, world.ledger(), &block, &ProveOptions::default(), &observe)?;
        let in_flight = in_flight.into_inner();
        let base = peak_memory().unwrap_or(0).saturating_sub(proofs_memory(set.params(), in_flight));
        let cores = rayon::current_num_threads();
        let calibration =
            Calibration::of(self.profile, &proven, progress.circuits().0, cores, in_flight, base);
        let mut text = serde_json::to_vec_pretty(&calibration).map_err(ReportError)?;
        text.push(b'\n');
        self.out.write(&text)?;
        Outcome::of(&Report { file: self.out.path(), calibration })
    }
}
