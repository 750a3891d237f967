//! Metrics in Prometheus text on a loopback port.
//!
//! | metric | kind | labels | |
//! |---|---|---|---|
//! | `enfold_block_height` | gauge | | number of the last block that was applied |
//! | `enfold_blocks_total` | counter | `result`: `proven`, `rejected`, `repeated` | deliveries that are done |
//! | `enfold_inbox_files` | gauge | | files in the inbox that cannot be taken yet |
//! | `enfold_queued_blocks` | gauge | | blocks that are claimed and not proven |
//! | `enfold_waiting_blocks` | gauge | | those of them that wait for one that is missing |
//! | `enfold_rejected_files` | gauge | | files in the folder for rejected blocks |
//! | `enfold_transactions_total` | counter | `result`: `executed`, `rejected` | of executed blocks |
//! | `enfold_messages_total` | counter | | of executed blocks |
//! | `enfold_proofs_total` | counter | `stage` | proofs that were made |
//! | `enfold_proofs_reused_total` | counter | | kept proofs taken up, and those below them |
//! | `enfold_proofs_left` | gauge | `stage` | proofs that the block under way still needs |
//! | `enfold_proofs_running` | gauge | `stage` | proofs in the making |
//! | `enfold_proof_seconds` | histogram | `stage` | time of each proof |
//! | `enfold_execute_seconds`, `enfold_witness_seconds`, `enfold_circuits_seconds`, `enfold_verify_seconds` | histogram | | time of what comes before and after the proofs |

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use enfold_prover::events::{Backlog, Event, Stage};
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};
use tiny_http::{Header, Method, Response, Server};
use tracing::info;

use crate::error::CliError;

/// Upper bounds of the histograms' buckets, in seconds.
const BUCKETS: [f64; 14] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 120.0, 600.0];

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    height: IntGauge,
    blocks: IntCounterVec,
    inbox: IntGauge,
    queued: IntGauge,
    waiting: IntGauge,
    rejected: IntGauge,
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
    /// Metrics that say nothing yet.
    ///
    /// # Errors
    /// If two have one name, which is a fault of the program.
    pub fn new() -> Result<Self, prometheus::Error> {
        let metrics = Self {
            registry: Registry::new(),
            height: IntGauge::new("enfold_block_height", "Number of the last block that was applied.")?,
            blocks: IntCounterVec::new(
                Opts::new("enfold_blocks_total", "Deliveries of blocks that are done."),
                &["result"],
            )?,
            inbox: IntGauge::new("enfold_inbox_files", "Files in the inbox that cannot be taken yet.")?,
            queued: IntGauge::new("enfold_queued_blocks", "Blocks that are claimed and not proven.")?,
            waiting: IntGauge::new(
                "enfold_waiting_blocks",
                "Claimed blocks that wait for one that is missing.",
            )?,
            rejected: IntGauge::new("enfold_rejected_files", "Files in the folder for rejected blocks.")?,
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
                "Kept proofs of an earlier run that were taken up, and those below them.",
            )?,
            left: IntGaugeVec::new(
                Opts::new("enfold_proofs_left", "Proofs that the block under way still needs."),
                &["stage"],
            )?,
            running: IntGaugeVec::new(
                Opts::new("enfold_proofs_running", "Proofs in the making."),
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
        metrics.register()?;
        Ok(metrics)
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        let add = |collector: Box<dyn prometheus::core::Collector>| self.registry.register(collector);
        add(Box::new(self.height.clone()))?;
        add(Box::new(self.blocks.clone()))?;
        [&self.inbox, &self.queued, &self.waiting, &self.rejected]
            .into_iter()
            .try_for_each(|gauge| add(Box::new(gauge.clone())))?;
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
            Event::CircuitsReady { elapsed, .. } => self.circuits.observe(elapsed.as_secs_f64()),
            Event::Executed { transactions, rejected, messages, elapsed } => {
                self.transactions.with_label_values(&["executed"]).inc_by(*transactions as u64);
                self.transactions.with_label_values(&["rejected"]).inc_by(*rejected as u64);
                self.messages.inc_by(*messages as u64);
                self.execute.observe(elapsed.as_secs_f64());
            }
            Event::Witnessed { elapsed, .. } => self.witness.observe(elapsed.as_secs_f64()),
            Event::Reused(reused) => self.reused.inc_by(reused.total() as u64),
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
                self.blocks.with_label_values(&["proven"]).inc();
            }
            Event::BlockRejected { .. } => self.blocks.with_label_values(&["rejected"]).inc(),
            Event::BlockRepeated { .. } => self.blocks.with_label_values(&["repeated"]).inc(),
            &Event::Backlog(Backlog { inbox, queued, waiting, rejected }) => {
                self.inbox.set(inbox as i64);
                self.queued.set(queued as i64);
                self.waiting.set(waiting as i64);
                self.rejected.set(rejected as i64);
            }
            _ => {}
        }
    }

    /// Says at which block the state is.
    pub fn set_height(&self, height: u32) {
        self.height.set(i64::from(height));
    }

    /// All metrics, in Prometheus text.
    fn text(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// Serves the metrics at `/metrics` of this port on 127.0.0.1, as long as the process lives; port 0 is any free
    /// one. The address is logged.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub fn serve(&'static self, port: u16) -> Result<(), CliError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let server = Server::http(address).map_err(|source| CliError::Metrics { address, source })?;
        info!("metrics at http://{}/metrics", server.server_addr());
        let name = "metrics".to_owned();
        thread::Builder::new()
            .name(name)
            .spawn(move || self.answer(&server))
            .map_err(|source| CliError::Metrics { address, source: source.into() })?;
        Ok(())
    }

    fn answer(&self, server: &Server) {
        loop {
            let Ok(request) = server.recv() else {
                thread::sleep(Duration::from_millis(100));
                continue;
            };
            let response = match (request.method(), request.url(), self.text()) {
                (Method::Get, "/metrics", Ok(text)) => {
                    let kind = Header::from_bytes("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
                    kind.into_iter().fold(Response::from_string(text), Response::with_header)
                }
                (Method::Get, "/metrics", Err(error)) => {
                    Response::from_string(error.to_string()).with_status_code(500)
                }
                _ => Response::from_string("metrics are at /metrics\n").with_status_code(404),
            };
            // A reader that left is no concern.
            let _ = request.respond(response);
        }
    }
}
