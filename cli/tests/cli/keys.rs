//! `enfold keygen`, `enfold sign` and `enfold bundle`.

use crate::common::{Folder, enfold, fail, json, run};
use enfold_state::block::{Block, Genesis, GenesisLeaf};
use enfold_state::codec;
use enfold_state::executor::execute;
use enfold_state::leaf::Address;
use enfold_state::ledger::Ledger;
use enfold_state::transaction::{NO_END, SignedTransaction};

/// A folder with the keys of Alice and Bob and a state in which Alice has 100; and their addresses.
fn start() -> (Folder, Address, Address) {
    let folder = Folder::new();
    let address = |name: &str| {
        let result = run(&["keygen", "--out", &folder.path(name)]);
        result["address"].as_str().unwrap().parse().unwrap()
    };
    let (alice, bob) = (address("alice.json"), address("bob.json"));
    let genesis = Genesis {
        chain_id: 5,
        time: 1,
        shards: 1,
        leaves: vec![GenesisLeaf { address: alice, asset: 2, balance: 100 }],
        contracts: vec![],
    };
    let path = folder.write("genesis.json", codec::encode_json(&genesis).unwrap());
    run(&["init", "--data", &folder.path("state"), "--genesis", &path]);
    (folder, alice, bob)
}

#[test]
fn keys_differ_and_stay_secret() {
    let folder = Folder::new();
    let path = folder.path("key.json");
    let result = run(&["keygen", "--out", &path]);
    let file = json(&path);
    assert_eq!(file["address"], result["address"]);
    assert_eq!(result.get("secret_key"), None, "the secret is in the file alone");
    fail(&["keygen", "--out", &path], 3, "output_exists");
    assert_eq!(json(&path), file);
    run(&["keygen", "--out", &path, "--force"]);
    assert_ne!(json(&path), file);
    fail(&["keygen", "--out", &folder.path("none/key.json")], 3, "missing_folder");
    let shown = run(&["keygen"]);
    assert_eq!(shown["secret_key"].as_str().unwrap().len(), 80);
}

#[test]
fn a_signed_transaction_goes_through_a_bundle_into_the_state() {
    let (folder, alice, bob) = start();
    let (key, data, to) = (folder.path("alice.json"), folder.path("state"), bob.to_string());
    let sign = |out: &str, extra: &[&str]| {
        let out = folder.path(out);
        let arguments = ["sign", "--key", &key, "--to", &to, "--asset", "2", "--amount", "30", "--out", &out];
        run(&[&arguments, extra].concat());
        codec::read_file::<SignedTransaction>(out.as_ref()).unwrap()
    };
    let first = sign("1.bin", &["--data", &data, "--fee", "1", "--memo", "9"]);
    let second = sign("2.json", &["--data", &data, "--pending", "1", "--fee", "1"]);
    let by_hand =
        sign("3.json", &["--chain-id", "5", "--from", "0", "--nonce", "0", "--fee", "1", "--memo", "9"]);
    assert_eq!(first, by_hand);
    assert_eq!([first, second].map(|signed| signed.transaction.nonce.to_u64()), [0, 1]);
    assert_eq!([first, second].map(|signed| signed.transaction.valid_until), [NO_END; 2]);
    first.verify().unwrap();

    let fee = format!("2:1:{alice}");
    let (one, two) = (folder.path("1.bin"), folder.path("2.json"));
    let bundle = |out: &str| {
        let out = folder.path(out);
        run(&["bundle", "--number", "1", "--time", "7", "--fee", &fee, &one, &two, "--out", &out]);
        codec::read_file::<Block>(out.as_ref()).unwrap()
    };
    let block = bundle("block.json");
    assert_eq!(block, bundle("block.bin"));
    assert_eq!((block.time, &block.transactions[..]), (7, &[first, second][..]));
    let genesis: Genesis = codec::read_file(folder.path("genesis.json").as_ref()).unwrap();
    let mut ledger = Ledger::from_genesis(&genesis).unwrap();
    let execution = execute(&ledger, &block).unwrap();
    assert_eq!(execution.rejections, []);
    ledger.apply(&execution).unwrap();
    let balance = |address| ledger.leaf(ledger.find(&address, 2).unwrap()).unwrap().balance;
    assert_eq!((balance(alice), balance(bob)), (40, 60));
}

#[test]
fn without_a_file_the_transaction_is_the_result() {
    let (folder, _, bob) = start();
    let (key, to) = (folder.path("alice.json"), bob.to_string());
    let arguments = [
        "sign",
        "--key",
        &key,
        "--to",
        &to,
        "--amount",
        "30",
        "--chain-id",
        "5",
        "--from",
        "0",
        "--nonce",
        "0",
    ];
    let output = enfold().args(arguments).output().unwrap();
    let signed: SignedTransaction = codec::read(&output.stdout).unwrap();
    let result = run(&arguments);
    assert_eq!(result["id"], signed.transaction.id().to_string());
    assert_eq!(serde_json::from_value::<SignedTransaction>(result["signed"].clone()).unwrap(), signed);
}

