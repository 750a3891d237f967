//! Who listens to the prover's events: log lines and bars, and metrics if they are asked for.

use std::sync::OnceLock;

use enfold_prover::events::Event;
use enfold_witness::profile::ProfileId;

use crate::error::CliError;
use crate::metrics::Metrics;
use crate::progress::Progress;

/// The process's metrics, which the serving thread has too.
static METRICS: OnceLock<Metrics> = OnceLock::new();

/// The listeners.
#[derive(Debug)]
pub struct Watch {
    progress: Progress,
    metrics: Option<&'static Metrics>,
}

impl Watch {
    /// Listens to proofs of a profile on a state at some height, and serves metrics at a port if there is one.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub fn new(profile: ProfileId, port: Option<u16>, height: u32) -> Result<Self, CliError> {
        let metrics = port.map(|port| {
            let made = Metrics::new().map_err(CliError::MetricNames)?;
            let metrics = METRICS.get_or_init(|| made);
            metrics.set_height(height);
            metrics.serve(port).map(|()| metrics)
        });
        Ok(Self { progress: Progress::new(profile), metrics: metrics.transpose()? })
    }

    /// Takes an event; from any thread.
    pub fn observe(&self, event: &Event) {
        self.progress.observe(event);
        if let Some(metrics) = self.metrics {
            metrics.observe(event);
        }
    }
}
