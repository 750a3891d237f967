//! One circuit's proofs: every round of plonky2 1.1.0's protocol and what it is worth.
//!
//! A proof's rounds, in the order of `get_challenges`, with `p` elements in the base field, `q = p^2` in the
//! extension, `n` rows, `N = n / rho` points of FRI's domain, `r` routed wires and `c` repetitions:
//!
//! 1. **beta, gamma** (c of each, in GF(p)). Row by row, `Z(g x) prod (w + beta sigma + gamma) =
//!    Z(x) prod (w + beta id + gamma)`. If copies differ, the two products over all `r n` cells are different
//!    polynomials of degree `r n` in (beta, gamma), equal with probability `r n / p` at the most. Where a denominator
//!    vanishes, `Z` is free: one more `r n / p`. All repetitions must fail at once: `(2 r n / p)^c`.
//! 2. **alphas** (c, in GF(p)). `C` terms are combined with powers of alpha: c for `Z(1) = 1`, `c ceil(r / 8)` for
//!    the products, and the gate with the most constraints. A row that breaks one of them is a polynomial in alpha of
//!    degree `C - 1` with that many zeros: `((C - 1) / p)^c`.
//! 3. **zeta** (in K, `q` elements). The identity `V(X) = (X^n - 1) t(X)`, whose both sides have degree `9 n` at the
//!    most: wires of degree n, since FRI on `(f(X) - f(zeta)) / (X - zeta)` lets one degree more through, under
//!    constraints of degree 9. A wrong one holds at `9 n / q` of the points.
//! 4. **FRI's alpha** (in K). All opened polynomials, and the c of `Z` at `g zeta` again, are combined with
//!    powers of it: a curve of degree `l = columns + c - 1`, error `l E / q` ([`super::proximity`]).
//! 5. **FRI's betas** (in K). A fold of arity `a` is a curve of degree `a - 1` over a smaller domain. Counted with `E`
//!    of the first domain: that covers the weights which the theorems put on points of later domains, and it is
//!    never the worst since `a <= columns`. In unique decoding, where theorem 6.1 has no weights, it follows from it:
//!    with more than `l N'` bad challenges over a domain of `N' <= N / 2` points the curve agrees with a curve of
//!    codewords on one set, and a point outside it is good for `l` challenges at the most, of whatever weight: `2 l N'` in all.
//! 6. **queries** (`s`, after a nonce of `g` bits): `alpha^s 2^-g`. One point more belongs to the agreement,
//!    because the code of words before the quotient has dimension `n + 1`: rate `rho + 1 / N`.
//!
//! Beyond unique decoding a commitment is a list of `L` candidates ([`Theorem::list`]), and a lucky challenge for
//! any of them is enough: rounds 1 to 3 lose `log2 L`.
//!
//! Rounds are counted one by one. That is what counts for a proof with challenges from a hash: a prover that hashes `T`
//! times succeeds with probability `T` times the worst round's at the most (round-by-round soundness; Block et al., eprint
//! 2023/1071, for FRI and plonky2-like proofs).

use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::plonk::circuit_data::CircuitConfig;

use super::proximity::{
    MULTIPLICITIES, Theorem, capacity_agreement, johnson_agreement, rate, unique_agreement,
};
use super::{extension_bits, field_bits};

/// log2 of `binom(n, k)`.
fn binomial_bits(n: u32, k: u32) -> f64 {
    (0..k).map(|i| (f64::from(n - i) / f64::from(i + 1)).log2()).sum()
}

/// What the soundness of a circuit's proofs depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// log2 of the rows.
    pub degree_bits: usize,
    /// log2 of the inverse rate.
    pub rate_bits: usize,
    /// FRI's queries.
    pub queries: usize,
    /// Bits of grinding before the queries.
    pub grinding_bits: u32,
    /// log2 of FRI's largest folding arity.
    pub arity_bits: usize,
    /// Repetitions of the permutation argument and of the constraints' combination.
    pub challenges: usize,
    /// Wires that can be connected.
    pub routed_wires: usize,
    /// Polynomials that are opened at zeta.
    pub columns: usize,
    /// Terms that are combined with powers of alpha.
    pub constraints: usize,
}

/// What a circuit's gates add to its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateSet {
    /// Columns of selectors and of gates' constants.
    pub constants: usize,
    /// Constraints of the gate that has the most.
    pub constraints: usize,
}

/// Bits of each round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounds {
    /// Permutation argument.
    pub permutation: f64,
    /// Combination of the constraints.
    pub combination: f64,
    /// The identity at zeta, outside of the domain.
    pub deep: f64,
    /// Combination of the opened polynomials.
    pub batching: f64,
    /// The weakest fold.
    pub folding: f64,
    /// Queries and grinding.
    pub queries: f64,
}

impl Rounds {
    /// The weakest round.
    pub fn least(&self) -> f64 {
        let Self { permutation, combination, deep, batching, folding, queries } = *self;
        [permutation, combination, deep, batching, folding, queries].into_iter().fold(f64::INFINITY, f64::min)
    }

    /// The weaker of FRI's two rounds of challenges.
    pub fn commit(&self) -> f64 {
        self.batching.min(self.folding)
    }

    /// FRI alone.
    pub fn fri(&self) -> f64 {
        self.commit().min(self.queries)
    }
}