#[test]
fn what_cannot_be_signed_ends_with_3() {
    let (folder, _, bob) = start();
    let (alice, data, to) = (folder.path("alice.json"), folder.path("state"), bob.to_string());
    let sign = |key: &str, data: &str, asset: &str, kind| {
        let out = folder.path("tx.json");
        let arguments =
            ["sign", "--key", key, "--data", data, "--to", &to, "--asset", asset, "--amount", "1"];
        fail(&[&arguments[..], &["--out", &out]].concat(), 3, kind)
    };
    sign(&folder.path("bob.json"), &data, "2", "unknown_account");
    sign(&alice, &data, "0", "unknown_account");
    sign(&alice, &folder.path("none"), "2", "missing_data");
    sign(&folder.path("none.json"), &data, "2", "missing_file");
    sign(&folder.write_private("key", "{}"), &data, "2", "malformed_key");
    sign(&folder.write_private("key", "{\"secret_key\": \"00\"}"), &data, "2", "malformed_key");
    sign(&folder.write_private("key", vec![b' '; 1 << 15]), &data, "2", "file_too_large");
    let mut mixed = json(&alice);
    mixed["address"] = json(folder.path("bob.json"))["address"].clone();
    let message = sign(&folder.write_private("key", mixed.to_string()), &data, "2", "malformed_key");
    assert!(message.contains("expected the address"), "{message}");
    assert!(!folder.names().contains(&"tx.json".to_owned()));
}

#[test]
fn what_is_no_transaction_cannot_be_bundled() {
    let (folder, ..) = start();
    let out = folder.path("block.bin");
    let bundle = |path: &str, kind| fail(&["bundle", "--number", "1", path, "--out", &out], 3, kind);
    bundle(&folder.path("none"), "missing_file");
    bundle(&folder.path("alice.json"), "malformed_file");
    bundle(&folder.path("genesis.json"), "malformed_file");
    bundle(&folder.write("tx", [0; 20_000]), "file_too_large");
    assert!(!std::fs::exists(&out).unwrap());
}

#[test]
fn a_bundle_is_of_one_chain_with_each_transaction_once_and_nonces_in_order() {
    let (folder, _, bob) = start();
    let (key, other, to) = (folder.path("alice.json"), folder.path("bob.json"), bob.to_string());
    let sign = |name: &str, key: &str, chain: &str, from: &str, nonce: &str, amount: &str| {
        let out = folder.path(name);
        let leaf = ["--chain-id", chain, "--from", from, "--nonce", nonce, "--to", &to, "--amount", amount];
        run(&[&["sign", "--key", key, "--out", &out], &leaf[..]].concat());
        out
    };
    let [third, first, second] =
        ["2", "0", "1"].map(|nonce| sign(&format!("a{nonce}"), &key, "5", "0", nonce, "7"));
    let stranger = sign("b4", &other, "5", "1", "4", "7");
    let out = folder.path("block.bin");
    let bundle = ["bundle", "--number", "1", "--out", &out, "--force"];
    run(&[&bundle[..], &[&third, &stranger, &first, &second]].concat());
    let block: Block = codec::read_file(out.as_ref()).unwrap();
    let order: Vec<_> =
        block.transactions.iter().map(|tx| (tx.transaction.from.0, tx.transaction.nonce.to_u64())).collect();
    // The other leaf's keeps its place.
    assert_eq!(order, [(0, 0), (1, 4), (0, 1), (0, 2)]);
    let listed = run(&["ids", &out]);
    let ids: Vec<_> = block.transactions.iter().map(|tx| tx.transaction.id().to_string()).collect();
    let of = |i: usize, name: &str| listed["transactions"][i][name].clone();
    for (i, (id, (from, nonce))) in ids.iter().zip(order).enumerate() {
        assert_eq!(
            (of(i, "id"), of(i, "from"), of(i, "nonce")),
            (id.as_str().into(), from.into(), nonce.into())
        );
        assert_eq!((of(i, "amount"), of(i, "block")), (7.into(), 1.into()));
    }
    let text = String::from_utf8(enfold().args(["ids", &out]).output().unwrap().stdout).unwrap();
    assert!(text.starts_with("4 transactions\n") && ids.iter().all(|id| text.contains(id)), "{text}");

    let elsewhere = sign("other", &key, "6", "0", "3", "7");
    let message = fail(&[&bundle[..], &[&first, &elsewhere]].concat(), 3, "wrong_chain_id");
    assert!(message.contains("expected a transaction of chain 5, got chain 6"), "{message}");
    fail(&[&bundle[..], &["--chain-id", "6", &first]].concat(), 3, "wrong_chain_id");
    let copy = folder.write("copy", std::fs::read(&first).unwrap());
    for again in [&first, &copy] {
        let message = fail(&[&bundle[..], &[&first, &second, again]].concat(), 3, "bundle");
        assert!(message.contains("the same transaction as in"), "{message}");
    }
    let instead = sign("instead", &key, "5", "0", "0", "8");
    let message = fail(&[&bundle[..], &[&first, &instead]].concat(), 3, "bundle");
    assert!(message.contains("leaf 0 and nonce 0"), "{message}");
    let fees = [format!("0:1:{bob}"), format!("0:2:{bob}")];
    let message = fail(&[&bundle[..], &["--fee", &fees[0], "--fee", &fees[1], &first]].concat(), 2, "usage");
    assert!(message.contains("two for asset 0"), "{message}");
    let unchanged: Block = codec::read_file(out.as_ref()).unwrap();
    assert_eq!(unchanged, block);
}

