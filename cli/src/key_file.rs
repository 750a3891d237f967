//! Key files: a JSON object `{"secret_key", "public_key", "address"}`, all in hex.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use enfold_state::codec::Malformed;
use enfold_state::ecgfp5::Fp5;
use enfold_state::keys::{PublicKey, SecretKey, SecretKeyError};
use enfold_state::leaf::Address;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::CliError;
use crate::files::open;

/// Longest key file, in bytes.
const LIMIT: u64 = 1 << 14;

/// A key as it stands in a file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// The secret: 80 hex digits. Its memory is overwritten when it is dropped.
    pub secret_key: Zeroizing<String>,
    /// The public key; in a file that is read it may be missing.
    #[serde(default)]
    pub public_key: Option<PublicKey>,
    /// The address; in a file that is read it may be missing.
    #[serde(default)]
    pub address: Option<Address>,
}

/// A file that is not a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Not the JSON object of a key.
    #[error("malformed key: {0}")]
    Json(#[source] Malformed),
    /// The secret is out of range.
    #[error("malformed key: {0}")]
    Secret(#[source] SecretKeyError),
    /// The public key is not the secret's.
    #[error("expected the public key {expected}, got {got}")]
    PublicKey {
        /// The secret's.
        expected: Fp5,
        /// The file's.
        got: Fp5,
    },
    /// The address is not the secret's.
    #[error("expected the address {expected}, got {got}")]
    Address {
        /// The secret's.
        expected: Address,
        /// The file's.
        got: Address,
    },
}

impl From<&SecretKey> for KeyFile {
    fn from(key: &SecretKey) -> Self {
        Self {
            secret_key: Zeroizing::new(hex::encode(key.to_bytes())),
            public_key: Some(key.public_key()),
            address: Some(key.address()),
        }
    }
}

impl KeyFile {
    /// The file's bytes.
    ///
    /// # Errors
    /// If the key does not serialise, which is a fault of the program.
    pub fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, CliError> {
        // With room for all of it: what grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT as usize));
        serde_json::to_writer_pretty(&mut *bytes, self).map_err(CliError::Report)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Reads a key file.
///
/// # Errors
/// If it cannot be read, or is not a key, or its parts do not belong together.
pub fn read(path: &Path) -> Result<SecretKey, CliError> {
    read_from(path, open(path)?)
}

/// Reads a key file to sign with. A file that others than its owner can read is refused: its secret is no secret.
///
/// # Errors
/// As [`read`], or if others can read it.
pub fn read_private(path: &Path) -> Result<SecretKey, CliError> {
    let file = open(path)?;
    // Of the file that is read, and not of what has its name later.
    let found = file.metadata().map_err(|source| CliError::Read { path: path.to_owned(), source })?;
    if let Some(mode) = mode_for_others(&found) {
        return Err(CliError::KeyAccess { path: path.to_owned(), mode });
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

fn read_from(path: &Path, file: File) -> Result<SecretKey, CliError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT as usize + 1));
    file.take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| CliError::Read { path: path.to_owned(), source })?;
    if bytes.len() as u64 > LIMIT {
        return Err(CliError::TooLarge { path: path.to_owned(), limit: LIMIT });
    }
    parse(&bytes).map_err(|source| CliError::Key { path: path.to_owned(), source: Box::new(source) })
}

fn parse(bytes: &[u8]) -> Result<SecretKey, KeyFileError> {
    let file: KeyFile =
        serde_json::from_slice(bytes).map_err(|error| KeyFileError::Json(Malformed::new(error)))?;
    let key: SecretKey = file.secret_key.parse().map_err(KeyFileError::Secret)?;
    let (public_key, address) = (key.public_key(), key.address());
    match (file.public_key, file.address) {
        (Some(got), _) if got != public_key => {
            Err(KeyFileError::PublicKey { expected: public_key.encoding(), got: got.encoding() })
        }
        (_, Some(got)) if got != address => Err(KeyFileError::Address { expected: address, got }),
        _ => Ok(key),
    }
}

#[cfg(test)]
mod tests {
    use enfold_state::keys::SecretKey;

    use super::{KeyFile, KeyFileError, parse};

    fn key(secret: u8) -> SecretKey {
        let mut bytes = [0; 40];
        bytes[39] = secret;
        SecretKey::from_bytes(&bytes).unwrap()
    }

    #[test]
    fn a_key_is_read_back() {
        let file = KeyFile::from(&key(7));
        assert_eq!(parse(&file.to_json().unwrap()).unwrap().to_bytes(), key(7).to_bytes());
        let bare = KeyFile { public_key: None, address: None, ..file };
        assert_eq!(parse(&bare.to_json().unwrap()).unwrap().to_bytes(), key(7).to_bytes());
    }

    #[test]
    fn parts_of_different_keys_are_refused() {
        let (file, other) = (KeyFile::from(&key(7)), KeyFile::from(&key(8)));
        let mixed = KeyFile { public_key: other.public_key, ..file.clone() };
        assert!(matches!(parse(&mixed.to_json().unwrap()), Err(KeyFileError::PublicKey { .. })));
        let mixed = KeyFile { address: other.address, ..file };
        assert!(matches!(parse(&mixed.to_json().unwrap()), Err(KeyFileError::Address { .. })));
        assert!(matches!(parse(b"{}"), Err(KeyFileError::Json(_))));
        assert!(matches!(parse(br#"{"secret_key":"00"}"#), Err(KeyFileError::Secret(_))));
    }

    #[test]
    fn damaged_files_are_read_or_refused_in_one_line() {
        let seed = KeyFile::from(&key(7)).to_json().unwrap();
        enfold_fuzzing::bounded(&[&seed], 2000, |bytes| match parse(bytes) {
            Ok(key) => {
                let again = KeyFile::from(&key).to_json().unwrap();
                assert_eq!(parse(&again).unwrap().to_bytes(), key.to_bytes());
            }
            Err(error) => enfold_fuzzing::check_error(&error),
        });
    }
}
