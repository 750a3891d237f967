//! Ctrl-C and the like: the first lets the proofs that are under way finish, the second ends at once.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use enfold_prover::stop::Stop;
use tracing::warn;

use crate::error::CliError;
use crate::exit::Exit;

/// What [`watch`] asks of the prover.
pub static STOP: Stop = Stop::new();

/// Whether there is something to finish.
static BUSY: AtomicBool = AtomicBool::new(false);

/// Says whether there is something that a stop should wait for. As long as there is not, [`Idle`] says what it does.
pub fn set_busy(busy: bool) {
    BUSY.store(busy, Ordering::SeqCst);
}

/// What a stop does when there is nothing to finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// It ends the process.
    Exit,
    /// The command sees it and returns.
    Return,
}

/// Has SIGINT, SIGTERM and SIGHUP ask [`STOP`] from now on; on systems without signals, Ctrl-C.
///
/// # Errors
/// If the system does not let it.
pub fn watch(idle: Idle) -> Result<(), CliError> {
    ctrlc::set_handler(move || {
        if STOP.request() {
            process::exit(Exit::Stopped as i32);
        }
        match (BUSY.load(Ordering::SeqCst), idle) {
            (true, _) => warn!("stopping when the proofs under way are finished; once more to end at once"),
            (false, Idle::Return) => warn!("stopping; once more to end at once"),
            (false, Idle::Exit) => {
                warn!("stopped; the same command goes on from here");
                process::exit(Exit::Stopped as i32);
            }
        }
    })
    .map_err(CliError::Signals)
}
