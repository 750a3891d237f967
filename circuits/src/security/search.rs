//! Parameters for a goal: at least a given number of bits, proven by a published theorem, in every stage and for every
//! argument, at the least cost. The profile `proven` is [`Goal::PROVEN`].
//!
//! A candidate is rated as a whole: queries follow from the goal, rows of lift and fold from the queries, arities from
//! the rows, and the block proof's bytes from its circuit. Rows are counted: verifiers are laid out for two numbers of
//! queries, and each query takes as many rows as the next.
//! FRI's folding arity (16), the caps' heights (4, block's 7), block's arity (2) and the repetitions (3) are those of
//! `proven`; with them no argument but FRI comes near to the goals here.
//!
//! **Prover's time** is a model in core-seconds: a proof of `n` rows at rate `rho` takes `n / 2^16 (3.03 + 0.755 /
//! rho)`, and `g` bits of grinding `0.42 * 2^(g - 20)`. It is a line through measurements of November 2026, one debit batch
//! of 2^16 rows on two cores with AVX-512: 9.07 core-seconds at rate 1/8, 6.02 at 1/4, 4.54 at 1/2. The part
//! without rate is witness, quotient and openings. It serves to compare candidates, not to predict a machine.
//!
//! At rates above 1/8 constraints are evaluated on more points than are committed to; plonky2's own prover cannot do
//! that (its verifier can), so [`Candidate::stock`] tells such candidates apart.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use plonky2::plonk::circuit_data::CircuitConfig;
use rayon::prelude::*;

use super::proximity::Theorem;
use super::stage::Stage;
use super::{BATCH_GATES, RECURSION_GATES, Rounds, extension_bits, security_bits};
use crate::batch::BatchCircuit;
use crate::config::{Builder, CommonCircuitData};
use crate::keys::entry_target;
use crate::params::{BATCH_ROUTED_WIRES, Params, RECURSION_ROUTED_WIRES, Strength};
use crate::public_inputs::BatchPublicInputs;
use crate::recursion::Slot;
use crate::statement::BlockStatement;
use crate::verify::{Layout, VerifierKey};
use enfold_state::kind::FamilyId;
use enfold_state::profile::ProfileId;

/// What FRI's soundness is proven by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Radius {
    /// Unique decoding, BCIKS20.
    Unique,
    /// The Johnson radius, by a theorem.
    Johnson(Theorem),
}

impl Radius {
    /// The radii that count as proven.
    pub const PROVEN: [Self; 2] = [Self::Unique, Self::Johnson(Theorem::Bchks25)];

    fn rounds(self, stage: &Stage) -> Rounds {
        match self {
            Self::Unique => stage.unique(),
            Self::Johnson(theorem) => stage.johnson(theorem),
        }
    }
}

impl fmt::Display for Radius {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unique => "unique decoding",
            Self::Johnson(Theorem::Bciks20) => "Johnson, BCIKS20",
            Self::Johnson(Theorem::Bchks25) => "Johnson, BCHKS25",
            Self::Johnson(Theorem::Dkt26) => "Johnson, DKT26",
        })
    }
}

/// A goal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// Bits that every argument must have.
    pub bits: f64,
}

impl Goal {
    /// The goal of the profile `proven`.
    pub const PROVEN: Self = Self { bits: 80.0 };

    /// log2 of the messages that a block may emit, and as many that it may consume, so that LogUp has the bits; 32 is what
    /// the statement can count.
    pub fn messages_log2(&self) -> f64 {
        let different = extension_bits() - 7.0_f64.log2() - self.bits;
        (different - 1.0).min(32.0)
    }
}

/// Parameters of one kind of circuits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// log2 of the rows.
    pub degree_bits: usize,
    /// log2 of the inverse rate.
    pub rate_bits: usize,
    /// FRI's queries.
    pub queries: usize,
    /// Bits of grinding.
    pub grinding_bits: u32,
}

impl Choice {
    /// The smallest rows and rate with the fewest queries that reach the goal.
    fn reaching(goal: Goal, radius: Radius, stage: Stage) -> Option<Self> {
        let stage = stage.with_queries(goal.bits, |stage| radius.rounds(stage))?;
        let Stage { degree_bits, rate_bits, queries, grinding_bits, .. } = stage;
        Some(Self { degree_bits, rate_bits, queries, grinding_bits })
    }

