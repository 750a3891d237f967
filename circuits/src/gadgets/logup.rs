//! Twin of the LogUp sum of [`enfold_state::chain`]: messages emitted or consumed, two a row
//! ([`LogUpGate`]).
//!
//! The gate constrains, for both messages of a row, the flag to be boolean and `(gamma - f(m)) inv = 1`, and
//! the sum to grow by `sign (flag_0 inv_0 + flag_1 inv_1)`; the rows are chained here.

use plonky2::iop::target::Target;

use super::chain::QuadraticTarget;
use super::message::MessageTargets;
use crate::config::{Builder, F};
use crate::constraint::Constrain;
use crate::gates::logup::LogUpGate;

/// Names of what is required of a message and its flag.
const SLOT: [&str; 2] = ["LogUp: message", "LogUp: flag"];

/// A running LogUp sum.
#[derive(Debug)]
#[must_use = "messages are constrained only when the sum is finished"]
pub struct LogUpTargets {
    alpha: QuadraticTarget,
    gamma: QuadraticTarget,
    sum: QuadraticTarget,
    sign: F,
    /// A message that waits for a second one.
    waiting: Option<(MessageTargets, Target)>,
}

impl LogUpTargets {
    /// A sum that goes on from `sum`; `sign` is 1 where messages are emitted, -1 where they are consumed.
    pub fn new((alpha, gamma): (QuadraticTarget, QuadraticTarget), sum: QuadraticTarget, sign: F) -> Self {
        Self { alpha, gamma, sum, sign, waiting: None }
    }

    /// Adds a message if its flag, which becomes boolean, is 1.
    pub fn push(&mut self, builder: &mut Builder, message: MessageTargets, flag: Target) {
        match self.waiting.take() {
            None => self.waiting = Some((message, flag)),
            Some(first) => self.row(builder, [first, (message, flag)], SLOT),
        }
    }

    /// The sum after all messages.
    pub fn finish(mut self, builder: &mut Builder) -> QuadraticTarget {
        if let Some(last) = self.waiting.take() {
            let zero = builder.zero();
            self.row(
                builder,
                [last, ([zero; 8], zero)],
                ["LogUp: message in excess", "LogUp: a message in excess is off"],
            );
        }
        self.sum
    }

    /// `second` names the requirements of the second message and its flag.
    fn row(
        &mut self,
        builder: &mut Builder,
        messages: [(MessageTargets, Target); 2],
        second: [&'static str; 2],
    ) {
        let row = builder.add_gate(LogUpGate, vec![self.sign]);
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
