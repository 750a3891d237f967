//! Exit codes.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All went well.
    Fine = 0,
    /// A proof, or what was expected of it, does not hold.
    ProofInvalid = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A file or a value given to the command is wrong; nothing was changed.
    BadInput = 3,
    /// The machine or the program failed.
    Internal = 4,
    /// It did all that it could, but blocks were rejected, wait for others, or cannot be read.
    BlocksLeft = 5,
    /// A signal stopped it; the same command resumes. Shells have this number for Ctrl-C.
    Stopped = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
