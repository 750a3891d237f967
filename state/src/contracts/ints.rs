//! The integers that laws are written in: below `2^62`, natively or as a circuit's targets.
//!
//! A law is straight-line code over [`Ints`]: it has no jumps, and which steps it takes does not depend on the numbers. So the
//! native run and the circuit have the same steps, and whatever a step demands is demanded in both: natively by an error, in
//! a circuit by a constraint. Each step that demands something, or that has a constraint for another reason, has a name.
//!
//! The largest step is [`Ints::mul_div`], `a n = q d ± r`. Its gate holds for `a` and `q` below `2^62`, and `n` and `d` below
//! `2^61` in limbs of 20, 20 and 21 bits. Limbs of a number that a circuit computed cost rows, so they are a type of their own:
//! a law makes them once, by [`Ints::limbs`], and uses them in as many products as it has.

/// Numbers are below `2^INT_BITS`.
pub const INT_BITS: usize = 62;

/// Factors and divisors are below `2^LIMBS_BITS`.
pub const LIMBS_BITS: usize = 61;

/// The bound on factors and divisors, exclusive.
pub const LIMBS_LIMIT: u64 = 1 << LIMBS_BITS;

/// Where a quotient goes that is no integer.
///
/// What leaves a contract is rounded down, what enters it is rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// The greatest integer that is not above it.
    Down,
    /// The least integer that is not below it.
    Up,
}

/// Integers below `2^62`, as a law sees them.
///
/// A step that is given what it does not accept makes the whole run invalid: natively it ends with the first such step's
/// [`Fault`](super::native::Fault), in a circuit no witness satisfies the step's constraint. What the step returns then
/// means nothing.
///
/// `name` names the constraint, as "pool: supply has 61 bits".
pub trait Ints {
    /// A number below `2^62`. All that steps return are; those from outside go through [`Self::read`], unless whoever
    /// made them checked them.
    type V: Copy;

    /// A number below `2^61` in limbs.
    type Limbs: Copy;

    /// 0 or 1.
    type Flag: Copy;

    /// A number that is always the same.
    fn constant(&mut self, value: u64) -> Self::V;

    /// The limbs of a number that is always the same, below `2^61`.
    fn constant_limbs(&mut self, value: u64) -> Self::Limbs;

    /// A number from outside that nobody checked: below `2^62`.
    fn read(&mut self, name: &'static str, value: Self::V) -> Self::V;

    /// `a + b`, below `2^62`.
    fn add(&mut self, name: &'static str, a: Self::V, b: Self::V) -> Self::V;

    /// The sum of the terms, below `2^62`.
    ///
    /// A circuit checks the sum alone, so it has to be below p over the integers. Of three terms it is (`3 2^62 < p`); who
    /// sums more says why it is.
    fn sum(&mut self, name: &'static str, terms: &[Self::V]) -> Self::V;

    /// `a - b`, at least 0.
    fn sub(&mut self, name: &'static str, a: Self::V, b: Self::V) -> Self::V;

    /// A number's limbs: below `2^61`.
    fn limbs(&mut self, name: &'static str, value: Self::V) -> Self::Limbs;

    /// `a n / d`, rounded, below `2^62`; d is at least 1.
    fn mul_div(
        &mut self,
        name: &'static str,
        round: Round,
        a: Self::V,
        n: Self::Limbs,
        d: Self::Limbs,
    ) -> Self::V;

    /// `a n`, below `2^62`.
    fn mul(&mut self, name: &'static str, a: Self::V, n: Self::Limbs) -> Self::V {
        let one = self.constant_limbs(1);
        self.mul_div(name, Round::Down, a, n, one)
    }

    /// Whether `a < b`. It demands nothing; a circuit proves the answer.
    fn less(&mut self, name: &'static str, a: Self::V, b: Self::V) -> Self::Flag;

    /// Whether not.
    fn not(&mut self, flag: Self::Flag) -> Self::Flag;

    /// Whether both.
    fn and(&mut self, a: Self::Flag, b: Self::Flag) -> Self::Flag;

    /// Whether one or both.
    fn or(&mut self, a: Self::Flag, b: Self::Flag) -> Self::Flag;

    /// `on` if the flag is 1, and `off` if not.
    fn select(&mut self, flag: Self::Flag, on: Self::V, off: Self::V) -> Self::V;

    /// Demands `a <= b`. Like all comparisons it takes for granted that both are numbers: a circuit has a range for `b - a` alone.
    fn at_most(&mut self, name: &'static str, a: Self::V, b: Self::V);

    /// Demands `a < b`.
    fn below(&mut self, name: &'static str, a: Self::V, b: Self::V);

    /// Demands that the number is 0 unless the flag is 1.
    fn zero_unless(&mut self, name: &'static str, flag: Self::Flag, value: Self::V);

    /// Demands that the flag is 1.
    fn require(&mut self, name: &'static str, flag: Self::Flag);
}
