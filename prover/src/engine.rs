//! Runs a graph of jobs with a bounded number in flight.
//!
//! Each worker is a thread that takes the next ready job, runs it and hands the proof to the job's parent. What
//! is higher in the tree goes first, then what is earlier in the block, so proofs are used up soon. The
//! parallel parts of a job run in the thread pool, which all workers share. After the first error no job is begun.

use std::any::Any;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rayon::ThreadPool;
use tracing::{Span, info_span};

use crate::events::{Event, Job, Observer};
use crate::graph::Graph;

/// Makes proofs.
pub(crate) trait Engine: Sync {
    /// A proof of any kind.
    type Proof: Send;
    /// Why there is none.
    type Error: Send;

    /// Makes the proof of a job from those of its children, in order.
    fn run(&self, job: Job, children: Vec<(Job, Self::Proof)>) -> Result<Self::Proof, Self::Error>;

    /// The error for a job that panicked.
    fn panicked(&self, job: Job, message: String) -> Self::Error;
}

/// What the workers share.
struct Shared<P, E> {
    /// Jobs whose children are done: height and place.
    ready: BTreeSet<(Reverse<usize>, usize)>,
    /// For each node the number of children that are not done.
    missing: Vec<usize>,
    /// Proofs that their parents have not taken yet.
    proofs: Vec<Option<P>>,
    elapsed: Vec<Duration>,
    left: usize,
    error: Option<E>,
}

/// The block proof, and the time that each node took.
pub(crate) type Outcome<P> = (P, Vec<(Job, Duration)>);

/// Runs all jobs of a graph.
pub(crate) fn run<E: Engine>(
    graph: &Graph,
    engine: &E,
    in_flight: usize,
    pool: Option<&ThreadPool>,
    observer: Observer<'_>,
) -> Result<Outcome<E::Proof>, E::Error> {
    let missing: Vec<_> = graph.nodes.iter().map(|node| node.children.len()).collect();
    let leaves = graph.nodes.iter().enumerate().filter(|(_, node)| node.children.is_empty());
    let shared = Mutex::new(Shared {
        ready: leaves.map(|(i, node)| (Reverse(node.height), i)).collect(),
        missing,
        proofs: graph.nodes.iter().map(|_| None).collect(),
        elapsed: vec![Duration::ZERO; graph.nodes.len()],
        left: graph.nodes.len(),
        error: None,
    });
    let workers =
        Workers { graph, engine, pool, observer, shared, changed: Condvar::new(), span: Span::current() };
    std::thread::scope(|scope| {
        for _ in 0..in_flight.clamp(1, graph.nodes.len()) {
            scope.spawn(|| workers.work());
        }
    });
    let mut shared = workers.shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = shared.error {
        return Err(error);
    }
    let root = shared.proofs.pop().flatten().expect("without an error every node is done");
    Ok((root, graph.nodes.iter().map(|node| node.job).zip(shared.elapsed).collect()))
}

struct Workers<'a, E: Engine> {
    graph: &'a Graph,
    engine: &'a E,
    pool: Option<&'a ThreadPool>,
    observer: Observer<'a>,
    shared: Mutex<Shared<E::Proof, E::Error>>,
    changed: Condvar,
    span: Span,
}

/// A job with its children's proofs.
type Task<P> = (usize, Vec<(Job, P)>);

impl<E: Engine> Workers<'_, E> {
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
            .unwrap_or_else(|payload| Err(self.engine.panicked(job, message(payload.as_ref()))));
            self.done(node, start.elapsed(), result);
        }
    }

    fn prove(&self, job: Job, children: Vec<(Job, E::Proof)>) -> Result<E::Proof, E::Error> {
        // Made here, where the parent is entered; the pool's threads know nothing of it.
        let span = match job {
            Job::Batch { number, batch } => info_span!("batch", number, circuit = batch.name()),
            Job::Lift { number } => info_span!("lift", number),
            Job::Fold { number } => info_span!("fold", number),
            Job::Block => info_span!("block"),
        };
        let prove = || span.in_scope(|| self.engine.run(job, children));
        match self.pool {
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
                shared.elapsed[node] = elapsed;
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
