//! `enfold prove`, `verify` and `rebuild`. Proofs are of the test profile, and few.

use std::io::{BufRead, BufReader};
use std::sync::LazyLock;

use enfold_state::block::{Block, BlockData, Emitted, FeePolicy, Genesis};
use enfold_state::codec;
use enfold_state::executor::execute;
use enfold_state::kind::KindId;
use enfold_state::ledger::Ledger;
use enfold_state::store::Store;
use serde_json::Value;

use crate::common::{Folder, csv, enfold, fail, run};

/// Two real blocks, proven: `chain/`, `state/`, `1.proof`, `2.proof` and their data.
pub struct Chain {
    pub folder: Folder,
    /// Results of `enfold prove`.
    proven: [Value; 2],
    /// Roots that the executor alone computes: genesis, after block 1, after block 2.
    pub roots: [String; 3],
}

pub static CHAIN: LazyLock<Chain> = LazyLock::new(|| {
    let folder = Folder::new();
    let (out, state) = (folder.path("chain"), folder.path("state"));
    run(&["import", "--csv", &csv(), "--block", "4369999", "--block", "10760440", "--out", &out]);
    let genesis = folder.path("chain/genesis.bin");
    run(&["init", "--profile", "test", "--data", &state, "--genesis", &genesis]);
    let mut ledger = Ledger::from_genesis(&codec::read_file::<Genesis>(genesis.as_ref()).unwrap()).unwrap();
    let mut roots = vec![ledger.root().to_string()];
    let proven = [1, 2].map(|number| {
        let block = folder.path(&format!("chain/block-{number}.bin"));
        let proof = folder.path(&format!("{number}.proof"));
        let execution = execute(&ledger, &codec::read_file(block.as_ref()).unwrap()).unwrap();
        ledger.apply(&execution).unwrap();
        roots.push(ledger.root().to_string());
        run(&["prove", "--data", &state, "--block", &block, "--out", &proof, "--profile", "test"])
    });
    Chain { folder, proven, roots: roots.try_into().unwrap() }
});

impl Chain {
    pub fn proof(&self, number: usize) -> String {
        self.folder.path(&format!("{number}.proof"))
    }

    fn verify(&self, more: &[&str]) -> Value {
        run(&[&["verify", &self.proof(1), "--profile", "test"], more].concat())
    }

    fn refuse(&self, more: &[&str], exit: i32, kind: &str) -> String {
        fail(&[&["verify", &self.proof(1), "--profile", "test"], more].concat(), exit, kind)
    }
}

fn refuse_bytes(bytes: &[u8], kinds: &[(i32, &str)]) {
    let folder = Folder::new();
    let path = folder.write("proof", bytes);
    let output = enfold().args(["verify", &path, "--profile", "test", "--format", "json"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let result: Value = serde_json::from_str(&text).unwrap();
    let got = (output.status.code().unwrap(), result["error"]["kind"].as_str().unwrap());
    assert!(kinds.contains(&got), "{got:?}: {result}");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!says_valid(&text) && !says_valid(&errors) && !errors.contains("panicked"), "{errors}");
    let output = enfold().args(["verify", &path, "--profile", "test"]).output().unwrap();
    assert!(output.stdout.is_empty() && output.status.code() == Some(got.0));
}

/// Whether a text has the word on which a careless script might wait.
fn says_valid(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word.eq_ignore_ascii_case("valid"))
}

const MALFORMED: (i32, &str) = (3, "malformed_proof");
const REFUSED: (i32, &str) = (1, "proof_invalid");

