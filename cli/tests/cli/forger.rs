//! Forges block proofs of profile `test`, for any statement and without a witness: what "can be forged" means.
//!
//! All committed polynomials are zero, and the openings of the quotient are what the identity at zeta asks for. They are
//! no values of any polynomial, so the word that FRI is run on is none of low degree. It is replaced by a codeword that
//! agrees with it on an eighth of the domain, and the nonce of the proof of work is searched until all queries fall
//! there: three bits a query, which is all that so few queries are worth.

use std::ops::Range;
use std::sync::LazyLock;

use enfold_circuits::circuit_set::CircuitSet;
use enfold_circuits::config::{CircuitData, D, EnfoldConfig, F, Proof};
use enfold_circuits::hash::Poseidon2Hash;
use enfold_state::field::to_u64;
use enfold_state::profile::ProfileId;
use enfold_verifier::statement::BlockStatement;
use enfold_verifier::verify::encode;
use plonky2::field::extension::{Extendable, flatten, unflatten};
use plonky2::field::polynomial::{PolynomialCoeffs, PolynomialValues};
use plonky2::field::types::{Field, PrimeField64};
use plonky2::fri::oracle::PolynomialBatch;
use plonky2::fri::proof::{FriInitialTreeProof, FriProof, FriQueryRound, FriQueryStep};
use plonky2::hash::hash_types::HashOut;
use plonky2::hash::merkle_tree::MerkleTree;
use plonky2::iop::challenger::Challenger as PlonkChallenger;
use plonky2::plonk::config::Hasher;
use plonky2::plonk::proof::{OpeningSet, Proof as PlonkProof};
use plonky2::plonk::vars::EvaluationVars;
use plonky2::util::timing::TimingTree;
use rayon::prelude::*;

type E = <F as Extendable<D>>::Extension;
type Batch = PolynomialBatch<F, EnfoldConfig, D>;
type Tree = MerkleTree<F, Poseidon2Hash>;
type Challenger = PlonkChallenger<F, Poseidon2Hash>;

static CIRCUITS: LazyLock<CircuitSet> =
    LazyLock::new(|| CircuitSet::build(ProfileId::Test).expect("the test profile fits"));

/// A proof file of profile `test` that states what nobody proved.
pub fn forge(statement: &BlockStatement) -> Vec<u8> {
    let circuit = &CIRCUITS.block().unwrap().data;
    let public_inputs = statement.elements().iter().map(|&e| F::from_canonical_u64(to_u64(e))).collect();
    encode(ProfileId::Test, &Forger::new(circuit, public_inputs).forge())
}

struct Forger<'a> {
    circuit: &'a CircuitData,
    public_inputs: Vec<F>,
    wires: Batch,
    zs: Batch,
    quotient: Batch,
}

/// What FRI is run on.
struct Word {
    /// A codeword's coefficients.
    coeffs: PolynomialCoeffs<E>,
    /// Its values on the domain.
    values: Vec<E>,
}

impl<'a> Forger<'a> {
    fn new(circuit: &'a CircuitData, public_inputs: Vec<F>) -> Self {
        let (common, config) = (&circuit.common, &circuit.common.config);
        let zeros = |count: usize| {
            let zero = PolynomialCoeffs::new(vec![F::ZERO; common.degree()]);
            let (rate, cap) = (config.fri_config.rate_bits, config.fri_config.cap_height);
            Batch::from_coeffs(vec![zero; count], rate, false, cap, &mut TimingTree::default(), None)
        };
        let challenges = config.num_challenges;
        Self {
            circuit,
            public_inputs,
            wires: zeros(config.num_wires),
            zs: zeros(challenges * (1 + common.num_partial_products)),
            quotient: zeros(challenges * common.quotient_degree_factor),
        }
    }

    fn forge(self) -> Proof {
        let (common, only) = (&self.circuit.common, &self.circuit.verifier_only);
        let challenges = common.config.num_challenges;
        let hash = Poseidon2Hash::hash_no_pad(&self.public_inputs);
        let mut challenger = Challenger::new();
        common.fri_params.observe(&mut challenger);
        challenger.observe_hash::<Poseidon2Hash>(only.circuit_digest);
        challenger.observe_hash::<Poseidon2Hash>(hash);
        challenger.observe_cap::<Poseidon2Hash>(&self.wires.merkle_tree.cap);
        // Betas and gammas: the permutation's polynomials are zero whatever they are.
        challenger.get_n_challenges(2 * challenges);
        challenger.observe_cap::<Poseidon2Hash>(&self.zs.merkle_tree.cap);
        let alphas = challenger.get_n_challenges(challenges);
        challenger.observe_cap::<Poseidon2Hash>(&self.quotient.merkle_tree.cap);
        let zeta = challenger.get_extension_challenge::<D>();

        let openings = self.openings(zeta, &alphas, hash);
        let here = [
            &openings.constants[..],
            &openings.plonk_sigmas,
            &openings.wires,
            &openings.plonk_zs,
            &openings.partial_products,
            &openings.quotient_polys,
        ]
        .concat();
        challenger.observe_extension_elements::<D>(&here);
        challenger.observe_extension_elements::<D>(&openings.plonk_zs_next);
        let word = self.word(zeta, challenger.get_extension_challenge::<D>(), &here);
        let opening_proof = self.fri(challenger, word);
        let cap = |batch: &Batch| batch.merkle_tree.cap.clone();
        let proof = PlonkProof {
            wires_cap: cap(&self.wires),
            plonk_zs_partial_products_cap: cap(&self.zs),
            quotient_polys_cap: cap(&self.quotient),
            openings,
            opening_proof,
        };
        Proof { proof, public_inputs: self.public_inputs }
    }

