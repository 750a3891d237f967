//! Logs, traces and metrics of a prover, and `enfold run`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::common::{Folder, enfold, json, run};

/// A chain of three small blocks and a state.
fn chain() -> Folder {
    chain_of(["--accounts", "8", "--txs", "6", "--blocks", "3"])
}

/// A chain of generated blocks and a state.
fn chain_of(options: [&str; 6]) -> Folder {
    let folder = Folder::new();
    run(&[&["gen"], &options[..], &["--out", &folder.path("chain")]].concat());
    run(&[
        "init",
        "--profile",
        "test",
        "--data",
        &folder.path("state"),
        "--genesis",
        &folder.path("chain/genesis.bin"),
    ]);
    folder
}

#[test]
fn logs_are_json_and_the_trace_has_the_spans() {
    // A block that needs a fold.
    let folder = chain_of(["--accounts", "40", "--txs", "80", "--blocks", "1"]);
    let [state, block, out, trace] =
        ["state", "chain/block-1.bin", "proof", "trace.json"].map(|name| folder.path(name));
    let output = enfold()
        .args(["prove", "--data", &state, "--block", &block, "--out", &out, "--profile", "test"])
        .args(["--log-format", "json", "--trace", &trace])
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    let lines: Vec<Value> =
        errors.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert!(
        lines.len() > 4 && lines.iter().all(|line| line["level"] == "INFO" && line["message"].is_string())
    );
    // Every span that the prover documents is in the trace.
    let events = json(trace);
    let named = |name: &str| events.as_array().unwrap().iter().filter(|event| event["name"] == name).count();
    for name in [
        "prepare", "execute", "witness", "circuits", "restore", "prove", "batch", "lift", "fold", "block",
        "verify", "write", "commit",
    ] {
        assert!(named(name) >= 2, "{name} begins and ends");
    }
    let batch = events.as_array().unwrap().iter().find(|event| event["name"] == "batch").unwrap();
    assert!(batch["args"]["circuit"].is_string(), "{batch}");
    let absent = folder.path("none/trace");
    crate::common::fail(&["config", "--trace", &absent], 3, "write");
}

/// The lines on stderr, each an object with a time, a level and words.
fn json_lines(errors: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(errors).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of JSON"));
    let lines: Vec<_> = lines.collect();
    for line in &lines {
        let parts = ["timestamp", "level", "message"]
            .map(|part| line[part].as_str().is_some_and(|text| !text.is_empty()));
        assert_eq!(parts, [true; 3], "{line}");
    }
    lines
}

/// Errors are lines of the logs, wherever they come from.
#[test]
fn errors_are_json_where_the_logs_are() {
    let folder = Folder::new();
    let (none, settings) =
        (folder.path("none.proof"), folder.write("enfold.toml", "log_format = \"json\"\n"));
    let wrong = folder.write("wrong.toml", "threads = \"many\"\n");
    for (arguments, variables, exit) in [
        (&["verify", &none, "--log-format", "json"][..], &[][..], 3),
        (&["verify", &none, "--log-format=json"], &[], 3),
        (&["verify", &none], &[("ENFOLD_LOG_FORMAT", "json")], 3),
        (&["verify", &none, "--log", "off"], &[("ENFOLD_LOG_FORMAT", "json")], 3),
        (&["prove", "--frobnicate", "--log-format", "json"], &[], 2),
        (&["prove", "--frobnicate"], &[("ENFOLD_LOG_FORMAT", "json")], 2),
        (&["prove", "--frobnicate", "--config", &settings], &[], 2),
        (&["verify", "-h.proof", "--log-format", "json"], &[], 2),
        (&["keygen", "--config", &wrong, "--log-format", "json"], &[], 3),
    ] {
        for format in ["human", "json"] {
            let output =
                enfold().envs(variables.iter().copied()).args(arguments).args(["--format", format]).output();
            let output = output.unwrap();
            assert_eq!(output.status.code(), Some(exit), "{arguments:?}");
            let lines = json_lines(&output.stderr);
            assert_eq!(lines.last().unwrap()["level"], "ERROR", "{arguments:?}: {lines:?}");
            if format == "json" {
                let result: Value = serde_json::from_slice(&output.stdout).unwrap();
                assert_eq!(result["error"]["message"], lines.last().unwrap()["message"]);
            }
        }
    }
    // The form of the result, too, is what the surroundings say.
    let output = enfold().env("ENFOLD_FORMAT", "json").args(["prove", "--frobnicate"]).output().unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["error"]["kind"], "usage");
}

