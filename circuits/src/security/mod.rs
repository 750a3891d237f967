//! What a profile's proof parameters are worth, in bits: minus the base-2 logarithm of a cheating
//! prover's chance, for each argument alone. Everything is computed from the parameters in use.
//!
//! [`proximity`] has the theorems about FRI, [`stage`] every round of a circuit's proofs, here are the arguments of a
//! block as a whole and the least over all stages: batches of each family, lift and fold, block. [`search`] finds parameters for a goal.
//!
//! **LogUp** (Haboeck, eprint 2022/1530, lemma 5). For `K` different messages, emitted or consumed, the sum of
//! `multiplicity / (gamma - f(m))` times all denominators is a polynomial in (alpha, gamma) of degree `7 (K - 1)`: a
//! message of eight elements is `f(m)` of degree 7 in alpha. It is not zero if a message's multiplicity is not, and
//! then zero at the drawn point with probability `7 (K - 1) / p^2` at the most. Denominators do not vanish: the gate
//! demands their inverses. The statement counts emitted messages below 2^32; `K` is taken as 2^33, as many consumed as
//! emitted. The consumed ones are not counted, but proven one by one: twice as many cost a forger twice the
//! proofs and this argument less than one bit.
//!
//! **Hash**: collisions of a digest of four elements, half of its bits (sponge bound).
//!
//! **The conjecture.** "Queries at capacity" is what a proof is worth if the only way to cheat is to be lucky with
//! queries: agreement at list-decoding capacity (Crites and Stewart, eprint 2025/2046; Diamond and Gruen, eprint
//! 2025/2010). That leaves a slack of some thousandths above the rate. In 2026 proximity gaps so near to capacity
//! were refuted for the multiplicative subgroups that FRI uses (Krachun, Kazanin, Haboeck, eprint 2026/782): at a slack of
//! `2 / s`, s a power of two, a line has up to `binom(s, rho s + 2)` bad challenges: for `rho = 1/8` below 2^38 at s = 64
//! and maybe 2^71 at s = 128, for `rho = 1/2` 2^29 at s = 32 and 2^61 at s = 64. So the headline takes the s of each stage
//! at which the weaker of queries and challenges is best, challenges by that construction or by the conjecture's own term,
//! whichever is worse. No attack on proofs is known that reaches any of it.
//!
//! What is **proven** is the better of unique decoding and [`Theorem::Bchks25`].

pub mod proximity;
pub mod search;
pub mod stage;

use enfold_state::field::ORDER;
use enfold_state::hash::DIGEST_LEN;
use enfold_state::message::Message;

pub use proximity::Theorem;
pub use stage::{GateSet, Rounds, Stage};

use crate::params::Params;

/// log2 of the messages that LogUp is counted for: emitted and consumed, each below 2^32.
pub const LOGUP_MESSAGES_BITS: f64 = 33.0;

/// Gates of batch circuits.
pub const BATCH_GATES: GateSet = GateSet { constants: 6, constraints: 130 };
/// Gates of lift, fold and block circuits. Those of profile `test` take a selector more than the others; it is counted for all.
pub const RECURSION_GATES: GateSet = GateSet { constants: 6, constraints: 123 };

/// log2 of p.
pub fn field_bits() -> f64 {
    (ORDER as f64).log2()
}

/// log2 of p^2, the order of the field of FRI's and LogUp's challenges.
pub fn extension_bits() -> f64 {
    2.0 * field_bits()
}

/// Bits of LogUp over `2^messages_log2` different messages, emitted or consumed.
pub fn logup_bits(messages_log2: f64) -> f64 {
    let degree = (Message::LEN - 1) as f64;
    extension_bits() - degree.log2() - (messages_log2.exp2() - 1.0).log2()
}

/// Bits of the hash against collisions: the capacity has as many elements as a digest.
pub fn hash_bits() -> f64 {
    (DIGEST_LEN as f64 * field_bits() / 2.0).floor().min(128.0)
}

