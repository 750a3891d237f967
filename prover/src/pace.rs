//! How often a service looks, and how long it waits.

use std::time::Duration;

/// How often a service looks, and for how long it lets things be.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time between two looks into an inbox that has nothing to prove, and for which a block must be unchanged before it
    /// is claimed.
    pub look: Duration,
    /// Time for which a file must be unchanged before it is rejected because it is no block, and after which a service
    /// that is to end does not wait for it any more. For files that go on changing it waits thirty times as long.
    pub settle: Duration,
    /// Time after which what lasts is said again.
    pub remind: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: Duration::from_millis(500),
            settle: Duration::from_secs(10),
            remind: Duration::from_secs(600),
        }
    }
}
