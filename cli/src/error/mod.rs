//! Errors of the program: one line each, with an exit code and a kind for machines.
//!
//! Each error says itself how the program ends ([`Failure`]). Those of a command stand with the command, those of the
//! libraries in the modules below.

mod benches;
mod circuits;
mod prover;
mod state;

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use enfold_state::executor::Rejection;

use crate::exit::Exit;

/// An error with which a command can end.
pub trait Failure: Error + Send + Sync + 'static {
    /// How the program ends. A file or a value that was given is wrong, unless the error says otherwise.
    fn exit(&self) -> Exit {
        Exit::BadInput
    }

    /// The error's name in JSON.
    fn kind(&self) -> &'static str;

    /// What can be done about it, as the end of the line.
    fn hint(&self) -> &'static str {
        ""
    }

    /// The transactions that were left out, where that is what is wrong.
    fn rejections(&self) -> &[Rejection] {
        &[]
    }
}

/// Why a command failed.
#[derive(Debug)]
pub struct CliError(Box<dyn Failure>);

impl CliError {
    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        UsageError(message.into()).into()
    }

    /// How the program ends.
    pub fn exit(&self) -> Exit {
        self.0.exit()
    }

    /// The error's name in JSON.
    pub fn kind(&self) -> &'static str {
        self.0.kind()
    }

    /// The transactions that were left out, where that is what is wrong.
    pub fn rejections(&self) -> &[Rejection] {
        self.0.rejections()
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, self.0.hint())
    }
}

impl<E: Failure> From<E> for CliError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

/// An error with the file that it is about.
#[derive(Debug)]
struct At<E> {
    path: PathBuf,
    source: E,
}

impl<E: fmt::Display> fmt::Display for At<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.source)
    }
}

impl<E: Failure> Error for At<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

impl<E: Failure> Failure for At<E> {
    fn exit(&self) -> Exit {
        self.source.exit()
    }

    fn kind(&self) -> &'static str {
        self.source.kind()
    }

    fn hint(&self) -> &'static str {
        self.source.hint()
    }

    fn rejections(&self) -> &[Rejection] {
        self.source.rejections()
    }
}

/// Puts the file that an error is about in front of it.
pub fn at<E: Failure>(path: &Path) -> impl Fn(E) -> CliError {
    move |source| At { path: path.to_owned(), source }.into()
}

/// The command line is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsageError(String);

impl Failure for UsageError {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn kind(&self) -> &'static str {
        "usage"
    }
}

/// The thread pool cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the worker threads: {0}")]
pub struct ThreadsError(#[from] pub rayon::ThreadPoolBuildError);

impl Failure for ThreadsError {
    fn exit(&self) -> Exit {
        Exit::Internal
    }

    fn kind(&self) -> &'static str {
        "threads"
    }
}

/// Whether a path that was given cannot be used, or the system fails.
pub fn io_exit(error: &io::Error) -> Exit {
    match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::AlreadyExists
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory => Exit::BadInput,
        _ => Exit::Internal,
    }
}
