//! The prover's events as log lines, and where stderr is a terminal as one bar a stage.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use enfold_circuits::params::Params;
use enfold_prover::estimate::{self, Estimate};
use enfold_prover::events::{Event, Stage};
use enfold_prover::prove::Reused;
use enfold_witness::profile::ProfileId;
use tracing::{Span, debug, info, info_span, warn};
use tracing_indicatif::span_ext::IndicatifSpanExt;
use tracing_indicatif::style::ProgressStyle;

use crate::commands::plan::size;
use crate::interrupt;
use crate::logging::{self, PROGRESS_TARGET};
use crate::output::{count, grouped};

/// Least time between two log lines that say how far the proofs are, where there are no bars.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// Turns events into log lines and bars.
#[derive(Debug)]
pub struct Progress {
    start: Instant,
    profile: ProfileId,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What is shown: the circuits' bar, or the whole and one for each stage.
    bars: Vec<Span>,
    estimate: Estimate,
    /// When the last line was written.
    line: Duration,
    /// Time that building the circuits took, and how many of them had a set-up on disk.
    circuits: (Duration, usize),
}

impl Progress {
    /// Progress of proofs of a profile.
    pub fn new(profile: ProfileId) -> Self {
        Self { start: Instant::now(), profile, state: Mutex::default() }
    }

