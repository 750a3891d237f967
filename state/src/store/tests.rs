//! The store when all goes well, when it does not, and when the power goes.

use redb::{Database, ReadableTable, TableDefinition, WriteTransaction};

use super::tables::{LEAVES, META, NODES, RECORDS, stored, stored_record};
use super::*;
use crate::block::GenesisLeaf;
use crate::contracts::pool::LOCKED;
use crate::field::from_u32;
use crate::hash::DigestError;
use crate::leaf::{Leaf, LeafIndex, TREE_DEPTH};
use crate::ledger::ApplyError;
use crate::record::ContractRecord;
use crate::record::pool::Pool;
use crate::shards::Counts;

mod disk;
mod reading;
mod staging;

fn leaf(number: u32, balance: u64) -> Leaf {
    let address = Digest([from_u32(number), from_u32(1), from_u32(2), from_u32(3)]);
    Leaf { address, nonces: [number, 2 * number], asset: 5, balance }
}

fn genesis() -> Genesis {
    let entry = |number| {
        let Leaf { address, asset, balance, .. } = leaf(number, 1000 + u64::from(number));
        GenesisLeaf { address, asset, balance }
    };
    let contracts = (0..3).map(|number| pool(number, 0)).collect();
    Genesis { chain_id: 7, time: 90, shards: 4, leaves: (0..40).map(entry).collect(), contracts }
}

/// A pool as it is after a block.
fn pool(contract: u32, number: u32) -> ContractRecord {
    let reserves = [1_000 + u64::from(contract), 5_000 + u64::from(number)];
    let assets = [5, 6 + contract];
    let (supply, time) = (LOCKED, 90 + number);
    Pool { assets, kept: 9_970, weight: 2, reserves, supply, unit: 1 << 10, time, number }
        .try_into()
        .expect("a pool")
}

/// The time of a block.
fn time(number: u32) -> u32 {
    100 + number
}

/// Block `number` changes some leaves and adds two to the first shard and one to another. It changes a contract, and adds one to
/// the first shard of contracts and one to another.
fn block(ledger: &Ledger) -> (u32, Writes, Digest) {
    let time = time(ledger.height() + 1);
    let number = ledger.height() + 1;
    let Counts(counts) = ledger.counts();
    let other = 1 + 15 * (number % 3) as usize;
    let added = [(0, counts[0]), (0, counts[0] + 1), (other, counts[other])].into_iter();
    let changed = ledger.leaves().entries().map(|(index, _)| index).filter(|index| index.0 % 3 == number % 3);
    let changed = changed.chain(added.map(|(shard, position)| LeafIndex::new(shard, position)));
    let writes: Writes = changed
        .map(|index| (index, leaf(index.0, 10_000 * u64::from(number) + u64::from(index.position()))))
        .collect();
    let other = 33 + 15 * (number % 3) as usize;
    let pools = [(32, number % 3), (32, counts[32]), (other, counts[other])];
    let pools = pools.map(|(shard, position)| (LeafIndex::new(shard, position), pool(number % 3, number)));
    let writes = writes.with_records(pools);
    let root = ledger.prepare(number, time, ledger.root(), &writes).expect("it follows").root();
    (number, writes, root)
}

fn commit_next(store: &mut Store) -> Result<Digest, StoreError> {
    let (number, writes, root) = block(store.ledger());
    store.commit_writes(number, time(number), store.ledger().root(), &writes, root)?;
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
    assert_eq!(store.ledger().contents(), ledger.contents());
    assert_eq!((store.ledger().len(), store.ledger().records().len()), (49, 9));
    assert_eq!(store.ledger().root(), ledger.root());
    assert_eq!((store.ledger().chain_id(), store.ledger().height()), (7, 3));
    assert_eq!((store.ledger().chain(), store.ledger().time()), (ledger.chain(), time(3)));
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
    let bare = Genesis { leaves: vec![], contracts: vec![], ..genesis() };
    drop(Store::create(dir.path(), &bare).expect("it is new"));
    assert!(Store::open(dir.path()).expect("it is a store").ledger().contents().counts().total() == 0);
}

fn schema(dir: &Path) -> u64 {
    let db = Database::open(dir.join(FILE_NAME)).expect("it is a database");
    let transaction = redb::ReadableDatabase::begin_read(&db).expect("begun");
    let meta = transaction.open_table(META).expect("there is one");
    meta.get("schema").expect("read").expect("there is one").value()
}

