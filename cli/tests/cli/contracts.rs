//! A chain that has contracts: its genesis, its blocks of payments, and what is shown and proven of the contracts.

use enfold_state::block::{Genesis, GenesisLeaf};
use enfold_state::codec;
use enfold_state::contracts::pool::LOCKED;
use enfold_state::leaf::{LeafIndex, issued_asset};
use enfold_state::record::pool::Pool;
use serde_json::{Value, json};

use crate::common::{Folder, enfold, fail, json as read_json, run};

const SUPPLY: u64 = 3_000_000;

/// A folder with a chain of one block of payments, and a genesis that has a pool besides the accounts of `gen`.
fn chain(folder: &Folder) -> (String, Genesis) {
    run(&["gen", "--accounts", "6", "--txs", "8", "--out", &folder.path("chain")]);
    let mut genesis: Genesis = codec::read_file(folder.path("chain/genesis.bin").as_ref()).unwrap();
    let pool = Pool {
        assets: [0, 7],
        kept: 9_970,
        weight: 2,
        reserves: [1_000_000, 5_000_000],
        supply: SUPPLY,
        unit: 1 << 10,
        time: genesis.time,
        number: 0,
    };
    genesis.contracts.push(pool.try_into().unwrap());
    let (address, balance) = (genesis.leaves[0].address, SUPPLY - LOCKED);
    genesis.leaves.push(GenesisLeaf { address, asset: issued_asset(0, 0), balance });
    let path = folder.write("genesis.json", codec::encode_json(&genesis).unwrap());
    (path, genesis)
}

#[test]
fn payments_beside_a_contract_are_proven_and_so_is_the_contract() {
    let folder = Folder::new();
    let (genesis, start) = chain(&folder);
    let [state, proof, block] = ["state", "1.proof", "chain/block-1.bin"].map(|name| folder.path(name));
    let made = run(&["init", "--profile", "test", "--data", &state, "--genesis", &genesis]);
    assert_eq!((&made["leaves"], &made["contracts"]), (&json!(7), &json!(1)));
    let [before, after] = ["before", "after.json"].map(|name| folder.path(name));
    let index = LeafIndex::of_contract(0).to_string();
    let account = |out: &str| run(&["account", "--data", &state, "--index", &index, "--out", out]);
    let first = account(&before);
    run(&["prove", "--profile", "test", "--data", &state, "--block", &block, "--out", &proof]);
    let second = account(&after);
    let record = serde_json::to_value(&start.contracts[0]).unwrap();
    assert_eq!((&first["contract"], &second["contract"]), (&record, &record));
    assert_eq!((&first["number"], &second["number"]), (&json!(0), &json!(1)));
    assert_ne!(first["root"], second["root"]);

    // The contract is under both roots that the proof states.
    for (file, report) in [(&before, &first), (&after, &second)] {
        let verified = run(&["verify-account", file, &proof, "--profile", "test"]);
        assert_eq!((&verified["contract"], &verified["root"]), (&record, &report["root"]));
        assert_eq!((&verified["valid"], &verified["index"]), (&json!(true), &json!(1 << 29)));
        assert_eq!(verified["leaf"], Value::Null);
        let shown = run(&["inspect", file]);
        let expected = (&json!("contract_proof"), &record, &report["root"]);
        assert_eq!((&shown["kind"], &shown["contract"], &shown["root"]), expected);
    }
    let words = enfold().args(["verify-account", &after, &proof, "--profile", "test"]).output().unwrap();
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(words.contains("price      5 of asset 7 for 1 of asset 0"), "{words}");

    // Lies.
    let good = read_json(&after);
    let refuse = |file: &str, exit, kind: &str| {
        fail(&["verify-account", file, &proof, "--profile", "test"], exit, kind)
    };
    for (pointer, value, exit, kind) in [
        ("/number", json!(0), 1, "account_proof_invalid"),
        ("/index", json!((1 << 29) + 1), 1, "account_proof_invalid"),
        ("/index", json!(0), 3, "malformed_file"),
        ("/contract/reserve_0", json!(1_000_001), 1, "account_proof_invalid"),
        ("/contract/weight", json!(1), 1, "account_proof_invalid"),
        ("/contract/unit", json!(3), 3, "malformed_file"),
        ("/contract/contract", json!("vault"), 3, "malformed_file"),
        ("/siblings/3", good["siblings"][4].clone(), 1, "account_proof_invalid"),
    ] {
        let mut lie = good.clone();
        assert_ne!(lie.pointer(pointer), Some(&value), "{pointer}");
        *lie.pointer_mut(pointer).unwrap() = value;
        refuse(&folder.write("lie.json", lie.to_string()), exit, kind);
    }
    // An account's leaf in the place of the record, and the reverse.
    let leaf = folder.path("leaf.json");
    run(&["account", "--data", &state, "--index", "0", "--out", &leaf]);
    let (mut leaf, mut lie) = (read_json(&leaf), good.clone());
    let fields = lie.as_object_mut().unwrap();
    fields.remove("contract");
    fields.insert("leaf".to_owned(), leaf["leaf"].clone());
    refuse(&folder.write("lie.json", lie.to_string()), 3, "malformed_file");
    let fields = leaf.as_object_mut().unwrap();
    fields.remove("leaf");
    fields.insert("contract".to_owned(), record.clone());
    refuse(&folder.write("lie.json", leaf.to_string()), 3, "malformed_file");

    // The state is rebuilt from genesis and data with its contract.
    let copy = folder.path("copy");
    let rebuilt = run(&["rebuild", "--profile", "test", "--genesis", &genesis, "--data", &copy, &proof]);
    assert_eq!((&rebuilt["root"], &rebuilt["contracts"]), (&second["root"], &json!(1)));
    let shown = run(&["inspect", &copy]);
    assert_eq!((&shown["root"], &shown["contracts"]), (&second["root"], &json!(1)));
    assert_eq!(run(&["status", "--data", &copy])["contracts"], 1);
}