#[test]
fn a_key_has_an_owner_on_l1_or_none() {
    let folder = Folder::new();
    let owner = "0xa1e4380a3b1f749673e270229993ee55f35663b4";
    let path = folder.path("key.json");
    let keygen = ["keygen", "--out", &path, "--force"];
    let result = run(&[&keygen[..], &["--l1-owner", &owner[2..]]].concat());
    assert_eq!((&result["owner"], &json(&path)["owner"]), (&owner.into(), &owner.into()));
    assert_eq!(run(&["inspect", &path])["address"], result["address"]);
    // The same key is another address with another owner, and then the file's parts do not belong together.
    let mut other = json(&path);
    other["owner"] = "0x0000000000000000000000000000000000000001".into();
    fail(&["inspect", &folder.write("other", other.to_string())], 3, "malformed_key");
    let text = String::from_utf8(enfold().args(keygen).output().unwrap().stdout).unwrap();
    assert!(text.contains("no forced exit and no escape"), "{text}");
    assert_eq!(json(&path)["owner"], serde_json::Value::Null);
    // A file that says nothing of an owner is that of a key without one.
    let mut bare = json(&path);
    bare.as_object_mut().unwrap().remove("owner");
    assert_eq!(run(&["inspect", &folder.write("bare", bare.to_string())])["address"], bare["address"]);
    fail(&["keygen", "--l1-owner", "0x00"], 2, "usage");
    fail(&["keygen", "--l1-owner", &"0".repeat(40)], 2, "usage");
    fail(&["keygen", "--l1-owner", owner, "--gen-account", "1"], 2, "usage");
    // Accounts of `gen` have the owner that they are funded with.
    assert_ne!(run(&["keygen", "--gen-account", "1"])["owner"], serde_json::Value::Null);
}

#[test]
fn a_transaction_has_a_nonce_key_and_an_end() {
    let (folder, _, bob) = start();
    let (key, data, to) = (folder.path("alice.json"), folder.path("state"), bob.to_string());
    let line = ["sign", "--key", &key, "--data", &data, "--asset", "2", "--to", &to, "--amount", "1"];
    let sign = |more: &[&str]| {
        let signed = run(&[&line[..], more].concat())["signed"].clone();
        serde_json::from_value::<SignedTransaction>(signed).unwrap().transaction
    };
    let nonce = |more: &[&str]| sign(more).nonce.to_u64();
    assert_eq!(nonce(&["--nonce-key", "1"]), 1 << 32);
    assert_eq!(nonce(&["--nonce-key", "1", "--pending", "3"]), (1 << 32) + 3);
    assert_eq!(sign(&["--valid-until", "77"]).valid_until, 77);
    let now = || std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let before = now();
    let last = u64::from(sign(&["--valid-for", "600"]).valid_until);
    assert!((before + 600..=now() + 600).contains(&last), "{last}");
    for wrong in [
        &["--nonce-key", "2"][..],
        &["--valid-until", "0"],
        &["--valid-for", "0"],
        &["--valid-for", "4294967295"],
        &["--valid-for", "1", "--valid-until", "1"],
    ] {
        fail(&[&line[..], wrong].concat(), 2, "usage");
    }
    for chain in ["0", "9223372036854775808"] {
        let by_hand = ["sign", "--key", &key, "--from", "0", "--nonce", "0", "--to", &to, "--amount", "1"];
        fail(&[&by_hand[..], &["--chain-id", chain]].concat(), 2, "usage");
    }

    // A block is at a time at which its transactions are valid.
    let (one, two, out) = (folder.path("one"), folder.path("two"), folder.path("block"));
    run(&[&line[..], &["--valid-until", "77", "--out", &one]].concat());
    run(&[&line[..], &["--nonce-key", "1", "--out", &two]].concat());
    let bundle = ["bundle", "--number", "1", &two, &one, "--out", &out, "--force"];
    let message = fail(&[&bundle[..], &["--time", "78"]].concat(), 3, "bundle");
    assert!(message.contains("valid until 78") && message.contains("until 77"), "{message}");
    fail(&bundle, 3, "bundle");
    run(&[&bundle[..], &["--time", "77"]].concat());
    let block: Block = codec::read_file(out.as_ref()).unwrap();
    let genesis: Genesis = codec::read_file(folder.path("genesis.json").as_ref()).unwrap();
    let execution = execute(&Ledger::from_genesis(&genesis).unwrap(), &block).unwrap();
    assert_eq!((execution.rejections.len(), execution.debits.len()), (0, 2), "each key's nonce is 0");
}
