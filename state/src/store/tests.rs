//! The store when all goes well, when it does not, and when the power goes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

use super::*;
use crate::block::GenesisLeaf;
use crate::field::from_u32;

fn leaf(number: u32, balance: u64) -> Leaf {
    let address = Digest([from_u32(number), from_u32(1), from_u32(2), from_u32(3)]);
    Leaf { address, nonce: number, asset: 5, balance }
}

fn genesis() -> Genesis {
    let entry = |number| {
        let Leaf { address, asset, balance, .. } = leaf(number, 1000 + u64::from(number));
        GenesisLeaf { address, asset, balance }
    };
    Genesis { chain_id: 7, leaves: (0..40).map(entry).collect() }
}

/// Block `number` changes some leaves and adds two.
fn block(ledger: &Ledger) -> (u32, Writes, Digest) {
    let (number, len) = (ledger.height() + 1, ledger.len() as u32);
    let changed = (0..len).filter(|i| i % 3 == number % 3).chain([len, len + 1]);
    let writes: Writes =
        changed.map(|i| (LeafIndex(i), leaf(i, 10_000 * u64::from(number) + u64::from(i)))).collect();
    let root = ledger.prepare(number, ledger.root(), &writes).expect("it follows").root();
    (number, writes, root)
}

fn commit_next(store: &mut Store) -> Result<Digest, StoreError> {
    let (number, writes, root) = block(store.ledger());
    store.commit_writes(number, store.ledger().root(), &writes, root)?;
    Ok(root)
}

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

#[test]
fn keeps_leaves_roots_and_height() {
    let dir = dir();
    let dir = dir.path().join("made").join("on the way");
    let mut store = Store::create(&dir, &genesis()).expect("it is new");
    let start = Ledger::from_genesis(&genesis()).expect("it is valid");
    assert_eq!(store.ledger().root(), start.root());
    let mut roots = vec![start.root()];
    for _ in 0..3 {
        roots.push(commit_next(&mut store).expect("it follows"));
    }
    let ledger = store.ledger().clone();
    drop(store);
    let store = Store::open(&dir).expect("it is a store");
    assert_eq!(store.ledger().leaves(), ledger.leaves());
    assert_eq!(store.ledger().root(), ledger.root());
    assert_eq!((store.ledger().chain_id(), store.ledger().height()), (7, 3));
    for (number, root) in (0..).zip(roots) {
        assert_eq!(store.root_at(number).expect("it can be read"), Some(root));
    }
    assert_eq!(store.root_at(4).expect("it can be read"), None);
    let names: Vec<_> =
        fs::read_dir(&dir).expect("a directory").map(|e| e.expect("an entry").file_name()).collect();
    assert_eq!(names, [FILE_NAME]);
}

#[test]
fn a_genesis_without_leaves_is_a_store_too() {
    let dir = dir();
    drop(Store::create(dir.path(), &Genesis { chain_id: 7, leaves: vec![] }).expect("it is new"));
    assert!(Store::open(dir.path()).expect("it is a store").ledger().is_empty());
}

#[test]
fn only_the_next_block_is_committed_and_only_with_its_root() {
    let dir = dir();
    let mut store = Store::create(dir.path(), &genesis()).expect("it is new");
    let before = store.ledger().root();
    let (number, writes, root) = block(store.ledger());

    let late = store.commit_writes(number + 1, before, &writes, root);
    assert!(matches!(late, Err(StoreError::Follow(ApplyError::Number { expected: 1, got: 2 }))));
    let foreign = store.commit_writes(number, root, &writes, root);
    assert!(matches!(
        foreign,
        Err(StoreError::Follow(ApplyError::PreviousRoot { expected, got })) if expected == before && got == root
    ));
    let wrong = store.commit_writes(number, before, &writes, before);
    assert!(matches!(wrong, Err(StoreError::NewRoot { expected, got }) if expected == before && got == root));
    assert_eq!((store.ledger().root(), store.ledger().height()), (before, 0));
    assert_eq!(store.root_at(1).expect("it can be read"), None);

    store.commit_writes(number, before, &writes, root).expect("it follows");
    let again = store.commit_writes(number, before, &writes, root);
    assert!(matches!(again, Err(StoreError::Follow(ApplyError::Number { expected: 2, got: 1 }))));
}

