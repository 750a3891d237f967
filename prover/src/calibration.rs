//! What proofs cost on a machine, as measured, and what a block will cost by it.
//!
//! A calibration is a JSON file that `enfold bench calibrate` writes. Times in it are core seconds: a proof's time, times
//! the cores, divided by the proofs at a time. The forecast spreads them evenly over the cores that are asked for.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use enfold_circuits::params::Params;
use enfold_state::chain::BlockId;
use enfold_state::codec::Malformed;
use enfold_state::executor::{Accepted, Execution};
use enfold_state::hash::Digest;
use enfold_state::json;
use enfold_state::kind::FamilyId;
use enfold_state::leaf::{Address, LeafIndex};
use enfold_state::message::{Message, Op};
use enfold_state::nonce::NonceKey;
use enfold_state::profile::{BatchId, ProfileId};
use enfold_state::system::words;
use enfold_verifier::verify::VerifierKey;
use enfold_witness::plan::Plan;
use serde::{Deserialize, Serialize};

use crate::cost::{proof_memory, proofs_memory};
use crate::graph::{Arities, Graph};
use crate::job::{Job, Stage};
use crate::options::{in_flight_by_memory, in_flight_by_threads};
use crate::prove::ProvenBlock;

/// Version of the file. 1 did not say which circuits it was measured with.
const VERSION: u32 = 2;

/// Longest file that is read, in bytes.
const LIMIT: u64 = 1 << 16;

/// What proofs of a profile cost on a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Version of the file, 2.
    pub version: u32,
    /// The profile.
    pub profile: ProfileId,
    /// Digest of the profile's verifier key, which stands for all of its circuits: others cost something else.
    pub key: Digest,
    /// Cores that were used.
    pub cores: usize,
    /// Proofs that were made at a time.
    pub in_flight: usize,
    /// Seconds that building all circuits took.
    pub circuits_s: f64,
    /// Core seconds before the proofs, for a transaction: execution, plan, witnesses.
    pub transaction_s: f64,
    /// Core seconds of a batch proof of the first family; those of others are counted by what they cost beside it.
    pub batch_s: f64,
    /// Core seconds of a lift proof.
    pub lift_s: f64,
    /// Core seconds of a fold proof; where none was made, of a lift proof, which has the same shape.
    pub fold_s: f64,
    /// Core seconds of the block proof.
    pub block_s: f64,
    /// Bytes that the process takes beside its proofs: circuits, state, witnesses.
    pub base_bytes: u64,
}

/// What helps if a calibration is out of date.
const AGAIN: &str = "measure again with `enfold bench calibrate`";

/// A file is not a calibration.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// It cannot be read.
    #[error("{path}: {}", words(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no JSON, or not of this form.
    #[error("{path}: not a calibration: {source}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        source: Malformed,
    },
    /// It is of another version.
    #[error("{path}: expected a calibration of version {expected}, got {got}; {AGAIN}")]
    Version {
        /// The file.
        path: PathBuf,
        /// The version that is understood.
        expected: u32,
        /// The file's.
        got: u32,
    },
    /// It was measured with other circuits than this program's.
    #[error("{path}: expected a calibration of the circuits with key {expected}, got one of {got}; {AGAIN}")]
    Key {
        /// The file.
        path: PathBuf,
        /// The program's verifier key, as a digest.
        expected: Digest,
        /// The file's.
        got: Digest,
    },
    /// It is of another profile.
    #[error("{path}: expected a calibration of profile {expected}, got one of {got}")]
    Profile {
        /// The file.
        path: PathBuf,
        /// The profile that is asked for.
        expected: ProfileId,
        /// The file's.
        got: ProfileId,
    },
}

