//! Key files on disk, and who may read them.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use enfold_state::key_file::{LIMIT, parse};
use enfold_state::signer::Signer;
use zeroize::Zeroizing;

use crate::error::{CliError, Failure, at};
use crate::files::{ReadError, open, unreadable};

/// Others than its owner can read a key that is to sign.
#[derive(Debug, thiserror::Error)]
#[error("{}: expected a key that only its owner can read, got mode {mode:04o} (run chmod 600)", path.display())]
struct KeyAccessError {
    path: PathBuf,
    mode: u32,
}

impl Failure for KeyAccessError {
    fn kind(&self) -> &'static str {
        "key_access"
    }
}

/// Reads a key file: the key and its owner on L1.
///
/// # Errors
/// If it cannot be read, or is not a key, or its parts do not belong together.
pub fn read(path: &Path) -> Result<Signer, CliError> {
    read_from(path, open(path)?)
}

/// Reads a key file to sign with. A file that others than its owner can read is refused: its secret is no secret.
///
/// # Errors
/// As [`read`], or if others can read it.
pub fn read_private(path: &Path) -> Result<Signer, CliError> {
    let file = open(path)?;
    // Of the file that is read, and not of what has its name later.
    let found = file.metadata().map_err(unreadable(path))?;
    if let Some(mode) = mode_for_others(&found) {
        return Err(KeyAccessError { path: path.to_owned(), mode }.into());
    }
    read_from(path, file)
}

/// The permissions of a file that others can read, or write. A pipe is nobody else's.
#[cfg(unix)]
fn mode_for_others(found: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = found.permissions().mode() & 0o7777;
    (found.is_file() && mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn mode_for_others(_: &Metadata) -> Option<u32> {
    None
}

fn read_from(path: &Path, file: File) -> Result<Signer, CliError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT as usize + 1));
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable(path))?;
    if bytes.len() as u64 > LIMIT {
        return Err(ReadError::TooLarge { path: path.to_owned(), limit: LIMIT }.into());
    }
    parse(&bytes).map_err(at(path))
}
