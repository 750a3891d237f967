//! Records of contracts: their ranges, their forms, in a genesis and in a ledger, and proofs of them.

use std::collections::BTreeMap;

use enfold_state::account_proof::{AccountProof, AccountProofError, ContractProof};
use enfold_state::block::{Genesis, GenesisLeaf};
use enfold_state::chain::state_root;
use enfold_state::codec::{self, HEADER_LEN, encode, encode_json, from_body, to_body};
use enfold_state::contracts::pool::LOCKED;
use enfold_state::field::{ONE, ORDER, to_u64};
use enfold_state::hash::{Digest, Tag, hash, node};
use enfold_state::leaf::{
    ACCOUNT_SHARDS, AMOUNT_LIMIT, Leaf, LeafIndex, MAX_CONTRACTS, SHARDS, TREE_DEPTH, issued_asset,
};
use enfold_state::ledger::{ApplyError, Chain, GenesisError, Ledger};
use enfold_state::record::pool::Pool;
use enfold_state::record::{ContractRecord, RecordError, RecordKind};
use enfold_state::shards::{Counts, Shards};
use enfold_state::tree::empty_subtree;
use enfold_state::writes::Writes;
use proptest::prelude::*;

const CHAIN: Chain = Chain { id: 7, shards: 4 };
const TIME: u32 = 1_700_000_000;
const POOL: Pool = Pool {
    assets: [3, 7],
    kept: 9_970,
    weight: 2,
    reserves: [1_000_000, 5_000_000],
    supply: 2_000_000,
    unit: 1 << 20,
    time: TIME,
    number: 0,
};

fn record(pool: Pool) -> ContractRecord {
    pool.try_into().expect("in its ranges")
}

fn at(number: u32) -> LeafIndex {
    LeafIndex::of_contract(number)
}

fn address(number: u64) -> Digest {
    Digest::try_from([number, 1, 2, 3]).expect("small numbers are canonical")
}

#[test]
fn indices_of_contracts() {
    assert_eq!(at(0), LeafIndex::new(ACCOUNT_SHARDS, 0));
    assert_eq!(at(0).0, 1 << 29);
    let last = LeafIndex((1 << 30) - 1);
    assert_eq!(at(MAX_CONTRACTS as u32 - 1), last);
    assert_eq!((at(0).contract(), last.contract()), (Some(0), Some((1 << 29) - 1)));
    for none in [0, (1 << 29) - 1, 1 << 30, u32::MAX] {
        assert_eq!(LeafIndex(none).contract(), None, "{none}");
    }
    assert_eq!([issued_asset(0, 0), issued_asset(5, 1)], [1 << 31, (1 << 31) + 11]);
}

mod ranges {
    use super::*;

    /// Why a pool is refused: the field, what it may be, and what it is.
    fn refused(change: impl Fn(&mut Pool)) -> String {
        let mut pool = POOL;
        change(&mut pool);
        assert_ne!(pool, POOL);
        ContractRecord::try_from(pool).expect_err("out of its range").to_string()
    }

    fn accepted(change: impl Fn(&mut Pool)) {
        let mut pool = POOL;
        change(&mut pool);
        assert_eq!(Pool::of(&record(pool)), Some(pool));
    }

