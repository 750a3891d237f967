//! `enfold demo`: a whole block, from state to verified proof.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use enfold_fixtures::accounts::secret_key;
use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::options::ProveOptions;
use enfold_prover::pipeline::{Output, data_path, prove_and_commit};
use enfold_prover::prove::ProvenBlock;
use enfold_state::block::{Block, Genesis};
use enfold_state::leaf::Address;
use enfold_state::ledger::Ledger;
use enfold_state::profile::ProfileId;
use enfold_state::rebuild::rebuild;
use enfold_state::store::Store;
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::verify::{VerifierKey, verify_block};
use serde::Serialize;

use crate::commands::prove::{BlockError, ProvenText, TimingsReport};
use crate::error::{CliError, at};
use crate::files::{read_bounded, temporary_folder, write_all};
use crate::options::profile_parser;
use crate::output::Outcome;
use crate::progress::Progress;
use crate::proofs::{Bits, PROOF_LIMIT, ProfileText, StatementText, read_data, verify_file};
use crate::records;
use crate::text::{count, duration, milliseconds};

/// Share of the transfers that go to the hot account. Some transfers pay a fee, which is one more credit, so
/// that this is a third of all credits.
const HOT_SHARE: f64 = 0.4;

/// Share of the transfers to an address that has no leaf yet.
const NEW_SHARE: f64 = 0.1;

/// Key of the operator, who collects the fees: far from those of the accounts.
const OPERATOR_KEY: u64 = 1 << 32;

/// Options of `enfold demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
The test profile takes seconds and shows every step, but its proofs can be forged. The profiles
standard and proven are secure and take minutes.

Examples:
  enfold demo
  enfold demo --profile standard --txs 500 --out demo")]
pub struct DemoArgs {
    /// Profile to prove with.
    #[arg(long, default_value_t = ProfileId::Test, value_parser = profile_parser())]
    profile: ProfileId,
    /// Transactions in the block.
    #[arg(long, value_name = "N", default_value_t = 80, value_parser = clap::value_parser!(u32).range(64..=1_000_000))]
    txs: u32,
    /// Number of accounts.
    #[arg(long, value_name = "A", default_value_t = 40, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    accounts: u32,
    /// Seed for keys and transactions.
    #[arg(long, value_name = "K", default_value_t = 4)]
    seed: u64,
    /// Keep all files in this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace existing files; the data directory in the folder must not exist.
    #[arg(long, requires = "out")]
    force: bool,
}

/// What happened.
#[derive(Serialize)]
struct Report<'a> {
    accounts: usize,
    transactions: usize,
    credits: usize,
    hot_credits: usize,
    left_out: usize,
    security_bits: Bits,
    forgeable: bool,
    statement: BlockStatement,
    proof_bytes: usize,
    timings: TimingsReport,
    circuits_ms: f64,
    verify_ms: f64,
    rebuild_ms: f64,
    rebuilt_root_matches: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<&'a Path>,
    #[serde(skip)]
    text: Text<'a>,
}

struct Text<'a> {
    proven: &'a ProvenBlock,
    circuits: Duration,
    verify: Duration,
    rebuild: Duration,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Text { proven, circuits, verify, rebuild } = &self.text;
        let accounts = count(self.accounts, "account", "accounts");
        let transactions = count(self.transactions, "signed transfer", "signed transfers");
        writeln!(f, "A state of {accounts} and a block of {transactions}, the last of them a replay.")?;
        write!(f, "One account is hot: it receives {} of the block's {} ", self.hot_credits, self.credits)?;
        writeln!(f, "credits. Some transfers pay a fee to the operator.\n")?;
        write!(f, "{}", ProvenText(proven))?;
        writeln!(f, "(building the circuits took {}, once in a process)\n", duration(*circuits))?;
        writeln!(
            f,
            "The proof file, read back and verified with the program's own key in {}, says:",
            duration(*verify)
        )?;
        write!(f, "{}", StatementText(&self.statement))?;
        writeln!(f, "\nWith one bit changed it is refused.")?;
        write!(
            f,
            "The state was rebuilt from genesis and the published messages alone in {}; ",
            duration(*rebuild)
        )?;
        writeln!(f, "its root is the proven one.")?;
        if self.forgeable {
            writeln!(f, "\nThe test profile is for tests only: its proofs can be forged. For use:")?;
            for profile in ProfileId::ALL.into_iter().filter(|profile| !profile.forgeable()) {
                writeln!(f, "  --profile {}", ProfileText(profile))?;
            }
        }
        match self.folder {
            Some(folder) => writeln!(f, "All files are in {}.", folder.display()),
            None => Ok(()),
        }
    }
}

