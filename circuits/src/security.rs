//! What a profile's proof parameters are worth, in bits: minus the base-2 logarithm of a cheating
//! prover's chance, for each argument alone. Everything is computed from the parameters in use.
//!
//! Notation: rate `rho`, `q` queries, `g` bits of grinding, `K = GF(p^2)` the field of FRI's challenges,
//! `n` rows, `n / rho` points in the FRI domain.
//!
//! | argument | error | source |
//! |---|---|---|
//! | FRI queries | `agreement^q 2^-g`; agreement is the largest part of a bad word that can look good | BCIKS20, eprint 2020/654, section 8 |
//! | ... unique decoding (proven) | agreement `(1 + rho) / 2` | the same |
//! | ... Johnson (proven) | agreement `sqrt(rho)`, a limit | the same |
//! | ... conjectured | agreement `1 - delta` with `H_{K}(delta) = 1 - rho` | Crites and Stewart, eprint 2025/2046; Diamond and Gruen, eprint 2025/2010 |
//! | FRI batching and folding, Johnson, multiplicity `m` | `(m + 1/2)^7 / (3 rho^{3/2} #K) * ((columns - 1) D_0^2 + sum (arity - 1) D_i^2)`, agreement `sqrt(rho) (1 + 1 / 2m)` | BCIKS20, theorem 1.5 |
//! | permutation | `(routed wires * n / p)^challenges` | PLONK, eprint 2019/953, section 5; beta and gamma in GF(p), repeated |
//! | LogUp | `8 N / p^2` for N messages of eight elements | Haboeck, eprint 2022/1530, lemma 5, by Schwartz-Zippel |
//! | hash | half of the capacity of 4 elements (collisions) | sponge bound |
//!
//! The older conjecture (agreement `rho`, which is what "100 bits" of plonky2's usual parameters means)
//! was refuted in 2025; the revised one stops at the list-decoding capacity, which the entropy gives.

use enfold_state::field::ORDER;
use enfold_state::hash::DIGEST_LEN;
use enfold_state::message::Message;
use plonky2::plonk::circuit_data::CircuitConfig;

use crate::params::Params;

/// log2 of p.
fn field_bits() -> f64 {
    (ORDER as f64).log2()
}

/// log2 of p^2, the order of the field of FRI's and LogUp's challenges.
fn extension_bits() -> f64 {
    2.0 * field_bits()
}

/// Bits of each argument; the smallest over the stages (batch, lift and fold, block) of a profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SecurityBits {
    /// FRI queries, revised conjecture.
    pub fri_conjectured: f64,
    /// FRI queries, proven up to the Johnson radius.
    pub fri_johnson: f64,
    /// All of FRI, batching and folding included, proven up to the Johnson radius: the best multiplicity.
    pub fri_johnson_total: f64,
    /// FRI queries, proven up to the unique decoding radius.
    pub fri_unique: f64,
    /// Permutation argument.
    pub permutation: f64,
    /// LogUp over the largest block that the statement can count.
    pub logup: f64,
    /// Collisions of the hash.
    pub hash: f64,
}

impl SecurityBits {
    /// The weakest argument, FRI under the revised conjecture.
    pub fn conjectured(&self) -> f64 {
        self.fri_conjectured.min(self.others())
    }

    /// The weakest argument, FRI as proven (the better of the two radii).
    pub fn proven(&self) -> f64 {
        self.fri_johnson_total.max(self.fri_unique).min(self.others())
    }

    fn others(&self) -> f64 {
        self.permutation.min(self.logup).min(self.hash)
    }
}

/// The largest agreement of a word that unique decoding calls bad.
pub fn unique_agreement(rate: f64) -> f64 {
    f64::midpoint(1.0, rate)
}

/// The largest agreement of a word beyond the Johnson radius, in the limit of large multiplicity.
pub fn johnson_agreement(rate: f64) -> f64 {
    rate.sqrt()
}

/// The agreement at the list-decoding capacity of a code over an alphabet of `2^alphabet_bits`:
/// `1 - delta` where `delta + h(delta) / alphabet_bits = 1 - rate`, h being the binary entropy.
pub fn capacity_agreement(rate: f64, alphabet_bits: f64) -> f64 {
    let entropy = |x: f64| -x * x.log2() - (1.0 - x) * (1.0 - x).log2();
    // The left side grows with delta on this interval: its slope is 1 + log2((1 - delta) / delta) /
    // alphabet_bits, positive for every delta that a float tells from one.
    let (mut low, mut high) = (f64::EPSILON, 1.0 - rate);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if middle + entropy(middle) / alphabet_bits < 1.0 - rate {
            low = middle;
        } else {
            high = middle;
        }
    }
    1.0 - low
}

/// Bits of FRI's query phase.
pub fn query_bits(agreement: f64, queries: usize, grinding_bits: u32) -> f64 {
    queries as f64 * -agreement.log2() + f64::from(grinding_bits)
}

/// Bits of the permutation argument.
pub fn permutation_bits(routed_wires: usize, degree_bits: usize, num_challenges: usize) -> f64 {
    num_challenges as f64 * (field_bits() - degree_bits as f64 - (routed_wires as f64).log2())
}

/// Bits of LogUp over `2^messages_log2` messages.
pub fn logup_bits(messages_log2: f64) -> f64 {
    extension_bits() - (Message::LEN as f64).log2() - messages_log2
}

/// Bits of the hash against collisions: the capacity has as many elements as a digest.
pub fn hash_bits() -> f64 {
    (DIGEST_LEN as f64 * field_bits() / 2.0).floor().min(128.0)
}

