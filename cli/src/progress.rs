//! The prover's events as log lines, and where stderr is a terminal as one bar a stage.

use std::iter;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use enfold_circuits::circuit_set::Circuit;
use enfold_circuits::params::Params;
use enfold_prover::estimate::{self, Estimate};
use enfold_prover::events::Event;
use enfold_prover::job::{Reused, Stage};
use enfold_state::profile::ProfileId;
use tracing::{Span, debug, info, info_span, warn};
use tracing_indicatif::span_ext::IndicatifSpanExt;
use tracing_indicatif::style::ProgressStyle;

use crate::interrupt;
use crate::logging::{self, PROGRESS_TARGET};
use crate::text::{
    TimeText, count, duration, grouped, list, milliseconds, minutes, plural, proofs, size, stages,
};

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
    /// What is shown: the circuits' bar, or the whole and one for each stage that has proofs.
    bars: Vec<(Option<Stage>, Span)>,
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
            &Event::CircuitsStarted { profile, circuits } => {
                let all = Circuit::all().count();
                info!(%profile, circuits, "building the circuits of profile {profile}: {circuits} of {all}");
                let bar = bar(
                    info_span!(target: PROGRESS_TARGET, "circuits"),
                    "{spinner} {elapsed} building circuits",
                    0,
                );
                self.lock().bars = vec![(None, bar)];
            }
            &Event::CircuitsReady { circuits, loaded, elapsed, .. } => {
                let mut state = self.lock();
                state.bars.clear();
                state.circuits.0 += elapsed;
                state.circuits.1 += loaded;
                drop(state);
                let from = match loaded {
                    0 => String::new(),
                    loaded => format!(", {} from the cache", count(loaded, "set-up", "set-ups")),
                };
                let (what, elapsed_ms) = (count(circuits, "circuit", "circuits"), milliseconds(elapsed));
                info!(elapsed_ms, circuits, loaded, "{what} built in {}{from}", duration(elapsed));
            }
            &Event::Executed { transactions, rejected, messages, elapsed } => {
                info!(
                    transactions,
                    rejected,
                    messages,
                    elapsed_ms = milliseconds(elapsed),
                    "executed {}, {rejected} left out, {}, in {}",
                    count(transactions, "transaction", "transactions"),
                    count(messages, "message", "messages"),
                    duration(elapsed)
                );
            }
            Event::Witnessed { plan, elapsed } => {
                let batches = plan.batches();
                info!(
                    batches,
                    elapsed_ms = milliseconds(*elapsed),
                    "planned {} and made their witnesses in {}",
                    count(batches, "batch", "batches"),
                    duration(*elapsed)
                );
            }
            Event::Refused { job, reason } => {
                warn!(%job, reason, "{job}: kept proof refused, proving it again: {reason}")
            }
            &Event::Resumed { reused, proofs } => {
                let Reused { batches, lifts, folds, blocks, below, refused } = reused;
                let text = ResumedText { reused, proofs };
                info!(batches, lifts, folds, blocks, below, refused, "resuming: {text}");
            }
            Event::NotKept { job, reason } => {
                warn!(%job, reason, "{job}: proven, but could not be kept: {reason}")
            }
            &Event::MemoryShort { expected, got } => warn!(
                expected,
                got,
                "concurrent proofs need {}, only {} are free: use a machine with more memory or a smaller --in-flight",
                size(expected),
                size(got)
            ),
            Event::BlockClaimed { number, file, path } => info!(
                block = number,
                file,
                path = %path.display(),
                "claimed block {number} from {file:?} as {}",
                path.display()
            ),
            Event::BlockRepeated { number, file } => {
                info!(block = number, file, "block {number} from {file:?} was delivered before")
            }
            Event::BlockRejected { path, file, reason } => warn!(
                path = %path.display(),
                file,
                reason,
                "rejected {file:?}: {reason}; moved to {}",
                path.display()
            ),
            Event::FileLeft { path, reason } => {
                warn!(path = %path.display(), reason, "left {path:?} in place for now: {reason}")
            }
            &Event::BlocksWaiting { missing, waiting } => warn!(
                missing,
                waiting,
                "block {missing} is missing: {} for it",
                count(waiting, "block waits", "blocks wait")
            ),
            &Event::BlockEarly { number, time, clock } => warn!(
                block = number,
                time,
                clock,
                "block {number} waits: expected a time of at most 60 s after the clock, {clock}, got {}",
                TimeText(time)
            ),
            &Event::SpaceShort { ref path, expected, got } => warn!(
                path = %path.display(),
                expected,
                got,
                "waiting for disk space: the next block needs {} at {}, only {} are free",
                size(expected),
                path.display(),
                size(got)
            ),
            Event::NotWritten { reason } => warn!(reason, "cannot write, retrying: {reason}"),
            Event::BlockBegun { number, path } => {
                info!(block = number, path = %path.display(), "started block {number}: {}", path.display())
            }
            &Event::Proving { batches, lifts, folds, in_flight } => {
                info!(
                    batches,
                    lifts,
                    folds,
                    in_flight,
                    "proving {}, {in_flight} concurrently",
                    proofs([batches, lifts, folds, 1])
                );
                interrupt::set_busy(true);
                self.lock().begin(&Params::of(self.profile), [batches, lifts, folds, 1], in_flight, now);
            }
            Event::Started { job } => {
                debug!(stage = job.stage().name(), %job, "{job} started");
                self.lock().step(event, now);
            }
            Event::Finished { job, elapsed } => {
                let (stage, elapsed_ms) = (job.stage().name(), milliseconds(*elapsed));
                debug!(stage, %job, elapsed_ms, "{job} proven in {}", duration(*elapsed));
                self.lock().step(event, now);
            }
            Event::Verified { bytes, elapsed } => {
                self.lock().bars.clear();
                let (text, elapsed_ms) = (grouped(*bytes as u64), milliseconds(*elapsed));
                info!(bytes, elapsed_ms, "block proof of {text} bytes verified in {}", duration(*elapsed));
            }
            Event::Written { path, bytes } => {
                let shown = path.display();
                info!(path = %shown, bytes, "wrote {shown} ({} bytes)", grouped(*bytes as u64))
            }
            Event::Committed { number, root } => {
                interrupt::set_busy(false);
                info!(block = number, height = number, %root, "block {number} committed, state root {root}");
            }
            &Event::Stopped { left } => {
                interrupt::set_busy(false);
                self.lock().bars.clear();
                info!(left, "running proofs are finished, {left} left");
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
        let stages = Stage::ALL.into_iter().zip(stages).zip(totals).filter(|&(_, total)| total > 0);
        let stages = stages.map(|((stage, span), total)| (Some(stage), bar(span, template, total)));
        self.bars = iter::once((None, whole)).chain(stages).collect();
    }

    /// Takes a step of the proofs.
    fn step(&mut self, event: &Event, now: Duration) {
        self.estimate.observe(event, now);
        let left = self.estimate.left(now);
        for (stage, bar) in &self.bars {
            match stage.map(|stage| self.estimate.stage(stage)) {
                Some(progress) => {
                    bar.pb_set_position(progress.done as u64);
                    bar.pb_set_message(&stage_text(&progress));
                }
                None => bar.pb_set_message(&left_text(left)),
            }
        }
        if !logging::has_bars() && matches!(event, Event::Finished { .. }) && now - self.line >= LINE_EVERY {
            self.line = now;
            let done = |stage| {
                let estimate::Progress { done, total, .. } = self.estimate.stage(stage);
                format!("{done} of {total}")
            };
            let [batches, lifts, folds, _] = Stage::ALL.map(done);
            let left_ms = left.map(milliseconds);
            let totals = Stage::ALL.map(|stage| self.estimate.stage(stage).total);
            // The block proof is the last, so none is made yet.
            let shown = stages(totals).filter(|&(stage, _)| stage != Stage::Block);
            let shown = list(shown.map(|(stage, _)| format!("{} {}", plural(stage), done(stage))));
            info!(batches, lifts, folds, left_ms, "proven: {shown}; {}", left_text(left));
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

/// An estimate, in whole seconds: more would be made up.
fn left_text(left: Option<Duration>) -> String {
    match left.map(|left| left.as_secs_f64().round() as u64) {
        None => "measuring".to_owned(),
        Some(0) => "less than a second left".to_owned(),
        Some(seconds @ 1..60) => format!("about {seconds} s left"),
        Some(seconds) => format!("about {} left", minutes(seconds)),
    }
}

fn stage_text(progress: &estimate::Progress) -> String {
    match (progress.each, progress.rate) {
        (Some(each), Some(rate)) => format!("{} each, {rate:.2}/s", duration(each)),
        (Some(each), None) => duration(each),
        _ => String::new(),
    }
}

/// How much of a block is done when it is resumed, in plain words.
pub struct ResumedText {
    /// The kept proofs that are reused.
    pub reused: Reused,
    /// Proofs that the block takes.
    pub proofs: usize,
}

impl std::fmt::Display for ResumedText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let done = grouped(self.reused.total() as u64);
        write!(f, "{done} of {} already done", count(self.proofs, "proof", "proofs"))?;
        match self.reused.refused {
            0 => Ok(()),
            refused => write!(f, ", {} refused", count(refused, "kept proof", "kept proofs")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_kind_is_one() {
        let reused = Reused { batches: 1, below: 17, ..Reused::default() };
        let text = |refused| ResumedText { reused: Reused { refused, ..reused }, proofs: 31 }.to_string();
        assert_eq!(text(0), "18 of 31 proofs already done");
        assert_eq!(text(1), "18 of 31 proofs already done, 1 kept proof refused");
    }

    #[test]
    fn bars_say_what_is_measured() {
        assert_eq!(left_text(None), "measuring");
        let left = [0, 300, 900, 45_200, 72_000, 108_100, 124_000, 5_400_000]
            .map(|ms| left_text(Some(Duration::from_millis(ms))));
        let expected = ["1 s", "45 s", "1 min 12 s", "1 min 48 s", "2 min 04 s", "1 h 30 min"];
        assert_eq!(&left[..2], ["less than a second left"; 2]);
        assert_eq!(&left[2..], expected.map(|left| format!("about {left} left")));
        let progress = estimate::Progress { total: 9, ..estimate::Progress::default() };
        assert_eq!(stage_text(&progress), "");
        let each = Some(Duration::from_millis(5_100));
        let progress = estimate::Progress { done: 1, each, rate: Some(0.392), ..progress };
        assert_eq!(stage_text(&progress), "5.1 s each, 0.39/s");
    }
}