    fn strength(self) -> Strength {
        let Self { rate_bits, queries, grinding_bits, .. } = self;
        Strength { num_challenges: 3, rate_bits, queries, grinding_bits, cap_height: 4, final_bits: 5 }
    }

    /// Core-seconds of a proof; see the module.
    pub fn core_seconds(self) -> f64 {
        let rows = (self.degree_bits as f64 - 16.0).exp2();
        let inverse_rate = (self.rate_bits as f64).exp2();
        rows * (3.03 + 0.755 * inverse_rate) + 0.42 * (f64::from(self.grinding_bits) - 20.0).exp2()
    }

    /// Common data of batch circuits with these parameters.
    fn batch_common(self) -> CommonCircuitData {
        BatchCircuit::common(&self.strength().config(BATCH_ROUTED_WIRES), self.degree_bits)
    }

    /// Common data of lift or fold with these parameters: those of the block circuit, which has the same gates.
    fn recursion_common(self) -> CommonCircuitData {
        let config = self.strength().config(RECURSION_ROUTED_WIRES);
        CommonCircuitData {
            fri_params: config.fri_config.fri_params(self.degree_bits, false),
            config,
            num_public_inputs: BatchPublicInputs::LEN,
            ..VerifierKey::pinned(ProfileId::Standard).circuit().common().clone()
        }
    }

    /// Common data of a block circuit with these parameters. Cap and last polynomial are those of a profile's.
    fn block_common(self, like: ProfileId) -> CommonCircuitData {
        let fri = Params::of(like).block.fri_config;
        let mut config = self.strength().config(RECURSION_ROUTED_WIRES);
        config.fri_config.cap_height = fri.cap_height;
        config.fri_config.reduction_strategy = fri.reduction_strategy;
        CommonCircuitData {
            fri_params: config.fri_config.fri_params(self.degree_bits, false),
            config,
            num_public_inputs: BlockStatement::LEN,
            ..VerifierKey::pinned(ProfileId::Standard).circuit().common().clone()
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { degree_bits, rate_bits, queries, grinding_bits } = self;
        write!(f, "2^{degree_bits} rows, 1/{}, {queries} q, {grinding_bits} g", 1 << rate_bits)
    }
}

/// A choice with the rows that verifying one of its proofs takes in a recursion circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priced {
    /// The parameters.
    pub choice: Choice,
    /// Rows of a slot of lift (for a batch) or of fold (for lift and fold).
    pub child_rows: usize,
}

/// Rows of a slot that verifies proofs with these common data, its key's entry included.
fn slot_rows(common: &CommonCircuitData) -> usize {
    let wide = Choice { degree_bits: 16, rate_bits: 3, queries: 1, grinding_bits: 16 }.strength();
    let mut builder = Builder::new(wide.config(RECURSION_ROUTED_WIRES));
    let slot = Slot::new(&mut builder, common);
    entry_target(&mut builder, slot.key());
    builder.num_gates()
}

/// Degrees that are searched, log2.
const BATCH_DEGREES: RangeInclusive<usize> = 16..=18;
/// Degrees of lift and fold that are searched, log2.
const RECURSION_DEGREES: RangeInclusive<usize> = 13..=17;
/// Rates that are searched, log2 of the inverse.
const RATES: RangeInclusive<usize> = 1..=4;

/// Rows of a slot by log2 of rows and of the inverse rate of what it verifies.
type Rows = BTreeMap<(usize, usize), Line>;

/// Rows of a slot as a function of the queries.
#[derive(Clone, Copy, Debug)]
struct Line {
    fixed: f64,
    each: f64,
}

impl Line {
    fn count(choice: Choice, common: fn(Choice) -> CommonCircuitData) -> Self {
        const FEW: usize = 16;
        const MANY: usize = 32;
        let rows = |queries| slot_rows(&common(Choice { queries, ..choice })) as f64;
        let (few, many) = (rows(FEW), rows(MANY));
        let each = (many - few) / (MANY - FEW) as f64;
        Self { fixed: few - each * FEW as f64, each }
    }

    fn at(self, queries: usize) -> usize {
        self.each.mul_add(queries as f64, self.fixed).ceil() as usize
    }
}

