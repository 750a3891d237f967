//! Twin of the LogUp sum of [`enfold_state::chain`]: messages emitted or consumed, two of one side a row
//! ([`LogUpGate`]).
//!
//! The gate constrains, for both messages of a row, the flag to be boolean and `(gamma - f(m)) inv = 1`, and
//! the sum to grow by `sign (flag_0 inv_0 + flag_1 inv_1)`; the rows are chained here.

use enfold_state::hash::Side;
use plonky2::field::types::Field;
use plonky2::iop::target::Target;

use super::chain::QuadraticTarget;
use super::message::MessageTargets;
use crate::config::{Builder, F};
use crate::constraint::Constrain;
use crate::gates::logup::LogUpGate;

/// Names of what is required of a message and its flag.
const SLOT: [&str; 2] = ["LogUp: message", "LogUp: flag"];

/// What a term of this side is multiplied by.
const fn sign(side: Side) -> F {
    match side {
        Side::Emit => F::ONE,
        Side::Consume => F::NEG_ONE,
    }
}

/// A running LogUp sum.
#[derive(Debug)]
#[must_use = "messages are constrained only when the sum is finished"]
pub struct LogUpTargets {
    alpha: QuadraticTarget,
    gamma: QuadraticTarget,
    sum: QuadraticTarget,
    /// On each side a message that waits for a second one.
    waiting: [Option<(MessageTargets, Target)>; 2],
}

impl LogUpTargets {
    /// A sum that continues from `sum`.
    pub fn new((alpha, gamma): (QuadraticTarget, QuadraticTarget), sum: QuadraticTarget) -> Self {
        Self { alpha, gamma, sum, waiting: [None; 2] }
    }

    /// Adds a message if its flag, which becomes boolean, is 1.
    pub fn push(&mut self, builder: &mut Builder, side: Side, message: MessageTargets, flag: Target) {
        match self.waiting[side as usize].take() {
            None => self.waiting[side as usize] = Some((message, flag)),
            Some(first) => self.row(builder, side, [first, (message, flag)], SLOT),
        }
    }

    /// The sum after all messages.
    pub fn finish(mut self, builder: &mut Builder) -> QuadraticTarget {
        for side in [Side::Emit, Side::Consume] {
            if let Some(last) = self.waiting[side as usize].take() {
                let zero = builder.zero();
                let names = ["LogUp: message in excess", "LogUp: a message in excess is off"];
                self.row(builder, side, [last, ([zero; 8], zero)], names);
            }
        }
        self.sum
    }

    /// `second` names the requirements of the second message and its flag.
    fn row(
        &mut self,
        builder: &mut Builder,
        side: Side,
        messages: [(MessageTargets, Target); 2],
        second: [&'static str; 2],
    ) {
        let row = builder.add_gate(LogUpGate, vec![sign(side)]);
        let mut require = |name, start: usize, targets: &[Target]| {
            for (i, &target) in targets.iter().enumerate() {
                builder.require(name, target, Target::wire(row, start + i));
            }
        };
        for (i, ((message, flag), [of_message, of_flag])) in messages.iter().zip([SLOT, second]).enumerate() {
            require(of_message, LogUpGate::message(i), message);
            require(of_flag, LogUpGate::flag(i), &[*flag]);
        }
        require("LogUp: alpha", LogUpGate::ALPHA, &self.alpha);
        require("LogUp: gamma", LogUpGate::GAMMA, &self.gamma);
        require("LogUp: sum before", LogUpGate::SUM_IN, &self.sum);
        self.sum = std::array::from_fn(|i| Target::wire(row, LogUpGate::SUM_OUT + i));
    }
}
