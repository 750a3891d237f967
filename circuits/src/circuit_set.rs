//! The circuits of a profile: batches, lift, fold, block.

use std::borrow::{Borrow, Cow};
use std::sync::{Mutex, OnceLock, PoisonError};

use enfold_state::hash::Digest;
use enfold_state::kind::{FamilyId, PerBatch, PerFamily};
use enfold_state::profile::{BatchId, Profile, ProfileId};
use enfold_witness::batch::BatchWitness;
use rayon::prelude::*;

use crate::backend::{Backend, Stock};
use crate::batch::{BatchCircuit, BatchProveError};
use crate::block::{BlockCircuit, BlockOpening};
use crate::config::{CircuitData, CommonCircuitData, Proof};
use crate::fold::{Child, ChildKeys, FoldCircuit};
use crate::keys::entry;
use crate::lift::LiftCircuit;
use crate::params::{FamilyParams, Params};
use crate::recursion::{BuildError, ProveError};
use crate::verify::{CircuitKey, InnerCircuit, InnerKeys, PinnedCircuit, PinnedSet, VerifierKey};

/// Circuits that are built at a time: each takes gigabytes.
const AT_A_TIME: usize = 2;

/// A circuit, once it is built, or why it cannot be.
type Slot<T> = OnceLock<Result<T, BuildError>>;

/// The circuits of a profile, each built once, and at the latest when it is first used. Proving takes `&self`: one set
/// serves any number of threads.
#[derive(Debug)]
pub struct CircuitSet {
    params: Params,
    backend: Box<dyn Backend>,
    keys: Cow<'static, InnerKeys>,
    batches: PerBatch<Slot<BatchCircuit>>,
    lifts: PerFamily<Slot<LiftCircuit>>,
    fold: Slot<FoldCircuit>,
    block: Slot<BlockCircuit>,
    /// Held while circuits are built in a thread pool: a thread of the pool that builds one would otherwise take up another
    /// caller's wish for the same one, and wait for itself.
    building: Mutex<()>,
}

/// A circuit of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Circuit {
    /// A batch, lift or fold circuit.
    Inner(InnerCircuit),
    /// The block circuit.
    Block,
}

impl Circuit {
    /// All circuits, each behind those whose proofs it takes.
    pub fn all() -> impl Iterator<Item = Self> {
        InnerCircuit::all().map(Self::Inner).chain([Self::Block])
    }

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inner(circuit) => circuit.name(),
            Self::Block => "block",
        }
    }
}

/// A circuit's measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitInfo {
    /// Name: a batch's, a lift's, `fold` or `block`.
    pub name: &'static str,
    /// Rows in use.
    pub rows: usize,
    /// log2 of all rows.
    pub degree_bits: usize,
    /// Different gates.
    pub gates: usize,
    /// Wires of a row that can be connected.
    pub routed_wires: usize,
    /// Entry of its key, [`crate::keys::entry`].
    pub entry: Digest,
}

impl CircuitSet {
    /// [`Self::build_with`] plonky2: seconds in the test profile, a minute or two in the standard one.
    ///
    /// # Errors
    /// As [`Self::build_with`].
    ///
    /// # Panics
    /// As [`Self::build_with`].
    pub fn build(id: ProfileId) -> Result<Self, BuildError> {
        Self::build_with(Stock, id)
    }

