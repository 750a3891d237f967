//! Measures of a profile's circuits, and of what a block costs in them.
//!
//! Proving takes time by **cells**: rows times columns. The rows of batch circuits are counted while they are laid
//! out, so nothing of `2^16` rows is built. Lift, fold and block are built, over batch circuits that are not there:
//! their keys are constants of lift, and any will do for counting.

mod block;

pub use block::{BlockCost, RowCosts};

use enfold_state::hash::Digest;
use enfold_state::kind::{FamilyId, PerBatch, PerFamily};
use enfold_state::profile::{BatchId, BatchShape, ProfileId};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::{HashOut, NUM_HASH_OUT_ELTS};
use plonky2::hash::merkle_tree::{MerkleCap, MerkleTree};
use rayon::prelude::*;
use serde::Serialize;

use crate::backend::{Backend, BackendError, Bare, Built, Stock};
use crate::batch::BatchCircuit;
use crate::block::BlockCircuit;
use crate::check::Checker;
use crate::config::{Builder, CircuitData, CommonCircuitData, F, VerifierOnlyCircuitData};
use crate::fold::FoldCircuit;
use crate::gadgets::schnorr;
use crate::lift::LiftCircuit;
use crate::params::{FamilyParams, Params};
use crate::recursion::BuildError;
use crate::rows::{Part, RowCount};
use crate::verify::PinnedSet;

/// Measures of a profile.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProfileReport {
    /// The profile.
    pub profile: ProfileId,
    /// Rows of batch circuits for a transfer between two leaves that have no other leg in the block, with a fee: its
    /// share of a full `debit_wide` and a full `credit_wide` circuit, whose long paths hold a fee for each of its single
    /// ones; their padding included.
    pub rows_per_transfer: f64,
    /// The same in cells.
    pub cells_per_transfer: f64,
    /// Rows of a signature, its key's address included.
    pub signature_rows: usize,
    /// The circuits: batches, lifts, fold, block.
    pub circuits: Vec<CircuitReport>,
}

/// Measures of a circuit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CircuitReport {
    /// A batch's name, a lift's, `fold` or `block`.
    pub name: &'static str,
    /// Paths and legs of a batch circuit.
    #[serde(flatten)]
    pub shape: Option<ShapeReport>,
    /// Rows in use.
    pub rows: usize,
    /// All rows.
    pub degree: usize,
    /// Share of the rows in use, 0 to 1.
    pub fill: f64,
    /// Rows in use by gate, most first.
    pub gates: Vec<GateRows>,
    /// Rows in use by what they are for. Empty in lift, fold and block.
    pub parts: Vec<PartRows>,
    /// The highest degree of a gate's constraint, its selector apart.
    pub constraint_degree: usize,
    /// Columns.
    pub columns: Columns,
    /// Cells of a proof: all rows times the columns that each proof commits to.
    pub cells: u64,
    /// Elements of the public inputs.
    pub public_inputs: usize,
    /// Entry of the circuit's key ([`crate::keys::entry`]), if it is known.
    pub digest: Option<Digest>,
}

/// Paths and legs of a batch circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ShapeReport {
    /// Leaves that are opened.
    pub paths: usize,
    /// Of these, with many legs each.
    pub long_paths: usize,
    /// Legs of such a path. The others have one.
    pub long_legs: usize,
}

impl From<BatchShape> for ShapeReport {
    fn from(shape: BatchShape) -> Self {
        Self { paths: shape.paths(), long_paths: shape.long, long_legs: shape.legs }
    }
}

/// Rows with a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GateRows {
    /// The gate, without its parameters.
    pub gate: String,
    /// The rows.
    pub rows: usize,
}

/// Rows for a purpose.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PartRows {
    /// What they are for.
    pub part: Part,
    /// The rows.
    pub rows: usize,
    /// The rows divided by the circuit's single paths, or where it has none by its legs.
    pub rows_per_leg: f64,
}

