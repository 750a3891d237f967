//! What circuits refuse because of the relay: for each constraint that it adds to its own or to others, a lie that no other
//! constraint refuses.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

use enfold_circuits::batch::BatchCircuit;
use enfold_circuits::config::F;
use enfold_circuits::gadgets::op::OpTargets;
use enfold_circuits::kind::PathsTargets;
use enfold_circuits::params::{FamilyParams, Params};
use enfold_circuits::relay::RelayPathTargets;
use enfold_circuits::removal::{Opened, opened};
use enfold_state::executor::{Rule, execute};
use enfold_state::field::from_u32;
use enfold_state::hash::Digest;
use enfold_state::kind::{KindId, PerBatch};
use enfold_state::message::Op;
use enfold_state::profile::{BatchId, ProfileId};
use enfold_witness::batch::{BatchWitness, Paths};
use enfold_witness::relay::RelayPath;
use enfold_witness::step::{StepError, check_batch};
use enfold_witness::witness::witness_block;
use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartialWitness;

use crate::world::{ASSET, LIMIT, World, stranger};

/// A circuit of the test profile, and the same with all named constraints out.
struct Circuit {
    full: BatchCircuit,
    opened: Opened<'static>,
}

fn circuit(batch: BatchId) -> &'static Circuit {
    static CIRCUITS: OnceLock<PerBatch<OnceLock<Circuit>>> = OnceLock::new();
    let circuits = CIRCUITS.get_or_init(PerBatch::default);
    circuits.of(batch).get_or_init(|| {
        let params = Params::of(ProfileId::Test);
        let FamilyParams { config, degree_bits, .. } = params.of_batch(batch);
        let build = || BatchCircuit::build(ProfileId::Test.profile(), batch, config, *degree_bits).unwrap();
        let (open, names) = opened(build);
        let data = &Box::leak(Box::new(open)).data;
        Circuit { full: build(), opened: Opened::new(data, names) }
    })
}

/// The names of the constraints that a batch breaks.
pub fn broken(batch: &BatchWitness) -> Vec<String> {
    let Circuit { full, opened } = circuit(batch.batch);
    let inputs = full.fill(batch, Digest::ZERO).expect("it fits");
    opened.broken_in(&full.data, &inputs).into_iter().collect()
}

/// How a lie is told, as `circuits/tests/removal` has it.
#[derive(Clone, Copy)]
enum Told {
    /// Connected wires hold one value.
    AsOne,
    /// With all named copy constraints out.
    Apart,
    /// The same, and the places of the constraint hold their honest values.
    Left,
}

/// A batch of a block of puts, to be changed: natively first, then wire by wire.
struct Lie {
    world: World,
    honest: BatchWitness,
    witness: BatchWitness,
    wires: Vec<(Target, F)>,
}

impl Lie {
    /// The first batch of a kind. The relay's is of twelve puts: a path of ten, full, and one of two.
    fn new(kind: KindId) -> Self {
        let mut world = World::new();
        let puts = (0..12).map(|i| world.put(1 + i % 5, stranger(i as u32), 100 + i as u64, 0)).collect();
        let block = world.block(puts);
        let execution = execute(&world.ledger, &block).expect("a block");
        let witness =
            witness_block(ProfileId::Test.profile(), &world.ledger, &block, &execution).expect("a witness");
        let witness = witness.batches.into_iter().find(|batch| batch.batch.kind() == kind).expect("a batch");
        assert!(kind != KindId::Relay || witness.batch == BatchId::RelayDeep, "one leaf with many legs");
        Self { world, honest: witness.clone(), witness, wires: Vec::new() }
    }

