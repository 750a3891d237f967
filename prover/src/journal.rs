//! What is written down of a block before its first proof.

use enfold_state::codec::{Kind, Record};
use enfold_state::hash::Digest;
use enfold_state::profile::ProfileId;
use enfold_witness::plan::Plan;
use serde::{Deserialize, Serialize};

use crate::prove::PreparedBlock;

/// What the store keeps of a block while it is being proven: the plan, which fixes the seed. A run that finds this
/// journal resumes the block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The profile that it is planned for.
    pub profile: ProfileId,
    /// The state root before it.
    pub previous_root: Digest,
    /// The seed.
    pub seed: Digest,
    /// The plan.
    pub plan: Plan,
}

impl Record for Journal {
    const KIND: Kind = Kind::Journal;
    const MAX_LEN: u64 = 1 << 32;
}

impl Journal {
    /// The journal of a prepared block.
    pub fn of(prepared: &PreparedBlock) -> Self {
        let witness = &prepared.witness;
        Self {
            profile: prepared.profile,
            previous_root: prepared.execution.previous_root,
            seed: witness.seed,
            plan: witness.plan.clone(),
        }
    }
}