    /// Builds all circuits with this backend, which then makes their proofs. Nothing that is pinned goes into them.
    ///
    /// # Errors
    /// If the circuits do not fit the profile's degrees: a mistake in its constants.
    ///
    /// # Panics
    /// If a batch circuit does not fit.
    pub fn build_with(backend: impl Backend + 'static, id: ProfileId) -> Result<Self, BuildError> {
        let params = Params::of(id);
        let mut batches = Vec::with_capacity(BatchId::ALL.len());
        for some in BatchId::ALL.chunks(AT_A_TIME) {
            let built: Result<Vec<_>, _> =
                some.par_iter().map(|&batch| batch_circuit(&backend, &params, batch)).collect();
            batches.extend(built?);
        }
        let mut lifts = Vec::with_capacity(FamilyId::ALL.len());
        for family in FamilyId::ALL {
            let own: Vec<_> = family.batches().map(|batch| &batches[batch as usize]).collect();
            let common = same_common(&own)?;
            let keys: Vec<_> = own.iter().map(|circuit| circuit.data.verifier_only.clone()).collect();
            lifts.push(LiftCircuit::build_with(&backend, &params, family, common, &keys)?);
        }
        let lift_keys = PerFamily::from_fn(|family| lifts[family as usize].data.verifier_data());
        let fold = FoldCircuit::build_with(&backend, &params, &PerFamily::from_fn(|of| &lift_keys[of]))?;
        let block = BlockCircuit::build_with(&backend, &params, &fold.data.common, fold.keys())?;
        let keys = InnerKeys::new(|circuit| {
            let data = match circuit {
                InnerCircuit::Batch(batch) => &batches[batch as usize].data,
                InnerCircuit::Lift(family) => &lifts[family as usize].data,
                InnerCircuit::Fold => &fold.data,
            };
            CircuitKey::new(data.verifier_data())
        });
        let (mut batches, mut lifts) = (batches.into_iter(), lifts.into_iter());
        Ok(Self {
            params,
            backend: Box::new(backend),
            keys: Cow::Owned(keys),
            batches: PerBatch::from_fn(|_| Ok(batches.next().expect("a circuit for each")).into()),
            lifts: PerFamily::from_fn(|_| Ok(lifts.next().expect("a circuit for each")).into()),
            fold: Ok(fold).into(),
            block: Ok(block).into(),
            building: Mutex::default(),
        })
    }

    /// A set whose circuits are built when they are needed, with this backend: each over the keys that are pinned for those
    /// below it, so by itself. One that is not what is pinned is an error.
    ///
    /// # Panics
    /// If the pinned keys are not those of all circuits, because they have to be pinned anew.
    pub fn on_demand(backend: impl Backend + 'static, id: ProfileId) -> Self {
        Self {
            params: Params::of(id),
            backend: Box::new(backend),
            keys: Cow::Borrowed(InnerKeys::pinned(id)),
            batches: PerBatch::from_fn(|_| OnceLock::new()),
            lifts: PerFamily::from_fn(|_| OnceLock::new()),
            fold: OnceLock::new(),
            block: OnceLock::new(),
            building: Mutex::default(),
        }
    }

    /// Those of some circuits that are not built yet, each once.
    pub fn missing(&self, circuits: impl IntoIterator<Item = Circuit>) -> Vec<Circuit> {
        let is_missing = |&circuit: &Circuit| match circuit {
            Circuit::Inner(InnerCircuit::Batch(batch)) => self.batches[batch].get().is_none(),
            Circuit::Inner(InnerCircuit::Lift(family)) => self.lifts[family].get().is_none(),
            Circuit::Inner(InnerCircuit::Fold) => self.fold.get().is_none(),
            Circuit::Block => self.block.get().is_none(),
        };
        let mut missing: Vec<_> = circuits.into_iter().filter(is_missing).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Builds circuits that are missing, at most two at a time, because each takes gigabytes; gives how many of them had a
    /// set-up from an earlier run. Must not be called from several jobs of one thread pool at a time: one would
    /// wait for itself.
    ///
    /// # Errors
    /// If a circuit does not fit the profile's degrees or is not what is pinned. The next call says so again.
    ///
    /// # Panics
    /// If a batch circuit does not fit.
    pub fn ensure(&self, circuits: impl IntoIterator<Item = Circuit>) -> Result<usize, BuildError> {
        let all: Vec<_> = circuits.into_iter().collect();
        let mut loaded = 0;
        if !self.missing(all.iter().copied()).is_empty() {
            let _building = self.building.lock().unwrap_or_else(PoisonError::into_inner);
            let before = self.backend.loaded();
            // Whoever held it before may have built some.
            for some in self.missing(all.iter().copied()).chunks(AT_A_TIME) {
                some.par_iter().for_each(|&circuit| _ = self.data(circuit));
            }
            loaded = self.backend.loaded() - before;
        }
        // Of several errors always the same one.
        all.into_iter().try_for_each(|circuit| self.data(circuit).map(drop))?;
        Ok(loaded)
    }

    /// The profile's name.
    pub fn id(&self) -> ProfileId {
        self.params.id
    }

    /// The profile's sizes.
    pub fn profile(&self) -> &'static Profile {
        self.params.id.profile()
    }

    /// The proof parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Digest of the keys that fold and block accept; every proof of the set carries it.
    pub fn set(&self) -> Digest {
        self.keys.set()
    }

    /// The keys of batch, lift and fold circuits.
    pub fn inner_keys(&self) -> &InnerKeys {
        &self.keys
    }

