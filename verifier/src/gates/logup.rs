//! LogUp terms of two messages on one row, over GF(p^2) = GF(p)\[X\] / (X^2 - 7).
//!
//! | columns | what |
//! |---|---|
//! | 0..8, 8..16 | the messages (routed) |
//! | 16, 17 | their flags (routed, boolean) |
//! | 18..20 | alpha (routed) |
//! | 20..22 | gamma (routed) |
//! | 22..24 | sum before (routed) |
//! | 24..26 | sum after (routed) |
//! | 26..34, 34..42 | for each message: three Horner accumulators of f(m), then `1 / (gamma - f(m))` |
//!
//! With `f(m) = sum of alpha^i m_i`, a row satisfies `(gamma - f(m)) inverse = 1` for both messages,
//! flagged or not, and `after = before + sign (flag_0 inverse_0 + flag_1 inverse_1)`. The sign is the gate
//! constant: 1 for messages that are emitted, -1 for consumed ones.

use anyhow::{Result, ensure};
use enfold_state::message::Message;
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::goldilocks_field::GoldilocksField;
use plonky2::field::types::Field;

use super::arith::Arith;
use super::row::{Constraints, Row, RowFiller, RowGate};
use crate::field::F;

/// X^2 in GF(p^2).
const NON_RESIDUE: F = GoldilocksField(7);

/// Horner accumulators of a message that have columns: those of degrees 5, 3 and 1 in alpha.
const ACCUMULATORS: usize = 3;

/// The gate; see the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogUpGate;

impl LogUpGate {
    /// Messages on a row.
    pub const MESSAGES: usize = 2;
    /// First column of alpha.
    pub const ALPHA: usize = Self::MESSAGES * (Message::LEN + 1);
    /// First column of gamma.
    pub const GAMMA: usize = Self::ALPHA + 2;
    /// First column of the sum before.
    pub const SUM_IN: usize = Self::GAMMA + 2;
    /// First column of the sum after.
    pub const SUM_OUT: usize = Self::SUM_IN + 2;

    const ADVICE: usize = Self::SUM_OUT + 2;
    const ADVICE_LEN: usize = 2 * ACCUMULATORS + 2;

    /// First column of a message, 0 or 1.
    pub const fn message(index: usize) -> usize {
        assert!(index < Self::MESSAGES);
        Message::LEN * index
    }

    /// Column of a message's flag.
    pub const fn flag(index: usize) -> usize {
        assert!(index < Self::MESSAGES);
        Message::LEN * Self::MESSAGES + index
    }

    /// First column of a message's Horner accumulator, below 3.
    const fn accumulator(message: usize, index: usize) -> usize {
        Self::ADVICE + Self::ADVICE_LEN * message + 2 * index
    }

    /// First column of a message's inverse.
    const fn inverse(message: usize) -> usize {
        Self::accumulator(message, ACCUMULATORS)
    }
}

/// Product in GF(p^2).
#[inline(always)]
fn mul<A: Arith>(a: &mut A, [x0, x1]: [A::V; 2], [y0, y1]: [A::V; 2]) -> [A::V; 2] {
    let high = a.mul(x1, y1);
    let low = a.mul(x0, y0);
    let cross = a.mul(x0, y1);
    [a.scale_add(NON_RESIDUE, high, low), a.mul_add(x1, y0, cross)]
}

/// One step of Horner: `accumulator alpha + m`.
#[inline(always)]
fn step<A: Arith>(a: &mut A, accumulator: [A::V; 2], alpha: [A::V; 2], m: A::V) -> [A::V; 2] {
    let [low, high] = mul(a, accumulator, alpha);
    [a.add(low, m), high]
}

impl RowGate for LogUpGate {
    const NAME: &'static str = "LogUp";
    const WIRES: usize = Self::ADVICE + Self::MESSAGES * Self::ADVICE_LEN;
    const CONSTANTS: usize = 1;
    const DEGREE: usize = 3;
    const CONSTRAINTS: usize = Self::MESSAGES * (1 + 2 * ACCUMULATORS + 2) + 2;

    #[inline(always)]
    fn constraints<A: Arith>(a: &mut A, row: &impl Row<A::V>, out: &mut impl Constraints<A::V>) {
        let (one, sign) = (a.constant(F::ONE), row.constant(0));
        let (alpha, gamma): ([_; 2], [_; 2]) = (row.wires(Self::ALPHA), row.wires(Self::GAMMA));
        let mut sum: [A::V; 2] = row.wires(Self::SUM_IN);
        for message in 0..Self::MESSAGES {
            let flag = row.wire(Self::flag(message));
            out.zero("flag is boolean", a.boolean(flag));
            let m: [A::V; Message::LEN] = row.wires(Self::message(message));

            // The first step starts from one element, so it takes two products, not four.
            let mut value = {
                let (low, high) = (a.mul_add(m[7], alpha[0], m[6]), a.mul(m[7], alpha[1]));
                step(a, [low, high], alpha, m[5])
            };
            for index in 0..ACCUMULATORS {
                let wire: [A::V; 2] = row.wires(Self::accumulator(message, index));
                for (computed, wire) in value.into_iter().zip(wire) {
                    out.zero("accumulator", a.sub(computed, wire));
                }
                value = step(a, wire, alpha, m[4 - 2 * index]);
                if index + 1 < ACCUMULATORS {
                    value = step(a, value, alpha, m[3 - 2 * index]);
                }
            }

            let inverse: [A::V; 2] = row.wires(Self::inverse(message));
            let difference = [a.sub(gamma[0], value[0]), a.sub(gamma[1], value[1])];
            let [low, high] = mul(a, difference, inverse);
            out.zero("(gamma - f(m)) inverse is one", a.sub(low, one));
            out.zero("(gamma - f(m)) inverse is one", high);

            let signed_flag = a.mul(sign, flag);
            for (sum, inverse) in sum.iter_mut().zip(inverse) {
                *sum = a.mul_add(signed_flag, inverse, *sum);
            }
        }
        for (computed, wire) in sum.into_iter().zip(row.wires::<2>(Self::SUM_OUT)) {
            out.zero("sum after", a.sub(computed, wire));
        }
    }

    fn inputs() -> Vec<usize> {
        (0..Self::SUM_OUT).collect()
    }

    fn fill(row: &mut RowFiller<'_, '_>) -> Result<()> {
        let pair = |row: &RowFiller<'_, '_>, first| QuadraticExtension(row.get_array(first));
        let (alpha, gamma) = (pair(row, Self::ALPHA), pair(row, Self::GAMMA));
        let mut sum = pair(row, Self::SUM_IN);
        for message in 0..Self::MESSAGES {
            let m: [F; Message::LEN] = row.get_array(Self::message(message));
            let mut value = QuadraticExtension([m[7], F::ZERO]);
            for (index, &m) in m.iter().enumerate().rev().skip(1) {
                value = value * alpha + m.into();
                if index % 2 == 1 {
                    row.set_all(Self::accumulator(message, (5 - index) / 2), &value.0)?;
                }
            }
            let difference = gamma - value;
            ensure!(difference != QuadraticExtension::ZERO, "LogUp: gamma is f of message {message}");
            let inverse = difference.inverse();
            row.set_all(Self::inverse(message), &inverse.0)?;
            let signed_flag = row.constant(0) * row.get(Self::flag(message));
            sum += inverse * signed_flag.into();
        }
        row.set_all(Self::SUM_OUT, &sum.0)
    }
}

crate::impl_gate!(LogUpGate);
