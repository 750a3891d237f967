//! What others than the operator check: chains of proofs, keys, receipts, accounts.

use enfold_fixtures::accounts::secret_key;
use enfold_state::block::{Block, BlockData, Genesis};
use enfold_state::codec;
use enfold_state::hash::Digest;
use enfold_state::keys::SecretKey;
use enfold_state::leaf::LeafIndex;
use enfold_state::message::Message;
use enfold_state::nonce::Nonce;
use enfold_state::profile::ProfileId;
use enfold_state::store::Store;
use enfold_state::transaction::{SignedTransaction, Transaction};
use enfold_verifier::verify::{PinnedSet, VerifierKey};
use serde_json::{Value, json};

use crate::common::{Folder, enfold, fail, json as read_json, make_receipt, run, verify_receipt};
use crate::prove::CHAIN;

/// A folder with copies of the two proofs and their data, and the state after them: of its own, because a state is
/// open once.
fn proofs() -> Folder {
    let folder = Folder::new();
    for number in [1, 2] {
        for end in ["", ".data"] {
            let name = format!("{number}.proof{end}");
            std::fs::copy(CHAIN.folder.path(&name), folder.path(&name)).unwrap();
        }
    }
    let (genesis, state) = (CHAIN.folder.path("chain/genesis.bin"), folder.path("state"));
    let [first, second] = [1, 2].map(|number| folder.path(&format!("{number}.proof")));
    run(&["rebuild", "--profile", "test", "--genesis", &genesis, "--data", &state, &first, &second]);
    folder
}

fn block(number: u32) -> Block {
    codec::read_file(CHAIN.folder.path(&format!("chain/block-{number}.bin")).as_ref()).unwrap()
}

#[test]
fn a_folder_of_proofs_is_verified_as_a_chain() {
    let [first, middle, last] = &CHAIN.roots;
    let folder = proofs();
    let dir = folder.path("");
    let verify = ["verify", "--profile", "test", "--chain", &dir];
    let result = run(&verify);
    let statement = &result["statement"];
    assert_eq!((&statement["first_root"], &statement["last_root"]), (&json!(first), &json!(last)));
    assert_eq!((&statement["first_block"], &statement["last_block"]), (&json!(1), &json!(2)));
    assert_eq!((&result["data_checked"], &result["valid"]), (&json!(false), &json!(true)));
    assert_eq!(result["proofs"].as_array().unwrap().len(), 2);
    let expectations =
        ["--check-data", "--expect-prev-root", first, "--expect-root", last, "--expect-number", "2"];
    assert_eq!(run(&[&verify[..], &expectations].concat())["data_checked"], true);
    for (option, value) in [("--expect-root", middle), ("--expect-prev-root", middle)] {
        fail(&[&verify[..], &[option, value]].concat(), 1, "unexpected");
    }
    fail(&["verify", "--chain", &dir], 3, "wrong_profile");
    fail(&["verify", "--chain", &dir, &folder.path("1.proof")], 2, "usage");
    fail(&["verify", "--check-data", &folder.path("1.proof")], 2, "usage");

    // One block's data under another's name, and no data at all.
    std::fs::copy(folder.path("1.proof.data"), folder.path("2.proof.data")).unwrap();
    fail(&[&verify[..], &["--check-data"]].concat(), 1, "unexpected");
    std::fs::remove_file(folder.path("2.proof.data")).unwrap();
    fail(&[&verify[..], &["--check-data"]].concat(), 3, "missing_file");

    std::fs::copy(folder.path("2.proof"), folder.path("again.proof")).unwrap();
    let message = fail(&verify, 1, "chain_broken");
    assert!(message.contains("expected one proof of block 2, got two that state the same"), "{message}");
    // The golden proof is of another chain.
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/golden/test.proof");
    std::fs::copy(golden, folder.path("again.proof")).unwrap();
    let message = fail(&verify, 1, "chain_broken");
    assert!(message.contains("chain"), "{message}");
    let mut damaged = std::fs::read(folder.path("2.proof")).unwrap();
    let at = damaged.len() - 8 * 31 + 8 * 7;
    damaged[at] ^= 1;
    folder.write("again.proof", damaged);
    fail(&verify, 1, "proof_invalid");
    let empty = Folder::new();
    fail(&["verify", "--profile", "test", "--chain", &empty.path("")], 3, "no_proofs");
    fail(&["verify", "--profile", "test", "--chain", &empty.path("none")], 3, "missing_file");
}