    /// A batch circuit.
    ///
    /// # Errors
    /// As [`Self::ensure`].
    ///
    /// # Panics
    /// As [`Self::ensure`].
    pub fn batch(&self, batch: BatchId) -> Result<&BatchCircuit, BuildError> {
        let build = |backend: &dyn Backend| batch_circuit(backend, &self.params, batch);
        let key = || self.keys.of(InnerCircuit::Batch(batch));
        self.built(&self.batches[batch], batch.name(), key, |circuit| &circuit.data, build)
    }

    /// The lift circuit of a family.
    ///
    /// # Errors
    /// As [`Self::ensure`].
    pub fn lift(&self, family: FamilyId) -> Result<&LiftCircuit, BuildError> {
        let build = |backend: &dyn Backend| {
            let batches = family.batches().map(|batch| self.keys.of(InnerCircuit::Batch(batch)).data());
            let batches: Vec<_> = batches.collect();
            let keys: Vec<_> = batches.iter().map(|data| data.verifier_only.clone()).collect();
            LiftCircuit::build_with(backend, &self.params, family, &batches[0].common, &keys)
        };
        let key = || self.keys.of(InnerCircuit::Lift(family));
        self.built(&self.lifts[family], family.lift(), key, |circuit| &circuit.data, build)
    }

    /// The fold circuit.
    ///
    /// # Errors
    /// As [`Self::ensure`].
    pub fn fold(&self) -> Result<&FoldCircuit, BuildError> {
        let lifts = PerFamily::from_fn(|family| self.keys.of(InnerCircuit::Lift(family)).data());
        let build = |backend: &dyn Backend| FoldCircuit::build_with(backend, &self.params, &lifts);
        let key = || self.keys.of(InnerCircuit::Fold);
        self.built(&self.fold, "fold", key, |circuit| &circuit.data, build)
    }

    /// The block circuit.
    ///
    /// # Errors
    /// As [`Self::ensure`].
    pub fn block(&self) -> Result<&BlockCircuit, BuildError> {
        let build = |backend: &dyn Backend| {
            let keys = ChildKeys::new(|child| self.keys.of(child.into()).data().verifier_only.clone());
            let common = self.keys.of(InnerCircuit::Fold).common();
            BlockCircuit::build_with(backend, &self.params, common, &keys)
        };
        let key = || VerifierKey::pinned(self.id()).circuit();
        self.built(&self.block, "block", key, |circuit| &circuit.data, build)
    }

    /// A built circuit.
    fn data(&self, circuit: Circuit) -> Result<&CircuitData, BuildError> {
        Ok(match circuit {
            Circuit::Inner(InnerCircuit::Batch(batch)) => &self.batch(batch)?.data,
            Circuit::Inner(InnerCircuit::Lift(family)) => &self.lift(family)?.data,
            Circuit::Inner(InnerCircuit::Fold) => &self.fold()?.data,
            Circuit::Block => &self.block()?.data,
        })
    }

