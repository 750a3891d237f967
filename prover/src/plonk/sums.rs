//! The sums of Poseidon2's constraints, without its linear layers.
//!
//! What a constraint of [`Poseidon2Gate`] compares with a wire is linear in the outputs of the S-boxes, but for the
//! first five constraints, those of the swap. So the sum of all constraints times the powers of a challenge is one
//! linear form in the outputs of the S-boxes and the wires, whose coefficients are found once a proof. They come from
//! the gate's own text, computed on linear forms.

use std::array::from_fn;

use enfold_circuits::config::F;
use enfold_circuits::gates::arith::{Arith, RingArith};
use enfold_circuits::gates::poseidon2::{Poseidon2Gate, sbox};
use enfold_circuits::gates::row::{Row, RowGate};
use enfold_state::hash::WIDTH;
use p3_field::PrimeCharacteristicRing;

use super::combine::Weights;
use super::field::{G, P, to_kernel};
use super::point::{Point, Values};

/// Constraints of the swap, which are not linear.
const SWAPS: usize = 5;
/// Constraints that compare a wire with a linear form.
const COMPARED: usize = Poseidon2Gate::CONSTRAINTS - SWAPS;
/// S-boxes whose inputs have columns.
const COMMITTED: usize = Poseidon2Gate::SBOXES - WIDTH;

/// Multiplications at a point besides those of the sums.
pub(super) const MULTIPLICATIONS: usize = 4 * Poseidon2Gate::SBOXES + SWAPS;
/// Terms of a sum.
pub(super) const TERMS: usize = SWAPS + Poseidon2Gate::SBOXES + COMPARED;

/// The linear forms of all challenges.
#[derive(Debug, Default)]
pub(super) struct Poseidon2Sums {
    /// In the order of [`Self::fill`]'s terms.
    terms: Weights,
    constants: Vec<G>,
}

impl Poseidon2Sums {
    /// `alpha_powers` are those that the constraints are multiplied with, for each challenge.
    pub(super) fn new(alpha_powers: &[&[G]]) -> Self {
        let mut forms = Vec::with_capacity(Poseidon2Gate::CONSTRAINTS);
        Poseidon2Gate::constraints_by(&mut Linear, &NoWires, &mut forms, |_, number, _| Form::sbox(number));
        let coefficients = alpha_powers.iter().map(|powers| coefficients(&forms[SWAPS..], powers));
        let (terms, constants): (Vec<_>, _) = coefficients.unzip();
        Self { terms: Weights::new(terms.iter().map(Vec::as_slice)), constants }
    }

    /// The sums at a point, one a challenge.
    #[inline(always)]
    pub(super) fn fill(&self, point: &Point<'_>, sums: &mut [P]) {
        let mut terms = [P::ZERO; TERMS];
        let (swaps, others) = terms.split_at_mut(SWAPS);
        let (sboxes, compared) = others.split_at_mut(Poseidon2Gate::SBOXES);
        let (committed, outputs) = compared.split_at_mut(COMMITTED);
        committed.copy_from_slice(&point.wires[Poseidon2Gate::COMMITTED]);
        outputs.copy_from_slice(&point.wires[Poseidon2Gate::output(0)..=Poseidon2Gate::output(WIDTH - 1)]);
        let arith = &mut RingArith::<P>::default();
        let first = Poseidon2Gate::first_inputs(arith, point, &mut Values::new(swaps));
        for (out, &input) in sboxes.iter_mut().zip(first.iter().chain(&*committed)) {
            *out = sbox(arith, input);
        }
        sums.iter_mut().zip(&self.constants).for_each(|(sum, &constant)| *sum = P::from(constant));
        self.terms.add(&terms, sums);
    }
}

/// The linear form of one challenge: the coefficients of the terms, and the constant. `forms` are what the compared wires
/// are compared with, `powers` those of all constraints.
fn coefficients(forms: &[Form], powers: &[G]) -> (Vec<G>, G) {
    let (swaps, compared) = powers[..Poseidon2Gate::CONSTRAINTS].split_at(SWAPS);
    let sum =
        |of: &dyn Fn(&Form) -> G| forms.iter().zip(compared).map(|(form, &power)| of(form) * power).sum();
    let sboxes = (0..Poseidon2Gate::SBOXES).map(|number| sum(&|form| form.sboxes[number]));
    let wires = compared.iter().map(|&power| -power);
    (swaps.iter().copied().chain(sboxes).chain(wires).collect(), sum(&|form| form.constant))
}

/// A linear form in the outputs of the S-boxes.
#[derive(Clone, Copy, Debug)]
struct Form {
    sboxes: [G; Poseidon2Gate::SBOXES],
    constant: G,
}

impl Form {
    fn constant(constant: G) -> Self {
        Self { sboxes: [G::ZERO; Poseidon2Gate::SBOXES], constant }
    }

    fn sbox(number: usize) -> Self {
        let mut form = Self::constant(G::ZERO);
        form.sboxes[number] = G::ONE;
        form
    }

    fn map(self, other: Self, f: impl Fn(G, G) -> G) -> Self {
        Self {
            sboxes: from_fn(|i| f(self.sboxes[i], other.sboxes[i])),
            constant: f(self.constant, other.constant),
        }
    }
}

/// A row of zeros: forms leave the wires out.
struct NoWires;

impl Row<Form> for NoWires {
    fn wire(&self, _column: usize) -> Form {
        Form::constant(G::ZERO)
    }

    fn constant(&self, _index: usize) -> Form {
        Form::constant(G::ZERO)
    }
}

/// Arithmetic on forms. They have no products: the only ones of the gate are those of the swap, whose constraints are not
/// taken from here, and the S-boxes'.
struct Linear;

impl Arith for Linear {
    type V = Form;

    fn constant(&mut self, k: F) -> Form {
        Form::constant(to_kernel(k))
    }

    fn add(&mut self, a: Form, b: Form) -> Form {
        a.map(b, |a, b| a + b)
    }

    fn sub(&mut self, a: Form, b: Form) -> Form {
        a.map(b, |a, b| a - b)
    }

    fn mul(&mut self, _a: Form, _b: Form) -> Form {
        Form::constant(G::ZERO)
    }

    fn mul_add(&mut self, _a: Form, _b: Form, c: Form) -> Form {
        c
    }

    fn mul_sub(&mut self, _a: Form, _b: Form, c: Form) -> Form {
        self.sub(Form::constant(G::ZERO), c)
    }

    fn scale(&mut self, k: F, a: Form) -> Form {
        a.map(a, |a, _| to_kernel(k) * a)
    }

    fn scale_add(&mut self, k: F, a: Form, c: Form) -> Form {
        a.map(c, |a, c| to_kernel(k) * a + c)
    }
}