fn count(degrees: RangeInclusive<usize>, common: fn(Choice) -> CommonCircuitData) -> Rows {
    let shapes: Vec<_> = degrees.flat_map(|degree| RATES.map(move |rate| (degree, rate))).collect();
    let line = |(degree_bits, rate_bits)| {
        let choice = Choice { degree_bits, rate_bits, queries: 1, grinding_bits: 16 };
        ((degree_bits, rate_bits), Line::count(choice, common))
    };
    shapes.into_par_iter().map(line).collect()
}

static BATCH_ROWS: LazyLock<Rows> = LazyLock::new(|| count(BATCH_DEGREES, Choice::batch_common));
static RECURSION_ROWS: LazyLock<Rows> = LazyLock::new(|| count(RECURSION_DEGREES, Choice::recursion_common));

/// Parameters of a whole profile and what they cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Batches.
    pub batch: Priced,
    /// Lift and fold.
    pub recursion: Priced,
    /// Batch proofs to a lift proof.
    pub lift_arity: usize,
    /// Lift or fold proofs to a fold proof.
    pub fold_arity: usize,
    /// Block.
    pub block: Choice,
    /// Bytes of a block proof.
    pub proof_bytes: usize,
    /// Core-seconds for 2^16 rows of batches in a large block: their share of lifts and folds included.
    pub core_seconds: f64,
}

impl Candidate {
    /// Rates a pair of choices, block's rate and queries those of lift and fold; nothing if a child does not fit into
    /// lift, or two into fold.
    pub fn new(batch: Priced, recursion: Priced) -> Option<Self> {
        Self::with_block(batch, recursion, recursion.choice, ProfileId::Proven)
    }

    /// [`Self::new`] with block's rate and queries, and with cap and last polynomial of a profile's block; its rows follow.
    pub fn with_block(batch: Priced, recursion: Priced, block: Choice, like: ProfileId) -> Option<Self> {
        /// Rows of lift, fold and block for all but verifiers: chain of the children, statement, public inputs.
        const SHARED_ROWS: usize = 128;
        let rows = (1_usize << recursion.choice.degree_bits).checked_sub(SHARED_ROWS)?;
        let (lift_arity, fold_arity) = (rows / batch.child_rows, rows / recursion.child_rows);
        if lift_arity == 0 || fold_arity < 2 {
            return None;
        }
        let block_arity = Params::of(like).block_arity;
        let block_rows = (block_arity * recursion.child_rows + SHARED_ROWS).next_power_of_two();
        let block_degree_bits = block_rows.trailing_zeros() as usize;
        let block = Choice { degree_bits: block_degree_bits, ..block };
        let proof_bytes = Layout::of(&block.block_common(like)).len();
        // A tree over M lifts has M / (arity - 1) folds, but for a few.
        let lifts = 1.0 / lift_arity as f64;
        let folds = lifts / (fold_arity - 1) as f64;
        let each = batch.choice.core_seconds() + (lifts + folds) * recursion.choice.core_seconds();
        let core_seconds = each / (batch.choice.degree_bits as f64 - 16.0).exp2();
        Some(Self { batch, recursion, lift_arity, fold_arity, block, proof_bytes, core_seconds })
    }

    /// The parameters of a profile, which must be of a degree and a rate that are searched.
    ///
    /// # Panics
    /// If they are others.
    pub fn of(id: ProfileId) -> Self {
        let params = Params::of(id);
        let choice = |config: &CircuitConfig, degree_bits| Choice {
            degree_bits,
            rate_bits: config.fri_config.rate_bits,
            queries: config.fri_config.num_query_rounds,
            grinding_bits: config.fri_config.proof_of_work_bits,
        };
        let large = &params.families[FamilyId::FIRST];
        let batch = batch(choice(&large.config, large.degree_bits));
        let recursion = recursion(choice(&params.recursion, params.recursion_degree_bits));
        let block = choice(&params.block, params.block_degree_bits);
        Self::with_block(batch, recursion, block, id).expect("the profile's circuits fit")
    }

    /// Whether the batches are those of `standard`, but for their queries and grinding: as many rows at the same rate.
    pub fn keeps_batches(&self) -> bool {
        let params = Params::of(ProfileId::Standard);
        let large = &params.families[FamilyId::FIRST];
        let Choice { degree_bits, rate_bits, .. } = self.batch.choice;
        (degree_bits, rate_bits) == (large.degree_bits, large.config.fri_config.rate_bits)
    }

