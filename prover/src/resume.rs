//! Resumes a block: reads the kept proofs that hold, and none below them.

use std::collections::BTreeSet;
use std::io;

use enfold_circuits::circuit_set::Circuit;
use enfold_circuits::config::Proof;
use enfold_circuits::public_inputs::BatchPublicInputs;
use enfold_state::chain::context;
use enfold_verifier::verify::{CircuitKey, InnerKeys, VerifyError, verify_inner};
use enfold_witness::witness::BlockWitness;
use rayon::prelude::*;

use crate::events::{Event, Observer};
use crate::graph::{Graph, Node};
use crate::job::{Job, Reused};
use crate::kept::KeptProofs;

/// A kept file is not the proof of its place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeptError {
    /// It cannot be read.
    #[error("{0}")]
    Read(#[source] io::Error),
    /// It does not hold, or says something else.
    #[error("{0}")]
    Verify(#[source] VerifyError),
}

/// A block's proofs, with those that are there already.
pub(crate) struct Resumed {
    pub graph: Graph,
    /// By node.
    pub proofs: Vec<Option<Proof>>,
    pub reused: Reused,
}

impl Resumed {
    /// No proof is there.
    pub fn nothing(graph: Graph) -> Self {
        let proofs = graph.nodes.iter().map(|_| None).collect();
        Self { graph, proofs, reused: Reused::default() }
    }

    /// The nodes whose proofs are to be made, in order.
    pub fn to_make(&self) -> Vec<usize> {
        self.graph.to_make(|node| self.proofs[node].is_some())
    }

    /// The circuits that making them takes, each once.
    pub fn circuits(&self) -> BTreeSet<Circuit> {
        self.to_make().into_iter().map(|node| self.graph.nodes[node].job.circuit()).collect()
    }
}

/// Where kept proofs are looked for, and what they are held against.
pub(crate) struct Resume<'a> {
    pub keys: &'a InnerKeys,
    pub witness: &'a BlockWitness,
    pub kept: &'a KeptProofs,
}

impl Resume<'_> {
    /// The kept proofs of a graph, from the root down. Each level is verified in parallel. The block proof is not looked
    /// for.
    pub fn read(&self, graph: Graph, observer: Observer<'_>) -> Resumed {
        let Resumed { graph, mut proofs, mut reused } = Resumed::nothing(graph);
        let mut level = graph.nodes.last().map_or_else(Vec::new, |root| root.children.clone());
        while !level.is_empty() {
            let read: Vec<_> = level.par_iter().map(|&node| self.proof(&graph.nodes[node])).collect();
            let mut next = Vec::new();
            for (node, proof) in level.into_iter().zip(read) {
                let Node { job, children, .. } = &graph.nodes[node];
                match proof {
                    Some(Ok(proof)) => {
                        reused.count(*job);
                        proofs[node] = Some(proof);
                        continue;
                    }
                    Some(Err(error)) => {
                        reused.refused += 1;
                        observer(&Event::Refused { job: *job, reason: error.to_string() });
                    }
                    None => {}
                }
                next.extend(children);
            }
            level = next;
        }
        let mut resumed = Resumed { graph, proofs, reused };
        resumed.reused.below = resumed.graph.nodes.len() - resumed.to_make().len() - reused.total();
        resumed
    }

    fn proof(&self, node: &Node) -> Option<Result<Proof, KeptError>> {
        let key = self.key(node.job)?;
        let read = self.kept.read(node.job, key.proof_len())?;
        Some(
            read.map_err(KeptError::Read)
                .and_then(|bytes| verify_inner(key, &self.says(node), &bytes).map_err(KeptError::Verify)),
        )
    }

    /// The key of a job's circuit; `None` for the block's, whose proof is looked for before any other.
    fn key(&self, job: Job) -> Option<&CircuitKey> {
        match job.circuit() {
            Circuit::Inner(circuit) => Some(self.keys.of(circuit)),
            Circuit::Block => None,
        }
    }

    /// What the proof of a node says.
    fn says(&self, node: &Node) -> BatchPublicInputs {
        // No node is without batches.
        let batches = &self.witness.batches;
        let (first, last) = (&batches[node.batches.start], &batches[node.batches.end - 1]);
        BatchPublicInputs {
            set: self.keys.set(),
            ctx: context(&self.witness.block, self.witness.seed),
            before: first.before.digest(),
            after: last.after.digest(),
        }
    }
}
