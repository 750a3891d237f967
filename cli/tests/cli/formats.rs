//! The examples and sizes of `docs/formats.md` are the program's.

use std::path::Path;

use enfold_state::block::{Block, BlockData, Genesis, Place};
use enfold_state::codec::{self, HEADER_LEN};
use enfold_state::executor::execute;
use enfold_state::ledger::Ledger;
use enfold_state::nonce::Nonce;
use enfold_state::rebuild::rebuild;
use enfold_state::receipt::Receipt;
use enfold_state::transaction::{NO_END, SignedTransaction};
use serde_json::Value;

use crate::common::{Folder, enfold, fail, run};

/// The JSON examples of the document, in order: genesis, transaction, block, data, receipt, key.
fn examples() -> [Vec<u8>; 6] {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/formats.md");
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = text.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(|block| block.as_bytes().to_vec()).collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn the_examples_fit_together() {
    let [genesis, transaction, block, data, receipt, key] = examples();
    let genesis: Genesis = codec::read(&genesis).unwrap();
    let signed: SignedTransaction = codec::read(&transaction).unwrap();
    let mut block: Block = codec::read(&block).unwrap();
    block.transactions.push(signed);
    let data: BlockData = codec::read(&data).unwrap();
    let mut ledger = Ledger::from_genesis(&genesis).unwrap();
    let execution = execute(&ledger, &block).unwrap();
    assert_eq!(
        (execution.rejections.as_slice(), &execution.credits),
        ([].as_slice(), &data.emitted[0].messages)
    );
    let mut executed = ledger.clone();
    executed.apply(&execution).unwrap();
    let previous_root = ledger.root();
    rebuild(&mut ledger, &data, block.time, previous_root, executed.root()).unwrap();

    let receipt: Receipt = codec::read(&receipt).unwrap();
    let place = Place { batch: 0, message: 0 };
    assert_eq!(
        receipt,
        Receipt::new(&data, place, Nonce::default(), NO_END).unwrap().with_signed(&signed).unwrap()
    );

    let folder = Folder::new();
    let key = folder.write_private("key.json", key);
    let to = signed.transaction.to_address.to_string();
    let arguments = [
        "sign",
        "--key",
        &key,
        "--chain-id",
        "1",
        "--from",
        "0",
        "--nonce",
        "0",
        "--to",
        &to,
        "--amount",
        "25",
    ];
    let result = run(&[&arguments[..], &["--fee", "1"]].concat());
    assert_eq!(result["id"], signed.transaction.id().to_string());
    assert_eq!(serde_json::from_value::<SignedTransaction>(result["signed"].clone()).unwrap(), signed);
}

#[test]
fn records_have_the_documented_sizes() {
    let [genesis, transaction, block, data, receipt, _] = examples();
    let genesis: Genesis = codec::read(&genesis).unwrap();
    let signed: SignedTransaction = codec::read(&transaction).unwrap();
    let mut block: Block = codec::read(&block).unwrap();
    block.transactions.push(signed);
    let data: BlockData = codec::read(&data).unwrap();
    assert_eq!(codec::encode(&genesis).unwrap().len(), HEADER_LEN + 8 + 4 + 4 + 8 + 44 + 8 + 68);
    assert_eq!(codec::encode(&signed).unwrap().len(), HEADER_LEN + 236);
    assert_eq!(codec::encode(&block).unwrap().len(), HEADER_LEN + 16 + (8 + 44) + (8 + 236));
    assert_eq!(codec::encode(&data).unwrap().len(), HEADER_LEN + 8 + 4 + 8 + (4 + 8 + 2 * 64 + 8));
    let receipt: Receipt = codec::read(&receipt).unwrap();
    assert_eq!(codec::encode(&receipt).unwrap().len(), 65 + 2 * 64 + 140);
    let header = codec::encode(&data).unwrap()[..HEADER_LEN].to_vec();
    assert_eq!(header, *b"\x89enfold\n\x02\0\0\0\x04\0\0\0");
}

#[test]
fn inspect_tells_what_files_hold_and_turns_them_into_json() {
    let folder = Folder::new();
    let [genesis, transaction, block, data, receipt, key] = examples();
    let genesis: Genesis = codec::read(&genesis).unwrap();
    let binary = folder.write("genesis.bin", codec::encode(&genesis).unwrap());
    for (path, kind) in [
        (binary.clone(), "genesis"),
        (folder.write("transaction", transaction), "transaction"),
        (folder.write("block", block), "block"),
        (folder.write("data", data), "block_data"),
        (folder.write("receipt", receipt), "receipt"),
        (folder.write("key", key), "key"),
    ] {
        let result = run(&["inspect", &path]);
        assert_eq!(result["kind"], kind);
        assert!(!result.to_string().contains("1a3744504560639e"), "the secret is not shown");
        assert!(enfold().args(["inspect", &path]).output().unwrap().status.success());
    }
    let signed = run(&["inspect", &folder.path("transaction")]);
    assert_eq!(signed["signature_valid"], true);

    let result = run(&["inspect", &binary, "--record"]);
    assert_eq!(serde_json::from_value::<Genesis>(result["record"].clone()).unwrap(), genesis);
    let output = enfold().args(["inspect", &binary, "--record"]).output().unwrap();
    assert_eq!(codec::read::<Genesis>(&output.stdout).unwrap(), genesis);

    let state = folder.path("state");
    let root = run(&["init", "--data", &state, "--genesis", &binary])["root"].clone();
    let result: Value = run(&["inspect", &state]);
    assert_eq!(run(&["inspect", &state, "--full-check"]), result);
    assert_eq!((&result["kind"], &result["root"]), (&"state".into(), &root));

    fail(&["inspect", &folder.path("none")], 3, "missing_file");
    fail(&["inspect", &folder.path("")], 3, "missing_data");
    fail(&["inspect", &folder.write("noise", [1; 99])], 3, "malformed_file");
    fail(&["inspect", &folder.write("noise", "{\"a\": 1}")], 3, "malformed_file");
    fail(&["inspect", &folder.write("noise", "{\"leaves\": [")], 3, "malformed_file");
}

#[test]
fn files_of_version_1_are_refused_by_number() {
    let folder = Folder::new();
    let [genesis, transaction, block, ..] = examples();
    let older = |name: &str, mut bytes: Vec<u8>| {
        bytes[8] = 1;
        folder.write(name, bytes)
    };
    let genesis = older("genesis", codec::encode(&codec::read::<Genesis>(&genesis).unwrap()).unwrap());
    let block = older("block", codec::encode(&codec::read::<Block>(&block).unwrap()).unwrap());
    let signed = codec::read::<SignedTransaction>(&transaction).unwrap();
    let signed = older("transaction", codec::encode(&signed).unwrap());
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/golden/test.proof");
    let proof = older("proof", std::fs::read(golden).unwrap());
    let (state, out) = (folder.path("state"), folder.path("out"));
    for (line, command) in [
        (&["init", "--data", &state, "--genesis", &genesis][..], "`enfold gen`"),
        (&["inspect", &genesis], "`enfold gen`"),
        (&["ids", &block], "`enfold bundle`"),
        (&["bundle", "--number", "1", &signed, "--out", &out], "`enfold sign`"),
        (&["verify", "--profile", "test", &proof], "cannot be continued"),
        (&["inspect", &proof], "cannot be continued"),
    ] {
        let message = fail(line, 3, "wrong_version");
        assert!(
            message.contains("expected format version 2, got 1") && message.contains(command),
            "{message}"
        );
    }
}