    #[test]
    fn of_a_pool() {
        let limit = (3 << 30) - 1;
        accepted(|pool| pool.assets = [limit - 1, limit]);
        accepted(|pool| pool.assets[0] = 0);
        assert_eq!(
            refused(|pool| pool.assets[1] = limit + 1),
            "pool: expected asset_1 below 3 2^30, got 3221225472"
        );
        assert_eq!(
            refused(|pool| pool.assets[0] = u32::MAX),
            "pool: expected asset_0 below 3 2^30, got 4294967295"
        );
        for assets in [[7, 7], [8, 7]] {
            let expected = format!("pool: expected asset_1 above asset_0, which is {}, got 7", assets[0]);
            assert_eq!(refused(|pool| pool.assets = assets), expected);
        }
        accepted(|pool| pool.kept = 0);
        accepted(|pool| pool.kept = 10_000);
        assert_eq!(refused(|pool| pool.kept = 10_001), "pool: expected kept of at most 10000, got 10001");
        assert_eq!(refused(|pool| pool.kept = 1 << 16), "pool: expected kept below 2^16, got 65536");
        accepted(|pool| pool.weight = 1);
        for weight in [0, 3] {
            let expected = format!("pool: expected weight 1 or 2, got {weight}");
            assert_eq!(refused(|pool| pool.weight = weight), expected);
        }
        for side in [0, 1] {
            for got in [0, AMOUNT_LIMIT, u64::MAX >> 1] {
                let expected = format!("pool: expected reserve_{side} of 1 to 2^62 - 1, got {got}");
                assert_eq!(refused(|pool| pool.reserves[side] = got), expected);
            }
            accepted(|pool| pool.reserves[side] = 1 << 39);
            let scaled = (1_u128 << 59) + (1 << 20);
            assert_eq!(
                refused(|pool| pool.reserves[side] = (1 << 39) + 1),
                format!("pool: expected the greater reserve times unit of at most 2^59, got {scaled}")
            );
            let of_unit_1 = |reserve| move |pool: &mut Pool| (pool.reserves[side], pool.unit) = (reserve, 1);
            accepted(of_unit_1(1 << 60));
            assert_eq!(
                refused(of_unit_1((1 << 60) + 1)),
                format!(
                    "pool: expected the greater reserve times unit of at most 2^60 where unit is 1, got {}",
                    (1_u64 << 60) + 1
                )
            );
        }
        for got in [0, 1_023, 1 << 61, 1 << 62] {
            let expected = format!("pool: expected supply of 1024 to 2^61 - 1, got {got}");
            assert_eq!(refused(|pool| pool.supply = got), expected);
        }
        accepted(|pool| pool.supply = 1_024);
        accepted(|pool| pool.supply = (1 << 61) - 1);
        for got in [0, 3, (1 << 20) - 1, 1 << 21] {
            let expected = format!("pool: expected unit a power of two up to 2^20, got {got}");
            assert_eq!(refused(|pool| pool.unit = got), expected);
        }
        accepted(|pool| (pool.time, pool.number) = (u32::MAX, (1 << 31) - 1));
        assert_eq!(refused(|pool| pool.time = 0), "pool: expected time of at least 1, got 0");
        assert_eq!(refused(|pool| pool.number = 1 << 31), "pool: expected number below 2^31, got 2147483648");
    }

    #[test]
    fn of_elements() {
        let good = record(POOL);
        let with = |element: usize, value: u64| {
            let mut elements = good.integers().to_vec();
            elements[element] = value;
            ContractRecord::new(RecordKind::Pool, &elements)
        };
        let kind = RecordKind::Pool;
        for element in 0..8 {
            for got in [ORDER, u64::MAX] {
                assert_eq!(with(element, got), Err(RecordError::NotCanonical { kind, element, got }));
            }
        }
        assert_eq!(with(6, 5), Err(RecordError::Unused { kind, element: 6, got: 5 }));
        let got = 1 << 32;
        let unused = good.integers()[1] | got;
        assert_eq!(with(1, unused), Err(RecordError::Unused { kind, element: 1, got }));
        for len in [0, 7, 9, 16] {
            assert_eq!(ContractRecord::new(kind, &vec![1; len]), Err(RecordError::Len { kind, got: len }));
        }
        assert_eq!(RecordKind::from_number(18), Some(kind));
        assert!([0, 1, 17, 19, 37, u32::MAX].iter().all(|&tag| RecordKind::from_number(tag).is_none()));
    }

    #[test]
    fn of_places() {
        assert_eq!(record(POOL).check_at(at(0)), Ok(()));
        assert_eq!(record(POOL).check_at(LeafIndex((1 << 30) - 1)), Ok(()));
        for got in [LeafIndex(0), LeafIndex((1 << 29) - 1), LeafIndex(1 << 30)] {
            let kind = RecordKind::Pool;
            assert_eq!(record(POOL).check_at(got), Err(RecordError::Index { kind, got }));
        }
        // A pool of another's shares, but not of its own.
        for which in [0, 1] {
            let own = record(Pool { assets: [3, issued_asset(5, which)], ..POOL });
            assert_eq!(own.check_at(at(4)), Ok(()));
            let error = own.check_at(at(5)).expect_err("its own share").to_string();
            let expected = format!("got {}", issued_asset(5, which));
            assert!(
                error.contains("other than 2147483658 and 2147483659") && error.ends_with(&expected),
                "{error}"
            );
            let first = record(Pool { assets: [issued_asset(5, which), issued_asset(9, 0)], ..POOL });
            assert!(first.check_at(at(5)).is_err() && first.check_at(at(6)).is_ok());
        }
    }
}

