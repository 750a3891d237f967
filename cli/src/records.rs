//! Records in files, in binary or JSON form.

use std::path::Path;

use enfold_state::codec::{self, CodecError, HEADER_LEN, Record};

use crate::error::CliError;
use crate::files::read_checked;

/// Reads a record in either form.
///
/// # Errors
/// If the file cannot be read or is not exactly one record of this kind.
pub fn read<T: Record>(path: &Path) -> Result<T, CliError> {
    let fail = |source| CliError::Malformed { path: path.to_owned(), source: Box::new(source) };
    let bytes = read_checked(path, T::MAX_LEN, HEADER_LEN, |start| check_start::<T>(start).map_err(fail))?;
    codec::read(&bytes).map_err(fail)
}

/// Refuses a file by its header alone, so that a large file of another kind is not read to its end.
fn check_start<T: Record>(start: &[u8]) -> Result<(), CodecError> {
    if start.first().is_some_and(|&byte| byte == b'{' || byte.is_ascii_whitespace()) {
        return Ok(());
    }
    match codec::decode::<T>(start) {
        // What follows the header is not there yet.
        Ok(_) | Err(CodecError::Body { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The binary form.
///
/// # Errors
/// If the record is too long for a file.
pub fn to_binary<T: Record>(record: &T) -> Result<Vec<u8>, CliError> {
    codec::encode(record).map_err(CliError::Encode)
}

/// The JSON form.
///
/// # Errors
/// If it has none, which is a fault of the program.
pub fn to_json<T: Record>(record: &T) -> Result<String, CliError> {
    codec::encode_json(record).map_err(CliError::Encode)
}

/// The form that a file's name asks for: JSON for `.json`, binary for anything else.
///
/// # Errors
/// If the record is too long for a file.
pub fn encode_for<T: Record>(path: &Path, record: &T) -> Result<Vec<u8>, CliError> {
    match path.extension() {
        Some(extension) if extension == "json" => to_json(record).map(String::into_bytes),
        _ => to_binary(record),
    }
}
