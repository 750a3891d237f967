//! `enfold verify-receipt`: checks that a proven block executed a transaction.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_state::account_proof::AccountProof;
use enfold_state::hash::Digest;
use enfold_state::leaf::{Address, LeafIndex};
use enfold_state::message::Message;
use enfold_state::nonce::NonceKey;
use enfold_state::owner::L1Owner;
use enfold_state::profile::ProfileId;
use enfold_state::receipt::{Executed, Receipt};
use enfold_state::transaction::{NO_END, Transaction};
use enfold_verifier::receipt::check_receipt;
use enfold_verifier::statement::BlockStatement;
use serde::Serialize;

use super::verify_account::check_account;
use crate::anchor::{Anchor, BackArgs, ExpectArgs, Forgeable, UNANCHORED, UnexpectedError, expect};
use crate::error::{CliError, Failure, at};
use crate::exit::Exit;
use crate::options::profile_parser;
use crate::output::Outcome;
use crate::proofs::{StatementText, read_data, verify_file};
use crate::records;
use crate::text::{TimeText, grouped};

/// Options of `enfold verify-receipt`.
#[derive(Debug, Args)]
#[command(after_help = "\
A valid receipt proves that the owner of the leaf signed a transfer with these contents, and that
this block debited the leaf and credited the receiver's. Messages do not carry the number of a
nonce, nor how long the transaction was valid, and so no transaction id. An id is shown by a
receipt with a signature (enfold receipt --signed), an account proof of the sender's leaf, which
shows whose signature counts, and what leaves one nonce alone: an account proof from the other side
of the block too, or the block's data file. --tx needs that.

To be sure that the block is your chain's, expect its previous root, or give a folder of proofs
that lead back to the genesis (--chain). A new root alone says nothing about what led to it.
Anyone with signed transactions can prove other blocks on the same states: with
--expect-last-root, the chain must lead to the last root that the operator published.

Examples:
  enfold verify-receipt 9f0c.receipt block-7.proof --expect-prev-root 8c1f...
  enfold verify-receipt 9f0c.receipt block-7.proof --chain proofs --genesis genesis.bin --expect-last-root 77a0...
  enfold verify-receipt 9f0c.receipt block-7.proof --tx 9f0c... --account before.account --account after.account")]
pub struct VerifyReceiptArgs {
    /// The receipt, binary or JSON.
    #[arg(value_name = "RECEIPT")]
    receipt: PathBuf,
    /// The proof of its block.
    #[arg(value_name = "PROOF")]
    proof: PathBuf,
    /// The profile that the proof must be of.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
    /// The id that the transaction must have.
    #[arg(long, value_name = "ID")]
    tx: Option<Digest>,
    /// An account proof of the sender's leaf from before or after the block, which shows whose signature counts. One of
    /// each bounds the nonce from both sides.
    #[arg(long = "account", value_name = "FILE")]
    accounts: Vec<PathBuf>,
    /// The block's data file, which shows what else the leaf sent in the block.
    #[arg(long, value_name = "FILE")]
    data_file: Option<PathBuf>,
    #[command(flatten)]
    expect: ExpectArgs,
    #[command(flatten)]
    back: BackArgs,
}

/// A signature that is in a receipt.
#[derive(Clone, Copy, Serialize)]
struct Signed {
    /// Address of the key and its owner on L1.
    signer: Address,
    /// That owner.
    l1_owner: L1Owner,
    /// The transaction that it signed.
    id: Digest,
}

/// The nonces that a transaction can have had: those of a key.
#[derive(Clone, Copy, Debug, Serialize)]
struct Nonces {
    key: NonceKey,
    first: i64,
    last: i64,
}

impl fmt::Display for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, first, last } = *self;
        if self.is_one() {
            write!(f, "{first}")?;
        } else if last == i64::from(u32::MAX) {
            write!(f, "{first} or later")?;
        } else {
            write!(f, "{first} to {last}")?;
        }
        f.write_str(if key == NonceKey::First { "" } else { " of key 1" })
    }
}

impl Nonces {
    /// Whether no other nonce is possible.
    const fn is_one(self) -> bool {
        self.first == self.last
    }
}

