//! What is done with a file that is no block, or a block that cannot be proven: it is kept, with the reason beside it.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::files::{FileError, Staged, failed, holds, move_new};
use crate::steps::step;

/// End of the names of files with reasons.
const REASON: &str = ".reason.json";

/// Why a block was rejected, as it is written beside it.
#[derive(Debug, Serialize)]
struct Reason<'a> {
    /// Name of the rejected file.
    block: &'a str,
    /// Name that it was delivered under.
    file: &'a str,
    reason: &'a str,
}

/// A file that is to be rejected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bad<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// Name that it gets.
    pub name: &'a str,
    /// Name that it was delivered under.
    pub file: &'a str,
    /// Whether it is a whole block, which need not be kept twice. Of another file it cannot be said whether somebody
    /// is still writing to it.
    pub whole: bool,
}

/// Moves a file to the rejected ones under its name, or one that begins like it if that is taken, and writes the reason
/// beside it: `NAME.reason.json`.
pub(crate) fn reject(dir: &Path, bad: Bad<'_>, reason: &str) -> Result<PathBuf, FileError> {
    let Bad { path, name, file, whole } = bad;
    let bytes = fs::metadata(path).map_err(failed(path))?.len();
    let mut attempt = 0;
    loop {
        let block = if attempt == 0 { name.to_owned() } else { numbered(name, attempt) };
        let to = dir.join(&block);
        let there = to.symlink_metadata().is_ok();
        let same = whole
            && there
            && fs::metadata(&to).is_ok_and(|found| found.len() == bytes)
            && same_bytes(path, &to)?;
        if there && !same {
            attempt += 1;
            continue;
        }
        // The reason first: a file among the rejected ones has one.
        let mut text = serde_json::to_vec(&Reason { block: &block, file, reason })
            .map_err(|error| failed(&to)(error.into()))?;
        text.push(b'\n');
        Staged::write(&dir.join(format!("{block}{REASON}")), &text)?.publish(true)?;
        if same {
            step("remove");
            fs::remove_file(path).map_err(failed(path))?;
            return Ok(to);
        }
        match move_new(path, &to) {
            // Somebody else's, just now.
            Err(FileError::Exists { .. }) => attempt += 1,
            moved => return moved.map(|()| to),
        }
    }
}

fn same_bytes(path: &Path, other: &Path) -> Result<bool, FileError> {
    Ok(holds(other, &fs::read(path).map_err(failed(path))?))
}

/// `name-1.bin` for `name.bin`.
pub(crate) fn numbered(name: &str, attempt: usize) -> String {
    match name.split_once('.') {
        Some((stem, extension)) => format!("{stem}-{attempt}.{extension}"),
        None => format!("{name}-{attempt}"),
    }
}

/// Count of the files in a folder of rejected ones, reasons left out.
pub(crate) fn count(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            !name.starts_with('.') && !name.ends_with(REASON)
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rejected_replaces_nothing_and_blocks_are_kept_once() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("bad")).unwrap();
        let put = |text: &str, whole, reason: &str| {
            fs::write(at("x"), text).unwrap();
            let bad = Bad { path: &at("x"), name: "file-1.bin", file: "x\n", whole };
            let to = reject(&at("bad"), bad, reason).unwrap();
            assert!(!at("x").exists());
            assert_eq!(fs::read_to_string(&to).unwrap(), text);
            to.file_name().unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(put("one", true, "first"), "file-1.bin");
        assert_eq!(put("two", true, "second"), "file-1-1.bin");
        assert_eq!(put("one", true, "third"), "file-1.bin");
        assert_eq!(count(&at("bad")), 2);
        let reason = fs::read_to_string(at("bad/file-1.bin.reason.json")).unwrap();
        assert_eq!(reason, "{\"block\":\"file-1.bin\",\"file\":\"x\\n\",\"reason\":\"third\"}\n");
        // Whatever is in the way.
        fs::create_dir(at("bad/file-1-2.bin")).unwrap();
        assert_eq!(put("three", true, "fourth"), "file-1-3.bin");
        // One that may grow stays a file of its own.
        assert_eq!(put("one", false, "fifth"), "file-1-4.bin");
    }
}