/// JSON keeps characters that end a line for some readers, or steer a terminal; they are escaped, and read back the same.
#[test]
#[cfg(unix)]
fn nothing_in_json_steers_a_terminal() {
    let folder = Folder::new();
    let hostile = "a\u{2028}b\u{2029}c\u{9b}2Jd\u{85}e\u{202e}f\u{200f}g\u{7f}h\u{1b}[2J\ni";
    let inbox = folder.path("in");
    std::fs::create_dir(&inbox).unwrap();
    let (chain, state) = (folder.path("chain"), folder.path("state"));
    run(&["gen", "--accounts", "4", "--txs", "3", "--out", &chain]);
    let genesis = folder.path("chain/genesis.bin");
    run(&["init", "--profile", "test", "--data", &state, "--genesis", &genesis]);
    std::fs::copy(genesis, Path::new(&inbox).join(hostile)).unwrap();
    let service = ["run", "--data", &state, "--inbox", &inbox, "--once", "--settle", "0"];
    let rejected =
        enfold().args(service).args(["--log-format", "json", "--format", "json"]).output().unwrap();
    let absent = folder.path(&format!("{hostile}.proof"));
    let verify = ["verify", &absent, "--log-format", "json", "--format", "json"];
    let failed = enfold().args(verify).output().unwrap();
    for output in [&rejected, &failed] {
        for stream in [&output.stdout, &output.stderr] {
            let text = std::str::from_utf8(stream).unwrap();
            let raw = |c: char| {
                c.is_control() && c != '\n' || ('\u{2028}'..='\u{202e}').contains(&c) || c == '\u{200f}'
            };
            assert!(!text.contains(raw), "{text:?}");
        }
    }
    let said = |line: &Value| {
        line.to_string().contains(&serde_json::json!(hostile).to_string().trim_matches('"').to_owned())
    };
    assert!(json_lines(&rejected.stderr).iter().any(said), "{}", String::from_utf8_lossy(&rejected.stderr));
    json_lines(&failed.stderr);
}

