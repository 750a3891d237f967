//! The binary from outside: results, exit codes, files.

mod bench;
mod common;
mod config;
mod contracts;
mod cost;
#[cfg(unix)]
mod documents;
mod forger;
mod formats;
mod generate;
mod import;
mod keys;
mod observe;
#[cfg(unix)]
mod operate;
mod plan;
mod prove;
mod readers;
mod resume;
mod sweeps;
mod usage;
mod verdicts;
