//! Logs, traces and metrics of a prover, and `enfold run`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::common::{Folder, enfold, json, run};

/// A chain of three blocks and a state.
fn chain() -> Folder {
    let folder = Folder::new();
    run(&["gen", "--accounts", "8", "--txs", "6", "--blocks", "3", "--out", &folder.path("chain")]);
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
    let folder = chain();
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
    let text = get(&address, "/metrics");
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("text/plain; version=0.0.4"), "{text}");
    for line in [
        "enfold_block_height 3",
        "enfold_blocks_total{result=\"proven\"} 3",
        "enfold_blocks_total{result=\"rejected\"} 1",
        "enfold_transactions_total{result=\"executed\"} 18",
        "enfold_proofs_total{stage=\"block\"} 3",
        "enfold_proofs_left{stage=\"batch\"} 0",
        "enfold_proof_seconds_count{stage=\"fold\"} 3",
        "# TYPE enfold_proof_seconds histogram",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
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
    assert!(std::path::Path::new(&folder.path("state/rejected/genesis.bin.reason.json")).exists());
    // Nothing is left to do.
    let again = run(&["run", "--data", &state, "--inbox", &inbox, "--profile", "test", "--once"]);
    assert_eq!((&again["proven"], &again["root"]), (&0.into(), &result["root"]));
    let proof = folder.path("state/outbox/block-3.proof");
    run(&["verify", &proof, "--profile", "test", "--data-file", &format!("{proof}.data")]);
}
