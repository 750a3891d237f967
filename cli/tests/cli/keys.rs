//! `enfold keygen`, `enfold sign` and `enfold bundle`.

use crate::common::{Folder, enfold, fail, json, run};
use enfold_state::block::{Block, Genesis, GenesisLeaf};
use enfold_state::codec;
use enfold_state::executor::execute;
use enfold_state::keys::verify;
use enfold_state::leaf::Address;
use enfold_state::ledger::Ledger;
use enfold_state::transaction::SignedTransaction;

/// A folder with the keys of Alice and Bob and a state in which Alice has 100; and their addresses.
fn start() -> (Folder, Address, Address) {
    let folder = Folder::new();
    let address = |name: &str| {
        let result = run(&["keygen", "--out", &folder.path(name)]);
        result["address"].as_str().unwrap().parse().unwrap()
    };
    let (alice, bob) = (address("alice.json"), address("bob.json"));
    let genesis =
        Genesis { chain_id: 5, leaves: vec![GenesisLeaf { address: alice, asset: 2, balance: 100 }] };
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
    assert_eq!((first.transaction.nonce, second.transaction.nonce), (0, 1));
    verify(&first.public_key, &first.transaction, &first.signature).unwrap();

    let fee = format!("2:1:{alice}");
    let (one, two) = (folder.path("1.bin"), folder.path("2.json"));
    let bundle = |out: &str| {
        let out = folder.path(out);
        run(&["bundle", "--number", "1", "--fee", &fee, &one, &two, "--out", &out]);
        codec::read_file::<Block>(out.as_ref()).unwrap()
    };
    let block = bundle("block.json");
    assert_eq!(block, bundle("block.bin"));
    assert_eq!(block.transactions, [first, second]);
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
