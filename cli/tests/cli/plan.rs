//! `enfold plan` and `enfold bench calibrate`, completions and manual pages.

use crate::common::{Folder, enfold, fail, json, run};

#[test]
fn a_plan_says_what_the_block_then_takes() {
    let folder = Folder::new();
    let [chain, state, out, known] = ["chain", "state", "proof", "known.json"].map(|name| folder.path(name));
    run(&["gen", "--accounts", "20", "--txs", "30", "--out", &chain]);
    run(&["init", "--profile", "test", "--data", &state, "--genesis", &folder.path("chain/genesis.bin")]);
    let report = run(&["bench", "calibrate", "--profile", "test", "--batches", "1", "--out", &known]);
    assert_eq!(json(&known), report["calibration"]);
    for name in ["circuits_s", "transaction_s", "batch_s", "lift_s", "fold_s", "block_s", "base_bytes"] {
        assert!(report["calibration"][name].as_f64().unwrap() > 0.0, "{name}");
    }
    let block = folder.path("chain/block-1.bin");
    let plan =
        run(&["plan", "--data", &state, "--block", &block, "--profile", "test", "--calibration", &known]);
    assert!(plan["prove_s"].as_f64().unwrap() > 0.0 && plan["total_s"].as_f64() > plan["prove_s"].as_f64());
    assert_eq!(plan["fits"], true);
    let proven = run(&["prove", "--data", &state, "--block", &block, "--out", &out, "--profile", "test"]);
    let made = |stage: usize| proven["timings"]["jobs"][stage]["proofs"].as_u64();
    assert_eq!([0, 1, 2].map(made), ["batches", "lifts", "folds"].map(|name| plan[name].as_u64()));

    assert_eq!(plan["rejections"], serde_json::json!([]));

    // More cores, less time; no memory, no fit.
    let of = |more: &[&str]| {
        run(&[&["plan", "--txs", "5000", "--profile", "test", "--calibration", &known], more].concat())
    };
    let (few, many) = (of(&["--cores", "2", "--memory", "64G"]), of(&["--cores", "32", "--memory", "64G"]));
    assert!(many["prove_s"].as_f64() < few["prove_s"].as_f64());
    assert_eq!((&few["in_flight"], &many["in_flight"]), (&2.into(), &4.into()));
    assert_eq!(of(&["--memory", "1M"])["fits"], false);
    assert!(of(&["--no-fees"])["batches"].as_u64() < few["batches"].as_u64());

    fail(&["plan", "--txs", "10", "--calibration", &known], 3, "calibration");
    fail(&["plan", "--txs", "10", "--calibration", &block], 3, "calibration");
    fail(&["plan", "--txs", "10", "--calibration", &folder.path("none")], 3, "calibration");
    fail(&["plan"], 2, "usage");
    fail(&["plan", "--txs", "10", "--memory", "much"], 2, "usage");
}

#[test]
fn a_plan_names_what_is_left_out_of_a_block() {
    let folder = Folder::new();
    let [chain, state] = ["chain", "state"].map(|name| folder.path(name));
    let made = run(&["gen", "--accounts", "20", "--txs", "30", "--invalid-share", "0.2", "--out", &chain]);
    let invalid = made["blocks"][0]["invalid"].as_u64().unwrap();
    assert!(invalid > 2, "{made}");
    run(&["init", "--profile", "test", "--data", &state, "--genesis", &folder.path("chain/genesis.bin")]);
    let block = folder.path("chain/block-1.bin");
    // The profile is the data directory's, and no other.
    let arguments = ["plan", "--data", &state, "--block", &block];
    fail(&[&arguments[..], &["--profile", "standard"]].concat(), 3, "data_profile");
    let plan = run(&arguments);
    assert_eq!(plan["profile"], "test");
    assert_eq!(run(&[&arguments[..], &["--profile", "test"]].concat())["batches"], plan["batches"]);
    let rejections = plan["rejections"].as_array().unwrap();
    assert_eq!(
        (plan["transactions"].as_u64(), rejections.len() as u64),
        (Some(30 - invalid), invalid),
        "{plan}"
    );
    assert!(rejections.iter().all(|rejection| rejection["rule"].is_string()), "{plan}");
    let text = String::from_utf8(enfold().args(arguments).output().unwrap().stdout).unwrap();
    assert!(
        text.starts_with(&format!("{} transactions, {invalid} left out, profile test", 30 - invalid)),
        "{text}"
    );
    assert_eq!(
        text.lines().filter(|line| line.starts_with("  left out: transaction ")).count() as u64,
        invalid,
        "{text}"
    );
    assert!(text.contains("1 lift, 1 block"), "{text}");
    // A block that is not there has nothing to be left out.
    assert!(run(&["plan", "--txs", "3", "--profile", "test"]).get("rejections").is_none());
}

#[test]
fn completions_and_manual_pages_know_all_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell])["script"].as_str().unwrap().to_owned();
        assert!(["prove", "in-flight", "completions"].iter().all(|word| script.contains(word)), "{shell}");
    }
    fail(&["completions", "tcsh"], 2, "usage");
    let folder = Folder::new();
    let pages = run(&["man", &folder.path("man1")])["pages"].clone();
    let pages: Vec<&str> = pages.as_array().unwrap().iter().map(|page| page.as_str().unwrap()).collect();
    assert!(
        ["enfold.1", "enfold-prove.1", "enfold-bench-engine.1"].iter().all(|page| pages.contains(page)),
        "{pages:?}"
    );
    let page = std::fs::read_to_string(folder.path("man1/enfold-prove.1")).unwrap();
    assert!(page.contains(".TH enfold-prove 1") && page.contains("Examples"), "{page}");
    fail(&["man", &folder.path("man1")], 3, "output_exists");
    run(&["man", &folder.path("man1"), "--force"]);
}
