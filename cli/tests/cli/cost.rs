//! `enfold inspect block`, and `enfold inspect circuits`.

use serde_json::Value;

use crate::common::{Folder, enfold, fail, run};

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("expected a number, got {value}"))
}

#[test]
fn inspect_block_counts_what_the_block_costs() {
    let folder = Folder::new();
    let chain = folder.path("chain");
    let options = ["gen", "--accounts", "30", "--txs", "60", "--invalid-share", "0.1", "--out", &chain];
    let generated = run(&options)["blocks"][0].clone();
    let invalid = number(&generated["invalid"]);
    let valid = number(&generated["transactions"]) - invalid;
    assert!(invalid > 0);
    let (genesis, block) = (folder.path("chain/genesis.bin"), folder.path("chain/block-1.bin"));
    let arguments = ["inspect", "block", &block, "--genesis", &genesis, "--profile", "test"];
    let result = run(&arguments);
    assert_eq!((&result["kind"], number(&result["transactions"])), (&"block_cost".into(), valid));
    assert_eq!(result["rejections"].as_array().unwrap().len() as u64, invalid);

    let plan = &result["plan"];
    let batches = |sorts: &[&str]| -> u64 {
        let phases =
            ["debit", "credit"].into_iter().flat_map(|phase| sorts.iter().map(move |sort| (phase, sort)));
        phases.map(|(phase, sort)| number(&plan[phase][format!("{sort}_batches")])).sum()
    };
    let (large, small) = (batches(&["wide", "deep"]), batches(&["small"]));
    let count = large + small;
    assert_eq!(number(&result["batches"]), count);
    assert!((1..=count).contains(&number(&result["lower_bound"])));
    assert!(number(&plan["credit"]["longest_lane"]) >= valid, "all fees go to one leaf");
    let whole = &result["whole_transactions"];
    let whole = ["lower_bound", "commutative", "strict"].map(|name| number(&whole[name]));
    assert!(whole.is_sorted() && whole[0] > 0, "{whole:?}");
    let above = number(&result["lifts"]) + number(&result["folds"]);
    // 2^10 rows a large batch, 2^9 a small one, 2^13 a lift or fold, 2^13 the block.
    let rows = (large << 10) + (small << 9);
    assert_eq!(number(&result["rows_paid"]), rows + (above << 13) + (1 << 13));
    let used = number(&result["rows_used"]);
    assert!((60 * valid..rows).contains(&used), "{used}");

    // A data directory serves as well, and the text says the same.
    let state = folder.path("state");
    run(&["init", "--data", &state, "--genesis", &genesis]);
    assert_eq!(run(&["inspect", "block", &block, "--data", &state, "--profile", "test"]), result);
    let output = enfold().args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("{valid} transactions")) && text.contains("left out"), "{text}");

    fail(&["inspect", "block", &block], 2, "usage");
    fail(&["inspect", "circuits", &block, "--genesis", &genesis], 2, "usage");
    fail(&["inspect", &block, "--genesis", &genesis], 2, "usage");
    fail(&["inspect", "block", &block, "--genesis", &genesis, "--data", &state], 2, "usage");
    fail(&["inspect", "block", &genesis, "--genesis", &genesis], 3, "wrong_kind");
}

#[test]
fn inspect_circuits_measures_them() {
    let result = run(&["inspect", "circuits", "--profile", "test"]);
    let names: Vec<_> = result["circuits"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
    let batches = ["debit_wide", "debit_deep", "debit_small", "credit_wide", "credit_deep", "credit_small"];
    assert_eq!(names, [&batches[..], &["lift", "lift_small", "fold", "block"]].concat());
    for circuit in result["circuits"].as_array().unwrap() {
        let gates = circuit["gates"].as_array().unwrap();
        let rows = number(&circuit["rows"]);
        assert_eq!(gates.iter().map(|gate| number(&gate["rows"])).sum::<u64>(), rows);
        assert!(rows <= number(&circuit["degree"]));
        assert_eq!(circuit["digest"].as_str().unwrap().len(), 64);
    }
    assert!(result["rows_per_transfer"].as_f64().unwrap() > 0.0);
    let stages = [&result["fri"]["lift_and_fold"], &result["fri"]["block"]];
    let families = result["families"].as_array().unwrap();
    let families: Vec<_> =
        families.iter().map(|family| (&family["fri"], number(&family["degree_bits"]))).collect();
    assert!(families.iter().map(|family| family.1).eq([10, 9]), "{families:?}");
    let stages = families.iter().map(|family| family.0).chain(stages);
    for (fri, (rate_bits, queries)) in stages.zip([(1, 15), (1, 15), (1, 15), (3, 5)]) {
        assert_eq!((number(&fri["rate_bits"]), number(&fri["queries"])), (rate_bits, queries), "{fri}");
    }
    let output = enfold().args(["inspect", "circuits", "--profile", "test"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for line in
        ["small batch  rate 1/2, 15 queries", "lift, fold   rate 1/2, 15", "block        rate 1/8, 5 queries"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
}