impl Calibration {
    /// What a proven block tells. `base_bytes` is the process's memory beside its proofs.
    pub fn of(
        profile: ProfileId,
        proven: &ProvenBlock,
        circuits: Duration,
        cores: usize,
        in_flight: usize,
        base_bytes: u64,
    ) -> Self {
        let per_core = cores as f64 / in_flight.max(1) as f64;
        let stage = |stage| {
            let (count, sum) = proven.timings.of_stage(stage);
            sum.as_secs_f64() * per_core / count.max(1) as f64
        };
        let folds = proven.timings.of_stage(Stage::Fold).0;
        let weights = proven.timings.jobs.iter().filter_map(|(job, _)| match job {
            Job::Batch { batch, .. } => Some(weight(profile, batch.family())),
            _ => None,
        });
        let weights: f64 = weights.sum();
        let batches = proven.timings.of_stage(Stage::Batch).1.as_secs_f64();
        let before = (proven.timings.execute + proven.timings.witness).as_secs_f64();
        Self {
            version: VERSION,
            profile,
            key: VerifierKey::pinned(profile).digest(),
            cores,
            in_flight,
            circuits_s: circuits.as_secs_f64(),
            transaction_s: before * cores as f64 / f64::from(proven.statement.transactions.max(1)),
            batch_s: if weights > 0.0 { batches * per_core / weights } else { 0.0 },
            lift_s: stage(Stage::Lift),
            // A small block has no fold. One has as many rows and columns as a lift.
            fold_s: if folds > 0 { stage(Stage::Fold) } else { stage(Stage::Lift) },
            // The block proof is made alone, whatever may be made at a time.
            block_s: proven.timings.of_stage(Stage::Block).1.as_secs_f64() * cores as f64,
            base_bytes,
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it is no calibration of the profile.
    pub fn read(path: &Path, profile: ProfileId) -> Result<Self, CalibrationError> {
        let path = path.to_owned();
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|file| file.take(LIMIT).read_to_end(&mut bytes)) {
            Ok(_) => {}
            Err(source) => return Err(CalibrationError::Read { path, source }),
        }
        // Before its form, which is that of its version.
        if let Ok(Versioned { version: got }) = serde_json::from_slice(&bytes)
            && got != VERSION
        {
            return Err(CalibrationError::Version { path, expected: VERSION, got });
        }
        let read: Self = match json::from_slice(&bytes) {
            Ok(read) => read,
            Err(error) => {
                return Err(CalibrationError::Form { path, source: Malformed::new(error) });
            }
        };
        if read.profile != profile {
            return Err(CalibrationError::Profile { path, expected: profile, got: read.profile });
        }
        match VerifierKey::pinned(profile).digest() {
            expected if expected != read.key => Err(CalibrationError::Key { path, expected, got: read.key }),
            _ => Ok(read),
        }
    }
}

/// What files of all versions have.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// What a block will take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// Batch proofs.
    pub batches: usize,
    /// Lift proofs.
    pub lifts: usize,
    /// Fold proofs.
    pub folds: usize,
    /// Proofs at a time.
    pub in_flight: usize,
    /// Bytes of memory at the peak: the process, and the proofs that are made at a time.
    pub peak_bytes: u64,
    /// Whether that is no more than there is.
    pub fits: bool,
    /// Seconds of the proofs, if a calibration says what they cost.
    pub prove_s: Option<f64>,
    /// Seconds with everything that comes before them, building the circuits included.
    pub total_s: Option<f64>,
}

/// What a batch of a family costs beside one of the first.
fn weight(profile: ProfileId, family: FamilyId) -> f64 {
    let costs = profile.profile().tree.batch_cost;
    costs[family] as f64 / costs[FamilyId::FIRST] as f64
}

/// Batches of a block of so many transfers, each from a leaf of its own to a leaf of its own, and with `fees` each with
/// a fee to one collector: the block that needs the most. The planner itself counts them.
pub fn batches_at_most(profile: ProfileId, transactions: usize, fees: bool) -> Vec<BatchId> {
    let address = Address::default();
    let count = transactions as u32;
    let mut debits = Vec::with_capacity(transactions);
    let mut credits = Vec::with_capacity(2 * transactions);
    for from in (0..count).map(LeafIndex) {
        let message = |op, to| {
            let nonce_key = NonceKey::default();
            Message { op, asset: 0, from, nonce_key, to, amount: 1, memo: 0, to_address: address }
        };
        let first = credits.len();
        credits.push(message(Op::Transfer, LeafIndex(count + from.0)));
        credits.extend(fees.then(|| message(Op::Fee, LeafIndex(0))));
        debits.push(Accepted { position: from.0 as usize, from, messages: first..credits.len(), call: None });
    }
    let execution = Execution {
        block: BlockId { chain_id: 1, number: 1, time: 1 },
        previous_root: Digest::ZERO,
        debits,
        calls: Default::default(),
        credits,
        rejections: Vec::new(),
        writes: Default::default(),
    };
    circuits_of(&Plan::new(profile.profile(), &execution))
}

/// The circuits of a plan's batches.
pub fn circuits_of(plan: &Plan) -> Vec<BatchId> {
    plan.batches().map(|(_, batch)| batch.batch).collect()
}

