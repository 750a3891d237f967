//! `enfold verify-receipt`: checks that a proven block executed a transaction.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_state::account_proof::AccountProof;
use enfold_state::hash::Digest;
use enfold_state::leaf::Address;
use enfold_state::message::Message;
use enfold_state::receipt::{Executed, Receipt};
use enfold_state::transaction::Transaction;
use enfold_verifier::receipt::check_receipt;
use enfold_verifier::statement::BlockStatement;
use enfold_witness::profile::ProfileId;
use serde::Serialize;

use super::verify_account::check_account;
use crate::anchor::{Anchor, BackArgs, ExpectArgs, Forgeable, UNANCHORED, UnexpectedError, expect};
use crate::error::{CliError, Failure, at};
use crate::exit::Exit;
use crate::options::profile_parser;
use crate::output::Outcome;
use crate::proofs::{StatementText, verify_file};
use crate::records;
use crate::text::grouped;

/// Options of `enfold verify-receipt`.
#[derive(Debug, Args)]
#[command(after_help = "\
A valid receipt proves that the owner of the leaf signed a transfer with these contents, and that
this block debited the leaf and credited the receiver's. Messages carry no nonce and so no
transaction id: only a receipt with a signature (enfold receipt --signed) shows which transaction
it was, and only an account proof of the sender's leaf, from before or after the block, shows
whose signature counts. --tx needs both.

To be sure that the block is your chain's, expect its previous root, or give a folder of proofs
that lead back to the genesis (--chain). A new root alone says nothing about what led to it.
Anyone with signed transactions can prove other blocks on the same states: with
--expect-last-root, the chain must lead to the last root that the operator published.

Examples:
  enfold verify-receipt 9f0c.receipt block-7.proof --expect-prev-root 8c1f...
  enfold verify-receipt 9f0c.receipt block-7.proof --chain proofs --genesis genesis.bin --expect-last-root 77a0...
  enfold verify-receipt 9f0c.receipt block-7.proof --tx 9f0c... --account leaf-3.account --profile test")]
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
    #[command(flatten)]
    expect: ExpectArgs,
    #[command(flatten)]
    back: BackArgs,
}

/// A signature that is in a receipt.
#[derive(Clone, Copy, Serialize)]
struct Signed {
    /// Address of the key.
    signer: Address,
    /// The transaction that it signed.
    id: Digest,
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
    /// The transaction's id, if the owner of the leaf has signed it.
    id: Option<Digest>,
    /// The transaction, if the owner of the leaf has signed it.
    transaction: Option<Transaction>,
    transfer: Message,
    fee: Option<Message>,
    /// Whose signature the receipt has, whether it counts or not.
    signed: Option<Signed>,
    /// Owner of the sender's leaf, if an account proof says so.
    owner: Option<Address>,
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
            (Some(tx), _) => writeln!(f, "  nonce       {}, as signed by the owner", tx.nonce)?,
            (None, Some(Signed { signer, id })) => {
                writeln!(f, "  signed by   {signer}; no account proof shows that they own the leaf")?;
                writeln!(f, "  signed id   {id}")?;
            }
            (None, None) => writeln!(f, "  signed by   the owner; nonce and id are not in the messages")?,
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
            None => "a transfer, whose nonce and id are not shown".to_owned(),
        }
    }
}

/// Nobody has signed the transaction that a receipt is said to be for.
#[derive(Debug, thiserror::Error)]
#[error("{}: the receipt has no signature, and without one it proves no transaction's id", path.display())]
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
        let signed = receipt
            .authorization
            .map(|signed| Signed { signer: signed.public_key.address(), id: executed.transaction.id() });
        let owner = self.owner(&statement, &executed, signed.is_some())?;
        if let (Some(signed), Some(owner)) = (signed, owner) {
            expect(&self.receipt, "signer", Some(owner), signed.signer)?;
        }
        let id = signed.filter(|_| owner.is_some()).map(|signed| signed.id);
        self.expect_id(signed, id)?;
        let Executed { transaction, transfer, fee } = executed;
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
            owner,
            statement,
        })
    }

    /// The owner of the sender's leaf, by the account proofs, which also say between which nonces the block's are.
    fn owner(
        &self,
        statement: &BlockStatement,
        executed: &Executed,
        signed: bool,
    ) -> Result<Option<Address>, CliError> {
        let mut owner = None;
        for path in &self.accounts {
            let account: AccountProof = records::read(path)?;
            check_account(path, &account, statement)?;
            expect(path, "leaf", Some(executed.transfer.from), account.index)?;
            expect(path, "address", owner, account.leaf.address)?;
            owner = Some(account.leaf.address);
            let (nonce, bound) = (executed.transaction.nonce, account.leaf.nonce);
            let after = account.number == statement.block_number;
            if signed && (nonce < bound) != after {
                let side = if after { "below" } else { "of at least" };
                return Err(UnexpectedError {
                    path: self.receipt.clone(),
                    field: "a nonce",
                    expected: format!("{side} {bound}, as {} says", path.display()),
                    got: nonce.to_string(),
                }
                .into());
            }
        }
        Ok(owner)
    }

    /// Holds the transaction against the id that is expected, for which it must have been signed by the owner.
    fn expect_id(&self, signed: Option<Signed>, id: Option<Digest>) -> Result<(), CliError> {
        match (self.tx, signed, id) {
            (None, ..) => Ok(()),
            (Some(_), None, _) => Err(UnsignedError { path: self.receipt.clone() }.into()),
            (Some(tx), Some(signed), None) => {
                expect(&self.receipt, "transaction", Some(tx), signed.id)?;
                let message = format!(
                    "--tx needs --account, an account proof of the sender's leaf: {} signed, but may not own the leaf",
                    signed.signer
                );
                Err(CliError::usage(message))
            }
            (Some(tx), _, Some(id)) => expect(&self.receipt, "transaction", Some(tx), id),
        }
    }
}
