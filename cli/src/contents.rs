//! What files hold: telling their kind, and summing them up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use enfold_state::account_proof::{AccountProof, ContractProof};
use enfold_state::block::{Block, BlockData, FeePolicy, Genesis, emitted_chain};
use enfold_state::codec::{self, HEADER_LEN, Kind, Record};
use enfold_state::hash::Digest;
use enfold_state::keys::PublicKey;
use enfold_state::leaf::{Address, Asset, Leaf, LeafIndex};
use enfold_state::ledger::Ledger;
use enfold_state::message::Op;
use enfold_state::nonce::Nonce;
use enfold_state::owner::L1Owner;
use enfold_state::profile::ProfileId;
use enfold_state::receipt::{Receipt, ReceiptError};
use enfold_state::record::ContractRecord;
use enfold_state::signer::Signer;
use enfold_state::store::Circuits;
use enfold_state::transaction::{NO_END, SignedTransaction, Transaction};
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::verify::{VerifyError, read_header};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::anchor::{Anchor, Forgeable};
use crate::contract::ContractText;
use crate::error::{CliError, Failure};
use crate::files::{open, read_with, unreadable};
use crate::proofs::{Bits, ProfileText, StatementText};
use crate::text::{LeafText, OwnerText, TimeText, count, grouped, leaves_text};

/// A file is none that can be summed up.
#[derive(Debug, thiserror::Error)]
pub enum ContentsError {
    /// It is none that this program writes or reads.
    #[error("{}: not a proof, genesis, block, transaction, data file, receipt, account proof, contract proof or key", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
    /// It starts like JSON and is not.
    #[error("{}: malformed JSON: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
}

impl Failure for ContentsError {
    fn kind(&self) -> &'static str {
        "malformed_file"
    }
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A folder: a data directory, or nothing that is known.
    Folder,
    /// A proof, of whatever profile.
    Proof,
    /// A record, in either form.
    Record(Kind),
    /// A secret key.
    Key,
}

/// The keys by which JSON files are told apart.
#[derive(Deserialize)]
struct Probe {
    leaves: Option<IgnoredAny>,
    transactions: Option<IgnoredAny>,
    emitted: Option<IgnoredAny>,
    digests: Option<IgnoredAny>,
    siblings: Option<IgnoredAny>,
    contract: Option<IgnoredAny>,
    signature: Option<IgnoredAny>,
    secret_key: Option<IgnoredAny>,
}

/// Tells what a path leads to.
///
/// # Errors
/// If it cannot be read, or is nothing that is known.
pub fn sort_of(path: &Path) -> Result<Sort, CliError> {
    if path.is_dir() {
        return Ok(Sort::Folder);
    }
    let mut start = Vec::new();
    let length = HEADER_LEN.max(enfold_verifier::verify::HEADER_LEN) as u64;
    let read = open(path)?.take(length).read_to_end(&mut start);
    read.map_err(unreadable(path))?;
    if let Some(kind) = codec::peek_kind(&start) {
        return Ok(Sort::Record(kind));
    }
    if matches!(read_header(&start), Ok(_) | Err(VerifyError::Version { .. })) {
        return Ok(Sort::Proof);
    }
    let unknown = || ContentsError::Unknown { path: path.to_owned() };
    if start.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(unknown().into());
    }
    let probe = read_with(path, Genesis::MAX_LEN, |reader| {
        let probe = serde_json::from_reader(reader);
        Ok(probe.map_err(|source| ContentsError::Json { path: path.to_owned(), source })?)
    });
    let probe: Probe = probe?;
    match probe {
        Probe { leaves: Some(_), .. } => Ok(Sort::Record(Kind::Genesis)),
        Probe { transactions: Some(_), .. } => Ok(Sort::Record(Kind::Block)),
        Probe { emitted: Some(_), .. } => Ok(Sort::Record(Kind::BlockData)),
        Probe { digests: Some(_), .. } => Ok(Sort::Record(Kind::Receipt)),
        Probe { siblings: Some(_), contract: Some(_), .. } => Ok(Sort::Record(Kind::ContractProof)),
        Probe { siblings: Some(_), .. } => Ok(Sort::Record(Kind::AccountProof)),
        Probe { signature: Some(_), .. } => Ok(Sort::Record(Kind::Transaction)),
        Probe { secret_key: Some(_), .. } => Ok(Sort::Key),
        _ => Err(unknown().into()),
    }
}

