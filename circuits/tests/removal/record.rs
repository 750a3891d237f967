//! What lies say of constraints. Shared by the test targets that tell lies.
//!
//! A lie is told to the circuit in up to three ways, and each gives the set of all constraints that it breaks:
//!
//! - *as one*: connected wires hold one value, the lie's;
//! - *apart*: with all named copy constraints out, the lie's wires hold its values, and what follows is computed;
//! - *left*: the same, but the places that one constraint speaks of hold their honest values: the prover claims one
//!   thing and shows the circuit another.
//!
//! A set of one constraint says that without it the lie is accepted: its removal makes the test fail that tells the
//! lie. A lie is named by its test and its number in it. The table keeps one such lie for each constraint, and
//! each test run tells those lies again, in that way; with `ENFOLD_LIES` set to a folder, a run tells all lies in all ways
//! and writes down there what each is alone to break.

// Each target uses a part.
#![allow(dead_code)]

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use enfold_circuits::config::{Builder, CircuitData, F};
use enfold_circuits::gadgets::logup::LogUpTargets;
use enfold_circuits::gadgets::select::Selects;
use enfold_circuits::removal::Opened;
use enfold_state::hash::Side;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, PartitionWitness};
use serde::{Deserialize, Serialize};

/// The folder for records.
pub const FOLDER: &str = "ENFOLD_LIES";

/// A row of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The constraint's name.
    pub constraint: String,
    /// The circuits that have it, or the gate.
    pub circuits: Vec<String>,
    /// The lie that no other constraint refuses: test target, test, number in the test.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lie: String,
    /// How it is told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub told: String,
    /// Why the circuit without the constraint proves nothing else.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub equivalent: String,
}

/// A file of the folder of this one. Read when tests run: a table that is written anew takes no new build.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/removal").join(name)
}

/// The table.
pub fn table() -> Vec<Row> {
    let text = std::fs::read_to_string(file("table.json")).expect("the table is there");
    serde_json::from_str(&text).expect("the table is well-formed")
}

/// What one lie breaks alone: constraints, and how the lie is told.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    pub lie: String,
    pub alone: BTreeMap<String, String>,
}

/// While lies are recorded, writes down what a circuit names, and says so.
pub fn enumerate(circuit: &str, names: &BTreeSet<String>) -> bool {
    let Some(folder) = std::env::var_os(FOLDER) else { return false };
    let names = serde_json::to_string(names).expect("names are plain data");
    let file = Path::new(&folder).join(format!("{circuit}.names"));
    std::fs::write(file, names).expect("the folder can be written");
    true
}

/// The rows of each lie.
static ROWS: LazyLock<BTreeMap<String, Vec<Row>>> = LazyLock::new(|| {
    let mut rows: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    table().into_iter().for_each(|row| rows.entry(row.lie.clone()).or_default().push(row));
    rows
});

/// Test target, test, and how many lies the test told before; none where it is not known which test runs.
fn name(suite: &str) -> Option<String> {
    thread_local! {
        static TOLD: Cell<usize> = const { Cell::new(0) };
    }
    let thread = std::thread::current();
    let test = thread.name().filter(|&name| name != "main")?;
    let number = TOLD.replace(TOLD.get() + 1);
    Some(format!("{suite} {test} {number}"))
}

fn write(record: &Record) {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let file = Path::new(&folder).join(format!("{}.jsonl", std::process::id()));
    let mut line = serde_json::to_string(record).expect("a record is plain data");
    line.push('\n');
    let mut file =
        OpenOptions::new().create(true).append(true).open(file).expect("the folder can be written");
    file.write_all(line.as_bytes()).expect("the record is written");
}

/// A row of a gate that breaks this constraint and no other.
pub fn alone(suite: &str, constraint: &str) {
    let lie = name(suite).filter(|_| std::env::var_os(FOLDER).is_some());
    if let Some(lie) = lie {
        write(&Record { lie, alone: BTreeMap::from([(constraint.to_owned(), "one row".to_owned())]) });
    }
}

/// The one element of a set of one.
fn only(set: BTreeSet<String>) -> Option<String> {
    if set.len() == 1 { set.into_iter().next() } else { None }
}

