//! Commitments at other rates than the quotient's, row by row, and provers that lie about them.

use enfold_circuits::backend::{Backend, Stock};
use enfold_circuits::config::{Builder, EnfoldConfig};
use enfold_circuits::params::Params;
use enfold_state::profile::{BatchId, ProfileId};
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::fri::oracle::PolynomialBatch;
use plonky2::iop::witness::WitnessWrite;
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::util::timing::TimingTree;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::domain::{Domain, leaf_of_row};
use super::field::from_kernel;
use super::merkle::Tree;
use super::*;

/// Of the test profile's batches, but at this rate.
fn config(rate_bits: usize) -> CircuitConfig {
    let mut config = Params::of(ProfileId::Test).of_batch(BatchId::DebitWide).config.clone();
    config.fri_config.rate_bits = rate_bits;
    config.fri_config.num_query_rounds = 15_usize.div_ceil(rate_bits);
    config.fri_config.cap_height = 2;
    config
}

/// A circuit with gates of low and of the highest degree, and inputs for it.
fn circuit(config: CircuitConfig, input: u64) -> (Builder, PartialWitness<F>) {
    let mut builder = Builder::new(config);
    let start = builder.add_virtual_target();
    let mut value = start;
    for _ in 0..6 {
        let product = builder.mul(value, start);
        value = builder.hash_n_to_hash_no_pad::<Poseidon2Hash>(vec![product, value]).elements[0];
        let bits = builder.split_le(value, 64);
        value = builder.le_sum(bits[..20].iter());
    }
    builder.register_public_input(value);
    let mut inputs = PartialWitness::new();
    inputs.set_target(start, F::from_canonical_u64(input)).unwrap();
    (builder, inputs)
}

fn build(config: CircuitConfig, input: u64) -> (CircuitData, PartialWitness<F>) {
    let (builder, inputs) = circuit(config, input);
    (Stock.build(builder).unwrap().data, inputs)
}

fn random(rng: &mut ChaCha8Rng) -> F {
    F::from_noncanonical_u64(rng.next_u64())
}

fn random_polynomials(width: usize, rows: usize) -> Vec<PolynomialCoeffs<F>> {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    (0..width).map(|_| PolynomialCoeffs::new((0..rows).map(|_| random(&mut rng)).collect())).collect()
}

/// The polynomials' values on the subgroup, as commitments take them.
fn matrix(polynomials: &[PolynomialCoeffs<F>], bits: usize) -> Buffer {
    let stride = stride(polynomials.len());
    let mut out = G::zero_vec(stride << bits);
    for (column, polynomial) in polynomials.iter().enumerate() {
        for (row, value) in polynomial.clone().fft().values.into_iter().enumerate() {
            out[row_of_trace(row, bits) * stride + column] = to_kernel(value);
        }
    }
    out.into()
}

fn commit(
    values: Buffer,
    width: usize,
    domain: &Domain,
    cap_height: usize,
    buffers: &Arc<Buffers>,
) -> Commitment {
    Commitment::new(values, width, domain, cap_height, buffers, |_| {})
}

