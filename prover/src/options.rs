//! How a block is proven, and how much at a time.

use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::ProveError;
use crate::events::Event;
pub use crate::limits::available_memory;
use crate::stop::Stop;

/// How a block is proven. The default uses the whole machine.
#[derive(Clone, Copy, Debug)]
pub struct ProveOptions {
    /// Threads for all parallel work; `None` for rayon's global pool.
    pub threads: Option<usize>,
    /// Proofs to run concurrently; `None` for [`in_flight_by_threads`], or fewer where memory is short.
    pub in_flight: Option<usize>,
    /// Refuse a block that has an invalid transaction.
    pub strict: bool,
    /// Check each batch witness natively before it is proven, for about a hundredth of the proof's time. A witness
    /// that breaks a rule is then named by rule and leg; without the check, by circuit constraint at best.
    pub check_witness: bool,
    /// Where a request to stop comes from.
    pub stop: Option<&'static Stop>,
}

impl Default for ProveOptions {
    fn default() -> Self {
        Self { threads: None, in_flight: None, strict: false, check_witness: true, stop: None }
    }
}

/// The pool in which a block is proven.
#[derive(Clone)]
pub(crate) struct Workers {
    pool: Option<Arc<ThreadPool>>,
}

impl Workers {
    pub(crate) fn new(options: &ProveOptions) -> Result<Self, ProveError> {
        let build = |threads: usize| {
            ThreadPoolBuilder::new()
                .num_threads(threads.max(1))
                .thread_name(|i| format!("prove-{i}"))
                .build()
                .map_err(|source| ProveError::Threads { threads, source })
        };
        Ok(Self { pool: options.threads.map(build).transpose()?.map(Arc::new) })
    }

    pub(crate) fn pool(&self) -> Option<&ThreadPool> {
        self.pool.as_deref()
    }

    /// Runs a parallel step in the pool.
    pub(crate) fn install<T: Send>(&self, step: impl FnOnce() -> T + Send) -> T {
        match &self.pool {
            Some(pool) => pool.install(step),
            None => step(),
        }
    }

    fn threads(&self) -> usize {
        match &self.pool {
            Some(pool) => pool.current_num_threads(),
            None => rayon::current_num_threads(),
        }
    }

    /// Proofs in flight: what the options say, or as many as the threads are worth, but not more than fit into three
    /// quarters of the memory that is free. `proof_bytes` is what the largest of them takes while it is made.
    pub(crate) fn in_flight(&self, options: &ProveOptions, proof_bytes: u64) -> usize {
        let by_memory = available_memory().map_or(usize::MAX, |free| in_flight_by_memory(free, proof_bytes));
        options.in_flight.unwrap_or_else(|| in_flight_by_threads(self.threads()).min(by_memory)).max(1)
    }
}

/// An event for proofs that take more memory than is free; `None` if they fit or nobody knows.
pub(crate) fn memory_short(expected: u64) -> Option<Event> {
    available_memory().filter(|&got| got < expected).map(|got| Event::MemoryShort { expected, got })
}

/// Proofs that so many threads are worth: a second one uses what the first leaves idle, and a proof has enough work
/// for eight threads. More than that cost memory and were not faster.
pub fn in_flight_by_threads(threads: usize) -> usize {
    match threads {
        0 | 1 => 1,
        many => (many / 8).max(2),
    }
}

/// Proofs that fit into three quarters of this many bytes; the rest is for everything else.
pub fn in_flight_by_memory(free: u64, proof_bytes: u64) -> usize {
    usize::try_from(free / 4 * 3 / proof_bytes.max(1)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_flight_follows_the_threads() {
        let of = [0, 1, 2, 3, 8, 16, 23, 24, 64].map(in_flight_by_threads);
        assert_eq!(of, [1, 1, 2, 2, 2, 2, 2, 3, 8]);
    }

    #[test]
    fn in_flight_is_bounded() {
        let options = ProveOptions { threads: Some(3), ..ProveOptions::default() };
        let workers = Workers::new(&options).unwrap();
        assert_eq!(workers.in_flight(&options, 1), 2);
        assert_eq!(workers.in_flight(&options, 0), 2);
        assert_eq!(workers.in_flight(&ProveOptions { in_flight: Some(9), ..options }, 1), 9);
        assert_eq!(workers.in_flight(&ProveOptions { in_flight: Some(0), ..options }, 1), 1);
        if available_memory().is_some() {
            assert_eq!(workers.in_flight(&options, u64::MAX), 1);
            assert!(matches!(memory_short(u64::MAX), Some(Event::MemoryShort { expected: u64::MAX, .. })));
        }
        assert_eq!(memory_short(0), None);
        assert_eq!([4, 3].map(|free| in_flight_by_memory(free << 30, 1 << 30)), [3, 2]);
        assert_eq!(workers.install(rayon::current_num_threads), 3);
    }
}
