//! `enfold receipt`: makes a file that proves that a block executed a transaction.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use enfold_state::block::{Block, BlockData};
use enfold_state::codec::Kind;
use enfold_state::hash::Digest;
use enfold_state::receipt::{Receipt, Search};
use enfold_state::store::{Check, Snapshot};
use enfold_state::transaction::SignedTransaction;
use enfold_witness::profile::ProfileId;
use serde::Serialize;

use crate::anchor::expect;
use crate::args::{OutArgs, profile_parser};
use crate::contents::{Sort, sort_of};
use crate::error::CliError;
use crate::files::files_in;
use crate::output::{Outcome, count, grouped};
use crate::proofs::{read_data, verify_file};
use crate::{reading, records};

/// Options of `enfold receipt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Messages carry no nonce, so the transaction is found by counting nonces back from the data directory's state: give
the data files of the transaction's block and of all later ones, in any order, or a folder with them. If the proof
lies beside the data file (block-1.proof beside block-1.proof.data), it is verified, by the profile that --profile
says, and must have the same E and the roots of the data directory.
With --signed, the receipt carries key and signature too.

Examples:
  enfold receipt --data state --tx 9f0c... --data-file block-1.proof.data --out 9f0c.receipt
  enfold receipt --data state --tx 9f0c... --data-file proofs --signed chain/block-7.bin --out 9f0c.receipt
  enfold verify-receipt 9f0c.receipt block-7.proof --tx 9f0c...")]
pub struct ReceiptArgs {
    /// The data directory, at a state after the transaction's block.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The transaction's id: 64 hex digits.
    #[arg(long, value_name = "ID")]
    tx: Digest,
    /// A data file, binary or JSON, or a folder of which all files in .data are taken; may be repeated.
    #[arg(long, value_name = "FILE|DIR", required = true)]
    data_file: Vec<PathBuf>,
    /// The profile that a proof beside the data file must be of.
    #[arg(long, default_value_t = ProfileId::Standard, value_parser = profile_parser())]
    profile: ProfileId,
    /// The signed transaction, or the block that has it, to take the signature from.
    #[arg(long, value_name = "FILE")]
    signed: Option<PathBuf>,
    #[command(flatten)]
    out: OutArgs,
}

#[derive(Serialize)]
struct Report<'a> {
    receipt: &'a Path,
    bytes: usize,
    id: Digest,
    number: u32,
    nonce: u32,
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
    /// Whether anybody can make such a proof; `None` without one.
    forgeable: Option<bool>,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (messages, batches) = (count(self.messages, "message", "messages"), grouped(self.batches as u64));
        writeln!(f, "transaction {}", self.id)?;
        writeln!(f, "is in block {}: message {} of batch {}", self.number, self.position, self.batch)?;
        writeln!(f, "data commitment E {}", self.emitted)?;
        match self.proof {
            Some(proof) => {
                let forgeable = self.forgeable == Some(true);
                let profile = if forgeable { ", by a profile whose proofs can be forged" } else { "" };
                writeln!(f, "as {} proves{profile}", proof.display())?;
            }
            None => writeln!(f, "no proof lies beside the data file: not compared")?,
        }
        writeln!(
            f,
            "receipt of {} bytes, {messages} of 1 of {batches} batches, {} a signature, written to {}",
            grouped(self.bytes as u64),
            if self.signed { "with" } else { "without" },
            self.receipt.display()
        )
    }
}

impl ReceiptArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If the transaction is not in the data, or the data are not those of the data directory's chain.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let state = reading::open(&self.data, Check::Sampled)?;
        let files = data_files(&self.data_file)?;
        let (path, receipt) = self.find(&state, &files)?;
        let fail = |source| CliError::Issue { path: path.to_owned(), source: Box::new(source) };
        let receipt = match &self.signed {
            Some(signed) => receipt.with_signed(&self.signed_transaction(signed)?).map_err(fail)?,
            None => receipt,
        };
        let proof = self.proof_beside(&state, path)?;
        let bytes = self.out.write_record(&receipt)?;
        Outcome::of(&Report {
            receipt: self.out.path(),
            bytes,
            id: self.tx,
            number: receipt.number,
            nonce: receipt.nonce,
            batch: receipt.batch,
            position: receipt.position,
            messages: receipt.messages.len(),
            batches: receipt.digests.len() + 1,
            emitted: receipt.emitted().map_err(|source| fail(source.into()))?,
            signed: receipt.authorization.is_some(),
            proof: proof.as_deref(),
            forgeable: proof.is_some().then_some(self.profile.forgeable()),
        })
    }

    /// Goes back from the state's last block.
    fn find<'a>(
        &self,
        state: &Snapshot,
        files: &'a BTreeMap<u32, PathBuf>,
    ) -> Result<(&'a Path, Receipt), CliError> {
        let mut search = Search::new(state.ledger());
        let last = search.number();
        while let Some(path) = files.get(&search.number()) {
            let data: BlockData = records::read(path)?;
            let found = search
                .block(&data, &self.tx)
                .map_err(|source| CliError::Search { path: path.clone(), source: Box::new(source) })?;
            if let Some((place, nonce)) = found {
                let receipt = Receipt::new(&data, place, nonce)
                    .map_err(|source| CliError::Issue { path: path.clone(), source: Box::new(source) })?;
                return Ok((path, receipt));
            }
        }
        let number = search.number();
        if number == last || files.range(..number).next().is_some() {
            return Err(CliError::MissingBlockData { path: self.data.clone(), number, last });
        }
        Err(CliError::UnknownTransaction { path: self.data.clone(), id: self.tx, first: number + 1, last })
    }

    fn signed_transaction(&self, path: &Path) -> Result<SignedTransaction, CliError> {
        if sort_of(path)? != Sort::Record(Kind::Block) {
            return records::read(path);
        }
        let block: Block = records::read(path)?;
        let found = block.transactions.into_iter().find(|signed| signed.transaction.id() == self.tx);
        found.ok_or_else(|| CliError::UnknownTransaction {
            path: path.to_owned(),
            id: self.tx,
            first: block.number,
            last: block.number,
        })
    }

    /// The proof of a data file, if it lies beside it. It must commit to the data, and to the states before and after.
    fn proof_beside(&self, state: &Snapshot, data: &Path) -> Result<Option<PathBuf>, CliError> {
        let proof = data.with_extension("");
        if data.extension().is_none_or(|extension| extension != "data") || !proof.is_file() {
            return Ok(None);
        }
        let statement = verify_file(&proof, self.profile)?;
        read_data(data, &statement)?;
        let number = statement.block_number;
        // The data are those of a block that the data directory has.
        let (before, after) = (state.root_at(number.saturating_sub(1)), state.root_at(number));
        expect(&proof, "previous root", before, statement.previous_root)?;
        expect(&proof, "new root", after, statement.new_root)?;
        Ok(Some(proof))
    }
}

/// Data files, and those in .data of folders, by block number.
///
/// # Errors
/// If one cannot be read, or two are of one block.
pub fn data_files(given: &[PathBuf]) -> Result<BTreeMap<u32, PathBuf>, CliError> {
    let mut paths = Vec::new();
    for path in given {
        if path.is_dir() {
            paths.extend(files_in(path, "data")?);
        } else {
            paths.push(path.clone());
        }
    }
    let mut files = BTreeMap::new();
    for path in paths {
        let data: BlockData = records::read(&path)?;
        if let Some(other) = files.insert(data.number, path.clone())
            && other != path
        {
            return Err(CliError::TwoDataFiles { path, other, number: data.number });
        }
    }
    Ok(files)
}
