//! The binary from outside: results, exit codes, files.

mod common;
mod import;
mod keys;
mod usage;
