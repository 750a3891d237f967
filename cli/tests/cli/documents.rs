//! Every command of README and docs is run: as it stands there, with the test profile, or as a smaller one.

use std::path::Path;
use std::process::Command;

use enfold_state::block::Block;
use enfold_state::codec;

use crate::common::{Folder, csv};

mod lines;
use lines::{Document, documents};

/// Commands that take long as they stand, or have places to fill in, and what is run for them. `$ID` is a transaction
/// of the document's block. A point takes five runs: the sweeps of the test profile go on with what the others have measured.
const SMALLER: [(&str, &str); 18] = [
    ("enfold run --data state --inbox FOLDER", "enfold run --data state --inbox inbox --create --once"),
    ("enfold plan --txs N", "enfold plan --txs 100"),
    ("enfold help COMMAND", "enfold help verify"),
    (
        "enfold receipt --data state --tx ID --data-file block-1.proof.data --out tx.receipt",
        "enfold receipt --data state --tx $ID --data-file block-1.proof.data --out tx.receipt",
    ),
    ("enfold inspect circuits --profile NAME", "enfold inspect circuits --profile test"),
    ("enfold inspect circuits --profile standard", "enfold inspect circuits --profile test"),
    (
        "enfold inspect circuits --profile standard --format json",
        "enfold inspect circuits --profile test --format json",
    ),
    (
        "enfold inspect block FILE --genesis FILE",
        "enfold gen --accounts 20 --txs 10 --out few && enfold inspect block few/block-1.bin --genesis few/genesis.bin",
    ),
    ("enfold bench block --txs 4096", "enfold bench block --txs 4 --accounts 20 --profile test"),
    ("enfold bench block --txs 1", "enfold bench block --txs 1 --accounts 20 --profile test"),
    (
        "enfold bench block --txs 4096 --profile proven",
        "enfold bench block --txs 4 --accounts 20 --profile test",
    ),
    (
        "enfold bench compare here/results.json there/results.json --out both",
        "enfold bench latency --profile test --txs 4 --accounts 20 --warmups 0 --out here && cp -r here there && \
         enfold bench compare here/results.json there/results.json --out both",
    ),
    (
        "enfold bench scaling --cores 1,2 --txs 700 --weak --batch 14,15,16 --out scaling",
        "enfold bench scaling --profile test --cores 1 --txs 4 --accounts 20 --warmups 0 --batch 9 --out scaling",
    ),
    (
        "enfold bench latency --txs 64,700,1400 --out scaling --continue",
        "enfold bench latency --profile test --txs 3 --accounts 20 --warmups 0 --out scaling --continue",
    ),
    (
        "enfold bench scaling --profile test --cores 1,2 --txs 200 --accounts 1000 --weak --batch 9,10,11 --out small",
        "enfold bench scaling --profile test --cores 1 --txs 4 --accounts 20 --warmups 0 --out scaling --continue",
    ),
    (
        "enfold bench latency --profile test --txs 25,50,100,200,400 --accounts 1000 --out small --continue",
        "enfold bench latency --profile test --txs 3 --accounts 20 --warmups 0 --out scaling --continue",
    ),
    (
        "enfold bench workload --txs 20000",
        "enfold bench workload --txs 50 --accounts 50 --profile test --runs 1",
    ),
    (
        "enfold bench parallelism --csv transfers.csv",
        "enfold bench parallelism --csv transfers.csv --profile test",
    ),
];

/// Commands that the documents name and never show whole, and what is run for them.
const NAMED: [(&str, &str); 4] = [
    ("enfold config", "enfold config"),
    ("enfold import", "enfold import --csv transfers.csv --block 4369999 --out imported"),
    ("enfold bench engine", "enfold bench engine --profile test --runs 1"),
    (
        "enfold bench witness",
        "enfold bench witness --profile test --txs 50 --accounts 50 --rounds 1 --workload star",
    ),
];

/// Commands whose profile no variable says, only their own line.
const VERDICTS: [&str; 7] =
    ["verify", "verify-receipt", "verify-account", "rebuild", "key", "inspect", "receipt"];

/// A line as it is run here, in profile `test`.
fn of_test_profile(line: &str) -> String {
    let commands = line.split(" && ").map(|command| {
        let name = command.strip_prefix("enfold ").and_then(|rest| rest.split(' ').next());
        let verdict = name.is_some_and(|name| VERDICTS.contains(&name));
        if verdict && !command.contains("--profile") {
            format!("{command} --profile test")
        } else {
            command.to_owned()
        }
    });
    commands.collect::<Vec<_>>().join(" && ")
}

/// A folder in which commands are run.
struct Shell(Folder);

impl Shell {
    fn new() -> Self {
        let folder = Folder::new();
        std::fs::copy(csv(), folder.path("transfers.csv")).expect("a temporary folder takes files");
        Self(folder)
    }

    fn run(&self, line: &str) {
        let binary = Path::new(env!("CARGO_BIN_EXE_enfold")).parent().expect("a folder");
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
        let block = codec::read_file::<Block>(self.0.path("blocks/block-1.bin").as_ref());
        let id = block.map(|block| block.transactions[0].transaction.id().to_string());
        let output = Command::new("sh")
            .args(["-e", "-c", &of_test_profile(line)])
            .current_dir(self.0.path(""))
            .env("PATH", &path)
            .env("ID", id.unwrap_or_default())
            .env("ENFOLD_PROFILE", "test")
            // Building the circuits is the most of such small commands.
            .env("ENFOLD_CACHE", self.0.path("cache"))
            .output()
            .expect("a shell");
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{line}: {} {}", text(&output.stdout), text(&output.stderr));
    }
}

/// Runs the commands of a document in their order and in one folder.
fn run_all(document: &Document) {
    let shell = Shell::new();
    for line in &document.lines {
        let smaller = SMALLER.iter().find(|(shown, _)| shown == line);
        shell.run(smaller.map_or(line, |(_, run)| run));
    }
}

/// The documents that take long have tests of their own.
const LONG: [&str; 3] = ["README.md", "docs/benchmarks.md", "docs/operating.md"];

fn run_long(name: &str) {
    let documents = documents();
    run_all(documents.iter().find(|document| document.name == name).expect("the document is there"));
}

#[test]
fn readme() {
    run_long(LONG[0]);
}

#[test]
fn benchmarks() {
    run_long(LONG[1]);
}

#[test]
fn operating() {
    run_long(LONG[2]);
}

#[test]
fn all_other_documents() {
    documents().iter().filter(|document| !LONG.contains(&document.name.as_str())).for_each(run_all);
}

#[test]
fn commands_that_are_only_named() {
    let documents = documents();
    let shown = |name: &str| {
        let mut lines = documents.iter().flat_map(|document| &document.lines);
        lines.any(|line| line.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')))
    };
    let names = documents.iter().flat_map(|document| &document.names);
    let names = names.map(|name| name.split(" --").next().unwrap_or_default());
    let left: Vec<&str> = names.filter(|name| !shown(name)).collect();
    for name in &left {
        assert!(NAMED.iter().any(|(named, _)| named == name), "{name} is never run");
    }
    for (name, run) in NAMED {
        assert!(left.contains(&name), "{name} need not be here");
        Shell::new().run(run);
    }
}

#[test]
fn smaller_commands_stand_for_documented_ones() {
    let documents = documents();
    let lines: Vec<&String> = documents.iter().flat_map(|document| &document.lines).collect();
    assert!(lines.len() > 40, "{lines:?}");
    for (shown, _) in SMALLER {
        assert!(lines.iter().any(|line| *line == shown), "{shown} is in no document");
    }
}