#[test]
fn the_key_is_shown_and_derived_again() {
    for profile in ProfileId::ALL {
        let result = run(&["key", "--profile", profile.name()]);
        let pinned = PinnedSet::of(profile);
        assert_eq!(result["key"], json!(VerifierKey::pinned(profile).digest()));
        assert_eq!(result["circuits"], json!(pinned.circuits));
        assert_eq!(result["rebuilt"], false);
    }
    let result = run(&["key", "--profile", "test", "--rebuild"]);
    assert_eq!(
        (&result["rebuilt"], &result["key"]),
        (&json!(true), &json!(PinnedSet::of(ProfileId::Test).key))
    );
}

/// Makes a receipt for a transaction of one of the two blocks.
fn receipt(folder: &Folder, tx: &Digest, name: &str, more: &[&str]) -> (String, Value) {
    let (state, id, out) = (folder.path("state"), tx.to_string(), folder.path(name));
    let data = folder.path("");
    let line = make_receipt(&state, &id, &data, &out);
    let result = run(&[&line[..], &["--profile", "test"], more].concat());
    (out, result)
}

/// An account proof of a leaf after a block.
fn account(folder: &Folder, height: u32, index: LeafIndex) -> String {
    let (state, out) =
        (folder.path(&format!("state-{height}")), folder.path(&format!("leaf-{index}-{height}")));
    if !std::fs::exists(&state).unwrap() {
        let genesis = CHAIN.folder.path("chain/genesis.bin");
        if height == 0 {
            run(&["init", "--data", &state, "--genesis", &genesis]);
        } else {
            let proofs: Vec<_> = (1..=height).map(|number| folder.path(&format!("{number}.proof"))).collect();
            let line = ["rebuild", "--profile", "test", "--genesis", &genesis, "--data", &state];
            run(&line.into_iter().chain(proofs.iter().map(String::as_str)).collect::<Vec<_>>());
        }
    }
    run(&["account", "--data", &state, "--index", &index.to_string(), "--out", &out, "--force"]);
    out
}

#[test]
fn transactions_of_both_blocks_have_receipts() {
    let folder = proofs();
    for number in [1, 2] {
        let block = block(number);
        let proof = folder.path(&format!("{number}.proof"));
        let signed_by = CHAIN.folder.path(&format!("chain/block-{number}.bin"));
        for signed in [block.transactions[0], *block.transactions.last().unwrap()] {
            let SignedTransaction { transaction, .. } = signed;
            let id = transaction.id();
            let (path, made) = receipt(&folder, &id, "receipt", &["--force"]);
            assert_eq!((&made["number"], &made["nonce"]), (&json!(number), &json!(transaction.nonce)));
            assert_eq!((&made["proof"], &made["signed"]), (&json!(proof), &json!(false)));
            let bytes = std::fs::metadata(&path).unwrap().len();
            let (messages, batches) = (made["messages"].as_u64().unwrap(), made["batches"].as_u64().unwrap());
            assert_eq!(bytes, 65 + 64 * messages + 32 * (batches - 1), "as docs/formats.md says");
            assert_eq!(made["bytes"], bytes);
            // Nothing is said of an id that nobody signed.
            let result = run(&verify_receipt(&path, &proof));
            let transfer: Message = serde_json::from_value(result["transfer"].clone()).unwrap();
            assert_eq!((transfer.from, transfer.amount), (transaction.from, transaction.amount));
            for nothing in ["id", "transaction", "signed", "owner"] {
                assert_eq!(result[nothing], Value::Null, "{nothing}");
            }
            fail(&[&verify_receipt(&path, &proof)[..], &["--tx", &id.to_string()]].concat(), 1, "unsigned");

            let (path, made) = receipt(&folder, &id, "receipt.json", &["--force", "--signed", &signed_by]);
            assert_eq!(made["signed"], true);
            let result = run(&verify_receipt(&path, &proof));
            let signer = json!(signed.address());
            assert_eq!((&result["signed"]["signer"], &result["signed"]["id"]), (&signer, &json!(id)));
            assert_eq!((&result["id"], &result["owner"]), (&Value::Null, &Value::Null));
            let accounts = [number - 1, number].map(|height| account(&folder, height, transaction.from));
            let data = format!("{proof}.data");
            let [before, after] = accounts.each_ref().map(|account| ["--account", account]);
            let [both, with_data] =
                [[before, after], [after, ["--data-file", &data]]].map(|more| more.concat());
            for more in [both, with_data] {
                let id_text = id.to_string();
                let line = [&verify_receipt(&path, &proof)[..], &["--tx", &id_text], &more].concat();
                let result = run(&line);
                assert_eq!((&result["id"], &result["owner"]), (&json!(id), &signer));
                assert_eq!(result["transaction"], json!(transaction));
            }
            let alone = folder.write("signed", codec::encode(&signed).unwrap());
            receipt(&folder, &id, "receipt", &["--force", "--signed", &alone]);
            assert_eq!(std::fs::metadata(folder.path("receipt")).unwrap().len(), bytes + 140);
            let inspected = run(&["inspect", &path]);
            assert_eq!((&inspected["kind"], &inspected["emitted"]), (&json!("receipt"), &made["emitted"]));
        }
    }
}

