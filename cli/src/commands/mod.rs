//! The subcommands, one file each.

pub mod bench;
pub mod bundle;
pub mod demo;
pub mod generate;
pub mod import;
pub mod init;
pub mod inspect;
pub mod keygen;
pub mod prove;
pub mod rebuild;
pub mod sign;
pub mod verify;
