//! Reading a store: beside the one who writes it, after a crash, and from a stream.

use std::thread;
use std::time::Duration;

use super::*;
use crate::store::{Head, Snapshot};

/// A store with two blocks, and a third that is staged.
fn staged() -> (tempfile::TempDir, Store) {
    let dir = dir();
    let mut store = Store::create(dir.path(), &genesis()).expect("it is new");
    commit_next(&mut store).expect("it follows");
    commit_next(&mut store).expect("it follows");
    let (number, writes, _) = block(store.ledger());
    store.write_journal(number, b"begun").expect("written");
    store.stage_writes(number, time(number), store.ledger().root(), &writes).expect("it follows");
    (dir, store)
}

fn sent(store: &Store) -> Vec<u8> {
    let mut bytes = Vec::new();
    store.share().send(&mut bytes).expect("it is open");
    bytes
}

fn same(a: &Ledger, b: &Ledger) {
    assert_eq!((a.chain(), a.height(), a.time(), a.root()), (b.chain(), b.height(), b.time(), b.root()));
    assert_eq!(a.contents(), b.contents());
    let address = leaf(3, 0).address;
    assert_eq!(a.find(&address, 5), b.find(&address, 5));
    for level in 0..=TREE_DEPTH {
        assert_eq!(a.tree().node(level, 1), b.tree().node(level, 1), "level {level}");
    }
}

#[test]
fn what_is_sent_is_what_is_read_and_is_committed() {
    let (dir, store) = staged();
    assert!(matches!(Snapshot::open(dir.path(), Check::Sampled), Err(StoreError::Locked { .. })));
    assert!(matches!(Head::open(dir.path()), Err(StoreError::Locked { .. })));
    let received = Snapshot::receive(dir.path(), &sent(&store)[..], Check::Full).expect("it is whole");
    assert_eq!((received.ledger().height(), received.ledger().root()), (2, store.root()));
    assert_eq!(store.ledger().height(), 3);
    let (shared, head) = (store.share(), store.share().head().expect("it is open"));
    assert_eq!((head.height, head.root, &head.under_way[..]), (2, store.root(), &[3][..]));
    assert_eq!(read_head(&mut &sent(&store)[..]).expect("a head"), head);
    drop(store);
    assert!(matches!(shared.head(), Err(StoreError::Closed { .. })));
    let read = Snapshot::open(dir.path(), Check::Full).expect("nobody writes");
    same(received.ledger(), read.ledger());
    assert_eq!(Head::open(dir.path()).expect("nobody writes"), head);
    assert_eq!(received.dir(), read.dir());
}

#[test]
fn a_stream_that_is_cut_or_damaged_is_refused() {
    let (dir, store) = staged();
    let bytes = sent(&store);
    let head = bytes.iter().position(|&byte| byte == b'\n').expect("a line") + 1;
    // Leaves, then records: index, length, tag and eight elements.
    let records = head + 56 * 46;
    let tiles = records + 7 * 76;
    for len in [0, 1, head - 1, head, head + 55, records, records + 3, records + 76 * 3, records + 76 * 3 + 9]
        .into_iter()
        .chain([tiles, tiles + 3, bytes.len() - 1])
    {
        assert!(Snapshot::receive(dir.path(), &bytes[..len], Check::Full).is_err(), "{len}");
    }
    let in_records = [0, 4, 8, 12, 20, 76, 76 * 6 + 75].map(|at| records + at);
    for at in in_records.into_iter().chain([head, head + 4, head + 8, head + 40, tiles, tiles + 4]) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        assert!(Snapshot::receive(dir.path(), &bytes[..], Check::Full).is_err(), "{at}");
    }
    let line = String::from_utf8(bytes[..head].to_vec()).expect("JSON");
    for (count, wrong) in [
        ("\"leaves\":46", "\"leaves\":4294967297"),
        ("\"records\":7", "\"records\":4294967297"),
        ("\"records\":7", "\"records\":6"),
        ("\"records\":7", "\"records\":8"),
    ] {
        assert!(line.contains(count), "{line}");
        let many = [line.replace(count, wrong).as_bytes(), &bytes[head..]].concat();
        assert!(Snapshot::receive(dir.path(), &many[..], Check::Full).is_err(), "{wrong}");
    }
}

#[test]
fn reading_changes_no_byte_even_after_a_crash() {
    let (dir, store) = staged();
    // The file as a process leaves it that is killed.
    let killed = self::dir();
    let path = killed.path().join(FILE_NAME);
    fs::copy(dir.path().join(FILE_NAME), &path).expect("copied");
    let before = fs::read(&path).expect("read");
    let mut permissions = fs::metadata(&path).expect("it is there").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).expect("it is ours");
    let first = Snapshot::open(killed.path(), Check::Full).expect("it is whole");
    same(first.ledger(), Snapshot::open(killed.path(), Check::Full).expect("again").ledger());
    assert_eq!(first.ledger().root(), store.root());
    assert!(fs::read(&path).expect("read") == before);
    assert_eq!(fs::read_dir(killed.path()).expect("a directory").count(), 1);
    assert!(matches!(
        Snapshot::open(&killed.path().join("none"), Check::Full),
        Err(StoreError::Missing { .. })
    ));
    let empty = self::dir();
    fs::write(empty.path().join(FILE_NAME), b"").expect("written");
    assert!(matches!(Snapshot::open(empty.path(), Check::Full), Err(StoreError::NotAStore { .. })));
}

#[test]
fn many_read_at_a_time_and_who_writes_waits_for_them() {
    let (dir, store) = staged();
    let path = dir.path().join(FILE_NAME);
    drop(store);
    let readers = [0, 1].map(|_| StoreFile::open_read_only(path.clone()).expect("nobody writes"));
    thread::scope(|scope| {
        let writer = scope.spawn(|| Store::open(dir.path()));
        thread::sleep(Duration::from_millis(100));
        assert!(!writer.is_finished());
        drop(readers);
        assert!(writer.join().expect("no panic").is_ok());
    });
}