/// What a path leads to, summed up.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Summary {
    /// A genesis.
    Genesis {
        /// The chain's number.
        #[serde(with = "enfold_state::wide")]
        chain_id: u64,
        /// Its time, in seconds since 1970.
        time: u32,
        /// How many shards new accounts are spread over.
        shards: u32,
        /// Count of leaves.
        leaves: usize,
        /// Count of contracts and their objects.
        contracts: usize,
        /// Root of the state that it starts.
        root: Digest,
        /// Sum of the balances and of what contracts hold, by asset.
        supplies: BTreeMap<Asset, u64>,
    },
    /// A block.
    Block {
        /// The chain's number.
        #[serde(with = "enfold_state::wide")]
        chain_id: u64,
        /// The block's number.
        number: u32,
        /// Its time, in seconds since 1970.
        time: u32,
        /// Count of transactions, valid or not.
        transactions: usize,
        /// Count of leaves that send.
        senders: usize,
        /// Count of addresses that receive.
        receivers: usize,
        /// The operator's policies.
        fees: Vec<FeePolicy>,
    },
    /// A signed transaction.
    Transaction {
        /// Its id.
        id: Digest,
        /// What was signed.
        transaction: Transaction,
        /// Address of the key that signed it, and of its owner on L1.
        signer: Address,
        /// That owner.
        l1_owner: L1Owner,
        /// Whether the signature is the key's.
        signature_valid: bool,
    },
    /// Published messages.
    BlockData {
        /// The chain's number.
        #[serde(with = "enfold_state::wide")]
        chain_id: u64,
        /// The block's number.
        number: u32,
        /// Count of batches that emit.
        batches: usize,
        /// Count of transfers.
        transfers: usize,
        /// Count of fees.
        fees: usize,
        /// Their commitment.
        emitted: Digest,
    },
    /// A receipt, not held against a proof.
    Receipt {
        /// The chain's number.
        #[serde(with = "enfold_state::wide")]
        chain_id: u64,
        /// The block's number.
        number: u32,
        /// The transaction's nonce, whose number is the word of whoever made the receipt.
        nonce: Nonce,
        /// The last second at which the transaction was valid, likewise.
        valid_until: u32,
        /// The transaction's batch.
        batch: u32,
        /// The transfer's place in it.
        position: u32,
        /// Count of messages of the batch.
        messages: usize,
        /// Count of batches that can emit.
        batches: usize,
        /// The commitment that it leads to.
        emitted: Digest,
        /// Whether it has a signature.
        signed: bool,
    },
    /// An account proof, not held against a block proof.
    AccountProof {
        /// The chain's number.
        #[serde(with = "enfold_state::wide")]
        chain_id: u64,
        /// The block after which the leaf is so.
        number: u32,
        /// The leaf's index.
        index: LeafIndex,
        /// The leaf.
        leaf: Leaf,
        /// The root that it leads to.
        root: Digest,
    },
    /// A contract proof, not held against a block proof.
    ContractProof {
        /// The chain's number.
        #[serde(with = "enfold_state::wide")]
        chain_id: u64,
        /// The block after which the record is so.
        number: u32,
        /// The record's index.
        index: LeafIndex,
        /// The record.
        contract: ContractRecord,
        /// The root that it leads to.
        root: Digest,
    },
    /// A proof that holds.
    Proof {
        /// The profile's bits of security.
        security_bits: Bits,
        /// Whether anybody can make proofs of the profile.
        forgeable: bool,
        /// Length of the file.
        bytes: u64,
        /// What it proves.
        statement: BlockStatement,
        /// Always true: a proof that does not hold is an error.
        valid: bool,
        /// Always without anything: nothing is expected of it here.
        #[serde(flatten)]
        anchor: Anchor,
    },
    /// A secret key, of which the secret is not shown.
    Key {
        /// The public key.
        public_key: PublicKey,
        /// Its owner on L1.
        owner: L1Owner,
        /// Their address.
        address: Address,
    },
    /// A data directory.
    State {
        /// The chain's number.
        #[serde(with = "enfold_state::wide")]
        chain_id: u64,
        /// How many shards new accounts are spread over.
        shards: u32,
        /// Number of the last block.
        height: u32,
        /// Its time, in seconds since 1970.
        time: u32,
        /// Count of leaves.
        leaves: usize,
        /// Count of contracts and their objects.
        contracts: usize,
        /// The state root.
        root: Digest,
        /// The profile by which its blocks are proven; `None` if that was never said, or it is unknown.
        profile: Option<ProfileId>,
        /// Digest of the key that its block proofs are verified with.
        key: Option<Digest>,
        /// Sum of the balances and of what contracts hold, by asset.
        supplies: BTreeMap<Asset, u64>,
    },
}