/// What the metrics' port answers.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
#[cfg(unix)]
fn a_service_proves_an_inbox_serves_metrics_and_ends_on_a_signal() {
    let folder = chain();
    let [state, inbox] = ["state", "chain"].map(|name| folder.path(name));
    // The genesis in the folder is no block.
    let mut child = Command::new(env!("CARGO_BIN_EXE_enfold"))
        .args([
            "run",
            "--data",
            &state,
            "--inbox",
            &inbox,
            "--profile",
            "test",
            "--metrics",
            "0",
            "--format",
            "json",
        ])
        .env("ENFOLD_CACHE", "")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let line = errors.find(|line| line.contains("metrics at http://127.0.0.1:")).unwrap();
    let address = line.split("http://").nth(1).unwrap().trim_end_matches("/metrics").to_owned();
    assert!(errors.any(|line| line.contains("block 3 committed")));
    // The list is written just after the commit.
    let list = folder.path("state/outbox/blocks.jsonl");
    let listed = || std::fs::read_to_string(&list).map_or(0, |text| text.lines().count());
    while listed() < 3 {
        std::thread::sleep(Duration::from_millis(20));
    }
    // The genesis is given a moment to become a block.
    let rejected = "enfold_blocks_total{result=\"rejected\"} 1\n";
    while !get(&address, "/metrics").contains(rejected) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = get(&address, "/metrics");
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("text/plain; version=0.0.4"), "{text}");
    for line in [
        "enfold_block_height 3",
        "enfold_blocks_total{result=\"proven\"} 3",
        "enfold_blocks_total{result=\"rejected\"} 1",
        "enfold_rejected_files 1",
        "enfold_waiting_blocks 0",
        "enfold_early_blocks 0",
        "enfold_transactions_total{result=\"executed\"} 18",
        "enfold_proofs_total{stage=\"block\"} 3",
        "enfold_proofs_left{stage=\"batch\"} 0",
        "enfold_proof_seconds_count{stage=\"lift\"} 3",
        "enfold_proof_seconds_count{stage=\"fold\"} 0",
        "# TYPE enfold_proof_seconds histogram",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    for line in ["enfold_ready 1", "enfold_block_under_way 0"] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert!(text.contains("enfold_build_info{profile=\"test\",version=\""), "{text}");
    assert!(get(&address, "/health").starts_with("HTTP/1.1 200"));
    assert!(get(&address, "/ready").starts_with("HTTP/1.1 200"));
    assert!(get(&address, "/").starts_with("HTTP/1.1 404"));

    let stopped = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let result: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&result["proven"], &result["rejected"], &result["stopped"]),
        (&3.into(), &1.into(), &true.into())
    );
    assert_eq!(result["height"], 3);
    let rejected =
        std::fs::read_dir(folder.path("state/rejected")).unwrap().map(|entry| entry.unwrap().path());
    let reason = rejected.into_iter().find(|path| path.to_string_lossy().ends_with(".reason.json")).unwrap();
    assert_eq!(json(reason)["file"], "genesis.bin");
    // Nothing is left to do.
    let again = run(&["run", "--data", &state, "--inbox", &inbox, "--profile", "test", "--once"]);
    assert_eq!((&again["proven"], &again["root"]), (&0.into(), &result["root"]));
    let proof = folder.path("state/outbox/block-3.proof");
    run(&["verify", &proof, "--profile", "test", "--data-file", &format!("{proof}.data")]);
}