mod forms {
    use super::*;

    fn genesis() -> Genesis {
        let shares = POOL.supply - LOCKED;
        let leaves = vec![GenesisLeaf { address: address(1), asset: issued_asset(0, 0), balance: shares }];
        Genesis { chain_id: 7, time: TIME, shards: 4, leaves, contracts: vec![record(POOL)] }
    }

    #[test]
    fn the_json_form_is_named() {
        let json = serde_json::to_value(record(POOL)).expect("a form");
        let expected = serde_json::json!({
            "contract": "pool",
            "asset_0": 3, "asset_1": 7, "kept": 9970, "weight": 2,
            "reserve_0": 1_000_000, "reserve_1": 5_000_000, "supply": 2_000_000, "unit": 1 << 20,
            "time": TIME, "number": 0
        });
        assert_eq!(json, expected);
        let wide = record(Pool { supply: (1 << 53) + 1, ..POOL });
        assert_eq!(serde_json::to_value(wide).expect("a form")["supply"], "9007199254740993");
    }

    #[test]
    fn the_binary_form_is_as_documented() {
        let (file, record) = (encode(&genesis()).expect("a form"), record(POOL));
        let list = HEADER_LEN + 16 + 8 + 44;
        assert_eq!(file[list..list + 8], 1_u64.to_le_bytes());
        assert_eq!(file[list + 8..list + 12], 18_u32.to_le_bytes());
        let elements: Vec<u8> = record.integers().iter().copied().flat_map(u64::to_le_bytes).collect();
        assert_eq!(file[list + 12..], elements);
        assert_eq!(record.elements().into_iter().map(to_u64).collect::<Vec<_>>(), record.integers());
    }

    #[test]
    fn a_genesis_has_its_contracts_in_both_forms() {
        let genesis = genesis();
        let json = encode_json(&genesis).expect("a form");
        for file in [encode(&genesis).expect("a form"), json.clone().into_bytes()] {
            assert_eq!(codec::read::<Genesis>(&file).expect("its own form"), genesis);
        }
        // Without any, JSON says nothing of them.
        let bare = Genesis { contracts: vec![], ..genesis };
        let text = encode_json(&bare).expect("a form");
        assert!(json.contains("contracts") && !text.contains("contracts"), "{text}");
        assert_eq!(codec::read::<Genesis>(text.as_bytes()).expect("its own form"), bare);
        let empty = text.replace("]\n}", "],\n\"contracts\": []}");
        assert_ne!(empty, text);
        assert_eq!(codec::read::<Genesis>(empty.as_bytes()).expect("none"), bare);
    }

    #[test]
    fn json_that_is_no_record() {
        let good = encode_json(&genesis()).expect("a form");
        let bad = |old: &str, new: &str| {
            let text = good.replace(old, new);
            assert_ne!(text, good, "{old}");
            codec::read::<Genesis>(text.as_bytes()).expect_err("no record").to_string()
        };
        for (old, new, expected) in [
            ("\"contract\": \"pool\",", "", "missing field `contract`"),
            ("\"pool\"", "\"pond\"", "expected the name of a contract, one of 18 (pool), got \"pond\""),
            ("\"pool\"", "18", "invalid type: integer `18`, expected a string"),
            ("\"kept\": 9970,", "", "missing field `kept`"),
            ("\"kept\"", "\"kapt\"", "unknown field `kapt`"),
            ("\"kept\": 9970", "\"kept\": 9970, \"kept\": 9970", "duplicate field `kept`"),
            (
                "\"contract\": \"pool\"",
                "\"contract\": \"pool\", \"contract\": \"pool\"",
                "duplicate field `contract`",
            ),
            ("\"kept\": 9970", "\"kept\": -1", "expected a number below 2^64"),
            ("\"kept\": 9970", "\"kept\": \"09970\"", "expected a number below 2^64"),
            ("\"kept\": 9970", "\"kept\": 65536", "pool: expected kept below 2^16, got 65536"),
            ("\"unit\": 1048576", "\"unit\": 6", "pool: expected unit a power of two up to 2^20, got 6"),
            (
                "\"asset_1\": 7",
                "\"asset_1\": 4294967296",
                "pool: expected asset_1 below 2^32, got 4294967296",
            ),
        ] {
            let error = bad(old, new);
            assert!(error.contains(expected), "{old} by {new}: {error}");
        }
        let list = bad(&good[good.find("{\n      \"contract\"").expect("it is there")..], "[18, 1]]}");
        assert!(list.contains("invalid type: sequence, expected struct ContractRecord"), "{list}");
    }

