//! `enfold receipt`: makes a file that proves that a block executed a transaction.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_state::block::Block;
use enfold_state::codec::Kind;
use enfold_state::hash::Digest;
use enfold_state::nonce::Nonce;
use enfold_state::receipt::{IssueError, Receipt};
use enfold_state::store::Check;
use enfold_state::transaction::{NO_END, SignedTransaction, Transaction};
use serde::Serialize;

use crate::contents::{Sort, sort_of};
use crate::error::{CliError, Failure, at};
use crate::options::OutArgs;
use crate::output::Outcome;
use crate::text::{count, grouped};
use crate::walk::{BesideArgs, Compared, DataFiles, Step, Walk, WalkError};
use crate::{reading, records};

/// Options of `enfold receipt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Messages carry no nonce, so nonces are counted back from the state in the data directory: give the
data files of the transaction's block and of all later blocks, in any order, or a folder with
them. If the proof is beside its data file (block-1.proof beside block-1.proof.data), it is
verified with --profile, and must have the same E and the roots of the data directory. Blocks
without a proof are listed as not compared: if one of their data files is wrong, so are the nonce
and the id.
With --signed, the receipt also carries the public key, its owner on L1 and the signature. Data do
not show how long a transaction was valid, and its id covers that: of one that was signed with an
end, give --valid-until or --signed.

Examples:
  enfold receipt --data state --tx 9f0c... --data-file block-1.proof.data --out 9f0c.receipt
  enfold receipt --data state --tx 9f0c... --data-file proofs --signed chain/block-7.bin --out 9f0c.receipt
  enfold verify-receipt 9f0c.receipt block-7.proof --expect-prev-root 8c1f...")]
pub struct ReceiptArgs {
    /// The data directory, whose state is after the transaction's block.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The transaction's id: 64 hex digits.
    #[arg(long, value_name = "ID")]
    tx: Digest,
    /// A data file, binary or JSON, or a folder whose .data files are all read; may be repeated.
    #[arg(long, value_name = "FILE|DIR", required = true)]
    data_file: Vec<PathBuf>,
    #[command(flatten)]
    beside: BesideArgs,
    /// Last second at which the transaction was valid [default: that of --signed, or no end].
    #[arg(long, value_name = "SECONDS", conflicts_with = "signed", value_parser = clap::value_parser!(u32).range(1..))]
    valid_until: Option<u32>,
    /// The signed transaction, or a block with it, for the signature.
    #[arg(long, value_name = "FILE")]
    signed: Option<PathBuf>,
    #[command(flatten)]
    out: OutArgs,
}

/// Where the transaction is.
struct Found<'a> {
    /// The data file.
    path: &'a Path,
    /// The proof beside it.
    proof: Option<PathBuf>,
    receipt: Receipt,
}

#[derive(Serialize)]
struct Report<'a> {
    receipt: &'a Path,
    bytes: usize,
    id: Digest,
    number: u32,
    nonce: Nonce,
    valid_until: u32,
    batch: u32,
    position: u32,
    /// Messages of the batch.
    messages: usize,
    /// All batches that can emit.
    batches: usize,
    emitted: Digest,
    signed: bool,
    /// The proof that has this `E`, and the data directory's roots, if one lies beside the data file.
    proof: Option<&'a Path>,
    /// Of the transaction's block and all later ones.
    #[serde(flatten)]
    compared: Compared,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (messages, batches) = (count(self.messages, "message", "messages"), grouped(self.batches as u64));
        writeln!(f, "transaction {}", self.id)?;
        writeln!(f, "is in block {}: message {} of batch {}", self.number, self.position, self.batch)?;
        writeln!(f, "data commitment E {}", self.emitted)?;
        if let Some(proof) = self.proof {
            writeln!(f, "as {} proves", proof.display())?;
        }
        write!(f, "{}", self.compared)?;
        writeln!(
            f,
            "receipt of {} bytes, {messages} of 1 of {batches} batches, {} a signature, written to {}",
            grouped(self.bytes as u64),
            if self.signed { "with" } else { "without" },
            self.receipt.display()
        )
    }
}

