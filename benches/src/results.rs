//! Results of sweeps, as JSON and as CSV.

use enfold_prover::machine::Machine;
use enfold_state::hash::Digest;
use enfold_state::profile::ProfileId;
use enfold_verifier::verify::PinnedSet;
use serde::{Deserialize, Serialize};

use crate::error::BenchError;
use crate::fit::{Amdahl, Spread};

/// The version of the results' form.
pub const VERSION: u32 = 1;

/// What was measured on a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// [`VERSION`].
    pub version: u32,
    /// The machine.
    pub machine: Machine,
    /// The commit that the program was built from; `unknown` without git.
    pub commit: String,
    /// What all points have in common.
    pub settings: Settings,
    /// Blocks that were proven.
    pub points: Vec<Point>,
    /// Batches of different sizes that were proven.
    pub batches: Vec<BatchPoint>,
}

/// What all points of a sweep have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The circuits' profile.
    pub profile: ProfileId,
    /// Digest of the block circuit's key, which binds all circuits.
    pub circuits: Digest,
    /// Who pays whom.
    pub workload: String,
    /// Accounts of the state.
    pub accounts: u32,
    /// Seed of keys and transactions.
    pub seed: u64,
    /// Runs before those that count, for each point.
    pub warmups: usize,
    /// Runs that count, for each point.
    pub runs: usize,
}

/// What a point is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Series {
    /// One block on different numbers of cores.
    Strong,
    /// Blocks that grow with the number of cores.
    Weak,
    /// Blocks of different sizes on all cores.
    Latency,
}

impl Series {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Weak => "weak",
            Self::Latency => "latency",
        }
    }
}

/// What is measured at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// What it is part of.
    pub series: Series,
    /// Threads that compute, each on a core of its own.
    pub cores: usize,
    /// Proofs that run concurrently, which share the threads.
    pub in_flight: usize,
    /// Transfers of the block.
    pub transfers: usize,
}

/// A block that was proven some times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// What is measured.
    pub place: Place,
    /// Batch proofs of the block.
    pub batches: usize,
    /// The runs, in order.
    pub runs: Vec<Run>,
    /// The most memory that the process held, circuits included, in bytes.
    pub peak_memory_bytes: Option<u64>,
}

/// One run, from the block to its proof. Each proof was verified after the time was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Seconds in all.
    pub seconds: f64,
    /// Seconds of each stage in [`STAGES`]; they sum up to the run's but for moments without a proof.
    pub stages: [f64; STAGES.len()],
    /// Seconds that verifying the proof took afterwards.
    pub verify: f64,
}

/// Seconds to the microsecond: no clock here is better, and so they are read back from JSON as they were.
pub(crate) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

/// The stages of a run, in order.
pub const STAGES: [&str; 6] = ["execute", "witness", "batch", "lift", "fold", "block"];

/// A batch circuit of some size that was proven some times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchPoint {
    /// Threads.
    pub cores: usize,
    /// Signed legs that one proof proves.
    pub legs: usize,
    /// log2 of the circuit's rows.
    pub degree_bits: usize,
    /// Seconds of each proof, in order. Each was verified after the time was taken.
    pub runs: Vec<f64>,
}

impl BatchPoint {
    /// Seconds of a proof.
    pub fn seconds(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().copied())
    }
}

impl Point {
    /// Seconds from the block to its proof.
    pub fn seconds(&self) -> Option<Spread> {
        Spread::of(self.runs.iter().map(|run| run.seconds))
    }

    /// Transfers a second.
    pub fn throughput(&self) -> Option<Spread> {
        Some(self.seconds()?.falling(|seconds| self.place.transfers as f64 / seconds))
    }

    /// Transfers a second for each core.
    pub fn per_core(&self) -> Option<Spread> {
        let cores = self.place.cores as f64;
        Some(self.seconds()?.falling(|seconds| self.place.transfers as f64 / seconds / cores))
    }

    /// Medians of the stages' seconds.
    pub fn stages(&self) -> [f64; STAGES.len()] {
        std::array::from_fn(|stage| {
            Spread::of(self.runs.iter().map(|run| run.stages[stage])).map_or(0.0, |spread| spread.median)
        })
    }
}

impl Results {
    /// The commit that this program is built from; `unknown` without git.
    pub const COMMIT: &str = env!("ENFOLD_COMMIT");

