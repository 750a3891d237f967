//! The table of what refuses what: for each constraint, a lie that it alone refuses. [`record`] says how.
//!
//! `run` in this folder tells all lies of the tests in all ways and checks the table against them; with `write`, it
//! writes the table anew. Here the table is held against the constraints that the code has now, and the tests that
//! tell the lies tell those of the table again.

mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use enfold_circuits::batch::BatchCircuit;
use enfold_circuits::config::Builder;
use enfold_circuits::gates::curve::CurveGate;
use enfold_circuits::gates::logup::LogUpGate;
use enfold_circuits::gates::path::PathGate;
use enfold_circuits::gates::poseidon2::Poseidon2Gate;
use enfold_circuits::gates::range::RangeGate;
use enfold_circuits::gates::row::{RowGate, constraint_names};
use enfold_circuits::gates::select::SelectGate;
use enfold_circuits::gates::signature::SignatureGate;
use enfold_circuits::params::Params;
use enfold_circuits::removal::opened;
use enfold_state::kind::FamilyId;
use enfold_state::profile::{BatchId, ProfileId};

use record::{Excess, FOLDER, Record, Row, file, table};

/// What writes the table.
const WRITE: &str = "ENFOLD_TABLE";

/// Constraints, and the circuits or gates that have them.
type Constraints = BTreeMap<String, BTreeSet<String>>;

fn of_gate<G: RowGate>(constraints: &mut Constraints) {
    for name in constraint_names::<G>() {
        let name = name.split('[').next().unwrap_or_default();
        constraints.entry(format!("{}: {name}", G::NAME)).or_default().insert("gates".to_owned());
    }
}

/// The constraints of gates and of batch circuits. The layout alone names them, so no circuit is built; what plonky2's
/// building adds, the hash of the public inputs, is in the circuits of the recursion.
fn constraints() -> Constraints {
    let mut constraints = Constraints::new();
    of_gate::<CurveGate>(&mut constraints);
    of_gate::<LogUpGate>(&mut constraints);
    of_gate::<PathGate>(&mut constraints);
    of_gate::<Poseidon2Gate>(&mut constraints);
    of_gate::<RangeGate>(&mut constraints);
    of_gate::<SelectGate>(&mut constraints);
    of_gate::<SignatureGate>(&mut constraints);
    let params = Params::of(ProfileId::Test);
    for batch in BatchId::ALL {
        let (_, names) = opened(|| {
            BatchCircuit::count_rows(ProfileId::Test.profile(), batch, &params.of_batch(batch).config)
        });
        let copies = names.copies.into_iter().map(|copy| copy.name);
        for name in copies.chain(names.definitions.into_iter().map(|(name, _)| name.to_owned())) {
            constraints.entry(name).or_default().insert(batch.name().to_owned());
        }
    }
    let (_, names) =
        opened(|| Excess::new(&mut Builder::new(params.families[FamilyId::FIRST].config.clone())));
    for copy in names.copies.into_iter().filter(|copy| copy.name.contains("in excess")) {
        constraints.entry(copy.name).or_default().insert("gadgets".to_owned());
    }
    constraints
}

const RECURSION: [&str; 3] = ["lift", "fold", "block"];

#[test]
fn table_has_every_constraint() {
    let rows = table().into_iter().map(|row| {
        let circuits = row.circuits.into_iter().filter(|name| !RECURSION.contains(&name.as_str()));
        (row.constraint, circuits.collect::<BTreeSet<_>>())
    });
    let rows: Constraints = rows.filter(|(_, circuits)| !circuits.is_empty()).collect();
    assert_eq!(rows, constraints());
}

#[test]
fn every_removal_is_noticed_or_excused() {
    for row in table() {
        let noticed = !row.lie.is_empty() && !row.told.is_empty();
        assert!(noticed == row.equivalent.is_empty(), "{}", row.constraint);
    }
}

#[test]
fn readable_table_is_this_one() {
    assert_eq!(readable(&table()), std::fs::read_to_string(file("table.md")).expect("the table is there"));
}