    #[test]
    fn bytes_that_are_no_record() {
        let good = to_body(&record(POOL)).expect("a form");
        assert_eq!(good.len(), 4 + 8 * 8);
        let read = |bytes: &[u8]| from_body::<ContractRecord>(bytes).map_err(|error| error.to_string());
        for len in 0..good.len() {
            assert!(read(&good[..len]).is_err(), "{len}");
        }
        assert!(read(&[&good[..], &[0]].concat()).is_err());
        for (place, byte, expected) in [
            (0, 1, "expected the tag of a contract's record, one of 18 (pool), got 1"),
            (3, 1, "got 16777234"),
            (4 + 6 * 8, 1, "pool: expected 0 in what is unused of element 6, got 1"),
            (4 + 5 * 8, 1, "pool: expected unit a power of two up to 2^20, got 1048577"),
        ] {
            let mut bytes = good.clone();
            bytes[place] = byte;
            let error = read(&bytes).expect_err("no record");
            assert!(error.contains(expected), "{error}");
        }
        // Another number that represents the same element.
        let mut bytes = good.clone();
        bytes[4 + 6 * 8..4 + 7 * 8].copy_from_slice(&ORDER.to_le_bytes());
        assert!(
            read(&bytes).expect_err("not canonical").contains("expected element 6 below 2^64 - 2^32 + 1")
        );
    }

    proptest! {
        #[test]
        fn damaged_bytes_are_refused_or_canonical(at in any::<prop::sample::Index>(), value: u8) {
            let mut bytes = to_body(&record(POOL)).expect("a form");
            bytes[at.index(4 + 64)] = value;
            if let Ok(read) = from_body::<ContractRecord>(&bytes) {
                prop_assert_eq!(&to_body(&read).expect("it was read"), &bytes);
                let json = serde_json::to_string(&read).expect("a form");
                prop_assert_eq!(serde_json::from_str::<ContractRecord>(&json).expect("its own form"), read);
            }
        }
    }
}

mod start {
    use super::*;

    const SHARES: u64 = POOL.supply - LOCKED;

    fn leaf(owner: u64, asset: u32, balance: u64) -> GenesisLeaf {
        GenesisLeaf { address: address(owner), asset, balance }
    }

    /// A pool of two native assets, and one of another asset and the first one's shares.
    fn genesis() -> Genesis {
        let second = Pool { assets: [9, issued_asset(0, 0)], reserves: [50, 60], supply: 1_024, ..POOL };
        let leaves =
            vec![leaf(1, 3, 10), leaf(1, issued_asset(0, 0), SHARES - 100), leaf(2, issued_asset(0, 0), 40)];
        let contracts = vec![record(POOL), record(second)];
        Genesis { chain_id: 7, time: TIME, shards: 4, leaves, contracts }
    }

    #[test]
    fn contracts_stand_from_the_first_upper_shard_on() {
        let genesis = genesis();
        let ledger = Ledger::from_genesis(&genesis).expect("it is valid");
        assert_eq!((ledger.len(), ledger.records().len()), (3, 2));
        for (number, contract) in (0..).zip(&genesis.contracts) {
            assert_eq!(ledger.record(at(number)), Some(contract));
            assert_eq!(ledger.leaf(at(number)), None);
            assert_eq!(ledger.contents().digest(at(number)), contract.digest());
            assert_eq!(ledger.tree().node(0, at(number).0), contract.digest());
        }
        assert_eq!((ledger.record(at(2)), ledger.record(LeafIndex(0))), (None, None));
        let mut counts = Counts::default();
        (counts.0[0], counts.0[ACCOUNT_SHARDS]) = (3, 2);
        assert_eq!((ledger.counts(), ledger.counts().accounts()), (counts, 3));
        // Leaves are found, and have their indices, as without contracts.
        assert_eq!(ledger.find(&address(2), issued_asset(0, 0)), Some(LeafIndex(2)));
    }