    /// Results without points, of this machine and program.
    pub fn new(settings: Settings) -> Self {
        let (machine, commit) = (Machine::this(), Self::COMMIT.to_owned());
        Self { version: VERSION, machine, commit, settings, points: Vec::new(), batches: Vec::new() }
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// If it is none, or of another version.
    pub fn read(json: &[u8]) -> Result<Self, BenchError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version: got } = enfold_state::json::from_slice(json)?;
        if got != VERSION {
            return Err(BenchError::Version { expected: VERSION, got });
        }
        Ok(enfold_state::json::from_slice(json)?)
    }

    /// The JSON form.
    ///
    /// # Errors
    /// If a number has none.
    pub fn to_json(&self) -> Result<String, BenchError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Takes over the points of an earlier sweep, so that they need not be measured again.
    ///
    /// # Errors
    /// If it was another program, machine or setting.
    pub fn resume(&mut self, earlier: Self) -> Result<(), BenchError> {
        let machine = |machine: &Machine| serde_json::to_string(machine);
        let Settings { profile, circuits, workload, accounts, seed, warmups, runs } = &self.settings;
        let got = &earlier.settings;
        for (field, expected, got) in [
            ("machine", machine(&self.machine)?, machine(&earlier.machine)?),
            ("commit", self.commit.clone(), earlier.commit.clone()),
            ("profile", profile.to_string(), got.profile.to_string()),
            ("circuits", circuits.to_string(), got.circuits.to_string()),
            ("workload", workload.clone(), got.workload.clone()),
            ("accounts", accounts.to_string(), got.accounts.to_string()),
            ("seed", seed.to_string(), got.seed.to_string()),
            ("warm-ups", warmups.to_string(), got.warmups.to_string()),
            ("runs", runs.to_string(), got.runs.to_string()),
        ] {
            if expected != got {
                return Err(BenchError::Settings { field, expected, got });
            }
        }
        (self.points, self.batches) = (earlier.points, earlier.batches);
        Ok(())
    }

    /// Whether a point is there already.
    pub fn has(&self, place: Place) -> bool {
        self.points.iter().any(|point| point.place == place)
    }

    /// Adds a point, in order.
    pub fn add(&mut self, point: Point) {
        self.points.push(point);
        self.points.sort_by_key(|point| point.place);
    }

    /// Adds a batch size, in order.
    pub fn add_batch(&mut self, point: BatchPoint) {
        self.batches.push(point);
        self.batches.sort_by_key(|point| (point.cores, point.legs));
    }

    /// A series, in order; of points that differ only in the proofs at a time, the fastest.
    pub fn best(&self, series: Series) -> Vec<&Point> {
        let seconds = |point: &Point| point.seconds().map_or(f64::INFINITY, |spread| spread.median);
        let mut points: Vec<&Point> =
            self.points.iter().filter(|point| point.place.series == series).collect();
        points.sort_by(|a, b| {
            let key = |point: &Point| (point.place.cores, point.place.transfers);
            key(a).cmp(&key(b)).then(seconds(a).total_cmp(&seconds(b)))
        });
        points.dedup_by_key(|point| (point.place.cores, point.place.transfers));
        points
    }

    /// Amdahl's law fitted to the strong scaling.
    pub fn amdahl(&self) -> Option<Amdahl> {
        let best = self.best(Series::Strong);
        let first = best.first()?.place.transfers;
        let of_one_block = best.iter().filter(|point| point.place.transfers == first);
        let times: Vec<_> =
            of_one_block.filter_map(|point| Some((point.place.cores, point.seconds()?.median))).collect();
        Amdahl::fit(&times)
    }

    /// The CSV form: a line for each run of each point, with all that it was measured with.
    ///
    /// # Errors
    /// If it cannot be written, which memory can.
    pub fn to_csv(&self) -> Result<String, BenchError> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for point in &self.points {
            for (number, run) in point.runs.iter().enumerate() {
                let Place { series, cores, in_flight, transfers } = point.place;
                let row = self.row(series.name(), cores, number, run.seconds);
                let [execute_s, witness_s, batch_s, lift_s, fold_s, block_s] = run.stages.map(Some);
                writer.serialize(Row {
                    in_flight,
                    transfers,
                    batches: point.batches,
                    execute_s,
                    witness_s,
                    batch_s,
                    lift_s,
                    fold_s,
                    block_s,
                    verify_s: Some(run.verify),
                    ..row
                })?;
            }
        }
        for point in &self.batches {
            for (number, &seconds) in point.runs.iter().enumerate() {
                let row = self.row("batch_size", point.cores, number, seconds);
                writer.serialize(Row { transfers: point.legs, ..row })?;
            }
        }
        let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn row(&self, series: &'static str, cores: usize, run: usize, seconds: f64) -> Row<'_> {
        let Settings { profile, circuits, ref workload, accounts, seed, .. } = self.settings;
        Row {
            series,
            cores,
            run,
            seconds,
            cpu: self.machine.cpu.as_deref().unwrap_or("unknown"),
            machine_cores: self.machine.cores,
            memory_bytes: self.machine.memory_bytes,
            commit: &self.commit,
            profile,
            circuits,
            workload,
            accounts,
            seed,
            in_flight: 1,
            transfers: 0,
            batches: 1,
            execute_s: None,
            witness_s: None,
            batch_s: None,
            lift_s: None,
            fold_s: None,
            block_s: None,
            verify_s: None,
        }
    }
}

/// A line of the CSV form. Empty where a batch alone was proven.
#[derive(Serialize)]
struct Row<'a> {
    series: &'static str,
    cores: usize,
    in_flight: usize,
    /// Signed legs where a batch alone was proven.
    transfers: usize,
    batches: usize,
    run: usize,
    seconds: f64,
    execute_s: Option<f64>,
    witness_s: Option<f64>,
    batch_s: Option<f64>,
    lift_s: Option<f64>,
    fold_s: Option<f64>,
    block_s: Option<f64>,
    verify_s: Option<f64>,
    cpu: &'a str,
    machine_cores: usize,
    memory_bytes: Option<u64>,
    commit: &'a str,
    profile: ProfileId,
    circuits: Digest,
    workload: &'a str,
    accounts: u32,
    seed: u64,
}