#[test]
fn changed_receipts_are_refused() {
    let folder = proofs();
    let proof = folder.path("1.proof");
    let signed = block(1).transactions[3];
    let alone = folder.write("signed", codec::encode(&signed).unwrap());
    let id = signed.transaction.id();
    let (path, _) = receipt(&folder, &id, "receipt.json", &["--signed", &alone]);
    run(&verify_receipt(&path, &proof));
    fail(&verify_receipt(&path, &folder.path("2.proof")), 1, "receipt_invalid");
    fail(&verify_receipt(&path, &path), 3, "malformed_proof");
    fail(&verify_receipt(&proof, &proof), 3, "malformed_file");
    let good = read_json(&path);
    for (pointer, value, exit, kind) in [
        ("/chain_id", json!(2), 1, "receipt_invalid"),
        ("/number", json!(2), 1, "receipt_invalid"),
        ("/nonce", json!(77), 1, "receipt_invalid"),
        ("/batch", json!(1000), 1, "receipt_invalid"),
        ("/position", json!(100_000), 1, "receipt_invalid"),
        ("/position", json!(-1), 3, "malformed_file"),
        ("/messages/0/amount", json!(1), 1, "receipt_invalid"),
        ("/messages/0/amount", json!(0), 3, "malformed_file"),
        ("/messages/0/to", json!(1u32 << 30), 3, "malformed_file"),
        ("/messages/0/op", json!("payout"), 3, "malformed_file"),
        ("/digests", json!([]), 1, "receipt_invalid"),
        ("/authorization/public_key", json!(block(1).transactions[0].public_key), 1, "receipt_invalid"),
    ] {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} in {good}")) = value;
        if changed != good {
            fail(&verify_receipt(&folder.write("changed", changed.to_string()), &proof), exit, kind);
        }
    }
    let (path, _) = receipt(&folder, &id, "receipt", &[]);
    let bytes = std::fs::read(path).unwrap();
    for damaged in [&bytes[..bytes.len() - 1], &bytes[..20], &[&bytes[..], &[0]].concat()] {
        fail(&verify_receipt(&folder.write("changed", damaged), &proof), 3, "malformed_file");
    }
}

