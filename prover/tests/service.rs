//! Blocks of an inbox, proven one after the other with the circuits of the test profile.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use enfold_fixtures::world::{World, WorldSpec};
use enfold_prover::events::{Event, Observer, ignore};
use enfold_prover::files::FileError;
use enfold_prover::folders::{CLAIMS, Folders, QUEUE};
use enfold_prover::job::Job;
use enfold_prover::options::ProveOptions;
use enfold_prover::pipeline::{PipelineError, data_path};
use enfold_prover::service::{LIST, Pace, Served, ServiceOptions, serve};
use enfold_prover::stop::Stop;
use enfold_state::block::{Block, BlockData};
use enfold_state::codec;
use enfold_state::profile::ProfileId;
use enfold_state::store::Store;
use enfold_verifier::data::check_data;
use enfold_verifier::verify::{VerifierKey, verify_block};
use serde_json::Value;

/// A state, three blocks that follow one another, and folders.
struct Case {
    dir: tempfile::TempDir,
    blocks: Vec<Block>,
    roots: Vec<String>,
}

impl Case {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut world =
            World::new(WorldSpec { seed: 21, accounts: 12, new_share: 0.2, ..WorldSpec::default() });
        Store::create(&dir.path().join("state"), world.genesis()).unwrap();
        let (mut blocks, mut roots) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let block = world.block(5);
            world.advance(&block).unwrap();
            roots.push(world.ledger().root().to_string());
            blocks.push(block);
        }
        let case = Self { dir, blocks, roots };
        case.folders().make().unwrap();
        case
    }

    fn folders(&self) -> Folders {
        let folder = |name: &str| self.dir.path().join(name);
        Folders { inbox: folder("in"), outbox: folder("out"), rejected: folder("bad") }
    }

    fn put(&self, name: &str, number: usize) -> PathBuf {
        let path = self.folders().inbox.join(name);
        fs::write(&path, codec::encode(&self.blocks[number - 1]).unwrap()).unwrap();
        path
    }

    fn serve(&self, stop: Option<&'static Stop>, observer: Observer<'_>) -> Result<Served, PipelineError> {
        let mut store = Store::open(&self.dir.path().join("state")).unwrap();
        let prove = ProveOptions { stop, in_flight: Some(2), ..ProveOptions::default() };
        let pace =
            Pace { settle: Duration::from_millis(50), look: Duration::from_millis(20), ..Pace::default() };
        let (folders, once) = (self.folders(), stop.is_none());
        let options = ServiceOptions { profile: ProfileId::Test, folders, files: vec![], once, prove, pace };
        let served = serve(&mut store, &options, observer);
        assert_eq!(store.staged(), 0, "nothing but committed blocks is left");
        assert_eq!(store.ledger().root(), store.root());
        served
    }

    /// Names in the queue, without digests.
    fn queue(&self) -> Vec<String> {
        let names = files(&self.dir.path().join("state").join(QUEUE));
        names.into_iter().map(|name| name.splitn(3, '-').take(2).collect::<Vec<_>>().join("-")).collect()
    }

    /// The reasons of the rejected files, by the names that they were delivered under.
    fn reasons(&self) -> BTreeMap<String, String> {
        let rejected = self.folders().rejected;
        let names = files(&rejected);
        let reasons = names.iter().filter(|name| name.ends_with(".reason.json"));
        let reasons = reasons.map(|name| {
            let reason: Value = serde_json::from_slice(&fs::read(rejected.join(name)).unwrap()).unwrap();
            assert_eq!(format!("{}.reason.json", reason["block"].as_str().unwrap()), *name);
            let text = |field: &str| reason[field].as_str().unwrap().to_owned();
            (text("file"), text("reason"))
        });
        reasons.collect()
    }

    fn height(&self) -> u32 {
        Store::open(&self.dir.path().join("state")).unwrap().ledger().height()
    }

    /// The list of proven blocks.
    fn list(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folders().outbox.join(LIST)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// All three blocks are proven, listed once, and their proofs hold.
    fn check_done(&self) {
        assert_eq!(self.height(), 3);
        let list = self.list();
        let numbers: Vec<_> = list.iter().map(|line| line["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, [1, 2, 3]);
        for (line, root) in list.iter().zip(&self.roots) {
            assert_eq!(line["statement"]["new_root"], root.as_str());
            let proof = Path::new(line["proof"].as_str().unwrap());
            let statement =
                verify_block(VerifierKey::pinned(ProfileId::Test), &fs::read(proof).unwrap()).unwrap();
            assert_eq!(serde_json::to_value(statement).unwrap(), line["statement"]);
            let data: BlockData = codec::read_file(&data_path(proof)).unwrap();
            check_data(&data, &statement).unwrap();
        }
        let names = [
            "blocks.jsonl",
            "block-1.bin",
            "block-1.proof",
            "block-1.proof.data",
            "block-2.bin",
            "block-2.proof",
            "block-2.proof.data",
            "block-3.bin",
            "block-3.proof",
            "block-3.proof.data",
        ];
        let mut names = names.map(str::to_owned);
        names.sort();
        assert_eq!(files(&self.folders().outbox), names);
        assert_eq!(files(&self.folders().inbox), [CLAIMS]);
        assert!(files(&self.folders().inbox.join(CLAIMS)).is_empty());
        assert!(self.queue().is_empty());
        assert_eq!(files(&self.dir.path().join("state")), [QUEUE, "state.redb"]);
    }
}

fn files(dir: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(name).collect();
    names.sort();
    names
}

#[test]
fn blocks_are_proven_in_order_and_the_next_is_executed_meanwhile() {
    let case = Case::new();
    // By name they come in another order.
    ["c", "b", "a"].iter().zip(1..).for_each(|(name, number)| _ = case.put(name, number));
    let log = Mutex::new(Vec::new());
    let served = case.serve(None, &|event| log.lock().unwrap().push(event.clone())).unwrap();
    assert_eq!(served, Served { proven: 3, ..Served::default() });
    case.check_done();
    assert_eq!(case.list()[0]["block"], "c");
    assert_eq!(case.list()[2]["rejections"], serde_json::json!([]));
    // The second execution is over before the first block is committed.
    let log = log.into_inner().unwrap();
    let place = |which: &dyn Fn(&Event) -> bool, nth: usize| {
        log.iter().enumerate().filter(|(_, event)| which(event)).nth(nth).unwrap().0
    };
    let executed = |nth| place(&|event| matches!(event, Event::Executed { .. }), nth);
    let committed = |nth| place(&|event| matches!(event, Event::Committed { .. }), nth);
    assert!(executed(1) < committed(0) && executed(2) < committed(1));
}

#[test]
fn bad_blocks_are_rejected_and_gaps_wait() {
    let case = Case::new();
    case.put("one", 1);
    case.put("three", 3);
    fs::write(case.folders().inbox.join("noise"), b"no block").unwrap();
    let empty = Block { transactions: vec![], ..case.blocks[1].clone() };
    fs::write(case.folders().inbox.join("empty.json"), codec::encode_json(&empty).unwrap()).unwrap();
    let foreign = Block { chain_id: 99, ..case.blocks[1].clone() };
    fs::write(case.folders().inbox.join("foreign"), codec::encode(&foreign).unwrap()).unwrap();
    let served = case.serve(None, &ignore).unwrap();
    let waiting = Served { waiting: 1, missing: Some(2), ..Served::default() };
    assert_eq!(served, Served { proven: 1, rejected: 3, ..waiting.clone() });
    assert!(!served.is_all());
    assert_eq!(files(&case.folders().rejected).len(), 6);
    let reasons = case.reasons();
    assert!(reasons["noise"].contains("expected a block file"), "{reasons:?}");
    assert!(reasons["empty.json"].contains("at least one valid transaction"), "{reasons:?}");
    assert!(reasons["foreign"].contains("got chain 99"), "{reasons:?}");
    assert_eq!(files(&case.folders().inbox), [CLAIMS]);
    assert_eq!(case.queue(), ["block-3", "block-3"], "a block and its origin");
    assert_eq!(case.serve(None, &ignore).unwrap(), waiting, "it waits over runs");
    // The missing one comes, one that is proven, another that is too late, and one that is in the queue.
    case.put("two", 2);
    case.put("again", 1);
    case.put("three again", 3);
    let late = Block { transactions: case.blocks[1].transactions.clone(), ..case.blocks[0].clone() };
    fs::write(case.folders().inbox.join("late"), codec::encode(&late).unwrap()).unwrap();
    let json = codec::encode_json(&case.blocks[1]).unwrap();
    fs::write(case.folders().inbox.join("two again"), json).unwrap();
    let served = case.serve(None, &ignore).unwrap();
    assert_eq!(served, Served { proven: 2, rejected: 1, repeated: 3, ..Served::default() });
    assert_eq!(case.reasons().len(), 4, "what is proven is not rejected");
    let reason = &case.reasons()["late"];
    assert!(reason.starts_with("expected block 2, got block 1 with digest "), "{reason}");
    case.check_done();
}

/// A block is staged when it turns out that it cannot be proven and written.
#[test]
fn a_block_that_fails_is_taken_back() {
    let case = Case::new();
    (1..=3).for_each(|number| _ = case.put(&number.to_string(), number));
    let in_the_way = case.folders().outbox.join("block-2.proof");
    fs::write(&in_the_way, "no proof").unwrap();
    assert!(matches!(case.serve(None, &ignore), Err(PipelineError::File(FileError::Exists { .. }))));
    assert_eq!(case.height(), 1);
    assert_eq!(case.queue(), ["block-2", "block-2", "block-3", "block-3"]);
    fs::remove_file(&in_the_way).unwrap();
    case.serve(None, &ignore).unwrap();
    case.check_done();
}

/// As where a disk is full, or not there for a while.
#[test]
fn a_finished_proof_waits_for_a_place() {
    let case = Case::new();
    case.put("one", 1);
    let out = case.folders().outbox;
    let stop: &'static Stop = Box::leak(Box::default());
    let told = AtomicUsize::new(0);
    let observe = |event: &Event| match event {
        Event::Verified { .. } => fs::remove_dir_all(&out).unwrap(),
        Event::NotWritten { .. } => {
            told.fetch_add(1, Ordering::SeqCst);
            fs::create_dir(&out).unwrap();
        }
        Event::Committed { .. } => _ = stop.request(),
        _ => {}
    };
    let served = case.serve(Some(stop), &observe).unwrap();
    assert_eq!(served, Served { proven: 1, stopped: true, ..Served::default() });
    assert_eq!(told.into_inner(), 1);
    assert_eq!(files(&out), ["block-1.bin", "block-1.proof", "block-1.proof.data", LIST]);
}

/// The process ends at bad moments of the second block.
#[test]
fn a_service_that_was_cut_off_goes_on() {
    type When = fn(&Event) -> bool;
    let ends: [When; 4] = [
        |event| matches!(event, Event::BlockBegun { number: 2, .. }),
        |event| matches!(event, Event::Written { path, .. } if path.ends_with("block-2.proof.data")),
        |event| matches!(event, Event::Written { path, .. } if path.ends_with("block-2.proof")),
        |event| matches!(event, Event::Committed { number: 2, .. }),
    ];
    for end in ends {
        let case = Case::new();
        (1..=3).for_each(|number| _ = case.put(&number.to_string(), number));
        let serve = || case.serve(None, &|event| assert!(!end(event), "the end"));
        assert!(catch_unwind(AssertUnwindSafe(serve)).is_err());
        assert_eq!(files(&case.folders().inbox), [CLAIMS]);
        assert!(case.queue().contains(&"block-2".to_owned()));
        // A line that was cut off, too.
        let list = case.folders().outbox.join(LIST);
        let mut text = fs::read(&list).unwrap();
        text.extend(b"{\"number\":");
        fs::write(&list, text).unwrap();
        case.serve(None, &ignore).unwrap();
        case.check_done();
    }
}

#[test]
fn a_stop_ends_a_service_at_work_and_a_waiting_one() {
    let case = Case::new();
    case.put("one", 1);
    let stop: &'static Stop = Box::leak(Box::default());
    let observe = |event: &Event| {
        if matches!(event, Event::Finished { job: Job::Batch { number: 0, .. }, .. }) {
            stop.request();
        }
    };
    let served = case.serve(Some(stop), &observe).unwrap();
    assert_eq!(served, Served { stopped: true, ..Served::default() });
    assert_eq!(case.height(), 0);

    // It goes on, waits for the second, finds it when it comes, and ends on request.
    let stop: &'static Stop = Box::leak(Box::default());
    let log = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            case.put("later.part", 2);
            let committed = |number| {
                let seen =
                    |event: &Event| matches!(event, Event::Committed { number: n, .. } if *n == number);
                while !log.lock().unwrap().iter().any(seen) {
                    std::thread::sleep(Duration::from_millis(20));
                }
            };
            committed(1);
            let inbox = case.folders().inbox;
            fs::rename(inbox.join("later.part"), inbox.join("later")).unwrap();
            committed(2);
            stop.request();
        });
        let served = case.serve(Some(stop), &|event| log.lock().unwrap().push(event.clone())).unwrap();
        assert_eq!(served, Served { proven: 2, stopped: true, ..Served::default() });
    });
    assert!(case.list()[0]["reused"]["batches"].as_u64().unwrap() >= 1);
}
