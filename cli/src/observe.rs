//! Who listens to the prover's events: log lines and bars, metrics if they are asked for, and those who read the state
//! meanwhile.

use std::process;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use enfold_prover::events::Event;
use enfold_state::profile::ProfileId;
use enfold_state::store::Store;

use crate::error::CliError;
use crate::metrics::{self, Address, Metrics};
use crate::progress::Progress;
use crate::reading::{Activity, Serving};

/// The process's metrics, which the serving thread has too.
static METRICS: OnceLock<Metrics> = OnceLock::new();

/// What a prover does that has no block under way.
const WAITING: &str = "waiting for a block";

/// The listeners.
#[derive(Debug)]
pub struct Watch {
    progress: Progress,
    metrics: Option<&'static Metrics>,
    activity: Arc<Mutex<Activity>>,
    /// Ends with this.
    _serving: Option<Serving>,
}

impl Watch {
    /// Listens to proofs of a profile on a store, serves its committed states to those who read, and metrics at an
    /// address if there is one.
    ///
    /// # Errors
    /// If the address cannot be had.
    pub fn new(profile: ProfileId, address: Option<Address>, store: &Store) -> Result<Self, CliError> {
        let metrics = address.map(|address| {
            let made = Metrics::new(profile.name())?;
            let metrics = METRICS.get_or_init(|| made);
            metrics.set_height(store.height());
            metrics::serve(metrics, address)?;
            metrics.set_ready();
            Ok::<_, CliError>(metrics)
        });
        let activity = Arc::new(Mutex::new(Activity {
            process: process::id(),
            profile: profile.name().to_owned(),
            doing: WAITING.to_owned(),
            ..Activity::default()
        }));
        let seen = Arc::clone(&activity);
        let now = move || seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Self {
            progress: Progress::new(profile),
            metrics: metrics.transpose()?,
            activity,
            _serving: Serving::start(store, now),
        })
    }

    /// Takes an event; from any thread.
    pub fn observe(&self, event: &Event) {
        self.progress.observe(event);
        if let Some(metrics) = self.metrics {
            metrics.observe(event);
        }
        self.activity.lock().unwrap_or_else(PoisonError::into_inner).observe(event);
    }
}

impl Activity {
    fn observe(&mut self, event: &Event) {
        match event {
            Event::CircuitsStarted { .. } => self.doing = "building circuits".to_owned(),
            // The next one may be early while one is at work.
            Event::BlockEarly { number, .. } if self.doing == WAITING => {
                self.doing = format!("waiting for the time of block {number}");
            }
            Event::BlockBegun { number, .. } => self.doing = format!("beginning block {number}"),
            &Event::Proving { batches, lifts, folds, .. } => {
                self.doing = "proving".to_owned();
                (self.proofs_made, self.proofs) = (0, batches + lifts + folds + 1);
            }
            Event::Finished { .. } => self.proofs_made += 1,
            Event::Stopped { .. } => self.doing = "stopping".to_owned(),
            Event::Committed { .. } => {
                self.doing = WAITING.to_owned();
                (self.proofs_made, self.proofs) = (0, 0);
            }
            _ => {}
        }
    }
}
