//! Runs a graph of jobs with a bounded number in flight.
//!
//! Each worker is a thread that takes the next ready job, runs it and hands the proof to the job's parent. What
//! is higher in the tree goes first, then what is earlier in the block, so proofs are used up soon. The
//! parallel parts of a job run in the thread pool, which all workers share. After the first error, or a request to
//! stop, no job is begun. Proofs that are there already are taken as they are, and nothing below them is made.

use std::any::Any;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rayon::ThreadPool;
use tracing::Span;

use crate::events::{Event, Observer};
use crate::graph::Graph;
use crate::job::Job;
use crate::spans;
use crate::stop::Stop;

/// Makes proofs.
pub(crate) trait Runner: Sync {
    /// A proof of any kind.
    type Proof: Send;
    /// Why there is none.
    type Error: Send;

    /// Makes the proof of a job from those of its children, in order.
    fn run(&self, job: Job, children: Vec<(Job, Self::Proof)>) -> Result<Self::Proof, Self::Error>;

    /// The error for a job that panicked.
    fn panicked(&self, job: Job, message: String) -> Self::Error;

    /// The error for a run that was stopped when so many proofs were left to be made.
    fn stopped(&self, left: usize) -> Self::Error;
}

/// How jobs are run.
#[derive(Clone, Copy)]
pub(crate) struct Limits<'a> {
    /// Jobs at a time.
    pub in_flight: usize,
    /// Where their parallel parts run; `None` for rayon's global pool.
    pub pool: Option<&'a ThreadPool>,
    /// Asked before each job.
    pub stop: Option<&'a Stop>,
}

/// What the workers share.
struct Shared<P, E> {
    /// Jobs whose children are done: height and place.
    ready: BTreeSet<(Reverse<usize>, usize)>,
    /// For each node the number of children that are not done.
    missing: Vec<usize>,
    /// Proofs that their parents have not taken yet.
    proofs: Vec<Option<P>>,
    /// Of those that were made.
    elapsed: Vec<Option<Duration>>,
    left: usize,
    error: Option<E>,
}

impl<P, E> Shared<P, E> {
    /// Everything that the block proof needs and that is not there.
    fn new(graph: &Graph, proofs: Vec<Option<P>>) -> Self {
        let to_make = graph.to_make(|node| proofs[node].is_some());
        let missing: Vec<_> = (graph.nodes.iter())
            .map(|node| node.children.iter().filter(|&&child| proofs[child].is_none()).count())
            .collect();
        let ready = to_make.iter().filter(|&&node| missing[node] == 0);
        let ready = ready.map(|&node| (Reverse(graph.nodes[node].height), node)).collect();
        let elapsed = vec![None; graph.nodes.len()];
        Self { ready, missing, proofs, elapsed, left: to_make.len(), error: None }
    }
}

/// The block proof, and the time that each node took that was made.
pub(crate) type Outcome<P> = (P, Vec<(Job, Duration)>);

/// Makes the block proof of a graph. `proofs` has those that are there already, by node.
pub(crate) fn run<E: Runner>(
    graph: &Graph,
    runner: &E,
    proofs: Vec<Option<E::Proof>>,
    limits: Limits<'_>,
    observer: Observer<'_>,
) -> Result<Outcome<E::Proof>, E::Error> {
    let shared = Mutex::new(Shared::new(graph, proofs));
    let workers =
        Workers { graph, runner, limits, observer, shared, changed: Condvar::new(), span: Span::current() };
    std::thread::scope(|scope| {
        for _ in 0..limits.in_flight.clamp(1, graph.nodes.len()) {
            scope.spawn(|| workers.work());
        }
    });
    let mut shared = workers.shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = shared.error {
        return Err(error);
    }
    let root = shared.proofs.pop().flatten().expect("without an error every node is done");
    let made = graph.nodes.iter().zip(shared.elapsed);
    Ok((root, made.filter_map(|(node, elapsed)| Some((node.job, elapsed?))).collect()))
}

struct Workers<'a, E: Runner> {
    graph: &'a Graph,
    runner: &'a E,
    limits: Limits<'a>,
    observer: Observer<'a>,
    shared: Mutex<Shared<E::Proof, E::Error>>,
    changed: Condvar,
    span: Span,
}

/// A job with its children's proofs.
type Task<P> = (usize, Vec<(Job, P)>);

impl<E: Runner> Workers<'_, E> {
    fn work(&self) {
        let _entered = self.span.enter();
        while let Some((node, children)) = self.next() {
            let job = self.graph.nodes[node].job;
            let start = Instant::now();
            // Observers and provers may panic; neither may leave the other workers waiting.
            let result = catch_unwind(AssertUnwindSafe(|| {
                (self.observer)(&Event::Started { job });
                let result = self.prove(job, children);
                if result.is_ok() {
                    (self.observer)(&Event::Finished { job, elapsed: start.elapsed() });
                }
                result
            }))
            .unwrap_or_else(|payload| Err(self.runner.panicked(job, message(payload.as_ref()))));
            self.done(node, start.elapsed(), result);
        }
    }

    fn prove(&self, job: Job, children: Vec<(Job, E::Proof)>) -> Result<E::Proof, E::Error> {
        // Made here, where the parent is entered; the pool's threads know nothing of it.
        let span = spans::job(job);
        let prove = || span.in_scope(|| self.runner.run(job, children));
        match self.limits.pool {
            Some(pool) => pool.install(prove),
            None => prove(),
        }
    }

    /// Waits for a ready job; `None` when there is nothing left to do.
    fn next(&self) -> Option<Task<E::Proof>> {
        let mut shared = self.lock();
        loop {
            if shared.left == 0 || shared.error.is_some() {
                return None;
            }
            if self.limits.stop.is_some_and(Stop::requested) {
                shared.error = Some(self.runner.stopped(shared.left));
                return None;
            }
            if let Some((_, node)) = shared.ready.pop_first() {
                let take = |&child: &usize| Some((self.graph.nodes[child].job, shared.proofs[child].take()?));
                let children = self.graph.nodes[node].children.iter().filter_map(take).collect();
                return Some((node, children));
            }
            shared = self.changed.wait(shared).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, node: usize, elapsed: Duration, result: Result<E::Proof, E::Error>) {
        let mut shared = self.lock();
        match result {
            Ok(proof) => {
                shared.proofs[node] = Some(proof);
                shared.elapsed[node] = Some(elapsed);
                shared.left -= 1;
                if let Some(parent) = self.graph.nodes[node].parent {
                    shared.missing[parent] -= 1;
                    if shared.missing[parent] == 0 {
                        shared.ready.insert((Reverse(self.graph.nodes[parent].height), parent));
                    }
                }
            }
            Err(error) => {
                shared.error.get_or_insert(error);
            }
        }
        drop(shared);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Shared<E::Proof, E::Error>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text of a panic.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests;
