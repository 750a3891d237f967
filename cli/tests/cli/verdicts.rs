//! A forged proof of profile `test`, and all who might be talked into it: nobody is, unless `--profile test` stands on
//! the line.

use std::path::Path;
use std::process::Output;
use std::sync::LazyLock;

use enfold_fixtures::accounts::{secret_key, signer};
use enfold_state::account_proof::AccountProof;
use enfold_state::block::{Block, BlockData, Emitted, Genesis, GenesisLeaf, Place, emitted_chain};
use enfold_state::chain::{empty_queue, no_exits};
use enfold_state::codec;
use enfold_state::hash::Digest;
use enfold_state::keys::SecretKey;
use enfold_state::kind::KindId;
use enfold_state::leaf::{Address, LeafIndex};
use enfold_state::ledger::Ledger;
use enfold_state::message::{Message, Op};
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::profile::ProfileId;
use enfold_state::rebuild::{rebuild, replay};
use enfold_state::receipt::Receipt;
use enfold_state::store::{Circuits, Store};
use enfold_state::transaction::{NO_END, Transaction};
use enfold_verifier::statement::BlockStatement;
use serde_json::Value;

use crate::common::{Folder, enfold, fail, make_receipt, run, verify_receipt};
use crate::forger::forge;
use crate::prove::kill_when;

const BALANCE: u64 = 1_000_000;

/// Of genesis and block.
const TIME: u32 = 1_700_000_000;

/// A theft: block 1 of a chain takes all that its first leaf has, which nobody signed.
///
/// `genesis`, `proofs/block-1.proof` and `.data`, a `receipt` of it and `leaf`, the thief's account after it.
struct Theft {
    folder: Folder,
    genesis: Genesis,
    previous_root: Digest,
    new_root: Digest,
    /// The id that the receipt says, by a nonce of its own.
    id: Digest,
}

static THEFT: LazyLock<Theft> = LazyLock::new(|| {
    let folder = Folder::new();
    let [victim, thief] = [0, 1].map(|index| secret_key(7, index).address());
    let leaf = |address, balance| GenesisLeaf { address, asset: 0, balance };
    let genesis = Genesis {
        chain_id: 1,
        time: TIME,
        shards: 1,
        leaves: vec![leaf(victim, BALANCE), leaf(thief, 0)],
        contracts: vec![],
    };
    let (from, to) = (LeafIndex(0), LeafIndex(1));
    let message = transfer(from, to, BALANCE, thief);
    let data = BlockData { chain_id: 1, number: 1, emitted: vec![debits(vec![message])] };
    let mut ledger = Ledger::from_genesis(&genesis).unwrap();
    let previous_root = ledger.root();
    let writes = replay(&ledger, &data, TIME).unwrap();
    let new_root = ledger.prepare(1, TIME, previous_root, &writes).unwrap().root();
    rebuild(&mut ledger, &data, TIME, previous_root, new_root).unwrap();

    std::fs::create_dir(folder.path("proofs")).unwrap();
    let statement = statement(previous_root, new_root, &data.emitted, 1);
    folder.write("proofs/block-1.proof", forge(&statement));
    folder.write("proofs/block-1.proof.data", codec::encode(&data).unwrap());
    folder.write("genesis", codec::encode(&genesis).unwrap());
    let receipt = Receipt::new(&data, Place { batch: 0, message: 0 }, Nonce::default(), NO_END).unwrap();
    folder.write("receipt", codec::encode(&receipt).unwrap());
    let account = AccountProof::new(&ledger, to).unwrap();
    folder.write("leaf", codec::encode(&account).unwrap());
    // What the thief would like to be read as settings, in the folder of the proofs and beside it.
    for name in ["enfold.toml", "proofs/enfold.toml"] {
        folder.write(name, "profile = \"test\"\n");
    }
    let id = signed_by_nobody(from, Nonce::default(), thief, BALANCE).id();
    Theft { folder, genesis, previous_root, new_root, id }
});

/// A message of a transfer of asset 0, of the first nonce key.
fn transfer(from: LeafIndex, to: LeafIndex, amount: u64, to_address: Address) -> Message {
    Message { op: Op::Transfer, asset: 0, from, nonce_key: NonceKey::First, to, amount, memo: 0, to_address }
}

