//! Circuit set-up with the engine's kernels.
//!
//! The kernels commit to the constants of a [bare](Bare) circuit. Common data and key are those that plonky2
//! gives; tests compare them.

use std::sync::Arc;

use enfold_circuits::backend::{Backend, BackendError, Bare, Built, Prover, Stock, check_rate, check_stock};
use enfold_circuits::config::{Builder, CircuitData, F, Proof};
use plonky2::hash::merkle_tree::MerkleTree;
use plonky2::iop::witness::PartialWitness;
use tracing::warn;

use super::prepared::Prepared;
use super::{Engine, Kernels};

impl Backend for Kernels {
    /// # Panics
    /// As [`Bare::build`].
    fn build(&self, builder: Builder) -> Result<Built, BackendError> {
        check_rate(&builder.config)?;
        let bare = Bare::build(builder);
        // Circuits that the engine does not provide for are plonky2's to prove, with all that plonky2 needs.
        let Ok(prepared) = self.prepare(&bare.common, &bare.prover) else {
            check_stock(&bare.common)?;
            return Ok(Built { data: bare.hashed(), prover: Box::new(Stock) });
        };
        let unhashed = MerkleTree { leaves: Vec::new(), digests: Vec::new(), cap: prepared.cap() };
        Ok(Built { data: bare.with_tree(unhashed), prover: Box::new(KernelProver(prepared)) })
    }

    fn loaded(&self) -> usize {
        self.cache.as_ref().map_or(0, |cache| cache.loaded())
    }

    fn anew(&self) -> Option<Box<dyn Backend>> {
        let cache = self.cache.as_ref().filter(|cache| cache.loaded() > 0)?;
        warn!("a circuit from the cache is not this program's; building it anew");
        Some(Box::new(Self { buffers: self.buffers.clone(), cache: Some(Arc::new(cache.renewed())) }))
    }
}

/// Proves the statements of one circuit.
#[derive(Debug)]
struct KernelProver(Arc<Prepared>);

impl Prover for KernelProver {
    fn prove(&self, data: &CircuitData, inputs: PartialWitness<F>) -> anyhow::Result<Proof> {
        Ok(Engine::with(data, self.0.clone()).prove(inputs)?)
    }
}