impl Settings {
    /// The digest that stands for a profile's circuits.
    pub fn circuits(profile: ProfileId) -> Digest {
        PinnedSet::of(profile).key
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Made-up results: `serial + parallel / cores` seconds for a block.
    pub(crate) fn made_up(serial: f64, parallel: f64) -> Results {
        let settings = Settings {
            profile: ProfileId::Test,
            circuits: Settings::circuits(ProfileId::Test),
            workload: "uniform".to_owned(),
            accounts: 64,
            seed: 1,
            warmups: 1,
            runs: 5,
        };
        let mut results = Results::new(settings);
        let run = |seconds: f64| Run {
            seconds: rounded(seconds),
            stages: [0.01, 0.02, 0.6, 0.2, 0.1, 0.05].map(|share| rounded(share * seconds)),
            verify: 0.002,
        };
        for series in [Series::Strong, Series::Weak, Series::Latency] {
            for cores in [1, 2, 4] {
                for in_flight in [1, cores] {
                    let transfers = if series == Series::Strong { 100 } else { 100 * cores };
                    let place = Place { series, cores, in_flight, transfers };
                    let work = transfers as f64 / 100.0;
                    let slower = if in_flight == cores { 1.0 } else { 1.1 };
                    let seconds = slower * work * (serial + parallel / cores as f64);
                    let runs = [0.98, 1.0, 1.0, 1.0, 1.03].map(|factor| run(factor * seconds)).into();
                    if !results.has(place) {
                        results.add(Point { place, batches: 4, runs, peak_memory_bytes: Some(1 << 30) });
                    }
                }
            }
        }
        for (degree_bits, legs) in [(10, 12), (11, 24), (12, 48)] {
            let runs = vec![rounded(0.1 + 0.01 * legs as f64); 5];
            results.add_batch(BatchPoint { cores: 2, legs, degree_bits, runs });
        }
        results
    }

    #[test]
    fn both_forms_hold_everything() {
        let results = made_up(1.0, 8.0);
        assert_eq!(Results::read(results.to_json().unwrap().as_bytes()).unwrap(), results);
        let csv = results.to_csv().unwrap();
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let columns = reader.headers().unwrap().clone();
        for name in
            ["cpu", "machine_cores", "memory_bytes", "commit", "circuits", "seed", "in_flight", "seconds"]
        {
            assert!(columns.iter().any(|column| column == name), "{name} in {columns:?}");
        }
        let lines = reader.records().map(Result::unwrap).count();
        assert_eq!(lines, 5 * (results.points.len() + results.batches.len()));
        assert!(csv.contains(&results.settings.circuits.to_string()) && csv.contains(&results.commit));
    }

    #[test]
    fn the_fastest_of_each_number_of_cores_counts() {
        let results = made_up(1.0, 8.0);
        let best = results.best(Series::Strong);
        let places: Vec<_> = best.iter().map(|point| (point.place.cores, point.place.in_flight)).collect();
        assert_eq!(places, [(1, 1), (2, 2), (4, 4)]);
        let law = results.amdahl().unwrap();
        assert!((law.serial - 1.0).abs() < 1e-5 && (law.parallel - 8.0).abs() < 1e-5, "{law:?}");
        assert_eq!(best[1].throughput().unwrap().median, 20.0);
        assert_eq!(best[1].per_core().unwrap().median, 10.0);
        let sum: f64 = best[0].stages().iter().sum();
        assert!((sum - 0.98 * 9.0).abs() < 1e-5);
    }

    #[test]
    fn a_sweep_goes_on_only_where_it_stopped() {
        let earlier = made_up(1.0, 8.0);
        let empty = || Results::new(earlier.settings.clone());
        let mut results = empty();
        results.resume(earlier.clone()).unwrap();
        assert_eq!(results, earlier);
        let refuse = |change: &dyn Fn(&mut Results)| {
            let mut other = earlier.clone();
            change(&mut other);
            let mut results = empty();
            let error = results.resume(other).unwrap_err();
            assert!(results.points.is_empty());
            error.to_string()
        };
        assert_eq!(refuse(&|other| other.settings.seed = 2), "expected results with seed 1, got 2");
        assert!(refuse(&|other| other.commit.push('x')).contains("commit"));
        assert!(refuse(&|other| other.machine.cores += 1).contains("machine"));
        assert!(refuse(&|other| other.settings.runs = 6).contains("runs 5, got 6"));
        let text = earlier.to_json().unwrap().replace("\"version\": 1", "\"version\": 2");
        assert!(matches!(Results::read(text.as_bytes()), Err(BenchError::Version { expected: 1, got: 2 })));
        assert!(matches!(Results::read(b"{}"), Err(BenchError::Json(_))));
    }
}