/// What is committed at a rate above the quotient's are the first of the rows that are committed at the quotient's;
/// leaves, paths and caps are plonky2's, and the other blocks come out of the coefficients.
#[test]
fn commitments_are_plonky2s_at_every_rate() {
    for (bits, cap_height, width) in [(4, 0, 9), (5, 3, 5), (6, 2, 17)] {
        let polynomials = random_polynomials(width, 1 << bits);
        let buffers = Arc::default();
        let at_rate = |rate_bits| {
            let domain = Domain::new(bits, rate_bits, 3);
            let values = matrix(&polynomials, bits);
            let extended = commit(values, width, &domain, cap_height, &buffers);
            let preprocessed = Commitment::of_polynomials(
                &polynomials,
                &domain,
                domain.block_shifts.len(),
                cap_height,
                None,
            );
            (domain, [extended, preprocessed])
        };
        let (whole, [all, _]) = at_rate(4);
        for rate_bits in 1..=4 {
            let (domain, commitments) = at_rate(rate_bits);
            let mut timing = TimingTree::default();
            let stock = PolynomialBatch::<F, EnfoldConfig, D>::from_values(
                polynomials.iter().map(|polynomial| polynomial.clone().fft()).collect(),
                rate_bits,
                false,
                cap_height,
                &mut timing,
                None,
            );
            let [mut half, mut scratch] = [(); 2].map(|()| buffers.take(stride(width) << bits));
            for commitment in commitments {
                assert_eq!(commitment.cap(), stock.merkle_tree.cap, "rate {rate_bits}");
                for leaf in 0..1 << (bits + rate_bits) {
                    let (values, path) = commitment.open(leaf);
                    assert_eq!(values, stock.merkle_tree.get(leaf));
                    assert_eq!(path, stock.merkle_tree.prove(leaf));
                }
                for row in 0..1 << (bits + rate_bits) {
                    assert_eq!(commitment.row(row), all.row(row));
                }
                for block in 0..8 {
                    let rows = commitment.rows(block, &domain, &mut half, &mut scratch);
                    for row in block << bits..(block + 1) << bits {
                        let x = from_kernel(whole.points[row % (1 << bits)] * whole.block_shifts[block]);
                        let expected: Vec<G> = polynomials.iter().map(|p| to_kernel(p.eval(x))).collect();
                        assert_eq!(rows.row(row)[..width], expected, "rate {rate_bits}, row {row}");
                        let next = domain.next(row);
                        assert_eq!(next >> bits, block, "the next row is in the same block");
                        let point = |row: usize| whole.points[row % (1 << bits)] * whole.block_shifts[block];
                        assert_eq!(point(next), point(row) * to_kernel(F::primitive_root_of_unity(bits)));
                    }
                }
            }
        }
    }
}

/// At rates above the quotient's, at it and below.
#[test]
fn proofs_at_every_rate_are_verified() {
    for rate_bits in 1..=5 {
        let (data, inputs) = build(config(rate_bits), 5);
        let engine = Engine::new(&data).unwrap();
        let proof = engine.prove(inputs).unwrap();
        data.verify(proof.clone()).unwrap_or_else(|error| panic!("rate 2^-{rate_bits}: {error}"));
        let mut other = proof;
        other.public_inputs[0] += F::ONE;
        assert!(data.verify(other).is_err(), "rate 2^-{rate_bits}: another statement");
    }
}

/// A circuit of four rows, half a vector.
#[test]
fn circuits_smaller_than_a_vector_are_proven() {
    for rate_bits in 1..=4 {
        let mut builder = Builder::new(config(rate_bits));
        let factors = [(); 2].map(|()| builder.add_virtual_public_input());
        let product = builder.mul(factors[0], factors[1]);
        builder.register_public_input(product);
        let data = Stock.build(builder).unwrap().data;
        assert_eq!(data.common.degree(), 4);
        let mut inputs = PartialWitness::new();
        for (target, value) in factors.into_iter().zip([6, 7]) {
            inputs.set_target(target, F::from_canonical_u64(value)).unwrap();
        }
        let proof = Engine::new(&data).unwrap().prove(inputs).unwrap();
        assert_eq!(proof.public_inputs[2], F::from_canonical_u64(42));
        data.verify(proof).unwrap_or_else(|error| panic!("rate 2^-{rate_bits}: {error}"));
    }
}