fn supplies(ledger: &Ledger) -> BTreeMap<Asset, u64> {
    let balances = ledger.leaves().iter().map(|leaf| (leaf.asset, leaf.balance));
    let holdings = ledger.records().iter().flat_map(ContractRecord::holdings);
    let mut supplies = BTreeMap::new();
    for (asset, balance) in balances.chain(holdings) {
        let supply: &mut u64 = supplies.entry(asset).or_default();
        *supply = supply.saturating_add(balance);
    }
    supplies
}

impl Summary {
    /// Of a genesis and the ledger that it gives.
    pub fn of_genesis(genesis: &Genesis, ledger: &Ledger) -> Self {
        Self::Genesis {
            chain_id: genesis.chain_id,
            time: genesis.time,
            shards: genesis.shards,
            leaves: genesis.leaves.len(),
            contracts: genesis.contracts.len(),
            root: ledger.root(),
            supplies: supplies(ledger),
        }
    }

    /// Of a block.
    pub fn of_block(block: &Block) -> Self {
        let transactions = || block.transactions.iter().map(|signed| &signed.transaction);
        Self::Block {
            chain_id: block.chain_id,
            number: block.number,
            time: block.time,
            transactions: block.transactions.len(),
            senders: transactions().map(|tx| tx.from).collect::<BTreeSet<_>>().len(),
            receivers: transactions().map(|tx| tx.to_address).collect::<BTreeSet<_>>().len(),
            fees: block.fees.clone(),
        }
    }

    /// Of a transaction.
    pub fn of_transaction(signed: &SignedTransaction) -> Self {
        let SignedTransaction { transaction, owner, .. } = signed;
        Self::Transaction {
            id: transaction.id(),
            transaction: *transaction,
            signer: signed.address(),
            l1_owner: *owner,
            signature_valid: signed.verify().is_ok(),
        }
    }

    /// Of published messages.
    pub fn of_data(data: &BlockData) -> Self {
        let messages = || data.emitted.iter().flat_map(|batch| &batch.messages);
        let count = |op| messages().filter(|message| message.op == op).count();
        Self::BlockData {
            chain_id: data.chain_id,
            number: data.number,
            batches: data.emitted.len(),
            transfers: count(Op::Transfer),
            fees: count(Op::Fee),
            emitted: emitted_chain(&data.emitted),
        }
    }

    /// Of a receipt.
    ///
    /// # Errors
    /// If it names a batch that is not there.
    pub fn of_receipt(receipt: &Receipt) -> Result<Self, ReceiptError> {
        Ok(Self::Receipt {
            chain_id: receipt.chain_id,
            number: receipt.number,
            nonce: receipt.nonce,
            valid_until: receipt.valid_until,
            batch: receipt.batch,
            position: receipt.position,
            messages: receipt.messages.len(),
            batches: receipt.digests.len() + 1,
            emitted: receipt.emitted()?,
            signed: receipt.authorization.is_some(),
        })
    }

    /// Of an account proof.
    pub fn of_account(proof: &AccountProof) -> Self {
        let &AccountProof { chain_id, number, index, leaf, .. } = proof;
        Self::AccountProof { chain_id, number, index, leaf, root: proof.root() }
    }

    /// Of a contract proof.
    pub fn of_contract(proof: &ContractProof) -> Self {
        let &ContractProof { chain_id, number, index, ref contract, .. } = proof;
        Self::ContractProof { chain_id, number, index, contract: contract.clone(), root: proof.root() }
    }

    /// Of a key.
    pub fn of_key(key: &Signer) -> Self {
        Self::Key { public_key: key.public_key(), owner: key.owner, address: key.address() }
    }

