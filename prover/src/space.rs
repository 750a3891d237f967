//! Room on disk for what proving a block writes.

use std::fs;
use std::path::Path;

use enfold_circuits::circuit_set::Circuit;
use enfold_state::codec::{self, CodecError};
use enfold_state::store::FILE_NAME;
use enfold_verifier::verify::{InnerKeys, VerifierKey};

use crate::job::Job;
use crate::journal::Journal;
use crate::prove::PreparedBlock;

/// Bytes of which file systems give a file whole multiples.
const UNIT: u64 = 4096;

/// Pages of the store that one changed leaf writes anew at most: its own, one for each of the six tiles above it, and
/// those of the tables' trees that lead there.
const PAGES_PER_LEAF: u64 = 12;

/// Bytes that committing any block is given in the store.
const COMMIT: u64 = 8 << 20;

/// Bytes of a line of the list of proven blocks, but for the transactions that were left out.
const LINE: u64 = 8 << 10;

/// Part that is added to what is counted, and the least of it: for what else a file system writes down.
const MARGIN_PART: u64 = 16;
const LEAST_MARGIN: u64 = 1 << 20;

/// Bytes that a block takes until it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    /// In the data directory.
    pub data: u64,
    /// Where the proof goes.
    pub out: u64,
}

/// Bytes that a file takes, and its name in its folder.
const fn on_disk(bytes: u64) -> u64 {
    (bytes.div_ceil(UNIT) + 1) * UNIT
}

fn with_margin(bytes: u64) -> u64 {
    bytes.saturating_add((bytes / MARGIN_PART).max(LEAST_MARGIN))
}

/// Bytes of each of a block's proofs, as they are kept.
fn kept_lengths(prepared: &PreparedBlock) -> impl Iterator<Item = u64> {
    let (inner, block) = (InnerKeys::pinned(prepared.profile), VerifierKey::pinned(prepared.profile));
    let length = move |job: Job| match job.circuit() {
        Circuit::Inner(circuit) => inner.of(circuit).proof_len() as u64,
        Circuit::Block => block.file_len(),
    };
    prepared.jobs().into_iter().map(length)
}

impl Needs {
    /// Those of a block. A service puts a file of `delivered` bytes and a line to the proof.
    pub(crate) fn of(
        prepared: &PreparedBlock,
        data: &Path,
        delivered: Option<u64>,
    ) -> Result<Self, CodecError> {
        let proof = on_disk(VerifierKey::pinned(prepared.profile).file_len());
        let published = on_disk(codec::encode(&prepared.data())?.len() as u64);
        let rejections =
            serde_json::to_vec(&prepared.execution.rejections).map_or(0, |text| text.len() as u64);
        let line = delivered.map_or(0, |_| on_disk(LINE + rejections));
        // A proof is kept before those that it was made of are removed. Their folder is in a new one.
        let kept = kept_lengths(prepared).map(on_disk).sum::<u64>() + 2 * on_disk(0);
        // A long value has as many pages as the next power of two.
        let journal = 2 * on_disk(codec::encode(&Journal::of(prepared))?.len() as u64);
        let store = fs::metadata(data.join(FILE_NAME)).map_or(0, |found| found.len());
        let execution = &prepared.execution;
        let leaves = (execution.debits.len() + execution.emitted()) as u64;
        let commit = COMMIT + store.min(leaves * PAGES_PER_LEAF * UNIT);
        Ok(Self {
            data: with_margin(kept + journal + line + commit),
            out: with_margin(proof + published + delivered.map_or(0, on_disk) + line),
        })
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use enfold_fixtures::world::{World, WorldSpec};
    use enfold_state::profile::ProfileId;
    use enfold_state::store::Store;

    use super::*;
    use crate::events::ignore;
    use crate::options::ProveOptions;
    use crate::prove::prepare_block;

    /// Bytes that a folder takes, with all that is in it.
    fn taken(path: &Path) -> u64 {
        let found = path.symlink_metadata().unwrap();
        let entries = found.is_dir().then(|| fs::read_dir(path).unwrap()).into_iter().flatten();
        found.blocks() * 512 + entries.map(|entry| taken(&entry.unwrap().path())).sum::<u64>()
    }

    #[test]
    fn what_a_block_writes_is_no_more_than_what_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let [data, out] = ["data", "out"].map(|name| dir.path().join(name));
        fs::create_dir(&out).unwrap();
        let mut world =
            World::new(WorldSpec { seed: 3, accounts: 2000, new_share: 0.2, ..WorldSpec::default() });
        let mut store = Store::create(&data, world.genesis()).unwrap();
        let block = world.block(400);
        let prepared =
            prepare_block(ProfileId::Test, store.ledger(), &block, &ProveOptions::default(), &ignore)
                .unwrap();
        let delivered = codec::encode_json(&block).unwrap();
        let needs = Needs::of(&prepared, &data, Some(delivered.len() as u64)).unwrap();
        let before = taken(&data);

        // What the pipeline and the service write, all of it at a time.
        store.write_journal(1, &codec::encode(&Journal::of(&prepared)).unwrap()).unwrap();
        let jobs = data.join("jobs/job");
        fs::create_dir_all(&jobs).unwrap();
        // `resume`'s tests hold these lengths against proofs.
        for (i, length) in kept_lengths(&prepared).enumerate() {
            fs::write(jobs.join(i.to_string()), vec![1; length as usize]).unwrap();
        }
        let proof = vec![1; VerifierKey::pinned(ProfileId::Test).file_len() as usize];
        let line = serde_json::to_vec(&prepared.execution.rejections).unwrap();
        let line = [line, vec![1; LINE as usize]].concat();
        fs::write(data.join("listing.json"), &line).unwrap();
        store.commit(prepared.witness.prepared().unwrap(), prepared.statement().new_root).unwrap();
        fs::write(out.join("proof"), &proof).unwrap();
        fs::write(out.join("proof.data"), codec::encode(&prepared.data()).unwrap()).unwrap();
        fs::write(out.join("block"), &delivered).unwrap();
        fs::write(out.join("list"), &line).unwrap();
        let used = Needs { data: taken(&data) - before, out: taken(&out) };
        // What is counted suffices without the margin.
        let counted = |need: u64| need - (need / (MARGIN_PART + 1)).max(LEAST_MARGIN);
        assert!(used.data <= counted(needs.data), "{used:?} {needs:?}");
        assert!(used.out <= counted(needs.out), "{used:?} {needs:?}");
        // `prove` puts neither block nor line anywhere.
        let alone = Needs::of(&prepared, &data, None).unwrap();
        assert!(alone.data < needs.data && alone.out < needs.out);
    }
}