/// From the same challenges, the quotient's values and its pieces do not depend on which blocks are committed.
#[test]
fn quotients_by_single_blocks_are_those_of_all_at_once() {
    let (twin, inputs) = build(config(3), 5);
    let engine = Engine::new(&twin).unwrap();
    let witness = engine.witness(inputs).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let challenges: Vec<F> = (0..6).map(|_| random(&mut rng)).collect();
    let quotients = [3, 2, 1].map(|rate_bits| {
        let (data, _) = build(config(rate_bits), 5);
        let engine = Engine::new(&data).unwrap();
        let Prepared { domain, gates, constants, buffers, .. } = &*engine.prepared;
        let (cap_height, alphas) = (2, kernels(challenges[..2].to_vec()));
        let wires = engine.wires(&witness);
        let routed = engine.routed(&wires);
        let [betas, gammas] = [2, 4].map(|at| kernels(challenges[at..at + 2].to_vec()));
        let permutation = Challenges::new(&data, betas, gammas);
        let zs = permutation::polynomials(&data, &routed, &permutation, buffers).unwrap();
        let width = 2 * (1 + data.common.num_partial_products);
        let wires = commit(wires, data.common.config.num_wires, domain, cap_height, buffers);
        let zs = commit(zs, width, domain, cap_height, buffers);
        let public_inputs_hash = Poseidon2Hash::hash_no_pad(&engine.public_inputs(&witness).unwrap());
        let values = |constants: &Commitment| {
            let quotient = Quotient {
                data: &data,
                domain,
                gates,
                constants,
                wires: &wires,
                zs: &zs,
                permutation: &permutation,
                alphas: &alphas,
                public_inputs_hash: &public_inputs_hash,
            };
            quotient.values(buffers)
        };
        let polynomials = &data.prover_only.constants_sigmas_commitment.polynomials;
        let committed =
            Commitment::of_polynomials(polynomials, domain, domain.committed_blocks(), cap_height, None);
        assert_eq!((constants.blocks(), committed.blocks()), (8, 1 << rate_bits));
        assert_eq!(committed.cap(), data.verifier_only.constants_sigmas_cap);
        let all = values(constants);
        assert!(*all == *values(&committed), "rate {rate_bits}: constants of the committed blocks differ");
        let values = all;
        let pieces = quotient::commit(&values, 2, domain, cap_height, buffers);
        (values, pieces)
    });
    let [(values, pieces), others @ ..] = quotients;
    for (rate_bits, (other_values, other_pieces)) in [2, 1].into_iter().zip(others) {
        assert!(*values == *other_values, "rate {rate_bits}: the quotient's values differ");
        for row in 0..twin.common.degree() << rate_bits {
            assert_eq!(pieces.row(row), other_pieces.row(row), "rate {rate_bits}, row {row}");
        }
    }
}

/// What a prover lies about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    Nothing,
    /// A cell of the wires in one committed row.
    Row(usize),
    /// A cell of the wires in all rows of the second block.
    SecondBlock,
    /// One of the wires has a term of degree `n` plus this, and is what it was on the first block. It is opened at zeta as
    /// it is, so the identity there refuses it, before FRI.
    Excess(usize),
    /// The quotient has `x^(8n)` more, which on the blocks is a constant: not the term, which has no place in the pieces.
    /// The identity at zeta refuses it.
    Quotient,
    /// The nonce is searched for this many bits less.
    Grinding(u32),
}

/// Adds to the cells of one wire in the committed rows, and hashes them again.
fn change(wires: &mut Commitment, domain: &Domain, cap_height: usize, more: impl Fn(usize) -> G) {
    let (width, bits) = (wires.width(), domain.degree_bits + domain.commit_bits);
    let stride = stride(width);
    let mut values: Vec<G> = (0..1 << bits).flat_map(|row| wires.row(row).to_vec()).collect();
    for (row, cells) in values.chunks_exact_mut(stride).enumerate() {
        cells[0] += more(row);
    }
    let tree = Tree::new(&values, stride, width, cap_height, |leaf| domain::row_of_leaf(leaf, bits));
    wires.corrupt(values, tree);
}

