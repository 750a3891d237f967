//! What an operator's surroundings do to the program: signals, full disks, closed pipes, hostile names, readers beside a
//! prover.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Folder, enfold, fail, json as read_json, run};

/// A chain of blocks and a state of profile `test`.
fn chain(blocks: &str) -> Folder {
    chain_of("test", blocks)
}

fn chain_of(profile: &str, blocks: &str) -> Folder {
    let folder = Folder::new();
    run(&["gen", "--accounts", "8", "--txs", "6", "--blocks", blocks, "--out", &folder.path("chain")]);
    let (state, genesis) = (folder.path("state"), folder.path("chain/genesis.bin"));
    run(&["init", "--data", &state, "--genesis", &genesis, "--profile", profile]);
    folder
}

/// A process whose log lines can be waited for. It is ended when this is dropped.
struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .env("ENFOLD_CACHE", "")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (send, lines) = mpsc::channel();
        let errors = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || errors.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { child, lines }
    }

    fn enfold(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_enfold"));
        command.args(arguments);
        Self::start(command)
    }

    /// Waits for a line with these words.
    fn wait_for(&self, words: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(Duration::from_secs(300)) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("no {words:?} in {seen:?}"),
            }
        }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Its exit code when it has ended.
    fn ended(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run_arguments<'a>(state: &'a str, inbox: &'a str) -> Vec<&'a str> {
    vec!["run", "--data", state, "--inbox", inbox, "--profile", "test"]
}

#[test]
fn what_reads_gives_the_same_beside_a_prover_and_after_it() {
    let folder = chain("2");
    let [state, inbox, chain] = ["state", "inbox", "chain"].map(|name| folder.path(name));
    fs::create_dir(&inbox).unwrap();
    fs::copy(folder.path("chain/block-1.bin"), folder.path("inbox/block-1.bin")).unwrap();
    let mut service = Running::enfold(&run_arguments(&state, &inbox));
    service.wait_for("block 1 committed");
    while !fs::exists(folder.path("state/outbox/blocks.jsonl")).unwrap() {
        thread::sleep(Duration::from_millis(20));
    }

    let key = folder.path("key.json");
    run(&["keygen", "--gen-account", "0", "--seed", "1", "--out", &key]);
    let block = format!("{chain}/block-2.bin");
    let id =
        enfold_state::codec::read_file::<enfold_state::block::Block>(format!("{chain}/block-1.bin").as_ref())
            .unwrap()
            .transactions[0]
            .transaction
            .id()
            .to_string();
    let (data, account, receipt) =
        (format!("{state}/outbox/block-1.proof.data"), folder.path("account"), folder.path("receipt"));
    let to = "0".repeat(64);
    let commands: [&[&str]; 6] = [
        &["account", "--data", &state, "--index", "3", "--out", &account, "--force"],
        &[
            "receipt",
            "--data",
            &state,
            "--tx",
            &id,
            "--data-file",
            &data,
            "--profile",
            "test",
            "--out",
            &receipt,
            "--force",
        ],
        &["inspect", &state],
        &["inspect", "block", &block, "--data", &state, "--profile", "test"],
        &["plan", "--data", &state, "--block", &block, "--profile", "test", "--memory", "8G"],
        &["sign", "--key", &key, "--data", &state, "--to", &to, "--amount", "1"],
    ];
    let beside = commands.map(run);
    let status = run(&["status", "--data", &state]);
    assert_eq!((&status["height"], &status["chain_id"]), (&json!(1), &json!(1)));
    assert_eq!(status["prover"]["process"], json!(service.child.id()));
    assert_eq!((&status["prover"]["profile"], &status["under_way"]), (&json!("test"), &json!([])));
    let text =
        String::from_utf8(enfold().args(["status", "--data", &state]).output().unwrap().stdout).unwrap();
    assert!(
        text.contains("is at block 1 of chain 1") && text.contains("has it open, profile test"),
        "{text}"
    );
    // Who writes does not get it.
    fail(&["run", "--data", &state, "--inbox", &inbox, "--once"], 3, "data_locked");

    service.signal("-TERM");
    assert_eq!(service.ended(), Some(0));
    assert!(!fs::exists(folder.path("state/reads.sock")).unwrap());
    assert_eq!(commands.map(run), beside);
    let after = run(&["status", "--data", &state]);
    assert_eq!((&after["root"], &after["prover"]), (&status["root"], &Value::Null));
    // As on a read-only mount: nothing is written, so nothing has to be writable.
    let before = fs::read(folder.path("state/state.redb")).unwrap();
    fs::set_permissions(folder.path("state/state.redb"), fs::Permissions::from_mode(0o444)).unwrap();
    assert_eq!(commands.map(run), beside);
    assert!(fs::read(folder.path("state/state.redb")).unwrap() == before);
}

#[test]
fn signals_that_are_ignored_at_the_start_stay_ignored() {
    let folder = chain("1");
    let [state, inbox] = ["state", "inbox"].map(|name| folder.path(name));
    fs::create_dir(&inbox).unwrap();
    // As nohup does, and a shell with what it starts in the background.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP INT; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_enfold")]);
    command.args(run_arguments(&state, &inbox));
    let mut service = Running::start(command);
    service.wait_for("blocks come from");
    let prover = || run(&["status", "--data", &state])["prover"]["process"].clone();
    assert_eq!(prover(), json!(service.child.id()));
    service.signal("-HUP");
    service.signal("-INT");
    fs::copy(folder.path("chain/block-1.bin"), folder.path("inbox/block-1.bin")).unwrap();
    service.wait_for("block 1 committed");
    assert_eq!(prover(), json!(service.child.id()));
    service.signal("-TERM");
    assert_eq!(service.ended(), Some(0));
}

#[test]
fn a_stop_while_circuits_are_built_is_answered() {
    let folder = chain_of("standard", "1");
    let [state, inbox] = ["state", "inbox"].map(|name| folder.path(name));
    fs::create_dir(&inbox).unwrap();
    fs::copy(folder.path("chain/block-1.bin"), folder.path("inbox/block-1.bin")).unwrap();
    for (name, exit) in [("-TERM", 0), ("-HUP", 0)] {
        // The large circuits, for which it takes long.
        let mut service = Running::enfold(&["run", "--data", &state, "--inbox", &inbox]);
        service.wait_for("building the circuits");
        service.signal(name);
        assert_eq!(service.ended(), Some(exit));
        assert!(service.lines.iter().all(|line| !line.contains("circuits built")));
    }
    let [block, out] = ["chain/block-1.bin", "proof"].map(|name| folder.path(name));
    let mut prover = Running::enfold(&["prove", "--data", &state, "--block", &block, "--out", &out]);
    prover.wait_for("building the circuits");
    prover.signal("-INT");
    assert_eq!(prover.ended(), Some(130));
    assert_eq!(run(&["status", "--data", &state])["under_way"], json!([1]));
}

#[test]
fn a_killed_command_leaves_no_file_behind() {
    let folder = Folder::new();
    run(&["gen", "--accounts", "200000", "--txs", "1", "--out", &folder.path("chain")]);
    let (state, genesis) = (folder.path("state"), folder.path("chain/genesis.bin"));
    let mut init = Running::enfold(&["init", "--data", &state, "--genesis", &genesis]);
    while !fs::exists(&state).unwrap() {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(50));
    init.signal("-KILL");
    init.ended();
    let left: Vec<_> = fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "state.redb"), "{left:?}");
}