/// Bits of each argument; the smallest over the stages (batches, lift and fold, block) of a profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SecurityBits {
    /// Rounds as proven by unique decoding.
    pub unique: Rounds,
    /// Rounds as proven by BCIKS20 up to the Johnson radius.
    pub bciks20: Rounds,
    /// Rounds as proven by BCHKS25 up to the Johnson radius.
    pub bchks25: Rounds,
    /// Rounds by DKT26 up to the Johnson radius; see [`proximity`] on curves.
    pub dkt26: Rounds,
    /// Rounds as conjectured at list-decoding capacity.
    pub capacity: Rounds,
    /// The largest slack of [`Self::capacity`], a share of the domain.
    pub capacity_slack: f64,
    /// Rounds as conjectured at each stage's `2 / s`, see [`Stage::beside_construction`].
    pub conjecture: Rounds,
    /// LogUp over the largest block that the statement can count.
    pub logup: f64,
    /// Collisions of the hash.
    pub hash: f64,
}

impl SecurityBits {
    /// The weakest argument, FRI as conjectured at each stage's `2 / s`.
    pub fn conjectured(&self) -> f64 {
        self.conjecture.least().min(self.outside())
    }

    /// The weakest argument, FRI as proven: the better of unique decoding and BCHKS25.
    pub fn proven(&self) -> f64 {
        self.unique.least().max(self.bchks25.least()).min(self.outside())
    }

    /// The weakest argument, FRI as proven by unique decoding: by a theorem that is stated for curves.
    pub fn proven_unique(&self) -> f64 {
        self.unique.least().min(self.outside())
    }

    /// The weaker of the arguments that are not rounds of one proof.
    fn outside(&self) -> f64 {
        self.logup.min(self.hash)
    }
}

/// The stages of a profile with their names: the batches of each family, lift and fold, block. All lifts have the
/// configuration, size and gates of fold.
pub fn stages(params: &Params) -> Vec<(String, Stage)> {
    let batches = params.families.iter().map(|(family, own)| {
        (format!("{family} batch"), Stage::new(&own.config, own.degree_bits, BATCH_GATES))
    });
    let lift = Stage::new(&params.recursion, params.recursion_degree_bits, RECURSION_GATES);
    let block = Stage::new(&params.block, params.block_degree_bits, RECURSION_GATES);
    batches.chain([("lift, fold".to_owned(), lift), ("block".to_owned(), block)]).collect()
}

/// Each round's least over the stages.
fn least(stages: &[Stage], rounds: impl Fn(&Stage) -> Rounds) -> Rounds {
    let all: Vec<Rounds> = stages.iter().map(rounds).collect();
    let least = |of: fn(&Rounds) -> f64| all.iter().map(of).fold(f64::INFINITY, f64::min);
    Rounds {
        permutation: least(|rounds| rounds.permutation),
        combination: least(|rounds| rounds.combination),
        deep: least(|rounds| rounds.deep),
        batching: least(|rounds| rounds.batching),
        folding: least(|rounds| rounds.folding),
        queries: least(|rounds| rounds.queries),
    }
}

/// The bits of a profile.
pub fn security_bits(params: &Params) -> SecurityBits {
    let stages: Vec<_> = stages(params).into_iter().map(|(_, stage)| stage).collect();
    SecurityBits {
        unique: least(&stages, Stage::unique),
        bciks20: least(&stages, |stage| stage.johnson(Theorem::Bciks20)),
        bchks25: least(&stages, |stage| stage.johnson(Theorem::Bchks25)),
        dkt26: least(&stages, |stage| stage.johnson(Theorem::Dkt26)),
        capacity: least(&stages, |stage| stage.conjectured(stage.capacity_slack())),
        capacity_slack: stages.iter().map(Stage::capacity_slack).fold(0.0, f64::max),
        conjecture: least(&stages, |stage| stage.beside_construction().1),
        logup: logup_bits(LOGUP_MESSAGES_BITS),
        hash: hash_bits(),
    }
}

#[cfg(test)]
mod tests;