    /// The true values of the fixed polynomials, zeros, and a quotient that satisfies the identity at `zeta`.
    fn openings(&self, zeta: E, alphas: &[F], hash: HashOut<F>) -> OpeningSet<F, D> {
        let common = &self.circuit.common;
        let challenges = common.config.num_challenges;
        let fixed = &self.circuit.prover_only.constants_sigmas_commitment.polynomials;
        let fixed: Vec<E> = fixed.iter().map(|p| p.to_extension::<D>().eval(zeta)).collect();
        let (constants, sigmas) = fixed.split_at(common.num_constants);
        let wires = vec![E::ZERO; common.config.num_wires];
        let zeta_n = zeta.exp_power_of_2(common.degree_bits());
        let first = (zeta_n - E::ONE) / (E::from_canonical_usize(common.degree()) * (zeta - E::ONE));
        // Z begins with 1, which it does not; all other checks of the permutation are of zeros.
        let mut terms = vec![-first; challenges];
        terms.extend(vec![E::ZERO; challenges * (1 + common.num_partial_products)]);
        terms.extend(self.constraints(constants, &wires, &hash));
        let mut quotient_polys = vec![E::ZERO; challenges * common.quotient_degree_factor];
        for (i, &alpha) in alphas.iter().enumerate() {
            let vanishing = terms.iter().rev().fold(E::ZERO, |sum, &term| sum * E::from(alpha) + term);
            quotient_polys[i * common.quotient_degree_factor] = vanishing / (zeta_n - E::ONE);
        }
        OpeningSet {
            constants: constants.to_vec(),
            plonk_sigmas: sigmas.to_vec(),
            wires,
            plonk_zs: vec![E::ZERO; challenges],
            plonk_zs_next: vec![E::ZERO; challenges],
            partial_products: vec![E::ZERO; challenges * common.num_partial_products],
            quotient_polys,
            lookup_zs: vec![],
            lookup_zs_next: vec![],
        }
    }

    /// The gates' constraints, filtered and summed up, as the verifier evaluates them.
    fn constraints(&self, constants: &[E], wires: &[E], hash: &HashOut<F>) -> Vec<E> {
        let common = &self.circuit.common;
        let vars =
            EvaluationVars { local_constants: constants, local_wires: wires, public_inputs_hash: hash };
        // plonky2 keeps the fields to itself, but shows them.
        let shown = format!("{:?}", common.selectors_info);
        let list = |name: &str| {
            let from = shown.find(name).expect("the field is shown") + name.len() + ": [".len();
            let to = from + shown[from..].find(']').expect("a list ends");
            shown[from..to].split(", ").map(str::to_owned).collect::<Vec<_>>()
        };
        let number = |text: &str| text.parse::<usize>().expect("a number");
        let selectors: Vec<usize> = list("selector_indices").iter().map(|text| number(text)).collect();
        let range = |text: &String| text.split_once("..").map(|(from, to)| number(from)..number(to));
        let groups: Vec<Range<usize>> = list("groups").iter().filter_map(range).collect();
        let mut sums = vec![E::ZERO; common.num_gate_constraints];
        for (i, gate) in common.gates.iter().enumerate() {
            let (selector, lookups) = (selectors[i], common.num_lookup_selectors);
            let group = groups[selector].clone();
            let found = gate.0.eval_filtered(vars, i, selector, group, groups.len(), lookups);
            sums.iter_mut().zip(found).for_each(|(sum, constraint)| *sum += constraint);
        }
        sums
    }