    /// Takes an event; from any thread.
    pub fn observe(&self, event: &Event) {
        let now = self.start.elapsed();
        match event {
            Event::CircuitsStarted { profile } => {
                info!("building the circuits of profile {profile}");
                let bar = bar(
                    info_span!(target: PROGRESS_TARGET, "circuits"),
                    "{spinner} {elapsed} building circuits",
                    0,
                );
                self.lock().bars = vec![bar];
            }
            Event::CircuitsReady { loaded, elapsed, .. } => {
                let mut state = self.lock();
                state.bars.clear();
                state.circuits = (*elapsed, *loaded);
                let from = match loaded {
                    0 => String::new(),
                    loaded => format!(", {} from the cache", count(*loaded, "set-up", "set-ups")),
                };
                info!("circuits built in {}{from}", duration(*elapsed));
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
            Event::Refused { job, reason } => warn!("{job}: the kept proof is proven again: {reason}"),
            Event::Reused(reused) => info!("{}", ReusedText(reused)),
            Event::NotKept { job, reason } => warn!("{job}: proven, but not kept for a later run: {reason}"),
            &Event::MemoryShort { expected, got } => warn!(
                "the proofs at a time take {}, {} are free: use a machine with more memory or a smaller --in-flight",
                size(expected),
                size(got)
            ),
            Event::BlockClaimed { number, file, path } => {
                info!("block {number} of {file:?} claimed as {}", path.display());
            }
            Event::BlockRepeated { number, file } => info!("block {number} of {file:?} is there already"),
            Event::BlockRejected { path, file, reason } => {
                warn!("rejected {file:?}: {}; it is {} now", shown(reason), path.display());
            }
            Event::FileLeft { path, reason } => warn!("{path:?} is left for now: {}", shown(reason)),
            Event::BlocksWaiting { missing, waiting } => {
                let waiting = count(*waiting, "block waits", "blocks wait");
                warn!("block {missing} is missing: {waiting} for it");
            }
            &Event::SpaceShort { ref path, expected, got } => warn!(
                "waiting for space: the next block needs {} at {}, {} are free",
                size(expected),
                path.display(),
                size(got)
            ),
            Event::NotWritten { reason } => warn!("cannot write, trying again: {}", shown(reason)),
            Event::BlockBegun { number, path } => info!("block {number} begun: {}", path.display()),
            &Event::Proving { batches, lifts, folds, in_flight } => {
                info!("proving {batches} batches, {lifts} lifts, {folds} folds, {in_flight} at a time");
                interrupt::set_busy(true);
                self.lock().begin(&Params::of(self.profile), [batches, lifts, folds, 1], in_flight, now);
            }
            Event::Started { job } => {
                debug!("{job} begun");
                self.lock().step(event, now);
            }
            Event::Finished { job, elapsed } => {
                debug!("{job} proven in {}", duration(*elapsed));
                self.lock().step(event, now);
            }
            Event::Verified { bytes, elapsed } => {
                self.lock().bars.clear();
                info!("block proof of {} bytes verified in {}", grouped(*bytes as u64), duration(*elapsed));
            }
            Event::Written { path, bytes } => {
                info!("wrote {} ({} bytes)", path.display(), grouped(*bytes as u64))
            }
            Event::Committed { number, root } => {
                interrupt::set_busy(false);
                info!("block {number} committed, state root {root}");
            }
            _ => {}
        }
    }

    /// Time that building the circuits took, and how many of them had a set-up on disk; zero if they have not been
    /// built.
    pub fn circuits(&self) -> (Duration, usize) {
        self.lock().circuits
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A text that may hold what others have written, in one line: they must not forge another.
fn shown(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

impl State {
    fn begin(&mut self, params: &Params, totals: [usize; 4], in_flight: usize, now: Duration) {
        self.estimate = Estimate::new(params, totals, in_flight);
        self.line = now;
        let whole = bar(info_span!(target: PROGRESS_TARGET, "proofs"), "{spinner} {elapsed} {msg}", 0);
        let stages = [
            info_span!(target: PROGRESS_TARGET, "batches"),
            info_span!(target: PROGRESS_TARGET, "lifts"),
            info_span!(target: PROGRESS_TARGET, "folds"),
            info_span!(target: PROGRESS_TARGET, "block"),
        ];
        let template = "  {span_name:8} {bar:24} {pos:>5} of {len:<5} {msg}";
        let stages = stages.into_iter().zip(totals).map(|(span, total)| bar(span, template, total));
        self.bars = std::iter::once(whole).chain(stages).collect();
    }

    /// Takes a step of the proofs.
    fn step(&mut self, event: &Event, now: Duration) {
        self.estimate.observe(event, now);
        let left = self.estimate.left(now);
        if let [whole, stages @ ..] = &self.bars[..] {
            whole.pb_set_message(&left_text(left));
            for (bar, stage) in stages.iter().zip(Stage::ALL) {
                let progress = self.estimate.stage(stage);
                bar.pb_set_position(progress.done as u64);
                bar.pb_set_message(&stage_text(&progress));
            }
        }
        if !logging::has_bars() && matches!(event, Event::Finished { .. }) && now - self.line >= LINE_EVERY {
            self.line = now;
            let done = Stage::ALL.map(|stage| {
                let estimate::Progress { done, total, .. } = self.estimate.stage(stage);
                format!("{done} of {total}")
            });
            let [batches, lifts, folds, _] = done;
            info!("proven: batches {batches}, lifts {lifts}, folds {folds}; {}", left_text(left));
        }
    }
}

/// Shows a bar.
fn bar(span: Span, template: &str, len: usize) -> Span {
    // A template that does not parse would only cost the bar its looks.
    if let Ok(style) = ProgressStyle::with_template(template) {
        span.pb_set_style(&style);
    }
    span.pb_set_length(len as u64);
    span.pb_start();
    span
}

fn left_text(left: Option<Duration>) -> String {
    left.map_or_else(|| "measuring".to_owned(), |left| format!("about {} left", duration(left)))
}

fn stage_text(progress: &estimate::Progress) -> String {
    match (progress.each, progress.rate) {
        (Some(each), Some(rate)) => format!("{} each, {rate:.2}/s", duration(each)),
        (Some(each), None) => duration(each),
        _ => String::new(),
    }
}

/// What an earlier run had left, in plain words.
pub struct ReusedText<'a>(pub &'a Reused);

impl std::fmt::Display for ReusedText<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Reused { batches, lifts, folds, blocks, below, refused } = *self.0;
        let kept = count(batches + lifts + folds + blocks, "kept proof", "kept proofs");
        write!(f, "taking up {kept} ({batches} batches, {lifts} lifts, {folds} folds, {blocks} blocks)")?;
        write!(f, ", {below} below them need not be made again, {refused} refused")
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

    use super::{duration, estimate, left_text, milliseconds, shown, stage_text};

    #[test]
    fn texts_of_others_stay_in_their_line() {
        assert_eq!(shown("a\nb\u{1b}[0m é"), "a\\nb\\u{1b}[0m é");
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let texts = [25, 4_200, 2_340_000, 61_000_000, 200_000_000].map(Duration::from_micros).map(duration);
        assert_eq!(texts, ["25 us", "4 ms", "2.3 s", "61.0 s", "3 min 20 s"]);
        assert_eq!(milliseconds(Duration::from_micros(1_234)), 1.234);
    }

    #[test]
    fn bars_say_what_is_measured() {
        assert_eq!(left_text(None), "measuring");
        assert_eq!(left_text(Some(Duration::from_secs(72))), "about 72.0 s left");
        let progress = estimate::Progress { total: 9, ..estimate::Progress::default() };
        assert_eq!(stage_text(&progress), "");
        let each = Some(Duration::from_millis(5_100));
        let progress = estimate::Progress { done: 1, each, rate: Some(0.392), ..progress };
        assert_eq!(stage_text(&progress), "5.1 s each, 0.39/s");
    }
}
