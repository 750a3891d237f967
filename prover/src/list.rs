//! The list of proven blocks in the outbox: one JSON object a line, one line a block.
//!
//! The line of a block is on disk, in the data directory, before the block is committed. So a run that is cut off
//! between the commit and the list leaves all that the next one needs to complete it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use blake3::Hash;
use enfold_state::executor::Rejection;
use enfold_state::hash::Digest;
use enfold_verifier::statement::BlockStatement;
use serde::{Deserialize, Serialize};

use crate::files::{FileError, Staged, failed, sync_name};
use crate::job::Reused;
use crate::prove::ProvenBlock;
use crate::steps::step;

/// Name of the list of proven blocks in the outbox: one JSON object a line.
pub const LIST: &str = "blocks.jsonl";

/// Name of the file in the queue with the line of the block that is about to be committed.
const PENDING: &str = "listing.json";

/// A line of the list of proven blocks.
#[derive(Debug, Serialize)]
pub(crate) struct Line<'a> {
    pub number: u32,
    /// Name of the file that was delivered.
    pub block: &'a str,
    /// BLAKE3 of the block's binary form, in hex.
    pub digest: String,
    pub proof: &'a Path,
    pub data: &'a Path,
    pub proof_bytes: u64,
    pub statement: BlockStatement,
    #[serde(flatten)]
    pub run: Run,
}

/// How a block was proven.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Run {
    rejections: Vec<Rejection>,
    reused: Reused,
    execute_ms: u64,
    witness_ms: u64,
    prove_ms: u64,
    verify_ms: u64,
}

impl Run {
    pub(crate) fn of(proven: &ProvenBlock) -> Self {
        let ms = |time: std::time::Duration| time.as_millis() as u64;
        Self {
            rejections: proven.rejections().to_vec(),
            reused: proven.reused,
            execute_ms: ms(proven.timings.execute),
            witness_ms: ms(proven.timings.witness),
            prove_ms: ms(proven.timings.prove),
            verify_ms: ms(proven.timings.verify),
        }
    }
}

/// The part of a line that is read back.
#[derive(Deserialize)]
struct Head {
    number: u32,
    digest: Option<String>,
}

/// The part of a pending line that is read back.
#[derive(Deserialize)]
struct PendingHead {
    number: u32,
    digest: String,
    statement: NewRoot,
}

#[derive(Deserialize)]
struct NewRoot {
    new_root: Digest,
}

/// A line that may be missing in the list.
#[derive(Debug)]
pub(crate) struct Pending {
    pub number: u32,
    pub digest: Hash,
    /// State root after the block.
    pub root: Digest,
    line: Vec<u8>,
}

/// The list.
#[derive(Debug)]
pub(crate) struct List {
    path: PathBuf,
    pending: PathBuf,
    /// The listed blocks, with their digests as far as the lines say.
    listed: BTreeMap<u32, Option<Hash>>,
}

impl Pending {
    pub(crate) fn of(line: &Line<'_>, digest: Hash) -> Result<Self, serde_json::Error> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        Ok(Self { number: line.number, digest, root: line.statement.new_root, line: text })
    }
}

impl List {
    /// Reads the list of an outbox, and cuts off its last line if it is not whole.
    pub(crate) fn open(outbox: &Path, queue: &Path) -> Result<Self, FileError> {
        let path = outbox.join(LIST);
        let listed = read_and_mend(&path).map_err(failed(&path))?;
        Ok(Self { path, pending: queue.join(PENDING), listed })
    }

    /// The digest of a listed block, if its line says.
    pub(crate) fn digest(&self, number: u32) -> Option<Hash> {
        self.listed.get(&number).copied().flatten()
    }

    /// Keeps a line until its block is committed.
    pub(crate) fn prepare(&self, pending: &Pending) -> Result<(), FileError> {
        Staged::write(&self.pending, &pending.line)?.publish(true)
    }

    /// The line that is kept.
    pub(crate) fn pending(&self) -> Result<Option<Pending>, FileError> {
        let line = match fs::read(&self.pending) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.map_err(failed(&self.pending))?,
        };
        let parse = || -> Option<_> {
            let PendingHead { number, digest, statement } = serde_json::from_slice(&line).ok()?;
            Some((number, Hash::from_hex(digest).ok()?, statement.new_root))
        };
        // A line that cannot be read is of no use.
        Ok(parse().map(|(number, digest, root)| Pending { number, digest, root, line }))
    }

    /// Appends the line of a committed block, unless it is there. A line of another chain's block is not that.
    pub(crate) fn append(&mut self, pending: &Pending) -> Result<(), FileError> {
        if self.digest(pending.number) != Some(pending.digest) {
            append(&self.path, &pending.line).map_err(failed(&self.path))?;
            self.listed.insert(pending.number, Some(pending.digest));
        }
        Ok(())
    }

    /// Forgets the line that is kept.
    pub(crate) fn forget(&self) -> Result<(), FileError> {
        step("forget");
        match fs::remove_file(&self.pending) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&self.pending)(error)),
            _ => Ok(()),
        }
    }
}

/// Appends a line durably: all of it or nothing.
fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    step("list");
    let mut list = OpenOptions::new().create(true).append(true).open(path)?;
    let before = list.metadata()?.len();
    let written = list.write_all(line).and_then(|()| list.sync_all());
    // A new file has a name that is not on disk yet.
    let written = written.and_then(|()| if before == 0 { sync_name(path) } else { Ok(()) });
    if written.is_err() {
        // A disk that is full has room for this.
        list.set_len(before)?;
    }
    step("listed");
    written
}

fn read_and_mend(path: &Path) -> io::Result<BTreeMap<u32, Option<Hash>>> {
    let mut listed = BTreeMap::new();
    let list = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(listed),
        list => list?,
    };
    let (mut list, mut line, mut whole) = (BufReader::new(list), Vec::new(), 0);
    loop {
        line.clear();
        let read = list.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            if read > 0 {
                let list = OpenOptions::new().write(true).open(path)?;
                list.set_len(whole)?;
                list.sync_all()?;
            }
            return Ok(listed);
        }
        whole += read as u64;
        if let Ok(head) = serde_json::from_slice::<Head>(&line) {
            listed.insert(head.number, head.digest.and_then(|digest| Hash::from_hex(digest).ok()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_name_of_a_new_list_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LIST);
        let synced = crate::steps::synced_of(|| append(&path, b"1\n").unwrap());
        assert_eq!(synced, [dir.path()]);
        assert!(crate::steps::synced_of(|| append(&path, b"2\n").unwrap()).is_empty());
        assert_eq!(fs::read(&path).unwrap(), b"1\n2\n");
    }

    #[test]
    fn a_list_is_mended_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(LIST);
        assert!(read_and_mend(&path).unwrap().is_empty());
        let digest = blake3::hash(b"x");
        // Lines of earlier versions have no digest.
        let whole = format!("{{\"number\":1}}\nnoise\n{{\"number\":2,\"digest\":\"{digest}\",\"x\":[1]}}\n");
        fs::write(&path, format!("{whole}{{\"number\":3")).unwrap();
        let list = List::open(dir.path(), dir.path()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
        assert_eq!(list.listed, BTreeMap::from([(1, None), (2, Some(digest))]));
        assert_eq!((list.digest(1), list.digest(2)), (None, Some(digest)));
        assert!(list.pending().unwrap().is_none());
        fs::write(&list.pending, "{\"number\":3").unwrap();
        assert!(list.pending().unwrap().is_none());
        list.forget().unwrap();
        list.forget().unwrap();
    }
}
