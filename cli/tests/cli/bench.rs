//! `enfold bench`: small measurements give whole reports.

use crate::common::{Folder, fail, run};

#[test]
fn engine_report_is_whole() {
    let report = run(&["bench", "engine", "--profile", "test", "--runs", "1", "--threads", "2"]);
    assert_eq!((report["rows"].as_u64(), report["circuit"].as_str()), (Some(1 << 10), Some("debit_wide")));
    let measured = report["measured"].as_array().unwrap();
    assert_eq!(measured.iter().map(|runs| runs["threads"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 1]);
    for runs in measured {
        let (stock, engine) = (runs["stock_ms"].as_f64().unwrap(), runs["engine_ms"].as_f64().unwrap());
        let at_stock = runs["engine_at_stock_ms"].as_f64().unwrap();
        assert!((runs["ratio"].as_f64().unwrap() - stock / at_stock).abs() < 0.01, "{runs}");
        assert!((runs["ratio_in_use"].as_f64().unwrap() - stock / engine).abs() < 0.01, "{runs}");
        assert!((runs["rows_per_s"].as_f64().unwrap() - 1_024_000.0 / engine).abs() < 1.0, "{runs}");
        assert!(runs["ratio_poseidon"].as_f64().unwrap() > 0.0, "{runs}");
        for bytes in ["stock_bytes", "engine_bytes"] {
            assert!(runs.get(bytes).is_none_or(serde_json::Value::is_u64), "{runs}");
        }
        assert!((0.0..1.0).contains(&runs["witness_share"].as_f64().unwrap()), "{runs}");
        let phases: f64 =
            runs["phases_ms"].as_array().unwrap().iter().map(|phase| phase["ms"].as_f64().unwrap()).sum();
        assert!(phases <= engine, "{runs}");
        let floor = &runs["floor_ms"];
        let parts =
            ["permutations", "butterflies", "multiplications"].map(|part| floor[part].as_f64().unwrap());
        assert!(parts.iter().all(|&part| part > 0.0), "{runs}");
        assert!((floor["total"].as_f64().unwrap() - parts.iter().sum::<f64>()).abs() < 0.01, "{runs}");
    }
}

#[test]
fn witness_report_is_whole() {
    let report = run(&[
        "bench",
        "witness",
        "--profile",
        "test",
        "--accounts",
        "64",
        "--txs",
        "150",
        "--rounds",
        "1",
        "--workload",
        "uniform",
        "--workload",
        "star",
        "--threads",
        "2",
    ]);
    let number = |value: &serde_json::Value, name: &str| value[name].as_f64().unwrap();
    for name in ["whole_tx_per_s", "execute_plan_tx_per_s", "hashes_per_transfer", "ratio"] {
        assert!(number(&report, name) > 0.0, "{name}");
    }
    for name in ["create_seconds", "commit_seconds", "open_seconds", "open_full_check_seconds", "file_bytes"]
    {
        assert!(number(&report["store"], name) > 0.0, "{name}");
    }
    assert!(number(&report, "state_bytes") > 64.0 * 48.0);
    let workloads = report["workloads"].as_array().unwrap();
    let names: Vec<_> = workloads.iter().map(|workload| workload["workload"].as_str().unwrap()).collect();
    assert_eq!(names, ["uniform", "star"]);
    for workload in workloads {
        assert!(number(workload, "batches") >= number(workload, "lower_bound"), "{workload}");
        let runs = workload["runs"].as_array().unwrap();
        assert_eq!(runs.iter().map(|run| run["threads"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
        for run in runs {
            let stages = run["stages"].as_array().unwrap();
            let sum = |name| stages.iter().map(|stage| number(stage, name)).sum::<f64>();
            assert!((sum("seconds") - number(run, "whole_seconds")).abs() < 1e-9, "{run}");
            // Two emitted and two consumed messages a transfer are the least.
            assert_eq!(sum("hashes") / 150.0, number(workload, "hashes_per_transfer"), "{run}");
            assert!(sum("hashes") >= 600.0, "{run}");
        }
    }
}

#[test]
fn block_report_is_whole() {
    let report = run(&[
        "bench",
        "block",
        "--profile",
        "test",
        "--txs",
        "50",
        "--accounts",
        "64",
        "--runs",
        "2",
        "--threads",
        "2",
    ]);
    let number = |value: &serde_json::Value, name: &str| value[name].as_f64().unwrap();
    assert_eq!((report["transfers"].as_u64(), report["threads"].as_u64()), (Some(50), Some(2)));
    let (seconds, rate) = (number(&report, "seconds"), number(&report, "transfers_per_s"));
    assert!((rate * seconds - 50.0).abs() < 1e-6, "{report}");
    let cores = report["machine"]["cores"].as_u64().unwrap().min(2);
    assert!((number(&report, "transfers_per_s_per_core") * cores as f64 - rate).abs() < 1e-6, "{report}");
    assert_eq!(report["runs_s"].as_array().unwrap().len(), 2);
    let stages = report["stages"].as_array().unwrap();
    let names: Vec<_> = stages.iter().map(|stage| stage["stage"].as_str().unwrap()).collect();
    assert_eq!(names, ["execute", "witness", "batch", "lift", "fold", "block", "verify"]);
    let share: f64 = stages.iter().map(|stage| number(stage, "share")).sum();
    assert!(share > 0.0 && share <= 1.0, "{report}");
    let proofs = |stage: usize| stages[stage]["proofs"].as_u64().unwrap();
    assert_eq!(proofs(2), report["batches"].as_u64().unwrap());
    assert_eq!(proofs(5), 1);
}

#[test]
fn circuits_are_kept_between_runs() {
    let folder = Folder::new();
    let cache = folder.path("cache");
    let loaded = |options: &[&str]| {
        let arguments = ["bench", "block", "--profile", "test", "--txs", "3", "--accounts", "8"];
        let report = run(&[&arguments[..], options].concat());
        report["circuits_loaded"].as_u64().unwrap() as usize
    };
    let kept = || std::fs::read_dir(&cache).map_or(0, |files| files.count());
    assert_eq!((loaded(&[]), loaded(&["--no-cache", "--cache-dir", &cache]), kept()), (0, 0, 0));
    assert_eq!(loaded(&["--cache-dir", &cache]), 0);
    let circuits = kept();
    assert!(circuits > 0);
    assert_eq!(loaded(&["--cache-dir", &cache]), circuits);
    let file = std::fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(loaded(&["--cache-dir", &cache]), circuits - 1, "the damaged one is built");
    assert!(std::fs::read(&file).unwrap() == whole, "and replaced");
    assert_eq!((loaded(&["--cache-dir", &cache]), kept()), (circuits, circuits));
}

#[test]
fn parallelism_report_is_whole() {
    let folder = Folder::new();
    let csv = folder.path("transfers.csv");
    let address = |number: u32| format!("0x{number:040x}");
    let mut text = "block,index,kind,from,to,asset,amount\n".to_owned();
    // One merchant in block 7, strangers and a swap in block 9.
    for (block, index, from, to) in [(7, 0, 1, 9), (7, 1, 2, 9), (7, 2, 3, 9), (9, 0, 1, 2), (9, 1, 3, 4)] {
        text += &format!("{block},{index},transfer,{},{},ETH,5\n", address(from), address(to));
    }
    text += &format!("9,2,swap,{},{},ETH,5\n", address(5), address(6));
    std::fs::write(&csv, text).unwrap();
    let report = run(&["bench", "parallelism", "--csv", &csv, "--profile", "test"]);
    let row = |row: &serde_json::Value| {
        ["transfers", "longest_lane", "whole_strict", "whole_commutative", "whole_lower_bound"]
            .map(|name| row[name].as_u64().unwrap())
    };
    let blocks = report["blocks"].as_array().unwrap();
    assert_eq!([&blocks[0]["block"], &blocks[1]["block"]], [7, 9]);
    // Every transfer pays a fee to one collector.
    assert_eq!(row(&blocks[0]), [3, 3, 3, 1, 1]);
    assert_eq!(row(&blocks[1]), [2, 2, 1, 1, 1]);
    assert_eq!(row(&report["total"]), [5, 3, 4, 2, 2]);
    for block in blocks {
        assert!(block["batches"].as_u64() >= block["lower_bound"].as_u64(), "{block}");
    }
    let one =
        run(&["bench", "parallelism", "--csv", &csv, "--block", "7", "--whole-batch", "2", "--fee", "0"]);
    assert_eq!(row(&one["total"]), [3, 3, 3, 2, 2]);
    fail(&["bench", "parallelism", "--csv", &csv, "--block", "8"], 3, "import");
    fail(&["bench", "parallelism", "--csv", &folder.path("none")], 3, "missing_file");
}