    fn circuit(&self) -> &'static Circuit {
        circuit(self.witness.batch)
    }

    fn paths(&mut self) -> &mut [RelayPath] {
        match &mut self.witness.paths {
            Paths::Relay(paths) => paths,
            _ => unreachable!("a relay batch"),
        }
    }

    /// Those of the last path.
    fn targets() -> &'static RelayPathTargets {
        Self::all_targets().last().expect("a path")
    }

    fn all_targets() -> &'static [RelayPathTargets] {
        match &circuit(BatchId::RelayDeep).full.targets().paths {
            PathsTargets::Relay(paths) => paths,
            _ => unreachable!("a relay circuit"),
        }
    }

    /// The choice of the op in the first leg, which is live.
    fn op(&self) -> &'static OpTargets {
        match &self.circuit().full.targets().paths {
            PathsTargets::Debit(paths) => &paths[0].legs[0].op,
            PathsTargets::Credit(paths) => &paths[0].messages[0].op,
            PathsTargets::Relay(_) => unreachable!("a relay consumes one op"),
        }
    }

    /// Gives all bits of [`Self::op`] a value.
    fn set_op(&mut self, value: F) {
        self.op().bits().for_each(|bit| self.set(bit, value));
    }

    /// The sender of a debit batch's first leg signs it again, with another number for the op.
    fn sign_first(&mut self, op: u32) {
        let Paths::Debit(paths) = &mut self.witness.paths else { unreachable!("a debit batch") };
        let path = &mut paths[0];
        let mut record = path.legs[0].signed.transaction.elements();
        record[0] = from_u32(op);
        path.legs[0].signed.signature = self.world.sign_record(path.index, &record);
    }

    fn set(&mut self, target: Target, value: F) {
        self.wires.push((target, value));
    }

    /// Gives the result of the last operation of a name another value.
    fn tell(&mut self, name: &str, value: F) {
        let place = self.circuit().opened.places(name).pop().expect("there is such an operation");
        self.set(place, value);
    }

    /// The same for the first one, that of the first leg.
    fn tell_first(&mut self, name: &str, value: F) {
        let place = self.circuit().opened.places(name)[0];
        self.set(place, value);
    }

    fn inputs(&self) -> PartialWitness<F> {
        let full = &self.circuit().full;
        let mut inputs = full.fill(&self.witness, Digest::ZERO).expect("it fits");
        inputs.target_values.extend(self.wires.iter().copied());
        inputs
    }

    /// All constraints that the lie breaks, told in a way.
    fn broken(&self, constraint: &str, told: Told) -> BTreeSet<String> {
        let Circuit { full, opened } = self.circuit();
        let inputs = self.inputs();
        match told {
            Told::AsOne => opened.broken_in(&full.data, &inputs),
            Told::Apart => opened.broken(&opened.complete(&[], &inputs)),
            Told::Left => {
                let honest = full.fill(&self.honest, Digest::ZERO).expect("it fits");
                let honest = opened.complete(&[], &honest);
                let places = opened.places(constraint).into_iter();
                let pins: Vec<_> = places.map(|place| (place, opened.value(&honest, place))).collect();
                opened.broken(&opened.complete(&pins, &inputs))
            }
        }
    }
}

type Change = fn(&mut Lie);

fn number(integer: u64) -> F {
    F::from_canonical_u64(integer)
}

/// `2^32` as a field element: out of the ranges of 32 and of 30 bits.
fn wide() -> F {
    number(1 << 32)
}

/// A signed op's number, and all of the message's first element, are those of a transfer plus so much for a put.
fn more() -> F {
    number(Op::Put as u64) - number(Op::Transfer as u64)
}

