//! Metrics in Prometheus text, and whether the prover is ready.
//!
//! | metric | kind | labels | |
//! |---|---|---|---|
//! | `enfold_block_height` | gauge | | number of the last block that was applied |
//! | `enfold_blocks_total` | counter | `result`: `proven`, `rejected`, `repeated` | deliveries that are done |
//! | `enfold_inbox_files` | gauge | | files in the inbox that cannot be taken yet |
//! | `enfold_queued_blocks` | gauge | | blocks that are claimed and not proven |
//! | `enfold_waiting_blocks` | gauge | | those of them that wait for one that is missing |
//! | `enfold_early_blocks` | gauge | | those whose time is more than 60 s ahead of the clock |
//! | `enfold_rejected_files` | gauge | | files in the folder for rejected blocks |
//! | `enfold_transactions_total` | counter | `result`: `executed`, `rejected` | of executed blocks |
//! | `enfold_messages_total` | counter | | of executed blocks |
//! | `enfold_build_info` | gauge | `version`, `profile` | 1 |
//! | `enfold_ready` | gauge | | 1 if blocks are taken, 0 while it starts, builds circuits or stops |
//! | `enfold_block_under_way` | gauge | | number of the block that is being proven, or 0 |
//! | `enfold_last_commit_timestamp_seconds` | gauge | | when the last block was applied |
//! | `enfold_proofs_total` | counter | `stage` | proofs that were made |
//! | `enfold_proofs_reused_total` | counter | | kept proofs reused, with those below them |
//! | `enfold_proofs_left` | gauge | `stage` | proofs that the current block still needs |
//! | `enfold_proofs_running` | gauge | `stage` | proofs that are running |
//! | `enfold_proof_seconds` | histogram | `stage` | time of each proof |
//! | `enfold_execute_seconds`, `enfold_witness_seconds`, `enfold_circuits_seconds`, `enfold_verify_seconds` | histogram | | time of what comes before and after the proofs |

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use enfold_prover::events::{Backlog, Event};
use enfold_prover::job::Stage;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

pub use self::server::{Address, serve};
use crate::error::Failure;
use crate::exit::Exit;
use crate::interrupt;

/// Two metrics have one name.
#[derive(Debug, thiserror::Error)]
#[error("metrics: {0}")]
pub struct MetricNameError(#[from] prometheus::Error);

impl Failure for MetricNameError {
    fn exit(&self) -> Exit {
        Exit::Internal
    }

    fn kind(&self) -> &'static str {
        "metrics"
    }
}

mod server;

/// Upper bounds of the histograms' buckets, in seconds.
const BUCKETS: [f64; 14] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 120.0, 600.0];

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Why no blocks are taken; `None` if they are.
    not_ready: Mutex<Option<&'static str>>,
    ready: IntGauge,
    build: IntGaugeVec,
    under_way: IntGauge,
    inbox: IntGauge,
    queued: IntGauge,
    waiting: IntGauge,
    early: IntGauge,
    rejected: IntGauge,
    committed: IntGauge,
    height: IntGauge,
    blocks: IntCounterVec,
    transactions: IntCounterVec,
    messages: IntCounter,
    proofs: IntCounterVec,
    reused: IntCounter,
    left: IntGaugeVec,
    running: IntGaugeVec,
    proof_seconds: HistogramVec,
    execute: Histogram,
    witness: Histogram,
    circuits: Histogram,
    verify: Histogram,
}

fn seconds(name: &str, help: &str) -> HistogramOpts {
    HistogramOpts::new(name, help).buckets(BUCKETS.to_vec())
}

