//! Fiat-Shamir, as plonky2's `Challenger`, with the state open to a packed search for the grinding nonce.

use enfold_circuits::config::{D, F};
use enfold_circuits::hash::Poseidon2Hash;
use enfold_state::hash::permutation::{PackedState, permute, permute_packed};
use enfold_state::hash::{RATE, WIDTH};
use p3_field::{PackedValue, PrimeCharacteristicRing, PrimeField64};
use plonky2::field::extension::FieldExtension;
use plonky2::field::types::Field;
use plonky2::fri::FriParams;
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::merkle_tree::MerkleCap;
use rayon::prelude::*;

use super::field::{E, G, LANES, P, from_kernel, to_kernel};

/// Nonces that one grinding task tries.
const GRINDING_TASK: u64 = 1 << 10;

/// A duplex sponge in overwrite mode: what is observed fills the rate and is permuted in when the rate is
/// full or a challenge is drawn; challenges are taken from the rate, last element first.
#[derive(Clone, Debug)]
pub(super) struct Transcript {
    state: [G; WIDTH],
    input: Vec<G>,
    output: Vec<G>,
}

impl Transcript {
    pub(super) fn new() -> Self {
        Self { state: [G::ZERO; WIDTH], input: Vec::with_capacity(RATE), output: Vec::with_capacity(RATE) }
    }

    pub(super) fn observe(&mut self, element: F) {
        self.output.clear();
        self.input.push(to_kernel(element));
        if self.input.len() == RATE {
            self.duplex();
        }
    }

    pub(super) fn observe_all(&mut self, elements: &[F]) {
        elements.iter().for_each(|&element| self.observe(element));
    }

    pub(super) fn observe_extensions(&mut self, elements: &[E]) {
        elements
            .iter()
            .for_each(|element| self.observe_all(&FieldExtension::<D>::to_basefield_array(element)));
    }

    pub(super) fn observe_hash(&mut self, hash: HashOut<F>) {
        self.observe_all(&hash.elements);
    }

    pub(super) fn observe_cap(&mut self, cap: &MerkleCap<F, Poseidon2Hash>) {
        cap.0.iter().for_each(|&hash| self.observe_hash(hash));
    }

    /// The parameters that a proof starts with.
    pub(super) fn observe_params(&mut self, params: &FriParams) {
        let config = &params.config;
        self.observe(F::from_canonical_usize(config.rate_bits));
        self.observe(F::from_canonical_usize(config.cap_height));
        self.observe(F::from_canonical_u32(config.proof_of_work_bits));
        self.observe_all(&config.reduction_strategy.serialize());
        self.observe(F::from_canonical_usize(config.num_query_rounds));
        self.observe(F::from_bool(params.hiding));
        self.observe(F::from_canonical_usize(params.degree_bits));
        for &bits in &params.reduction_arity_bits {
            self.observe(F::from_canonical_usize(bits));
        }
    }

    pub(super) fn challenge(&mut self) -> F {
        if !self.input.is_empty() {
            self.duplex();
        }
        loop {
            match self.output.pop() {
                Some(element) => return from_kernel(element),
                None => self.duplex(),
            }
        }
    }

    pub(super) fn challenges(&mut self, count: usize) -> Vec<F> {
        (0..count).map(|_| self.challenge()).collect()
    }

    pub(super) fn extension_challenge(&mut self) -> E {
        let first = self.challenge();
        E::from_basefield_array([first, self.challenge()])
    }

    /// Finds the least nonce after whose observation the next challenge starts with `bits` zero bits, and
    /// observes it and draws that challenge.
    pub(super) fn grind(&mut self, bits: u32) -> F {
        let mut state = self.state;
        state[..self.input.len()].copy_from_slice(&self.input);
        let place = self.input.len();
        let found = (0..u32::MAX)
            .into_par_iter()
            .by_exponential_blocks()
            .find_map_first(|task| search(&state, place, bits, u64::from(task) * GRINDING_TASK));
        // 2^42 nonces hold a suitable one for any number of bits that can be ground at all. Without one, the
        // verifier would refuse the proof.
        let nonce = F::from_canonical_u64(found.unwrap_or(0));
        self.observe(nonce);
        self.challenge();
        nonce
    }

    fn duplex(&mut self) {
        self.state[..self.input.len()].copy_from_slice(&self.input);
        self.input.clear();
        permute(&mut self.state);
        self.output.clear();
        self.output.extend_from_slice(&self.state[..RATE]);
    }
}

/// The least suitable nonce of a task.
fn search(state: &[G; WIDTH], place: usize, bits: u32, start: u64) -> Option<u64> {
    let packed = PackedState(state.map(P::from));
    (start..start + GRINDING_TASK).step_by(LANES).find_map(|first| {
        let mut state = packed;
        state.0[place] = P::from_fn(|lane| G::from_u64(first + lane as u64));
        permute_packed(&mut state);
        let fits = |response: &G| response.as_canonical_u64().leading_zeros() >= bits;
        state.0[RATE - 1].as_slice().iter().position(fits).map(|lane| first + lane as u64)
    })
}

#[cfg(test)]
mod tests {
    use plonky2::field::types::Sample;
    use plonky2::fri::FriConfig;
    use plonky2::fri::reduction_strategies::FriReductionStrategy;
    use plonky2::iop::challenger::Challenger;

    use super::*;

    /// Every number of observed elements around the rate, with challenges drawn in between.
    #[test]
    fn transcript_equals_plonky2s() {
        let mut stock = Challenger::<F, Poseidon2Hash>::new();
        let mut ours = Transcript::new();
        for count in 0..20 {
            let elements = F::rand_vec(count);
            stock.observe_elements(&elements);
            ours.observe_all(&elements);
            assert_eq!(stock.get_n_challenges(count % 11), ours.challenges(count % 11));
            assert_eq!(stock.get_extension_challenge::<D>(), ours.extension_challenge());
        }
    }

    #[test]
    fn parameters_are_observed_as_by_plonky2() {
        for strategy in [
            FriReductionStrategy::ConstantArityBits(4, 5),
            FriReductionStrategy::Fixed(vec![1, 2, 3]),
            FriReductionStrategy::MinSize(Some(4)),
        ] {
            let config = FriConfig {
                rate_bits: 3,
                cap_height: 4,
                proof_of_work_bits: 16,
                reduction_strategy: strategy,
                num_query_rounds: 28,
            };
            let params = config.fri_params(13, false);
            let mut stock = Challenger::<F, Poseidon2Hash>::new();
            params.observe(&mut stock);
            let mut ours = Transcript::new();
            ours.observe_params(&params);
            assert_eq!(stock.get_challenge(), ours.challenge());
        }
    }

    #[test]
    fn grinding_gives_the_least_nonce() {
        for (observed, bits) in [(0, 0), (0, 1), (3, 6), (7, 6), (5, 11)] {
            let mut transcript = Transcript::new();
            transcript.observe_all(&F::rand_vec(8 + observed));
            let fits = |nonce: u64| {
                let mut transcript = transcript.clone();
                transcript.observe(F::from_canonical_u64(nonce));
                plonky2::field::types::PrimeField64::to_canonical_u64(&transcript.challenge()).leading_zeros()
                    >= bits
            };
            let expected = (0..).find(|&nonce| fits(nonce)).unwrap();
            assert_eq!(transcript.clone().grind(bits), F::from_canonical_u64(expected));
        }
    }
}
