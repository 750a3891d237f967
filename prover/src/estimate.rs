//! How far a block is, and how long it will take: from what each stage has cost so far.
//!
//! A proof's time is measured while others are made beside it, so `left` proofs of a stage take
//! `left * mean / in_flight`. A stage of which none is finished yet costs as its circuit compares with those of
//! the stages that were measured.

use std::collections::BTreeMap;
use std::time::Duration;

use enfold_circuits::circuit_set::Circuit;
use enfold_circuits::params::Params;
use enfold_state::kind::{BatchId, FamilyId};
use enfold_verifier::verify::InnerCircuit;

use crate::cost::circuit_cost;
use crate::events::Event;
use crate::job::{Job, Stage};

/// One stage of a block's proofs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// Proofs that this run makes.
    pub total: usize,
    /// Those that are made.
    pub done: usize,
    /// Time of one, on average; `None` before the first.
    pub each: Option<Duration>,
    /// Proofs a second since the stage's first was begun; `None` before the first is made.
    pub rate: Option<f64>,
}

#[derive(Clone, Debug, Default)]
struct Tally {
    total: usize,
    done: usize,
    busy: Duration,
    begun: Option<Duration>,
    last: Duration,
    /// What the proofs that are made cost, compared with those of other stages.
    cost: f64,
}

/// A circuit of a stage's proofs, for a stage of which none is made. Batches are the first to be made.
const fn typical(stage: Stage) -> Circuit {
    match stage {
        Stage::Batch => Circuit::Inner(InnerCircuit::Batch(BatchId::ALL[0])),
        Stage::Lift => Circuit::Inner(InnerCircuit::Lift(FamilyId::FIRST)),
        Stage::Fold => Circuit::Inner(InnerCircuit::Fold),
        Stage::Block => Circuit::Block,
    }
}

/// Estimates the time that is left of a block. Times given to it are since any one moment.
#[derive(Clone, Debug, Default)]
pub struct Estimate {
    stages: [Tally; 4],
    running: BTreeMap<Job, Duration>,
    in_flight: usize,
    costs: BTreeMap<Circuit, f64>,
}

impl Estimate {
    /// Proofs of a profile's circuits, none of them begun, `in_flight` at a time.
    pub fn new(params: &Params, totals: [usize; 4], in_flight: usize) -> Self {
        let stages = Stage::ALL.map(|stage| Tally { total: totals[stage as usize], ..Tally::default() });
        let costs = Circuit::all().map(|circuit| (circuit, circuit_cost(params, circuit))).collect();
        Self { stages, running: BTreeMap::new(), in_flight, costs }
    }

    /// Takes note of an event at a time.
    pub fn observe(&mut self, event: &Event, now: Duration) {
        match event {
            Event::Started { job } => {
                self.stages[job.stage() as usize].begun.get_or_insert(now);
                self.running.insert(*job, now);
            }
            Event::Finished { job, elapsed } => {
                let tally = &mut self.stages[job.stage() as usize];
                tally.done += 1;
                tally.busy += *elapsed;
                tally.cost += self.costs.get(&job.circuit()).copied().unwrap_or_default();
                tally.last = now;
                self.running.remove(job);
            }
            _ => {}
        }
    }

    /// How far a stage is.
    pub fn stage(&self, stage: Stage) -> Progress {
        let Tally { total, done, busy, begun, last, .. } = self.stages[stage as usize];
        let span = last.saturating_sub(begun.unwrap_or(last)).as_secs_f64();
        Progress {
            total,
            done,
            each: busy.checked_div(done as u32),
            rate: (done > 0 && span > 0.0).then(|| done as f64 / span),
        }
    }

