//! `enfold bench scaling`: throughput by cores, concurrent proofs and batch size.

use clap::Args;
use enfold_benches::sweep::{strong, weak};

use super::sweep::{Sweep, SweepArgs, cores};
use crate::error::CliError;
use crate::output::Outcome;

/// Options of `enfold bench scaling`.
#[derive(Debug, Args)]
#[command(after_help = "\
Strong scaling proves one block of --txs transfers on each number of cores, with each number of
concurrent proofs, which share the cores; weak scaling, with --weak, proves --txs transfers per
core. A core is a thread of the pool; threads are not pinned. Accounts, signatures and circuits
are made before the clock starts, and proofs are verified after it stops. Every finished point is
written to disk: --continue resumes after an interruption, or adds points.

Examples:
  enfold bench scaling --out scaling
  enfold bench scaling --cores 1,2,4 --txs 2000 --weak --batch 14,15,16 --skew 0.9 --out scaling
  enfold bench scaling --profile test --cores 1,2 --txs 100 --accounts 1000 --out scaling --continue")]
pub struct ScalingArgs {
    /// Numbers of cores [default: powers of two up to all, and all].
    #[arg(long, value_name = "C,...", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1024))]
    cores: Vec<u16>,
    /// Transfers in the block.
    #[arg(long, value_name = "N", default_value_t = 700, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    txs: u32,
    /// Numbers of concurrent proofs [default: powers of two up to the cores, and the cores].
    #[arg(long, value_name = "P,...", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1024))]
    in_flight: Vec<u16>,
    /// Measure weak scaling too.
    #[arg(long)]
    weak: bool,
    /// Sizes of debit batch to measure too, as log2 of the circuit's rows, on the most cores.
    #[arg(long, value_name = "B,...", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(8..=20))]
    batch: Vec<u16>,
    /// What is proven, and where results go.
    #[command(flatten)]
    sweep: SweepArgs,
}

impl ScalingArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If more cores are asked for than there are, or a point cannot be measured.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let sizes = |list: &[u16]| -> Vec<usize> { list.iter().map(|&number| number.into()).collect() };
        let (there, txs) = (cores(), self.txs as usize);
        let mut cores = sizes(&self.cores);
        if cores.is_empty() {
            cores = enfold_benches::sweep::in_flight_of(there);
        }
        let most = cores.iter().copied().max().unwrap_or(1);
        if most > there {
            let message = format!("expected at most {there} cores, which this machine has, got {most}");
            return Err(CliError::usage(message));
        }
        let in_flight = sizes(&self.in_flight);
        let mut places = strong(&cores, (!in_flight.is_empty()).then_some(&in_flight), txs);
        if self.weak {
            places.extend(weak(&cores, txs));
        }
        let mut sweep = Sweep::new(&self.sweep)?;
        sweep.batches(&sizes(&self.batch), most)?;
        sweep.points(&places)?;
        sweep.finish()
    }
}