    /// The circuit of a slot, built if it is not there. It must be that of the pinned key, and what was kept of
    /// earlier runs is not used if it would be another.
    fn built<'a, T>(
        &'a self,
        slot: &'a Slot<T>,
        circuit: &'static str,
        key: impl Fn() -> &'a CircuitKey,
        data: impl Fn(&T) -> &CircuitData,
        build: impl Fn(&dyn Backend) -> Result<T, BuildError>,
    ) -> Result<&'a T, BuildError> {
        let made = slot.get_or_init(|| {
            let key = key();
            let is_pinned = |built: &T| {
                let CircuitData { verifier_only, common, .. } = data(built);
                *verifier_only == key.data().verifier_only && common == key.common()
            };
            let mut built = build(&*self.backend)?;
            if !is_pinned(&built)
                && let Some(backend) = self.backend.anew()
            {
                drop(built);
                built = build(&*backend)?;
            }
            if is_pinned(&built) {
                return Ok(built);
            }
            let (expected, got) = (key.entry(), entry(&data(&built).verifier_only));
            Err(match expected == got {
                true => BuildError::PinnedParameters { circuit },
                false => BuildError::Pinned { circuit, expected, got },
            })
        });
        made.as_ref().map_err(|&error| error)
    }

    /// Proves a batch.
    ///
    /// # Errors
    /// If the witness does not fit the batch's circuit or breaks one of its rules, or as [`Self::ensure`].
    pub fn prove_batch(&self, witness: &BatchWitness) -> Result<Proof, BatchProveError> {
        self.batch(witness.batch)?.prove(witness, self.set())
    }

    /// Proves consecutive batches of one family: 1 to [`FamilyParams::lift_arity`](crate::params::FamilyParams::lift_arity).
    ///
    /// # Errors
    /// If they are too many or too few or of different families, do not follow one another, or do not verify; or as
    /// [`Self::ensure`].
    pub fn prove_lift<P: Borrow<Proof>>(&self, children: &[(BatchId, P)]) -> Result<Proof, ProveError> {
        let family = children.first().map_or(FamilyId::FIRST, |(batch, _)| batch.family());
        if let Some(child) = children.iter().position(|(batch, _)| batch.family() != family) {
            return Err(ProveError::Family { family, child, got: children[child].0 });
        }
        let children: Vec<_> =
            children.iter().map(|(batch, proof)| (batch.place(), proof.borrow())).collect();
        self.lift(family)?.prove(&children, self.set())
    }

    /// Proves 1 to [`Params::fold_arity`] consecutive lift or fold proofs.
    ///
    /// # Errors
    /// If they are too many or too few, do not follow one another, or do not verify; or as [`Self::ensure`].
    pub fn prove_fold<P: Borrow<Proof>>(&self, children: &[(Child, P)]) -> Result<Proof, ProveError> {
        let children: Vec<_> = children.iter().map(|(child, proof)| (*child, proof.borrow())).collect();
        self.fold()?.prove(&children)
    }

    /// Proves a block from 1 to [`Params::block_arity`] consecutive lift or fold proofs of all of its batches.
    ///
    /// # Errors
    /// If they are too many or too few, do not follow one another or do not verify, or if the opening is not what they
    /// lead from and to; or as [`Self::ensure`].
    pub fn prove_block<P: Borrow<Proof>>(
        &self,
        children: &[(Child, P)],
        opening: &BlockOpening,
    ) -> Result<Proof, ProveError> {
        let children: Vec<_> = children.iter().map(|(child, proof)| (*child, proof.borrow())).collect();
        self.block()?.prove(self.id(), &children, opening)
    }

    /// The key of this set's block circuit. Verifiers use [`VerifierKey::pinned`].
    ///
    /// # Errors
    /// As [`Self::ensure`].
    pub fn verifier_key(&self) -> Result<VerifierKey, BuildError> {
        Ok(self.block()?.verifier_key(self.id()))
    }

    /// Measures of all circuits: batches, lifts, fold, block.
    ///
    /// # Errors
    /// As [`Self::ensure`].
    pub fn info(&self) -> Result<Vec<CircuitInfo>, BuildError> {
        self.ensure(Circuit::all())?;
        let info = |circuit: Circuit| {
            let data = self.data(circuit)?;
            Ok(CircuitInfo {
                name: circuit.name(),
                rows: match circuit {
                    Circuit::Inner(InnerCircuit::Batch(batch)) => self.batch(batch)?.rows_used(),
                    Circuit::Inner(InnerCircuit::Lift(family)) => self.lift(family)?.size.rows,
                    Circuit::Inner(InnerCircuit::Fold) => self.fold()?.size.rows,
                    Circuit::Block => self.block()?.size.rows,
                },
                degree_bits: data.common.degree_bits(),
                gates: data.common.gates.len(),
                routed_wires: data.common.config.num_routed_wires,
                entry: entry(&data.verifier_only),
            })
        };
        Circuit::all().map(info).collect()
    }

    /// What is pinned of this set besides the keys.
    ///
    /// # Errors
    /// As [`Self::ensure`].
    pub fn pinned(&self) -> Result<PinnedSet, BuildError> {
        let key = self.verifier_key()?;
        let circuits = self.info()?.into_iter().map(|info| PinnedCircuit {
            name: info.name.to_owned(),
            entry: info.entry,
            degree_bits: info.degree_bits,
        });
        Ok(PinnedSet {
            profile: self.id(),
            key: key.digest(),
            proof_bytes: key.proof_len(),
            circuits: circuits.collect(),
        })
    }
}

fn batch_circuit(backend: &dyn Backend, params: &Params, batch: BatchId) -> Result<BatchCircuit, BuildError> {
    let FamilyParams { config, degree_bits, .. } = params.of_batch(batch);
    BatchCircuit::build_with(backend, params.id.profile(), batch, config, *degree_bits)
}

