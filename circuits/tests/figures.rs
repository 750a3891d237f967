//! The circuits' figures: pinned, and within their budget.

use std::path::Path;
use std::sync::LazyLock;

use enfold_circuits::batch::BatchCircuit;
use enfold_circuits::params::{FamilyParams, Params};
use enfold_circuits::report::{GateRows, PartRows, ProfileReport, RowCosts, gate_rows};
use enfold_circuits::rows::Part;
use enfold_state::chain::BlockId;
use enfold_state::executor::{Accepted, Execution};
use enfold_state::field::from_u32;
use enfold_state::hash::Digest;
use enfold_state::kind::{FamilyId, KindId};
use enfold_state::leaf::LeafIndex;
use enfold_state::message::{Message, Op};
use enfold_state::nonce::NonceKey;
use enfold_state::profile::{BatchId, BatchShape, ProfileId};
use enfold_witness::plan::Plan;

const REGENERATE: &str = "cargo run --release -p enfold-circuits --example figures";

static STANDARD: LazyLock<ProfileReport> =
    LazyLock::new(|| ProfileReport::measure(ProfileId::Standard).unwrap());

fn assert_pinned(report: &ProfileReport) {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../fixtures/figures/{}.json", report.profile));
    let pinned = std::fs::read_to_string(&file).unwrap();
    let got = serde_json::to_string_pretty(report).unwrap() + "\n";
    let line = pinned.lines().zip(got.lines()).position(|(pinned, got)| pinned != got);
    assert!(
        pinned == got,
        "{}: the circuits have other figures, from line {} on; if that is meant, write them anew with\n  {REGENERATE}",
        file.display(),
        line.map_or(1, |line| line + 1),
    );
}

#[test]
fn figures_of_test_are_pinned() {
    assert_pinned(&ProfileReport::measure(ProfileId::Test).unwrap());
}

#[test]
fn figures_of_standard_are_pinned() {
    assert_pinned(&STANDARD);
}

/// Its batches have those of `standard`.
#[test]
fn figures_of_proven_are_pinned() {
    let report = ProfileReport::measure(ProfileId::Proven).unwrap();
    assert_pinned(&report);
    let batches = ..BatchId::ALL.len();
    let rows = |report: &ProfileReport| {
        report.circuits[batches]
            .iter()
            .map(|circuit| (circuit.name, circuit.rows, circuit.cells))
            .collect::<Vec<_>>()
    };
    assert_eq!(rows(&report), rows(&STANDARD));
}

/// The table of `docs/circuits.md`.
fn table(report: &ProfileReport) -> String {
    let batches = &report.circuits[..BatchId::ALL.len()];
    let line = |name: &str, cells: Vec<String>| format!("| {name} | {} |\n", cells.join(" | "));
    let names = batches.iter().map(|circuit| format!("`{}`", circuit.name)).collect();
    let mut table = line("rows for a leg", names) + "|---" + &"|---".repeat(batches.len()) + "|\n";
    for part in Part::ALL {
        let rows = batches.iter().map(|circuit| circuit.parts.iter().find(|rows| rows.part == part));
        let cell =
            |rows: Option<&PartRows>| rows.map_or(String::new(), |rows| format!("{:.2}", rows.rows_per_leg));
        table += &line(part.label(), rows.map(cell).collect());
    }
    let legs = |batch| {
        let shape = ProfileId::Standard.profile().shape(batch);
        if shape.singles > 0 { shape.singles as f64 } else { shape.capacity() as f64 }
    };
    let full = BatchId::ALL.into_iter().zip(batches);
    let full = full.map(|(batch, circuit)| format!("{:.2}", circuit.degree as f64 / legs(batch)));
    table + &line("all, of a full circuit with its padding", full.collect())
}

#[test]
fn table_of_the_documentation_is_right() {
    let docs =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/circuits.md")).unwrap();
    let table = table(&STANDARD);
    assert!(docs.contains(&table), "docs/circuits.md: the table has to be\n{table}");
    let rows = format!("{:.1}", STANDARD.rows_per_transfer);
    assert!(docs.contains(&rows), "docs/circuits.md: a transfer takes {rows} rows");
}

#[test]
fn a_transfer_is_within_its_budget() {
    assert!(STANDARD.rows_per_transfer <= 150.0, "{}", STANDARD.rows_per_transfer);
    assert!(STANDARD.cells_per_transfer <= 29_000.0, "{}", STANDARD.cells_per_transfer);
    assert!(STANDARD.signature_rows <= 40);
    for circuit in &STANDARD.circuits[..BatchId::ALL.len()] {
        assert!(circuit.fill >= 0.97, "{}: {}", circuit.name, circuit.fill);
        let signature = circuit.parts.iter().find(|part| part.part == Part::Signature);
        assert!(signature.is_none_or(|part| part.rows_per_leg == STANDARD.signature_rows as f64));
        assert_eq!(circuit.columns.proof(), 174);
    }
    // A full credit batch takes a fee for each of its transfers.
    for batch in [BatchId::CreditWide, BatchId::CreditSmall] {
        let credit = ProfileId::Standard.profile().shape(batch);
        assert!(credit.long * credit.legs >= credit.singles);
    }
    // What a small batch holds, a large one holds, so that no plan has fewer batches than one of large ones.
    for kind in KindId::ALL {
        let shape =
            |family| kind.of_family(family).next().map(|batch| ProfileId::Standard.profile().shape(batch));
        let [Some(large), Some(small)] = FamilyId::ALL.map(shape) else { continue };
        assert!(small.long <= large.long && small.legs <= large.legs && small.singles <= large.singles);
    }
}