/// The lies that break each constraint alone, with how they are told.
fn recorded(folder: &Path) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut lies: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for file in std::fs::read_dir(folder).expect("the folder of the records").flatten() {
        if file.path().extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        for line in std::fs::read_to_string(file.path()).expect("records are text").lines() {
            let record: Record = serde_json::from_str(line).expect("a line is a record");
            for (constraint, told) in record.alone {
                lies.entry(constraint).or_default().insert(record.lie.clone(), told);
            }
        }
    }
    lies
}

/// The lie to keep: the table's own as long as it does, else one of a batch, and the plainest told.
fn pick(lies: &BTreeMap<String, String>, row: &Row) -> Option<(String, String)> {
    let rank = |told: &str| ["as one", "left", "apart", "one row"].iter().position(|&how| how == told);
    let best = lies.iter().min_by_key(|&(lie, told)| (lie != &row.lie, rank(told), lie.clone()));
    best.map(|(lie, told)| (lie.clone(), told.clone()))
}

/// Holds the table against recorded lies; `run` calls it.
#[test]
fn recorded_lies_bear_the_table_out() {
    let Some(records) = std::env::var_os(FOLDER) else { return };
    let lies = recorded(Path::new(&records));
    if std::env::var_os(WRITE).is_some() {
        return rewrite(Path::new(&records), &lies);
    }
    for row in table().iter().filter(|row| row.equivalent.is_empty()) {
        let told = lies.get(&row.constraint).and_then(|lies| lies.get(&row.lie));
        assert_eq!(told, Some(&row.told), "{}: {}", row.constraint, row.lie);
    }
    for row in table().iter().filter(|row| !row.equivalent.is_empty()) {
        assert!(!lies.contains_key(&row.constraint), "{} has a lie", row.constraint);
    }
}

fn rewrite(records: &Path, lies: &BTreeMap<String, BTreeMap<String, String>>) {
    let old: BTreeMap<String, Row> = table().into_iter().map(|row| (row.constraint.clone(), row)).collect();
    let mut all = constraints();
    for circuit in RECURSION {
        let names =
            std::fs::read_to_string(records.join(format!("{circuit}.names"))).expect("names of the circuit");
        let names: BTreeSet<String> = serde_json::from_str(&names).expect("names are a list");
        for name in names {
            all.entry(name).or_default().insert(circuit.to_owned());
        }
    }
    let rows = all.into_iter().map(|(constraint, circuits)| {
        let mut row = old.get(&constraint).cloned().unwrap_or_default();
        row.circuits = circuits.into_iter().collect();
        row.constraint = constraint;
        let found = lies.get(&row.constraint).and_then(|lies| pick(lies, &row));
        if found.is_some() {
            row.equivalent.clear();
        }
        (row.lie, row.told) = found.unwrap_or_default();
        row
    });
    let rows: Vec<Row> = rows.collect();
    let json = serde_json::to_string_pretty(&rows).expect("rows are plain data");
    std::fs::write(file("table.json"), json + "\n").expect("the table is written");
    std::fs::write(file("table.md"), readable(&rows)).expect("the table is written");
    let missing = rows.iter().filter(|row| row.lie.is_empty() && row.equivalent.is_empty());
    let missing: Vec<_> = missing.map(|row| row.constraint.as_str()).collect();
    assert!(missing.is_empty(), "no lie, no reason:\n{}", missing.join("\n"));
}

/// The table in Markdown.
fn readable(rows: &[Row]) -> String {
    let mut text = String::from(
        "# Constraints, and the lies that they alone refuse\n\n`run` writes this file. What the columns mean: \
         docs/circuits.md, section 9.\n\n| constraint | of | lie | told |\n|---|---|---|---|\n",
    );
    for row in rows {
        let lie = if row.equivalent.is_empty() { &row.lie } else { &row.equivalent };
        let told = if row.equivalent.is_empty() { &row.told } else { "equivalent" };
        let _ = writeln!(text, "| {} | {} | {lie} | {told} |", row.constraint, row.circuits.join(", "));
    }
    text
}
