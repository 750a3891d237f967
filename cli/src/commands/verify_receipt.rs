//! `enfold verify-receipt`: checks that a proven block executed a transaction.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_circuits::statement::BlockStatement;
use enfold_state::hash::Digest;
use enfold_state::leaf::Address;
use enfold_state::receipt::{Executed, Receipt};
use enfold_witness::profile::ProfileId;
use serde::Serialize;

use super::verify::expect;
use crate::args::profile_parser;
use crate::error::CliError;
use crate::output::{Outcome, grouped};
use crate::proofs::{StatementText, verify_file};
use crate::records;

/// Options of `enfold verify-receipt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Proven is: in this block the owner of the leaf signed a transaction with these contents, the leaf was debited, and
the receiver's leaf was credited. The messages do not carry the nonce: without a signature in the receipt it is the
word of whoever made it, with one it is what that key signed. enfold verify-account says whose the leaf is.

Examples:
  enfold verify-receipt 9f0c.receipt block-7.proof
  enfold verify-receipt 9f0c.receipt block-7.proof --tx 9f0c... --profile test")]
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
}

#[derive(Serialize)]
struct Report<'a> {
    receipt: &'a Path,
    proof: &'a Path,
    valid: bool,
    id: Digest,
    #[serde(flatten)]
    executed: Executed,
    /// Address of the key whose signature the receipt has.
    signer: Option<Address>,
    statement: BlockStatement,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Executed { transaction: tx, transfer, fee } = &self.executed;
        writeln!(f, "{} is valid: block {} executed", self.receipt.display(), self.statement.block_number)?;
        writeln!(f, "  transaction {}", self.id)?;
        writeln!(f, "  from leaf   {}", tx.from)?;
        writeln!(f, "  to leaf     {}, address {}", transfer.to, tx.to_address)?;
        writeln!(f, "  amount      {} of asset {}", grouped(tx.amount), tx.asset)?;
        match fee {
            Some(fee) => writeln!(f, "  fee         {} to leaf {}", grouped(fee.amount), fee.to)?,
            None => writeln!(f, "  fee         0")?,
        }
        writeln!(f, "  memo        {}", tx.memo)?;
        match self.signer {
            Some(signer) => {
                writeln!(f, "  nonce       {}, as signed by the key of address {signer}", tx.nonce)?
            }
            None => writeln!(f, "  nonce       {}, which the receipt says and does not prove", tx.nonce)?,
        }
        writeln!(f, "as {} proves:", self.proof.display())?;
        write!(f, "{}", StatementText(&self.statement))
    }
}

impl VerifyReceiptArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the proof or the receipt does not hold, or is of another transaction.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let receipt: Receipt = records::read(&self.receipt)?;
        let statement = verify_file(&self.proof, self.profile)?;
        let executed = receipt
            .check(statement.chain_id, statement.block_number, statement.emitted)
            .map_err(|source| CliError::Receipt { path: self.receipt.clone(), source: Box::new(source) })?;
        let id = executed.transaction.id();
        expect(&self.receipt, "transaction", self.tx, id)?;
        Outcome::of(&Report {
            receipt: &self.receipt,
            proof: &self.proof,
            valid: true,
            id,
            executed,
            signer: receipt.authorization.map(|signed| signed.public_key.address()),
            statement,
        })
    }
}