/// Whoever makes a receipt can sign any nonce with some key. What is signed counts only by the leaf's owner, and only
/// with a nonce that the block can have used.
#[test]
fn a_signature_counts_by_the_owner_of_the_leaf_alone() {
    let folder = proofs();
    let proof = folder.path("1.proof");
    let transaction = block(1).transactions[0].transaction;
    // The sender of the file's first row.
    let address = "0x69ea6b31ef305d6b99bb2d4c9d99456fa108b02a";
    let key_file = folder.path("key.json");
    run(&["keygen", "--import-address", address, "--seed", "1", "--out", &key_file]);
    let owner: SecretKey = read_json(&key_file)["secret_key"].as_str().unwrap().parse().unwrap();
    let (path, _) = receipt(&folder, &transaction.id(), "receipt.json", &[]);
    let good = read_json(&path);
    let signed = |key: &SecretKey, number: u32, name: &str| {
        let nonce = Nonce::new(number, transaction.nonce.key());
        let signed = key.sign_transaction(Transaction { nonce, ..transaction });
        let mut receipt = good.clone();
        receipt["nonce"] = json!(nonce);
        receipt["authorization"] = json!({
            "public_key": signed.public_key,
            "owner": signed.owner,
            "signature": signed.signature,
        });
        (folder.write(name, receipt.to_string()), signed.transaction.id().to_string())
    };
    let [before, after] = [0, 1].map(|height| account(&folder, height, transaction.from));
    let by_others = secret_key(99, 0);
    let (honest, honest_id) = signed(&owner, transaction.nonce.number(), "honest.json");
    run(&[
        &verify_receipt(&honest, &proof)[..],
        &["--tx", &honest_id, "--account", &before, "--account", &after],
    ]
    .concat());
    fail(
        &[&verify_receipt(&honest, &proof)[..], &["--tx", &Digest::ZERO.to_string(), "--account", &after]]
            .concat(),
        1,
        "unexpected",
    );

    let (foreign, id) = signed(&by_others, 77, "foreign.json");
    let result = run(&verify_receipt(&foreign, &proof));
    assert_eq!((&result["id"], &result["signed"]["id"]), (&Value::Null, &json!(id)));
    let text =
        String::from_utf8(enfold().args(verify_receipt(&foreign, &proof)).output().unwrap().stdout).unwrap();
    assert!(text.lines().next().unwrap().contains("whose id is not shown"), "{text}");
    fail(&[&verify_receipt(&foreign, &proof)[..], &["--tx", &id]].concat(), 2, "usage");
    let (foreign, id) = signed(&by_others, transaction.nonce.number(), "foreign.json");
    for more in [&["--account", &before][..], &["--tx", &id, "--account", &after]] {
        let message = fail(&[&verify_receipt(&foreign, &proof)[..], more].concat(), 1, "unexpected");
        assert!(message.contains(&format!("expected signer {}", owner.address())), "{message}");
    }
    // The owner's signature of a transaction that was never executed.
    let (future, id) = signed(&owner, 77, "future.json");
    let message = fail(
        &[&verify_receipt(&future, &proof)[..], &["--tx", &id, "--account", &after]].concat(),
        1,
        "unexpected",
    );
    assert!(message.contains("expected nonce 0, got 77"), "{message}");
    // Account proofs of another leaf, of another state, and of another receipt's.
    let other = account(&folder, 1, LeafIndex(transaction.from.0 + 1));
    fail(&[&verify_receipt(&honest, &proof)[..], &["--account", &other]].concat(), 1, "unexpected");
    let late = account(&folder, 2, transaction.from);
    fail(&[&verify_receipt(&honest, &proof)[..], &["--account", &late]].concat(), 1, "account_proof_invalid");
}

