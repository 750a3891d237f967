//! Which profile a data directory is of.
//!
//! Blocks of several profiles in one data directory would be a chain that verifies under none of them. So profile and
//! verifier key are written into the store when it is made, or else before its next block is proven, and stay.

use std::fs;
use std::path::{Path, PathBuf};

use enfold_state::codec;
use enfold_state::hash::Digest;
use enfold_state::profile::ProfileId;
use enfold_state::store::{Circuits, Snapshot, Store, StoreError};
use enfold_verifier::verify::VerifierKey;

use crate::journal::Journal;
use crate::kept::FOLDER;

/// A data directory is not of the profile that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum BoundError {
    /// It is of another profile.
    #[error("{path}: expected profile {expected}, which this data directory has, got profile {got}")]
    Profile {
        /// The data directory.
        path: PathBuf,
        /// Its profile.
        expected: ProfileId,
        /// The profile that was asked for.
        got: ProfileId,
    },
    /// It is of a profile that this program does not have.
    #[error("{path}: expected a profile that this program knows, got number {got}")]
    UnknownProfile {
        /// The data directory.
        path: PathBuf,
        /// The number.
        got: u32,
    },
    /// It is of another version of the circuits.
    #[error("{path}: expected key {expected} of profile {profile}, which this data directory has, got {got}")]
    Key {
        /// The data directory.
        path: PathBuf,
        /// The profile.
        profile: ProfileId,
        /// The data directory's key.
        expected: Digest,
        /// The program's.
        got: Digest,
    },
    /// A block was begun with another profile.
    #[error("{path}: expected profile {expected}, which block {number} was started with, got profile {got}")]
    Begun {
        /// The data directory.
        path: PathBuf,
        /// The block.
        number: u32,
        /// The profile that it was begun with.
        expected: ProfileId,
        /// The profile that was asked for.
        got: ProfileId,
    },
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The circuits of a profile, as a store keeps them.
pub fn circuits_of(profile: ProfileId) -> Circuits {
    Circuits { profile: profile as u32, key: VerifierKey::pinned(profile).digest() }
}

/// The profile that a store is of: the one that it says, else the one that a block was begun with; `None` if it is of
/// none yet.
///
/// # Errors
/// If it is of a profile or a key that this program does not have, or cannot be read.
pub fn profile_of(store: &Store) -> Result<Option<ProfileId>, BoundError> {
    match store.circuits()? {
        Some(circuits) => known(store.dir(), circuits).map(Some),
        None => begun(store),
    }
}

/// The profile of the circuits that the store in `dir` names.
fn known(dir: &Path, Circuits { profile: got, key: expected }: Circuits) -> Result<ProfileId, BoundError> {
    let path = || dir.to_owned();
    let profile =
        ProfileId::from_number(got.into()).ok_or_else(|| BoundError::UnknownProfile { path: path(), got })?;
    let got = circuits_of(profile).key;
    if got != expected {
        return Err(BoundError::Key { path: path(), profile, expected, got });
    }
    Ok(profile)
}

/// The profile by which the next block of a committed state is proven, as [`bind`] finds it; nothing is written. Without
/// one that the state says, what is asked for counts, or else `standard`: a block that was begun is not looked at.
///
/// # Errors
/// If the state is of another profile than the one that is asked for, or of one that this program does not have.
pub fn profile_for(state: &Snapshot, asked: Option<ProfileId>) -> Result<ProfileId, BoundError> {
    let bound = state.circuits().map(|circuits| known(state.dir(), circuits)).transpose()?;
    match (bound, asked) {
        (Some(expected), Some(got)) if expected != got => {
            Err(BoundError::Profile { path: state.dir().to_owned(), expected, got })
        }
        _ => Ok(asked.or(bound).unwrap_or(ProfileId::Standard)),
    }
}

/// Makes sure that a store is of this profile, or without one of whichever it is of, and of `standard` if it is of
/// none yet. From then on it stays so. Gives the profile.
///
/// # Errors
/// If it is of another, or a block was begun with another.
pub fn bind(store: &mut Store, asked: Option<ProfileId>) -> Result<ProfileId, BoundError> {
    let bound = profile_of(store)?;
    let profile = asked.or(bound).unwrap_or(ProfileId::Standard);
    let path = || store.dir().to_owned();
    if let (Some(expected), true) = (bound, store.circuits()?.is_some())
        && expected != profile
    {
        return Err(BoundError::Profile { path: path(), expected, got: profile });
    }
    if let Some(expected) = begun(store)?
        && expected != profile
    {
        let number = store.height().saturating_add(1);
        return Err(BoundError::Begun { path: path(), number, expected, got: profile });
    }
    store.set_circuits(circuits_of(profile))?;
    Ok(profile)
}