#[test]
fn a_contract_is_shown_in_words_and_numbers() {
    let folder = Folder::new();
    let (genesis, start) = chain(&folder);
    let state = folder.path("state");
    let summary = run(&["inspect", &genesis]);
    assert_eq!((&summary["leaves"], &summary["contracts"]), (&json!(7), &json!(1)));
    let of_asset_0: u64 = start.leaves[..6].iter().map(|leaf| leaf.balance).sum();
    assert_eq!(summary["supplies"]["0"], json!(of_asset_0 + 1_000_000));
    assert_eq!(summary["supplies"][issued_asset(0, 0).to_string()], json!(SUPPLY - LOCKED));
    run(&["init", "--profile", "test", "--data", &state, "--genesis", &genesis]);

    let result = run(&["inspect", "contract", "536870912", "--data", &state]);
    assert_eq!((&result["kind"], &result["contract_number"]), (&json!("contract"), &json!(0)));
    assert_eq!(result["contract"], serde_json::to_value(&start.contracts[0]).unwrap());
    let figures = &result["figures"];
    assert_eq!((&figures["share_asset"], &figures["price"]), (&json!(1_u64 << 31), &json!(5.0)));
    assert_eq!(figures["share_value"], json!([1.0 / 3.0, 5.0 / 3.0]));
    let words = enfold().args(["inspect", "contract", "536870912", "--data", &state]).output().unwrap();
    let words = String::from_utf8(words.stdout).unwrap();
    for line in [
        "leaf 536870912 after block 0 of chain 1",
        "contract   pool, number 0",
        "reserves   1,000,000 of asset 0",
        "price      5 of asset 7 for 1 of asset 0",
        "a share is 0.333333333 of asset 0 and 1.66666667 of asset 7",
    ] {
        assert!(words.lines().any(|got| got == line), "{line}: {words}");
    }
    let shown = enfold().args(["inspect", &state]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.starts_with("state of chain 1 after block 0: 7 leaves, 1 contract\n"), "{shown}");

    let inspect =
        |index: &str, exit, kind| fail(&["inspect", "contract", index, "--data", &state], exit, kind);
    let message = inspect("536870913", 3, "unknown_account");
    assert!(
        message.contains("expected the index of one of 1 contract, from 536870912 on, got 536870913"),
        "{message}"
    );
    for wrong in ["0", "536870911", "1073741824", "4294967296", "pool", "0536870912"] {
        let message = inspect(wrong, 2, "usage");
        assert!(
            message.contains("expected the index of a contract, 536870912 to 1073741823, got"),
            "{message}"
        );
    }
    fail(&["inspect", "contract", "536870912"], 2, "usage");
    fail(&["inspect", "pool", "536870912", "--data", &state], 2, "usage");
    fail(&["inspect", "contract", "536870912", "--data", &folder.path("none")], 3, "missing_data");
    let out = folder.path("out");
    let account = |index: &str| {
        fail(&["account", "--data", &state, "--index", index, "--out", &out], 3, "unknown_account")
    };
    for index in ["7", "536870913"] {
        let message = account(index);
        assert!(message.contains("7 leaves, 1 contract from 536870912 on"), "{message}");
    }
}

#[test]
fn a_genesis_with_false_contracts_starts_no_chain() {
    let folder = Folder::new();
    let (_, start) = chain(&folder);
    let refuse = |genesis: &Genesis, says: &str| {
        let path = folder.write("false.json", codec::encode_json(genesis).unwrap());
        let message = fail(&["init", "--data", &folder.path("state"), "--genesis", &path], 3, "genesis");
        assert!(message.contains(says), "{message}");
        assert!(!std::path::Path::new(&folder.path("state")).exists());
    };
    let mut shares = start.clone();
    shares.leaves[6].balance += 1;
    refuse(
        &shares,
        "expected 2998976 of its asset 2147483648 in leaves and holdings, by its record, got 2998977",
    );
    let mut early = start.clone();
    early.time -= 1;
    refuse(&early, "genesis contract 536870912: expected to be changed by block 0 at a time of at most");
    let mut foreign = start;
    foreign.leaves[0].asset = issued_asset(1, 0);
    refuse(
        &foreign,
        "expected an asset below 2^31, or one that a contract of the genesis issues, got 2147483650",
    );
}
