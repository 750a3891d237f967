//! [`Ints`] on `u64`.

use std::fmt;

use super::ints::{INT_BITS, Ints, LIMBS_BITS, Round};

/// What a step demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A number of so many bits.
    Bits(usize),
    /// A number that is not less.
    AtLeast(u64),
    /// A number that is not greater.
    AtMost(u64),
    /// A condition.
    Condition,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Bits(bits) => write!(f, "a number below 2^{bits}"),
            Self::AtLeast(least) => write!(f, "at least {least}"),
            Self::AtMost(most) => write!(f, "at most {most}"),
            Self::Condition => write!(f, "a condition that holds"),
        }
    }
}

/// The first step of a run that did not accept what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: expected {expected}, got {got}")]
pub struct Fault {
    /// The step, by the name of its constraint.
    pub name: &'static str,
    /// What it demands.
    pub expected: Expected,
    /// The number that it got; 0 for a condition.
    pub got: u128,
}

/// Native integers. The first fault stays, and the run goes on with numbers that mean nothing: no step panics or wraps.
#[derive(Debug, Default)]
pub struct Native {
    fault: Option<Fault>,
}

/// Runs a law natively.
///
/// # Errors
/// If a step does not accept what it is given: the first such step.
pub fn run<T>(law: impl FnOnce(&mut Native) -> T) -> Result<T, Fault> {
    let mut native = Native::default();
    let value = law(&mut native);
    native.fault.map_or(Ok(value), Err)
}

impl Native {
    /// The first fault so far.
    pub const fn fault(&self) -> Option<Fault> {
        self.fault
    }

    fn demand(&mut self, name: &'static str, expected: Expected, got: u128) {
        let met = match expected {
            Expected::Bits(bits) => got >> bits == 0,
            Expected::AtLeast(least) => got >= least.into(),
            Expected::AtMost(most) => got <= most.into(),
            Expected::Condition => got != 0,
        };
        if !met && self.fault.is_none() {
            self.fault = Some(Fault { name, expected, got });
        }
    }

    fn fit(&mut self, name: &'static str, bits: usize, got: u128) -> u64 {
        self.demand(name, Expected::Bits(bits), got);
        u64::try_from(got).unwrap_or_default()
    }
}

impl Ints for Native {
    type V = u64;
    type Limbs = u64;
    type Flag = bool;

    fn constant(&mut self, value: u64) -> u64 {
        value
    }

    fn constant_limbs(&mut self, value: u64) -> u64 {
        value
    }

    fn read(&mut self, name: &'static str, value: u64) -> u64 {
        self.fit(name, INT_BITS, value.into())
    }

    fn add(&mut self, name: &'static str, a: u64, b: u64) -> u64 {
        self.sum(name, &[a, b])
    }

    fn sum(&mut self, name: &'static str, terms: &[u64]) -> u64 {
        self.fit(name, INT_BITS, terms.iter().copied().map(u128::from).sum())
    }

    fn sub(&mut self, name: &'static str, a: u64, b: u64) -> u64 {
        self.demand(name, Expected::AtLeast(b), a.into());
        a.saturating_sub(b)
    }

    fn limbs(&mut self, name: &'static str, value: u64) -> u64 {
        self.fit(name, LIMBS_BITS, value.into())
    }

    fn mul_div(&mut self, name: &'static str, round: Round, a: u64, n: u64, d: u64) -> u64 {
        if d == 0 {
            self.demand(name, Expected::AtLeast(1), 0);
            return 0;
        }
        let (product, d) = (u128::from(a) * u128::from(n), u128::from(d));
        let quotient = match round {
            Round::Down => product / d,
            Round::Up => product.div_ceil(d),
        };
        self.fit(name, INT_BITS, quotient)
    }

    fn less(&mut self, _name: &'static str, a: u64, b: u64) -> bool {
        a < b
    }

    fn not(&mut self, flag: bool) -> bool {
        !flag
    }

    fn and(&mut self, a: bool, b: bool) -> bool {
        a && b
    }

    fn or(&mut self, a: bool, b: bool) -> bool {
        a || b
    }

    fn select(&mut self, flag: bool, on: u64, off: u64) -> u64 {
        if flag { on } else { off }
    }

    fn at_most(&mut self, name: &'static str, a: u64, b: u64) {
        self.demand(name, Expected::AtMost(b), a.into());
    }

    fn below(&mut self, name: &'static str, a: u64, b: u64) {
        match b.checked_sub(1) {
            Some(most) => self.demand(name, Expected::AtMost(most), a.into()),
            None => self.demand(name, Expected::Condition, 0),
        }
    }

    fn zero_unless(&mut self, name: &'static str, flag: bool, value: u64) {
        if !flag {
            self.demand(name, Expected::AtMost(0), value.into());
        }
    }

    fn require(&mut self, name: &'static str, flag: bool) {
        self.demand(name, Expected::Condition, flag.into());
    }
}