/// The engine's prover, but for the lie.
fn prove(engine: &Engine<'_>, witness: &PartitionWitness<'_, F>, lie: Lie) -> Proof {
    let (data, common) = (engine.data, &engine.data.common);
    let Prepared { domain, gates, constants, buffers, .. } = &*engine.prepared;
    let (count, cap_height) = (common.config.num_challenges, common.config.fri_config.cap_height);
    let (public_inputs, wires) = engine.filled(witness).unwrap();
    let public_inputs_hash = Poseidon2Hash::hash_no_pad(&public_inputs);
    let routed = engine.routed(&wires);
    let width = common.config.num_wires;
    let [honest, mut wires] =
        [wires, engine.wires(witness)].map(|wires| commit(wires, width, domain, cap_height, buffers));
    let first = domain.coset_shift(0).exp_power_of_2(domain.degree_bits);
    let vanishing = |x: G| x.exp_power_of_2(domain.degree_bits) - first;
    let point = |row: usize| domain.points[row % domain.rows()] * domain.block_shifts[row / domain.rows()];
    match lie {
        Lie::Row(lied) => change(&mut wires, domain, cap_height, |row| G::from_bool(row == lied)),
        Lie::SecondBlock => {
            change(&mut wires, domain, cap_height, |row| G::from_bool(row >= domain.rows()));
        }
        Lie::Excess(more) => {
            let term = |x: G| vanishing(x) * x.exp_u64(more as u64);
            change(&mut wires, domain, cap_height, |row| term(point(row)));
        }
        Lie::Nothing | Lie::Quotient | Lie::Grinding(_) => {}
    }
    let mut transcript = Transcript::new();
    transcript.observe_params(&common.fri_params);
    transcript.observe_hash(data.prover_only.circuit_digest);
    transcript.observe_hash(public_inputs_hash);
    transcript.observe_cap(&wires.cap());
    let [betas, gammas] = [(); 2].map(|()| kernels(transcript.challenges(count)));
    let permutation = Challenges::new(data, betas, gammas);
    let zs = permutation::polynomials(data, &routed, &permutation, buffers).unwrap();
    let width = count * (1 + common.num_partial_products);
    let zs = commit(zs, width, domain, cap_height, buffers);
    transcript.observe_cap(&zs.cap());
    let alphas = kernels(transcript.challenges(count));
    let quotient = Quotient {
        data,
        domain,
        gates,
        constants,
        wires: &honest,
        zs: &zs,
        permutation: &permutation,
        alphas: &alphas,
        public_inputs_hash: &public_inputs_hash,
    };
    let mut values = quotient.values(buffers);
    if lie == Lie::Quotient {
        let degree = (domain.rows() * domain.quotient_blocks()) as u64;
        for (row, values) in values.chunks_exact_mut(count).enumerate() {
            values[0] += point(row).exp_u64(degree);
        }
    }
    let quotient = quotient::commit(&values, count, domain, cap_height, buffers);
    transcript.observe_cap(&quotient.cap());
    let zeta = transcript.extension_challenge();
    let here = Opening::new(zeta, domain).unwrap();
    let next = Opening::new(extension_generator(domain.degree_bits) * zeta, domain).unwrap();
    let oracles = [constants, &wires, &zs, &quotient];
    let mut all = oracles.map(|oracle| here.values(oracle));
    if let Lie::Excess(more) = lie {
        // What the polynomial has at zeta, and not what goes through its values on the first block.
        let vanishing = zeta.exp_power_of_2(domain.degree_bits) - from_kernel(first).into();
        all[1][0] += zeta.exp_u64(more as u64) * vanishing;
    }
    let next_values = next.values(oracles[2])[..count].to_vec();
    let here_values = all.concat();
    transcript.observe_extensions(&here_values);
    transcript.observe_extensions(&next_values);
    let openings = engine.opening_set(all, next_values.clone());
    let mut params = common.fri_params.clone();
    if let Lie::Grinding(short) = lie {
        params.config.proof_of_work_bits -= short;
    }
    let (here, next) = ((&here, here_values), (&next, next_values));
    let claim = Claim { domain, params: &params, oracles, here, next };
    let opening_proof = claim.prove(&mut transcript, &mut Clock::start());
    let proof = plonky2::plonk::proof::Proof {
        wires_cap: wires.cap(),
        plonk_zs_partial_products_cap: zs.cap(),
        quotient_polys_cap: quotient.cap(),
        openings,
        opening_proof,
    };
    Proof { proof, public_inputs }
}