    /// Of a state.
    pub fn of_state(ledger: &Ledger, circuits: Option<Circuits>) -> Self {
        Self::State {
            chain_id: ledger.chain_id(),
            shards: ledger.chain().shards,
            height: ledger.height(),
            time: ledger.time(),
            leaves: ledger.len(),
            contracts: ledger.records().len(),
            root: ledger.root(),
            profile: circuits.and_then(|circuits| ProfileId::from_number(circuits.profile.into())),
            key: circuits.map(|circuits| circuits.key),
            supplies: supplies(ledger),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Genesis { chain_id, time, shards, leaves, contracts, root, supplies } => {
                writeln!(f, "genesis of chain {chain_id}: {}", leaves_text(*leaves, *contracts))?;
                writeln!(f, "time       {}\nshards     {shards}", TimeText(*time))?;
                writeln!(f, "state root {root}")?;
                write_supplies(f, supplies)
            }
            Self::State {
                chain_id,
                shards,
                height,
                time,
                leaves,
                contracts,
                root,
                profile,
                key,
                supplies,
            } => {
                let leaves = leaves_text(*leaves, *contracts);
                writeln!(f, "state of chain {chain_id} after block {height}: {leaves}")?;
                writeln!(f, "time       {}\nshards     {shards}", TimeText(*time))?;
                writeln!(f, "state root {root}")?;
                match profile {
                    Some(profile) => writeln!(f, "profile    {}", ProfileText(*profile))?,
                    None => writeln!(f, "profile    not set yet")?,
                }
                if let Some(key) = key {
                    writeln!(f, "key        {key}")?;
                }
                write_supplies(f, supplies)
            }
            Self::Block { chain_id, number, time, transactions, senders, receivers, fees } => {
                let transactions = count(*transactions, "transaction", "transactions");
                writeln!(f, "block {number} of chain {chain_id}: {transactions}")?;
                writeln!(f, "time      {}", TimeText(*time))?;
                writeln!(
                    f,
                    "senders   {}\nreceivers {}",
                    grouped(*senders as u64),
                    grouped(*receivers as u64)
                )?;
                for FeePolicy { asset, floor, collector } in fees {
                    writeln!(f, "fee in asset {asset}: at least {floor}, to {collector}")?;
                }
                Ok(())
            }
            Self::Transaction { id, transaction: tx, signer, l1_owner, signature_valid } => {
                writeln!(f, "transaction {id}")?;
                writeln!(f, "chain {}, leaf {}, nonce {}", tx.chain_id, tx.from, tx.nonce)?;
                writeln!(f, "{} of asset {} to {}", grouped(tx.amount), tx.asset, tx.to_address)?;
                writeln!(f, "fee {}, memo {}", grouped(tx.fee), tx.memo)?;
                match tx.valid_until {
                    NO_END => writeln!(f, "valid until any time")?,
                    last => writeln!(f, "valid until {}", TimeText(last))?,
                }
                writeln!(f, "signer {signer}")?;
                writeln!(f, "L1 owner {}", OwnerText(*l1_owner))?;
                writeln!(f, "signature {}", if *signature_valid { "good" } else { "bad" })
            }
            Self::BlockData { chain_id, number, batches, transfers, fees, emitted } => {
                let batches = count(*batches, "batch", "batches");
                writeln!(f, "published messages of block {number} of chain {chain_id}, in {batches}")?;
                writeln!(f, "transfers {}\nfees      {}", grouped(*transfers as u64), grouped(*fees as u64))?;
                writeln!(f, "data commitment E {emitted}")
            }
            Self::Receipt {
                chain_id,
                number,
                nonce,
                valid_until,
                batch,
                position,
                messages,
                batches,
                emitted,
                signed,
            } => {
                writeln!(
                    f,
                    "receipt of message {position} of batch {batch} of block {number} of chain {chain_id}"
                )?;
                writeln!(f, "nonce                 {nonce}")?;
                match *valid_until {
                    NO_END => writeln!(f, "valid until           any time")?,
                    last => writeln!(f, "valid until           {}", TimeText(last))?,
                }
                writeln!(f, "messages of the batch {}", grouped(*messages as u64))?;
                writeln!(f, "batches               {}", grouped(*batches as u64))?;
                writeln!(f, "data commitment E     {emitted}")?;
                writeln!(f, "signature             {}", if *signed { "yes" } else { "no" })?;
                writeln!(f, "(not checked against a block proof: use enfold verify-receipt)")
            }
            Self::AccountProof { chain_id, number, index, leaf, root } => {
                writeln!(f, "account proof of leaf {index} after block {number} of chain {chain_id}")?;
                write!(f, "{}", LeafText(leaf))?;
                writeln!(f, "state root {root}")?;
                writeln!(f, "(not checked against a block proof: use enfold verify-account)")
            }
            Self::ContractProof { chain_id, number, index, contract, root } => {
                writeln!(f, "contract proof of leaf {index} after block {number} of chain {chain_id}")?;
                write!(f, "{}", ContractText(*index, contract))?;
                writeln!(f, "state root {root}")?;
                writeln!(f, "(not checked against a block proof: use enfold verify-account)")
            }
            Self::Proof { bytes, statement, anchor, .. } => {
                let profile = Forgeable(statement.profile);
                writeln!(f, "block proof of {} bytes: valid{profile} {anchor}", grouped(*bytes))?;
                write!(f, "{}", StatementText(statement))
            }
            Self::Key { public_key, owner, address } => {
                writeln!(f, "secret key (not shown)\npublic key {public_key}")?;
                writeln!(f, "L1 owner   {}\naddress    {address}", OwnerText(*owner))
            }
        }
    }
}

fn write_supplies(f: &mut fmt::Formatter<'_>, supplies: &BTreeMap<Asset, u64>) -> fmt::Result {
    supplies.iter().try_for_each(|(asset, supply)| writeln!(f, "asset {asset}: supply {}", grouped(*supply)))
}