/// From a genesis through a folder of proofs to a block.
#[test]
fn receipts_and_accounts_are_anchored_by_a_chain_of_proofs() {
    let folder = proofs();
    let (dir, second) = (folder.path(""), folder.path("2.proof"));
    let genesis = CHAIN.folder.path("chain/genesis.bin");
    let id = block(2).transactions[0].transaction.id();
    let (receipt, _) = receipt(&folder, &id, "receipt", &[]);
    let leaf = account(&folder, 2, LeafIndex(0));
    let mut other: Genesis = codec::read_file(genesis.as_ref()).unwrap();
    other.leaves[0].balance += 1;
    let other = folder.write("other", codec::encode(&other).unwrap());
    for line in [["verify-receipt", &receipt, &second], ["verify-account", &leaf, &second]] {
        let line = [&line[..], &["--profile", "test"]].concat();
        let back = [&line[..], &["--genesis", &genesis, "--chain"]].concat();
        let right = [&back[..], &[&dir, "--expect-number", "2", "--expect-chain-id", "1"]].concat();
        assert_eq!(run(&right)["anchored_to"], json!(["genesis"]));
        fail(&[&back[..], &[&dir, "--expect-number", "1"]].concat(), 1, "unexpected");
        fail(&[&line[..], &["--genesis", &other, "--chain", &dir]].concat(), 1, "unexpected");
        fail(&[&line[..], &["--chain", &dir]].concat(), 2, "usage");
        // The second block alone does not follow the genesis.
        fail(&[&line[..], &["--genesis", &genesis]].concat(), 1, "unexpected");
        let (part, first) = (Folder::new(), folder.path("1.proof"));
        let part_dir = part.path("");
        let with_part = [&back[..], &[&part_dir]].concat();
        std::fs::copy(&second, part.path("2.proof")).unwrap();
        fail(&with_part, 1, "unexpected");
        // The blocks before are enough; another chain's among them is too much.
        std::fs::copy(&first, part.path("1.proof")).unwrap();
        std::fs::remove_file(part.path("2.proof")).unwrap();
        run(&with_part);
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/golden/test.proof");
        std::fs::copy(golden, part.path("x.proof")).unwrap();
        fail(&with_part, 1, "chain_broken");
    }
    let verify = ["verify", "--profile", "test", "--chain", &dir, "--genesis"];
    assert_eq!(run(&[&verify[..], &[&genesis]].concat())["anchored_to"], json!(["genesis"]));
    let text = String::from_utf8(
        enfold().args(["verify", "--profile", "test", "--chain", &dir]).output().unwrap().stdout,
    );
    assert!(text.unwrap().lines().next().unwrap().contains(", chain 1 unchecked"));
    fail(&[&verify[..], &[&other]].concat(), 1, "unexpected");
    fail(&["verify", "--profile", "test", &second, "--genesis", &genesis], 1, "unexpected");
}

/// Whose genesis and previous root are known may still be a block of another fork: the chain that it is in must lead to the
/// last root that is known.
#[test]
fn the_chain_of_a_receipt_leads_to_the_last_root() {
    let folder = proofs();
    let [first_root, middle, last] = &CHAIN.roots;
    let part = Folder::new();
    let (dir, alone, first) = (&folder.path(""), &part.path(""), folder.path("1.proof"));
    std::fs::copy(&first, part.path("1.proof")).unwrap();
    let genesis = CHAIN.folder.path("chain/genesis.bin");
    let (receipt, _) = receipt(&folder, &block(1).transactions[0].transaction.id(), "receipt", &[]);
    let leaf = account(&folder, 1, LeafIndex(0));
    for line in [["verify-receipt", &receipt, &first], ["verify-account", &leaf, &first]] {
        let line = [&line[..], &["--profile", "test", "--genesis", &genesis]].concat();
        fn to<'a>(line: &[&'a str], root: &'a str, chain: &'a str) -> Vec<&'a str> {
            [line, &["--chain", chain, "--expect-last-root", root]].concat()
        }
        let result = run(&to(&line, last, dir));
        assert_eq!(result["anchored_to"], json!(["genesis", "last_root"]));
        assert_eq!(result["root_anchored"], true);
        let text = String::from_utf8(enfold().args(to(&line, last, dir)).output().unwrap().stdout).unwrap();
        assert!(text.lines().next().unwrap().contains("in a chain to the expected last root"), "{text}");
        for root in [first_root, middle] {
            let message = fail(&to(&line, root, dir), 1, "unexpected");
            assert!(message.contains(&format!("expected last root {root}, got {last}")), "{message}");
        }
        // The receipt's own block is the last one where the folder has none after it.
        run(&to(&line, middle, alone));
        fail(&to(&line, last, alone), 1, "unexpected");
        fail(&[&line[..], &["--expect-last-root", last]].concat(), 2, "usage");
    }
}

