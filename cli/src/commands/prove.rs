//! `enfold prove`: proves a block and applies it to a data directory.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_prover::bound::bind;
use enfold_prover::events::Event;
use enfold_prover::job::{Reused, Stage};
use enfold_prover::options::ProveOptions;
use enfold_prover::pipeline::{Output, PipelineError, data_path, prove_and_commit};
use enfold_prover::prove::{ProvenBlock, Timings};
use enfold_state::block::Block;
use enfold_state::executor::Rejection;
use enfold_state::profile::ProfileId;
use enfold_state::store::{Store, StoreError};
use enfold_verifier::statement::BlockStatement;
use enfold_witness::plan::PlanReport;
use serde::Serialize;

use crate::error::{CliError, Failure};
use crate::exit::Exit;
use crate::interrupt::{self, Idle, STOP};
use crate::metrics::Address;
use crate::observe::Watch;
use crate::options::{CheckArgs, profile_parser};
use crate::output::Outcome;
use crate::progress::ResumedText;
use crate::proofs::{Bits, ProfileText};
use crate::records;
use crate::text::{count, duration, grouped, list, milliseconds, proofs_of, stages};

/// Options of `enfold prove`.
#[derive(Debug, Args)]
#[command(after_help = "\
Invalid transactions are left out and reported; with --strict, the block is refused instead. The
block is applied to the data directory only after the proof is verified and both files are
written. The messages that the block emits go to the data file, PROOF.data: publish it with the
proof.

Finished proofs are kept in the data directory until the block is applied. Ctrl-C waits for the
running proofs and exits with code 130; a second Ctrl-C exits at once. After either, or after a
crash, repeat the command to resume.

Examples:
  enfold prove --data state --block chain/block-1.bin --out block-1.proof
  enfold prove --data state --block block.json --out block.proof --profile test --strict")]
pub struct ProveArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The block, binary or JSON.
    #[arg(long, value_name = "FILE")]
    block: PathBuf,
    /// Output file for the proof; the data file, with the emitted messages, is PROOF.data.
    #[arg(long, value_name = "PROOF")]
    out: PathBuf,
    /// Profile to prove with; must be the data directory's [default: the data directory's].
    #[arg(long, value_parser = profile_parser())]
    profile: Option<ProfileId>,
    /// Refuse a block that has an invalid transaction.
    #[arg(long)]
    strict: bool,
    /// Replace PROOF and PROOF.data if they exist.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    check: CheckArgs,
    /// Proofs to run concurrently [default: threads / 8 but at least 2 (1 on one thread), fewer if memory is short].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    in_flight: Option<u16>,
    /// Serve Prometheus metrics, /health and /ready on this port of 127.0.0.1, or at this address and port; port 0
    /// takes a free one.
    #[arg(long, value_name = "[ADDRESS:]PORT")]
    metrics: Option<Address>,
}

#[derive(Serialize)]
struct Report<'a> {
    proof: &'a Path,
    proof_bytes: usize,
    data_file: &'a Path,
    data: &'a Path,
    security_bits: Bits,
    forgeable: bool,
    statement: BlockStatement,
    rejections: &'a [Rejection],
    plan: PlanReport,
    reused: Reused,
    timings: TimingsReport,
}

/// Times in milliseconds.
#[derive(Debug, Serialize)]
pub struct TimingsReport {
    execute_ms: f64,
    witness_ms: f64,
    prove_ms: f64,
    verify_ms: f64,
    total_ms: f64,
    /// For each kind of proof, how many and their summed time.
    jobs: Vec<StageReport>,
}

#[derive(Debug, Serialize)]
struct StageReport {
    kind: &'static str,
    proofs: usize,
    sum_ms: f64,
}

impl From<&Timings> for TimingsReport {
    fn from(timings: &Timings) -> Self {
        let of_stage = |stage: Stage| {
            let (proofs, sum) = timings.of_stage(stage);
            StageReport { kind: stage.name(), proofs, sum_ms: milliseconds(sum) }
        };
        Self {
            execute_ms: milliseconds(timings.execute),
            witness_ms: milliseconds(timings.witness),
            prove_ms: milliseconds(timings.prove),
            verify_ms: milliseconds(timings.verify),
            total_ms: milliseconds(timings.total()),
            jobs: Stage::ALL.map(of_stage).into(),
        }
    }
}

/// What was proven, in plain words.
pub struct ProvenText<'a>(pub &'a ProvenBlock);

