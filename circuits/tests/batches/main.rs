//! The batch circuits: what honest batches prove, and what they refuse.

mod bank;
mod credit;
mod debit;
mod honest;
mod lie;
mod mutations;
#[path = "../removal/record.rs"]
mod record;
mod steps;
mod told;