#[test]
fn real_blocks_are_proven_and_lead_to_the_executors_roots() {
    let chain = &*CHAIN;
    for (number, proven) in (1..).zip(&chain.proven) {
        let statement = &proven["statement"];
        assert_eq!(statement["previous_root"], chain.roots[number - 1]);
        assert_eq!(statement["new_root"], chain.roots[number]);
        assert_eq!((&statement["block_number"], &statement["chain_id"]), (&number.into(), &1.into()));
        assert_eq!(statement["profile"], "test");
        assert_eq!(proven["rejections"], serde_json::json!([]));
        let bytes = std::fs::read(chain.proof(number)).unwrap();
        assert_eq!(proven["proof_bytes"], bytes.len());
    }
    assert_eq!(chain.proven[0]["statement"]["transactions"], 10);
    assert_eq!(chain.proven[0]["statement"]["messages"], 20);
    let state = run(&["inspect", &chain.folder.path("state")]);
    assert_eq!((&state["root"], &state["height"]), (&chain.roots[2].as_str().into(), &2.into()));
    let entries = ["1.proof", "1.proof.data", "2.proof", "2.proof.data", "chain", "state"];
    assert_eq!(chain.folder.names(), entries, "no temporary file stays");
}

#[test]
fn a_proof_verifies_with_all_that_can_be_expected_of_it() {
    let chain = &*CHAIN;
    let [previous, root, other] = &chain.roots;
    let data = chain.folder.path("1.proof.data");
    let expectations = [
        "--expect-prev-root",
        previous,
        "--expect-root",
        root,
        "--expect-chain-id",
        "1",
        "--expect-number",
        "1",
    ];
    let result = chain.verify(&[&expectations[..], &["--data-file", &data]].concat());
    assert_eq!((&result["valid"], &result["data_checked"]), (&true.into(), &true.into()));
    assert_eq!(result["statement"], chain.proven[0]["statement"]);
    assert_eq!(chain.verify(&[])["data_checked"], false);
    let output = enfold().args(["verify", &chain.proof(1), "--profile", "test"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("is valid") && text.contains(root) && text.contains("can be forged"), "{text}");
    let inspected = run(&["inspect", &chain.proof(1), "--profile", "test"]);
    assert_eq!((&inspected["kind"], &inspected["statement"]), (&"proof".into(), &result["statement"]));

    for (option, value) in [
        ("--expect-prev-root", root.as_str()),
        ("--expect-root", previous),
        ("--expect-root", other),
        ("--expect-chain-id", "2"),
        ("--expect-number", "2"),
    ] {
        let message = chain.refuse(&[option, value], 1, "unexpected");
        assert!(
            message.contains("expected") && message.contains(value) && message.contains("got"),
            "{message}"
        );
    }
    chain.refuse(&["--data-file", &chain.folder.path("2.proof.data")], 1, "unexpected");
    chain.refuse(&["--data-file", &chain.folder.path("none")], 3, "missing_file");
    chain.refuse(&["--data-file", &chain.proof(1)], 3, "malformed_file");
    let message = fail(&["verify", &chain.proof(1)], 3, "wrong_profile");
    assert!(message.contains("expected a proof of profile standard, got one of profile test"), "{message}");
    fail(&["verify", &chain.folder.path("none")], 3, "missing_file");
}

#[test]
fn changed_published_data_are_refused() {
    let chain = &*CHAIN;
    let folder = Folder::new();
    let good: BlockData = codec::read_file(chain.folder.path("1.proof.data").as_ref()).unwrap();
    let refuse = |change: &dyn Fn(&mut BlockData), exit, kind| {
        let mut data = good.clone();
        change(&mut data);
        let path = folder.write("data", codec::encode(&data).unwrap());
        chain.refuse(&["--data-file", &path], exit, kind);
    };
    refuse(&|data| data.emitted[0].messages[0].amount += 1, 1, "unexpected");
    refuse(&|data| data.emitted[0].messages.swap(0, 1), 1, "unexpected");
    refuse(&|data| _ = data.emitted[0].messages.pop(), 1, "unexpected");
    refuse(&|data| data.emitted.push(Emitted { kind: KindId::Debit, messages: vec![] }), 1, "unexpected");
    refuse(&|data| data.number = 2, 1, "unexpected");
    refuse(&|data| data.emitted[0].messages[0].amount = 0, 3, "malformed_file");
    let text = folder.write("data", codec::encode_json(&good).unwrap());
    assert_eq!(chain.verify(&["--data-file", &text])["data_checked"], true);
}

#[test]
fn damaged_proofs_are_refused() {
    let good = std::fs::read(CHAIN.proof(1)).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    refuse_bytes(&flipped(0), &[MALFORMED]);
    refuse_bytes(&flipped(8), &[(3, "wrong_version")]);
    refuse_bytes(&flipped(12), &[MALFORMED]);
    refuse_bytes(&flipped(16), &[MALFORMED]);
    // The public inputs are the proof's last 31 elements: each is changed.
    for input in 0..31 {
        refuse_bytes(&flipped(good.len() - 8 * (31 - input)), &[REFUSED]);
    }
    for part in 1..20 {
        refuse_bytes(&flipped(good.len() * part / 20), &[MALFORMED, REFUSED]);
    }
    for length in [0, 1, 23, 24, 1000, good.len() - 1] {
        refuse_bytes(&good[..length], &[MALFORMED]);
    }
    refuse_bytes(&[&good[..], &[0]].concat(), &[MALFORMED]);
    refuse_bytes(&[&good[..], &good[..]].concat(), &[MALFORMED]);
}

#[test]
fn the_state_is_rebuilt_from_published_data_alone() {
    let chain = &*CHAIN;
    let folder = Folder::new();
    let genesis = chain.folder.path("chain/genesis.bin");
    let copy = folder.path("copy");
    let (one, two) = (chain.proof(1), chain.proof(2));
    let rebuild = ["rebuild", "--profile", "test", "--genesis", &genesis];
    let result = run(&[&rebuild[..], &["--data", &copy, &one, &two]].concat());
    assert_eq!((&result["root"], &result["height"]), (&chain.roots[2].as_str().into(), &2.into()));
    assert_eq!(run(&["inspect", &copy])["root"], chain.roots[2]);
    let (original, copied) = (Store::open(chain.folder.path("state").as_ref()), Store::open(copy.as_ref()));
    assert_eq!(original.unwrap().ledger().leaves(), copied.unwrap().ledger().leaves());

    fail(&[&rebuild[..], &["--data", &copy, &one]].concat(), 3, "data_exists");
    // The order is that of the numbers in the proofs, not that of the line or of the names.
    assert_eq!(run(&[&rebuild[..], &[&two, &one, "--expect-root", &chain.roots[2]]].concat())["height"], 2);
    fail(&[&rebuild[..], &["--expect-root", &chain.roots[1], &one, &two]].concat(), 1, "unexpected");
    let named = Folder::new();
    for (name, proof) in [("10.proof", &one), ("9.proof", &two)] {
        std::fs::copy(proof, named.path(name)).unwrap();
        std::fs::copy(format!("{proof}.data"), named.path(&format!("{name}.data"))).unwrap();
    }
    let by_name = run(&[&rebuild[..], &["--chain", &named.path("")]].concat());
    assert_eq!((&by_name["height"], &by_name["root"]), (&2.into(), &chain.roots[2].as_str().into()));
    std::fs::remove_file(named.path("10.proof")).unwrap();
    fail(&[&rebuild[..], &["--chain", &named.path("")]].concat(), 3, "rebuild");
    fail(&[&rebuild[..], &["--chain", &folder.path("")]].concat(), 3, "no_proofs");
    fail(&[&rebuild[..], &["--chain", &named.path(""), &one]].concat(), 2, "usage");
    fail(&[&rebuild[..], &[&one, &one]].concat(), 3, "rebuild");
    std::fs::copy(&one, folder.path("alone.proof")).unwrap();
    fail(&[&rebuild[..], &[&folder.path("alone.proof")]].concat(), 3, "missing_file");
    std::fs::copy(format!("{two}.data"), folder.path("alone.proof.data")).unwrap();
    let fresh = folder.path("fresh");
    fail(&[&rebuild[..], &["--data", &fresh, &folder.path("alone.proof")]].concat(), 1, "unexpected");
    assert!(!std::fs::exists(fresh).unwrap());
}

#[test]
fn huge_files_are_refused_at_once() {
    let folder = Folder::new();
    let path = folder.write("huge", "");
    // Takes no room on the disk, and reads as zeros.
    std::fs::File::options().write(true).open(&path).unwrap().set_len(10 << 30).unwrap();
    let (data, out) = (folder.path("data"), folder.path("out"));
    fail(&["verify", &path], 3, "file_too_large");
    fail(&["inspect", &path], 3, "malformed_file");
    fail(&["init", "--data", &data, "--genesis", &path], 3, "malformed_file");
    fail(&["bundle", "--number", "1", &path, "--out", &out], 3, "file_too_large");
    fail(&["import", "--csv", &path, "--block", "1", "--out", &out], 3, "file_too_large");
    fail(&["prove", "--data", &data, "--block", &path, "--out", &out], 3, "file_too_large");
    // As long as a block may be, but none.
    std::fs::File::options().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    fail(&["prove", "--data", &data, "--block", &path, "--out", &out], 3, "malformed_file");
    // Text that breaks off, and goes on with zeros.
    for text in ["{", "{\"transactions\": [", "block,index"] {
        std::fs::write(&path, text).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(1 << 28).unwrap();
        fail(&["prove", "--data", &data, "--block", &path, "--out", &out], 3, "malformed_file");
        fail(&["inspect", &path], 3, "malformed_file");
        fail(&["import", "--csv", &path, "--block", "1", "--out", &out], 3, "malformed_csv");
    }
    assert_eq!(folder.names(), ["huge"]);
}

#[test]
fn a_damaged_data_directory_is_bad_input() {
    let folder = Folder::new();
    let [chain, data, out] = ["chain", "data", "out"].map(|name| folder.path(name));
    run(&["gen", "--accounts", "4", "--txs", "2", "--out", &chain]);
    run(&["init", "--data", &data, "--genesis", &folder.path("chain/genesis.bin")]);
    let path = folder.path("data/state.redb");
    let whole = std::fs::read(&path).unwrap();
    let account = ["account", "--data", &data, "--index", "1", "--out", &out];
    let damaged = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let message = fail(&account, 3, "data_damaged");
        assert!(message.starts_with(&path), "{message}");
    };
    for length in [100, 4096, whole.len() / 2] {
        damaged(&whole[..length]);
    }
    // The header's version, and the first page.
    for place in [64..80, 4096..8192] {
        let mut bytes = whole.clone();
        bytes[place].fill(0x78);
        damaged(&bytes);
    }
    std::fs::write(&path, &whole).unwrap();
    run(&account);
}

