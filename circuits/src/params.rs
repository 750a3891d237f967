//! Proof parameters of the profiles.
//!
//! Arity follows from rows. A child of lift or fold costs, at the parameters below:
//!
//! | profile | lift's child | fold's child | rows | arity |
//! |---|---|---|---|---|
//! | test | 1,160 | 1,150 | 2^12 | 3 |
//! | standard | 4,780 | 4,480 | 2^14 | 3 |
//!
//! In the standard profile 2^15 rows take six children. That is a fifth less work for a block of very many
//! batches, but twice the work for a block of up to three, and a third more for one of six.
//!
//! Sizes of batches are in [`enfold_witness::profile`]; what the
//! parameters are worth in bits is computed in [`crate::security`].

use enfold_witness::profile::ProfileId;
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

/// A profile's proof parameters.
#[derive(Clone, Debug)]
pub struct Params {
    /// Whose they are.
    pub id: ProfileId,
    /// Configuration of all batch circuits.
    pub batch: CircuitConfig,
    /// log2 of the rows of every batch circuit.
    pub batch_degree_bits: usize,
    /// Configuration of lift, fold and block.
    pub recursion: CircuitConfig,
    /// log2 of the rows of lift and fold.
    pub recursion_degree_bits: usize,
    /// Most batch proofs that one lift proof verifies.
    pub lift_arity: usize,
    /// Most lift or fold proofs that one fold proof verifies.
    pub fold_arity: usize,
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
                reduction_strategy: FriReductionStrategy::ConstantArityBits(4, 5),
                num_query_rounds: self.queries,
            },
        }
    }
}

impl Params {
    /// The parameters of a profile.
    pub fn of(id: ProfileId) -> Self {
        match id {
            ProfileId::Test => {
                let strength =
                    Strength { num_challenges: 2, rate_bits: 3, queries: 5, grinding_bits: 4, cap_height: 2 };
                Self {
                    id,
                    batch: strength.config(BATCH_ROUTED_WIRES),
                    batch_degree_bits: 10,
                    recursion: strength.config(RECURSION_ROUTED_WIRES),
                    recursion_degree_bits: 12,
                    lift_arity: 3,
                    fold_arity: 3,
                    block_degree_bits: 11,
                }
            }
            ProfileId::Standard => {
                let strength = Strength {
                    num_challenges: 3,
                    rate_bits: 3,
                    queries: 28,
                    grinding_bits: 16,
                    cap_height: 4,
                };
                Self {
                    id,
                    batch: strength.config(BATCH_ROUTED_WIRES),
                    batch_degree_bits: 16,
                    recursion: strength.config(RECURSION_ROUTED_WIRES),
                    recursion_degree_bits: 14,
                    lift_arity: 3,
                    fold_arity: 3,
                    block_degree_bits: 13,
                }
            }
        }
    }
}
