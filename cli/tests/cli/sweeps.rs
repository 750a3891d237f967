//! `enfold bench scaling`, `latency` and `compare`. What they measure is not looked at, only that it is there.

use serde_json::{Value, json};

use crate::common::{Folder, fail, json as read_json, run};

/// A sweep of the test profile that takes seconds.
fn sweep<'a>(command: &'a str, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let small = ["--profile", "test", "--accounts", "40", "--warmups", "0", "--runs", "2", "--out", out];
    [&["bench", command], &small[..], more].concat()
}

fn points(results: &Value) -> Vec<(String, u64, u64, u64)> {
    let place = |point: &Value| {
        let number = |name: &str| point["place"][name].as_u64().unwrap();
        let series = point["place"]["series"].as_str().unwrap().to_owned();
        (series, number("cores"), number("in_flight"), number("transfers"))
    };
    results["points"].as_array().unwrap().iter().map(place).collect()
}

#[test]
fn sweeps_are_measured_written_drawn_and_gone_on_with() {
    let folder = Folder::new();
    let out = folder.path("out");
    let cores = ["--cores", "1", "--txs", "12", "--batch", "9"];
    let result = run(&sweep("scaling", &out, &cores));
    assert_eq!(result["measured"], 2);
    let results = read_json(folder.path("out/results.json"));
    assert_eq!(results, result["results"]);
    assert_eq!(points(&results), [("strong".to_owned(), 1, 1, 12)]);
    let point = &results["points"][0];
    assert_eq!(point["runs"].as_array().unwrap().len(), 2);
    assert_eq!(results["batches"][0]["degree_bits"], 9);
    let csv = std::fs::read_to_string(folder.path("out/results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 2 + 2);
    assert!(csv.lines().next().unwrap().contains("cpu,machine_cores,memory_bytes,commit"), "{csv}");
    let key = run(&["key", "--profile", "test"])["key"].as_str().unwrap().to_owned();
    assert!(csv.contains(&key), "the circuits are named");

    fail(&sweep("scaling", &out, &cores), 3, "output_exists");
    let message =
        fail(&sweep("scaling", &out, &[&cores[..], &["--continue", "--seed", "2"]].concat()), 3, "results");
    assert!(message.contains("expected results with seed 2, got 1"), "{message}");
    let again = run(&sweep("scaling", &out, &[&cores[..], &["--continue", "--weak"]].concat()));
    assert_eq!(again["measured"], 1);
    assert_eq!(again["results"]["points"][0], *point, "what is there is not measured again");
    let latency = run(&sweep("latency", &out, &["--continue", "--txs", "4,9"]));
    assert_eq!(latency["measured"], 2);
    let series: Vec<_> = points(&latency["results"]).into_iter().map(|point| (point.0, point.3)).collect();
    let expected = [("strong", 12), ("weak", 12), ("latency", 4), ("latency", 9)];
    assert_eq!(series, expected.map(|(series, transfers)| (series.to_owned(), transfers)));
    let plots = &latency["plots"];
    for name in
        ["throughput", "per-core", "speed-up", "batch-size", "latency", "latency-throughput", "stages"]
    {
        let name = format!("{name}.svg");
        assert!(plots.as_array().unwrap().contains(&json!(name)), "{name} in {plots}");
        let svg = std::fs::read_to_string(folder.path(&format!("out/{name}"))).unwrap();
        assert!(svg.contains("<text") && svg.trim_end().ends_with("</svg>"));
    }

    let mine = folder.path("out/results.json");
    let mut other = read_json(&mine);
    other["machine"]["cpu"] = json!("Another");
    other["points"].as_array_mut().unwrap().truncate(1);
    let other = folder.write("server.json", other.to_string());
    let both = folder.path("both");
    let compared = run(&["bench", "compare", &mine, &other, "--out", &both]);
    let labels: Vec<_> = compared["results"].as_array().unwrap().iter().map(|one| &one["label"]).collect();
    assert_eq!(labels, [&json!("out"), &json!("server")]);
    assert!(compared["results"][1]["best_tx_per_s"].as_f64().unwrap() > 0.0);
    let svg = std::fs::read_to_string(folder.path("both/throughput.svg")).unwrap();
    assert!(svg.contains("out: strong scaling") && svg.contains("server: strong scaling"), "{svg}");
    fail(&["bench", "compare", &mine, &other, "--out", &both], 3, "output_exists");
    fail(&["bench", "compare", &mine, &other, "--out", &both, "--label", "one"], 2, "usage");
    fail(&["bench", "compare", &mine, &folder.write("none.json", "{}"), "--out", &both], 3, "results");
    let newer = std::fs::read_to_string(&mine).unwrap().replace("\"version\": 1", "\"version\": 9");
    let message =
        fail(&["bench", "compare", &mine, &folder.write("newer.json", newer), "--out", &both], 3, "results");
    assert!(message.contains("expected results of version 1, got version 9"), "{message}");
}

#[test]
fn workloads_are_batched_by_lanes_and_by_whole_transactions() {
    let small = ["--profile", "test", "--runs", "1"];
    let generated = ["--txs", "200", "--accounts", "300", "--workload", "star", "--workload", "uniform"];
    let csv = crate::common::csv();
    let real = ["--csv", &csv, "--block", "4369999", "--block", "10760440"];
    let result = run(&[&["bench", "workload"], &small[..], &generated, &real].concat());
    let workloads = result["workloads"].as_array().unwrap();
    let names: Vec<_> = workloads.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["star", "uniform", "block 4369999", "block 10760440"]);
    let batches = |at: usize, way: &str| workloads[at][way]["proofs"]["batches"].as_u64().unwrap();
    assert!(batches(0, "strict") > 100 && batches(0, "lanes") < batches(0, "strict") / 4);
    assert!(batches(1, "commutative") <= batches(1, "strict"));
    for workload in workloads {
        for way in ["lanes", "strict", "commutative"] {
            let (batches, seconds) = (&workload[way]["proofs"]["batches"], &workload[way]["proven_s"]);
            let least = batches.as_f64().unwrap() * result["costs_s"]["batch"].as_f64().unwrap();
            assert!(seconds.as_f64().unwrap() > least, "{workload}");
        }
    }
    assert_eq!(workloads[2]["transfers"], 10);
    fail(&["bench", "workload", "--csv", &csv], 2, "usage");
    fail(&["bench", "workload", "--block", "1"], 2, "usage");
    fail(&["bench", "workload", "--csv", &csv, "--block", "1"], 3, "import");
}

#[test]
fn sweeps_that_cannot_be_are_refused() {
    let folder = Folder::new();
    let out = folder.path("out");
    fail(&sweep("scaling", &out, &["--cores", "1024"]), 2, "usage");
    fail(&sweep("scaling", &out, &["--cores", "0"]), 2, "usage");
    fail(&sweep("scaling", &out, &["--runs", "0"]), 2, "usage");
    fail(&sweep("scaling", &out, &["--skew", "-1"]), 2, "usage");
    fail(&sweep("latency", &out, &["--txs", "0"]), 2, "usage");
    assert!(!std::fs::exists(&out).unwrap());
}