/// A generated block with a state, not proven.
struct World {
    folder: Folder,
    root: Value,
}

impl World {
    fn new(options: &[&str]) -> Self {
        let folder = Folder::new();
        let out = folder.path("chain");
        run(&[&["gen", "--accounts", "6", "--txs", "12", "--fee", "2", "--out", &out], options].concat());
        let (state, genesis) = (folder.path("state"), folder.path("chain/genesis.bin"));
        let root =
            run(&["init", "--profile", "test", "--data", &state, "--genesis", &genesis])["root"].clone();
        Self { folder, root }
    }

    fn block(&self) -> Block {
        codec::read_file(self.folder.path("chain/block-1.bin").as_ref()).unwrap()
    }

    /// `enfold prove` of these bytes fails, leaves no file, and leaves the state as it was.
    fn refuse(&self, block: &[u8], options: &[&str], kind: &str) -> String {
        let (path, state, out) =
            (self.folder.write("block", block), self.folder.path("state"), self.folder.path("out"));
        let before = self.folder.names();
        let arguments = ["prove", "--data", &state, "--block", &path, "--out", &out, "--profile", "test"];
        let message = fail(&[&arguments, options].concat(), 3, kind);
        assert_eq!(self.folder.names(), before);
        assert_eq!(run(&["inspect", &state])["root"], self.root);
        message
    }