/// Tells a lie, given by its inputs, to the circuit that was opened; `honest` are inputs of an honest witness.
pub fn tell(
    suite: &str,
    opened: &Opened<'_>,
    full: &CircuitData,
    honest: &PartialWitness<F>,
    lie: &PartialWitness<F>,
) {
    let Some(name) = name(suite) else { return };
    let telling = Telling { opened, full, honest, lie };
    if std::env::var_os(FOLDER).is_some() {
        return write(&Record { lie: name, alone: telling.all() });
    }
    for row in ROWS.get(&name).into_iter().flatten() {
        let broken = telling.told(&row.told, &row.constraint);
        assert!(
            broken.iter().eq([&row.constraint]),
            "{name}, told {}: expected it to break \"{}\" alone, got {broken:?}",
            row.told,
            row.constraint
        );
    }
}

/// What breaks a circuit in which wires that are connected are given different values.
pub const TWO_VALUES: &str = "two values for one wire";

/// Whether inputs give connected wires different values.
pub fn contradicts(full: &CircuitData, inputs: &PartialWitness<F>) -> bool {
    let (num_wires, degree) = (full.common.config.num_wires, full.common.degree());
    let class = |target: Target| full.prover_only.representative_map[target.index(num_wires, degree)];
    let mut values = HashMap::new();
    inputs
        .target_values
        .iter()
        .any(|(&target, &value)| *values.entry(class(target)).or_insert(value) != value)
}

struct Telling<'a, 'c> {
    opened: &'a Opened<'c>,
    full: &'a CircuitData,
    honest: &'a PartialWitness<F>,
    lie: &'a PartialWitness<F>,
}

impl Telling<'_, '_> {
    fn told(&self, how: &str, constraint: &str) -> BTreeSet<String> {
        match how {
            "as one" => self.as_one(),
            "apart" => self.opened.broken(&self.opened.complete(&[], self.lie)),
            "left" => {
                let honest = self.opened.complete(&[], self.honest);
                self.opened.broken(&self.opened.complete(&self.pins(&honest, constraint), self.lie))
            }
            _ => panic!("expected \"as one\", \"apart\" or \"left\", got {how:?}"),
        }
    }

    fn as_one(&self) -> BTreeSet<String> {
        match contradicts(self.full, self.lie) {
            true => BTreeSet::from([TWO_VALUES.to_owned()]),
            false => self.opened.broken_in(self.full, self.lie),
        }
    }

    fn all(&self) -> BTreeMap<String, String> {
        let mut alone = BTreeMap::new();
        let opened = self.opened;
        let broken = self.as_one();
        if broken.is_empty() {
            // The truth after all.
            return alone;
        }
        alone.extend(only(broken).map(|name| (name, "as one".to_owned())));
        let apart = opened.complete(&[], self.lie);
        alone.extend(only(opened.broken(&apart)).map(|name| (name, "apart".to_owned())));
        let honest = opened.complete(&[], self.honest);
        for constraint in opened.names() {
            let pins = self.pins(&honest, &constraint);
            if pins.iter().all(|&(target, value)| opened.value(&apart, target) == value) {
                continue;
            }
            let broken = opened.broken(&opened.complete(&pins, self.lie));
            if broken.iter().eq([&constraint]) {
                alone.entry(constraint).or_insert_with(|| "left".to_owned());
            }
        }
        alone
    }

    fn pins(&self, honest: &PartitionWitness<'_, F>, constraint: &str) -> Vec<(Target, F)> {
        let places = self.opened.places(constraint).into_iter();
        places.map(|place| (place, self.opened.value(honest, place))).collect()
    }
}

/// A circuit with rows that have room for more: a LogUp row with one message, a row of selections with one.
pub struct Excess {
    /// Message, challenges, the sum before, digests.
    pub inputs: Vec<Target>,
    /// The message's flag.
    pub flag: Target,
    /// The LogUp row.
    pub logup_row: usize,
}

impl Excess {
    pub fn new(builder: &mut Builder) -> Self {
        let (message, flag) = (builder.add_virtual_target_arr(), builder.add_virtual_target());
        let [alpha, gamma, before] = std::array::from_fn(|_| builder.add_virtual_target_arr());
        let [on, off]: [[Target; 4]; 2] = std::array::from_fn(|_| builder.add_virtual_target_arr());
        let mut sum = LogUpTargets::new((alpha, gamma), before);
        sum.push(builder, Side::Emit, message, flag);
        let logup_row = builder.num_gates();
        let sum = sum.finish(builder);
        let mut selects = Selects::default();
        let selected = selects.select(builder, flag, on, off);
        selects.finish(builder);
        builder.register_public_inputs(&[&sum[..], &selected].concat());
        let inputs = [&message[..], &alpha, &gamma, &before, &on, &off].concat();
        Self { inputs, flag, logup_row }
    }
}
