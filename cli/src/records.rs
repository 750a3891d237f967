//! Records in files, in binary or JSON form.

use std::path::Path;

use enfold_state::codec::{self, CodecError, Record};

use crate::error::{CliError, Failure, at};
use crate::exit::Exit;
use crate::files::{ReadError, open};

/// A record cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot encode: {0}")]
pub struct EncodeError(#[source] CodecError);

impl Failure for EncodeError {
    fn exit(&self) -> Exit {
        Exit::Internal
    }

    fn kind(&self) -> &'static str {
        "encode"
    }
}

/// Reads a record in either form. What is wrong is found before the rest is read.
///
/// # Errors
/// If the file cannot be read or is not exactly one record of this kind.
pub fn read<T: Record>(path: &Path) -> Result<T, CliError> {
    // A folder can be opened, and says so only when it is read.
    drop(open(path)?);
    codec::read_file(path).map_err(|error| match error {
        CodecError::Io { path, source } => ReadError::Io { path, source }.into(),
        CodecError::TooLong { expected: limit, .. } => {
            ReadError::TooLarge { path: path.to_owned(), limit }.into()
        }
        source => at(path)(source),
    })
}

/// The binary form.
///
/// # Errors
/// If the record is too long for a file.
pub fn to_binary<T: Record>(record: &T) -> Result<Vec<u8>, EncodeError> {
    codec::encode(record).map_err(EncodeError)
}

/// The JSON form.
///
/// # Errors
/// If it has none, which is a fault of the program.
pub fn to_json<T: Record>(record: &T) -> Result<String, EncodeError> {
    codec::encode_json(record).map_err(EncodeError)
}

/// The form that a file's name asks for: JSON for `.json`, binary for anything else.
///
/// # Errors
/// If the record is too long for a file.
pub fn encode_for<T: Record>(path: &Path, record: &T) -> Result<Vec<u8>, EncodeError> {
    match path.extension() {
        Some(extension) if extension == "json" => to_json(record).map(String::into_bytes),
        _ => to_binary(record),
    }
}
