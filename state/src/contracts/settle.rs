//! Answers to single requests, at the rates of a block.
//!
//! One rule for rounding: what is paid out is rounded down, what is due is rounded up. So for integers `a_i` with sum A
//!
//! ```text
//! sum floor(a_i n / d) <= floor(A n / d)        sum ceil(a_i n / d) >= ceil(A n / d)
//! ```
//!
//! which the law checks on the sums ([`super::pool::tally`]).

use super::ints::{Ints, Round};

/// The fraction n / d, by which amounts are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate<L> {
    /// Its numerator; 0 closes the lane.
    pub n: L,
    /// Its divisor, at least 1.
    pub d: L,
}

/// Exchanges a whole amount. The answer is `floor(a n / d)`, and above the limit: the limit is the largest answer that its sender
/// refuses, so no answer is 0.
///
/// The amount is one that was debited. The limit is the request's memo, which nobody checked.
pub fn exchange<I: Ints>(i: &mut I, rate: &Rate<I::Limbs>, amount: I::V, limit: I::V) -> I::V {
    let limit = i.read("exchange: limit has 62 bits", limit);
    let answer = i.mul_div("exchange: answer has 62 bits", Round::Down, amount, rate.n, rate.d);
    i.below("exchange: answer is above the limit", limit, answer);
    answer
}

/// An exchange order that may be filled in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<V, B> {
    /// How much was debited.
    pub amount: V,
    /// The largest answer to the whole amount that the sender refuses; the request's memo, which nobody checked.
    pub limit: V,
    /// Whether the sender signed that a part is enough.
    pub partial: B,
}

/// What an order that was filled gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled<V> {
    /// In the other asset.
    pub answer: V,
    /// What was not exchanged, which goes back.
    pub change: V,
}

/// Exchanges f of an order's amount a: the answer is `q = floor(f n / d)`, with `q a >= (m + 1) f`, m being the limit. So
/// each unit that goes gets at least what each unit of the whole was to get, to the last digit, and neither f nor q is 0.
///
/// With `f = a` it is [`exchange`]: `q >= m + 1`. What is filled is the executor's choice: it has its range from the row that
/// multiplies it.
///
/// `q a >= (m + 1) f` is `floor(a q / f) >= m + 1`. Both f and q stand in the row of `f n = q d + r` already, and only they
/// need limbs.
pub fn fill<I: Ints>(
    i: &mut I,
    rate: &Rate<I::Limbs>,
    order: &Order<I::V, I::Flag>,
    filled: I::V,
) -> Filled<I::V> {
    let limit = i.read("fill: limit has 62 bits", order.limit);
    let change = i.sub("fill: at most the amount is filled", order.amount, filled);
    i.zero_unless("fill: in part only if that was signed", order.partial, change);
    let answer = i.mul_div("fill: answer has 62 bits", Round::Down, filled, rate.n, rate.d);
    let answer_limbs = i.limbs("fill: answer has 61 bits", answer);
    let filled_limbs = i.limbs("fill: what is filled has 61 bits", filled);
    let whole = i.mul_div(
        "fill: answer to the whole has 62 bits",
        Round::Down,
        order.amount,
        answer_limbs,
        filled_limbs,
    );
    i.below("fill: answer is above the limit", limit, whole);
    Filled { answer, change }
}

/// Takes shares back: pays `floor(x n_j / d)` of each asset, and not nothing of both.
pub fn split<I: Ints>(i: &mut I, baskets: &[Rate<I::Limbs>; 2], shares: I::V) -> [I::V; 2] {
    let answers =
        baskets.map(|Rate { n, d }| i.mul_div("split: answer has 62 bits", Round::Down, shares, n, d));
    let both = i.add("split: answers together have 62 bits", answers[0], answers[1]);
    let zero = i.constant(0);
    i.below("split: something is paid", zero, both);
    answers
}

/// What a join that was served pays and gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merged<V> {
    /// Of each asset, what is due.
    pub due: [V; 2],
    /// Of each asset, what was paid beyond it, which goes back.
    pub change: [V; 2],
}

/// Issues t shares: `ceil(t n_j / d)` of each asset is due, at most what was paid. The shares are exact and signed, so nobody
/// pays for shares that rounding took away.
///
/// What was paid was debited. The shares are the memo of the request's messages, which nobody checked.
pub fn merge<I: Ints>(
    i: &mut I,
    baskets: &[Rate<I::Limbs>; 2],
    shares: I::V,
    paid: [I::V; 2],
) -> Merged<I::V> {
    let shares = i.read("merge: shares have 62 bits", shares);
    let zero = i.constant(0);
    i.below("merge: a share at least", zero, shares);
    let due =
        baskets.map(|Rate { n, d }| i.mul_div("merge: what is due has 62 bits", Round::Up, shares, n, d));
    let [first, second] = [0, 1].map(|j| i.sub("merge: at most what was paid is due", paid[j], due[j]));
    Merged { due, change: [first, second] }
}