#[test]
fn a_trace_replaces_nothing_and_its_errors_are_said() {
    let folder = Folder::new();
    let mine = folder.write("mine", "mine");
    fail(&["config", "--trace", &mine], 3, "output_exists");
    assert_eq!(fs::read(&mine).unwrap(), b"mine");
    fail(&["config", "--trace", &folder.path("")], 3, "write");
    if cfg!(target_os = "linux") {
        let output = enfold().args(["config", "--format", "json", "--trace", "/dev/full"]).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{errors}");
        assert!(errors.starts_with("error: /dev/full: ") && !errors.contains("panicked"), "{errors}");
        // The result stands.
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(result["ok"], true);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn outputs_that_take_nothing_are_errors_and_closed_ones_are_not() {
    let folder = chain("1");
    let inspect = ["inspect", &folder.path("state")];
    for arguments in [&inspect[..], &["--version"], &["--help"], &["verify", "--help"], &["config"]] {
        let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
        let output =
            Command::new(env!("CARGO_BIN_EXE_enfold")).args(arguments).stdout(full()).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{arguments:?}: {errors}");
        assert!(errors.contains("cannot write to stdout") && !errors.contains("panicked"), "{errors}");
        // Logs that cannot be written stop nothing.
        let output = Command::new(env!("CARGO_BIN_EXE_enfold"))
            .args(arguments)
            .arg("-vv")
            .stderr(full())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        let mut child = Command::new(env!("CARGO_BIN_EXE_enfold"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn hostile_names_forge_no_line() {
    let folder = Folder::new();
    let hostile = "x\nerror: forged\r\u{1b}[2J\u{202e}.json";
    let clean = |text: &str, lines: usize| {
        assert!(!text.lines().any(|line| line.starts_with("error: forged")), "{text:?}");
        assert!(!text.contains(['\r', '\u{1b}', '\u{202e}']), "{text:?}");
        assert_eq!(text.lines().count(), lines, "{text:?}");
    };
    let human = |arguments: &[&str]| {
        let output = enfold().args(arguments).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    // A name in an error, in a report, and in a log line; a key in JSON in an error.
    let (_, errors) = human(&["inspect", &folder.path(hostile)]);
    clean(&errors, 1);
    let (text, _) = human(&["keygen", "--out", &folder.path(hostile)]);
    clean(&text, 4);
    let record = folder.write("key", json!({ "secret_key": "00", hostile: 1 }).to_string());
    clean(&human(&["inspect", &record]).1, 1);
    clean(&human(&["config", "--config", &folder.path(hostile)]).1, 1);
    let state = chain("1");
    fs::create_dir(state.path("inbox")).unwrap();
    fs::write(state.path(&format!("inbox/{hostile}")), b"no block").unwrap();
    let (text, errors) =
        human(&[&run_arguments(&state.path("state"), &state.path("inbox"))[..], &["--once"]].concat());
    clean(&text, text.lines().count());
    clean(&errors, errors.lines().count());
}

#[test]
fn keys_that_others_can_read_sign_nothing() {
    let folder = Folder::new();
    let key = folder.path("key.json");
    run(&["keygen", "--out", &key]);
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let to = "0".repeat(64);
    let sign = [
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
        "1",
    ];
    run(&sign);
    for mode in [0o644, 0o640, 0o604, 0o620, 0o777] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let message = fail(&sign, 3, "key_access");
        assert!(message.contains(&format!("got mode {mode:04o} (run chmod 600)")), "{message}");
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
    run(&sign);
    // To look at it is not to use it.
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    run(&["inspect", &key]);
}

#[test]
fn log_lines_of_json_have_fields() {
    let folder = chain("1");
    let [state, block, out] = ["state", "chain/block-1.bin", "proof"].map(|name| folder.path(name));
    let output = enfold()
        .args(["prove", "--data", &state, "--block", &block, "--out", &out, "--profile", "test"])
        .args(["--log-format", "json", "-v"])
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<Value> = errors.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let line = |words: &str| {
        let found = lines.iter().find(|line| line["message"].as_str().unwrap().contains(words));
        found.unwrap_or_else(|| panic!("{words}: {errors}"))
    };
    assert_eq!(line("circuits built")["loaded"], 0);
    assert!(line("circuits built")["elapsed_ms"].as_f64().unwrap() > 0.0);
    assert_eq!((&line("executed")["transactions"], &line("executed")["rejected"]), (&json!(6), &json!(0)));
    assert!(line("proving")["batches"].as_u64().unwrap() > 0);
    assert_eq!(line("wrote")["path"], json!(format!("{out}.data")));
    assert!(line("wrote")["bytes"].as_u64().unwrap() > 0);
    let committed = line("committed");
    assert_eq!((&committed["block"], &committed["height"]), (&json!(1), &json!(1)));
    assert_eq!(
        committed["root"],
        read_json(folder.write("s", run(&["status", "--data", &state]).to_string()))["root"]
    );
    assert_eq!(line("block proven in")["stage"], "block");
}

#[test]
fn many_threads_are_cut_to_what_helps() {
    let folder = chain("1");
    let [state, block, out] = ["state", "chain/block-1.bin", "proof"].map(|name| folder.path(name));
    let prove = ["prove", "--data", &state, "--block", &block, "--out", &out, "--profile", "test"];
    let proven = enfold().args(prove).args(["--threads", "1024"]).output().unwrap();
    // Somebody else's variable does no harm either.
    let shown = enfold().args(["inspect", &state]).env("RAYON_NUM_THREADS", "1000").output().unwrap();
    for (output, threads) in [(proven, 1024), (shown, 1000)] {
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{errors}");
        // On a machine with 256 cores that is right.
        let cores = thread::available_parallelism().unwrap().get();
        assert_eq!(errors.contains(&format!("{threads} threads are too many")), cores < 250, "{errors}");
    }
}

#[test]
fn a_block_from_the_future_waits_and_is_said() {
    let folder = Folder::new();
    let [chain, state] = ["chain", "state"].map(|name| folder.path(name));
    run(&["gen", "--accounts", "4", "--txs", "3", "--genesis-time", "4000000000", "--out", &chain]);
    let genesis = folder.path("chain/genesis.bin");
    run(&["init", "--profile", "test", "--data", &state, "--genesis", &genesis]);
    fs::create_dir(folder.path("in")).unwrap();
    fs::rename(folder.path("chain/block-1.bin"), folder.path("in/block")).unwrap();
    let line = ["run", "--data", &state, "--inbox", &folder.path("in"), "--once", "--settle", "0"];
    let output = enfold().args(line).args(["--format", "json"]).output().unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &result["early"]), (Some(5), &1.into()), "{result}");
    assert_eq!((&result["rejected"], &result["height"]), (&0.into(), &0.into()));
    let message = result["error"]["message"].as_str().unwrap();
    assert!(message.contains("block 1 waiting for its time"), "{message}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("block 1 waits: expected a time of at most 60 s after the clock"), "{said}");
    assert!(said.contains("got 4000000012 (2096-10-02T07:06:52Z)"), "{said}");
    let text = String::from_utf8(enfold().args(line).output().unwrap().stdout).unwrap();
    assert!(text.contains("block 1 waits for its time"), "{text}");
}