/// A transfer of asset 0 without a fee or an end.
fn signed_by_nobody(from: LeafIndex, nonce: Nonce, to_address: Address, amount: u64) -> Transaction {
    Transaction {
        op: Op::Transfer,
        chain_id: 1,
        from,
        nonce,
        to_address,
        asset: 0,
        amount,
        fee: 0,
        memo: 0,
        target: 0,
        valid_until: NO_END,
    }
}

fn debits(messages: Vec<Message>) -> Emitted {
    Emitted { kind: KindId::Debit, messages }
}

/// The statement of block 1 of chain 1 with these messages, none of which is a fee.
fn statement(previous_root: Digest, new_root: Digest, emitted: &[Emitted], messages: u32) -> BlockStatement {
    BlockStatement {
        chain_id: 1,
        block_number: 1,
        time: TIME,
        previous_root,
        new_root,
        emitted: emitted_chain(emitted),
        transactions: messages,
        messages,
        queue_before: empty_queue(),
        queue_after: empty_queue(),
        exits: no_exits(),
        profile: ProfileId::Test,
    }
}

impl Theft {
    fn path(&self, name: &str) -> String {
        self.folder.path(name)
    }

    /// Every command line that takes the proof, without a profile.
    fn command_lines(&self, out: &Folder) -> Vec<Vec<String>> {
        let [proof, proofs, genesis] =
            ["proofs/block-1.proof", "proofs", "genesis"].map(|name| self.path(name));
        let (data, receipt, leaf) =
            (self.path("proofs/block-1.proof.data"), self.path("receipt"), self.path("leaf"));
        let [previous, new] = [self.previous_root, self.new_root].map(|root| root.to_string());
        let roots = ["--expect-prev-root", &previous, "--expect-root", &new];
        let back = ["--chain", &proofs, "--genesis", &genesis];
        let state = out.path("state");
        let lines: Vec<Vec<&str>> = vec![
            vec!["verify", &proof],
            [&["verify", &proof, "--data-file", &data, "--expect-chain-id", "1"], &roots[..]].concat(),
            [&["verify", "--chain", &proofs, "--check-data"], &roots[..2]].concat(),
            [&["verify"], &back[..]].concat(),
            vec!["verify-receipt", &receipt, &proof],
            [&["verify-receipt", &receipt, &proof], &roots[..]].concat(),
            [&["verify-receipt", &receipt, &proof], &back[..]].concat(),
            vec!["verify-account", &leaf, &proof],
            [&["verify-account", &leaf, &proof], &back[..]].concat(),
            vec!["rebuild", "--genesis", &genesis, &proof],
            vec!["rebuild", "--genesis", &genesis, "--chain", &proofs, "--data", &state],
            vec!["inspect", &proof],
        ];
        lines.into_iter().map(|line| line.into_iter().map(str::to_owned).collect()).collect()
    }
}

/// Where a command is run, with which variables, and what is added to its line.
type Trick<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

/// Runs a command line in a folder, with variables.
fn run_in(folder: &str, variables: &[(&str, &str)], line: &[String], more: &[&str]) -> Output {
    let mut command = enfold();
    command.current_dir(folder).envs(variables.iter().copied()).args(line).args(more);
    command.output().unwrap()
}

fn says_valid(output: &Output) -> bool {
    let text = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&text)
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| word == "valid" || word == "rebuilt")
}

