//! The binary from outside: results, exit codes, files.

mod bench;
mod common;
mod cost;
mod formats;
mod generate;
mod import;
mod keys;
mod prove;
mod readers;
mod resume;
mod usage;