impl Metrics {
    /// Metrics of a prover for this profile, that say nothing else yet.
    ///
    /// # Errors
    /// If two have one name, which is a fault of the program.
    pub fn new(profile: &str) -> Result<Self, MetricNameError> {
        let metrics = Self {
            registry: Registry::new(),
            not_ready: Mutex::new(Some("starting")),
            ready: IntGauge::new("enfold_ready", "1 if blocks are accepted, else 0.")?,
            build: IntGaugeVec::new(
                Opts::new("enfold_build_info", "The program's version and profile; always 1."),
                &["version", "profile"],
            )?,
            under_way: IntGauge::new(
                "enfold_block_under_way",
                "Number of the block that is being proven, or 0.",
            )?,
            inbox: IntGauge::new("enfold_inbox_files", "Files in the inbox that cannot be taken yet.")?,
            queued: IntGauge::new("enfold_queued_blocks", "Blocks that are taken and not proven yet.")?,
            waiting: IntGauge::new(
                "enfold_waiting_blocks",
                "Blocks that wait for one that has not been delivered.",
            )?,
            early: IntGauge::new(
                "enfold_early_blocks",
                "Blocks in the queue whose time is more than 60 s ahead of the clock.",
            )?,
            rejected: IntGauge::new("enfold_rejected_files", "Files in the folder for rejected blocks.")?,
            committed: IntGauge::new(
                "enfold_last_commit_timestamp_seconds",
                "When the last block was applied, in seconds since 1970; 0 if this process applied none.",
            )?,
            height: IntGauge::new("enfold_block_height", "Number of the last block that was applied.")?,
            blocks: IntCounterVec::new(
                Opts::new("enfold_blocks_total", "Delivered blocks that are dealt with."),
                &["result"],
            )?,
            transactions: IntCounterVec::new(
                Opts::new("enfold_transactions_total", "Transactions of executed blocks."),
                &["result"],
            )?,
            messages: IntCounter::new("enfold_messages_total", "Messages of executed blocks.")?,
            proofs: IntCounterVec::new(
                Opts::new("enfold_proofs_total", "Proofs that were made."),
                &["stage"],
            )?,
            reused: IntCounter::new(
                "enfold_proofs_reused_total",
                "Kept proofs of an earlier run that were reused, with those below them.",
            )?,
            left: IntGaugeVec::new(
                Opts::new("enfold_proofs_left", "Proofs that the current block still needs."),
                &["stage"],
            )?,
            running: IntGaugeVec::new(
                Opts::new("enfold_proofs_running", "Proofs that are running."),
                &["stage"],
            )?,
            proof_seconds: HistogramVec::new(
                seconds("enfold_proof_seconds", "Time of each proof."),
                &["stage"],
            )?,
            execute: Histogram::with_opts(seconds("enfold_execute_seconds", "Time of executing a block."))?,
            witness: Histogram::with_opts(seconds(
                "enfold_witness_seconds",
                "Time of planning a block and making its witnesses.",
            ))?,
            circuits: Histogram::with_opts(seconds(
                "enfold_circuits_seconds",
                "Time of building the circuits.",
            ))?,
            verify: Histogram::with_opts(seconds(
                "enfold_verify_seconds",
                "Time of verifying a block proof.",
            ))?,
        };
        metrics.build.with_label_values(&[env!("CARGO_PKG_VERSION"), profile]).set(1);
        // Series that are there from the start: a rate over one that is not there yet misses its first step.
        for stage in Stage::ALL.map(|stage| [stage.name()]) {
            metrics.proofs.with_label_values(&stage);
            metrics.left.with_label_values(&stage);
            metrics.running.with_label_values(&stage);
            metrics.proof_seconds.with_label_values(&stage);
        }
        metrics.register()?;
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let add = |collector: Box<dyn prometheus::core::Collector>| self.registry.register(collector);
        add(Box::new(self.build.clone()))?;
        for gauge in [
            &self.ready,
            &self.height,
            &self.under_way,
            &self.inbox,
            &self.queued,
            &self.waiting,
            &self.early,
            &self.rejected,
            &self.committed,
        ] {
            add(Box::new(gauge.clone()))?;
        }
        add(Box::new(self.blocks.clone()))?;
        add(Box::new(self.transactions.clone()))?;
        add(Box::new(self.messages.clone()))?;
        add(Box::new(self.proofs.clone()))?;
        add(Box::new(self.reused.clone()))?;
        add(Box::new(self.left.clone()))?;
        add(Box::new(self.running.clone()))?;
        add(Box::new(self.proof_seconds.clone()))?;
        [&self.execute, &self.witness, &self.circuits, &self.verify]
            .into_iter()
            .try_for_each(|histogram| add(Box::new(histogram.clone())))
    }

