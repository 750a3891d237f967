//! Reading a data directory, whether or not a prover has it open.
//!
//! When nobody writes, the file is read. When a prover does, it is asked: it serves its committed states on a socket in
//! the data directory ([`server`]). Both ways give the same [`Snapshot`].

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use enfold_state::leaf::{Address, Asset, LeafIndex, MAX_ACCOUNTS};
use enfold_state::ledger::Ledger;
use enfold_state::store::{Check, Head, Snapshot, StoreError, read_head};
use serde::{Deserialize, Serialize};

use crate::error::{CliError, Failure};
use crate::text::{count, leaves_text};

#[cfg(unix)]
mod server;
#[cfg(unix)]
pub use server::Serving;
#[cfg(unix)]
use server::connect;

#[cfg(not(unix))]
pub use elsewhere::Serving;
#[cfg(not(unix))]
use elsewhere::connect;

/// An address has no leaf of an asset.
#[derive(Debug, thiserror::Error)]
#[error("{}: no leaf of address {address} and asset {asset}", path.display())]
pub struct UnknownAccountError {
    path: PathBuf,
    address: Address,
    asset: Asset,
}

impl Failure for UnknownAccountError {
    fn kind(&self) -> &'static str {
        "unknown_account"
    }
}

/// A state has nothing at an index.
#[derive(Debug, thiserror::Error)]
#[error("{}: expected the index of one of {expected}, got {got}", path.display())]
pub struct UnknownLeafError {
    path: PathBuf,
    expected: String,
    got: LeafIndex,
}

impl UnknownLeafError {
    /// Neither a leaf nor a contract.
    pub fn leaf(path: &Path, ledger: &Ledger, got: LeafIndex) -> Self {
        let contracts = ledger.records().len();
        let mut expected = leaves_text(ledger.len(), contracts);
        if contracts > 0 {
            expected += &format!(" from {MAX_ACCOUNTS} on");
        }
        Self { path: path.to_owned(), expected, got }
    }

    /// No contract.
    pub fn contract(path: &Path, ledger: &Ledger, got: LeafIndex) -> Self {
        let contracts = count(ledger.records().len(), "contract", "contracts");
        Self { path: path.to_owned(), expected: format!("{contracts}, from {MAX_ACCOUNTS} on"), got }
    }
}

impl Failure for UnknownLeafError {
    fn kind(&self) -> &'static str {
        "unknown_account"
    }
}

/// The leaf of an address and an asset in the state of a data directory.
///
/// # Errors
/// If there is none.
pub fn find(
    dir: &Path,
    ledger: &Ledger,
    address: Address,
    asset: Asset,
) -> Result<LeafIndex, UnknownAccountError> {
    let unknown = || UnknownAccountError { path: dir.to_owned(), address, asset };
    ledger.find(&address, asset).ok_or_else(unknown)
}

/// What a prover is asked for: a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    /// All of the state.
    State,
    /// Its head.
    Head,
}

impl Request {
    const fn line(self) -> &'static str {
        match self {
            Self::State => "state\n",
            Self::Head => "head\n",
        }
    }
}

/// First line of every answer. The state or its head follows if nothing is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    activity: Option<Activity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What a prover is at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its process.
    pub process: u32,
    /// The profile that it proves with.
    pub profile: String,
    /// What it does, in a word or two.
    pub doing: String,
    /// Proofs of the block under way that are made.
    pub proofs_made: usize,
    /// All proofs of the block under way.
    pub proofs: usize,
}

/// Longest time that a data directory in use by a process that does not answer is waited for: it may be about to begin,
/// or to end.
const PATIENCE: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(50);

/// Longest first line of an answer, in bytes.
const ANSWER_LIMIT: u64 = 1 << 16;

/// Reads the committed state of a data directory.
///
/// # Errors
/// If there is none, or it is damaged, or a process has it that does not serve it.
pub fn open(dir: &Path, check: Check) -> Result<Snapshot, CliError> {
    let asked = || {
        let (mut from, _) = ask(dir, Request::State)?;
        Some(Snapshot::receive(dir, &mut from, check))
    };
    from_file_or(dir, || Snapshot::open(dir, check), asked)
}

/// Reads the numbers of a data directory, and what the prover that has it open is at.
///
/// # Errors
/// As [`open`].
pub fn head(dir: &Path) -> Result<(Head, Option<Activity>), CliError> {
    let asked = || {
        let (mut from, activity) = ask(dir, Request::Head)?;
        let fail = |source| StoreError::Io { path: dir.to_owned(), source };
        Some(read_head(&mut from).map(|head| (head, activity)).map_err(fail))
    };
    from_file_or(dir, || Head::open(dir).map(|head| (head, None)), asked)
}

/// Reads the file, or asks the one who has it, until one of them answers or time is up.
fn from_file_or<T>(
    dir: &Path,
    open: impl Fn() -> Result<T, StoreError>,
    ask: impl Fn() -> Option<Result<T, StoreError>>,
) -> Result<T, CliError> {
    let begun = Instant::now();
    loop {
        let locked = match open() {
            Err(error @ StoreError::Locked { .. }) => error,
            opened => return Ok(opened?),
        };
        let error = match ask() {
            // It ended in the middle of it, perhaps, and then the file can be read.
            Some(Err(error @ StoreError::Io { .. })) => error,
            Some(answered) => return Ok(answered?),
            None => locked,
        };
        if begun.elapsed() > PATIENCE {
            return Err(error.into());
        }
        tracing::debug!(path = %dir.display(), %error, "asking again");
        thread::sleep(AGAIN);
    }
}

/// Asks the prover that has a data directory open. `None` if nobody answers, or not now.
fn ask(dir: &Path, request: Request) -> Option<(BufReader<impl Read + use<>>, Option<Activity>)> {
    let stream = connect(dir, request.line()).ok()?;
    let mut from = BufReader::new(stream);
    let answer = read_answer(&mut from).ok()?;
    match answer.error {
        Some(error) => {
            tracing::debug!(%error, "the prover does not answer now");
            None
        }
        None => Some((from, answer.activity)),
    }
}

fn read_answer(from: &mut impl BufRead) -> io::Result<Answer> {
    let mut line = Vec::new();
    from.take(ANSWER_LIMIT).read_until(b'\n', &mut line)?;
    Ok(serde_json::from_slice(&line)?)
}

/// Systems without sockets in the file system: who has a store open for writing has it alone.
#[cfg(not(unix))]
mod elsewhere {
    use std::io;
    use std::path::Path;

    use enfold_state::store::Store;

    use super::Activity;

    /// Serves nobody.
    #[derive(Debug)]
    pub struct Serving;

    impl Serving {
        /// Does nothing.
        pub fn start(_: &Store, _: impl Fn() -> Activity + Send + Sync + 'static) -> Option<Self> {
            None
        }
    }

    pub(super) fn connect(_: &Path, _: &str) -> io::Result<io::Empty> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
