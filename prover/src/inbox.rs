//! Folders through which blocks come and go: an inbox, an outbox, and a folder for what is rejected.
//!
//! Blocks are files in the inbox, in either form, under any name; hidden files and those that end in `.part` or `.tmp`
//! are not looked at, so that a block can be written there and renamed. Their order is that of the block numbers
//! in them. The block that is being proven stands in the inbox's folder `proving`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use enfold_state::block::Block;
use enfold_state::codec::{self, CodecError, HEADER_LEN, Kind};
use serde::Serialize;

use crate::files::{FileError, Staged, sync_dir};

/// Name of the folder in the inbox that holds the block that is being proven.
pub const PROVING: &str = "proving";

/// A file that changed a shorter time ago may still be growing.
const SETTLE: Duration = Duration::from_secs(1);

/// The folders.
#[derive(Clone, Debug)]
pub struct Folders {
    /// Where blocks come from.
    pub inbox: PathBuf,
    /// Where proofs, data, proven blocks and the list of them go.
    pub outbox: PathBuf,
    /// Where bad blocks go.
    pub rejected: PathBuf,
}

/// What is known of a file in the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    len: u64,
    modified: Option<SystemTime>,
    /// The block's number; `None` if the file is no block.
    number: Option<u32>,
}

/// The inbox as it was when it was last looked at.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    seen: BTreeMap<PathBuf, Seen>,
}

/// Why a block was rejected, as it is written beside it.
#[derive(Debug, Serialize)]
struct Reason<'a> {
    block: &'a str,
    reason: &'a str,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> FileError {
    |source| FileError::Io { path: path.to_owned(), source }
}

impl Folders {
    /// Makes the folders that are missing.
    ///
    /// # Errors
    /// If one cannot be made.
    pub fn make(&self) -> Result<(), FileError> {
        let proving = self.proving();
        [&self.inbox, &proving, &self.outbox, &self.rejected]
            .into_iter()
            .try_for_each(|dir| fs::create_dir_all(dir).map_err(at(dir)))
    }

    fn proving(&self) -> PathBuf {
        self.inbox.join(PROVING)
    }

    /// The proof of a block.
    pub fn proof(&self, number: u32) -> PathBuf {
        self.outbox.join(format!("block-{number}.proof"))
    }

    /// Puts a file aside that is about to be proven.
    pub(crate) fn claim(&self, path: &Path) -> Result<PathBuf, FileError> {
        let to = self.proving().join(path.file_name().unwrap_or_default());
        rename(path, &to)?;
        Ok(to)
    }

    /// The files that were put aside by a run that was cut off.
    pub(crate) fn claimed(&self) -> Result<Vec<PathBuf>, FileError> {
        let mut paths: Vec<_> = files(&self.proving())?.into_iter().map(|(path, _)| path).collect();
        paths.sort();
        Ok(paths)
    }

    /// Moves a proven block to its proof.
    pub(crate) fn done(&self, path: &Path, number: u32) -> Result<(), FileError> {
        let mut name = format!("block-{number}");
        if let Some(extension) = path.extension() {
            name = format!("{name}.{}", extension.to_string_lossy());
        }
        // A block without an extension must not take the name of a folder or of a proof.
        rename(path, &self.outbox.join(if name.contains('.') { name } else { name + ".bin" }))
    }

    /// Moves a bad block to the rejected ones, with the reason beside it: `NAME.reason.json`.
    pub(crate) fn reject(&self, path: &Path, reason: &str) -> Result<PathBuf, FileError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let free = (0..).map(|i| if i == 0 { name.clone() } else { format!("{i}-{name}") });
        let mut free = free.map(|name| self.rejected.join(name)).filter(|to| !to.exists());
        let to = free.next().unwrap_or_else(|| self.rejected.join(&name));
        let block = to.file_name().unwrap_or_default().to_string_lossy();
        let mut text = serde_json::to_vec(&Reason { block: &block, reason })
            .map_err(|error| FileError::Io { path: to.clone(), source: error.into() })?;
        text.push(b'\n');
        // The reason first: a block among the rejected ones has one.
        Staged::write(&self.rejected.join(format!("{block}.reason.json")), &text)?.publish(true)?;
        rename(path, &to)?;
        Ok(to)
    }
}

/// Renames a file, durably. Between file systems it is copied.
fn rename(from: &Path, to: &Path) -> Result<(), FileError> {
    if let Err(error) = fs::rename(from, to) {
        if error.kind() != io::ErrorKind::CrossesDevices {
            return Err(at(from)(error));
        }
        let bytes = fs::read(from).map_err(at(from))?;
        Staged::write(to, &bytes)?.publish(true)?;
        fs::remove_file(from).map_err(at(from))?;
    }
    let parent = to.parent().unwrap_or(Path::new("."));
    sync_dir(parent).map_err(at(parent))
}