    fn refused(change: impl Fn(&mut Genesis)) -> GenesisError {
        let mut genesis = genesis();
        assert!(Ledger::from_genesis(&genesis).is_ok());
        change(&mut genesis);
        Ledger::from_genesis(&genesis).map(|_| ()).expect_err("no chain starts so")
    }

    fn pool(genesis: &mut Genesis, number: usize, change: impl Fn(&mut Pool)) {
        let mut pool = Pool::of(&genesis.contracts[number]).expect("a pool");
        change(&mut pool);
        genesis.contracts[number] = record(pool);
    }

    #[test]
    fn the_shares_of_a_pool_are_those_that_it_issued() {
        let (index, asset, expected) = (at(0), issued_asset(0, 0), SHARES);
        let issued = |got| GenesisError::Issued { index, asset, expected, got };
        assert_eq!(refused(|genesis| genesis.leaves[1].balance += 1), issued(SHARES + 1));
        assert_eq!(refused(|genesis| genesis.leaves[2].balance -= 1), issued(SHARES - 1));
        assert_eq!(refused(|genesis| genesis.leaves.truncate(1)), issued(60));
        let error = refused(|genesis| pool(genesis, 1, |pool| pool.reserves[1] += 1));
        assert_eq!(error, issued(SHARES + 1));
        let words = "genesis contract 536870912: expected 1998976 of its asset 2147483648 in leaves and holdings, by its \
                     record, got 1998977";
        assert_eq!(error.to_string(), words);
        let error = refused(|genesis| pool(genesis, 1, |pool| pool.supply += 7));
        let (index, asset) = (at(1), issued_asset(1, 0));
        assert_eq!(error, GenesisError::Issued { index, asset, expected: 7, got: 0 });
    }

    #[test]
    fn nobody_else_issues_an_asset() {
        for got in [issued_asset(0, 1), issued_asset(2, 0), 3 << 30, u32::MAX] {
            let error = refused(|genesis| genesis.leaves[0].asset = got);
            assert_eq!(error, GenesisError::Asset { index: LeafIndex(0), got });
            assert!(
                error
                    .to_string()
                    .contains("expected an asset below 2^31, or one that a contract of the genesis issues")
            );
        }
        let got = issued_asset(2, 0);
        let error = refused(|genesis| pool(genesis, 0, |pool| pool.assets[1] = got));
        assert_eq!(error, GenesisError::Asset { index: at(0), got });
        let error = refused(|genesis| {
            genesis.contracts.clear();
            genesis.leaves.truncate(2);
        });
        assert_eq!(error, GenesisError::Asset { index: LeafIndex(1), got: issued_asset(0, 0) });
    }

    #[test]
    fn what_pools_hold_counts_to_an_assets_supply() {
        let most = AMOUNT_LIMIT - 1 - POOL.reserves[0];
        let mut fits = genesis();
        fits.leaves[0].balance = most;
        assert!(Ledger::from_genesis(&fits).is_ok());
        let error = refused(|genesis| genesis.leaves[0].balance = most + 1);
        assert_eq!(error, GenesisError::Supply { asset: 3, index: at(0), got: AMOUNT_LIMIT });
        let error = refused(|genesis| {
            pool(genesis, 1, |pool| (pool.assets, pool.unit) = ([3, issued_asset(0, 0)], 1));
            genesis.leaves[0].balance = most - 49;
        });
        assert_eq!(error, GenesisError::Supply { asset: 3, index: at(1), got: AMOUNT_LIMIT });
    }

    #[test]
    fn records_fit_their_places_and_the_time() {
        let error = refused(|genesis| pool(genesis, 1, |pool| pool.assets[1] = issued_asset(1, 0)));
        assert!(
            matches!(&error, GenesisError::Contract { index, source } if *index == at(1) && matches!(**source, RecordError::Range { .. }))
        );
        let error = refused(|genesis| pool(genesis, 0, |pool| pool.number = 1));
        assert_eq!(error, GenesisError::Touched { index: at(0), expected: TIME, number: 1, time: TIME });
        let error = refused(|genesis| pool(genesis, 1, |pool| pool.time = TIME + 1));
        assert_eq!(error, GenesisError::Touched { index: at(1), expected: TIME, number: 0, time: TIME + 1 });
        let mut early = genesis();
        pool(&mut early, 0, |pool| pool.time = 1);
        assert!(Ledger::from_genesis(&early).is_ok());
    }
}

mod ledger {
    use super::*;