/// A record has one JSON form: objects with all their fields.
#[test]
fn lists_are_no_objects_and_nothing_is_missing() {
    let folder = proofs();
    let proof = folder.path("1.proof");
    let (path, _) = receipt(&folder, &block(1).transactions[0].transaction.id(), "receipt.json", &[]);
    let good = read_json(&path);
    let mut missing = good.clone();
    missing.as_object_mut().unwrap().remove("authorization");
    let message =
        fail(&verify_receipt(&folder.write("changed", missing.to_string()), &proof), 3, "malformed_file");
    assert!(message.contains("missing field `authorization`"), "{message}");
    let mut list = good.clone();
    let message_of = &good["messages"][0];
    let fields = ["op", "asset", "from", "nonce_key", "to", "amount", "memo", "to_address"];
    list["messages"][0] = fields.map(|field| message_of[field].clone()).to_vec().into();
    let message =
        fail(&verify_receipt(&folder.write("changed", list.to_string()), &proof), 3, "malformed_file");
    assert!(message.contains("invalid type: sequence, expected struct Message"), "{message}");
    // Of a genesis, the leaves.
    let genesis = json!({ "chain_id": 1, "time": 1, "shards": 1, "leaves": [[Digest::ZERO, 0, 5]] });
    let genesis = folder.write("genesis.json", genesis.to_string());
    fail(&["init", "--data", &folder.path("fresh"), "--genesis", &genesis], 3, "malformed_file");
    let list = folder.write_private("key.json", json!([Digest::ZERO]).to_string());
    fail(&["inspect", &list], 3, "malformed_file");
}

#[test]
fn ids_of_executed_transactions_are_listed() {
    let folder = proofs();
    let (state, dir) = (folder.path("state"), folder.path(""));
    let ids = ["ids", "--profile", "test", "--data", &state, "--data-file"];
    let listed = run(&[&ids[..], &[&dir]].concat());
    assert_eq!((&listed["not_compared"], &listed["forgeable"]), (&json!([]), &json!(true)));
    let mut listed: Vec<_> =
        listed["transactions"].as_array().unwrap().iter().map(|tx| tx["id"].to_string()).collect();
    let transactions = [1, 2].map(|number| block(number).transactions).concat();
    let mut expected: Vec<_> = transactions.iter().map(|tx| json!(tx.transaction.id()).to_string()).collect();
    listed.sort();
    expected.sort();
    assert_eq!(listed, expected);
    let second = folder.path("2.proof.data");
    let last = run(&[&ids[..], &[&second]].concat());
    assert_eq!(last["transactions"].as_array().unwrap().len(), block(2).transactions.len());
    fail(&[&ids[..], &[&folder.path("1.proof.data")]].concat(), 3, "missing_block_data");
    // One file by two names is one file.
    let again = folder.path("./2.proof.data");
    assert_eq!(run(&[&ids[..], &[&second, "--data-file", &again]].concat()), last);
    // A state that does not have the second block yet.
    account(&folder, 1, LeafIndex(0));
    let early = ["ids", "--profile", "test", "--data", &folder.path("state-1"), "--data-file", &dir];
    let message = fail(&early, 3, "other_block_data");
    assert!(
        message.contains("expected data files of blocks up to 1, the last one here, got block 2"),
        "{message}"
    );
    fail(&["ids", "--data", &state, "--data-file", &dir], 3, "wrong_profile");
    fail(&["ids", "--data", &state], 2, "usage");
    fail(&["ids"], 2, "usage");
}