    /// A block with one change is refused with `--strict`, and the rule is named.
    fn strict(&self, rule: &str, change: impl FnOnce(&mut Block)) {
        let mut block = self.block();
        change(&mut block);
        let message = self.refuse(&codec::encode(&block).unwrap(), &["--strict"], "invalid_transactions");
        assert!(message.contains(&format!("{rule}: expected")) && message.contains("got"), "{message}");
    }
}

#[test]
fn each_broken_rule_stops_a_strict_block_and_is_named() {
    let world = World::new(&[]);
    let keys: Vec<_> = (0..6).map(|index| enfold_fixtures::accounts::signer(1, index)).collect();
    let sign = |block: &mut Block, change: &dyn Fn(&mut enfold_state::transaction::Transaction)| {
        let signed = &mut block.transactions[0];
        let key = keys.iter().find(|key| key.public_key() == signed.public_key).unwrap();
        change(&mut signed.transaction);
        *signed = key.sign_transaction(signed.transaction);
    };
    world.strict("signature", |block| block.transactions[0].transaction.memo ^= 1);
    world.strict("chain_id", |block| sign(block, &|tx| tx.chain_id = 9));
    world.strict("target", |block| sign(block, &|tx| tx.target = 1));
    let time = world.block().time;
    world.strict("expired", |block| sign(block, &|tx| tx.valid_until = time - 1));
    world.strict("unknown_leaf", |block| sign(block, &|tx| tx.from.0 = 99));
    world.strict("overdraft", |block| sign(block, &|tx| tx.amount = 1 << 61));
    world.strict("fee_floor", |block| sign(block, &|tx| tx.fee = 0));
    world.strict("nonce", |block| block.transactions.push(block.transactions[0]));
    world.strict("owner", |block| {
        let other = block.transactions.iter().find(|tx| tx.public_key != block.transactions[0].public_key);
        block.transactions[0].public_key = other.unwrap().public_key;
    });
}

