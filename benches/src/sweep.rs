//! Blocks proven again and again: on different numbers of cores, with different numbers of proofs at a time, of
//! different sizes.

use enfold_circuits::circuit_set::CircuitSet;
use enfold_fixtures::workload::Workload;
use enfold_prover::events::Observer;
use enfold_prover::measure::{BlockMeasurement, measure_block};
use enfold_prover::options::{ProveOptions, in_flight_by_threads};

use crate::error::BenchError;
use crate::results::{Place, Point, Run, STAGES, Series, Settings, rounded};

/// Numbers of proofs at a time that are tried on so many cores: the powers of two up to it, and the number itself.
pub fn in_flight_of(cores: usize) -> Vec<usize> {
    let mut all: Vec<usize> =
        std::iter::successors(Some(1), |&n| Some(2 * n)).take_while(|&n| n < cores).collect();
    all.push(cores);
    all
}

/// The points of strong scaling: one block, each number of cores with each number of proofs at a time; `None` for
/// those of [`in_flight_of`].
pub fn strong(cores: &[usize], in_flight: Option<&[usize]>, transfers: usize) -> Vec<Place> {
    let place = |cores, in_flight| Place { series: Series::Strong, cores, in_flight, transfers };
    let of = |&cores: &usize| {
        let tried = in_flight.map_or_else(|| in_flight_of(cores), <[usize]>::to_vec);
        tried.into_iter().map(move |in_flight| place(cores, in_flight))
    };
    cores.iter().flat_map(of).collect()
}

/// The points of weak scaling: as many transfers for each core, and the default number of proofs at a
/// time.
pub fn weak(cores: &[usize], transfers: usize) -> Vec<Place> {
    let place = |&cores: &usize| Place {
        series: Series::Weak,
        cores,
        in_flight: in_flight_by_threads(cores),
        transfers: cores * transfers,
    };
    cores.iter().map(place).collect()
}

/// The points of latency against throughput: blocks of these sizes on all of `cores`, the default number of proofs at a
/// time.
pub fn latency(cores: usize, sizes: &[usize]) -> Vec<Place> {
    let in_flight = in_flight_by_threads(cores);
    let place = |&transfers: &usize| Place { series: Series::Latency, cores, in_flight, transfers };
    sizes.iter().map(place).collect()
}

/// Measures a point: makes its block from the settings' seed, proves it `warmups` times and then `runs` times, each
/// time from its transactions to its proof, in a pool of its own. Making accounts and signatures, building circuits and
/// verifying the proof are outside of the measured time; every proof is verified.
///
/// # Errors
/// If the block cannot be proven.
pub fn measure(
    circuits: &CircuitSet,
    workload: Workload,
    settings: &Settings,
    place: Place,
    observer: Observer<'_>,
) -> Result<Point, BenchError> {
    let (ledger, block) = workload.make(settings.accounts, place.transfers, settings.seed);
    let options = ProveOptions {
        threads: Some(place.cores),
        in_flight: Some(place.in_flight),
        ..ProveOptions::default()
    };
    let prove = |_| measure_block(circuits, &ledger, &block, &options, 1, observer);
    for warmup in 0..settings.warmups {
        prove(warmup)?;
    }
    let measured = (0..settings.runs).map(prove).collect::<Result<Vec<_>, _>>()?;
    let batches = measured.first().map_or(0, |run| run.batches);
    let peak_memory_bytes = measured.iter().filter_map(|run| run.peak_memory_bytes).max();
    Ok(Point { place, batches, runs: measured.iter().map(run).collect(), peak_memory_bytes })
}

fn run(measured: &BlockMeasurement) -> Run {
    let stage = |name: &str| {
        measured.stages.iter().find(|stage| stage.stage == name).map_or(0.0, |stage| stage.seconds)
    };
    let verify = stage("verify");
    Run {
        seconds: rounded(measured.seconds - verify),
        stages: STAGES.map(|name| rounded(stage(name))),
        verify: rounded(verify),
    }
}

#[cfg(test)]
mod tests {
    use enfold_prover::cache::circuits;
    use enfold_state::profile::ProfileId;

    use super::*;

    #[test]
    fn points_of_a_sweep() {
        assert_eq!(in_flight_of(1), [1]);
        assert_eq!(in_flight_of(2), [1, 2]);
        assert_eq!(in_flight_of(6), [1, 2, 4, 6]);
        assert_eq!(in_flight_of(8), [1, 2, 4, 8]);
        let pairs = |places: &[Place]| -> Vec<_> {
            places.iter().map(|place| (place.cores, place.in_flight, place.transfers)).collect()
        };
        assert_eq!(pairs(&strong(&[1, 4], None, 9)), [(1, 1, 9), (4, 1, 9), (4, 2, 9), (4, 4, 9)]);
        assert_eq!(pairs(&strong(&[1, 4], Some(&[3]), 9)), [(1, 3, 9), (4, 3, 9)]);
        assert_eq!(pairs(&weak(&[1, 3], 9)), [(1, 1, 9), (3, 2, 27)]);
        assert_eq!(pairs(&latency(2, &[5, 10])), [(2, 2, 5), (2, 2, 10)]);
    }

    #[test]
    fn a_block_is_proven_as_often_as_asked() {
        let circuits = circuits(ProfileId::Test);
        let settings = Settings {
            profile: ProfileId::Test,
            circuits: Settings::circuits(ProfileId::Test),
            workload: Workload::Uniform.to_string(),
            accounts: 32,
            seed: 1,
            warmups: 1,
            runs: 2,
        };
        let place = Place { series: Series::Strong, cores: 1, in_flight: 1, transfers: 20 };
        let verified = std::sync::atomic::AtomicUsize::new(0);
        let count = |event: &enfold_prover::events::Event| {
            if matches!(event, enfold_prover::events::Event::Verified { .. }) {
                verified.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        };
        let point = measure(circuits, Workload::Uniform, &settings, place, &count).unwrap();
        assert_eq!((point.place, point.runs.len()), (place, 2));
        assert!(point.batches >= 2);
        for run in &point.runs {
            let sum: f64 = run.stages.iter().sum();
            assert!(run.seconds > 0.0 && sum > 0.5 * run.seconds && sum < 1.001 * run.seconds, "{run:?}");
            assert!(run.verify > 0.0);
        }
        assert_eq!(verified.into_inner(), 3, "every proof is verified");
    }
}