/// Nonces are counted back from the state, so a data file of a later block that is not the chain's shifts the ids of
/// earlier ones.
#[test]
fn every_data_file_on_the_way_is_held_against_the_proof_beside_it() {
    let folder = proofs();
    let (state, dir, out) = (folder.path("state"), folder.path(""), folder.path("out"));
    let [proof, data] = ["2.proof", "2.proof.data"].map(|name| folder.path(name));
    let ids = ["ids", "--profile", "test", "--data", &state, "--data-file", &dir];
    let id = block(1).transactions[0].transaction.id().to_string();
    let receipt = make_receipt(&state, &id, &dir, &out);
    let receipt = [&receipt[..], &["--profile", "test", "--force"]].concat();
    let refused = |exit, kind| {
        let message = fail(&ids, exit, kind);
        assert_eq!(fail(&receipt, exit, kind), message);
        assert!(!std::fs::exists(&out).unwrap());
        message
    };
    let honest: BlockData = codec::read_file(data.as_ref()).unwrap();
    let mut doctored = honest.clone();
    doctored.emitted[0].messages.remove(0);
    std::fs::write(&data, codec::encode(&doctored).unwrap()).unwrap();
    refused(1, "unexpected");
    // A proof that is there in name only is none that is not there.
    let kept = std::fs::read(&proof).unwrap();
    std::fs::remove_file(&proof).unwrap();
    std::fs::create_dir(&proof).unwrap();
    refused(3, "unreadable_file");
    std::fs::remove_dir(&proof).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", &proof).unwrap();
        assert!(refused(3, "missing_file").contains("2.proof: "));
        std::fs::remove_file(&proof).unwrap();
    }
    std::fs::copy(folder.path("1.proof"), &proof).unwrap();
    refused(1, "unexpected");
    std::fs::remove_file(&proof).unwrap();
    // With none beside it, the file can only be taken at its word, and that is said.
    let said = run(&ids);
    assert_eq!(said["not_compared"], json!([2]));
    let text = String::from_utf8(enfold().args(ids).output().unwrap().stdout).unwrap();
    assert!(text.contains("not compared: no proof beside the data file of block 2"), "{text}");
    let made = run(&receipt);
    assert_eq!((&made["not_compared"], &made["proof"]), (&json!([2]), &json!(folder.path("1.proof"))));
    let text = String::from_utf8(enfold().args(&receipt).output().unwrap().stdout).unwrap();
    assert!(text.contains("beside the data file of block 2;"), "{text}");
    std::fs::write(&proof, kept).unwrap();
    fail(&receipt, 1, "unexpected");
    std::fs::write(&data, codec::encode(&honest).unwrap()).unwrap();
    assert_eq!(run(&receipt)["not_compared"], json!([]));
}

#[test]
fn receipts_are_not_made_from_what_is_wrong_or_missing() {
    let folder = proofs();
    let (state, out) = (folder.path("state"), folder.path("out"));
    let [first, second] = [1, 2].map(|number| folder.path(&format!("{number}.proof.data")));
    let id = block(1).transactions[0].transaction.id().to_string();
    let receipt = |id: &str, files: &[&str], exit, kind| {
        let mut arguments = vec!["receipt", "--profile", "test", "--data", &state, "--tx", id, "--out", &out];
        files.iter().for_each(|file| arguments.extend(["--data-file", file]));
        let message = fail(&arguments, exit, kind);
        assert!(!std::fs::exists(&out).unwrap());
        message
    };
    let other = Digest::ZERO.to_string();
    let message = receipt(&other, &[&first, &second], 3, "unknown_transaction");
    assert!(message.contains("in blocks 1 to 2"), "{message}");
    receipt(&id, &[&second], 3, "unknown_transaction");
    let message = receipt(&id, &[&first], 3, "missing_block_data");
    assert!(message.contains("block 2 is missing"), "{message}");
    receipt("12", &[&first], 2, "usage");
    let copy = folder.path("copy.data");
    std::fs::copy(&first, &copy).unwrap();
    receipt(&id, &[&first, &second, &copy], 3, "other_block_data");
    // Data that are not what the proof beside them commits to.
    std::fs::copy(folder.path("1.proof"), folder.path("copy")).unwrap();
    let mut data: BlockData = codec::read_file(copy.as_ref()).unwrap();
    data.emitted[0].messages.last_mut().unwrap().to.0 ^= 1;
    std::fs::write(&copy, codec::encode(&data).unwrap()).unwrap();
    receipt(&id, &[&copy, &second], 1, "unexpected");
    let stranger = folder.write("signed", codec::encode(&block(1).transactions[1]).unwrap());
    std::fs::remove_file(&copy).unwrap();
    let all = folder.path("");
    let line = make_receipt(&state, &id, &all, &out);
    let message = fail(&[&line[..], &["--profile", "test", "--signed", &stranger]].concat(), 3, "receipt");
    assert!(message.contains("expected the transaction"), "{message}");
}