#[test]
fn a_service_starts_on_folders_apart_that_are_there() {
    let folder = chain();
    let [state, inbox, out] = ["state", "in", "out"].map(|name| folder.path(name));
    let service = |more: &[&str]| {
        let mut line = vec!["run", "--data", &state, "--profile", "test", "--once"];
        line.extend(more);
        line.iter().map(|&word| word.to_owned()).collect::<Vec<_>>()
    };
    let fails = |more: &[&str], kind| {
        let line = service(more);
        crate::common::fail(&line.iter().map(String::as_str).collect::<Vec<_>>(), 3, kind)
    };
    let message = fails(&["--inbox", &inbox], "missing_folder");
    assert!(message.contains(&inbox) && message.contains("--create"), "{message}");
    assert!(!Path::new(&inbox).exists());
    std::fs::create_dir(&inbox).unwrap();
    fails(&["--inbox", &inbox, "--outbox", &out], "missing_folder");
    fails(&["--inbox", &folder.write("file", "x")], "folder");
    let other = folder.path("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::copy(folder.path("state/state.redb"), folder.path("other/state.redb")).unwrap();
    let before = folder.names();
    for overlap in [
        ["--inbox", &state, "--outbox", &inbox],
        ["--inbox", &inbox, "--outbox", &inbox],
        ["--inbox", &inbox, "--rejected", &folder.path("in/bad")],
        ["--inbox", &folder.path("state/queue"), "--outbox", &inbox],
        ["--inbox", &inbox, "--cache-dir", &inbox],
        ["--inbox", &inbox, "--trace", &folder.path("in/trace.json")],
        ["--inbox", &inbox, "--config", &folder.write("in/enfold.toml", "")],
        ["--inbox", &folder.path("else/.claimed"), "--outbox", &inbox],
        ["--inbox", &inbox, "--outbox", &other],
        ["--inbox", &folder.path("other/queue"), "--outbox", &inbox],
    ] {
        fails(&[&overlap[..], &["--create"]].concat(), "folders_overlap");
    }
    std::fs::remove_file(folder.path("in/enfold.toml")).unwrap();
    assert_eq!(std::fs::read_dir(&inbox).unwrap().count(), 0);
    assert_eq!(folder.names(), before, "nothing was made or moved");
    assert!(Path::new(&folder.path("state/state.redb")).exists());
    let line = service(&["--inbox", &inbox, "--outbox", &out, "--create"]);
    let output = enfold().args(&line).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    for said in ["profile test, chain 1", "at block 0, state root", &inbox, &out] {
        assert!(errors.contains(said), "{said}: {errors}");
    }
}

#[test]
fn a_service_that_leaves_blocks_says_so() {
    let folder = chain();
    let [state, inbox] = ["state", "in"].map(|name| folder.path(name));
    std::fs::create_dir(&inbox).unwrap();
    let line = ["run", "--data", &state, "--inbox", &inbox, "--profile", "test", "--once", "--settle", "0"];
    for number in [2, 3] {
        std::fs::copy(
            folder.path(&format!("chain/block-{number}.bin")),
            folder.path(&format!("in/{number}.proof")),
        )
        .unwrap();
    }
    folder.write("in/noise", "no block");
    let output = enfold().args(line).args(["--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&result["ok"], &result["error"]["kind"]), (&false.into(), &"blocks_left".into()), "{result}");
    assert_eq!((&result["waiting"], &result["missing"]), (&2.into(), &1.into()), "{result}");
    assert_eq!((&result["rejected"], &result["height"]), (&1.into(), &0.into()), "{result}");
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("block 1 is missing: 2 blocks wait for it"), "{errors}");
    // They still wait, and the reader of words is told too.
    let output = enfold().args(line).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("2 blocks wait for block 1, which is missing"), "{text}");
}

/// Real processes, really killed, at moments of their starts, proofs and commits.
#[test]
#[cfg(unix)]
fn a_service_that_is_killed_goes_on() {
    let folder = chain();
    let [state, inbox, cache] = ["state", "in", "cache"].map(|name| folder.path(name));
    std::fs::create_dir(&inbox).unwrap();
    let start = || {
        Command::new(env!("CARGO_BIN_EXE_enfold"))
            .args(["run", "--data", &state, "--inbox", &inbox, "--profile", "test", "--once", "-q"])
            .args(["--cache-dir", &cache])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let names = ["x.proof", "block-1.proof.data", "a\nb"];
    for (name, number) in names.into_iter().zip([3, 1, 2]) {
        std::fs::copy(folder.path(&format!("chain/block-{number}.bin")), folder.path(&format!("in/{name}")))
            .unwrap();
    }
    for millis in [20, 700, 1500, 400, 2500] {
        let mut child = start();
        std::thread::sleep(Duration::from_millis(millis));
        // It may be done by now.
        let _ = child.kill();
        child.wait().unwrap();
    }
    let ended = start().wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    let list = std::fs::read_to_string(folder.path("state/outbox/blocks.jsonl")).unwrap();
    let lines: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let listed: Vec<_> = lines.iter().map(|line| (line["number"].as_u64(), line["block"].as_str())).collect();
    assert_eq!(listed, [(Some(1), Some(names[1])), (Some(2), Some(names[2])), (Some(3), Some(names[0]))]);
    for number in 1..=3 {
        let proof = folder.path(&format!("state/outbox/block-{number}.proof"));
        run(&["verify", &proof, "--profile", "test", "--data-file", &format!("{proof}.data")]);
        let [proven, delivered] = ["state/outbox", "chain"]
            .map(|dir| std::fs::read(folder.path(&format!("{dir}/block-{number}.bin"))).unwrap());
        assert_eq!(proven, delivered);
    }
}