#[test]
fn the_journal_lasts_until_its_block_is_committed() {
    let dir = dir();
    let mut store = Store::create(dir.path(), &genesis()).expect("it is new");
    store.write_journal(1, b"plan").expect("written");
    store.write_journal(1, b"plan and seed").expect("written");
    store.write_journal(2, b"later").expect("written");
    drop(store);
    let mut store = Store::open(dir.path()).expect("it is a store");
    let journal = |store: &Store, number| store.journal(number).expect("it can be read");
    assert_eq!(journal(&store, 1).as_deref(), Some(&b"plan and seed"[..]));
    assert_eq!(journal(&store, 3), None);
    commit_next(&mut store).expect("it follows");
    assert_eq!(journal(&store, 1), None);
    assert_eq!(journal(&store, 2).as_deref(), Some(&b"later"[..]));
}

#[test]
fn a_store_is_made_once_and_opened_where_there_is_one() {
    let dir = dir();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Missing { .. })));
    assert!(matches!(Store::open(&dir.path().join("none")), Err(StoreError::Missing { .. })));
    drop(Store::create(dir.path(), &genesis()).expect("it is new"));
    let path = dir.path().join(FILE_NAME);
    assert!(
        matches!(Store::create(dir.path(), &genesis()), Err(StoreError::Exists { path: p }) if p == path)
    );
    let mut twice = genesis();
    twice.leaves.push(twice.leaves[0]);
    let fresh = dir.path().join("fresh");
    assert!(matches!(Store::create(&fresh, &twice), Err(StoreError::Genesis(_))));
    assert!(!fresh.exists());
    // A directory under the file's name, a file under the directory's.
    fs::create_dir_all(fresh.join(FILE_NAME)).expect("made");
    assert!(matches!(Store::open(&fresh), Err(StoreError::NotAStore { .. })));
    assert!(matches!(Store::create(&path, &genesis()), Err(StoreError::Io { .. })));
}

#[test]
fn of_many_that_make_a_store_at_once_one_does() {
    let dir = dir();
    let made: Vec<_> = std::thread::scope(|scope| {
        let make = |chain_id| Store::create(dir.path(), &Genesis { chain_id, ..genesis() });
        let threads: Vec<_> = (0..6).map(|id| scope.spawn(move || make(id))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let winner: Vec<_> = made.iter().flatten().map(|store| store.ledger().chain_id()).collect();
    let losers_fine = made
        .iter()
        .all(|result| matches!(result, Ok(_) | Err(StoreError::Exists { .. } | StoreError::Locked { .. })));
    assert!(losers_fine, "{made:?}");
    assert!(winner.len() <= 1);
    drop(made);
    let left = Store::open(dir.path()).expect("it is a store").ledger().chain_id();
    assert!(winner.is_empty() || winner == [left]);
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 1);
}

#[test]
fn a_store_is_open_once() {
    let dir = dir();
    let store = Store::create(dir.path(), &genesis()).expect("it is new");
    let path = dir.path().join(FILE_NAME);
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Locked { path: p }) if p == path));
    drop(store);
    assert!(Store::open(dir.path()).is_ok());
}

#[test]
fn other_files_are_not_stores() {
    let dir = dir();
    let path = dir.path().join(FILE_NAME);
    for bytes in
        [&b""[..], b"redb", b"a text that is longer than a header, and by far: it goes on and on", &[0; 5000]]
    {
        fs::write(&path, bytes).expect("written");
        let error = Store::open(dir.path()).expect_err("it is no store");
        assert!(matches!(error, StoreError::NotAStore { .. } | StoreError::Io { .. }), "{error:?}");
        assert_eq!(fs::read(&path).expect("it is still there"), bytes);
        fs::remove_file(&path).expect("removed");
    }
    // A database of somebody else's.
    let db = Database::create(&path).expect("made");
    drop(db);
    assert!(matches!(Store::open(dir.path()), Err(StoreError::NotAStore { .. })));
    let other: TableDefinition<u64, u64> = TableDefinition::new("meta");
    let db = Database::open(&path).expect("it is one");
    let transaction = db.begin_write().expect("begun");
    transaction.open_table(other).expect("opened").insert(1, 2).expect("inserted");
    transaction.commit().expect("committed");
    drop(db);
    assert!(matches!(Store::open(dir.path()), Err(StoreError::NotAStore { .. })));
}