    /// Whether plonky2's own prover, which needs a rate of 1/8 at the most, could make the proofs.
    pub fn stock(&self) -> bool {
        [self.batch.choice, self.recursion.choice, self.block].iter().all(|choice| choice.rate_bits >= 3)
    }
}

/// Prices batch parameters, of a degree and a rate that are searched.
///
/// # Panics
/// If they are others.
pub fn batch(choice: Choice) -> Priced {
    Priced { choice, child_rows: BATCH_ROWS[&(choice.degree_bits, choice.rate_bits)].at(choice.queries) }
}

/// Prices parameters of lift and fold, of a degree and a rate that are searched.
///
/// # Panics
/// If they are others.
pub fn recursion(choice: Choice) -> Priced {
    Priced { choice, child_rows: RECURSION_ROWS[&(choice.degree_bits, choice.rate_bits)].at(choice.queries) }
}

/// All candidates that reach the goal by this radius, cheapest first.
pub fn search(goal: Goal, radius: Radius) -> Vec<Candidate> {
    let gates = |batch: bool| if batch { BATCH_GATES } else { RECURSION_GATES };
    let choices = |batch: bool, degrees: RangeInclusive<usize>| -> Vec<Choice> {
        let routed = if batch { BATCH_ROUTED_WIRES } else { RECURSION_ROUTED_WIRES };
        let mut choices = Vec::new();
        for degree_bits in degrees {
            for rate_bits in RATES {
                for grinding_bits in [16, 18, 20] {
                    let any = Choice { degree_bits, rate_bits, queries: 1, grinding_bits };
                    let stage = Stage::new(&any.strength().config(routed), degree_bits, gates(batch));
                    choices.extend(Choice::reaching(goal, radius, stage));
                }
            }
        }
        choices
    };
    let batches: Vec<Priced> = choices(true, BATCH_DEGREES).into_iter().map(batch).collect();
    let recursions: Vec<Priced> = choices(false, RECURSION_DEGREES).into_iter().map(recursion).collect();
    let pairs = batches.iter().flat_map(|batch| recursions.iter().map(move |recursion| (batch, recursion)));
    let mut all: Vec<Candidate> =
        pairs.filter_map(|(batch, recursion)| Candidate::new(*batch, *recursion)).collect();
    all.sort_by(|a, b| a.core_seconds.total_cmp(&b.core_seconds).then(a.proof_bytes.cmp(&b.proof_bytes)));
    all
}

/// The search's result as a table in Markdown: for each radius the cheapest candidate, the cheapest with the batches of
/// `standard`, the cheapest that plonky2's own prover could make, and the shortest proof among those that cost at most a
/// tenth more than `standard`'s prover. The profile `proven` comes first if it reaches the goal.
pub fn table(goal: Goal) -> String {
    let standard = Candidate::of(ProfileId::Standard);
    let mut table = String::from(
        "| proven by | batches | lift and fold | rows of a child | arities | block proof | core-seconds |\n\
         |---|---|---|---|---|---|---|\n",
    );
    table += &row("(`standard`, for comparison)", &standard);
    if security_bits(&Params::of(ProfileId::Proven)).proven_unique() >= goal.bits {
        table += &row("**the profile `proven`**: unique decoding", &Candidate::of(ProfileId::Proven));
    }
    for radius in Radius::PROVEN {
        let all = search(goal, radius);
        if all.is_empty() {
            table += &format!("| {radius} | not possible | | | | | |\n");
            continue;
        }
        let cheapest = all.first();
        let same = all.iter().find(|candidate| candidate.keeps_batches());
        let stock = all.iter().find(|candidate| candidate.stock());
        let fast = all.iter().filter(|candidate| candidate.core_seconds <= 1.1 * standard.core_seconds);
        let shortest = fast.min_by_key(|candidate| candidate.proof_bytes);
        for (why, candidate) in [
            ("cheapest", cheapest),
            ("cheapest with batches of 2^16 rows at 1/2", same),
            ("shortest at its cost", shortest),
            ("cheapest at 1/8 and below", stock),
        ] {
            if let Some(candidate) = candidate {
                table += &row(&format!("{radius}: {why}"), candidate);
            }
        }
    }
    table
}

