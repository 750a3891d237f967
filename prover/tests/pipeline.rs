//! Files and stored state: all of a block or nothing of it.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::error::ProveError;
use enfold_prover::events::{Event, Observer, ignore};
use enfold_prover::files::FileError;
use enfold_prover::job::Job;
use enfold_prover::journal::Journal;
use enfold_prover::options::ProveOptions;
use enfold_prover::pipeline::{Output, PipelineError, data_path, prove_and_commit};
use enfold_prover::prove::ProvenBlock;
use enfold_state::block::{Block, BlockData};
use enfold_state::codec;
use enfold_state::profile::ProfileId;
use enfold_state::store::Store;
use enfold_verifier::data::check_data;
use enfold_verifier::verify::{VerifierKey, verify_block};

const PROFILE: ProfileId = ProfileId::Test;

fn world() -> (World, Block) {
    let mut world = World::new(WorldSpec::default());
    let block = world.mixed_block(6, 0.2).0;
    (world, block)
}

fn run(store: &mut Store, block: &Block, proof: &Path, force: bool) -> Result<ProvenBlock, PipelineError> {
    run_with(store, block, proof, force, &ignore)
}

fn run_with(
    store: &mut Store,
    block: &Block,
    proof: &Path,
    force: bool,
    observer: Observer<'_>,
) -> Result<ProvenBlock, PipelineError> {
    let output = Output { proof: proof.to_owned(), force };
    prove_and_commit(store, PROFILE, block, &output, &ProveOptions::default(), observer)
}

fn files(dir: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(name).collect();
    names.sort();
    names
}

#[test]
fn a_block_is_written_and_committed() {
    let (mut world, block) = world();
    let (state, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let proof = out.path().join("block-1.proof");
    let mut store = Store::create(state.path(), world.genesis()).unwrap();
    let log = Mutex::new(Vec::new());
    let observe = |event: &Event| log.lock().unwrap().push(event.clone());
    let proven = run_with(&mut store, &block, &proof, false, &observe).unwrap();

    world.advance(&block).unwrap();
    assert_eq!(store.ledger().root(), world.ledger().root());
    assert_eq!(files(out.path()), ["block-1.proof", "block-1.proof.data"]);
    let statement = verify_block(VerifierKey::pinned(PROFILE), &fs::read(&proof).unwrap()).unwrap();
    assert_eq!(statement, proven.statement);
    assert_eq!(statement.new_root, world.ledger().root());
    let data: BlockData = codec::read_file(&data_path(&proof)).unwrap();
    check_data(&data, &statement).unwrap();

    // The commit comes last.
    let log = log.into_inner().unwrap();
    let [
        ..,
        Event::Written { path: first, .. },
        Event::Written { path: second, .. },
        Event::Committed { number: 1, root },
    ] = &log[..]
    else {
        panic!("{log:?}")
    };
    assert_eq!((first, second, *root), (&data_path(&proof), &proof, statement.new_root));
    assert_eq!(store.journal(1).unwrap(), None, "the job is done");
    drop(store);
    assert_eq!(Store::open(state.path()).unwrap().ledger().root(), world.ledger().root());
}

#[test]
fn existing_files_are_refused_unless_forced() {
    let (world, block) = world();
    let (state, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let proof = out.path().join("p");
    let mut store = Store::create(state.path(), world.genesis()).unwrap();
    for path in [proof.clone(), data_path(&proof)] {
        fs::write(&path, b"mine").unwrap();
        let error = run(&mut store, &block, &proof, false).unwrap_err();
        assert!(
            matches!(&error, PipelineError::File(FileError::Exists { path: p }) if *p == path),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        assert_eq!(store.ledger().height(), 0);
        fs::remove_file(&path).unwrap();
    }
    fs::write(&proof, b"mine").unwrap();
    run(&mut store, &block, &proof, true).unwrap();
    verify_block(VerifierKey::pinned(PROFILE), &fs::read(&proof).unwrap()).unwrap();
    assert_eq!(store.ledger().height(), 1);
}

#[test]
fn a_failure_leaves_no_file_and_no_change() {
    let (world, block) = world();
    let (state, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let proof = out.path().join("p");
    let mut store = Store::create(state.path(), world.genesis()).unwrap();
    let root = store.ledger().root();

    let foreign = Block { chain_id: 99, ..block.clone() };
    let error = run(&mut store, &foreign, &proof, false).unwrap_err();
    assert!(matches!(error, PipelineError::Prove(ProveError::Execute(_))), "{error}");
    let error = run(&mut store, &block, Path::new("/no/such/dir/p"), false).unwrap_err();
    assert!(matches!(error, PipelineError::File(FileError::Io { .. })), "{error}");
    assert_eq!(store.journal(1).unwrap(), None, "nothing was begun");

    // A failure in the middle of proving.
    let stop = |event: &Event| assert!(!matches!(event, Event::Started { job: Job::Block }), "stop");
    let error = run_with(&mut store, &block, &proof, false, &stop).unwrap_err();
    assert!(matches!(error, PipelineError::Prove(ProveError::Panicked { job: Job::Block, .. })), "{error}");

    assert!(files(out.path()).is_empty());
    assert_eq!(store.ledger().root(), root);
    let journal: Journal = codec::decode(&store.journal(1).unwrap().unwrap()).unwrap();
    assert_eq!((journal.profile, journal.previous_root), (PROFILE, root));

    // Nothing stands in the way of another try.
    let proven = run(&mut store, &block, &proof, false).unwrap();
    assert_eq!(store.ledger().root(), proven.statement.new_root);
}

#[test]
fn a_lost_race_for_the_name_is_an_error() {
    let (world, block) = world();
    let (state, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let proof = out.path().join("p");
    let mut store = Store::create(state.path(), world.genesis()).unwrap();
    let intrude = |event: &Event| {
        if let Event::Verified { .. } = event {
            fs::write(&proof, b"mine").unwrap();
        }
    };
    let error = run_with(&mut store, &block, &proof, false, &intrude).unwrap_err();
    assert!(matches!(&error, PipelineError::File(FileError::Exists { path }) if *path == proof), "{error}");
    assert_eq!(fs::read(&proof).unwrap(), b"mine");
    assert_eq!(files(out.path()), ["p"], "no data without their proof");
    assert_eq!(store.ledger().height(), 0);
}
