//! The batch circuits: what honest batches prove, and what they refuse.

mod balance;
mod bank;
mod credit;
mod debit;
mod depth;
mod honest;
mod lie;
mod mutations;
#[path = "../removal/record.rs"]
mod record;
mod rules;
mod steps;
mod told;
mod windows;