    /// The root over these digests, one node after the other.
    fn naive(digests: &BTreeMap<u32, Digest>, level: usize, index: u32) -> Digest {
        let first = u64::from(index) << level;
        let last = first + (1 << level) - 1;
        if digests.range(first as u32..=last as u32).next().is_none() {
            return empty_subtree(level);
        }
        match level.checked_sub(1) {
            None => digests[&index],
            Some(below) => node(naive(digests, below, 2 * index), naive(digests, below, 2 * index + 1)),
        }
    }

    /// A state as maps.
    #[derive(Clone, Default)]
    struct Model {
        leaves: BTreeMap<u32, Leaf>,
        records: BTreeMap<u32, ContractRecord>,
    }

    impl Model {
        fn count(&self, shard: usize) -> u32 {
            let range = LeafIndex::new(shard, 0).0..=LeafIndex::new(shard, (1 << 24) - 1).0;
            (self.leaves.range(range.clone()).count() + self.records.range(range).count()) as u32
        }

        fn root(&self) -> Digest {
            let leaves = self.leaves.iter().map(|(&index, leaf)| (index, leaf.digest()));
            let records = self.records.iter().map(|(&index, record)| (index, record.digest()));
            let counts = Counts(std::array::from_fn(|shard| self.count(shard)));
            state_root(naive(&leaves.chain(records).collect(), TREE_DEPTH, 0), counts.digest())
        }

        fn is(&self, ledger: &Ledger) {
            assert_eq!(ledger.root(), self.root());
            let leaves = ledger.leaves().entries().map(|(index, leaf)| (index.0, *leaf));
            assert_eq!(leaves.collect::<BTreeMap<_, _>>(), self.leaves);
            let records = ledger.records().entries().map(|(index, record)| (index.0, record.clone()));
            assert_eq!(records.collect::<BTreeMap<_, _>>(), self.records);
            for (&index, leaf) in &self.leaves {
                assert_eq!(ledger.find(&leaf.address, leaf.asset), Some(LeafIndex(index)));
            }
        }

        /// Does to the state what a number says, and notes what is written.
        fn step(&mut self, writes: &mut Model, seed: u64) {
            let (what, seed) = (seed % 4, seed / 4);
            match what {
                0 => {
                    let shard = (seed % ACCOUNT_SHARDS as u64) as usize;
                    let index = LeafIndex::new(shard, self.count(shard)).0;
                    let leaf = Leaf { balance: seed >> 8, ..Leaf::new(address(index.into()), shard as u32) };
                    writes.leaves.insert(index, leaf);
                }
                1 => {
                    let shard = ACCOUNT_SHARDS + (seed % ACCOUNT_SHARDS as u64) as usize;
                    let index = LeafIndex::new(shard, self.count(shard)).0;
                    writes.records.insert(index, record(Pool { supply: 1_024 + (seed >> 8), ..POOL }));
                }
                2 => {
                    let chosen = self.leaves.iter().nth(seed as usize % self.leaves.len().max(1));
                    writes
                        .leaves
                        .extend(chosen.map(|(&index, leaf)| (index, Leaf { balance: seed >> 8, ..*leaf })));
                }
                _ => {
                    let chosen = self.records.keys().nth(seed as usize % self.records.len().max(1));
                    let changed = record(Pool { kept: (seed % 10_001) as u32, ..POOL });
                    writes.records.extend(chosen.map(|&index| (index, changed)));
                }
            }
            self.leaves.extend(writes.leaves.clone());
            self.records.extend(writes.records.clone());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_writes_lead_to_the_root_of_what_stands_there_then(
            blocks in prop::collection::vec(prop::collection::vec(0..1u64 << 40, 0..10), 1..6),
        ) {
            let mut ledger = Ledger::restore(CHAIN, 0, TIME, Shards::default());
            let (mut model, mut before) = (Model::default(), vec![]);
            for (number, block) in (1..).zip(blocks) {
                let (mut writes, old) = (Model::default(), model.clone());
                block.into_iter().for_each(|seed| model.step(&mut writes, seed));
                let leaves = writes.leaves.into_iter().map(|(index, leaf)| (LeafIndex(index), leaf));
                let records = writes.records.into_iter().map(|(index, record)| (LeafIndex(index), record));
                let writes = leaves.collect::<Writes>().with_records(records);
                let prepared = ledger.prepare(number, TIME, ledger.root(), &writes).expect("it follows");
                before.push((ledger.undo(&prepared), old));
                ledger.adopt(&prepared);
                prop_assert_eq!(prepared.root(), ledger.root());
                model.is(&ledger);
                let whole = Ledger::restore(CHAIN, number, TIME, ledger.contents().clone());
                prop_assert_eq!((ledger.tree(), ledger.root()), (whole.tree(), whole.root()));
                for (index, _) in ledger.records().entries() {
                    let proof = ContractProof::new(&ledger, index).expect("a record");
                    prop_assert_eq!(proof.check(CHAIN.id, number, ledger.root()), Ok(()));
                }
            }
            for (undo, old) in before.into_iter().rev() {
                ledger.revert(&undo);
                old.is(&ledger);
            }
        }
    }