fn row(name: &str, candidate: &Candidate) -> String {
    let Candidate { batch, recursion, lift_arity, fold_arity, block, proof_bytes, core_seconds } = candidate;
    format!(
        "| {name} | {} | {} | {}, {} | {lift_arity}, {fold_arity} | {block}, {} kB | {core_seconds:.1} |\n",
        batch.choice,
        recursion.choice,
        batch.child_rows,
        recursion.child_rows,
        proof_bytes.div_ceil(1000),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows that the search counts are those of the circuits that are built, as the figures have them.
    #[test]
    fn profiles_are_rated_as_they_are() {
        for (id, figures) in [
            (ProfileId::Standard, include_str!("../../../fixtures/figures/standard.json")),
            (ProfileId::Proven, include_str!("../../../fixtures/figures/proven.json")),
        ] {
            let (rated, params) = (Candidate::of(id), Params::of(id));
            let figures: serde_json::Value = serde_json::from_str(figures).unwrap();
            let circuits = figures["circuits"].as_array().unwrap();
            let rows = |name: &str| {
                let circuit = circuits.iter().find(|circuit| circuit["name"] == name).unwrap();
                usize::try_from(circuit["rows"].as_u64().unwrap()).unwrap()
            };
            for (name, children, child) in [
                ("lift", params.families[FamilyId::FIRST].lift_arity, rated.batch),
                ("fold", params.fold_arity, rated.recursion),
                ("block", params.block_arity, rated.recursion),
            ] {
                // Slots share rows of arithmetic, which makes a slot alone a little larger.
                let (verifiers, built) = (children * child.child_rows, rows(name));
                assert!(
                    (verifiers - 64..verifiers + 128).contains(&built),
                    "{id} {name}: {built} {verifiers}"
                );
            }
            let Params { fold_arity, block_degree_bits, .. } = params;
            let lift_arity = params.families[FamilyId::FIRST].lift_arity;
            assert_eq!(
                (rated.lift_arity, rated.fold_arity, rated.block.degree_bits),
                (lift_arity, fold_arity, block_degree_bits)
            );
            assert_eq!(rated.proof_bytes, VerifierKey::pinned(id).proof_len());
            assert!(rated.keeps_batches() && !rated.stock());
        }
    }

    #[test]
    fn rows_are_on_a_line() {
        let many = Choice { degree_bits: 16, rate_bits: 1, queries: 60, grinding_bits: 20 };
        for (counted, line) in [
            (slot_rows(&many.batch_common()), batch(many).child_rows),
            (slot_rows(&many.recursion_common()), recursion(many).child_rows),
        ] {
            assert!(counted.abs_diff(line) * 200 < counted, "{counted} {line}");
        }
    }

    #[test]
    fn goals_are_reached_with_the_fewest_queries() {
        let any = Choice { degree_bits: 16, rate_bits: 3, queries: 1, grinding_bits: 16 };
        let stage = Stage::new(&any.strength().config(BATCH_ROUTED_WIRES), 16, BATCH_GATES);
        let queries =
            |bits, radius| Choice::reaching(Goal { bits }, radius, stage).map(|choice| choice.queries);
        for radius in Radius::PROVEN {
            let least = queries(80.0, radius).unwrap();
            let at = |queries| radius.rounds(&Stage { queries, ..stage }).least();
            assert!(at(least) >= 80.0 && at(least - 1) < 80.0);
        }
        assert_eq!(queries(80.0, Radius::Unique), Some(78));
        assert_eq!(queries(81.0, Radius::Johnson(Theorem::Bchks25)), Some(46));
        assert_eq!(queries(100.0, Radius::Unique), Some(102));
        // Batching caps both: challenges are too few for any number of queries.
        assert_eq!(queries(100.0, Radius::Johnson(Theorem::Bchks25)), None);
        assert_eq!(queries(102.0, Radius::Unique), None);
        assert!((Goal { bits: 100.0 }.messages_log2() - 24.19).abs() < 0.01);
        assert!((Goal::PROVEN.messages_log2() - 32.0).abs() < 1e-9);
    }

    /// Tables of the documentation are what the search gives.
    #[test]
    fn documented_tables() {
        let document = include_str!("../../../docs/security.md");
        for bits in [80.0, 100.0] {
            for line in table(Goal { bits }).lines() {
                assert!(document.contains(line), "docs/security.md lacks, for {bits} bits: {line}");
            }
        }
    }
}