#[derive(Serialize)]
struct Report<'a> {
    receipt: &'a Path,
    proof: &'a Path,
    valid: bool,
    forgeable: bool,
    #[serde(flatten)]
    anchor: Anchor,
    /// Whether the state that the transaction was executed on, the one before the block, is known.
    root_anchored: bool,
    /// The transaction's id, if the owner of the leaf has signed it and the block used no other nonce for it.
    id: Option<Digest>,
    /// The transaction, if its id is known.
    transaction: Option<Transaction>,
    transfer: Message,
    fee: Option<Message>,
    /// Whose signature the receipt has, whether it counts or not.
    signed: Option<Signed>,
    /// Owner of the sender's leaf, if an account proof says so.
    owner: Option<Address>,
    /// The nonces of which the block used one for the transaction, as far as account proofs and data show.
    nonces: Nonces,
    statement: BlockStatement,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transfer, fee, statement, anchor, .. } = self;
        let profile = Forgeable(statement.profile);
        write!(f, "{} is valid{profile} for block {}, ", self.receipt.display(), statement.block_number)?;
        writeln!(f, "a block {anchor}: it executed {}", self.what())?;
        match self.owner {
            Some(owner) => writeln!(f, "  from leaf   {}, address {owner}", transfer.from)?,
            None => writeln!(f, "  from leaf   {}; give --account to check its owner", transfer.from)?,
        }
        writeln!(f, "  to leaf     {}, address {}", transfer.to, transfer.to_address)?;
        writeln!(f, "  amount      {} of asset {}", grouped(transfer.amount), transfer.asset)?;
        match fee {
            Some(fee) => writeln!(f, "  fee         {} to leaf {}", grouped(fee.amount), fee.to)?,
            None => writeln!(f, "  fee         0")?,
        }
        writeln!(f, "  memo        {}", transfer.memo)?;
        match (self.transaction, self.signed) {
            (Some(tx), _) => {
                writeln!(f, "  nonce       {}, as signed by the owner", tx.nonce)?;
                match tx.valid_until {
                    NO_END => writeln!(f, "  valid until any time")?,
                    last => writeln!(f, "  valid until {}", TimeText(last))?,
                }
            }
            (None, Some(Signed { signer, id, .. })) => {
                match self.owner {
                    Some(_) => writeln!(f, "  signed by   the owner; the block used nonce {}", self.nonces)?,
                    None => {
                        writeln!(f, "  signed by   {signer}; no account proof shows that they own the leaf")?;
                    }
                }
                writeln!(f, "  signed id   {id}")?;
            }
            (None, None) => {
                writeln!(f, "  signed by   the owner; the receipt has no signature")?;
                writeln!(f, "  nonce       {}", self.nonces)?;
            }
        }
        writeln!(f, "as {} proves:", self.proof.display())?;
        write!(f, "{}", StatementText(statement))?;
        f.write_str(if anchor.reaches(false) { "" } else { UNANCHORED })
    }
}

impl Report<'_> {
    fn what(&self) -> String {
        match self.id {
            Some(id) => format!("transaction {id}"),
            None => "a transfer, whose id is not shown".to_owned(),
        }
    }
}

/// The receipt of the transaction that is asked for has no signature.
#[derive(Debug, thiserror::Error)]
#[error("{}: expected a receipt with a signature, as --tx needs, got one without", path.display())]
struct UnsignedError {
    path: PathBuf,
}

impl Failure for UnsignedError {
    fn exit(&self) -> Exit {
        Exit::ProofInvalid
    }

    fn kind(&self) -> &'static str {
        "unsigned"
    }
}

/// Several nonces are possible for the transaction that a receipt is said to be for.
#[derive(Debug, thiserror::Error)]
#[error(
    "{}: expected one nonce that the block can have used for this transfer, got {nonces}; give {}",
    path.display(),
    if *both_sides { "--data-file" } else { "--account from both sides of the block, or --data-file" }
)]
struct UnknownNonceError {
    path: PathBuf,
    nonces: Nonces,
    /// Whether there are account proofs from both sides.
    both_sides: bool,
}

impl Failure for UnknownNonceError {
    fn exit(&self) -> Exit {
        Exit::ProofInvalid
    }

    fn kind(&self) -> &'static str {
        "unknown_nonce"
    }
}

