//! Proof parameters of the profiles.
//!
//! Arity follows from rows. A child of a lift or of fold costs, at the parameters below:
//!
//! | profile | a large batch | a small batch | fold's child | rows | arities |
//! |---|---|---|---|---|---|
//! | test | 2,020 | 1,840 | 2,300 | 2^13 | 3, 4, 3 |
//! | standard | 12,280 | 9,970 | 12,870 | 2^16 | 5, 6, 5 |
//! | proven | 21,110 | 17,030 | 21,530 | 2^16 | 3, 3, 3 |
//!
//! Batches, lift and fold are committed at a rate of 1/2: hashing is most of what a rate costs, and of a rate of 1/8 it is
//! half of a proof. Block, whose proof is published, is at 1/8, where proofs are short.
//!
//! Sizes of batches and arities are in [`enfold_state::profile`]; what the
//! parameters are worth in bits is computed in [`crate::security`].

use enfold_state::kind::{FamilyId, PerFamily};
use enfold_state::profile::{BatchId, ProfileId};
use plonky2::fri::FriConfig;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::plonk::circuit_data::CircuitConfig;

/// Wires of every row in every circuit.
pub const NUM_WIRES: usize = 135;
/// Routed wires in batch circuits. Few, because each adds a sigma polynomial and a factor of the
/// permutation argument.
pub const BATCH_ROUTED_WIRES: usize = 40;
/// Routed wires in lift, fold and block, whose gates are plonky2's and pack many operations a row.
pub const RECURSION_ROUTED_WIRES: usize = 80;

/// The proof parameters of a family of batch circuits.
#[derive(Clone, Debug)]
pub struct FamilyParams {
    /// Configuration of its batch circuits.
    pub config: CircuitConfig,
    /// log2 of their rows.
    pub degree_bits: usize,
    /// Most batch proofs that one lift proof verifies.
    pub lift_arity: usize,
}

/// A profile's proof parameters.
#[derive(Clone, Debug)]
pub struct Params {
    /// Whose they are.
    pub id: ProfileId,
    /// The families of batch circuits.
    pub families: PerFamily<FamilyParams>,
    /// Configuration of all lifts and of fold.
    pub recursion: CircuitConfig,
    /// log2 of the rows of every lift and of fold.
    pub recursion_degree_bits: usize,
    /// Most lift or fold proofs that one fold proof verifies.
    pub fold_arity: usize,
    /// Most lift or fold proofs that the block proof verifies.
    pub block_arity: usize,
    /// Configuration of block.
    pub block: CircuitConfig,
    /// log2 of the rows of the block circuit.
    pub block_degree_bits: usize,
}

/// The part of the parameters in which profiles differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strength {
    pub(crate) num_challenges: usize,
    pub(crate) rate_bits: usize,
    pub(crate) queries: usize,
    pub(crate) grinding_bits: u32,
    pub(crate) cap_height: usize,
    /// FRI folds until the polynomial has no more than this many coefficients, log2.
    pub(crate) final_bits: usize,
}

impl Strength {
    pub(crate) fn config(&self, num_routed_wires: usize) -> CircuitConfig {
        CircuitConfig {
            num_wires: NUM_WIRES,
            num_routed_wires,
            num_constants: 2,
            use_base_arithmetic_gate: true,
            // plonky2 compares this with `queries * rate_bits + grinding_bits` and with the field, and uses it
            // nowhere else.
            security_bits: (self.queries * self.rate_bits + self.grinding_bits as usize).min(100),
            num_challenges: self.num_challenges,
            zero_knowledge: false,
            max_quotient_degree_factor: 8,
            fri_config: FriConfig {
                rate_bits: self.rate_bits,
                cap_height: self.cap_height,
                proof_of_work_bits: self.grinding_bits,
                reduction_strategy: FriReductionStrategy::ConstantArityBits(4, self.final_bits),
                num_query_rounds: self.queries,
            },
        }
    }
}

/// A configuration as plonky2's own prover needs it, at a rate of at most one over the quotient's degree, and with as
/// many queries as are worth the same at capacity, rounded up: for comparisons with plonky2.
pub fn stock(config: &CircuitConfig) -> CircuitConfig {
    let mut config = config.clone();
    let fri = &mut config.fri_config;
    let rate_bits = config.max_quotient_degree_factor.next_power_of_two().ilog2() as usize;
    if fri.rate_bits < rate_bits {
        fri.num_query_rounds = (fri.num_query_rounds * fri.rate_bits).div_ceil(rate_bits);
        fri.rate_bits = rate_bits;
    }
    config
}

