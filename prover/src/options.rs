//! How a block is proven, and how much at a time.

use std::fs;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::ProveError;
use crate::events::Event;
use crate::stop::Stop;

/// How a block is proven. The default uses the whole machine.
#[derive(Clone, Copy, Debug)]
pub struct ProveOptions {
    /// Threads for all parallel work; `None` for rayon's global pool.
    pub threads: Option<usize>,
    /// Proofs in the making at a time; `None` for [`in_flight_by_threads`], or fewer where memory is short.
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
pub(crate) struct Workers {
    pool: Option<ThreadPool>,
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
        Ok(Self { pool: options.threads.map(build).transpose()? })
    }

    pub(crate) fn pool(&self) -> Option<&ThreadPool> {
        self.pool.as_ref()
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
    /// quarters of the memory that is free. `proof_bytes` is what the largest proof takes while it is made.
    pub(crate) fn in_flight(&self, options: &ProveOptions, proof_bytes: u64) -> usize {
        let by_memory = available_memory().map_or(usize::MAX, |free| in_flight_by_memory(free, proof_bytes));
        options.in_flight.unwrap_or_else(|| in_flight_by_threads(self.threads()).min(by_memory)).max(1)
    }
}

/// An event for proofs that take more memory than is free; `None` if they fit or nobody knows.
pub(crate) fn memory_short(in_flight: usize, proof_bytes: u64) -> Option<Event> {
    let expected = (in_flight as u64).saturating_mul(proof_bytes);
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

/// Bytes of memory that are free: the machine's, or what the control group still allows, if that is less. `None` where
/// the system does not say.
pub fn available_memory() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| kilobytes(&text, "MemAvailable:"));
    let number =
        |name: &str| fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse::<u64>().ok();
    let group = number("memory.max").map(|max| max.saturating_sub(number("memory.current").unwrap_or(0)));
    [machine, group].into_iter().flatten().min()
}

/// A number of kilobytes in such a file, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meminfo_is_read() {
        let text = "MemTotal:       24623104 kB\nMemAvailable:   23000000 kB\nBuffers: 1 kB\n";
        assert_eq!(kilobytes(text, "MemAvailable:"), Some(23_000_000 * 1024));
        assert_eq!(kilobytes("MemTotal: 1 kB\n", "MemAvailable:"), None);
        assert_eq!(kilobytes("MemAvailable: much\n", "MemAvailable:"), None);
    }

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
            assert!(matches!(memory_short(1, u64::MAX), Some(Event::MemoryShort { expected: u64::MAX, .. })));
        }
        assert_eq!(memory_short(4, 0), None);
        assert_eq!([4, 3].map(|free| in_flight_by_memory(free << 30, 1 << 30)), [3, 2]);
        assert_eq!(workers.install(rayon::current_num_threads), 3);
    }
}