#[test]
fn with_the_profile_on_the_line_the_forgery_passes_and_is_called_forgeable() {
    let theft = &*THEFT;
    let out = Folder::new();
    for line in theft.command_lines(&out) {
        let result =
            run(&[&line.iter().map(String::as_str).collect::<Vec<_>>()[..], &["--profile", "test"]].concat());
        assert_eq!(result["forgeable"], true, "{line:?}: {result}");
        let _ = std::fs::remove_dir_all(out.path("state"));
        let output = run_in(&theft.path(""), &[], &line, &["--profile", "test"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.lines().next().unwrap().contains("can be forged"), "{text}");
        let _ = std::fs::remove_dir_all(out.path("state"));
    }
}

#[test]
fn no_setting_makes_anybody_accept_the_forgery() {
    let theft = &*THEFT;
    let (settings, out) = (theft.path("enfold.toml"), Folder::new());
    let (home, elsewhere) = (theft.path("proofs"), Folder::new());
    let everywhere = [
        ("ENFOLD_PROFILE", "test"),
        ("ENFOLD_CONFIG", settings.as_str()),
        ("ENFOLD_CACHE", home.as_str()),
        ("ENFOLD_DATA", home.as_str()),
        ("HOME", home.as_str()),
        ("XDG_CONFIG_HOME", home.as_str()),
        ("XDG_CACHE_HOME", home.as_str()),
    ];
    let tricks: [Trick<'_>; 7] = [
        (&elsewhere.path(""), &[], &[]),
        (&elsewhere.path(""), &[("ENFOLD_PROFILE", "test")], &[]),
        (&elsewhere.path(""), &[("ENFOLD_CONFIG", &settings)], &[]),
        (&elsewhere.path(""), &[], &["--config", &settings]),
        (&theft.path(""), &[], &[]),
        (&home, &everywhere, &["--config", &settings]),
        (&home, &everywhere, &["--profile", "standard"]),
    ];
    for line in theft.command_lines(&out) {
        for (folder, variables, more) in tricks {
            let output = run_in(folder, variables, &line, more);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(3), "{line:?} {variables:?} {more:?}: {said}");
            assert!(said.contains("expected a proof of profile standard, got one of profile test"), "{said}");
            assert!(!says_valid(&output) && output.stdout.is_empty(), "{line:?} {variables:?}: {said}");
            assert!(!std::fs::exists(out.path("state")).unwrap());
        }
    }
    // The key is that of the profile on the line, too.
    let key = ["key".to_owned()];
    let plain = run_in(&elsewhere.path(""), &[], &key, &[]).stdout;
    assert!(String::from_utf8_lossy(&plain).starts_with("profile     standard"));
    assert_eq!(run_in(&home, &everywhere, &key, &["--config", &settings]).stdout, plain);
}

/// A settings file that came with the proofs is not even read; one that is named is, but for the profile.
#[test]
fn a_settings_file_in_the_folder_of_the_proofs_is_not_read() {
    let theft = &*THEFT;
    let folder = Folder::new();
    let line = ["verify", &theft.path("proofs/block-1.proof"), "--profile", "test"].map(str::to_owned);
    for text in ["format = \"json\"", "no = such", "profile = \"test\"\nthreads = 0", "\u{0}"] {
        folder.write("enfold.toml", text);
        let output = run_in(&folder.path(""), &[], &line, &[]);
        assert!(output.status.success() && !output.stdout.starts_with(b"{"), "{text}");
    }
    let named = folder.write("named.toml", "format = \"json\"\nprofile = \"standard\"");
    for output in [
        run_in(&folder.path(""), &[("ENFOLD_CONFIG", &named)], &line, &[]),
        run_in(&folder.path(""), &[], &line, &["--config", &named]),
    ] {
        assert!(output.status.success() && output.stdout.starts_with(b"{"));
    }
}

/// Under its own profile a proof holds; under each other it is refused by name, however weak or strong either is.
#[test]
fn a_proof_is_of_one_profile() {
    for of in ProfileId::ALL {
        let proof = format!("{}/../fixtures/golden/{of}.proof", env!("CARGO_MANIFEST_DIR"));
        for profile in ProfileId::ALL {
            let line = ["verify", &proof, "--profile", profile.name()];
            if profile == of {
                let result = run(&line);
                assert_eq!(
                    (&result["valid"], &result["statement"]["profile"]),
                    (&true.into(), &of.name().into())
                );
                assert_eq!(result["forgeable"], of.forgeable());
            } else {
                let message = fail(&line, 3, "wrong_profile");
                let expected = format!("expected a proof of profile {profile}, got one of profile {of}");
                assert!(message.contains(&expected), "{message}");
            }
        }
    }
}

