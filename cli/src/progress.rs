//! The prover's events as log lines and progress bars.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use enfold_prover::events::Event;
use tracing::{Span, debug, info, info_span};
use tracing_indicatif::span_ext::IndicatifSpanExt;
use tracing_indicatif::style::ProgressStyle;

use crate::logging::PROGRESS_TARGET;
use crate::output::{count, grouped};

/// Turns events into log lines and, where stderr is a terminal, bars.
#[derive(Debug, Default)]
pub struct Progress {
    /// The bar that is shown, if there is one.
    bar: Mutex<Option<Span>>,
    /// Time that building the circuits took.
    circuits: Mutex<Duration>,
}

impl Progress {
    /// Takes an event; from any thread.
    pub fn observe(&self, event: &Event) {
        match event {
            Event::CircuitsStarted { profile } => {
                info!("building the circuits of profile {profile}");
                let bar = info_span!(target: PROGRESS_TARGET, "building circuits");
                self.show(bar, "{spinner} {elapsed} building circuits");
            }
            Event::CircuitsReady { elapsed, .. } => {
                self.hide();
                *self.circuits.lock().unwrap_or_else(PoisonError::into_inner) = *elapsed;
                info!("circuits built in {}", duration(*elapsed));
            }
            Event::Executed { transactions, rejected, messages, elapsed } => {
                let transactions = count(*transactions, "transaction", "transactions");
                let messages = count(*messages, "message", "messages");
                info!("executed {transactions}, {rejected} left out, {messages}, in {}", duration(*elapsed));
            }
            Event::Witnessed { plan, elapsed } => {
                let batches = count(plan.batches(), "batch", "batches");
                info!("planned {batches} and made their witnesses in {}", duration(*elapsed));
            }
            Event::Proving { batches, lifts, folds, in_flight } => {
                info!("proving {batches} batches, {lifts} lifts, {folds} folds, {in_flight} at a time");
                let bar = info_span!(target: PROGRESS_TARGET, "proving");
                bar.pb_set_length((batches + lifts + folds + 1) as u64);
                self.show(bar, "{spinner} {elapsed} {bar:30} {pos} of {len} proofs {msg}");
            }
            Event::Started { job } => debug!("{job} begun"),
            Event::Finished { job, elapsed } => {
                debug!("{job} proven in {}", duration(*elapsed));
                if let Some(bar) = &*self.bar.lock().unwrap_or_else(PoisonError::into_inner) {
                    bar.pb_inc(1);
                    bar.pb_set_message(&format!("({job})"));
                }
            }
            Event::Verified { bytes, elapsed } => {
                self.hide();
                info!("block proof of {} bytes verified in {}", grouped(*bytes as u64), duration(*elapsed));
            }
            Event::Written { path, bytes } => {
                info!("wrote {} ({} bytes)", path.display(), grouped(*bytes as u64))
            }
            Event::Committed { number, root } => info!("block {number} committed, state root {root}"),
            _ => {}
        }
    }

    /// Time that building the circuits took; zero if they have not been built.
    pub fn circuits_time(&self) -> Duration {
        *self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, bar: Span, template: &str) {
        // A template that does not parse would only cost the bar its looks.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.pb_set_style(&style);
        }
        bar.pb_start();
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    fn hide(&self) {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A time in the unit that suits it.
pub fn duration(elapsed: Duration) -> String {
    match elapsed.as_secs_f64() {
        seconds if seconds < 0.001 => format!("{:.0} us", seconds * 1e6),
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        seconds if seconds < 120.0 => format!("{seconds:.1} s"),
        seconds => format!("{:.0} min {:02.0} s", (seconds / 60.0).floor(), seconds % 60.0),
    }
}

/// A time in milliseconds, for JSON.
pub fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{duration, milliseconds};

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let texts = [25, 4_200, 2_340_000, 61_000_000, 200_000_000].map(Duration::from_micros).map(duration);
        assert_eq!(texts, ["25 us", "4 ms", "2.3 s", "61.0 s", "3 min 20 s"]);
        assert_eq!(milliseconds(Duration::from_micros(1_234)), 1.234);
    }
}