/// A store is one that older programs read as long as it has no contract, and one that they refuse from then on.
#[test]
fn the_first_contract_makes_a_store_one_with_contracts() {
    let dir = dir();
    let bare = Genesis { contracts: vec![], ..genesis() };
    let mut store = Store::create(dir.path(), &bare).expect("it is new");
    let payments = |store: &mut Store, writes: Writes| {
        let (number, root) = (store.height() + 1, store.root());
        let after = store.ledger().prepare(number, time(number), root, &writes).expect("it follows").root();
        store.commit_writes(number, time(number), root, &writes, after).expect("it follows");
    };
    payments(&mut store, [(LeafIndex(0), Leaf { nonces: [1, 0], ..leaf(0, 7) })].into_iter().collect());
    drop(store);
    assert_eq!(schema(dir.path()), WITHOUT_RECORDS);
    let mut store = Store::open_checked(dir.path(), Check::Full).expect("it is a store");
    assert!(store.ledger().records().is_empty());
    let first = LeafIndex::of_contract(0);
    payments(&mut store, Writes::default().with_records([(first, pool(0, 2))]));
    drop(store);
    assert_eq!(schema(dir.path()), SCHEMA_VERSION);
    let store = Store::open_checked(dir.path(), Check::Full).expect("it is a store");
    assert_eq!(store.ledger().record(first), Some(&pool(0, 2)));
    assert_eq!((store.height(), store.ledger().len()), (2, 40));
}

#[test]
fn circuits_are_said_once() {
    let [first, second] = [1, 2].map(|profile| Circuits { profile, key: leaf(profile, 1).digest() });
    let [old, new] = [dir(), dir()];
    let mut store = Store::create(old.path(), &genesis()).expect("it is new");
    assert_eq!(store.circuits().expect("it can be read"), None);
    store.set_circuits(first).expect("nothing was said before");
    drop(store);
    drop(Store::create_for(new.path(), &genesis(), first).expect("it is new"));
    for dir in [old, new] {
        let mut store = Store::open(dir.path()).expect("it is a store");
        assert_eq!(store.circuits().expect("it can be read"), Some(first));
        store.set_circuits(first).expect("they are the same");
        for other in [second, Circuits { key: second.key, ..first }, Circuits { profile: 2, ..first }] {
            let refused = store.set_circuits(other);
            assert!(
                matches!(refused, Err(StoreError::Circuits { expected, got, .. }) if (expected, got) == (first, other))
            );
        }
        commit_next(&mut store).expect("it follows");
        assert_eq!(store.circuits().expect("it can be read"), Some(first));
    }
}

