//! A request to stop, which may come from a signal handler.

use std::sync::atomic::{AtomicBool, Ordering};

/// Asks a running job to begin nothing more. What is under way is finished and kept.
#[derive(Debug, Default)]
pub struct Stop(AtomicBool);

impl Stop {
    /// Nothing is asked yet.
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Asks for it; whether it was asked for before.
    pub fn request(&self) -> bool {
        self.0.swap(true, Ordering::SeqCst)
    }

    /// Whether it was asked for.
    pub fn requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
