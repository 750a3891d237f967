//! What the relay's circuits refuse: for each constraint that they add, a lie that no other constraint refuses.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use enfold_circuits::batch::BatchCircuit;
use enfold_circuits::config::F;
use enfold_circuits::kind::PathsTargets;
use enfold_circuits::params::Params;
use enfold_circuits::relay::RelayPathTargets;
use enfold_circuits::removal::{Opened, opened};
use enfold_state::executor::execute;
use enfold_state::hash::Digest;
use enfold_state::kind::PerBatch;
use enfold_witness::batch::{BatchWitness, Paths};
use enfold_witness::profile::{BatchId, ProfileId};
use enfold_witness::relay::RelayPath;
use enfold_witness::witness::witness_block;
use plonky2::field::types::Field;
use plonky2::iop::target::Target;
use plonky2::iop::witness::PartialWitness;

use crate::world::{LIMIT, World, stranger};

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
        let build =
            || BatchCircuit::build(ProfileId::Test.profile(), batch, &params.batch, params.batch_degree_bits);
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

/// A batch of puts, to be changed: natively first, then wire by wire.
struct Lie {
    honest: BatchWitness,
    witness: BatchWitness,
    wires: Vec<(Target, F)>,
}

impl Lie {
    /// Twelve puts: a path of ten, full, and one of two.
    fn new() -> Self {
        let mut world = World::new();
        let puts = (0..12).map(|i| world.put(1 + i % 5, stranger(i as u32), 100 + i as u64, 0)).collect();
        let block = world.block(puts);
        let execution = execute(&world.ledger, &block).expect("a block");
        let witness =
            witness_block(ProfileId::Test.profile(), &world.ledger, &block, &execution).expect("a witness");
        let mut batches = witness.batches.into_iter().filter(|batch| batch.batch == BatchId::RelayFew);
        let witness = batches.next().expect("a batch of few leaves");
        assert!(batches.next().is_none());
        Self { honest: witness.clone(), witness, wires: Vec::new() }
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
        match &circuit(BatchId::RelayFew).full.targets().paths {
            PathsTargets::Relay(paths) => paths,
            _ => unreachable!("a relay circuit"),
        }
    }

    fn set(&mut self, target: Target, value: F) {
        self.wires.push((target, value));
    }

    /// Gives the result of the last operation of a name another value.
    fn tell(&mut self, name: &str, value: F) {
        let place = circuit(BatchId::RelayFew).opened.places(name).pop().expect("there is such an operation");
        self.set(place, value);
    }

    fn inputs(&self) -> PartialWitness<F> {
        let full = &circuit(BatchId::RelayFew).full;
        let mut inputs = full.fill(&self.witness, Digest::ZERO).expect("it fits");
        inputs.target_values.extend(self.wires.iter().copied());
        inputs
    }

    /// All constraints that the lie breaks, told in a way.
    fn broken(&self, constraint: &str, told: Told) -> BTreeSet<String> {
        let Circuit { full, opened } = circuit(BatchId::RelayFew);
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
];

#[test]
fn each_constraint_refuses_a_lie_that_no_other_refuses() {
    let mut missing: BTreeSet<String> = circuit(BatchId::RelayFew).opened.names();
    missing.retain(|name| name.starts_with("relay: "));
    for &(constraint, told, change) in LIES {
        let mut lie = Lie::new();
        change(&mut lie);
        let broken = lie.broken(constraint, told);
        assert!(broken.iter().eq([constraint]), "{constraint}: {broken:?}");
        assert!(missing.remove(constraint), "{constraint} is a constraint with one lie");
    }
    assert!(missing.is_empty(), "no lie for {missing:?}");
}

/// Consumed and emitted messages that the native twin and the circuit both refuse.
#[test]
fn a_leg_over_the_limit_is_refused_by_twin_and_circuit() {
    let mut lie = Lie::new();
    lie.paths()[1].legs[0].as_mut().expect("a leg").put.amount = LIMIT + 1;
    assert!(enfold_witness::step::check_batch(ProfileId::Test.profile(), &lie.witness).is_err());
    assert!(
        broken(&lie.witness).iter().any(|name| name.starts_with("Range: ")),
        "{:?}",
        broken(&lie.witness)
    );
}