    #[test]
    fn records_are_written_where_contracts_are_and_without_gaps() {
        let contracts = vec![record(Pool { supply: 1_024, ..POOL })];
        let genesis = Genesis { chain_id: 7, time: TIME, shards: 4, leaves: vec![], contracts };
        let ledger = Ledger::from_genesis(&genesis).expect("it is valid");
        let prepare = |index: LeafIndex, record: ContractRecord| {
            let writes = Writes::default().with_records([(index, record)]);
            ledger.prepare(1, TIME, ledger.root(), &writes).map(drop)
        };
        assert_eq!(prepare(at(0), record(POOL)), Ok(()));
        assert_eq!(prepare(at(1), record(POOL)), Ok(()));
        assert_eq!(prepare(LeafIndex::new(SHARDS - 1, 0), record(POOL)), Ok(()));
        for (shard, position, expected) in [(32, 2, 1), (33, 1, 0), (63, (1 << 24) - 1, 0)] {
            let (expected, got) = (LeafIndex::new(shard, expected), LeafIndex::new(shard, position));
            assert_eq!(prepare(got, record(POOL)), Err(ApplyError::NotDense { expected, got }));
        }
        for index in [LeafIndex(0), LeafIndex((1 << 29) - 1), LeafIndex(1 << 30), LeafIndex(u32::MAX)] {
            let source = RecordError::Index { kind: RecordKind::Pool, got: index };
            assert_eq!(
                prepare(index, record(POOL)),
                Err(ApplyError::Record { index, source: Box::new(source) })
            );
        }
        let own = record(Pool { assets: [3, issued_asset(1, 0)], ..POOL });
        assert!(matches!(prepare(at(1), own), Err(ApplyError::Record { index, .. }) if index == at(1)));
        // A leaf, too, is in no shard of contracts, whether something stands there or not.
        for got in [at(0), at(1)] {
            let writes: Writes = [(got, Leaf::new(address(1), 0))].into_iter().collect();
            let error = ledger.prepare(1, TIME, ledger.root(), &writes).map(drop);
            assert_eq!(error, Err(ApplyError::Shard { expected: ACCOUNT_SHARDS, got }));
        }
    }
}

mod proofs {
    use super::*;

    /// A leaf whose eight elements are a pool's too.
    fn twin() -> (Leaf, ContractRecord) {
        let pool = record(Pool { supply: 1_024, unit: 1, ..POOL });
        let [a0, a1, a2, a3, nonce, asset, balance, other] = pool.integers().try_into().expect("eight");
        let owner = Digest::try_from([a0, a1, a2, a3]).expect("canonical");
        let nonces = [nonce, other].map(|nonce: u64| nonce as u32);
        let leaf = Leaf { address: owner, nonces, asset: asset as u32, balance };
        assert_eq!(leaf.elements().to_vec(), pool.elements());
        (leaf, pool)
    }

    /// A leaf and a record of the same elements.
    fn ledger() -> Ledger {
        let (leaf, pool) = twin();
        let records = Shards::dense_from(ACCOUNT_SHARDS, vec![pool, record(POOL)]);
        let contents = enfold_state::contents::Contents::new(Shards::dense(vec![leaf]), records);
        Ledger::restore(CHAIN, 3, TIME, contents)
    }

