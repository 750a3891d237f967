//! `enfold inspect`: shows what a file, a data directory or the circuits hold.

use std::path::PathBuf;

use clap::Args;
use enfold_circuits::verify::VerifierKey;
use enfold_state::block::{Block, BlockData, Genesis};
use enfold_state::codec::{Kind, Record};
use enfold_state::ledger::Ledger;
use enfold_state::store::Store;
use enfold_state::transaction::SignedTransaction;
use enfold_witness::profile::ProfileId;

use crate::args::profile_parser;
use crate::circuits::CircuitsReport;
use crate::contents::{Sort, Summary, sort_of};
use crate::error::CliError;
use crate::output::Outcome;
use crate::proofs::{Bits, verify_file};
use crate::{key_file, records};

/// Options of `enfold inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
A proof is verified, by the profile that it names.

Examples:
  enfold inspect block-1.proof
  enfold inspect chain/block-1.bin
  enfold inspect chain/genesis.bin --record > genesis.json
  enfold inspect state
  enfold inspect circuits --profile test")]
pub struct InspectArgs {
    /// A proof, a genesis, a block, a transaction, a data file, a key, a data directory, or the word
    /// circuits.
    #[arg(value_name = "PROOF|FILE|DIR|circuits")]
    target: PathBuf,
    /// For circuits: the profile.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
    /// Print all of a record in its JSON form, which is read wherever the binary form is.
    #[arg(long)]
    record: bool,
}

impl InspectArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the target cannot be read, or is a proof that does not hold.
    pub fn run(&self) -> Result<Outcome, CliError> {
        if self.target.as_os_str() == "circuits" {
            return Outcome::of(&CircuitsReport::of(self.profile));
        }
        match sort_of(&self.target)? {
            Sort::Folder => Outcome::of(&Summary::of_state(Store::open(&self.target)?.ledger())),
            Sort::Key => Outcome::of(&Summary::of_key(&key_file::read(&self.target)?)),
            Sort::Proof(profile) => {
                let statement = verify_file(&self.target, profile)?;
                let bytes = VerifierKey::pinned(profile).file_len();
                let security_bits = Bits::of(profile);
                Outcome::of(&Summary::Proof { security_bits, bytes, statement, valid: true })
            }
            Sort::Record(kind) => self.inspect_record(kind),
        }
    }

    fn inspect_record(&self, kind: Kind) -> Result<Outcome, CliError> {
        match kind {
            Kind::Genesis => self.show(|genesis: &Genesis| {
                let ledger = Ledger::from_genesis(genesis).map_err(|source| CliError::Genesis {
                    path: self.target.clone(),
                    source: Box::new(source),
                })?;
                Ok(Summary::of_genesis(genesis, &ledger))
            }),
            Kind::Block => self.show(|block: &Block| Ok(Summary::of_block(block))),
            Kind::Transaction => self.show(|signed: &SignedTransaction| Ok(Summary::of_transaction(signed))),
            Kind::BlockData => self.show(|data: &BlockData| Ok(Summary::of_data(data))),
            Kind::Proof | Kind::Journal => Err(CliError::UnknownFile { path: self.target.clone() }),
        }
    }

    fn show<T: Record>(
        &self,
        summary: impl FnOnce(&T) -> Result<Summary, CliError>,
    ) -> Result<Outcome, CliError> {
        let record: T = records::read(&self.target)?;
        if self.record {
            return Outcome::of_record(&record);
        }
        Outcome::of(&summary(&record)?)
    }
}