    /// Mean time of a stage's proof, in seconds: measured, or by what it costs compared with those that were.
    fn cost(&self, stage: Stage) -> Option<f64> {
        let tally = &self.stages[stage as usize];
        if tally.done > 0 {
            return Some(tally.busy.as_secs_f64() / tally.done as f64);
        }
        let measured = self.stages.iter().filter(|tally| tally.done > 0);
        let (busy, cost) = measured
            .fold((0.0, 0.0), |(busy, cost), tally| (busy + tally.busy.as_secs_f64(), cost + tally.cost));
        let own = self.costs.get(&typical(stage))?;
        (cost > 0.0).then(|| own * busy / cost)
    }

    /// Time of the proofs that are left; `None` before the first is made.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        let mut work = 0.0;
        for stage in Stage::ALL {
            let tally = &self.stages[stage as usize];
            let left = tally.total.saturating_sub(tally.done);
            if left > 0 {
                work += self.cost(stage)? * left as f64;
            }
        }
        // What is running is done in part.
        for (job, &begun) in &self.running {
            work -= now.saturating_sub(begun).as_secs_f64().min(self.cost(job.stage())?);
        }
        Some(Duration::from_secs_f64(work.max(0.0) / self.in_flight.max(1) as f64))
    }
}

#[cfg(test)]
mod tests {
    use enfold_state::profile::ProfileId;

    use super::*;

    fn batch(number: usize) -> Job {
        Job::Batch { number, batch: BatchId::DebitWide }
    }

    /// A run on a clock: batches take 10 s, lifts 3 s, two at a time.
    #[test]
    fn time_left_is_by_stage() {
        let params = Params::of(ProfileId::Standard);
        let mut estimate = Estimate::new(&params, [6, 2, 1, 1], 2);
        let second = |seconds: u64| Duration::from_secs(seconds);
        let made = |estimate: &mut Estimate, job: Job, from: u64, to: u64| {
            estimate.observe(&Event::Started { job }, second(from));
            estimate.observe(&Event::Finished { job, elapsed: second(to - from) }, second(to));
        };
        assert_eq!(estimate.left(second(0)), None, "nothing is measured yet");
        made(&mut estimate, batch(0), 0, 10);
        made(&mut estimate, batch(1), 0, 10);
        // Lifts and the rest cost by their cells, 189 columns to 174; block by half of the rows at an eighth of the
        // rate, which is as much.
        let lift = 10.0 * 189.0 / 174.0;
        let expected = (4.0 * 10.0 + 2.0 * lift + lift + lift) / 2.0;
        let got = estimate.left(second(10)).unwrap().as_secs_f64();
        assert!((got - expected).abs() < 0.01, "{got} {expected}");
        // A running batch counts for what it still takes.
        estimate.observe(&Event::Started { job: batch(2) }, second(10));
        let got = estimate.left(second(14)).unwrap().as_secs_f64();
        assert!((got - expected + 2.0).abs() < 0.01, "{got}");
        // And for nothing when it takes longer than it should; it never counts twice.
        let got = estimate.left(second(99)).unwrap().as_secs_f64();
        assert!((got - expected + 5.0).abs() < 0.01, "{got}");
        estimate.observe(&Event::Finished { job: batch(2), elapsed: second(10) }, second(20));
        // A measured lift replaces the guess.
        made(&mut estimate, Job::Lift { number: 0, family: FamilyId::Large }, 20, 23);
        let got = estimate.left(second(23)).unwrap().as_secs_f64();
        // By three batches and a lift, 33 s, what fold and block cost.
        let rest = 33.0 * 2.0 * 189.0 / (3.0 * 174.0 + 189.0);
        assert!((got - (3.0 * 10.0 + 3.0 + rest) / 2.0).abs() < 0.01, "{got}");
        let lifts = estimate.stage(Stage::Lift);
        assert_eq!((lifts.total, lifts.done, lifts.each), (2, 1, Some(second(3))));
        let batches = estimate.stage(Stage::Batch);
        assert_eq!((batches.done, batches.rate), (3, Some(3.0 / 20.0)));
        assert_eq!(estimate.stage(Stage::Block).each, None);
    }
}