/// What account proofs say of the sender's leaf.
#[derive(Default)]
struct Sender {
    owner: Option<Address>,
    /// Its nonces before the block.
    before: Option<[u32; 2]>,
    /// Its nonces after the block.
    after: Option<[u32; 2]>,
}

impl VerifyReceiptArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the proof or the receipt does not hold, is of another transaction, or was not signed by whom it must be.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let receipt: Receipt = records::read(&self.receipt)?;
        let statement = verify_file(&self.proof, self.profile)?;
        let executed = check_receipt(&receipt, &statement).map_err(at(&self.receipt))?;
        let anchor = self.expect.check_back(&self.proof, &statement, &self.back)?;
        let Executed { transaction, transfer, fee } = executed;
        let signed = receipt.authorization.map(|signed| Signed {
            signer: signed.address(),
            l1_owner: signed.owner,
            id: transaction.id(),
        });
        let sender = self.sender(&statement, transfer.from)?;
        if let (Some(signed), Some(owner)) = (signed, sender.owner) {
            expect(&self.receipt, "signer", Some(owner), signed.signer)?;
        }
        let nonces = self.nonces(&statement, &receipt, &sender)?;
        let known = sender.owner.is_some() && nonces.is_one();
        let id = signed.filter(|_| known).map(|signed| signed.id);
        self.expect_id(signed, &sender, nonces)?;
        Outcome::of(&Report {
            receipt: &self.receipt,
            proof: &self.proof,
            valid: true,
            forgeable: self.profile.forgeable(),
            root_anchored: anchor.reaches(false),
            anchor,
            id,
            transaction: id.map(|_| transaction),
            transfer,
            fee,
            signed,
            owner: sender.owner,
            nonces,
            statement,
        })
    }

    fn sender(&self, statement: &BlockStatement, from: LeafIndex) -> Result<Sender, CliError> {
        let mut sender = Sender::default();
        for path in &self.accounts {
            let account: AccountProof = records::read(path)?;
            check_account(path, &account, statement)?;
            expect(path, "leaf", Some(from), account.index)?;
            expect(path, "address", sender.owner, account.leaf.address)?;
            sender.owner = Some(account.leaf.address);
            let after = account.number == statement.block_number;
            *(if after { &mut sender.after } else { &mut sender.before }) = Some(account.leaf.nonces);
        }
        Ok(sender)
    }

    /// The nonces that the block can have used for the receipt's transfer, of which its own must be one.
    fn nonces(
        &self,
        statement: &BlockStatement,
        receipt: &Receipt,
        sender: &Sender,
    ) -> Result<Nonces, CliError> {
        let data = self.data_file.as_ref().map(|path| read_data(path, statement)).transpose()?;
        let key = receipt.nonce.key();
        let [before, after] = [sender.before, sender.after].map(|nonces| Some(nonces?[key as usize]));
        let range = receipt.nonces(before, after, data.as_ref());
        let nonces = Nonces { key, first: *range.start(), last: *range.end() };
        if !range.contains(&i64::from(receipt.nonce.number())) {
            return Err(UnexpectedError {
                path: self.receipt.clone(),
                field: "nonce",
                expected: nonces.to_string(),
                got: receipt.nonce.to_string(),
            }
            .into());
        }
        Ok(nonces)
    }

    /// Holds the transaction against the id that is expected, for which the owner must have signed it, with the one nonce
    /// that the block can have used.
    fn expect_id(&self, signed: Option<Signed>, sender: &Sender, nonces: Nonces) -> Result<(), CliError> {
        let Some(tx) = self.tx else { return Ok(()) };
        let path = || self.receipt.clone();
        let signed = signed.ok_or_else(|| UnsignedError { path: path() })?;
        expect(&self.receipt, "transaction", Some(tx), signed.id)?;
        if sender.owner.is_none() {
            return Err(CliError::usage(format!(
                "--tx needs --account, an account proof of the sender's leaf: {} signed, but may not own the leaf",
                signed.signer
            )));
        }
        if !nonces.is_one() {
            let both_sides = sender.before.is_some() && sender.after.is_some();
            return Err(UnknownNonceError { path: path(), nonces, both_sides }.into());
        }
        Ok(())
    }
}