/// Columns of a circuit. Constants and sigmas are committed to once, the others in each proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Columns {
    /// Selectors and gate constants.
    pub constants: usize,
    /// Columns that say what is connected: as many as routed wires.
    pub sigmas: usize,
    /// Wires.
    pub wires: usize,
    /// The permutation argument's products, full and partial, for all challenges.
    pub permutation: usize,
    /// Parts of the quotient, for all challenges.
    pub quotient: usize,
}

impl Columns {
    /// Of circuits with these common data.
    pub fn of(common: &CommonCircuitData) -> Self {
        let challenges = common.config.num_challenges;
        Self {
            constants: common.num_constants,
            sigmas: common.config.num_routed_wires,
            wires: common.config.num_wires,
            permutation: (1 + common.num_partial_products) * challenges,
            quotient: common.quotient_degree_factor * challenges,
        }
    }

    /// Columns that each proof commits to.
    pub const fn proof(&self) -> usize {
        self.wires + self.permutation + self.quotient
    }
}

impl CircuitReport {
    fn new(name: &'static str, common: &CommonCircuitData, rows: usize, gates: Vec<GateRows>) -> Self {
        let (degree, columns) = (common.degree(), Columns::of(common));
        Self {
            name,
            shape: None,
            rows,
            degree,
            fill: rows as f64 / degree as f64,
            gates,
            parts: Vec::new(),
            constraint_degree: common.constraint_degree(),
            columns,
            cells: (degree * columns.proof()) as u64,
            public_inputs: common.num_public_inputs,
            digest: None,
        }
    }

    /// Of a batch circuit that is not built.
    fn of_batch(id: ProfileId, batch: BatchId, common: &CommonCircuitData, rows: &RowCount) -> Self {
        let shape = id.profile().shape(batch);
        let legs = legs_of(shape) as f64;
        let gates = rows.by_gate().into_iter().map(|(gate, rows)| GateRows { gate: gate.to_owned(), rows });
        let part = |part| {
            let rows = rows.of(part);
            PartRows { part, rows, rows_per_leg: rows as f64 / legs }
        };
        Self {
            shape: Some(shape.into()),
            parts: Part::ALL.into_iter().map(part).filter(|part| part.rows > 0).collect(),
            ..Self::new(batch.name(), common, rows.total(), gates.collect())
        }
    }

    /// Of a circuit that is built.
    fn of_built(name: &'static str, data: &CircuitData) -> Self {
        let gates = gate_rows(data);
        let rows = gates.iter().map(|gate| gate.rows).sum();
        Self::new(name, &data.common, rows, gates)
    }
}

/// Rows of a built circuit by gate, most first, those that only fill it up left out.
pub fn gate_rows(data: &CircuitData) -> Vec<GateRows> {
    let checker = Checker::new(data);
    let mut gates: Vec<GateRows> = Vec::new();
    for row in 0..checker.num_rows() {
        // plonky2 names gates by their Debug form, parameters included.
        let name = checker.gate_name(row);
        let name = name.split([' ', '<', '(']).next().unwrap_or(name);
        match gates.iter_mut().find(|gate| gate.gate == name) {
            Some(gate) => gate.rows += 1,
            None => gates.push(GateRows { gate: name.to_owned(), rows: 1 }),
        }
    }
    gates.retain(|gate| gate.gate != "NoopGate");
    gates.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.gate.cmp(&b.gate)));
    gates
}

/// Rows of a profile's batch circuits.
pub fn batch_rows(id: ProfileId) -> PerBatch<RowCount> {
    let params = Params::of(id);
    let mut rows = PerBatch::<RowCount>::default();
    let count = |batch| BatchCircuit::count_rows(id.profile(), batch, &params.of_batch(batch).config);
    rows.values_mut().par_iter_mut().zip(BatchId::ALL).for_each(|(rows, batch)| *rows = count(batch));
    rows
}

/// Legs that a circuit is full with if no two of them touch one leaf, unless it is made for those that do.
fn legs_of(shape: BatchShape) -> usize {
    if shape.singles > 0 { shape.singles } else { shape.capacity() }
}