impl DemoArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// If a step fails, or a file cannot be written.
    pub fn run(&self) -> Result<Outcome, CliError> {
        let temporary;
        let folder: &Path = match &self.out {
            Some(folder) => folder,
            None => {
                temporary = temporary_folder()?;
                temporary.path()
            }
        };
        let (genesis, block, hot) = self.make_block();
        let files = vec![
            ("genesis.bin".to_owned(), records::to_binary(&genesis)?),
            ("block-1.bin".to_owned(), records::to_binary(&block)?),
        ];
        write_all(folder, &files, self.force)?;

        let mut store = Store::create(&folder.join("state"), &genesis)?;
        let output = Output { proof: folder.join("block-1.proof"), force: self.force };
        let progress = Progress::new(self.profile);
        let observe = |event: &_| progress.observe(event);
        let options = ProveOptions::default();
        let proven = prove_and_commit(&mut store, self.profile, &block, &output, &options, &observe)
            .map_err(BlockError::of(&folder.join("block-1.bin")))?;

        let start = Instant::now();
        let statement = verify_file(&output.proof, self.profile)?;
        let verify = start.elapsed();
        refuse_changed(&output.proof, self.profile)?;
        let start = Instant::now();
        let rebuilt = rebuild_from(&genesis, &output.proof, &statement)?;
        let rebuild = start.elapsed();

        let credits = &proven.execution.credits;
        let circuits = progress.circuits().0;
        Outcome::of(&Report {
            accounts: self.accounts as usize,
            transactions: block.transactions.len(),
            credits: credits.len(),
            hot_credits: credits.iter().filter(|message| message.to_address == hot).count(),
            left_out: proven.rejections().len(),
            security_bits: Bits::of(self.profile),
            forgeable: self.profile.forgeable(),
            statement,
            proof_bytes: proven.proof.len(),
            timings: (&proven.timings).into(),
            circuits_ms: milliseconds(circuits),
            verify_ms: milliseconds(verify),
            rebuild_ms: milliseconds(rebuild),
            rebuilt_root_matches: rebuilt.root() == store.ledger().root(),
            folder: self.out.as_deref(),
            text: Text { proven: &proven, circuits, verify, rebuild },
        })
    }

    /// A genesis, a block, and the address of its hot account.
    fn make_block(&self) -> (Genesis, Block, Address) {
        let mut world = World::new(WorldSpec {
            seed: self.seed,
            chain_id: 1,
            accounts: self.accounts as usize,
            hot_share: HOT_SHARE,
            new_share: NEW_SHARE,
            ends: false,
            fee_floor: 0,
            ..WorldSpec::default()
        });
        let hot = world.keys()[0].address();
        let genesis = world.genesis().clone();
        let mut block = world.block(self.txs as usize);
        // One that breaks a rule: the first, a second time.
        block.transactions.extend(block.transactions.first().copied());
        let collector = secret_key(self.seed, OPERATOR_KEY).address();
        block.fees.iter_mut().for_each(|policy| policy.collector = collector);
        (genesis, block, hot)
    }
}

/// Flips one bit in the middle of the proof and makes sure that it is refused then.
fn refuse_changed(path: &Path, profile: ProfileId) -> Result<(), CliError> {
    let mut bytes = read_bounded(path, PROOF_LIMIT)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let refused = verify_block(VerifierKey::pinned(profile), &bytes).is_err();
    assert!(refused, "a proof with a flipped bit must not verify");
    Ok(())
}

/// The state after the block, from genesis and the data file.
fn rebuild_from(genesis: &Genesis, proof: &Path, statement: &BlockStatement) -> Result<Ledger, CliError> {
    let path = data_path(proof);
    let data = read_data(&path, statement)?;
    let mut ledger = Ledger::from_genesis(genesis).map_err(at(proof))?;
    rebuild(&mut ledger, &data, statement.time, statement.previous_root, statement.new_root)
        .map_err(at(&path))?;
    Ok(ledger)
}
