//! `enfold gen`.

use enfold_state::block::{Block, Genesis};
use enfold_state::codec;
use enfold_state::executor::execute;
use enfold_state::ledger::Ledger;

use crate::common::{Folder, fail, run};

fn files(folder: &Folder, blocks: u32) -> (Ledger, Vec<Block>) {
    let genesis: Genesis = codec::read_file(folder.path("genesis.bin").as_ref()).unwrap();
    let read = |number| codec::read_file(folder.path(&format!("block-{number}.bin")).as_ref()).unwrap();
    (Ledger::from_genesis(&genesis).unwrap(), (1..=blocks).map(read).collect())
}

#[test]
fn blocks_follow_from_the_seed_and_from_one_another() {
    let folder = Folder::new();
    let out = folder.path("");
    let options = ["gen", "--accounts", "20", "--txs", "40", "--skew", "1.2", "--blocks", "2", "--out", &out];
    let result = run(&[&options[..], &["--seed", "7"]].concat());
    assert_eq!(
        result["blocks"][1],
        serde_json::json!({ "number": 2, "time": 1_700_000_024, "transactions": 40, "invalid": 0 })
    );
    let (mut ledger, blocks) = files(&folder, 2);
    let first_root = ledger.root();
    for block in &blocks {
        let execution = execute(&ledger, block).unwrap();
        assert_eq!((execution.debits.len(), execution.rejections.len()), (40, 0));
        assert_eq!(block.time, 1_700_000_000 + 12 * block.number);
        ledger.apply(&execution).unwrap();
    }
    // The accounts' keys can be made again.
    let key = run(&["keygen", "--gen-account", "3", "--seed", "7"]);
    assert_eq!(key["address"], ledger.leaves().shard(0)[3].address.to_string());

    fail(&[&options[..], &["--seed", "7"]].concat(), 3, "output_exists");
    run(&[&options[..], &["--seed", "7", "--force"]].concat());
    assert_eq!(files(&folder, 2).1, blocks);
    run(&[&options[..], &["--seed", "8", "--force"]].concat());
    assert_ne!(files(&folder, 2).0.root(), first_root);
}

#[test]
fn invalid_transactions_come_in_the_share_that_was_asked_for() {
    let folder = Folder::new();
    let out = folder.path("");
    let result = run(&["gen", "--accounts", "9", "--txs", "100", "--invalid-share", "0.3", "--out", &out]);
    let invalid = result["blocks"][0]["invalid"].as_u64().unwrap() as usize;
    assert!((10..60).contains(&invalid));
    let (ledger, blocks) = files(&folder, 1);
    assert_eq!(execute(&ledger, &blocks[0]).unwrap().rejections.len(), invalid);
    assert_eq!(blocks[0].transactions.len(), 100);
}

#[test]
fn a_block_without_a_valid_transaction_is_refused() {
    let folder = Folder::new();
    let out = folder.path("");
    let gen_invalid =
        ["gen", "--accounts", "9", "--txs", "5", "--invalid-share", "1", "--seed", "4", "--out", &out];
    fail(&gen_invalid, 3, "empty_block");
    assert_eq!(folder.names(), [""; 0]);
    for wrong in [
        ["--shards", "3"],
        ["--shards", "64"],
        ["--genesis-time", "0"],
        ["--chain-id", "0"],
        ["--skew", "-1"],
        ["--skew", "NaN"],
        ["--hot-share", "1.5"],
        ["--accounts", "0"],
    ] {
        fail(&[&["gen", "--out", &out], &wrong[..]].concat(), 2, "usage");
    }
}

#[test]
fn time_and_shards_are_those_that_were_asked_for() {
    let folder = Folder::new();
    let out = folder.path("");
    let few = ["gen", "--accounts", "9", "--txs", "20", "--new-share", "0.9", "--out", &out];
    run(&[&few[..], &["--genesis-time", "5", "--shards", "8", "--chain-id", "9223372036854775807"]].concat());
    let (mut ledger, blocks) = files(&folder, 1);
    assert_eq!((ledger.time(), ledger.chain().shards, blocks[0].time), (5, 8, 17));
    assert_eq!(ledger.chain_id(), u64::MAX >> 1);
    ledger.apply(&execute(&ledger, &blocks[0]).unwrap()).unwrap();
    let filled = ledger.counts().0.iter().filter(|&&count| count > 0).count();
    assert!((3..=8).contains(&filled), "{filled}");
    // Such a number is a text in JSON.
    let shown = run(&["inspect", &folder.path("genesis.bin")]);
    assert_eq!(
        (&shown["chain_id"], &shown["time"], &shown["shards"]),
        (&"9223372036854775807".into(), &5.into(), &8.into())
    );
}