/// The common data of the batch circuits of a family.
fn same_common<'a>(batches: &[&'a BatchCircuit]) -> Result<&'a CommonCircuitData, BuildError> {
    let like = batches[0];
    match batches.iter().find(|circuit| circuit.data.common != like.data.common) {
        Some(other) => Err(BuildError::CommonData { circuit: other.batch.name(), like: like.batch.name() }),
        None => Ok(&like.data.common),
    }
}

#[cfg(all(test, not(feature = "toy")))]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use plonky2::field::types::Field;
    use plonky2::hash::hash_types::HashOut;
    use plonky2::hash::merkle_tree::{MerkleCap, MerkleTree};

    use super::*;
    use crate::backend::{BackendError, Bare, Built};
    use crate::config::{Builder, F};

    /// Gives every circuit a key that is not its own, and has a right one beside it if it is asked to build anew.
    #[derive(Debug)]
    struct Damaged {
        builds: Arc<AtomicUsize>,
        spare: bool,
    }

    impl Backend for Damaged {
        fn build(&self, builder: Builder) -> Result<Built, BackendError> {
            self.builds.fetch_add(1, Ordering::SeqCst);
            let bare = Bare::build(builder);
            let digest = HashOut { elements: [F::ONE; 4] };
            let cap = MerkleCap(vec![digest; 1 << bare.common.config.fri_config.cap_height]);
            let data = bare.with_tree(MerkleTree { leaves: Vec::new(), digests: Vec::new(), cap });
            Ok(Built { data, prover: Box::new(Stock) })
        }

        fn anew(&self) -> Option<Box<dyn Backend>> {
            self.spare.then(|| Box::new(Stock) as _)
        }
    }

    fn damaged(spare: bool) -> (CircuitSet, Arc<AtomicUsize>) {
        let builds = Arc::new(AtomicUsize::new(0));
        (CircuitSet::on_demand(Damaged { builds: builds.clone(), spare }, ProfileId::Test), builds)
    }

    /// Queries are no part of a circuit's entry.
    #[test]
    fn other_parameters_are_not_the_pinned_ones() {
        let mut set = CircuitSet::on_demand(Stock, ProfileId::Test);
        set.params.families[FamilyId::Large].config.fri_config.num_query_rounds += 1;
        let error = set.batch(BatchId::DebitWide).unwrap_err();
        assert!(matches!(error, BuildError::PinnedParameters { circuit: "debit_wide" }), "{error}");
    }

    #[test]
    fn circuits_that_are_not_pinned_are_an_error_that_stays() {
        let (set, builds) = damaged(false);
        let wide = Circuit::Inner(InnerCircuit::Batch(BatchId::DebitWide));
        let error = set.ensure([wide]).unwrap_err();
        let expected = InnerKeys::pinned(ProfileId::Test).of(InnerCircuit::Batch(BatchId::DebitWide)).entry();
        assert!(
            matches!(error, BuildError::Pinned { circuit: "debit_wide", expected: key, got } if key == expected && got != key),
            "{error}"
        );
        assert_eq!(set.ensure([wide, wide]).unwrap_err(), error);
        assert_eq!(set.batch(BatchId::DebitWide).unwrap_err(), error);
        assert_eq!(builds.load(Ordering::SeqCst), 1, "it is not tried again");
        // Nothing is built over another circuit, so one that is wrong spoils no other.
        for (circuit, name) in [(Circuit::Inner(InnerCircuit::Fold), "fold"), (Circuit::Block, "block")] {
            assert!(
                matches!(set.ensure([circuit]), Err(BuildError::Pinned { circuit, .. }) if circuit == name)
            );
        }
    }

    #[test]
    fn what_was_kept_of_another_circuit_is_built_anew() {
        let (set, builds) = damaged(true);
        let circuit = set.batch(BatchId::CreditDeep).unwrap();
        let key = InnerKeys::pinned(ProfileId::Test).of(InnerCircuit::Batch(BatchId::CreditDeep));
        assert_eq!(entry(&circuit.data.verifier_only), key.entry());
        assert_eq!(builds.load(Ordering::SeqCst), 1);
        let (others, all) = (set.missing(Circuit::all()), Circuit::all().count());
        assert_eq!(others.len(), all - 1);
        assert_eq!(set.missing([others[0], others[0]]), [others[0]], "each once");
    }
}
