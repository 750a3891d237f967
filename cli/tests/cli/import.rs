//! `enfold import` and `enfold init`, on real rows and on bad ones.

use crate::common::{Folder, csv, fail, json, run};
use enfold_state::block::{Block, Genesis};
use enfold_state::codec;
use enfold_state::executor::execute;
use enfold_state::ledger::Ledger;

const HEADER: &str = "block,index,kind,from,to,asset,amount";
const A: &str = "0xa1e4380a3b1f749673e270229993ee55f35663b4";
const B: &str = "0x5df9b87991262f6ba471f09758cde1c0fc1de734";

fn chain(folder: &Folder, blocks: u32) -> (Ledger, Vec<Block>) {
    let genesis: Genesis = codec::read_file(folder.path("chain/genesis.bin").as_ref()).unwrap();
    let read = |number| codec::read_file(folder.path(&format!("chain/block-{number}.bin")).as_ref()).unwrap();
    (Ledger::from_genesis(&genesis).unwrap(), (1..=blocks).map(read).collect())
}

#[test]
fn every_transfer_of_a_real_block_is_carried_over_and_valid() {
    let folder = Folder::new();
    let out = folder.path("chain");
    let result =
        run(&["import", "--csv", &csv(), "--block", "4369999", "--block", "10760440", "--out", &out]);
    assert_eq!(result["blocks"][0]["transfers"], 10);
    assert_eq!(result["blocks"][0]["left_out"], serde_json::json!([]));
    assert_eq!(result["blocks"][1]["transfers"], 6);
    let reason = "only rows of kind transfer are imported";
    assert_eq!(
        result["blocks"][1]["left_out"],
        serde_json::json!([{ "line": 14, "index": 28, "kind": "swap", "reason": reason }])
    );
    let assets = result["assets"].as_array().unwrap();
    assert_eq!(assets.len(), 5);
    assert_eq!((&assets[0]["source"], &assets[0]["exponent"]), (&"ETH".into(), &1.into()));

    let (mut ledger, blocks) = chain(&folder, 2);
    for block in &blocks {
        assert_eq!(block.time, ledger.time() + 12);
        let execution = execute(&ledger, block).unwrap();
        assert_eq!(execution.rejections, []);
        assert!(execution.debits.iter().all(|debit| debit.messages.len() == 2));
        ledger.apply(&execution).unwrap();
    }
    let senders = blocks.iter().flat_map(|block| &block.transactions).map(|signed| signed.transaction.from);
    assert!(senders.clone().all(|from| ledger.leaf(from).unwrap().balance == 0), "all income was enough");
    // The collector has a leaf of each asset, with the fees of all its transfers.
    let collector: enfold_state::leaf::Address = result["collector"].as_str().unwrap().parse().unwrap();
    for (asset, summary) in (0..).zip(assets) {
        let leaf = ledger.leaf(ledger.find(&collector, asset).unwrap()).unwrap();
        assert_eq!(summary["transfers"], leaf.balance);
    }
    assert_eq!(json(folder.path("chain/report.json"))["assets"], result["assets"]);
}

#[test]
fn the_seed_and_the_chain_id_decide_the_keys_and_the_fee_can_be_zero() {
    let folder = Folder::new();
    let out = folder.path("chain");
    let arguments = ["import", "--csv", &csv(), "--block", "4369999", "--out", &out];
    let more = |extra: &[&str]| run(&[&arguments, extra].concat());
    let first = more(&[]);
    let (ledger, _) = chain(&folder, 1);
    let again = more(&["--force"]);
    assert_eq!(first, again);
    more(&["--force", "--seed", "2", "--chain-id", "9", "--fee", "0"]);
    let (other, blocks) = chain(&folder, 1);
    assert_ne!(ledger.leaf(0.into_index()).unwrap().address, other.leaf(0.into_index()).unwrap().address);
    assert_eq!((other.chain_id(), blocks[0].chain_id, blocks[0].fees.len()), (9, 9, 0));
    assert_eq!(execute(&other, &blocks[0]).unwrap().rejections, []);

    // The same key, from its foreign address.
    let key =
        run(&["keygen", "--import-address", "0x69ea6b31ef305d6b99bb2d4c9d99456fa108b02a", "--seed", "2"]);
    assert_eq!(key["address"], other.leaf(0.into_index()).unwrap().address.to_string());
}

trait IntoIndex {
    fn into_index(self) -> enfold_state::leaf::LeafIndex;
}

impl IntoIndex for u32 {
    fn into_index(self) -> enfold_state::leaf::LeafIndex {
        enfold_state::leaf::LeafIndex(self)
    }
}

#[test]
fn tiny_amounts_are_raised_and_zero_amounts_are_left_out() {
    let folder = Folder::new();
    let rows = format!(
        "{HEADER}\n7,2,transfer,{A},{B},ETH,0\n7,0,transfer,{A},{B},ETH,1\n\
         7,1,transfer,{B},{A},ETH,{}\n7,3,mint,?,?,?,?\n",
        "9".repeat(60)
    );
    let path = folder.write("rows.csv", rows);
    let out = folder.path("chain");
    let result = run(&["import", "--csv", &path, "--block", "7", "--out", &out]);
    assert_eq!(result["assets"][0]["exponent"], 42);
    assert_eq!(result["assets"][0]["raised"], serde_json::json!([{ "block": 7, "index": 0 }]));
    assert_eq!(
        result["blocks"][0]["left_out"],
        serde_json::json!([
            { "line": 2, "index": 2, "kind": "transfer", "reason": "a transaction's amount is at least 1" },
            { "line": 5, "index": 3, "kind": "mint", "reason": "only rows of kind transfer are imported" },
        ])
    );
    let (ledger, blocks) = chain(&folder, 1);
    assert_eq!(execute(&ledger, &blocks[0]).unwrap().debits.len(), 2);
}