    #[test]
    fn every_record_has_a_proof() {
        let ledger = ledger();
        for (index, record) in ledger.records().entries() {
            let proof = ContractProof::new(&ledger, index).expect("a record");
            assert_eq!((proof.check(7, 3, ledger.root()), &proof.contract), (Ok(()), record));
            let file = encode(&proof).expect("a form");
            assert_eq!(file.len(), HEADER_LEN + 16 + 68 + 30 * 32 + 32);
            let json = encode_json(&proof).expect("a form").into_bytes();
            for file in [file, json] {
                assert_eq!(codec::read::<ContractProof>(&file).expect("its own form"), proof);
                let error = codec::read::<AccountProof>(&file).expect_err("of a contract").to_string();
                assert!(
                    error == "expected a account proof file, got a contract proof file"
                        || error.contains("unknown field `contract`"),
                    "{error}"
                );
            }
        }
        for none in [at(2), LeafIndex(0), LeafIndex(u32::MAX)] {
            assert_eq!(ContractProof::new(&ledger, none), None);
        }
        assert_eq!(AccountProof::new(&ledger, at(0)), None);
    }

    #[test]
    fn a_changed_proof_is_refused() {
        let (ledger, root) = (ledger(), ledger().root());
        let honest = ContractProof::new(&ledger, at(1)).expect("a record");
        let check = |change: &dyn Fn(&mut ContractProof)| {
            let mut proof = honest.clone();
            change(&mut proof);
            assert_ne!(proof, honest);
            proof.check(7, 3, root).expect_err("changed")
        };
        assert_eq!(check(&|p| p.chain_id = 8), AccountProofError::ChainId { expected: 7, got: 8 });
        assert_eq!(check(&|p| p.number = 2), AccountProofError::Number { expected: 3, got: 2 });
        let other = ledger.record(at(0)).expect("a record");
        let changes: [&dyn Fn(&mut ContractProof); 6] = [
            &|p| p.index.0 ^= 1,
            &|p| p.index = LeafIndex::new(33, 1),
            &|p| p.counts.0[0] += ONE,
            &|p| p.siblings.swap(0, 1),
            &|p| p.contract = other.clone(),
            &|p| p.contract = record(Pool { kept: POOL.kept - 1, ..POOL }),
        ];
        for change in changes {
            assert!(matches!(check(change), AccountProofError::Root { .. }));
        }
        for level in 0..TREE_DEPTH {
            assert!(matches!(check(&|p| p.siblings[level].0[2] += ONE), AccountProofError::Root { .. }));
        }
        // Other indices with the same path, and one of an account.
        for index in [at(1).0 | 1 << 30, at(1).0 | 1 << 31, 1] {
            let (kind, got) = (RecordKind::Pool, LeafIndex(index));
            assert_eq!(check(&|p| p.index = got), RecordError::Index { kind, got }.into());
        }
    }

    /// SECURITY: what an account signs for never passes for what a contract holds, nor the reverse.
    #[test]
    fn a_leaf_is_no_record_and_a_record_no_leaf() {
        let (ledger, root) = (ledger(), ledger().root());
        let (leaf, pool) = twin();
        let account = AccountProof::new(&ledger, LeafIndex(0)).expect("a leaf");
        let contract = ContractProof::new(&ledger, at(0)).expect("a record");
        assert_eq!((account.check(7, 3, root), contract.check(7, 3, root)), (Ok(()), Ok(())));
        assert_ne!(leaf.digest(), pool.digest());
        // The leaf as a record: on its own path, and where a record is.
        let AccountProof { siblings, counts, .. } = account;
        for index in [LeafIndex(0), at(0)] {
            let forged = ContractProof { siblings, index, contract: pool.clone(), ..contract.clone() };
            assert!(forged.check(7, 3, root).is_err());
            assert_ne!(forged.root(), root);
        }
        // The record as a leaf, likewise.
        for index in [LeafIndex(0), at(0)] {
            let forged =
                AccountProof { chain_id: 7, number: 3, index, leaf, siblings: contract.siblings, counts };
            assert!(forged.check(7, 3, root).is_err());
            assert_ne!(forged.root(), root);
        }
        // Nor is a record one of another kind: each is hashed under a tag of its own.
        let tags = [Tag::AccountLeaf, Tag::Address, Tag::EmittedChain, Tag::StateRoot, Tag::Pool];
        let digests: Vec<_> = tags.iter().map(|&tag| hash(tag, &pool.elements())).collect();
        assert!(digests.iter().enumerate().all(|(at, digest)| !digests[..at].contains(digest)));
        assert_eq!(digests[4], pool.digest());
    }
}
