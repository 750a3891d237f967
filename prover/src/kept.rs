//! Finished proofs of a block that is being proven, on disk until the block is committed.
//!
//! They are in `jobs/SEED-KEY` of the data directory: the block's seed, and the digest of its profile's verifier key,
//! which pins all circuits. A proof has the name of its place in the block (`batch-3.proof`, `lift-0.proof`,
//! `fold-0.proof`, `block.proof`), and gets it when it is whole and on disk. Once a proof is kept, those that it was
//! made of are no longer needed and are removed; other blocks' folders go when a block is started. Nothing here is
//! trusted: whoever reads a proof verifies it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use enfold_state::hash::Digest;
use enfold_state::unfinished::SUFFIX;
use tracing::warn;

use crate::files::{FileError, Staged, failed, holds, make_dir};
use crate::job::Job;

/// Name of the folder in the data directory.
pub const FOLDER: &str = "jobs";

/// The kept proofs of one block.
#[derive(Clone, Debug)]
pub struct KeptProofs {
    dir: PathBuf,
}

impl KeptProofs {
    /// The proofs of the block with this seed, by the circuits that this key pins. Those of other blocks are removed.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn open(data: &Path, seed: Digest, key: Digest) -> Result<Self, FileError> {
        let jobs = data.join(FOLDER);
        let dir = jobs.join(format!("{seed}-{key}"));
        make_dir(&jobs).map_err(failed(&jobs))?;
        remove_all(&jobs, |path| path != dir);
        make_dir(&dir).map_err(failed(&dir))?;
        // What a killed process was writing.
        remove_all(&dir, |path| path.to_string_lossy().ends_with(SUFFIX));
        Ok(Self { dir })
    }

    /// Removes all kept proofs of a data directory. What cannot be removed is only logged.
    pub fn clear(data: &Path) {
        remove(&data.join(FOLDER));
    }

    fn path(&self, job: Job) -> PathBuf {
        self.dir.join(match job {
            Job::Batch { number, .. } => format!("batch-{number}.proof"),
            Job::Lift { number, .. } => format!("lift-{number}.proof"),
            Job::Fold { number } => format!("fold-{number}.proof"),
            Job::Block => "block.proof".to_owned(),
        })
    }

    /// What is kept of a proof; `None` if nothing is. Of a file that is longer than `len`, one byte more is read.
    pub(crate) fn read(&self, job: Job, len: usize) -> Option<io::Result<Vec<u8>>> {
        let read = || -> io::Result<_> {
            let mut bytes = Vec::new();
            File::open(self.path(job))?.take(len as u64 + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            read => Some(read),
        }
    }

    /// Whether just this proof is kept; it is now, if the disk takes it.
    pub(crate) fn hold(&self, job: Job, bytes: &[u8]) -> bool {
        holds(&self.path(job), bytes) || self.keep(job, bytes, &[]).is_ok()
    }

    /// Keeps a proof in the place of what is there, and removes those that it was made of.
    pub(crate) fn keep(&self, job: Job, bytes: &[u8], children: &[Job]) -> Result<(), FileError> {
        let path = self.path(job);
        if path.is_dir() {
            remove(&path);
        }
        Staged::write(&path, bytes)?.publish(true)?;
        children.iter().for_each(|&child| remove(&self.path(child)));
        Ok(())
    }
}

fn remove_all(dir: &Path, which: impl Fn(&Path) -> bool) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| which(path)).for_each(|path| remove(&path));
}

/// Removes a file or a folder. What stays costs space, nothing else.
fn remove(path: &Path) {
    let removed = match path.symlink_metadata() {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    if let Err(error) = removed
        && error.kind() != ErrorKind::NotFound
    {
        warn!("{}: cannot be removed: {error}", path.display());
    }
}

#[cfg(test)]
mod tests {
    use enfold_state::field::reduce;
    use enfold_state::kind::FamilyId;
    use enfold_state::profile::BatchId;

    use super::*;

    fn digest(n: u64) -> Digest {
        Digest([n, 2, 3, 4].map(reduce))
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn proofs_replace_those_that_they_were_made_of() {
        let data = tempfile::tempdir().unwrap();
        let kept = KeptProofs::open(data.path(), digest(1), digest(2)).unwrap();
        let batches = [0, 1].map(|number| Job::Batch { number, batch: BatchId::DebitWide });
        let lift = Job::Lift { number: 0, family: FamilyId::Large };
        assert!(kept.read(lift, 4).is_none());
        batches.iter().for_each(|&batch| kept.keep(batch, b"batch", &[]).unwrap());
        assert_eq!(names(&kept.dir), ["batch-0.proof", "batch-1.proof"]);
        kept.keep(lift, b"lift", &batches).unwrap();
        assert_eq!(names(&kept.dir), ["lift-0.proof"]);
        assert_eq!(kept.read(lift, 4).unwrap().unwrap(), b"lift");
        // Not more than one byte too many is read of a file that is too long.
        assert_eq!(kept.read(lift, 2).unwrap().unwrap(), b"lif");
        kept.keep(lift, b"again", &batches).unwrap();
        assert_eq!(kept.read(lift, 5).unwrap().unwrap(), b"again");
    }

    #[test]
    fn a_folder_in_the_place_of_a_proof_is_an_error_and_makes_way() {
        let data = tempfile::tempdir().unwrap();
        let kept = KeptProofs::open(data.path(), digest(1), digest(2)).unwrap();
        fs::create_dir(kept.path(Job::Block)).unwrap();
        assert!(kept.read(Job::Block, 4).unwrap().is_err());
        kept.keep(Job::Block, b"block", &[]).unwrap();
        assert_eq!(kept.read(Job::Block, 5).unwrap().unwrap(), b"block");
    }

    #[test]
    fn a_job_removes_others_and_half_written_files() {
        let data = tempfile::tempdir().unwrap();
        let first = KeptProofs::open(data.path(), digest(1), digest(2)).unwrap();
        first.keep(Job::Block, b"block", &[]).unwrap();
        fs::write(first.dir.join(".enfold-abc.part"), b"half").unwrap();
        let again = KeptProofs::open(data.path(), digest(1), digest(2)).unwrap();
        assert_eq!(names(&again.dir), ["block.proof"]);
        for other in [(digest(3), digest(2)), (digest(3), digest(1))] {
            let kept = KeptProofs::open(data.path(), other.0, other.1).unwrap();
            assert!(kept.read(Job::Block, 5).is_none());
            assert_eq!(names(&data.path().join(FOLDER)).len(), 1);
        }
        KeptProofs::clear(data.path());
        assert!(names(data.path()).is_empty());
        KeptProofs::clear(data.path());
    }
}