#[test]
fn blocks_that_cannot_be_executed_are_refused() {
    let world = World::new(&[]);
    let with = |change: &dyn Fn(&mut Block)| {
        let mut block = world.block();
        change(&mut block);
        codec::encode(&block).unwrap()
    };
    let message = world.refuse(&with(&|block| block.chain_id = 9), &[], "wrong_chain_id");
    assert!(message.contains("expected a block of chain 1, got chain 9"), "{message}");
    world.refuse(&with(&|block| block.number = 2), &[], "wrong_block_number");
    let message = world.refuse(&with(&|block| block.time = 1_699_999_999), &[], "block_time");
    assert!(message.contains("1700000000") && message.contains("got 1699999999"), "{message}");
    world.refuse(&with(&|block| block.transactions.clear()), &[], "empty_block");
    world.refuse(
        &with(&|block| block.transactions.iter_mut().for_each(|tx| tx.transaction.memo ^= 1)),
        &[],
        "empty_block",
    );
    let double = |block: &mut Block| block.fees.push(FeePolicy { floor: 0, ..block.fees[0] });
    world.refuse(&with(&double), &[], "fee_policy");

    let good = with(&|_| ());
    world.refuse(&good[..good.len() - 1], &[], "malformed_file");
    world.refuse(&[&good[..], &[0]].concat(), &[], "malformed_file");
    world.refuse(&[1; 100], &[], "malformed_file");
    world.refuse(b"{}", &[], "malformed_file");
    let mut newer = good.clone();
    newer[8] = 3;
    world.refuse(&newer, &[], "wrong_version");
    let genesis = std::fs::read(world.folder.path("chain/genesis.bin")).unwrap();
    world.refuse(&genesis, &[], "wrong_kind");
}

#[test]
fn outputs_and_states_that_cannot_be_used_are_refused_before_any_work() {
    let world = World::new(&[]);
    let (block, state) = (world.folder.path("chain/block-1.bin"), world.folder.path("state"));
    // The message begins with what is wrong.
    let prove = |state: &str, block: &str, out: &str, kind| {
        let arguments = ["prove", "--data", state, "--block", block, "--out", out, "--profile", "test"];
        let message = fail(&arguments, 3, kind);
        let wrong = match kind {
            "missing_data" | "data_locked" => state,
            "missing_file" => block,
            _ => out,
        };
        assert!(message.contains(wrong) && !message.contains(".part"), "{message}");
        assert!(
            [state, block, out].iter().all(|path| *path == wrong || !message.contains(path)),
            "{message}"
        );
        message
    };
    let out = world.folder.path("out");
    let message = prove(&world.folder.path("none"), &block, &out, "missing_data");
    assert!(message.ends_with("got no file; `enfold init` makes one"), "{message}");
    prove(&state, &world.folder.path("none"), &out, "missing_file");
    let message = prove(&state, &block, &world.folder.path("none/out"), "missing_folder");
    assert_eq!(message, format!("{}: no such file or folder", world.folder.path("none/out")));
    world.folder.write("out", "mine");
    prove(&state, &block, &out, "output_exists");
    world.folder.write("other.data", "mine");
    prove(&state, &block, &world.folder.path("other"), "output_exists");
    assert_eq!(std::fs::read(&out).unwrap(), b"mine");
    let open = Store::open(state.as_ref()).unwrap();
    prove(&state, &block, &world.folder.path("third"), "data_locked");
    drop(open);
    assert_eq!(run(&["inspect", &state])["root"], world.root);
    assert_eq!(world.folder.names(), ["chain", "other.data", "out", "state"]);
}

