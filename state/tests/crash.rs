//! A process that writes a store is killed, over and over, and what it leaves is opened.
//!
//! The process is this test's own program, started again with an environment variable that makes it the writer.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use enfold_state::block::{Genesis, GenesisLeaf};
use enfold_state::hash::Digest;
use enfold_state::leaf::{Leaf, LeafIndex};
use enfold_state::ledger::Ledger;
use enfold_state::record::ContractRecord;
use enfold_state::record::pool::Pool;
use enfold_state::store::{Check, Store, StoreError};
use enfold_state::writes::Writes;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Names the directory for the writer.
const WRITER: &str = "ENFOLD_CRASH_TEST_WRITER";
/// How often the process is killed; more with this variable.
const KILLS: usize = 200;
const KILLS_VARIABLE: &str = "ENFOLD_CRASH_TEST_KILLS";

fn genesis() -> Genesis {
    let leaf = |number: u64| {
        let address = Digest::try_from([number, 1, 2, 3]).expect("small numbers are canonical");
        GenesisLeaf { address, asset: 0, balance: 1_000_000 }
    };
    Genesis { chain_id: 7, time: 1, shards: 1, leaves: (0..300).map(leaf).collect(), contracts: vec![] }
}

/// A pool as it is after a block.
fn pool(number: u32) -> ContractRecord {
    let (assets, reserves) = ([0, 1], [1 + u64::from(number), 5_000]);
    let pool =
        Pool { assets, kept: 9_970, weight: 1, reserves, supply: 1_024, unit: 1, time: number, number };
    pool.try_into().expect("a pool")
}

/// Block `number` is a function of the state before it: some leaves change, and one is new. Every third block makes a contract
/// and changes the first one.
fn writes(ledger: &Ledger) -> Writes {
    let number = u64::from(ledger.height()) + 1;
    let mut rng = ChaCha8Rng::seed_from_u64(number);
    let len = ledger.len() as u32;
    let mut change = |_| {
        let (index, balance) = (LeafIndex(rng.gen_range(0..len)), rng.gen_range(0..1_000_000));
        (index, Leaf { balance, ..ledger.leaves()[index] })
    };
    let mut writes: Vec<_> = (0..40).map(&mut change).collect();
    let address = Digest::try_from([number, 4, 5, 6]).expect("small numbers are canonical");
    writes.push((LeafIndex(len), Leaf { balance: number, ..Leaf::new(address, 1) }));
    let writes: Writes = writes.into_iter().collect();
    if !number.is_multiple_of(3) {
        return writes;
    }
    let contracts = [0, ledger.records().len() as u32].map(LeafIndex::of_contract);
    writes.with_records(contracts.map(|index| (index, pool(ledger.height() + 1))))
}

/// Makes or opens the store, and commits blocks until it is killed. Each is reported when it is committed.
fn write_for_ever(dir: &Path) -> Result<(), StoreError> {
    let mut store = match Store::create(dir, &genesis()) {
        Err(StoreError::Exists { .. }) => Store::open(dir)?,
        made => made?,
    };
    let mut report = std::io::stdout().lock();
    let mut say = |height: u32| writeln!(report, "committed {height}").and_then(|()| report.flush());
    let height = store.height();
    say(height).expect("the test reads it");
    loop {
        let (number, before) = (store.height() + 1, store.root());
        let writes = writes(store.ledger());
        let root = store.ledger().prepare(number, number, before, &writes)?.root();
        store.write_journal(number, &number.to_le_bytes())?;
        store.commit_writes(number, number, before, &writes, root)?;
        say(number).expect("the test reads it");
    }
}

/// Does nothing by itself; in a process that was started to write, it writes.
#[test]
fn writer() {
    if let Some(dir) = std::env::var_os(WRITER) {
        write_for_ever(Path::new(&dir)).expect("only a kill stops the writer");
    }
}

/// A writer and the heights that it reports.
struct Writer {
    process: Child,
    heights: Receiver<u32>,
    last: Option<u32>,
}