/// The header, and the statement, say another profile: no more than other damaged proofs.
#[test]
fn a_forgery_that_names_another_profile_is_no_proof() {
    let theft = &*THEFT;
    let folder = Folder::new();
    let mut bytes = std::fs::read(theft.path("proofs/block-1.proof")).unwrap();
    bytes[12] = 2;
    let path = folder.write("header.proof", &bytes);
    for profile in ProfileId::ALL.map(ProfileId::name) {
        for command in ["verify", "inspect"] {
            let arguments = [command, &path, "--profile", profile, "--format", "json"];
            let output = enfold().args(arguments).output().unwrap();
            assert!(!output.status.success() && !says_valid(&output), "{arguments:?}");
        }
    }
}

/// The receipt's maker holds a proof beside the data against the profile, and against the roots that it knows.
#[test]
fn receipts_are_not_made_by_a_forgery() {
    let theft = &*THEFT;
    let folder = Folder::new();
    let state = folder.path("state");
    let [genesis, proof] = ["genesis", "proofs/block-1.proof"].map(|name| theft.path(name));
    run(&["rebuild", "--profile", "test", "--genesis", &genesis, "--data", &state, &proof]);
    let (id, out, data) = (theft.id.to_string(), folder.path("out"), format!("{proof}.data"));
    let receipt = make_receipt(&state, &id, &data, &out);
    fail(&receipt, 3, "wrong_profile");
    let line = receipt.map(str::to_owned);
    let output = run_in(&theft.path("proofs"), &[("ENFOLD_PROFILE", "test")], &line, &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(!std::fs::exists(&out).unwrap());
    let result = run(&[&receipt[..], &["--profile", "test"]].concat());
    assert_eq!((&result["forgeable"], &result["proof"]), (&true.into(), &proof.as_str().into()));

    // A forgery of the same messages on other states.
    let data: BlockData = codec::read_file(data.as_ref()).unwrap();
    let mut statement: BlockStatement =
        serde_json::from_value(run(&["verify", &proof, "--profile", "test"])["statement"].clone()).unwrap();
    statement.new_root = Digest::ZERO;
    folder.write("other.proof", forge(&statement));
    let other = folder.write("other.proof.data", codec::encode(&data).unwrap());
    let more = folder.path("more");
    let receipt = make_receipt(&state, &id, &other, &more);
    let message = fail(&[&receipt[..], &["--profile", "test"]].concat(), 1, "unexpected");
    assert!(message.contains("expected new root"), "{message}");
}

/// Proofs that lie where an interrupted run would have left its own are not reused.
#[test]
fn a_run_does_not_take_up_a_forgery() {
    let theft = &*THEFT;
    let folder = Folder::new();
    let (state, out) = (folder.path("state"), folder.path("block-1.proof"));
    run(&["init", "--data", &state, "--genesis", &theft.path("genesis")]);
    let thief = secret_key(7, 1);
    let transaction = signed_by_nobody(LeafIndex(0), Nonce::default(), thief.address(), 5);
    let signed = secret_key(7, 0).sign_transaction(transaction);
    let block = Block { chain_id: 1, number: 1, time: TIME, fees: vec![], transactions: vec![signed] };
    let path = folder.write("block-1.bin", codec::encode(&block).unwrap());
    let prove = ["prove", "--data", &state, "--block", &path, "--out", &out];
    // Begun, and stopped before the first proof.
    kill_when(&prove, "building the circuits");
    let mut ledger = Ledger::from_genesis(&theft.genesis).unwrap();
    let execution = enfold_state::executor::execute(&ledger, &block).unwrap();
    let previous_root = ledger.root();
    ledger.apply(&execution).unwrap();
    let emitted = vec![debits(execution.credits.clone())];
    let forged = forge(&statement(previous_root, ledger.root(), &emitted, 1));
    let jobs = std::fs::read_dir(Path::new(&state).join("jobs")).unwrap();
    let job = jobs.map(|entry| entry.unwrap().path()).next().expect("the job that was begun");
    std::fs::write(job.join("block.proof"), &forged).unwrap();
    kill_when(&prove, "building the circuits");
    assert_eq!(run(&["inspect", &state])["height"], 0);

    folder.write("block-1.proof", &forged);
    fail(&prove, 3, "output_exists");
    // And the data directory says which profile it is of, not the surroundings.
    let line = prove.map(str::to_owned);
    for (variables, more) in [
        (&[("ENFOLD_PROFILE", "test")][..], &[][..]),
        (&[], &["--config", &theft.path("enfold.toml")]),
        (&[], &["--profile", "test"]),
    ] {
        let output = run_in(&folder.path(""), variables, &line, more);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("expected profile standard") && said.contains("got profile test"), "{said}");
    }
    let inbox = folder.path("inbox");
    std::fs::create_dir(&inbox).unwrap();
    let serve = ["run", "--data", &state, "--inbox", &inbox, "--once"].map(str::to_owned);
    let output = run_in(&theft.path("proofs"), &[], &serve, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(run(&["inspect", &state])["height"], 0);
}

/// What is called anchored is, and the rest is called unchecked.
#[test]
fn the_headline_says_what_the_roots_were_held_against() {
    let theft = &*THEFT;
    let [proof, receipt, leaf, genesis] =
        ["proofs/block-1.proof", "receipt", "leaf", "genesis"].map(|name| theft.path(name));
    let [previous, new] = [theft.previous_root, theft.new_root].map(|root| root.to_string());
    let lines = [
        vec!["verify", &proof],
        vec!["verify-receipt", &receipt, &proof],
        vec!["verify-account", &leaf, &proof],
    ];
    let anchors: [(&[&str], Value, &str); 4] = [
        (&[], serde_json::json!([]), "unchecked"),
        (
            &["--expect-prev-root", &previous],
            serde_json::json!(["previous_root"]),
            "from the expected previous root",
        ),
        (&["--expect-root", &new], serde_json::json!(["root"]), "to the expected root"),
        (&["--genesis", &genesis], serde_json::json!(["genesis"]), "from this genesis"),
    ];
    for line in &lines {
        for (options, expected, words) in &anchors {
            let arguments = [&line[..], options, &["--profile", "test"]].concat();
            assert_eq!(run(&arguments)["anchored_to"], *expected, "{arguments:?}");
            let text = String::from_utf8(enfold().args(&arguments).output().unwrap().stdout).unwrap();
            assert!(text.lines().next().unwrap().contains(words), "{text}");
            // The chain is named where nothing says that it is the right one: a genesis says it, a root does not.
            let checked = options.first() == Some(&"--genesis");
            assert_eq!(run(&arguments)["chain_id_checked"], checked, "{arguments:?}");
            assert_eq!(text.lines().next().unwrap().contains(", chain 1 unchecked"), !checked, "{text}");
            let text_of_chain =
                enfold().args(&arguments).args(["--expect-chain-id", "1"]).output().unwrap().stdout;
            let headline = String::from_utf8(text_of_chain).unwrap().lines().next().unwrap().to_owned();
            assert!(headline.contains(words) && !headline.contains("chain 1 unchecked"), "{headline}");
            assert_eq!(
                text.contains("Nothing shows"),
                options.is_empty() || line[0] == "verify-receipt" && *words == "to the expected root",
                "{text}"
            );
        }
        for (option, value) in [
            ("--expect-prev-root", new.as_str()),
            ("--expect-root", &previous),
            ("--expect-chain-id", "2"),
            ("--expect-number", "2"),
        ] {
            fail(&[&line[..], &[option, value, "--profile", "test"]].concat(), 1, "unexpected");
        }
    }
}

/// A data directory that was made before it had a profile gets one with its next block.
#[test]
fn an_older_data_directory_gets_the_profile_of_its_next_block() {
    let folder = Folder::new();
    run(&["gen", "--accounts", "4", "--txs", "3", "--blocks", "2", "--out", &folder.path("chain")]);
    let (state, genesis) = (folder.path("state"), folder.path("chain/genesis.bin"));
    drop(Store::create(state.as_ref(), &codec::read_file(genesis.as_ref()).unwrap()).unwrap());
    assert_eq!(run(&["inspect", &state])["profile"], Value::Null);
    let prove = |number: u32, more: &[&str]| {
        let [block, out] =
            [format!("chain/block-{number}.bin"), format!("{number}.proof")].map(|name| folder.path(&name));
        let line = ["prove", "--data", &state, "--block", &block, "--out", &out];
        [&line[..], more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    fn words(line: &[String]) -> Vec<&str> {
        line.iter().map(String::as_str).collect()
    }
    run(&words(&prove(1, &["--profile", "test"])));
    let shown = run(&["inspect", &state]);
    assert_eq!(
        (&shown["profile"], &shown["key"]),
        (&"test".into(), &run(&["key", "--profile", "test"])["key"])
    );
    let message = fail(&words(&prove(2, &["--profile", "standard"])), 3, "data_profile");
    assert!(
        message.contains("expected profile test") && message.contains("got profile standard"),
        "{message}"
    );
    let output = run_in(&folder.path(""), &[("ENFOLD_PROFILE", "standard")], &prove(2, &[]), &[]);
    assert_eq!(output.status.code(), Some(3));
    // Without a word it goes on as it is.
    assert_eq!(run(&words(&prove(2, &[])))["statement"]["profile"], "test");
    run(&["verify", "--profile", "test", "--chain", &folder.path(""), "--genesis", &genesis]);
}

/// Neither does a program prove blocks in a data directory of other circuits.
#[test]
fn a_data_directory_of_another_key_is_refused() {
    let folder = Folder::new();
    run(&["gen", "--accounts", "4", "--txs", "3", "--out", &folder.path("chain")]);
    let (state, genesis) = (folder.path("state"), folder.path("chain/genesis.bin"));
    let circuits = Circuits { profile: ProfileId::Test as u32, key: Digest::ZERO };
    let genesis = codec::read_file(genesis.as_ref()).unwrap();
    drop(Store::create_for(state.as_ref(), &genesis, circuits).unwrap());
    let (block, out) = (folder.path("chain/block-1.bin"), folder.path("1.proof"));
    let key = run(&["key", "--profile", "test"])["key"].as_str().unwrap().to_owned();
    for more in [&[][..], &["--profile", "test"], &["--profile", "standard"]] {
        let line = [&["prove", "--data", &state, "--block", &block, "--out", &out], more].concat();
        let message = fail(&line, 3, "data_key");
        assert!(message.contains(&Digest::ZERO.to_string()) && message.contains(&key), "{message}");
    }
    assert_eq!(run(&["inspect", &state])["key"], Digest::ZERO.to_string());
}

/// A leaf signs six like transfers, and a block executes three of them, in two batches. The maker of a receipt says which
/// one it is for; an id is believed only where nothing else is possible.
#[test]
fn no_receipt_is_for_a_like_transaction() {
    let folder = Folder::new();
    let [sender, receiver] = [0, 1].map(|index| secret_key(7, index));
    let leaf = |key: &SecretKey, balance| GenesisLeaf { address: key.address(), asset: 0, balance };
    let genesis = Genesis {
        chain_id: 1,
        time: TIME,
        shards: 1,
        leaves: vec![leaf(&sender, BALANCE), leaf(&receiver, 0)],
        contracts: vec![],
    };
    let (from, to, to_address) = (LeafIndex(0), LeafIndex(1), receiver.address());
    let message = transfer(from, to, 5, to_address);
    // One of the other key is none of those.
    let other = Message { nonce_key: NonceKey::Second, ..message };
    let emitted = [vec![message, other, message], vec![message], vec![other]].map(debits).to_vec();
    let data = BlockData { chain_id: 1, number: 1, emitted };
    let mut ledger = Ledger::from_genesis(&genesis).unwrap();
    let account = |ledger: &Ledger, name: &str| {
        folder.write(name, codec::encode(&AccountProof::new(ledger, from).unwrap()).unwrap())
    };
    let (previous_root, before) = (ledger.root(), account(&ledger, "before"));
    let writes = replay(&ledger, &data, TIME).unwrap();
    let new_root = ledger.prepare(1, TIME, previous_root, &writes).unwrap().root();
    rebuild(&mut ledger, &data, TIME, previous_root, new_root).unwrap();
    let after = account(&ledger, "after");
    let proof = folder.write("proof", forge(&statement(previous_root, new_root, &data.emitted, 5)));
    let data_file = folder.write("data", codec::encode(&data).unwrap());

    // What is expected of a receipt for a message, by its nonce: the kind of the error, or `None` where it is taken.
    let check = |place: Place, files: &[&str], expected: [Option<&str>; 6]| {
        for (nonce, expected) in (0..).zip(expected) {
            let key = data.emitted[place.batch].messages[place.message].nonce_key;
            let transaction = signed_by_nobody(from, Nonce::new(nonce, key), to_address, 5);
            let signed = sender.sign_transaction(transaction);
            let receipt = Receipt::new(&data, place, transaction.nonce, NO_END).unwrap();
            let receipt = receipt.with_signed(&signed).unwrap();
            let path = folder.write("receipt", codec::encode(&receipt).unwrap());
            let id = signed.transaction.id().to_string();
            let line = [&verify_receipt(&path, &proof)[..], files].concat();
            let with_id = [&line[..], &["--tx", &id]].concat();
            match expected {
                None => assert_eq!(run(&with_id)["id"], id.as_str(), "{place}, {nonce}"),
                Some(kind) => {
                    fail(&with_id, if kind == "usage" { 2 } else { 1 }, kind);
                }
            }
            if expected != Some("unexpected") {
                let id = if expected.is_none() { id.as_str().into() } else { Value::Null };
                assert_eq!(run(&line)["id"], id, "{place}, {nonce}");
            }
        }
    };
    let [before, after, data_file] =
        [["--account", &before], ["--account", &after], ["--data-file", &data_file]];
    let (no, open) = (Some("unexpected"), Some("unknown_nonce"));
    let [first, of_other_key, second, third] =
        [(0, 0), (0, 1), (0, 2), (1, 0)].map(|(batch, message)| Place { batch, message });
    // One side alone bounds the nonce from there, and in the first batch, from both sides.
    check(first, &before, [None, no, no, no, no, no]);
    check(second, &before, [no, None, no, no, no, no]);
    check(of_other_key, &before, [None, no, no, no, no, no]);
    check(of_other_key, &after, [open, open, no, no, no, no]);
    check(third, &before, [open, open, open, open, open, open]);
    check(first, &after, [open, open, no, no, no, no]);
    check(third, &after, [open, open, open, no, no, no]);
    // Both sides leave open what is in other batches.
    let both = [before, after].concat();
    check(second, &both, [no, None, no, no, no, no]);
    check(third, &both, [open, open, open, no, no, no]);
    // The data say all.
    for side in [before, after] {
        check(third, &[side, data_file].concat(), [no, no, None, no, no, no]);
    }
    check(third, &data_file, [no, no, Some("usage"), Some("usage"), Some("usage"), Some("usage")]);
    let other = folder.write("other", codec::encode(&BlockData { emitted: vec![], ..data.clone() }).unwrap());
    let path = folder.path("receipt");
    let line = [&verify_receipt(&path, &proof)[..], &["--data-file", &other]].concat();
    assert!(fail(&line, 1, "unexpected").contains("expected 5 messages, got 0"));
}

/// No message says until when a transaction was valid, or whose key signed it.
#[test]
fn a_receipt_of_a_transaction_with_an_end_is_of_its_signer() {
    let folder = Folder::new();
    let [sender, receiver] = [1, 2].map(|index| signer(7, index));
    assert!(!sender.owner.is_none());
    let leaf = GenesisLeaf { address: sender.address(), asset: 0, balance: BALANCE };
    let genesis = Genesis { chain_id: 1, time: TIME, shards: 1, leaves: vec![leaf], contracts: vec![] };
    let (from, to) = (LeafIndex(0), LeafIndex(1));
    let message = Message { nonce_key: NonceKey::Second, ..transfer(from, to, 5, receiver.address()) };
    let data = BlockData { chain_id: 1, number: 1, emitted: vec![debits(vec![message])] };
    let ledger = Ledger::from_genesis(&genesis).unwrap();
    let previous_root = ledger.root();
    let writes = replay(&ledger, &data, TIME).unwrap();
    let new_root = ledger.prepare(1, TIME, previous_root, &writes).unwrap().root();
    let genesis = folder.write("genesis", codec::encode(&genesis).unwrap());
    let statement = statement(previous_root, new_root, &data.emitted, 1);
    let proof = folder.write("1.proof", forge(&statement));
    let data = folder.write("1.proof.data", codec::encode(&data).unwrap());
    let (state, out, account) = (folder.path("state"), folder.path("receipt.json"), folder.path("account"));
    run(&["rebuild", "--profile", "test", "--genesis", &genesis, "--data", &state, &proof]);
    run(&["account", "--data", &state, "--index", "0", "--out", &account]);

    let nonce = Nonce::new(0, NonceKey::Second);
    let endless = signed_by_nobody(from, nonce, receiver.address(), 5);
    let signed = sender.sign_transaction(Transaction { valid_until: TIME + 7, ..endless });
    let signed_file = folder.write("signed", codec::encode(&signed).unwrap());
    let id = signed.transaction.id().to_string();
    let receipt = make_receipt(&state, &id, &data, &out);
    let receipt = [&receipt[..], &["--profile", "test", "--force"]].concat();
    let message = fail(&receipt, 3, "unknown_transaction");
    assert!(message.contains("give --valid-until or --signed"), "{message}");
    let end = (TIME + 7).to_string();
    let made = run(&[&receipt[..], &["--valid-until", &end]].concat());
    assert_eq!((&made["valid_until"], &made["nonce"]), (&(TIME + 7).into(), &(1_u64 << 32).into()));
    fail(&[&receipt[..], &["--valid-until", "5"]].concat(), 3, "unknown_transaction");
    run(&[&receipt[..], &["--signed", &signed_file]].concat());
    // What is listed is the id that it would have without an end.
    let ids = run(&["ids", "--profile", "test", "--data", &state, "--data-file", &data]);
    assert_eq!(ids["transactions"][0]["id"], endless.id().to_string());
    assert_eq!(ids["transactions"][0]["valid_until"], NO_END);

    let more = ["--tx", &id, "--account", &account, "--data-file", &data];
    let verify = [&verify_receipt(&out, &proof)[..], &more].concat();
    let result = run(&verify);
    assert_eq!(
        (&result["id"], &result["owner"]),
        (&id.as_str().into(), &sender.address().to_string().into())
    );
    assert_eq!(result["signed"]["l1_owner"], sender.owner.to_string());
    assert_eq!(result["nonces"], serde_json::json!({ "key": 1, "first": 0, "last": 0 }));
    // The signature covers the end, and an owner beside the key is another signer.
    let good: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    for (pointer, value, kind) in [
        ("/valid_until", (TIME + 8).into(), "receipt_invalid"),
        ("/nonce", 0.into(), "receipt_invalid"),
        ("/authorization/owner", Value::Null, "unexpected"),
    ] {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        folder.write("receipt.json", changed.to_string());
        let message = fail(&verify, 1, kind);
        assert!(kind != "unexpected" || message.contains("expected signer"), "{message}");
    }
    // Nor is it one that was void by then, whoever signed it.
    let void = sender.sign_transaction(Transaction { valid_until: TIME - 1, ..endless });
    let published: BlockData = codec::read_file(data.as_ref()).unwrap();
    let void = Receipt::new(&published, Place { batch: 0, message: 0 }, nonce, TIME - 1)
        .and_then(|receipt| receipt.with_signed(&void))
        .unwrap();
    let void = folder.write("void", codec::encode(&void).unwrap());
    let message = fail(&verify_receipt(&void, &proof), 1, "receipt_invalid");
    assert!(message.contains(&format!("valid until {TIME}, the block's time")), "{message}");
    // A block is not older than the genesis that it is held against.
    let early = folder.write("early.proof", forge(&BlockStatement { time: TIME - 1, ..statement }));
    run(&["verify", "--profile", "test", &proof, "--genesis", &genesis]);
    let message = fail(&["verify", "--profile", "test", &early, "--genesis", &genesis], 1, "unexpected");
    assert!(message.contains("expected time of at least 1700000000"), "{message}");
}
