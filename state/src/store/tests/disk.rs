//! A store on a disk that loses power, fills up, cannot be written or flips bits.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use redb::{Database, StorageBackend};

use super::*;

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
    /// Most bytes that fit.
    capacity: Option<usize>,
    read_only: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Len(usize),
    Bytes(usize, Vec<u8>),
}

impl Change {
    /// Length of a file that it just fits in.
    fn end(&self) -> usize {
        match self {
            Self::Len(len) => *len,
            Self::Bytes(offset, bytes) => offset + bytes.len(),
        }
    }

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
        if state.read_only {
            return Err(ErrorKind::ReadOnlyFilesystem.into());
        }
        if state.capacity.is_some_and(|capacity| change.end() > capacity.max(state.live.len())) {
            return Err(ErrorKind::StorageFull.into());
        }
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
    Store::load(StoreFile::open_checked(PathBuf::from("disk"), open)?, Check::Full)
}

/// The bytes of a store after one block.
fn image() -> Vec<u8> {
    let disk = Disk::default();
    let path = PathBuf::from("disk");
    let db = Database::builder().create_with_backend(disk.clone()).expect("made");
    let file = StoreFile::new(db, path);
    file.initialise(&Ledger::from_genesis(&genesis()).expect("it is valid"), None).expect("written");
    let mut store = Store::load(file, Check::Full).expect("it is a store");
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
                assert_eq!(store.ledger().contents(), expected.contents());
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

/// Commits until the disk refuses; gives the last root that was committed, and the error. Large jobs are kept on the
/// way, so that a disk fills up soon: sometimes at a job, sometimes at a block.
fn commit_until_refused(store: &mut Store) -> (Digest, StoreError) {
    for _ in 0..1000 {
        let (before, next) = (store.root(), store.height() + 1);
        let job = vec![7; 1000 * next as usize];
        let done = store.write_journal(1_000_000 + next, &job).and_then(|()| commit_next(store).map(|_| ()));
        if let Err(error) = done {
            assert_eq!((store.root(), store.staged()), (before, 0), "nothing has changed in memory");
            return (before, error);
        }
    }
    panic!("the disk takes a thousand blocks");
}

#[test]
fn a_full_disk_is_an_error_and_loses_nothing() {
    let image = image();
    // No room to grow; then a little less and less of it, so that it fills up at different writes.
    for room in [0, 1, 4096, 5000, 40_000, 1 << 16] {
        let disk = Disk::with_image(image.clone());
        let mut store = open_on(disk.clone()).expect("it is a store");
        disk.state().capacity = Some(image.len() + room);
        let (root, error) = commit_until_refused(&mut store);
        let full = matches!(&error, StoreError::Io { source, .. } if source.kind() == ErrorKind::StorageFull);
        assert!(full, "{error:?}");
        assert!(error.to_string().starts_with("disk: "), "{error}");
        let height = store.height();
        drop(store);
        for keep in [true, false] {
            let left = disk.crash(|_| keep);
            let store = open_on(Disk::with_image(left)).expect("a full disk leaves a store");
            assert_eq!((store.height(), store.root()), (height, root), "{room} bytes of room");
        }
        // With room again, it goes on.
        disk.state().capacity = None;
        let mut store = open_on(disk.clone()).expect("it is a store");
        commit_next(&mut store).expect("there is room");
    }
}

#[test]
fn a_read_only_disk_is_an_error() {
    let image = image();
    let disk = Disk::with_image(image.clone());
    let mut store = open_on(disk.clone()).expect("it is a store");
    disk.state().read_only = true;
    let (root, error) = commit_until_refused(&mut store);
    let refused =
        matches!(&error, StoreError::Io { source, .. } if source.kind() == ErrorKind::ReadOnlyFilesystem);
    assert!(refused, "{error:?}");
    drop(store);
    // It is read-only from the start: an error, or a store to read.
    match open_on(disk.clone()) {
        Ok(store) => assert_eq!(store.root(), root),
        Err(error) => assert!(matches!(&error, StoreError::Io { .. }), "{error:?}"),
    }
    disk.state().read_only = false;
    assert_eq!(open_on(disk).expect("it is a store").root(), root);
}