impl Writer {
    fn start(dir: &Path) -> Self {
        let program = std::env::current_exe().expect("this test's program");
        let mut process = Command::new(program)
            .args(["writer", "--exact", "--nocapture", "--test-threads=1"])
            .env(WRITER, dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let output = BufReader::new(process.stdout.take().expect("it is a pipe"));
        let (send, heights) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // The first report stands behind the test runner's own words.
                let height = line.rsplit_once("committed ").and_then(|(_, height)| height.parse().ok());
                height.map(|height| send.send(height));
            }
        });
        Self { process, heights, last: None }
    }

    /// Waits for the next report, and gives the time that it took.
    fn wait(&mut self) -> Duration {
        let start = Instant::now();
        self.last = Some(self.heights.recv_timeout(Duration::from_secs(60)).expect("it goes on"));
        start.elapsed()
    }

    /// Kills the process, and gives the last height that it reported.
    fn kill(mut self) -> Option<u32> {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
        // The reader ends with the pipe.
        self.heights.iter().last().or(self.last)
    }
}

#[test]
fn a_killed_writer_leaves_the_old_state_or_the_new_one() {
    let kills = std::env::var(KILLS_VARIABLE).ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let dir = tempfile::tempdir().expect("a directory");
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    // The states that there should be, as far as they are known.
    let mut ledger = Ledger::from_genesis(&genesis()).expect("it is valid");
    let mut roots = vec![ledger.root()];
    let (mut made, mut committed) = (false, 0);
    // Time from one report to the next.
    let mut step = Duration::from_millis(10);
    for kill in 0..kills {
        // It is stopped somewhere on its way to the next report: of the opened store, or of one of the first commits.
        let mut writer = Writer::start(dir.path());
        let reports = rng.gen_range(0..4_u32);
        for _ in 0..reports {
            step = writer.wait();
        }
        committed += reports.saturating_sub(1);
        thread::sleep(step.mul_f64(rng.gen_range(0.0..1.2)));
        let reported = writer.kill();

        let store = match Store::open_checked(dir.path(), Check::Full) {
            Err(StoreError::Missing { .. }) if !made && reported.is_none() => continue,
            store => store.unwrap_or_else(|error| panic!("kill {kill} left no store: {error}")),
        };
        made = true;
        let height = store.height();
        while ledger.height() < height {
            let number = ledger.height() + 1;
            let prepared = ledger.prepare(number, number, ledger.root(), &writes(&ledger));
            ledger.adopt(&prepared.expect("it follows"));
            roots.push(ledger.root());
        }
        let at = format!("kill {kill}, height {height}");
        assert_eq!(ledger.height(), height, "{at}: blocks were lost");
        assert_eq!(store.root(), roots[height as usize], "{at}");
        assert_eq!(store.ledger().contents(), ledger.contents(), "{at}");
        assert_eq!(store.ledger().time(), ledger.time(), "{at}");
        assert!(reported.is_none_or(|reported| reported <= height), "{at}, reported {reported:?}");
        for (number, &root) in (0..).zip(&roots) {
            assert_eq!(store.root_at(number).expect("it can be read"), Some(root), "{at}");
        }
        // A job is kept until its block is committed: there is one of the next block or none.
        assert_eq!(store.journal(height).expect("it can be read"), None, "{at}");
        let job = store.journal(height + 1).expect("it can be read");
        assert!(job.is_none_or(|bytes| bytes == (height + 1).to_le_bytes()), "{at}");
    }
    let blocks = roots.len() as u32 - 1;
    assert!(blocks >= committed, "{blocks} blocks, {committed} reported");
    let files = std::fs::read_dir(dir.path()).expect("a directory");
    let names: Vec<_> = files.map(|file| file.expect("an entry").file_name()).collect();
    let unfinished = names.iter().filter(|name| name.to_string_lossy().ends_with(".new")).count();
    assert_eq!(names.len(), 1 + unfinished, "{names:?}");
}

#[test]
fn a_second_process_is_refused_until_the_first_is_gone() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut writer = Writer::start(dir.path());
    writer.wait();
    let error = Store::open(dir.path()).expect_err("the writer has it");
    assert!(matches!(error, StoreError::Locked { .. }), "{error:?}");
    assert!(error.to_string().contains("open elsewhere"), "{error}");
    writer.kill();
    // The lock went with the process: nothing is left to be removed by hand.
    assert!(Store::open(dir.path()).is_ok());
}