impl Params {
    /// Those of a batch circuit.
    pub const fn of_batch(&self, batch: BatchId) -> &FamilyParams {
        self.families.of(batch.family())
    }

    /// The groups of consecutive batches that each have a lift proof: of one family, and no more than its lift takes.
    pub fn lift_groups<'a, T>(
        &self,
        batches: &'a [(BatchId, T)],
    ) -> impl Iterator<Item = &'a [(BatchId, T)]> {
        let runs = batches.chunk_by(|(a, _), (b, _)| a.family() == b.family());
        runs.flat_map(|run| run.chunks(self.of_batch(run[0].0).lift_arity))
    }

    /// Families of a profile with one configuration and these log2 of rows.
    fn families(
        id: ProfileId,
        strength: Strength,
        degree_bits: [usize; FamilyId::ALL.len()],
    ) -> PerFamily<FamilyParams> {
        PerFamily::new(degree_bits).map(|family, degree_bits| FamilyParams {
            config: strength.config(BATCH_ROUTED_WIRES),
            degree_bits,
            lift_arity: id.profile().tree.lift_arity[family],
        })
    }

    /// The parameters of a profile.
    pub fn of(id: ProfileId) -> Self {
        match id {
            ProfileId::Test => Self::test(),
            ProfileId::Standard => Self::standard(),
            ProfileId::Proven => Self::proven(),
        }
    }

    fn test() -> Self {
        let id = ProfileId::Test;
        let tree = id.profile().tree;
        let short = Strength {
            num_challenges: 2,
            rate_bits: 3,
            queries: 5,
            grinding_bits: 4,
            cap_height: 2,
            final_bits: 5,
        };
        let fast = Strength { rate_bits: 1, queries: 15, ..short };
        Self {
            id,
            families: Self::families(id, fast, [10, 9]),
            recursion: fast.config(RECURSION_ROUTED_WIRES),
            recursion_degree_bits: 13,
            fold_arity: tree.fold_arity,
            block_arity: tree.block_arity,
            block: short.config(RECURSION_ROUTED_WIRES),
            block_degree_bits: 13,
        }
    }

    fn standard() -> Self {
        let id = ProfileId::Standard;
        let tree = id.profile().tree;
        let fast = Strength {
            num_challenges: 3,
            rate_bits: 1,
            queries: 88,
            grinding_bits: 16,
            cap_height: 4,
            final_bits: 5,
        };
        // Three bits of grinding are worth a query, which is 5 kB of the published proof. A higher cap and a last
        // polynomial of 128 coefficients, which spares a layer of FRI, make it 10 kB shorter.
        let short =
            Strength { rate_bits: 3, queries: 27, grinding_bits: 19, cap_height: 5, final_bits: 7, ..fast };
        Self {
            id,
            families: Self::families(id, fast, [16, 13]),
            recursion: fast.config(RECURSION_ROUTED_WIRES),
            recursion_degree_bits: 16,
            fold_arity: tree.fold_arity,
            block_arity: tree.block_arity,
            block: short.config(RECURSION_ROUTED_WIRES),
            block_degree_bits: 15,
        }
    }

    /// At least 80 bits by unique decoding: `docs/security.md` says why these.
    fn proven() -> Self {
        let id = ProfileId::Proven;
        let tree = id.profile().tree;
        let fast = Strength {
            num_challenges: 3,
            rate_bits: 1,
            queries: 155,
            grinding_bits: 16,
            cap_height: 4,
            final_bits: 5,
        };
        // Two bits of grinding are five queries less, with which three children fit.
        let recursion = Strength { queries: 150, grinding_bits: 18, ..fast };
        // With more queries than `standard` has, a still higher cap makes the proof shorter, and so does a longer last
        // polynomial, which spares a layer of FRI.
        let short =
            Strength { rate_bits: 3, queries: 73, grinding_bits: 20, cap_height: 7, final_bits: 8, ..fast };
        Self {
            id,
            families: Self::families(id, fast, [16, 13]),
            recursion: recursion.config(RECURSION_ROUTED_WIRES),
            recursion_degree_bits: 16,
            fold_arity: tree.fold_arity,
            block_arity: tree.block_arity,
            block: short.config(RECURSION_ROUTED_WIRES),
            block_degree_bits: 16,
        }
    }
}