/// Changes a store's tables behind its back and opens it.
fn tampered(change: impl FnOnce(&WriteTransaction)) -> StoreError {
    let dir = dir();
    let mut store = Store::create(dir.path(), &genesis()).expect("it is new");
    commit_next(&mut store).expect("it follows");
    drop(store);
    let db = Database::open(dir.path().join(FILE_NAME)).expect("it is a database");
    let transaction = db.begin_write().expect("begun");
    change(&transaction);
    transaction.commit().expect("committed");
    drop(db);
    Store::open(dir.path()).expect_err("it was tampered with")
}

fn put_meta(name: &'static str, number: u64) -> impl FnOnce(&WriteTransaction) {
    move |transaction| {
        transaction.open_table(META).expect("opened").insert(name, number).expect("inserted");
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    for version in [0, SCHEMA_VERSION + 1] {
        let error = tampered(put_meta("schema", version));
        assert!(matches!(error, StoreError::Schema { expected: SCHEMA_VERSION, got, .. } if got == version));
    }
    let error = tampered(put_meta("height", 0));
    assert!(matches!(error, StoreError::StoredRoot { expected: Some(root), got, .. } if root != got));
    let error = tampered(put_meta("height", 2));
    assert!(matches!(error, StoreError::StoredRoot { expected: None, .. }));
    let error = tampered(put_meta("height", 1 << 32));
    assert!(matches!(error, StoreError::Meta { name: "height", got: Some(0x1_0000_0000), .. }));
    let error = tampered(|transaction| {
        transaction.open_table(META).expect("opened").remove("chain_id").expect("removed");
    });
    assert!(matches!(error, StoreError::Meta { name: "chain_id", got: None, .. }));
    let error = tampered(|transaction| {
        let mut leaves = transaction.open_table(LEAVES).expect("opened");
        leaves.insert(3, stored(&leaf(3, 1))).expect("inserted");
    });
    assert!(matches!(error, StoreError::StoredRoot { .. }));
    let error = tampered(|transaction| {
        transaction.open_table(LEAVES).expect("opened").remove(3).expect("removed");
    });
    assert!(matches!(error, StoreError::LeafGap { expected: 3, got: LeafIndex(4), .. }));
    let error = tampered(|transaction| {
        let mut leaves = transaction.open_table(LEAVES).expect("opened");
        leaves.insert(3, ([u64::MAX; 4], 0, 0, 0)).expect("inserted");
    });
    let got = u64::MAX;
    assert!(
        matches!(error, StoreError::Digest { source: DigestError::NotCanonical { got: g }, .. } if g == got)
    );
}

/// A disk in memory. What was written since the last sync may or may not be there after a crash.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<DiskState>>);

#[derive(Debug, Default)]
struct DiskState {
    live: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    /// Operations until the power goes.
    operations_left: Option<usize>,
}

#[derive(Clone, Debug)]
enum Change {
    Len(usize),
    Bytes(usize, Vec<u8>),
}

impl Change {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Len(len) => image.resize(*len, 0),
            Self::Bytes(offset, bytes) => {
                if image.len() < offset + bytes.len() {
                    image.resize(offset + bytes.len(), 0);
                }
                image[*offset..offset + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}

impl Disk {
    fn with_image(image: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(DiskState { live: image.clone(), synced: image, ..DiskState::default() })))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, DiskState> {
        self.0.lock().expect("no test panics with it")
    }

    fn spend(&self) -> io::Result<std::sync::MutexGuard<'_, DiskState>> {
        let mut state = self.state();
        match &mut state.operations_left {
            Some(0) => return Err(io::Error::other("the power is off")),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(state)
    }

    fn change(&self, change: Change) -> io::Result<()> {
        let mut state = self.spend()?;
        change.apply(&mut state.live);
        state.unsynced.push(change);
        Ok(())
    }

    /// What a crash leaves: the synced bytes, and of the writes since the chosen ones, the last torn.
    fn crash(&self, mut keep: impl FnMut(usize) -> bool) -> Vec<u8> {
        let state = self.state();
        let mut image = state.synced.clone();
        let kept: Vec<_> = (0..state.unsynced.len()).filter(|&i| keep(i)).collect();
        for &i in &kept {
            match &state.unsynced[i] {
                Change::Bytes(offset, bytes) if Some(&i) == kept.last() => {
                    Change::Bytes(*offset, bytes[..bytes.len() / 2].to_vec()).apply(&mut image);
                }
                change => change.apply(&mut image),
            }
        }
        image
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state();
        let bytes = state.live.get(offset as usize..offset as usize + out.len());
        out.copy_from_slice(bytes.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Change::Len(len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.spend()?;
        state.synced = state.live.clone();
        state.unsynced.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Bytes(offset as usize, data.to_vec()))
    }
}

fn open_on(disk: Disk) -> Result<Store, StoreError> {
    let open = || Database::builder().create_with_backend(disk);
    Store::load(StoreFile::open_checked(PathBuf::from("disk"), open)?)
}

/// The bytes of a store after one block.
fn image() -> Vec<u8> {
    let disk = Disk::default();
    let path = PathBuf::from("disk");
    let db = Database::builder().create_with_backend(disk.clone()).expect("made");
    let file = StoreFile { db, path };
    file.initialise(&Ledger::from_genesis(&genesis()).expect("it is valid")).expect("written");
    let mut store = Store::load(file).expect("it is a store");
    commit_next(&mut store).expect("it follows");
    drop(store);
    let state = disk.state();
    assert!(state.unsynced.is_empty());
    state.synced.clone()
}

#[test]
fn the_power_goes_at_every_write() {
    let image = image();
    let before = open_on(Disk::with_image(image.clone())).expect("it is a store").ledger().clone();
    let (_, _, after) = block(&before);
    let mut seen = BTreeMap::new();
    let mut survived = false;
    for operations in 0.. {
        let disk = Disk::with_image(image.clone());
        let mut store = open_on(disk.clone()).expect("it is a store");
        disk.state().operations_left = Some(operations);
        let committed = commit_next(&mut store).is_ok();
        assert_eq!(store.ledger().root(), if committed { after } else { before.root() });
        let power_was_left = disk.state().operations_left != Some(0);
        let images = [
            disk.crash(|_| false),
            disk.crash(|_| true),
            disk.crash(|i| i % 2 == 0),
            disk.crash(|i| i % 2 == 1),
            disk.crash(|i| i % 3 != 0),
            disk.crash(|i| (i * 7 + operations) % 5 < 2),
        ];
        drop(store);
        for image in images {
            let reopened = open_on(Disk::with_image(image)).expect("a crash leaves a store");
            let (height, root) = (reopened.ledger().height(), reopened.ledger().root());
            assert!((height, root) == (1, before.root()) || (height, root) == (2, after));
            // What was reported as done is done.
            assert!(!committed || height == 2, "lost after {operations} operations");
            *seen.entry((committed, height)).or_insert(0) += 1;
        }
        if committed && power_was_left {
            survived = true;
            break;
        }
    }
    assert!(survived);
    assert!(seen[&(false, 1)] > 0 && seen[&(true, 2)] > 0, "{seen:?}");
}

#[test]
fn a_flipped_bit_is_an_error_or_changes_nothing() {
    let image = image();
    let expected = open_on(Disk::with_image(image.clone())).expect("it is a store").ledger().clone();
    let used: Vec<usize> = (0..image.len()).filter(|&i| image[i] != 0).collect();
    assert!(used.len() > 4000);
    let (mut refused, mut same) = (0, 0);
    // The header byte by byte, then samples.
    let samples = (0..400)
        .chain(used.iter().copied().step_by(used.len() / 600))
        .chain((0..image.len()).step_by(image.len() / 300));
    for (n, position) in samples.enumerate() {
        let mut flipped = image.clone();
        flipped[position] ^= 1 << (n % 8);
        match open_on(Disk::with_image(flipped)) {
            Ok(store) => {
                assert_eq!(store.ledger().root(), expected.root(), "byte {position}");
                assert_eq!(store.ledger().height(), expected.height());
                assert_eq!(store.ledger().leaves(), expected.leaves());
                same += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 100 && same > 100, "{refused} refused, {same} unchanged");
}

#[test]
fn a_file_that_was_cut_off_is_an_error() {
    let dir = dir();
    let path = dir.path().join(FILE_NAME);
    let image = image();
    for len in (0..image.len()).step_by(image.len() / 60).chain([1, 100, 512, 4095, 4097, image.len() - 1]) {
        fs::write(&path, &image[..len]).expect("written");
        let error = Store::open(dir.path()).expect_err("a part is no store");
        let fine = matches!(
            error,
            StoreError::NotAStore { .. }
                | StoreError::Io { .. }
                | StoreError::Database { .. }
                | StoreError::Damaged { .. }
        );
        assert!(fine, "{len} bytes: {error:?}");
    }
    fs::write(&path, &image).expect("written");
    assert!(Store::open(dir.path()).is_ok());
}