#[test]
fn bad_files_and_blocks_end_with_3_and_leave_nothing() {
    let folder = Folder::new();
    let out = folder.path("chain");
    let import = |path: &str, block: &str, kind| {
        fail(&["import", "--csv", path, "--block", block, "--out", &out], 3, kind)
    };
    import(&folder.path("none.csv"), "7", "missing_file");
    import(&folder.path(""), "7", "unreadable_file");
    let message = import(&csv(), "7", "import");
    assert!(message.contains("no rows of block 7"), "{message}");
    let bad =
        |rows: &str| import(&folder.write("rows.csv", format!("{HEADER}\n{rows}\n")), "7", "malformed_csv");
    assert!(
        bad(&format!("7,0,transfer,{A},{B},ETH,1e18")).contains("line 2, column amount: expected a decimal")
    );
    let row = format!("7,0,transfer,{A},{B},ETH,1");
    assert!(bad(&format!("{row}\n{row}")).contains("line 3: block 7, index 0 is already in line 2"));
    bad("7,0,transfer");
    assert!(bad(&"7".repeat(1 << 17)).contains("expected lines of at most 65536 bytes, got a longer one"));
    import(&folder.write("rows.csv", "a,b,c"), "7", "malformed_csv");
    import(&folder.write("rows.csv", [0xff; 100]), "7", "malformed_csv");
    import(&folder.write("rows.csv", format!("{HEADER}\n7,0,swap,,,,\n")), "7", "import");
    let twice = ["import", "--csv", &csv(), "--block", "4369999", "--block", "4369999", "--out", &out];
    fail(&twice, 3, "import");
    let fee = (1_u64 << 62).to_string();
    fail(&["import", "--csv", &csv(), "--block", "4369999", "--fee", &fee, "--out", &out], 3, "import");
    assert_eq!(folder.names(), ["rows.csv"]);
}

#[test]
fn outputs_that_exist_stay_unless_forced() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("chain")).unwrap();
    let block = folder.write("chain/block-1.bin", "mine");
    let out = folder.path("chain");
    let arguments = ["import", "--csv", &csv(), "--block", "4369999", "--out", &out];
    fail(&arguments, 3, "output_exists");
    assert_eq!(std::fs::read(&block).unwrap(), b"mine");
    assert!(!std::fs::exists(folder.path("chain/genesis.bin")).unwrap(), "all or nothing");
    run(&[&arguments[..], &["--force"]].concat());
    assert_ne!(std::fs::read(&block).unwrap(), b"mine");
    let block = folder.path("chain/block-1.bin/sub");
    fail(&["import", "--csv", &csv(), "--block", "4369999", "--out", &block], 3, "folder");
}

#[test]
fn a_data_directory_starts_once_from_a_valid_genesis_in_either_form() {
    let folder = Folder::new();
    let (out, data) = (folder.path("chain"), folder.path("state"));
    run(&["import", "--csv", &csv(), "--block", "4369999", "--out", &out]);
    let genesis = folder.path("chain/genesis.bin");
    let result = run(&["init", "--data", &data, "--genesis", &genesis]);
    let (ledger, _) = chain(&folder, 1);
    assert_eq!(result["root"], ledger.root().to_string());
    fail(&["init", "--data", &data, "--genesis", &genesis], 3, "data_exists");

    let record: Genesis = codec::read_file(genesis.as_ref()).unwrap();
    let text = folder.write("genesis.json", codec::encode_json(&record).unwrap());
    let result = run(&["init", "--data", &folder.path("other"), "--genesis", &text]);
    assert_eq!(result["root"], ledger.root().to_string());
}

#[test]
fn a_bad_genesis_ends_with_3_and_starts_nothing() {
    let folder = Folder::new();
    let out = folder.path("chain");
    run(&["import", "--csv", &csv(), "--block", "4369999", "--out", &out]);
    let good = std::fs::read(folder.path("chain/genesis.bin")).unwrap();
    let data = folder.path("state");
    let init = |bytes: &[u8], kind| {
        let genesis = folder.write("bad", bytes);
        fail(&["init", "--data", &data, "--genesis", &genesis], 3, kind)
    };
    init(&good[..good.len() - 1], "malformed_file");
    init(&good[..9], "malformed_file");
    init(&[], "malformed_file");
    init(&[&good[..], &[0]].concat(), "malformed_file");
    init(b"\x7fELF and so on, longer than a header", "malformed_file");
    init(b"{\"chain_id\": 1}", "malformed_file");
    let mut version = good.clone();
    version[8] += 1;
    let message = init(&version, "wrong_version");
    assert!(message.contains("expected format version 2, got 3"), "{message}");
    let block = std::fs::read(folder.path("chain/block-1.bin")).unwrap();
    let message = init(&block, "wrong_kind");
    assert!(message.contains("expected a genesis file, got a block file"), "{message}");
    let mut genesis: Genesis = codec::read(&good).unwrap();
    genesis.leaves[0].balance = 1 << 62;
    let message = init(&codec::encode(&genesis).unwrap(), "genesis");
    assert!(message.contains("supply"), "{message}");
    fail(&["init", "--data", &data, "--genesis", &folder.path("none")], 3, "missing_file");
    assert!(!std::fs::exists(&data).unwrap());
}
