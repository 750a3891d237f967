//! Carrying a real chain's transfers over: CSV rows become blocks of signed transactions over one
//! genesis.
//!
//! An address becomes a key that is derived from a seed; anyone who knows the seed has all the keys, so
//! such a chain is for replaying history and holds nothing of value.

use std::path::Path;

use crate::error::{CliError, at};
use crate::files::read_with;

pub mod build;
pub mod keys;
pub mod rows;
pub mod scale;

/// Longest CSV file, in bytes: some thousands of blocks.
const CSV_LIMIT: u64 = 1 << 28;

/// The rows of a CSV file.
///
/// # Errors
/// If it cannot be read or is malformed.
pub fn read_rows(path: &Path) -> Result<Vec<rows::Row>, CliError> {
    read_with(path, CSV_LIMIT, |reader| rows::read(reader).map_err(at(path)))
}