/// Forecasts a block of so many transactions and of these batches, on so many cores and with so much memory in bytes.
///
/// # Panics
/// If there is no batch: every block has one.
pub fn forecast(
    profile: ProfileId,
    transactions: usize,
    batches: &[BatchId],
    cores: usize,
    memory: u64,
    calibration: Option<&Calibration>,
) -> Forecast {
    let params = Params::of(profile);
    let Graph { lifts, folds, .. } = Graph::new(batches, Arities::from(&params));
    let work_of = |batch: &BatchId| weight(profile, batch.family());
    let (work, batches): (f64, usize) = (batches.iter().map(work_of).sum(), batches.len());
    let proof_bytes = proof_memory(&params);
    let base_bytes = calibration.map_or(0, |known| known.base_bytes);
    let in_flight = in_flight_by_threads(cores)
        .min(in_flight_by_memory(memory.saturating_sub(base_bytes), proof_bytes))
        .clamp(1, batches);
    let peak_bytes = base_bytes + proofs_memory(&params, in_flight);
    let seconds = calibration.map(|known| {
        let work = work * known.batch_s + lifts as f64 * known.lift_s + folds as f64 * known.fold_s;
        let prove_s = (work + known.block_s) / cores as f64;
        (prove_s, prove_s + known.circuits_s + known.transaction_s * transactions as f64 / cores as f64)
    });
    Forecast {
        batches,
        lifts,
        folds,
        in_flight,
        peak_bytes,
        fits: peak_bytes <= memory,
        prove_s: seconds.map(|(prove, _)| prove),
        total_s: seconds.map(|(_, total)| total),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration() -> Calibration {
        Calibration {
            version: VERSION,
            profile: ProfileId::Standard,
            key: VerifierKey::pinned(ProfileId::Standard).digest(),
            cores: 2,
            in_flight: 2,
            circuits_s: 20.0,
            transaction_s: 0.001,
            batch_s: 10.0,
            lift_s: 2.0,
            fold_s: 2.0,
            block_s: 1.0,
            base_bytes: 1 << 30,
        }
    }

    #[test]
    fn work_is_spread_over_the_cores() {
        let known = calibration();
        let forecast = |batches: &[BatchId], cores, memory| {
            forecast(ProfileId::Standard, 1000, batches, cores, memory, Some(&known))
        };
        let of = |cores, memory| forecast(&[BatchId::DebitWide; 9], cores, memory);
        let two = of(2, 64 << 30);
        // 9 batches, 2 lifts, no fold.
        assert_eq!((two.batches, two.lifts, two.folds, two.in_flight), (9, 2, 0, 2));
        assert_eq!(two.prove_s, Some((90.0 + 4.0 + 1.0) / 2.0));
        assert_eq!(two.total_s, Some(two.prove_s.unwrap() + 20.0 + 0.5));
        assert_eq!(of(4, 64 << 30).prove_s.unwrap() * 2.0, two.prove_s.unwrap());
        assert!(two.fits && two.peak_bytes > (1 << 30));
        // 11 batches, 3 lifts, of which 2 are folded.
        let more = forecast(&[BatchId::DebitWide; 11], 2, 64 << 30);
        assert_eq!((more.lifts, more.folds), (3, 1));
        assert_eq!(more.prove_s, Some((110.0 + 6.0 + 2.0 + 1.0) / 2.0));
        // Small batches have an eighth of the rows, and a lift proof of their own.
        let mixed = forecast(&[BatchId::DebitWide, BatchId::DebitSmall, BatchId::CreditSmall], 2, 64 << 30);
        assert_eq!((mixed.batches, mixed.lifts, mixed.folds), (3, 2, 0));
        assert_eq!(mixed.prove_s, Some((12.5 + 4.0 + 1.0) / 2.0));
    }

    #[test]
    fn the_planner_counts_batches() {
        let paths = ProfileId::Test.profile().shape(BatchId::DebitWide).paths();
        let count = |transactions, fees| batches_at_most(ProfileId::Test, transactions, fees).len();
        assert_eq!(count(1, false), 2, "a debit and a credit");
        assert!(count(100 * paths, false) > 100);
        assert!(count(1000 * paths, true) > count(1000 * paths, false));
    }

    #[test]
    fn memory_bounds_the_proofs_at_a_time() {
        let of = |memory| forecast(ProfileId::Standard, 1000, &[BatchId::DebitWide; 100], 64, memory, None);
        assert_eq!(of(1 << 40).in_flight, 8);
        let few = of(2 << 30);
        assert!(few.in_flight > 1 && few.in_flight < 8 && few.fits, "{few:?}");
        let none = of(1 << 28);
        assert_eq!((none.in_flight, none.fits), (1, false), "{none:?}");
        assert_eq!(none.prove_s, None);
    }

    #[test]
    fn files_are_read_with_care() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("calibration.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Calibration::read(&path, ProfileId::Standard)
        };
        let text = serde_json::to_string(&calibration()).unwrap();
        assert_eq!(read(&text).unwrap(), calibration());
        assert!(matches!(read("{}"), Err(CalibrationError::Form { .. })));
        // One of version 1, as it was written: it is not measured with these circuits.
        let first = r#"{"version":1,"profile":"standard","cores":2,"in_flight":2,"circuits_s":20.0,"transaction_s":0.001,
            "batch_s":10.0,"lift_s":2.0,"fold_s":2.0,"block_s":1.0,"base_bytes":1073741824}"#;
        let error = read(first).unwrap_err();
        assert!(matches!(error, CalibrationError::Version { expected: 2, got: 1, .. }), "{error}");
        assert!(error.to_string().ends_with("`enfold bench calibrate`"), "{error}");
        let later = text.replace("\"version\":2", "\"version\":3,\"more\":0");
        assert!(matches!(read(&later), Err(CalibrationError::Version { got: 3, .. })));
        let other = Calibration { key: VerifierKey::pinned(ProfileId::Test).digest(), ..calibration() };
        let error = read(&serde_json::to_string(&other).unwrap()).unwrap_err();
        assert!(matches!(error, CalibrationError::Key { got, .. } if got == other.key), "{error}");
        assert!(matches!(read(&text.replace("standard", "test")), Err(CalibrationError::Profile { .. })));
        assert!(matches!(Calibration::read(dir.path(), ProfileId::Test), Err(CalibrationError::Read { .. })));
    }
}