impl Stage {
    /// Proofs of circuits with this configuration, gate set and degree.
    pub fn new(config: &CircuitConfig, degree_bits: usize, gates: GateSet) -> Self {
        let fri = &config.fri_config;
        let challenges = config.num_challenges;
        let products = config.num_routed_wires.div_ceil(config.max_quotient_degree_factor);
        let committed = products + config.max_quotient_degree_factor;
        let arity_bits = match &fri.reduction_strategy {
            FriReductionStrategy::ConstantArityBits(bits, _) => *bits,
            other => other
                .reduction_arity_bits(degree_bits, fri.rate_bits, fri.cap_height, fri.num_query_rounds)
                .into_iter()
                .max()
                .unwrap_or(0),
        };
        Self {
            degree_bits,
            rate_bits: fri.rate_bits,
            queries: fri.num_query_rounds,
            grinding_bits: fri.proof_of_work_bits,
            arity_bits,
            challenges,
            routed_wires: config.num_routed_wires,
            columns: gates.constants + config.num_routed_wires + config.num_wires + challenges * committed,
            constraints: challenges * (1 + products) + gates.constraints,
        }
    }

    /// As proven by unique decoding.
    pub fn unique(&self) -> Rounds {
        self.rounds(self.domain_bits(), unique_agreement(self.opened_rate()), 0.0)
    }

    /// As proven by a theorem up to the Johnson radius, at the multiplicity whose weakest round is best.
    pub fn johnson(&self, theorem: Theorem) -> Rounds {
        let mut best: Option<Rounds> = None;
        for m in MULTIPLICITIES {
            let rounds = self.johnson_at(theorem, m);
            if best.is_none_or(|best| rounds.least() > best.least()) {
                best = Some(rounds);
            }
        }
        best.expect("there are multiplicities")
    }

    /// As proven by a theorem at multiplicity `m`.
    pub fn johnson_at(&self, theorem: Theorem, m: u32) -> Rounds {
        let bad = theorem.bad_challenges(self.rate_bits, self.rate_bits + self.degree_bits, m);
        let rate = self.opened_rate();
        self.rounds(bad, johnson_agreement(rate, m), Theorem::list(rate, m))
    }

    /// As conjectured in BCIKS20 (conjecture 8.4 with both constants 1): agreement `rho + slack`, and
    /// `E = N / (slack rho)`. Nothing is conjectured of lists; they are taken as of one candidate.
    pub fn conjectured(&self, slack: f64) -> Rounds {
        let rate = rate(self.rate_bits);
        self.rounds(self.domain_bits() - (slack * rate).log2(), rate + slack, 0.0)
    }

    /// [`Self::conjectured`] as headlines go by it: at a slack of `2 / s`, and with as many bad challenges of a line as eprint
    /// 2026/782 constructs there, `binom(s, rho s + 2)`, if that is more. Gives the `s`, a power of two, at which the
    /// worst round is best.
    pub fn beside_construction(&self) -> (u32, Rounds) {
        let at = |s: u32| {
            let rounds = self.conjectured(2.0 / f64::from(s));
            let most = extension_bits() - binomial_bits(s, (s >> self.rate_bits) + 2);
            let [batching, folding] = [rounds.batching, rounds.folding].map(|bits| bits.min(most));
            (s, Rounds { batching, folding, ..rounds })
        };
        let all = (4..10).map(|bits| at(1 << bits));
        all.max_by(|(_, a), (_, b)| a.least().total_cmp(&b.least())).expect("there are some")
    }

    /// The slack of list-decoding capacity over the extension field, where the revised conjecture of 2025 stops.
    pub fn capacity_slack(&self) -> f64 {
        let rate = rate(self.rate_bits);
        capacity_agreement(rate, extension_bits()) - rate
    }

    /// The least queries with which [`Rounds::least`] of `rounds` is `target` bits, if any number is enough.
    pub fn with_queries(&self, target: f64, rounds: impl Fn(&Self) -> Rounds) -> Option<Self> {
        const MOST: usize = 1 << 10;
        let enough = |queries: &usize| rounds(&Self { queries: *queries, ..*self }).least() >= target;
        let (mut low, mut high) = (0, MOST);
        enough(&high).then_some(())?;
        while low + 1 < high {
            let middle = usize::midpoint(low, high);
            if enough(&middle) { high = middle } else { low = middle }
        }
        Some(Self { queries: high, ..*self })
    }

    /// log2 of the points of FRI's first domain.
    fn domain_bits(&self) -> f64 {
        (self.degree_bits + self.rate_bits) as f64
    }

    /// Rate of the code of the opened polynomials, which may have degree `n`.
    fn opened_rate(&self) -> f64 {
        rate(self.rate_bits) + (-self.domain_bits()).exp2()
    }

    /// All rounds, where `bad` is log2 of the bad challenges of a line and `list` of the candidates.
    fn rounds(&self, bad: f64, agreement: f64, list: f64) -> Rounds {
        let repeated = |zeros: f64| self.challenges as f64 * (field_bits() - zeros.log2()) - list;
        let curve = |degree: usize| extension_bits() - (degree as f64).log2() - bad;
        let rows = (self.degree_bits as f64).exp2();
        Rounds {
            permutation: repeated(2.0 * self.routed_wires as f64 * rows),
            combination: repeated(self.constraints as f64 - 1.0),
            deep: extension_bits() - (9.0 * rows).log2() - list,
            batching: curve(self.columns + self.challenges - 1),
            folding: curve((1 << self.arity_bits) - 1),
            queries: self.queries as f64 * -agreement.log2() + f64::from(self.grinding_bits),
        }
    }
}