impl fmt::Display for ProvenText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ProvenBlock { statement, report, timings, execution, .. } = self.0;
        let transactions = count(statement.transactions as usize, "transaction", "transactions");
        writeln!(f, "executed {transactions} in {}", duration(timings.execute))?;
        for rejection in &execution.rejections {
            writeln!(f, "  left out: {rejection}")?;
        }
        let batches = count(report.batches(), "batch", "batches");
        let kinds = report.kinds().map(|(kind, report)| format!("{} {kind}", report.batches()));
        write!(f, "planned {batches} ({})", kinds.collect::<Vec<_>>().join(", "))?;
        writeln!(f, " and made their witnesses in {}", duration(timings.witness))?;
        if self.0.reused != Reused::default() {
            let reused = self.0.reused;
            let proofs = reused.total() + timings.jobs.len();
            writeln!(f, "resumed: {}", ResumedText { reused, proofs })?;
        }
        let of_stage =
            |(stage, count)| format!("{} ({})", proofs_of(stage, count), duration(timings.of_stage(stage).1));
        let proofs = list(stages(Stage::ALL.map(|stage| timings.of_stage(stage).0)).map(of_stage));
        writeln!(f, "proven in {}: {proofs}", duration(timings.prove))?;
        writeln!(
            f,
            "block proof of {} bytes verified in {}",
            grouped(self.0.proof.len() as u64),
            duration(timings.verify)
        )
    }
}

/// The report's two views.
struct ProveReport<'a> {
    report: Report<'a>,
    proven: &'a ProvenBlock,
}

impl Serialize for ProveReport<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.report.serialize(serializer)
    }
}

impl fmt::Display for ProveReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { proof, data_file, data, statement, .. } = &self.report;
        writeln!(f, "block {} of chain {}", statement.block_number, statement.chain_id)?;
        write!(f, "{}", ProvenText(self.proven))?;
        writeln!(f, "previous state root {}", statement.previous_root)?;
        writeln!(f, "new state root      {}", statement.new_root)?;
        writeln!(f, "profile             {}", ProfileText(statement.profile))?;
        writeln!(f, "proof in {}, data file {}", proof.display(), data_file.display())?;
        writeln!(f, "{} is now at block {}", data.display(), statement.block_number)
    }
}

/// A block, or the blocks of a service, were not proven, written and applied.
#[derive(Debug, thiserror::Error)]
#[error("{}{source}", blamed(path, source))]
pub struct BlockError {
    path: PathBuf,
    source: PipelineError,
}

impl BlockError {
    /// Puts the block's file in front of what is wrong with the block.
    pub fn of(path: &Path) -> impl Fn(PipelineError) -> Self {
        move |source| Self { path: path.to_owned(), source }
    }
}

/// The block's file in front of an error that is about the block. Errors of files and of the store name their own.
fn blamed(block: &Path, error: &PipelineError) -> String {
    match error {
        PipelineError::File(_) | PipelineError::Store(StoreError::Io { .. }) => String::new(),
        PipelineError::Store(error) if error.is_damage() => String::new(),
        _ => format!("{}: ", block.display()),
    }
}

impl Failure for BlockError {
    fn exit(&self) -> Exit {
        self.source.exit()
    }

    fn kind(&self) -> &'static str {
        self.source.kind()
    }

    fn hint(&self) -> &'static str {
        self.source.hint()
    }

    fn rejections(&self) -> &[Rejection] {
        self.source.rejections()
    }
}

impl ProveArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the block cannot be executed or proven, or the outputs cannot be written. The data directory is
    /// then as before.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let block: Block = records::read(&self.block)?;
        let mut store = Store::open_checked(&self.data, self.check.check())?;
        let profile = bind(&mut store, self.profile)?;
        let output = Output { proof: self.out.clone(), force: self.force };
        let options = ProveOptions {
            strict: self.strict,
            in_flight: self.in_flight.map(usize::from),
            stop: Some(&STOP),
            ..ProveOptions::default()
        };
        let watch = Watch::new(profile, self.metrics, &store)?;
        interrupt::watch(Idle::Exit)?;
        let observe = |event: &Event| {
            watch.observe(event);
            if let Event::Committed { .. } = event {
                interrupt::set_done();
            }
        };
        let proven = prove_and_commit(&mut store, profile, &block, &output, &options, &observe)
            .map_err(BlockError::of(&self.block))?;
        let report = Report {
            proof: &self.out,
            proof_bytes: proven.proof.len(),
            data_file: &data_path(&self.out),
            data: &self.data,
            security_bits: Bits::of(profile),
            forgeable: profile.forgeable(),
            statement: proven.statement,
            rejections: proven.rejections(),
            plan: proven.report,
            reused: proven.reused,
            timings: (&proven.timings).into(),
        };
        Outcome::of(&ProveReport { report, proven: &proven })
    }
}