    /// The combined word, where the natural index is a multiple of the inverse rate, and elsewhere what makes it
    /// a codeword.
    fn word(&self, zeta: E, alpha: E, openings: &[E]) -> Word {
        let common = &self.circuit.common;
        let rate_bits = common.fri_params.config.rate_bits;
        let mut sum = vec![E::ZERO; common.degree()];
        let mut power = E::ONE;
        for polynomial in &self.circuit.prover_only.constants_sigmas_commitment.polynomials {
            sum.iter_mut().zip(&polynomial.coeffs).for_each(|(sum, &x)| *sum += power * E::from(x));
            power *= alpha;
        }
        let claimed = openings.iter().rev().fold(E::ZERO, |sum, &value| sum * alpha + value);
        let shift = F::coset_shift();
        let lde = PolynomialCoeffs::new(sum).lde(rate_bits).coset_fft(shift.into()).values;
        let root = F::primitive_root_of_unity(lde.len().trailing_zeros() as usize);
        // The opening at g zeta comes behind: its word is zero, and it shifts this one.
        let scale = alpha.exp_u64(common.config.num_challenges as u64);
        let points = std::iter::successors(Some(shift), |&x| Some(x * root));
        let word = lde.iter().zip(points).map(|(&value, x)| scale * (value - claimed) / (E::from(x) - zeta));
        let chosen: Vec<E> = word.step_by(1 << rate_bits).collect();
        let coeffs = PolynomialValues::new(chosen).coset_ifft(shift.into()).lde(rate_bits);
        let values = coeffs.coset_fft(shift.into()).values;
        Word { coeffs, values }
    }

    fn fri(&self, mut challenger: Challenger, word: Word) -> FriProof<F, Poseidon2Hash, D> {
        let params = &self.circuit.common.fri_params;
        let size = word.values.len();
        let (trees, final_poly) = self.fold(&mut challenger, word);
        challenger.observe_extension_elements::<D>(&final_poly.coeffs);
        // In the bit-reversed order of the queries, the first eighth of the domain.
        let agrees = |query: &F| query.to_canonical_u64() as usize % size < size >> params.config.rate_bits;
        let queries = |nonce: u64| {
            let mut challenger = challenger.clone();
            challenger.observe_element(F::from_canonical_u64(nonce));
            let work = challenger.get_challenge().to_canonical_u64().leading_zeros();
            let enough = work >= params.config.proof_of_work_bits;
            enough.then(|| challenger.get_n_challenges(params.config.num_query_rounds))
        };
        let good = |nonce: &u64| queries(*nonce).is_some_and(|queries| queries.iter().all(agrees));
        let nonce = (0..1 << 40).into_par_iter().find_any(good).expect("one in 2^18 is good");
        let query = |query: &F| {
            let mut at = query.to_canonical_u64() as usize % size;
            let fixed = &self.circuit.prover_only.constants_sigmas_commitment;
            let initial = [fixed, &self.wires, &self.zs, &self.quotient].map(|batch| &batch.merkle_tree);
            let evals_proofs = initial.iter().map(|tree| (tree.get(at).to_vec(), tree.prove(at))).collect();
            let step = |(tree, bits): (&Tree, &usize)| {
                at >>= bits;
                FriQueryStep { evals: unflatten::<F, D>(tree.get(at)), merkle_proof: tree.prove(at) }
            };
            let steps = trees.iter().zip(&params.reduction_arity_bits).map(step).collect();
            FriQueryRound { initial_trees_proof: FriInitialTreeProof { evals_proofs }, steps }
        };
        FriProof {
            commit_phase_merkle_caps: trees.iter().map(|tree| tree.cap.clone()).collect(),
            query_round_proofs: queries(nonce).unwrap_or_default().iter().map(query).collect(),
            final_poly,
            pow_witness: F::from_canonical_u64(nonce),
        }
    }

    /// The commit phase, honest on a codeword.
    fn fold(&self, challenger: &mut Challenger, word: Word) -> (Vec<Tree>, PolynomialCoeffs<E>) {
        let params = &self.circuit.common.fri_params;
        let Word { mut coeffs, mut values } = word;
        let mut trees = Vec::new();
        let mut shift = F::coset_shift();
        for &bits in &params.reduction_arity_bits {
            let arity = 1 << bits;
            plonky2::util::reverse_index_bits_in_place(&mut values);
            let leaves = values.chunks(arity).map(flatten::<F, D>).collect();
            let tree = Tree::new(leaves, params.config.cap_height);
            challenger.observe_cap::<Poseidon2Hash>(&tree.cap);
            trees.push(tree);
            let beta = challenger.get_extension_challenge::<D>();
            let folded = coeffs
                .coeffs
                .chunks(arity)
                .map(|chunk| chunk.iter().rev().fold(E::ZERO, |sum, &x| sum * beta + x));
            coeffs = PolynomialCoeffs::new(folded.collect());
            shift = shift.exp_u64(arity as u64);
            values = coeffs.coset_fft(shift.into()).values;
        }
        coeffs.coeffs.truncate(coeffs.len() >> params.config.rate_bits);
        (trees, coeffs)
    }
}