/// Runs a command and kills it when a line of its logs has these words.
pub fn kill_when(arguments: &[&str], words: &str) {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_enfold"))
        .args(arguments)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(words)), "it ended without saying so");
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
}

#[test]
fn invalid_transactions_are_left_out_and_reported() {
    let world = World::new(&["--invalid-share", "0.3"]);
    let genesis = codec::read_file(world.folder.path("chain/genesis.bin").as_ref()).unwrap();
    let mut ledger = Ledger::from_genesis(&genesis).unwrap();
    let block = world.block();
    let execution = execute(&ledger, &block).unwrap();
    assert!(!execution.rejections.is_empty());
    ledger.apply(&execution).unwrap();
    let (state, out) = (world.folder.path("state"), world.folder.path("out"));
    let text = world.folder.write("block.json", codec::encode_json(&block).unwrap());
    // Killed while it plans and builds: no file appears, the state stays, and the block can be proven later.
    let prove = ["prove", "--data", &state, "--block", &text, "--out", &out, "--profile", "test"];
    kill_when(&prove, "building the circuits");
    assert_eq!(world.folder.names(), ["block.json", "chain", "state"]);
    assert_eq!(run(&["inspect", &state])["root"], world.root);

    world.folder.write("out", "replaced");
    let prove = ["prove", "--data", &state, "--block", &text, "--out", &out, "--profile", "test", "--force"];
    let result = run(&[&prove[..], &["--threads", "2"]].concat());
    assert_eq!(result["rejections"], serde_json::to_value(&execution.rejections).unwrap());
    assert_eq!(result["statement"]["new_root"], ledger.root().to_string());
    let root = ledger.root().to_string();
    run(&[
        "verify",
        &out,
        "--profile",
        "test",
        "--expect-root",
        &root,
        "--data-file",
        &format!("{out}.data"),
    ]);
    fail(&prove, 3, "wrong_block_number");
}

#[test]
fn the_demo_shows_a_hot_account_and_says_that_its_profile_is_weak() {
    let folder = Folder::new();
    let out = folder.path("demo");
    let output = enfold().args(["demo", "--quiet", "--out", &out]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("hot") && text.contains("can be forged") && text.contains("rebuilt"), "{text}");
    let proof = folder.path("demo/block-1.proof");
    let statement = run(&["verify", &proof, "--profile", "test"])["statement"].clone();
    assert!(statement["transactions"].as_u64().unwrap() >= 64);
    let data: BlockData = codec::read_file(folder.path("demo/block-1.proof.data").as_ref()).unwrap();
    let messages: Vec<_> = data.emitted.into_iter().flat_map(|batch| batch.messages).collect();
    let hot = enfold_fixtures::accounts::signer(4, 0).address();
    let share =
        messages.iter().filter(|message| message.to_address == hot).count() as f64 / messages.len() as f64;
    assert!((0.30..0.37).contains(&share), "a third of all credits: {share}");
    let genesis = folder.path("demo/genesis.bin");
    let rebuilt = run(&["rebuild", "--profile", "test", "--genesis", &genesis, &proof]);
    assert_eq!(rebuilt["root"], statement["new_root"]);
    fail(&["demo", "--txs", "63"], 2, "usage");
}