#[test]
fn accounts_are_proven_under_the_new_root_and_the_previous_one() {
    let folder = proofs();
    let (state, out) = (folder.path("state"), folder.path("leaf"));
    let leaf = *Store::open(state.as_ref()).unwrap().ledger().leaf(LeafIndex(1)).unwrap();
    let (address, asset) = (leaf.address.to_string(), leaf.asset.to_string());
    let made = run(&["account", "--data", &state, "--index", "1", "--out", &out]);
    assert_eq!((&made["leaf"], &made["root"]), (&json!(leaf), &json!(CHAIN.roots[2])));
    assert_eq!((made["bytes"].as_u64(), std::fs::metadata(&out).unwrap().len()), (Some(1080), 1080));
    let text = folder.path("leaf.json");
    let by_address = ["--address", &address, "--asset", &asset, "--out", &text];
    assert_eq!(run(&[&["account", "--data", &state], &by_address[..]].concat())["index"], 1);
    let [first, second] = [1, 2].map(|number| folder.path(&format!("{number}.proof")));
    let verify = |account: &str, proof: &str| {
        ["verify-account", account, proof, "--profile", "test"].map(str::to_owned)
    };
    for path in [&out, &text] {
        let result = run(&verify(path, &second).each_ref().map(String::as_str));
        assert_eq!(
            (&result["leaf"], &result["index"], &result["number"]),
            (&json!(leaf), &json!(1), &json!(2))
        );
    }
    let refuse = |account: &str, proof: &str, exit, kind| {
        fail(&verify(account, proof).each_ref().map(String::as_str), exit, kind)
    };
    refuse(&out, &first, 1, "account_proof_invalid");
    // Of genesis, which the first block's proof states as its previous root.
    let genesis = folder.path("fresh");
    run(&["init", "--data", &genesis, "--genesis", &CHAIN.folder.path("chain/genesis.bin")]);
    let old = folder.path("old");
    run(&["account", "--data", &genesis, "--index", "0", "--out", &old]);
    let result = run(&verify(&old, &first).each_ref().map(String::as_str));
    assert_eq!((&result["number"], &result["root"]), (&json!(0), &json!(CHAIN.roots[0])));
    refuse(&old, &second, 1, "account_proof_invalid");
    assert_eq!(run(&["inspect", &old])["root"], json!(CHAIN.roots[0]));

    let good = read_json(&text);
    for (pointer, value, exit, kind) in [
        ("/chain_id", json!(2), 1, "account_proof_invalid"),
        ("/number", json!(1), 1, "account_proof_invalid"),
        ("/number", json!(7), 1, "account_proof_invalid"),
        ("/index", json!(0), 1, "account_proof_invalid"),
        ("/index", json!(1u32 << 30), 3, "malformed_file"),
        ("/leaf/balance", json!(leaf.balance + 1), 1, "account_proof_invalid"),
        ("/leaf/balance", json!(u64::MAX), 3, "malformed_file"),
        ("/leaf/nonces/0", json!(leaf.nonces[0] + 1), 1, "account_proof_invalid"),
        ("/leaf/nonces/1", json!(leaf.nonces[1] + 1), 1, "account_proof_invalid"),
        ("/counts", json!(CHAIN.roots[0]), 1, "account_proof_invalid"),
        ("/leaf/asset", json!(leaf.asset + 1), 1, "account_proof_invalid"),
        ("/leaf/address", json!(Digest::ZERO), 1, "account_proof_invalid"),
        ("/siblings/29", json!(CHAIN.roots[0]), 1, "account_proof_invalid"),
        ("/siblings", json!([]), 3, "malformed_file"),
    ] {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        refuse(&folder.write("changed", changed.to_string()), &second, exit, kind);
    }
    let bytes = std::fs::read(&out).unwrap();
    for damaged in [&bytes[..bytes.len() - 1], &bytes[..20], &[&bytes[..], &[0]].concat()] {
        refuse(&folder.write("changed", damaged), &second, 3, "malformed_file");
    }

    let none = folder.path("none");
    let account = |more: &[&str], exit, kind| {
        fail(&[&["account", "--data", &state, "--out", &none], more].concat(), exit, kind)
    };
    account(&["--index", "1000000"], 3, "unknown_account");
    account(&["--address", &Digest::ZERO.to_string()], 3, "unknown_account");
    account(&[], 2, "usage");
    account(&["--index", "1", "--address", &address], 2, "usage");
    fail(&["account", "--data", &state, "--index", "1", "--out", &out], 3, "output_exists");
}
