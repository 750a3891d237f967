//! The subcommands, one file each.

pub mod account;
pub mod bench;
pub mod bundle;
pub mod completions;
pub mod config;
pub mod demo;
pub mod generate;
pub mod ids;
pub mod import;
pub mod init;
pub mod inspect;
pub mod key;
pub mod keygen;
pub mod plan;
pub mod prove;
pub mod rebuild;
pub mod receipt;
pub mod run;
pub mod sign;
pub mod status;
pub mod verify;
pub mod verify_account;
pub mod verify_receipt;