/// [`ProfileReport::rows_per_transfer`] of a profile.
pub fn rows_per_transfer(id: ProfileId) -> f64 {
    let params = Params::of(id);
    let degree = |batch| (1_usize << params.of_batch(batch).degree_bits) as f64;
    let share = |batch| degree(batch) / legs_of(id.profile().shape(batch)) as f64;
    [BatchId::DebitWide, BatchId::CreditWide].into_iter().map(share).sum()
}

impl ProfileReport {
    /// Measures a profile's circuits: seconds.
    ///
    /// # Errors
    /// If lift, fold or block do not fit the profile's degrees: a mistake in its constants.
    pub fn measure(id: ProfileId) -> Result<Self, BuildError> {
        let params = Params::of(id);
        let common = PerFamily::from_fn(|family| {
            let FamilyParams { config, degree_bits, .. } = &params.families[family];
            BatchCircuit::common(config, *degree_bits)
        });
        let (rows, recursion) = rayon::join(|| batch_rows(id), || recursion(&params, &common));
        let of_batch =
            |(batch, rows): (BatchId, _)| CircuitReport::of_batch(id, batch, &common[batch.family()], rows);
        let mut circuits: Vec<_> = rows.iter().map(of_batch).collect();
        circuits.extend(recursion?);

        let rows_per_transfer = rows_per_transfer(id);
        Ok(Self {
            profile: id,
            rows_per_transfer,
            cells_per_transfer: rows_per_transfer * Columns::of(&common[FamilyId::FIRST]).proof() as f64,
            signature_rows: schnorr::ROWS,
            circuits,
        })
    }

    /// With the digests of a pinned list.
    pub fn with_digests(mut self, pinned: &PinnedSet) -> Self {
        for circuit in &mut self.circuits {
            let pinned = pinned.circuits.iter().find(|pinned| pinned.name == circuit.name);
            circuit.digest = pinned.map(|pinned| pinned.entry);
        }
        self
    }
}

/// Builds circuits without their commitments: all that figures need.
#[derive(Debug)]
struct Uncommitted;

impl Backend for Uncommitted {
    fn build(&self, builder: Builder) -> Result<Built, BackendError> {
        let bare = Bare::build(builder);
        // Elements that differ, since verifiers have the key as constants, and equal ones share a place.
        let element = |digest, i| F::from_canonical_usize((1 << 40) + NUM_HASH_OUT_ELTS * digest + i);
        let digest = |digest| HashOut { elements: std::array::from_fn(|i| element(digest, i)) };
        let cap = MerkleCap((0..1 << bare.common.config.fri_config.cap_height).map(digest).collect());
        let data = bare.with_tree(MerkleTree { leaves: Vec::new(), digests: Vec::new(), cap });
        Ok(Built { data, prover: Box::new(Stock) })
    }
}

/// Lifts, fold and block over batch circuits with these common data and any keys.
fn recursion(
    params: &Params,
    common: &PerFamily<CommonCircuitData>,
) -> Result<Vec<CircuitReport>, BuildError> {
    let mut lifts = Vec::with_capacity(FamilyId::ALL.len());
    for (family, common) in common.iter() {
        let key = |batch: BatchId| VerifierOnlyCircuitData {
            constants_sigmas_cap: MerkleCap(vec![HashOut::ZERO; 1 << common.config.fri_config.cap_height]),
            circuit_digest: HashOut {
                elements: [F::from_canonical_usize(batch as usize); NUM_HASH_OUT_ELTS],
            },
        };
        let keys: Vec<_> = family.batches().map(key).collect();
        lifts.push(LiftCircuit::build_with(&Uncommitted, params, family, common, &keys)?.data);
    }
    let keys = PerFamily::from_fn(|family| lifts[family as usize].verifier_data());
    let fold = FoldCircuit::build_with(&Uncommitted, params, &PerFamily::from_fn(|family| &keys[family]))?;
    let block = BlockCircuit::build_with(&Uncommitted, params, &fold.data.common, fold.keys())?;
    let lifts = FamilyId::ALL.into_iter().zip(&lifts);
    let lifts = lifts.map(|(family, data)| CircuitReport::of_built(family.lift(), data));
    let above = [CircuitReport::of_built("fold", &fold.data), CircuitReport::of_built("block", &block.data)];
    Ok(lifts.chain(above).collect())
}
