//! Native integers that tell their steps, and can leave one check out.

use enfold_state::contracts::ints::{Ints, Round};
use enfold_state::contracts::native::{Fault, Native};

/// What a run does: the names of its steps, and its first fault.
#[derive(Default)]
pub struct Probe {
    /// The check that is left out.
    pub without: Option<&'static str>,
    pub fault: Option<Fault>,
    /// Steps that demand something.
    pub demands: Vec<&'static str>,
    /// All steps.
    pub steps: Vec<&'static str>,
}

impl Probe {
    pub fn without(name: &'static str) -> Self {
        Self { without: Some(name), ..Self::default() }
    }

    fn demand<T>(&mut self, name: &'static str, step: impl FnOnce(&mut Native) -> T) -> T {
        self.demands.push(name);
        self.steps.push(name);
        let mut native = Native::default();
        let value = step(&mut native);
        if self.fault.is_none() && self.without != Some(name) {
            self.fault = native.fault();
        }
        value
    }

    fn step<T>(&mut self, name: &'static str, step: impl FnOnce(&mut Native) -> T) -> T {
        self.steps.push(name);
        step(&mut Native::default())
    }
}

impl Ints for Probe {
    type V = u64;
    type Limbs = u64;
    type Flag = bool;

    fn constant(&mut self, value: u64) -> u64 {
        self.step("constant", |native| native.constant(value))
    }

    fn constant_limbs(&mut self, value: u64) -> u64 {
        self.step("constant limbs", |native| native.constant_limbs(value))
    }

    fn read(&mut self, name: &'static str, value: u64) -> u64 {
        self.demand(name, |native| native.read(name, value))
    }

    fn add(&mut self, name: &'static str, a: u64, b: u64) -> u64 {
        self.demand(name, |native| native.add(name, a, b))
    }

    fn sum(&mut self, name: &'static str, terms: &[u64]) -> u64 {
        self.demand(name, |native| native.sum(name, terms))
    }

    fn sub(&mut self, name: &'static str, a: u64, b: u64) -> u64 {
        self.demand(name, |native| native.sub(name, a, b))
    }

    fn limbs(&mut self, name: &'static str, value: u64) -> u64 {
        self.demand(name, |native| native.limbs(name, value))
    }

    fn mul_div(&mut self, name: &'static str, round: Round, a: u64, n: u64, d: u64) -> u64 {
        self.demand(name, |native| native.mul_div(name, round, a, n, d))
    }

    fn less(&mut self, name: &'static str, a: u64, b: u64) -> bool {
        self.step(name, |native| native.less(name, a, b))
    }

    fn not(&mut self, flag: bool) -> bool {
        self.step("not", |native| native.not(flag))
    }

    fn and(&mut self, a: bool, b: bool) -> bool {
        self.step("and", |native| native.and(a, b))
    }

    fn or(&mut self, a: bool, b: bool) -> bool {
        self.step("or", |native| native.or(a, b))
    }

    fn select(&mut self, flag: bool, on: u64, off: u64) -> u64 {
        self.step("select", |native| native.select(flag, on, off))
    }

    fn at_most(&mut self, name: &'static str, a: u64, b: u64) {
        self.demand(name, |native| native.at_most(name, a, b));
    }

    fn below(&mut self, name: &'static str, a: u64, b: u64) {
        self.demand(name, |native| native.below(name, a, b));
    }

    fn zero_unless(&mut self, name: &'static str, flag: bool, value: u64) {
        self.demand(name, |native| native.zero_unless(name, flag, value));
    }

    fn require(&mut self, name: &'static str, flag: bool) {
        self.demand(name, |native| native.require(name, flag));
    }
}
