//! An interrupted block resumes where it was, and trusts nothing that it finds.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::error::ProveError;
use enfold_prover::events::{Event, Observer, ignore};
use enfold_prover::job::{Job, Reused};
use enfold_prover::kept::FOLDER;
use enfold_prover::options::ProveOptions;
use enfold_prover::pipeline::{Output, PipelineError, data_path, prove_and_commit};
use enfold_prover::prove::{ProvenBlock, prepare_block};
use enfold_prover::stop::Stop;
use enfold_state::block::Block;
use enfold_state::kind::FamilyId;
use enfold_state::profile::{BatchId, ProfileId};
use enfold_state::store::Store;
use enfold_verifier::verify::{InnerCircuit, InnerKeys};

/// A state, and a block for it.
struct Case {
    dir: tempfile::TempDir,
    world: World,
    block: Block,
}

impl Case {
    /// A block of some eight batches: lifts, a fold of them, and the block's proof.
    fn new() -> Self {
        Self::of(80)
    }

    /// A block of one lift, for what takes no more.
    fn small() -> Self {
        Self::of(25)
    }

    fn of(transactions: usize) -> Self {
        let mut world =
            World::new(WorldSpec { seed: 11, accounts: 40, new_share: 0.1, ..WorldSpec::default() });
        let block = world.block(transactions);
        let dir = tempfile::tempdir().unwrap();
        Store::create(&dir.path().join("state"), world.genesis()).unwrap();
        Self { dir, world, block }
    }

    fn proof(&self) -> PathBuf {
        self.dir.path().join("proof")
    }

    fn store(&self) -> Store {
        Store::open(&self.dir.path().join("state")).unwrap()
    }

    fn run(
        &self,
        block: &Block,
        stop: Option<&'static Stop>,
        observer: Observer<'_>,
    ) -> Result<ProvenBlock, PipelineError> {
        let output = Output { proof: self.proof(), force: false };
        let options = ProveOptions { in_flight: Some(2), stop, ..ProveOptions::default() };
        prove_and_commit(&mut self.store(), ProfileId::Test, block, &output, &options, observer)
    }

    /// Runs until so many proofs are finished. (Another may be under way then, and is finished too.)
    fn stop_after(&self, proofs: usize) -> usize {
        let stop: &'static Stop = Box::leak(Box::default());
        let finished = AtomicUsize::new(0);
        let observe = |event: &Event| {
            if matches!(event, Event::Finished { .. })
                && finished.fetch_add(1, Ordering::SeqCst) + 1 == proofs
            {
                stop.request();
            }
        };
        let error = self.run(&self.block, Some(stop), &observe).unwrap_err();
        assert!(matches!(error, PipelineError::Prove(ProveError::Stopped { .. })), "{error}");
        assert_eq!(self.store().ledger().height(), 0);
        finished.into_inner()
    }

    /// The circuits of the block's batches.
    fn batches(&self) -> Vec<BatchId> {
        let (ledger, options) = (self.world.ledger(), ProveOptions::default());
        let prepared = prepare_block(ProfileId::Test, ledger, &self.block, &options, &ignore).unwrap();
        prepared.witness.batches.iter().map(|batch| batch.batch).collect()
    }

    /// The folder of the one job.
    fn job(&self) -> PathBuf {
        let jobs: Vec<_> = fs::read_dir(self.dir.path().join("state").join(FOLDER)).unwrap().collect();
        let [Ok(job)] = &jobs[..] else { panic!("{jobs:?}") };
        job.path()
    }

    /// Goes on and checks that the block is proven and stored as if nothing had been.
    fn finish(mut self) -> (ProvenBlock, Vec<Event>) {
        let log = Mutex::new(Vec::new());
        let proven = self.run(&self.block, None, &|event| log.lock().unwrap().push(event.clone())).unwrap();
        let execution = self.world.advance(&self.block).unwrap();
        assert_eq!(proven.execution, execution);
        assert_eq!(proven.statement.new_root, self.world.ledger().root());
        assert_eq!(self.store().ledger().root(), self.world.ledger().root());
        assert_eq!(names(&self.dir.path().join("state")), ["state.redb"], "nothing stays");
        assert_eq!(names(self.dir.path()), ["proof", "proof.data", "state"]);
        (proven, log.into_inner().unwrap())
    }
}

fn names(dir: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(name).collect();
    names.sort();
    names
}

fn made(log: &[Event]) -> Vec<Job> {
    log.iter()
        .filter_map(|event| if let Event::Finished { job, .. } = event { Some(*job) } else { None })
        .collect()
}

fn refused(log: &[Event]) -> Vec<Job> {
    log.iter()
        .filter_map(|event| if let Event::Refused { job, .. } = event { Some(*job) } else { None })
        .collect()
}

/// All proofs of the case's block.
fn proofs(reused: &Reused, log: &[Event]) -> usize {
    reused.total() + made(log).len()
}

