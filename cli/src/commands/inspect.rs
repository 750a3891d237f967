//! `enfold inspect`: shows what a file, a data directory or the circuits hold.

use std::path::{Path, PathBuf};

use clap::Args;
use enfold_state::account_proof::{AccountProof, ContractProof};
use enfold_state::block::{Block, BlockData, Genesis};
use enfold_state::codec::{Kind, Record};
use enfold_state::executor::execute;
use enfold_state::leaf::{LeafIndex, TREE_DEPTH};
use enfold_state::ledger::Ledger;
use enfold_state::profile::ProfileId;
use enfold_state::receipt::Receipt;
use enfold_state::store::Snapshot;
use enfold_state::transaction::SignedTransaction;
use enfold_state::wide;
use enfold_verifier::verify::VerifierKey;

use crate::anchor::Anchor;
use crate::circuits::CircuitsReport;
use crate::contents::{ContentsError, Sort, Summary, sort_of};
use crate::contract::ContractReport;
use crate::cost::CostReport;
use crate::error::{CliError, at};
use crate::options::{CheckArgs, profile_parser};
use crate::output::Outcome;
use crate::proofs::{Bits, verify_file};
use crate::text::Escaped;
use crate::{key_file, reading, records};

/// Options of `enfold inspect`.
#[derive(Debug, Args)]
#[command(after_help = "\
A proof is verified with the profile that --profile names, not the one that it claims.

Examples:
  enfold inspect block-1.proof
  enfold inspect block-1.proof --profile test
  enfold inspect chain/block-1.bin
  enfold inspect chain/genesis.bin --record > genesis.json
  enfold inspect state
  enfold inspect state --full-check
  enfold inspect circuits --profile test
  enfold inspect block chain/block-1.bin --genesis chain/genesis.bin
  enfold inspect block chain/block-2.bin --data state
  enfold inspect contract 536870912 --data state")]
pub struct InspectArgs {
    /// A proof, a genesis, a block, a transaction, a data file, a receipt, an account proof, a contract proof, a key,
    /// a data directory, the word circuits, the word block followed by a block, for its cost in rows, or the word
    /// contract followed by the index of one.
    #[arg(value_name = "PROOF|FILE|DIR|circuits|block|contract")]
    target: PathBuf,
    /// After the word block: the block, binary or JSON; it is planned, not proven. After the word contract:
    /// its index, 536870912 or above.
    #[arg(value_name = "BLOCK|INDEX")]
    subject: Option<PathBuf>,
    /// For the cost of a block: the genesis that it follows.
    #[arg(long, value_name = "FILE", requires = "subject", conflicts_with = "data")]
    genesis: Option<PathBuf>,
    /// For the cost of a block: the data directory that it follows. For a contract: the one that it is in.
    #[arg(long, value_name = "DIR", requires = "subject")]
    data: Option<PathBuf>,
    /// Profile of the proof, of the circuits, or for the cost of a block.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
    #[command(flatten)]
    check: CheckArgs,
    /// Print the whole record as JSON, which every command reads like the binary form.
    #[arg(long)]
    record: bool,
}

/// The state that a genesis starts.
fn ledger_of(path: &Path, genesis: &Genesis) -> Result<Ledger, CliError> {
    Ledger::from_genesis(genesis).map_err(at(path))
}

impl InspectArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the target cannot be read, or is a proof that does not hold.
    pub fn run(&self) -> Result<Outcome, CliError> {
        if let Some(subject) = &self.subject {
            return match self.target.to_str() {
                Some("block") => self.inspect_cost(subject),
                Some("contract") => self.inspect_contract(subject),
                _ => Err(CliError::usage("a second argument needs the word block or contract before it")),
            };
        }
        if self.target.as_os_str() == "circuits" {
            return Outcome::of(&CircuitsReport::of(self.profile)?);
        }
        match sort_of(&self.target)? {
            Sort::Folder => self.inspect_state(),
            Sort::Key => Outcome::of(&Summary::of_key(&key_file::read(&self.target)?)),
            Sort::Proof => {
                let statement = verify_file(&self.target, self.profile)?;
                Outcome::of(&Summary::Proof {
                    security_bits: Bits::of(self.profile),
                    forgeable: self.profile.forgeable(),
                    bytes: VerifierKey::pinned(self.profile).file_len(),
                    statement,
                    valid: true,
                    anchor: Anchor::none(statement.chain_id),
                })
            }
            Sort::Record(kind) => self.inspect_record(kind),
        }
    }

    fn open(&self, dir: &Path) -> Result<Snapshot, CliError> {
        reading::open(dir, self.check.check())
    }

    fn inspect_state(&self) -> Result<Outcome, CliError> {
        let store = self.open(&self.target)?;
        Outcome::of(&Summary::of_state(store.ledger(), store.circuits()))
    }

    fn inspect_cost(&self, path: &Path) -> Result<Outcome, CliError> {
        let block: Block = records::read(path)?;
        let state;
        let genesis;
        let ledger = match (&self.genesis, &self.data) {
            (Some(path), _) => {
                genesis = ledger_of(path, &records::read(path)?)?;
                &genesis
            }
            (None, Some(path)) => {
                state = self.open(path)?;
                state.ledger()
            }
            (None, None) => {
                let message = "expected --genesis or --data: the state that the block follows";
                return Err(CliError::usage(message));
            }
        };
        let execution = execute(ledger, &block).map_err(at(path))?;
        Outcome::of(&CostReport::of(self.profile, &block, &execution))
    }

    fn inspect_contract(&self, index: &Path) -> Result<Outcome, CliError> {
        let Some(data) = &self.data else {
            return Err(CliError::usage("expected --data: the data directory that the contract is in"));
        };
        let number = index.to_str().and_then(wide::parse).and_then(|index| u32::try_from(index).ok());
        let contract = number.map(LeafIndex).filter(|index| index.contract().is_some());
        let wrong = || {
            let (first, last) = (LeafIndex::of_contract(0), (1_u32 << TREE_DEPTH) - 1);
            CliError::usage(format!(
                "expected the index of a contract, {first} to {last}, got {}",
                Escaped(&index.to_string_lossy())
            ))
        };
        let index = contract.ok_or_else(wrong)?;
        Outcome::of(&ContractReport::of(data, self.open(data)?.ledger(), index)?)
    }

    fn inspect_record(&self, kind: Kind) -> Result<Outcome, CliError> {
        match kind {
            Kind::Genesis => self.show(|genesis: &Genesis| {
                Ok(Summary::of_genesis(genesis, &ledger_of(&self.target, genesis)?))
            }),
            Kind::Block => self.show(|block: &Block| Ok(Summary::of_block(block))),
            Kind::Transaction => self.show(|signed: &SignedTransaction| Ok(Summary::of_transaction(signed))),
            Kind::BlockData => self.show(|data: &BlockData| Ok(Summary::of_data(data))),
            Kind::Receipt => {
                self.show(|receipt: &Receipt| Summary::of_receipt(receipt).map_err(at(&self.target)))
            }
            Kind::AccountProof => self.show(|proof: &AccountProof| Ok(Summary::of_account(proof))),
            Kind::ContractProof => self.show(|proof: &ContractProof| Ok(Summary::of_contract(proof))),
            Kind::Proof | Kind::Journal => Err(ContentsError::Unknown { path: self.target.clone() }.into()),
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
