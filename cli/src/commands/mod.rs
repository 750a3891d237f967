//! The subcommands, one file each.

pub mod bundle;
pub mod generate;
pub mod import;
pub mod init;
pub mod keygen;
pub mod sign;
