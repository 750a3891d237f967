//! What is proven, and what is conjectured, of words that look like codewords.
//!
//! Reed-Solomon codes of rate `rho` over `N` points; `agreement` is the share of the points at which a word
//! is a codeword's. A **curve** of degree `l` is `u_0 + z u_1 + ... + z^l u_l` for a random `z` of the field
//! `K` of `q` elements. A theorem of correlated agreement says: if more than `l E` of the `z` give a word of
//! agreement `alpha` with the code, then `u_0, ..., u_l` agree with codewords on one set of that share. So a
//! prover with words that do not is lucky with probability at most `l E / q`. `E`, the bad challenges of a
//! line, is what the theorems differ in:
//!
//! | source | `alpha` | `E` |
//! |---|---|---|
//! | BCIKS20 (eprint 2020/654), theorem 6.1 | `(1 + rho) / 2` | `N` |
//! | BCIKS20, theorem 7.2 | `sqrt(rho) (1 + 1 / 2m)`, `m >= 3` | `(m + 1/2)^7 N^2 / (3 rho^{3/2})` |
//! | BCHKS25 (eprint 2025/2055), theorem 4.2 | the same | `(2 (m + 1/2)^5 + 3 (m + 1/2) gamma rho) N / (3 rho^{3/2}) + (m + 1/2) / sqrt(rho)`, `gamma = 1 - alpha` |
//! | DKT26 (eprint 2026/2056), theorem 5.12 | the same | `8 N (m + 1/2)^3 / (3 rho')`, `rho' = rho - 1 / N` |
//!
//! The last two are stated for lines, `l = 1`. Times `l` for curves is how calculators of the field count both
//! (`ethereum/soundcalc` the first); for DKT26 the step is a derivation by its users, not a theorem of the paper.
//! So what this crate calls proven rests on BCHKS25 at most.
//!
//! Out of the unique decoding radius a word is near to several codewords, at most
//! `(m + 1/2) / sqrt(rho)` of them (BCIKS20, section 5; Haboeck, eprint 2022/1216, section 2): [`Theorem::list`].

/// A theorem of correlated agreement up to the Johnson radius.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theorem {
    /// Ben-Sasson, Carmon, Ishai, Kopparty, Saraf, eprint 2020/654.
    Bciks20,
    /// Ben-Sasson, Carmon, Haboeck, Kopparty, Saraf, eprint 2025/2055.
    Bchks25,
    /// The paper of eprint 2026/2056; for lines.
    Dkt26,
}

/// Multiplicities that are tried. Beyond them a radius gains less than a thousandth of a bit a query.
pub const MULTIPLICITIES: std::ops::Range<u32> = 3..1000;

impl Theorem {
    /// All theorems, oldest first.
    pub const ALL: [Self; 3] = [Self::Bciks20, Self::Bchks25, Self::Dkt26];

    /// log2 of `E`, the bad challenges of a line, for a code of rate `2^-rate_bits` over `2^domain_bits`
    /// points at multiplicity `m`.
    pub fn bad_challenges(self, rate_bits: usize, domain_bits: usize, m: u32) -> f64 {
        let (rate, points) = (rate(rate_bits), (domain_bits as f64).exp2());
        let t = f64::from(m) + 0.5;
        match self {
            Self::Bciks20 => (t.powi(7) / (3.0 * rate.powf(1.5)) * points * points).log2(),
            Self::Bchks25 => {
                let gamma = 1.0 - johnson_agreement(rate, m);
                let slope = (2.0 * t.powi(5) + 3.0 * t * gamma * rate) / (3.0 * rate.powf(1.5));
                (slope * points + t / rate.sqrt()).log2()
            }
            Self::Dkt26 => (8.0 * points * t.powi(3) / (3.0 * (rate - 1.0 / points))).log2(),
        }
    }

    /// log2 of the codewords that a word can be near to, at multiplicity `m`.
    pub fn list(rate: f64, m: u32) -> f64 {
        ((f64::from(m) + 0.5) / rate.sqrt()).log2()
    }
}

/// The rate `2^-rate_bits`.
pub fn rate(rate_bits: usize) -> f64 {
    (-(rate_bits as f64)).exp2()
}

/// The largest agreement of a word that unique decoding calls bad.
pub fn unique_agreement(rate: f64) -> f64 {
    f64::midpoint(1.0, rate)
}

/// The largest agreement of a word that is bad at multiplicity `m`; `sqrt(rho)` for m without bound.
pub fn johnson_agreement(rate: f64, m: u32) -> f64 {
    rate.sqrt() * (1.0 + 0.5 / f64::from(m))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacity_lies_between_the_johnson_radius_and_the_rate() {
        for rate_bits in 1..8 {
            let rate = rate(rate_bits);
            let capacity = capacity_agreement(rate, 128.0);
            assert!(rate < capacity && capacity < rate.sqrt());
            assert!(johnson_agreement(rate, 100) < unique_agreement(rate));
            assert!(capacity_agreement(rate, 64.0) > capacity, "a smaller alphabet is worse");
        }
    }

    /// Vectors of DKT26's count that users of the paper publish: log2 of the rows, log2 of 1 / rate, m.
    #[test]
    fn bad_challenges_of_lines() {
        for (degree_bits, rate_bits, m, expected) in [
            (1, 1, 3, 10.837_102_265_451_657),
            (2, 1, 3, 11.252_139_764_730_5),
            (20, 2, 3, 30.837_103_641_313_52),
            (20, 2, 10, 35.591_991_143_476_99),
        ] {
            let got = Theorem::Dkt26.bad_challenges(rate_bits, degree_bits + rate_bits, m);
            assert!((got - expected).abs() < 1e-9, "{got} {expected}");
        }
        // (7/2)^7 / (3 / 8) * 2^40 at rate 1/4; sqrt(rho) = 1/2, so all numbers are rational.
        let bciks = Theorem::Bciks20.bad_challenges(2, 20, 3);
        assert!((bciks - (f64::from(7_u32.pow(7)) / 48.0).log2() - 40.0).abs() < 1e-9);
        // alpha = 7/12, gamma = 5/12: (2 * 16807/32 + 3 * 7/2 * 5/48) / (3/8) * 2^20 + 7.
        let bchks = Theorem::Bchks25.bad_challenges(2, 20, 3);
        let exact = (16807.0 / 16.0 + 35.0 / 32.0) * 8.0 / 3.0 * f64::from(1 << 20) + 7.0;
        assert!((bchks - exact.log2()).abs() < 1e-12);
        for theorem in Theorem::ALL {
            assert!(theorem.bad_challenges(3, 19, 4) > theorem.bad_challenges(3, 19, 3));
            assert!(theorem.bad_challenges(3, 20, 3) > theorem.bad_challenges(3, 19, 3));
        }
    }
}