/// Bits of FRI as a whole, proven up to the Johnson radius, at the multiplicity that is best.
/// `columns` counts the polynomials that are batched into one.
pub fn johnson_total_bits(config: &CircuitConfig, degree_bits: usize, columns: usize) -> f64 {
    let fri = &config.fri_config;
    let rate = fri.rate();
    let params = fri.fri_params(degree_bits, false);
    let mut domain_bits = (degree_bits + fri.rate_bits) as f64;
    let mut curves = (columns as f64 - 1.0) * (2.0 * domain_bits).exp2();
    for &arity_bits in &params.reduction_arity_bits {
        domain_bits -= arity_bits as f64;
        curves += ((arity_bits as f64).exp2() - 1.0) * (2.0 * domain_bits).exp2();
    }
    (3..1000)
        .map(f64::from)
        .map(|m| {
            let commit =
                extension_bits() + (3.0 * rate.powf(1.5)).log2() - 7.0 * (m + 0.5).log2() - curves.log2();
            let agreement = johnson_agreement(rate) * (1.0 + 1.0 / (2.0 * m));
            commit.min(query_bits(agreement, fri.num_query_rounds, fri.proof_of_work_bits))
        })
        .fold(f64::NEG_INFINITY, f64::max)
}

/// Polynomials of a circuit with this configuration, at most: constants and selectors, sigmas, wires,
/// permutation, quotient.
fn columns(config: &CircuitConfig) -> usize {
    // Gates fall into few selector groups; a handful more or less moves the result by hundredths of a bit.
    const SELECTORS: usize = 8;
    let partial_products = config.num_routed_wires.div_ceil(config.max_quotient_degree_factor);
    SELECTORS
        + config.num_constants
        + config.num_routed_wires
        + config.num_wires
        + config.num_challenges * (partial_products + config.max_quotient_degree_factor)
}

/// The bits of a profile.
pub fn security_bits(params: &Params) -> SecurityBits {
    let stages = [
        (&params.batch, params.batch_degree_bits),
        (&params.recursion, params.recursion_degree_bits),
        (&params.recursion, params.block_degree_bits),
    ];
    let least = |bits: &dyn Fn(&CircuitConfig, usize) -> f64| {
        stages.iter().map(|&(config, degree_bits)| bits(config, degree_bits)).fold(f64::INFINITY, f64::min)
    };
    let queries = |agreement: &dyn Fn(f64) -> f64| {
        least(&|config, _| {
            let fri = &config.fri_config;
            query_bits(agreement(fri.rate()), fri.num_query_rounds, fri.proof_of_work_bits)
        })
    };
    SecurityBits {
        fri_conjectured: queries(&|rate| capacity_agreement(rate, extension_bits())),
        fri_johnson: queries(&johnson_agreement),
        fri_johnson_total: least(&|config, bits| johnson_total_bits(config, bits, columns(config))),
        fri_unique: queries(&unique_agreement),
        permutation: least(&|config, bits| {
            permutation_bits(config.num_routed_wires, bits, config.num_challenges)
        }),
        // The statement refuses counts of 2^32 and more.
        logup: logup_bits(32.0),
        hash: hash_bits(),
    }
}

#[cfg(test)]
mod tests {
    use enfold_witness::profile::ProfileId;

    use super::*;

    /// plonky2's standard recursion configuration at 2^16 rows, as known from the literature.
    #[test]
    fn usual_parameters() {
        let config = CircuitConfig::standard_recursion_config();
        let fri = &config.fri_config;
        let bits =
            |agreement| query_bits(agreement, fri.num_query_rounds, fri.proof_of_work_bits).floor() as u32;
        let rate = fri.rate();
        assert_eq!(bits(rate), 100);
        assert_eq!(bits(capacity_agreement(rate, extension_bits())), 98);
        assert_eq!(bits(johnson_agreement(rate)), 58);
        assert_eq!(bits(unique_agreement(rate)), 39);
        assert_eq!(permutation_bits(80, 16, 2).floor() as u32, 83);
        assert!(permutation_bits(80, 16, 3) > 120.0);
        let total = johnson_total_bits(&config, 16, columns(&config));
        assert!(total < 58.0 && total > 54.0, "{total}");
    }

    #[test]
    fn capacity_lies_between_the_johnson_radius_and_the_rate() {
        for rate_bits in 1..8 {
            let rate = 0.5f64.powi(rate_bits);
            let capacity = capacity_agreement(rate, extension_bits());
            assert!(rate < capacity && capacity < johnson_agreement(rate));
            assert!(johnson_agreement(rate) < unique_agreement(rate));
            assert!(capacity_agreement(rate, field_bits()) > capacity, "a smaller alphabet is worse");
        }
    }

    #[test]
    fn more_of_anything_that_helps_helps() {
        assert!(permutation_bits(40, 16, 3) > permutation_bits(80, 16, 3));
        assert!(permutation_bits(40, 15, 3) > permutation_bits(40, 16, 3));
        assert!(logup_bits(20.0) > logup_bits(32.0));
        assert!(query_bits(0.5, 29, 16) > query_bits(0.5, 28, 16));
    }

    #[test]
    fn standard_is_what_the_readme_says() {
        let bits = security_bits(&Params::of(ProfileId::Standard));
        assert_eq!(bits.fri_conjectured.floor() as u32, 98);
        assert_eq!(bits.fri_johnson.floor() as u32, 58);
        assert_eq!(bits.fri_unique.floor() as u32, 39);
        assert!(bits.permutation > 120.0);
        assert_eq!(bits.logup.floor() as u32, 92);
        assert_eq!(bits.conjectured().floor() as u32, 92);
        let test = security_bits(&Params::of(ProfileId::Test));
        assert!(test.conjectured() < 20.0, "the test profile must not pass for a secure one");
    }
}
