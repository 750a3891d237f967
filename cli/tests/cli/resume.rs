//! `enfold prove` that is killed or stopped, and resumes.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::common::{Folder, run};

/// A state and a block of some eight batches.
struct Case<'a> {
    folder: Folder,
    /// Circuits, so that not every run has to build them.
    cache: &'a Folder,
    arguments: Vec<String>,
}

impl<'a> Case<'a> {
    fn new(cache: &'a Folder) -> Self {
        let folder = Folder::new();
        let [chain, state, out] = ["chain", "state", "proof"].map(|name| folder.path(name));
        run(&[
            "gen",
            "--accounts",
            "40",
            "--txs",
            "80",
            "--new-share",
            "0.1",
            "--seed",
            "5",
            "--out",
            &chain,
        ]);
        run(&["init", "--profile", "test", "--data", &state, "--genesis", &folder.path("chain/genesis.bin")]);
        let block = folder.path("chain/block-1.bin");
        let arguments = ["prove", "--data", &state, "--block", &block, "--out", &out, "--profile", "test"];
        Self { arguments: arguments.map(str::to_owned).into(), cache, folder }
    }

    fn start(&self) -> Running {
        let mut child = Command::new(env!("CARGO_BIN_EXE_enfold"))
            .args(&self.arguments)
            .env("ENFOLD_CACHE", self.cache.path(""))
            .args(["--verbose", "--format", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        Running { child, errors }
    }

    /// The same command, to its end.
    fn finish(&self) -> Value {
        let arguments = self.arguments.iter().map(String::as_str);
        run(&arguments.chain(["--cache-dir", &self.cache.path("")]).collect::<Vec<_>>())
    }
}

/// A prover at work.
struct Running {
    child: Child,
    errors: BufReader<std::process::ChildStderr>,
}

impl Running {
    /// Waits until so many proofs are made, and gives the lines up to there.
    fn wait_for(&mut self, proofs: usize) -> Vec<String> {
        let (mut lines, mut made) = (Vec::new(), 0);
        while made < proofs {
            let line = (&mut self.errors).lines().next().expect("not so many proofs").unwrap();
            made += usize::from(line.contains(" proven in "));
            lines.push(line);
        }
        lines
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        assert_eq!(self.child.wait().unwrap().code(), None, "ended by a signal");
    }
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_with_the_same_statement() {
    let cache = Folder::new();
    let expected = Case::new(&cache).finish();
    let proofs: u64 =
        expected["timings"]["jobs"].as_array().unwrap().iter().map(|j| j["proofs"].as_u64().unwrap()).sum();
    assert_eq!(expected["reused"]["batches"], 0);
    let case = Case::new(&cache);
    let mut least = 0;
    // Killed before there is a proof, after one more proof, after three more.
    for proofs in [0, 1, 3] {
        let mut running = case.start();
        let lines = running.wait_for(proofs);
        running.kill();
        if least > 0 {
            // What is kept is verified before there are circuits.
            let at = |words: &str| lines.iter().position(|line| line.contains(words)).expect(words);
            assert!(at("resuming: ") < at("building the circuits"), "{lines:?}");
        }
        least += proofs as u64;
    }
    let result = case.finish();
    assert_eq!(result["statement"], expected["statement"]);
    let number = |name: &str| result["reused"][name].as_u64().unwrap();
    let reused = ["batches", "lifts", "folds", "blocks", "below"].map(number).iter().sum::<u64>();
    let made: u64 =
        result["timings"]["jobs"].as_array().unwrap().iter().map(|j| j["proofs"].as_u64().unwrap()).sum();
    assert!(reused >= least, "{reused} of at least {least}");
    assert_eq!(reused + made, proofs, "{result}");
    assert_eq!(number("refused"), 0);
    assert_eq!(case.folder.names(), ["chain", "proof", "proof.data", "state"]);
    run(&[
        "verify",
        &case.folder.path("proof"),
        "--profile",
        "test",
        "--data-file",
        &case.folder.path("proof.data"),
    ]);
}

#[test]
#[cfg(unix)]
fn an_interrupt_lets_proofs_finish_and_says_how_to_go_on() {
    let cache = Folder::new();
    let case = Case::new(&cache);
    let mut running = case.start();
    running.wait_for(2);
    let signal = |name: &str| {
        assert!(
            Command::new("kill").args([name, &running.child.id().to_string()]).status().unwrap().success()
        );
    };
    signal("-INT");
    let (mut errors, mut text) = (String::new(), String::new());
    running.errors.read_to_string(&mut errors).unwrap();
    running.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(running.child.wait().unwrap().code(), Some(130), "{errors}");
    let result: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&result["error"]["kind"], &result["error"]["exit_code"]), (&"stopped".into(), &130.into()));
    assert!(
        errors.contains("repeat the signal to stop at once")
            && errors.contains("repeat the command to resume"),
        "{errors}"
    );
    // All that were begun were finished.
    let [begun, made] =
        [" begun", " proven in "].map(|words| errors.lines().filter(|line| line.contains(words)).count());
    assert!(made <= begun + 2, "{errors}");
    assert_eq!(case.folder.names(), ["chain", "state"]);
    let result = case.finish();
    assert!(
        result["reused"]["batches"].as_u64().unwrap() + result["reused"]["below"].as_u64().unwrap() >= 2,
        "{result}"
    );
}