/// The profile with which the store's next block was begun, by its journal, or else by the proofs that were kept.
fn begun(store: &Store) -> Result<Option<ProfileId>, BoundError> {
    let journal = store.journal(store.height().saturating_add(1))?;
    // A journal that cannot be read is nothing to resume.
    if let Some(journal) = journal.and_then(|bytes| codec::decode::<Journal>(&bytes).ok()) {
        return Ok(Some(journal.profile));
    }
    let jobs = fs::read_dir(store.dir().join(FOLDER)).into_iter().flatten().flatten();
    let keys = jobs.filter_map(|job| job.file_name().to_str()?.rsplit_once('-')?.1.parse::<Digest>().ok());
    let of = |key| ProfileId::ALL.into_iter().find(|&profile| circuits_of(profile).key == key);
    Ok(keys.filter_map(of).next())
}

#[cfg(test)]
mod tests {
    use enfold_state::block::Genesis;

    use super::*;
    use crate::kept::KeptProofs;

    fn store(dir: &Path, circuits: Option<Circuits>) -> Store {
        let genesis = Genesis { chain_id: 1, time: 1, shards: 1, leaves: vec![], contracts: vec![] };
        match circuits {
            Some(circuits) => Store::create_for(dir, &genesis, circuits).unwrap(),
            None => Store::create(dir, &genesis).unwrap(),
        }
    }

    #[test]
    fn a_store_is_of_the_profile_that_came_first() {
        let [dir, made] = [0; 2].map(|_| tempfile::tempdir().unwrap());
        let mut old = store(dir.path(), None);
        assert_eq!(profile_of(&old).unwrap(), None);
        assert_eq!(bind(&mut old, Some(ProfileId::Test)).unwrap(), ProfileId::Test);
        drop(old);
        let mut store = store(made.path(), Some(circuits_of(ProfileId::Test)));
        for mut store in [Store::open(dir.path()).unwrap(), {
            bind(&mut store, None).unwrap();
            store
        }] {
            assert_eq!(bind(&mut store, None).unwrap(), ProfileId::Test);
            let (expected, got) = (ProfileId::Test, ProfileId::Standard);
            let error = bind(&mut store, Some(got)).unwrap_err();
            assert!(
                matches!(error, BoundError::Profile { expected: e, got: g, .. } if (e, g) == (expected, got))
            );
            assert_eq!(profile_of(&store).unwrap(), Some(ProfileId::Test));
        }
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(bind(&mut self::store(dir.path(), None), None).unwrap(), ProfileId::Standard);
    }

    #[test]
    fn another_key_and_an_unknown_profile_are_refused() {
        let key = Digest::ZERO;
        let dir = tempfile::tempdir().unwrap();
        let mut old = store(dir.path(), Some(Circuits { profile: ProfileId::Test as u32, key }));
        assert!(matches!(bind(&mut old, None), Err(BoundError::Key { expected, .. }) if expected == key));
        let dir = tempfile::tempdir().unwrap();
        let mut newer = store(dir.path(), Some(Circuits { profile: 77, key }));
        assert!(matches!(bind(&mut newer, None), Err(BoundError::UnknownProfile { got: 77, .. })));
    }

    #[test]
    fn what_was_begun_says_the_profile_where_the_store_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let mut old = store(dir.path(), None);
        KeptProofs::open(dir.path(), Digest::ZERO, circuits_of(ProfileId::Test).key).unwrap();
        assert_eq!(profile_of(&old).unwrap(), Some(ProfileId::Test));
        let refused = bind(&mut old, Some(ProfileId::Standard));
        assert!(matches!(refused, Err(BoundError::Begun { number: 1, expected: ProfileId::Test, .. })));
        assert_eq!(old.circuits().unwrap(), None);
        assert_eq!(bind(&mut old, None).unwrap(), ProfileId::Test);
    }
}
