//! What a leg costs in batches of different sizes: debit circuits of other degrees than the profile's.

use std::time::Instant;

use enfold_circuits::batch::BatchCircuit;
use enfold_circuits::params::Params;
use enfold_fixtures::workload::Workload;
use enfold_prover::plonk::Kernels;
use enfold_state::executor::execute;
use enfold_state::hash::Digest;
use enfold_state::kind::FamilyId;
use enfold_state::profile::{BatchId, Profile, ProfileId};
use enfold_witness::batch::BatchWitness;
use enfold_witness::witness::witness_block;

use crate::error::BenchError;
use crate::results::{BatchPoint, Settings, rounded};

/// The circuit whose size is changed.
const BATCH: BatchId = BatchId::DebitWide;

/// The profile with a debit batch that fills `2^degree_bits` rows, and the legs of that batch; `None` if not even one
/// leg fits.
pub fn resized(id: ProfileId, degree_bits: usize) -> Option<(Profile, usize)> {
    let config = Params::of(id).of_batch(BATCH).config.clone();
    let with = |paths: usize| {
        // Of one size alone, so that the batch is not planned as small ones.
        let mut profile = id.profile().without(FamilyId::Small);
        profile.shapes[BATCH].singles = paths;
        profile
    };
    let rows = |paths| BatchCircuit::count_rows(&with(paths), BATCH, &config).total();
    let capacity = 1 << degree_bits;
    // Nearly linear: a first guess from two counts, then step by step.
    let (few, more) = (rows(8), rows(72));
    let per_leg = (more - few) as f64 / 64.0;
    let mut paths = (((capacity as f64 - few as f64) / per_leg) + 8.0).max(0.0) as usize;
    while paths > 0 && rows(paths) > capacity {
        paths -= 1;
    }
    while rows(paths + 1) <= capacity {
        paths += 1;
    }
    (paths > 0).then(|| (with(paths), paths))
}

/// Signed legs of a debit batch.
fn legs_of(batch: &BatchWitness) -> usize {
    (batch.after.transactions - batch.before.transactions) as usize
}

/// Builds a debit circuit of `2^degree_bits` rows and proves a full batch with it, on `cores` threads. Building,
/// making the witness and verifying are outside of the measured time; every proof is verified.
///
/// # Errors
/// If a proof fails.
pub fn measure(
    settings: &Settings,
    degree_bits: usize,
    cores: usize,
) -> Result<Option<BatchPoint>, BenchError> {
    let Some((profile, legs)) = resized(settings.profile, degree_bits) else { return Ok(None) };
    // Enough different senders for a full batch, all in one window.
    let accounts = u32::try_from(4 * legs).unwrap_or(u32::MAX);
    let (ledger, block) = Workload::Uniform.make(accounts, 4 * legs, settings.seed);
    let execution = execute(&ledger, &block)?;
    let witness = witness_block(&profile, &ledger, &block, &execution)?;
    let full = witness.batches.iter().find(|batch| batch.batch == BATCH && legs_of(batch) == legs);
    let batch = full.ok_or(BenchError::NoBatch { expected: legs })?;
    let config = Params::of(settings.profile).of_batch(BATCH).config.clone();
    let circuit = BatchCircuit::build_with(&Kernels::default(), &profile, BATCH, &config, degree_bits)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(cores)
        .build()
        .map_err(|source| BenchError::Threads { threads: cores, source })?;
    let mut runs = Vec::with_capacity(settings.runs);
    for run in 0..settings.warmups + settings.runs {
        let (proof, seconds) = pool.install(|| {
            let start = Instant::now();
            let proof = circuit.prove(batch, Digest::ZERO)?;
            Ok::<_, BenchError>((proof, start.elapsed().as_secs_f64()))
        })?;
        circuit.data.verify(proof).map_err(BenchError::Refused)?;
        if run >= settings.warmups {
            runs.push(rounded(seconds));
        }
    }
    Ok(Some(BatchPoint { cores, legs, degree_bits, runs }))
}

#[cfg(test)]
mod tests {
    use enfold_circuits::params::FamilyParams;

    use super::*;

    #[test]
    fn as_many_legs_as_fit() {
        for id in ProfileId::ALL {
            let FamilyParams { config, degree_bits, .. } = Params::of(id).of_batch(BATCH).clone();
            let (profile, legs) = resized(id, degree_bits).unwrap();
            let mut larger = profile;
            larger.shapes[BATCH].singles += 1;
            let rows = |profile: &Profile| BatchCircuit::count_rows(profile, BATCH, &config).total();
            assert!(rows(&profile) <= 1 << degree_bits && rows(&larger) > 1 << degree_bits, "{id}");
            // The profile's own batch fits, and next to no more.
            let own = id.profile().shape(BATCH).capacity();
            assert!((own..=own + 1).contains(&legs), "{id}: {own}, {legs}");
        }
        assert_eq!(resized(ProfileId::Test, 4), None);
    }

    #[test]
    fn a_smaller_batch_is_proven() {
        let profile = ProfileId::Test;
        let settings = Settings {
            profile,
            circuits: Settings::circuits(profile),
            workload: "uniform".to_owned(),
            accounts: 1,
            seed: 1,
            warmups: 0,
            runs: 2,
        };
        let point = measure(&settings, 9, 1).unwrap().unwrap();
        assert!(point.legs > 2 && point.legs < profile.profile().shape(BATCH).paths() / 2 + 1, "{point:?}");
        assert_eq!((point.runs.len(), point.cores, point.degree_bits), (2, 1, 9));
        assert!(point.runs.iter().all(|&seconds| seconds > 0.0));
    }
}