    /// Takes an event; from any thread.
    pub fn observe(&self, event: &Event) {
        match event {
            Event::CircuitsStarted { .. } => self.set_not_ready("building circuits"),
            Event::CircuitsReady { elapsed, .. } => {
                self.circuits.observe(elapsed.as_secs_f64());
                self.set_ready();
            }
            &Event::Backlog(Backlog { inbox, queued, waiting, early, rejected }) => {
                self.inbox.set(inbox as i64);
                self.queued.set(queued as i64);
                self.waiting.set(waiting as i64);
                self.early.set(early as i64);
                self.rejected.set(rejected as i64);
            }
            Event::BlockBegun { number, .. } => self.under_way.set(i64::from(*number)),
            Event::Stopped { .. } => self.set_not_ready("stopping"),
            Event::Executed { transactions, rejected, messages, elapsed } => {
                self.transactions.with_label_values(&["executed"]).inc_by(*transactions as u64);
                self.transactions.with_label_values(&["rejected"]).inc_by(*rejected as u64);
                self.messages.inc_by(*messages as u64);
                self.execute.observe(elapsed.as_secs_f64());
            }
            Event::Witnessed { elapsed, .. } => self.witness.observe(elapsed.as_secs_f64()),
            Event::Resumed { reused, .. } => self.reused.inc_by(reused.total() as u64),
            &Event::Proving { batches, lifts, folds, .. } => {
                for (stage, left) in Stage::ALL.into_iter().zip([batches, lifts, folds, 1]) {
                    self.left.with_label_values(&[stage.name()]).set(left as i64);
                }
            }
            Event::Started { job } => self.running.with_label_values(&[job.stage().name()]).inc(),
            Event::Finished { job, elapsed } => {
                let stage = [job.stage().name()];
                self.running.with_label_values(&stage).dec();
                self.left.with_label_values(&stage).dec();
                self.proofs.with_label_values(&stage).inc();
                self.proof_seconds.with_label_values(&stage).observe(elapsed.as_secs_f64());
            }
            Event::Verified { elapsed, .. } => self.verify.observe(elapsed.as_secs_f64()),
            Event::Committed { number, .. } => {
                self.height.set(i64::from(*number));
                self.under_way.set(0);
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                self.committed.set(now.as_secs() as i64);
                self.blocks.with_label_values(&["proven"]).inc();
            }
            Event::BlockRejected { .. } => self.blocks.with_label_values(&["rejected"]).inc(),
            Event::BlockRepeated { .. } => self.blocks.with_label_values(&["repeated"]).inc(),
            _ => {}
        }
    }

    /// Says at which block the state is.
    pub fn set_height(&self, height: u32) {
        self.height.set(i64::from(height));
    }

    /// Says that blocks are taken from now on.
    pub fn set_ready(&self) {
        self.ready.set(1);
        *self.not_ready.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn set_not_ready(&self, why: &'static str) {
        self.ready.set(0);
        *self.not_ready.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// Why no blocks are taken; `None` if they are.
    fn not_ready(&self) -> Option<&'static str> {
        if interrupt::STOP.requested() {
            return Some("stopping");
        }
        *self.not_ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All metrics, in Prometheus text.
    fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

#[cfg(test)]
mod tests {
    use enfold_prover::events::{Backlog, Event};

    use super::Metrics;

    #[test]
    fn gauges_follow_the_events() {
        let metrics = Metrics::new("test").unwrap();
        let has = |line: &str| {
            let text = metrics.text().unwrap();
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        };
        has("enfold_ready 0");
        metrics.set_ready();
        metrics.observe(&Event::Backlog(Backlog { inbox: 1, queued: 2, waiting: 3, early: 5, rejected: 4 }));
        metrics.observe(&Event::BlockBegun { number: 7, path: "block".into() });
        for line in [
            "enfold_ready 1",
            "enfold_inbox_files 1",
            "enfold_queued_blocks 2",
            "enfold_waiting_blocks 3",
            "enfold_early_blocks 5",
            "enfold_rejected_files 4",
            "enfold_block_under_way 7",
            "enfold_last_commit_timestamp_seconds 0",
        ] {
            has(line);
        }
        metrics.observe(&Event::Stopped { left: 3 });
        has("enfold_ready 0");
        assert_eq!(metrics.not_ready(), Some("stopping"));
    }
}
