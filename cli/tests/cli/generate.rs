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
    assert_eq!(result["blocks"][1], serde_json::json!({ "number": 2, "transactions": 40, "invalid": 0 }));
    let (mut ledger, blocks) = files(&folder, 2);
    let first_root = ledger.root();
    for block in &blocks {
        let execution = execute(&ledger, block).unwrap();
        assert_eq!((execution.debits.len(), execution.rejections.len()), (40, 0));
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
    fail(&["gen", "--accounts", "9", "--txs", "5", "--invalid-share", "1", "--out", &out], 3, "empty_block");
    assert_eq!(folder.names(), [""; 0]);
    for wrong in [["--skew", "-1"], ["--skew", "NaN"], ["--hot-share", "1.5"], ["--accounts", "0"]] {
        fail(&[&["gen", "--out", &out], &wrong[..]].concat(), 2, "usage");
    }
}