#[test]
fn a_stopped_run_resumes_from_every_point() {
    let all = {
        let (proven, log) = Case::new().finish();
        assert_eq!(proven.reused, Reused::default());
        made(&log).len()
    };
    assert!(all >= 12, "{all}");
    for after in [1, 4, 7, all - 2, all - 1] {
        let case = Case::new();
        let finished = case.stop_after(after);
        assert!((after..=after + 1).contains(&finished), "{finished}");
        let kept = names(&case.job());
        assert!(kept.len() <= finished && kept.iter().all(|name| name.ends_with(".proof")), "{kept:?}");
        // Room for them is counted by these lengths.
        for name in &kept {
            let number =
                name.strip_prefix("batch-").map(|name| name.trim_end_matches(".proof").parse::<usize>());
            let circuit = match number {
                Some(number) => InnerCircuit::Batch(case.batches()[number.unwrap()]),
                None if name.starts_with("lift") => InnerCircuit::Lift(FamilyId::FIRST),
                None => InnerCircuit::Fold,
            };
            let expected = InnerKeys::pinned(ProfileId::Test).of(circuit).proof_len() as u64;
            assert_eq!(fs::metadata(case.job().join(name)).unwrap().len(), expected, "{name}");
        }
        let (proven, log) = case.finish();
        assert_eq!(proven.reused.total(), finished, "nothing that was finished is made again");
        assert_eq!(proven.reused.batches + proven.reused.lifts + proven.reused.folds, kept.len());
        assert_eq!(proofs(&proven.reused, &log), all);
        assert!(log.contains(&Event::Resumed { reused: proven.reused, proofs: all }));
        assert!(refused(&log).is_empty());
    }
}

/// Each kept file in turn is not what it should be: it alone is refused, and made again.
#[test]
fn damaged_and_foreign_proofs_are_made_again() {
    type Damage = fn(&Path, &Path);
    let damages: [Damage; 7] = [
        |path, _| fs::remove_file(path).unwrap(),
        |path, _| fs::write(path, b"").unwrap(),
        |path, _| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
        },
        |path, _| {
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
            fs::write(path, bytes).unwrap();
        },
        |path, _| fs::write(path, vec![0xff; 1 << 20]).unwrap(),
        // A proof that holds, but of another place.
        |path, other| _ = fs::copy(other, path).unwrap(),
        |path, _| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        },
    ];
    for (number, damage) in damages.into_iter().enumerate() {
        let case = Case::small();
        // With two at a time the first batches are not lifted yet.
        case.stop_after(2);
        let kept = names(&case.job());
        assert!(kept[..2] == ["batch-0.proof", "batch-1.proof"], "{kept:?}");
        damage(&case.job().join("batch-0.proof"), &case.job().join("batch-1.proof"));
        let (proven, log) = case.finish();
        let missing = number == 0;
        assert_eq!(refused(&log).len(), usize::from(!missing), "{:?}", refused(&log));
        assert_eq!(proven.reused.refused, usize::from(!missing));
        assert_eq!(proven.reused.total(), kept.len() - 1);
        assert!(made(&log).iter().any(|job| matches!(job, Job::Batch { number: 0, .. })));
        assert!(!made(&log).iter().any(|job| matches!(job, Job::Batch { number: 1, .. })));
    }
}

/// What was below a proof is gone with it, so it is made again, and no more than that.
#[test]
fn a_damaged_lift_costs_its_batches() {
    let case = Case::new();
    let finished = case.stop_after(7);
    let kept = names(&case.job());
    let lift = case.job().join("lift-0.proof");
    let mut bytes = fs::read(&lift).unwrap();
    bytes[1000] ^= 1;
    fs::write(&lift, bytes).unwrap();
    let (proven, log) = case.finish();
    assert!(matches!(refused(&log)[..], [Job::Lift { number: 0, .. }]), "{kept:?}");
    assert_eq!(proven.reused.total(), finished - 4, "a lift and its three batches");
}

#[test]
fn a_changed_block_reuses_nothing() {
    let case = Case::small();
    case.stop_after(2);
    let first = case.job();
    let mut changed = case.block.clone();
    changed.transactions.pop();
    let proven = case.run(&changed, None, &ignore).unwrap();
    assert_eq!(proven.reused, Reused::default());
    assert!(!first.exists());
    assert_eq!(proven.statement.transactions as usize, changed.transactions.len());
}

/// The process ends at the worst moments: when a file has its name and the next step is not done.
#[test]
fn a_run_that_was_cut_off_after_its_proof_goes_on() {
    type When = fn(&Event) -> bool;
    let ends: [(When, usize); 3] = [
        (|event| matches!(event, Event::Verified { .. }), 0),
        (|event| matches!(event, Event::Written { path, .. } if path.ends_with("proof.data")), 1),
        (|event| matches!(event, Event::Written { path, .. } if path.ends_with("proof")), 2),
    ];
    for (end, files) in ends {
        let case = Case::small();
        let run = || case.run(&case.block, None, &|event| assert!(!end(event), "the end"));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        assert_eq!(names(case.dir.path()).len(), 1 + files);
        assert_eq!(case.store().ledger().height(), 0);
        let (proven, log) = case.finish();
        assert_eq!((proven.reused.blocks, made(&log).len()), (1, 0));
        let written = log.iter().filter(|event| matches!(event, Event::Written { .. })).count();
        assert_eq!(written, 2 - files, "what is there is not written again");
    }
}

/// Files that happen to be there are still nobody's to replace.
#[test]
fn files_that_are_not_of_the_block_stay() {
    let case = Case::small();
    case.stop_after(2);
    for path in [case.proof(), data_path(&case.proof())] {
        fs::write(&path, b"mine").unwrap();
        let error = case.run(&case.block, None, &ignore).unwrap_err();
        assert!(matches!(&error, PipelineError::File(_)), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        fs::remove_file(path).unwrap();
    }
    assert!(case.finish().0.reused.total() >= 2);
}