/// The lies of whom plonky2's verifier takes no proof at all.
#[test]
fn lies_at_half_rate_are_refused() {
    let (data, inputs) = build(config(1), 7);
    let engine = Engine::new(&data).unwrap();
    // One witness: plonky2 fills cells that nothing reads with random values.
    let witness = engine.witness(inputs).unwrap();
    let prove = |lie| prove(&engine, &witness, lie);
    let honest = prove(Lie::Nothing);
    assert!(honest == engine.prove_witness(&witness).unwrap().0, "the liar is the engine otherwise");
    data.verify(honest).unwrap();
    for lie in [Lie::SecondBlock, Lie::Excess(1), Lie::Excess(7), Lie::Quotient] {
        let error = data.verify(prove(lie)).unwrap_err();
        assert!(!error.to_string().is_empty(), "{lie:?}");
    }
}

/// A row in the second block that is not on its polynomials is noticed when it is queried, and only then.
#[test]
fn changed_rows_of_the_second_block_are_noticed_by_their_queries() {
    let (data, inputs) = build(config(1), 9);
    let engine = Engine::new(&data).unwrap();
    let witness = engine.witness(inputs).unwrap();
    let bits = data.common.degree_bits() + 1;
    let mut noticed = 0;
    for row in 1 << (bits - 1)..1 << bits {
        let proof = prove(&engine, &witness, Lie::Row(row));
        let changed = honest_leaf(&engine, &witness, leaf_of_row(row, bits));
        let is_queried = proof
            .proof
            .opening_proof
            .query_round_proofs
            .iter()
            .any(|query| query.initial_trees_proof.evals_proofs[1].0[1..] == changed[1..]);
        assert_eq!(data.verify(proof).is_err(), is_queried, "row {row}");
        noticed += usize::from(is_queried);
    }
    assert!(noticed > 0, "no query met a changed row");
}

/// A leaf of the wires' honest commitment.
fn honest_leaf(engine: &Engine<'_>, witness: &PartitionWitness<'_, F>, leaf: usize) -> Vec<F> {
    let Prepared { domain, buffers, .. } = &*engine.prepared;
    let width = engine.data.common.config.num_wires;
    let wires = commit(engine.wires(witness), width, domain, 2, buffers);
    wires.open(leaf).0
}

/// A nonce that is worth fewer bits than it should be is refused, whichever bit is missing. The least nonce of fewer bits
/// may be worth all of them: then it is the honest one.
#[test]
fn nonces_short_of_a_bit_are_refused() {
    const BITS: u32 = 8;
    let mut refused = [0; BITS as usize];
    for input in 1..=6 {
        let mut config = config(1);
        config.fri_config.proof_of_work_bits = BITS;
        let (data, inputs) = build(config, input);
        let engine = Engine::new(&data).unwrap();
        let witness = engine.witness(inputs).unwrap();
        let (honest, _) = engine.prove_witness(&witness).unwrap();
        for (short, refused) in (1..).zip(&mut refused) {
            let lie = prove(&engine, &witness, Lie::Grinding(short));
            let is_honest = lie.proof.opening_proof.pow_witness == honest.proof.opening_proof.pow_witness;
            assert_eq!(data.verify(lie).is_ok(), is_honest, "input {input}, {short} bits short");
            *refused += usize::from(!is_honest);
        }
    }
    assert!(refused.iter().all(|&refused| refused > 0), "all nonces were worth more: {refused:?}");
}