/// Constraint, how the lie is told, and the lie.
const LIES: &[(&str, Told, Change)] = &[
    // Somebody else's leaf.
    ("relay: the leaf is the relay's", Told::Apart, |lie| {
        lie.paths().iter_mut().for_each(|path| path.leaf.address = stranger(1));
    }),
    ("relay: what a live flag rises by", Told::AsOne, |lie| {
        let last = &Lie::targets().legs;
        lie.set(last[9].live, F::ONE);
        lie.tell("relay: what a live flag rises by", F::ZERO);
    }),
    ("relay: live flags never rise", Told::Apart, |lie| lie.set(Lie::targets().legs[9].live, F::ONE)),
    ("relay: asset has 32 bits", Told::Left, |lie| {
        Lie::all_targets().iter().for_each(|path| lie.set(path.leaf.asset, wide()));
    }),
    ("relay: sender has 32 bits", Told::Left, |lie| lie.set(Lie::targets().legs[9].sender, wide())),
    ("relay: balance less amount", Told::AsOne, |lie| lie.tell("relay: balance less amount", F::ONE)),
    ("relay: an amount is at most the balance", Told::Left, |lie| {
        lie.set(Lie::targets().legs[9].amount, number(LIMIT + 1));
    }),
    ("relay: count after a leg", Told::AsOne, |lie| lie.tell("relay: count after a leg", F::TWO)),
    ("relay: count has 32 bits", Told::Left, |lie| {
        for (path, before) in Lie::all_targets().iter().zip([0, 10]) {
            lie.set(path.leaf.nonces[0], wide() + number(before));
        }
    }),
    ("relay: payee has 30 bits", Told::Left, |lie| lie.set(Lie::targets().legs[9].payee, wide())),
    // After the credits.
    ("batch: phase is 0, 1 or 2", Told::Apart, |lie| {
        let before = &lie.circuit().full.targets().before;
        lie.set(before.phase, number(3));
    }),
    // A transfer of the next asset: the sender has signed a number that is no op's.
    ("debit: op is one that people sign", Told::Apart, |lie| {
        lie.set_op(number(1 << 8) / more());
        lie.sign_first(Op::Transfer as u32 + (1 << 8));
    }),
    // The sender has signed a transfer, and puts.
    ("debit: signed op", Told::AsOne, |lie| {
        lie.sign_first(Op::Transfer as u32);
        lie.tell_first("debit: signed op", number(Op::Transfer as u64));
    }),
    // The sender has signed a put, and transfers.
    ("debit: first element by op", Told::AsOne, |lie| {
        let transfer = Op::Transfer as u64 + (u64::from(ASSET) << 8);
        lie.tell_first("debit: first element by op", number(transfer));
    }),
    // Two ops at once make the number of a third.
    ("credit: op is one that credits consume", Told::Apart, |lie| lie.set_op(F::ONE)),
    ("op: sum of the bits", Told::AsOne, |lie| {
        lie.set_op(F::ONE);
        lie.tell_first("op: sum of the bits", F::ONE);
    }),
];

/// The kind of the circuits that have a constraint.
fn kind_of(constraint: &str) -> KindId {
    match constraint.split_once(':').expect("a name starts with its circuit or gadget").0 {
        "debit" => KindId::Debit,
        "credit" | "op" => KindId::Credit,
        _ => KindId::Relay,
    }
}

/// The constraints of payments, each of which has a lie in `circuits/tests/removal`.
fn constraints_of_payments() -> BTreeSet<String> {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/removal/table.json");
    let table = std::fs::read_to_string(table).expect("the table is there");
    let rows: Vec<serde_json::Value> = serde_json::from_str(&table).expect("rows");
    let name = |row: &serde_json::Value| row["constraint"].as_str().expect("a name").to_owned();
    rows.iter().map(name).collect()
}

#[test]
fn each_constraint_refuses_a_lie_that_no_other_refuses() {
    let names: BTreeSet<String> =
        BatchId::ALL.into_iter().flat_map(|batch| circuit(batch).opened.names()).collect();
    let mut missing = &names - &constraints_of_payments();
    assert!(missing.contains("op: sum of the bits"), "{missing:?}");
    for &(constraint, told, change) in LIES {
        let mut lie = Lie::new(kind_of(constraint));
        change(&mut lie);
        let broken = lie.broken(constraint, told);
        assert!(broken.iter().eq([constraint]), "{constraint}: {broken:?}");
        assert!(names.contains(constraint), "{constraint} is a constraint");
        missing.remove(constraint);
    }
    assert!(missing.is_empty(), "no lie for {missing:?}");
}

/// Consumed and emitted messages that the native twin and the circuit both refuse.
#[test]
fn a_leg_over_the_limit_is_refused_by_twin_and_circuit() {
    let mut lie = Lie::new(KindId::Relay);
    let got = LIMIT + 1;
    lie.paths()[1].legs[0].as_mut().expect("a leg").put.amount = got;
    let (contract, demand) = (KindId::Relay, "an amount of at most");
    let rule = Rule::Contract { contract, demand, expected: LIMIT, got };
    let refused = check_batch(ProfileId::Test.profile(), &lie.witness);
    assert_eq!(refused, Err(StepError::Rule { path: 1, leg: 0, rule }));
    let constraint = "relay: an amount is at most the balance";
    assert!(lie.broken(constraint, Told::Left).iter().eq([constraint]));
    assert_eq!(broken(&lie.witness), ["Range: value is the sum of its digits"]);
}