/// The files of a folder that count, with their length and time of change.
fn files(dir: &Path) -> Result<Vec<(PathBuf, fs::Metadata)>, FileError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(at(dir))? {
        let path = entry.map_err(at(dir))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name.ends_with(".part") || name.ends_with(".tmp") {
            continue;
        }
        // What is gone by now, and what is no file, is none of ours.
        if let Ok(metadata) = fs::metadata(&path)
            && metadata.is_file()
        {
            found.push((path, metadata));
        }
    }
    Ok(found)
}

impl Inbox {
    /// Looks at the inbox: the files with their block numbers, by number and name. A file that is still growing is
    /// left out, unless `settled` says that none is.
    pub fn scan(&mut self, dir: &Path, settled: bool) -> Result<Vec<(Option<u32>, PathBuf)>, FileError> {
        let mut seen = BTreeMap::new();
        let now = SystemTime::now();
        for (path, metadata) in files(dir)? {
            let modified = metadata.modified().ok();
            let age = modified.and_then(|modified| now.duration_since(modified).ok());
            if !settled && age.is_some_and(|age| age < SETTLE) {
                continue;
            }
            let len = metadata.len();
            let known = self.seen.get(&path).filter(|seen| seen.len == len && seen.modified == modified);
            let number = known.map_or_else(|| peek_number(&path), |seen| seen.number);
            seen.insert(path, Seen { len, modified, number });
        }
        self.seen = seen;
        let mut blocks: Vec<_> = self.seen.iter().map(|(path, seen)| (seen.number, path.clone())).collect();
        blocks.sort();
        Ok(blocks)
    }
}

/// The number of the block in a file; `None` if it holds none. Of a binary file only the start is read.
fn peek_number(path: &Path) -> Option<u32> {
    let mut start = Vec::new();
    File::open(path).ok()?.take(HEADER_LEN as u64 + 8).read_to_end(&mut start).ok()?;
    if codec::peek_kind(&start) == Some(Kind::Block) {
        let (_, number) = start.get(HEADER_LEN..)?.split_first_chunk::<4>()?;
        return Some(u32::from_le_bytes(*number.first_chunk()?));
    }
    read_block(path).ok().map(|block| block.number)
}

/// Reads a block in either form.
pub(crate) fn read_block(path: &Path) -> Result<Block, CodecError> {
    codec::read_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(number: u32) -> Block {
        Block { chain_id: 1, number, fees: vec![], transactions: vec![] }
    }

    #[test]
    fn blocks_come_in_the_order_of_their_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
        write("a", &codec::encode(&block(10)).unwrap());
        write("b.json", codec::encode_json(&block(9)).unwrap().as_bytes());
        write("c", b"no block");
        write(".hidden", &codec::encode(&block(1)).unwrap());
        write("growing.part", &codec::encode(&block(1)).unwrap());
        fs::create_dir(dir.path().join(PROVING)).unwrap();
        let mut inbox = Inbox::default();
        let names = |found: Vec<(Option<u32>, PathBuf)>| -> Vec<_> {
            let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
            found.into_iter().map(|(number, path)| (number, name(path))).collect()
        };
        let expected = [(None, "c"), (Some(9), "b.json"), (Some(10), "a")].map(|(n, s)| (n, s.to_owned()));
        assert_eq!(names(inbox.scan(dir.path(), true).unwrap()), expected);
        assert!(inbox.scan(dir.path(), false).unwrap().is_empty(), "all are too new");
        write("c", &codec::encode(&block(2)).unwrap());
        assert_eq!(names(inbox.scan(dir.path(), true).unwrap())[0], (Some(2), "c".to_owned()));
    }

    #[test]
    fn what_is_rejected_keeps_its_name_and_gets_a_reason() {
        let dir = tempfile::tempdir().unwrap();
        let folder = |name: &str| dir.path().join(name);
        let folders = Folders { inbox: folder("in"), outbox: folder("out"), rejected: folder("bad") };
        folders.make().unwrap();
        for expected in ["x.bin", "1-x.bin"] {
            fs::write(folder("in/x.bin"), b"x").unwrap();
            let to = folders.reject(&folder("in/x.bin"), "because").unwrap();
            assert_eq!(to, folder("bad").join(expected));
            let reason = fs::read_to_string(folder("bad").join(format!("{expected}.reason.json"))).unwrap();
            assert_eq!(reason, format!("{{\"block\":\"{expected}\",\"reason\":\"because\"}}\n"));
        }
        fs::write(folder("in/y"), b"y").unwrap();
        let claimed = folders.claim(&folder("in/y")).unwrap();
        assert_eq!(folders.claimed().unwrap(), std::slice::from_ref(&claimed));
        folders.done(&claimed, 3).unwrap();
        assert!(folder("out/block-3.bin").exists() && folders.claimed().unwrap().is_empty());
    }
}