/// What is counted without building is what the built circuits have.
#[test]
fn counts_are_those_of_built_circuits() {
    let id = ProfileId::Test;
    let params = Params::of(id);
    for batch in BatchId::ALL {
        let FamilyParams { config, degree_bits, .. } = params.of_batch(batch);
        let circuit = BatchCircuit::build(id.profile(), batch, config, *degree_bits).unwrap();
        let counted = BatchCircuit::count_rows(id.profile(), batch, config);
        assert_eq!(circuit.rows(), &counted);
        assert_eq!(circuit.data.common, BatchCircuit::common(config, *degree_bits));
        let counted =
            counted.by_gate().into_iter().map(|(gate, rows)| GateRows { gate: gate.to_owned(), rows });
        assert_eq!(gate_rows(&circuit.data), counted.collect::<Vec<_>>(), "{}", batch.name());
    }
}

/// The rows of circuits of other sizes follow from those of a profile's, up to what packing rounds.
#[test]
fn rows_grow_by_paths_and_legs() {
    let id = ProfileId::Test;
    let (costs, params) = (RowCosts::of(id), Params::of(id));
    for batch in BatchId::ALL {
        for (long, legs, singles) in [(2, 3, 0), (0, 0, 7), (4, 30, 0), (2, 20, 9)] {
            let mut profile = *id.profile();
            let shape = BatchShape { long, legs, singles };
            profile.shapes[batch] = shape;
            let rows = BatchCircuit::count_rows(&profile, batch, &params.of_batch(batch).config);
            let rows = rows.total() as f64;
            let expected = costs.batch(batch, shape.paths(), shape.capacity());
            assert!(
                (rows - expected).abs() < 4.0 + rows / 100.0,
                "{}: {rows}, expected {expected}",
                batch.name()
            );
        }
    }
}

/// The execution of transfers that all have senders and receivers of their own, with fees to one leaf. Leaf 0
/// is the collector's, then come the senders, then the receivers.
fn cold_block(transfers: u32) -> Execution {
    let address = Digest([from_u32(9); 4]);
    let debit = |i: usize| Accepted {
        position: i,
        from: LeafIndex(1 + i as u32),
        messages: 2 * i..2 * i + 2,
        call: None,
    };
    let messages = |i: u32| {
        let from = LeafIndex(1 + i);
        let nonce_key = NonceKey::First;
        let message =
            |op, to| Message { op, asset: 0, from, nonce_key, to, amount: 1, memo: 0, to_address: address };
        [message(Op::Transfer, LeafIndex(1 + transfers + i)), message(Op::Fee, LeafIndex(0))]
    };
    Execution {
        block: BlockId { chain_id: 1, number: 1, time: 1 },
        previous_root: Digest::ZERO,
        debits: (0..transfers as usize).map(debit).collect(),
        calls: Default::default(),
        credits: (0..transfers).flat_map(messages).collect(),
        rejections: Vec::new(),
        writes: Default::default(),
    }
}

#[test]
fn recursion_is_a_small_part_of_a_block() {
    let costs = RowCosts::of(ProfileId::Standard);
    let plan = Plan::new(ProfileId::Standard.profile(), &cold_block(4096));
    let cost = costs.block(&plan);
    assert_eq!((cost.batches, cost.lifts, cost.folds), (10, 2, 0));
    assert_eq!(cost.rows_paid, (10 << 16) + (2 << 16) + (1 << 15));
    assert!(cost.recursion_share <= 0.20, "{}", cost.recursion_share);
    // The batches are not all full, and their padding is not in use.
    assert!(cost.rows_used < cost.rows_paid);
    assert!(cost.rows_used_per_transfer <= STANDARD.rows_per_transfer, "{}", cost.rows_used_per_transfer);
}

/// A block of one payment pays for small batches.
#[test]
fn a_quiet_block_pays_for_little() {
    let costs = RowCosts::of(ProfileId::Standard);
    let plan = Plan::new(ProfileId::Standard.profile(), &cold_block(1));
    let cost = costs.block(&plan);
    assert_eq!((cost.batches, cost.lifts, cost.folds), (2, 1, 0));
    assert_eq!(cost.rows_paid, (2 << 13) + (1 << 16) + (1 << 15));
}

#[test]
fn fold_trees_are_as_small_as_they_can_be() {
    let tree = ProfileId::Test.profile().tree;
    // The block proof takes two.
    let expected = [
        (1, 1, 0),
        (3, 1, 0),
        (4, 2, 0),
        (6, 2, 0),
        (7, 3, 1),
        (9, 3, 1),
        (10, 4, 1),
        (13, 5, 2),
        (27, 9, 4),
        (28, 10, 4),
    ];
    for (batches, lifts, folds) in expected {
        let got = tree.lifts(std::iter::repeat_n(FamilyId::Large, batches));
        assert_eq!((got, tree.folds(got)), (lifts, folds), "{batches}");
    }
}