/// A transaction is not where it was looked for.
#[derive(Debug, thiserror::Error)]
#[error("{}: no transaction {id} in {}{}", path.display(), blocks_text(*first, *last), end_text(*valid_until))]
struct UnknownTransactionError {
    path: PathBuf,
    id: Digest,
    /// The first block that was searched.
    first: u32,
    last: u32,
    /// Until when it is looked for as valid, where the data do not say.
    valid_until: Option<u32>,
}

fn end_text(valid_until: Option<u32>) -> String {
    match valid_until {
        None => String::new(),
        Some(NO_END) => " without an end; of one with an end give --valid-until or --signed".to_owned(),
        Some(last) => format!(" that is valid until {last}"),
    }
}

fn blocks_text(first: u32, last: u32) -> String {
    if first == last { format!("block {first}") } else { format!("blocks {first} to {last}") }
}

impl Failure for UnknownTransactionError {
    fn kind(&self) -> &'static str {
        "unknown_transaction"
    }
}

impl ReceiptArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the transaction is not in the data, or the data are not those of the data directory's chain.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let state = reading::open(&self.data, Check::Sampled)?;
        let files = DataFiles::read(&self.data_file)?;
        let mut walk = Walk::new(&state, &files, self.beside.profile)?;
        let signed = self.signed.as_deref().map(|path| self.signed_transaction(path)).transpose()?;
        let valid_until = signed.as_ref().map(|signed| signed.transaction.valid_until);
        let valid_until = valid_until.or(self.valid_until).unwrap_or(NO_END);
        let Found { path, proof, receipt } = self.find(&mut walk, &files, valid_until)?;
        let compared = walk.compared();
        let receipt = match &signed {
            Some(signed) => receipt.with_signed(signed).map_err(at(path))?,
            None => receipt,
        };
        let bytes = self.out.write_record(&receipt)?;
        Outcome::of(&Report {
            receipt: self.out.path(),
            bytes,
            id: self.tx,
            number: receipt.number,
            nonce: receipt.nonce,
            valid_until: receipt.valid_until,
            batch: receipt.batch,
            position: receipt.position,
            messages: receipt.messages.len(),
            batches: receipt.digests.len() + 1,
            emitted: receipt.emitted().map_err(|error| at(path)(IssueError::from(error)))?,
            signed: receipt.authorization.is_some(),
            proof: proof.as_deref(),
            compared,
        })
    }

    /// Goes back from the state's last block.
    fn find<'a>(
        &self,
        walk: &mut Walk<'a>,
        files: &DataFiles,
        valid_until: u32,
    ) -> Result<Found<'a>, CliError> {
        let is_it = |tx: &Transaction| Transaction { valid_until, ..*tx }.id() == self.tx;
        let last = walk.number();
        while let Some(Step { file, proof, transactions }) = walk.back()? {
            if let Some((place, tx)) = transactions.into_iter().find(|(_, tx)| is_it(tx)) {
                let fail = at(&file.path);
                let receipt = Receipt::new(&file.data, place, tx.nonce, valid_until).map_err(fail)?;
                return Ok(Found { path: &file.path, proof, receipt });
            }
        }
        let number = walk.number();
        if number == last || files.any_before(number) {
            return Err(WalkError::Missing { path: self.data.clone(), number, last }.into());
        }
        Err(self.unknown(&self.data, (number + 1, last), Some(valid_until)).into())
    }

    fn signed_transaction(&self, path: &Path) -> Result<SignedTransaction, CliError> {
        if sort_of(path)? != Sort::Record(Kind::Block) {
            return records::read(path);
        }
        let block: Block = records::read(path)?;
        let found = block.transactions.into_iter().find(|signed| signed.transaction.id() == self.tx);
        Ok(found.ok_or_else(|| self.unknown(path, (block.number, block.number), None))?)
    }

    fn unknown(
        &self,
        path: &Path,
        (first, last): (u32, u32),
        valid_until: Option<u32>,
    ) -> UnknownTransactionError {
        UnknownTransactionError { path: path.to_owned(), id: self.tx, first, last, valid_until }
    }
}