#[test]
fn only_the_next_block_is_committed_and_only_with_its_root() {
    let dir = dir();
    let mut store = Store::create(dir.path(), &genesis()).expect("it is new");
    let before = store.ledger().root();
    let (number, writes, root) = block(store.ledger());

    let late = store.commit_writes(number + 1, time(number), before, &writes, root);
    assert!(matches!(late, Err(StoreError::Follow(ApplyError::Number { expected: 1, got: 2 }))));
    let early = store.commit_writes(number, 89, before, &writes, root);
    assert!(matches!(early, Err(StoreError::Follow(ApplyError::Time { expected: 90, got: 89 }))));
    let foreign = store.commit_writes(number, time(number), root, &writes, root);
    assert!(matches!(
        foreign,
        Err(StoreError::Follow(ApplyError::PreviousRoot { expected, got })) if expected == before && got == root
    ));
    let wrong = store.commit_writes(number, time(number), before, &writes, before);
    assert!(matches!(wrong, Err(StoreError::NewRoot { expected, got }) if expected == before && got == root));
    assert_eq!((store.ledger().root(), store.ledger().height()), (before, 0));
    assert_eq!(store.root_at(1).expect("it can be read"), None);

    store.commit_writes(number, time(number), before, &writes, root).expect("it follows");
    let again = store.commit_writes(number, time(number), before, &writes, root);
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
fn a_journal_replayed_twice_commits_its_block_once() {
    let dir = dir();
    let mut store = Store::create(dir.path(), &genesis()).expect("it is new");
    let (before, (number, writes, root)) = (store.root(), block(store.ledger()));
    store.write_journal(number, b"plan").expect("written");
    drop(store);
    // A process that takes up the journal, commits, and ends before it could tell anybody; then the next one.
    let mut store = Store::open(dir.path()).expect("it is a store");
    assert!(store.journal(number).expect("it can be read").is_some());
    store.commit_writes(number, time(number), before, &writes, root).expect("it follows");
    drop(store);
    let mut store = Store::open(dir.path()).expect("it is a store");
    assert_eq!(store.journal(number).expect("it can be read"), None);
    let again = store.commit_writes(number, time(number), before, &writes, root);
    assert!(matches!(again, Err(StoreError::Follow(ApplyError::Number { expected: 2, got: 1 }))));
    assert_eq!((store.height(), store.root()), (1, root));
    // Its job, written again, is forgotten with the next block.
    store.write_journal(number, b"plan").expect("written");
    commit_next(&mut store).expect("it follows");
    assert_eq!(store.journal(number).expect("it can be read"), None);
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
        let threads: Vec<_> = (1..7).map(|id| scope.spawn(move || make(id))).collect();
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
    for missing in ["chain_id", "shards", "height", "time"] {
        let error = tampered(|transaction| {
            transaction.open_table(META).expect("opened").remove(missing).expect("removed");
        });
        assert!(matches!(error, StoreError::Meta { name, got: None, .. } if name == missing));
    }
    for (wrong, numbers) in
        [("chain_id", [0, 1 << 63]), ("shards", [0, 3]), ("shards", [64, 1 << 32]), ("time", [0, 1 << 32])]
    {
        for number in numbers {
            let error = tampered(put_meta(wrong, number));
            assert!(
                matches!(error, StoreError::Meta { name, got: Some(got), .. } if (name, got) == (wrong, number)),
                "{error:?}"
            );
        }
    }
    let error = tampered(|transaction| {
        let mut leaves = transaction.open_table(LEAVES).expect("opened");
        leaves.insert(3, stored(&leaf(3, 1))).expect("inserted");
    });
    assert!(matches!(error, StoreError::Node { level: 0, index: 3, .. }));
    let error = tampered(|transaction| {
        transaction.open_table(LEAVES).expect("opened").remove(3).expect("removed");
    });
    assert!(matches!(error, StoreError::LeafGap { expected: 3, got: LeafIndex(4), .. }));
    let error = tampered(|transaction| {
        let mut leaves = transaction.open_table(LEAVES).expect("opened");
        leaves.insert(3, ([u64::MAX; 4], 0, 0, 0, 0)).expect("inserted");
    });
    let got = u64::MAX;
    assert!(
        matches!(error, StoreError::Digest { source: DigestError::NotCanonical { got: g }, .. } if g == got)
    );
}

#[test]
fn records_that_do_not_fit_are_refused() {
    let put = |index: LeafIndex, bytes: Vec<u8>| {
        tampered(|transaction| {
            let mut records = transaction.open_table(RECORDS).expect("opened");
            records.insert(index.0, &bytes[..]).expect("inserted");
        })
    };
    let at = LeafIndex::of_contract;
    // Block 1 changed contract 1, and added contract 3.
    let error = put(at(2), stored_record(&pool(1, 1)));
    assert!(matches!(error, StoreError::Node { level: 0, index, .. } if index == at(2).0), "{error:?}");
    let error = put(at(5), stored_record(&pool(1, 1)));
    assert!(matches!(error, StoreError::LeafGap { got, .. } if got == at(5)), "{error:?}");
    for place in [LeafIndex(0), LeafIndex(at(0).0 - 1), LeafIndex(1 << 30), LeafIndex(u32::MAX)] {
        let error = put(place, stored_record(&pool(1, 1)));
        assert!(
            matches!(error, StoreError::Misplaced { what: "record", got, .. } if got == place),
            "{error:?}"
        );
        assert!(error.is_damage());
    }
    let error = tampered(|transaction| {
        let mut leaves = transaction.open_table(LEAVES).expect("opened");
        leaves.insert(at(4).0, stored(&leaf(1, 1))).expect("inserted");
    });
    assert!(matches!(error, StoreError::Misplaced { what: "leaf", got, .. } if got == at(4)), "{error:?}");
    let error = tampered(|transaction| {
        transaction.open_table(RECORDS).expect("opened").remove(at(0).0).expect("removed");
    });
    assert!(matches!(error, StoreError::LeafGap { got, .. } if got == at(1)), "{error:?}");
    // No record at all, one that no pool is, and one that deals in its own shares.
    let mut short = stored_record(&pool(1, 1));
    short.pop();
    let mut kind = stored_record(&pool(1, 1));
    kind[0] = 99;
    let mut fee = stored_record(&pool(1, 1));
    fee[4 + 8..4 + 10].fill(0xff);
    let own = Pool { assets: [5, 1 << 31 | 4], ..Pool::of(&pool(0, 0)).expect("a pool") };
    let own = stored_record(&own.try_into().expect("it is one elsewhere"));
    for (bytes, expected) in [
        (short, "unexpected end of file"),
        (kind, "expected the tag of a contract's record, one of 18 (pool), got 99"),
        (fee, "pool: expected kept of at most 10000, got 65535"),
        (own, "pool: expected asset_1 other than 2147483652 and 2147483653"),
    ] {
        let error = put(at(2), bytes);
        assert!(matches!(error, StoreError::Record { index, .. } if index == at(2)), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.is_damage());
    }
}

#[test]
fn nodes_that_do_not_fit_are_refused() {
    let error = tampered(|transaction| {
        transaction.open_table(NODES).expect("opened").remove(1).expect("removed");
    });
    // Of the block's other shard.
    let next = Some((0, LeafIndex::new(16, 0).0 >> 5));
    assert!(
        matches!(error, StoreError::NodeGap { expected: Some((0, 1)), got, .. } if got == next),
        "{error:?}"
    );
    let error = tampered(|transaction| {
        let mut nodes = transaction.open_table(NODES).expect("opened");
        let tile = *nodes.get(0).expect("read").expect("there is one").value();
        nodes.insert(u32::MAX, &tile).expect("inserted");
    });
    assert!(matches!(error, StoreError::NodeGap { expected: None, got: Some(_), .. }), "{error:?}");
    // One byte of the second node above the leaves.
    let error = tampered(|transaction| {
        let mut nodes = transaction.open_table(NODES).expect("opened");
        let mut tile = *nodes.get(0).expect("read").expect("there is one").value();
        tile[33 * 32] ^= 1;
        nodes.insert(0, &tile).expect("inserted");
    });
    assert!(matches!(error, StoreError::Node { level: 1, index: 1, .. }), "{error:?}");
}

#[test]
fn an_older_store_says_what_to_do() {
    let message = tampered(put_meta("schema", 2)).to_string();
    assert!(
        message.contains("expected schema version 3 or 4, got 2") && message.contains("`enfold init`"),
        "{message}"
    );
    let message = tampered(put_meta("schema", 5)).to_string();
    assert!(
        message.contains("expected schema version 3 or 4, got 5") && message.contains("newer"),
        "{message}"
    );
}

/// A store of 5000 leaves, of which some were changed behind its back.
fn tampered_large(change: impl Fn(LeafIndex) -> bool) -> tempfile::TempDir {
    let dir = dir();
    let leaves = (0..5000).map(|number| {
        let Leaf { address, asset, balance, .. } = leaf(number, 7);
        GenesisLeaf { address, asset, balance }
    });
    drop(
        Store::create(dir.path(), &Genesis { leaves: leaves.collect(), contracts: vec![], ..genesis() })
            .expect("it is new"),
    );
    let db = Database::open(dir.path().join(FILE_NAME)).expect("it is a database");
    let transaction = db.begin_write().expect("begun");
    {
        let mut leaves = transaction.open_table(LEAVES).expect("opened");
        for index in (0..5000).map(LeafIndex).filter(|&index| change(index)) {
            let changed = Leaf { nonces: [0; 2], ..leaf(index.0, 8) };
            leaves.insert(index.0, stored(&changed)).expect("inserted");
        }
    }
    transaction.commit().expect("committed");
    dir
}

#[test]
fn samples_find_what_is_common_and_a_full_check_everything() {
    let one_in_twenty = tampered_large(|index| index.0 % 20 == 0);
    for check in [Check::Sampled, Check::Full] {
        let error = Store::open_checked(one_in_twenty.path(), check).expect_err("it was tampered with");
        assert!(matches!(error, StoreError::Node { level: 0, .. }), "{error:?}");
    }
    // The sampled leaves follow from the root alone, so this one is known not to be among them.
    let root = {
        let untouched = tampered_large(|_| false);
        Store::open_checked(untouched.path(), Check::Full).expect("nothing was changed").root()
    };
    let missed = (0..5000)
        .find(|&index| !check::is_sampled(root, &Counts::dense(5000), index))
        .expect("1024 are sampled");
    let single = tampered_large(|index| index.0 == missed);
    assert!(Store::open(single.path()).is_ok());
    let error = Store::open_checked(single.path(), Check::Full).expect_err("it was tampered with");
    assert!(matches!(error, StoreError::Node { level: 0, index, .. } if index == missed), "{error:?}");
}

#[test]
fn the_state_takes_no_more_memory_than_is_promised() {
    // 150 MB for 2^20 leaves; the shares of leaves, nodes and lookup are the same for fewer.
    let leaves = (0..1 << 14).map(|number| {
        let Leaf { address, asset, balance, .. } = leaf(number, 7);
        GenesisLeaf { address, asset, balance }
    });
    let ledger = Ledger::from_genesis(&Genesis { leaves: leaves.collect(), contracts: vec![], ..genesis() })
        .expect("valid");
    let promised = 150_000_000 >> 6;
    assert!(ledger.memory() <= promised, "{} bytes", ledger.memory());
}
