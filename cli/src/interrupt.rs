//! Signals: the first lets the proofs that are under way finish, the second ends at once.
//!
//! A signal that the process was started to ignore stays ignored: `nohup` does that with SIGHUP, and shells without job
//! control with SIGINT of what they start in the background.

use std::process;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use enfold_prover::stop::Stop;
use tracing::warn;

use crate::error::{CliError, Failure};
use crate::exit::Exit;

/// The system does not let signals be caught.
#[derive(Debug, thiserror::Error)]
#[error("cannot wait for signals: {0}")]
struct SignalsError(#[source] std::io::Error);

impl Failure for SignalsError {
    fn exit(&self) -> Exit {
        Exit::Internal
    }

    fn kind(&self) -> &'static str {
        "signals"
    }
}

/// What [`watch`] asks of the prover.
pub static STOP: Stop = Stop::new();

/// Longest that a stop waits where nothing is proven. What goes on then (executing a block, say) is of no use without
/// the proofs after it.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the process is at.
static WORK: AtomicU8 = AtomicU8::new(IDLE);
const IDLE: u8 = 0;
const PROVING: u8 = 1;
const DONE: u8 = 2;

/// Says whether proofs are being made, for which a stop should wait. As long as there are none, [`Idle`] says what it
/// does.
pub fn set_busy(busy: bool) {
    WORK.store(if busy { PROVING } else { IDLE }, Ordering::SeqCst);
}

/// Says that all is done but to report it: a stop comes too late.
pub fn set_done() {
    WORK.store(DONE, Ordering::SeqCst);
}

/// What a stop does when there is nothing to finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// It ends the process.
    Exit,
    /// The command sees it and returns.
    Return,
}

/// Has SIGINT, SIGTERM and SIGHUP ask [`STOP`] from now on, unless they are ignored; on systems without signals, Ctrl-C.
///
/// # Errors
/// If the system does not let it.
pub fn watch(idle: Idle) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(SignalsError)?;
    {
        // What is caught is caught from here on, and not only when the thread runs.
        let _inside = runtime.enter();
        for mut signal in signals().map_err(SignalsError)? {
            runtime.spawn(async move {
                while signal.recv().await.is_some() {
                    asked(idle);
                }
            });
        }
    }
    let wait = move || runtime.block_on(std::future::pending::<()>());
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map_err(SignalsError)?;
    Ok(())
}

/// What is to be caught.
#[cfg(unix)]
fn signals() -> std::io::Result<Vec<tokio::signal::unix::Signal>> {
    use tokio::signal::unix::{SignalKind, signal};
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let all = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    all.into_iter().filter(|kind| !is_ignored(&status, kind.as_raw_value())).map(signal).collect()
}

#[cfg(windows)]
fn signals() -> std::io::Result<Vec<tokio::signal::windows::CtrlC>> {
    Ok(vec![tokio::signal::windows::ctrl_c()?])
}

/// Whether a process ignores a signal, by its `/proc/PID/status` (proc(5)): the mask's lowest bit is that of signal 1.
/// Where there is no such file it is not known, and taken for not ignored.
#[cfg_attr(windows, allow(dead_code))]
fn is_ignored(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// A signal has come.
fn asked(idle: Idle) {
    if STOP.request() {
        process::exit(Exit::Stopped as i32);
    }
    match (WORK.load(Ordering::SeqCst), idle) {
        (DONE, _) => {}
        (PROVING, _) => {
            warn!("stopping once the running proofs are finished; repeat the signal to stop at once");
            lose_patience();
        }
        (_, Idle::Return) => {
            warn!("stopping; repeat the signal to stop at once");
            lose_patience();
        }
        (_, Idle::Exit) => stopped(),
    }
}

fn stopped() {
    warn!("stopped: repeat the command to resume");
    process::exit(Exit::Stopped as i32);
}

/// Ends the process when nothing has been proven for some time, and it has not ended by itself.
fn lose_patience() {
    let wait = || {
        let mut since = Instant::now();
        while since.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(50));
            if WORK.load(Ordering::SeqCst) != IDLE {
                since = Instant::now();
            }
        }
        stopped();
    };
    // Without a thread there is still the second signal.
    drop(thread::Builder::new().name("patience".to_owned()).spawn(wait));
}

#[cfg(test)]
mod tests {
    use super::is_ignored;

    #[test]
    fn ignored_signals_are_known_by_the_mask() {
        // nohup; a background job of a shell without job control; neither.
        let status =
            |mask: &str| format!("Name:\tenfold\nSigBlk:\t0000000000000000\nSigIgn:\t{mask}\nSigCgt:\t1\n");
        let ignored = |mask: &str| [1, 2, 15].map(|signal| is_ignored(&status(mask), signal));
        assert_eq!(ignored("0000000000000001"), [true, false, false]);
        assert_eq!(ignored("0000000000000006"), [false, true, false]);
        assert_eq!(ignored("0000000000001000"), [false, false, false]);
        assert_eq!(ignored("ffffffffffffffff"), [true, true, true]);
        assert!(!is_ignored("", 1));
    }
}
