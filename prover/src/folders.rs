//! The folders of a service: where blocks come from, where proofs go, where bad blocks go. Each has one purpose.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use enfold_state::store::FILE_NAME;

use crate::files::{FileError, FileId, failed, make_dirs};
use crate::kept;

/// Name of the folder in the data directory that holds the blocks that were claimed, until they are proven.
pub const QUEUE: &str = "queue";

/// Name of the folder in the inbox through which blocks are claimed.
pub const CLAIMS: &str = ".claimed";

/// The folders.
#[derive(Clone, Debug)]
pub struct Folders {
    /// Where blocks come from.
    pub inbox: PathBuf,
    /// Where proofs, data, proven blocks and the list of them go.
    pub outbox: PathBuf,
    /// Where bad blocks go.
    pub rejected: PathBuf,
}

/// Folders that a service cannot use.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// One folder is given two purposes.
    #[error("the {first} and the {second} are the same folder, {}", path.display())]
    Same {
        /// One purpose.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// The folder.
        path: PathBuf,
    },
    /// One folder is in another.
    #[error(
        "the {inner} {} is inside the {outer} {}",
        inner_path.display(),
        outer_path.display()
    )]
    Within {
        /// Purpose of the one.
        inner: &'static str,
        /// The one.
        inner_path: PathBuf,
        /// Purpose of the other.
        outer: &'static str,
        /// The other.
        outer_path: PathBuf,
    },
    /// A folder is not there.
    #[error("the {purpose} {} does not exist", path.display())]
    Missing {
        /// Its purpose.
        purpose: &'static str,
        /// Where it should be.
        path: PathBuf,
    },
    /// There is something else.
    #[error("the {purpose} {} is not a folder", path.display())]
    NotAFolder {
        /// Its purpose.
        purpose: &'static str,
        /// Where it should be.
        path: PathBuf,
    },
    /// Another service uses it.
    #[error("the {purpose} {} is in use by another service", path.display())]
    Used {
        /// Its purpose.
        purpose: &'static str,
        /// The folder.
        path: PathBuf,
    },
    /// A folder cannot be looked at.
    #[error("{}: {source}", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Purposes, as errors name them.
const DATA: &str = "data directory";
const INBOX: &str = "inbox";
const OUTBOX: &str = "outbox";
const REJECTED: &str = "folder for rejected blocks";

/// What a data directory and an inbox have for the service alone.
const OWN: [(&str, &str); 2] = [("queue", QUEUE), ("folder for kept proofs", kept::FOLDER)];
const CLAIMED: &str = "folder for claimed blocks";

/// How a store's file begins.
const STORE_START: &[u8; 4] = b"redb";

impl Folders {
    /// Checks that each folder has one purpose: none is another, nor in another, whatever name or link leads there. Only
    /// the data directory may hold the others, apart from what is its own. Nor is any of them another data directory, or
    /// what another service has for itself in its own. `files` and folders that the service uses besides are held against
    /// these three, and not against one another. Nothing need be there yet.
    ///
    /// # Errors
    /// If two overlap.
    pub fn check(&self, data: &Path, files: &[(&'static str, impl AsRef<Path>)]) -> Result<(), FolderError> {
        let data_place = Place::of(DATA, data)?;
        let mut own = vec![
            Place::of("store", &data.join(FILE_NAME))?,
            // Under another name, as of a bind mount, it is not within the inbox.
            Place::of(CLAIMED, &self.claims())?,
        ];
        own.extend(data_place.own()?);
        let three = [(INBOX, &self.inbox), (OUTBOX, &self.outbox), (REJECTED, &self.rejected)];
        let three = three.map(|(purpose, path)| Place::of(purpose, path));
        let others = three.into_iter().chain(files.iter().map(|(what, path)| Place::of(what, path.as_ref())));
        let others = others.collect::<Result<Vec<_>, _>>()?;
        data_place.check_not_anothers()?;
        for (i, one) in others.iter().enumerate() {
            data_place.check_same(one)?;
            data_place.check_within(one)?;
            for own in &own {
                one.check_same(own)?;
                one.check_within(own)?;
            }
            one.check_not_anothers()?;
            for other in others[..i.min(3)].iter() {
                other.check_same(one)?;
                one.check_within(other)?;
                other.check_within(one)?;
            }
        }
        Ok(())
    }

    /// Checks that the folders that were named are there, so that a mistyped name is not waited on for ever.
    ///
    /// # Errors
    /// If one is missing, or no folder.
    pub fn check_there(&self, outbox: bool, rejected: bool) -> Result<(), FolderError> {
        let named = [
            (INBOX, &self.inbox, true),
            (OUTBOX, &self.outbox, outbox),
            (REJECTED, &self.rejected, rejected),
        ];
        for (purpose, path, named) in named {
            match fs::metadata(path) {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Err(FolderError::NotAFolder { purpose, path: path.clone() }),
                Err(error) if error.kind() == ErrorKind::NotFound && !named => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    return Err(FolderError::Missing { purpose, path: path.clone() });
                }
                Err(source) => return Err(FolderError::Io { path: path.clone(), source }),
            }
        }
        Ok(())
    }

    /// Makes the folders that are missing.
    ///
    /// # Errors
    /// If one cannot be made.
    pub fn make(&self) -> Result<(), FileError> {
        let Self { inbox, outbox, rejected } = self;
        [inbox, &self.claims(), outbox, rejected]
            .into_iter()
            .try_for_each(|dir| make_dirs(dir).map_err(failed(dir)))
    }

    /// Takes the folders for this service alone, as long as the result lives: what one service rejects, another would take
    /// for deliveries. Where the system cannot lock folders nothing is taken.
    pub(crate) fn lock(&self) -> Result<Locks, FolderError> {
        let three = [(INBOX, &self.inbox), (OUTBOX, &self.outbox), (REJECTED, &self.rejected)];
        let locks = three.into_iter().map(|(purpose, path)| Lock::take(purpose, path));
        Ok(Locks(locks.collect::<Result<_, _>>()?))
    }

    pub(crate) fn claims(&self) -> PathBuf {
        self.inbox.join(CLAIMS)
    }

    /// The proof of a block.
    pub fn proof(&self, number: u32) -> PathBuf {
        self.outbox.join(format!("block-{number}.proof"))
    }
}

/// Folders that are a service's alone, as long as this lives.
#[derive(Debug)]
pub(crate) struct Locks(Vec<Lock>);

impl Locks {
    /// Whether others were put in the place of the folders.
    pub(crate) fn are_others(&self) -> bool {
        self.0.iter().any(Lock::is_another)
    }

    /// Takes those that were put in the place of the folders: the lock of a folder that was removed keeps nobody out of the
    /// one that was made for it.
    pub(crate) fn renew(&mut self) -> Result<(), FolderError> {
        for lock in self.0.iter_mut().filter(|lock| lock.is_another()) {
            *lock = Lock::take(lock.purpose, &lock.path)?;
        }
        Ok(())
    }
}

/// A folder that is a service's alone, if the system can lock it.
#[derive(Debug)]
struct Lock {
    purpose: &'static str,
    path: PathBuf,
    id: Option<FileId>,
    /// Holds the lock, and keeps the folder's number from being given to another.
    _dir: Option<File>,
}

impl Lock {
    /// One that is gone may come again.
    fn is_another(&self) -> bool {
        let now = FileId::of(&self.path);
        now.is_some() && now != self.id
    }

    fn take(purpose: &'static str, path: &Path) -> Result<Self, FolderError> {
        let dir = match File::open(path) {
            Err(error) if [ErrorKind::NotFound, ErrorKind::PermissionDenied].contains(&error.kind()) => None,
            dir => Some(dir.map_err(|source| FolderError::Io { path: path.to_owned(), source })?),
        };
        let locked = dir.as_ref().map_or(Ok(()), File::try_lock);
        if matches!(locked, Err(TryLockError::WouldBlock)) {
            return Err(FolderError::Used { purpose, path: path.to_owned() });
        }
        let id = match &dir {
            Some(dir) => dir.metadata().ok().and_then(|found| FileId::from_metadata(&found)),
            None => FileId::of(path),
        };
        Ok(Self { purpose, path: path.to_owned(), id, _dir: dir })
    }
}

/// A folder, by whatever name.
struct Place {
    purpose: &'static str,
    /// Without links; the end of it may not be there yet.
    path: PathBuf,
    /// It and the folders that it is in, as far as they are there.
    ids: Vec<FileId>,
    /// Whether it is there, and so the first of them.
    there: bool,
}

impl Place {
    fn of(purpose: &'static str, path: &Path) -> Result<Self, FolderError> {
        let failed = |source| FolderError::Io { path: path.to_owned(), source };
        let mut real = std::path::absolute(path).map_err(failed)?;
        let mut missing: Vec<OsString> = Vec::new();
        let base = loop {
            match real.canonicalize() {
                Ok(base) => break base,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    // What is not there cannot be a link, but for one that leads nowhere.
                    if real.symlink_metadata().is_ok() {
                        return Err(failed(io::Error::new(error.kind(), "a link that leads nowhere")));
                    }
                    let Some(name) = real.file_name().map(ToOwned::to_owned) else {
                        return Err(failed(error));
                    };
                    missing.push(name);
                    real.pop();
                }
                Err(error) => return Err(failed(error)),
            }
        };
        let ids = base.ancestors().filter_map(FileId::of).collect();
        let there = missing.is_empty();
        let path = missing.into_iter().rev().fold(base, |path, name| path.join(name));
        Ok(Self { purpose, path, ids, there })
    }

    fn id(&self) -> Option<&FileId> {
        self.ids.first().filter(|_| self.there)
    }

    fn check_same(&self, other: &Self) -> Result<(), FolderError> {
        let same = self.path == other.path || self.id().is_some_and(|id| other.id() == Some(id));
        if same {
            let (first, second, path) = (self.purpose, other.purpose, self.path.clone());
            return Err(FolderError::Same { first, second, path });
        }
        Ok(())
    }

    /// What is a service's own in a data directory.
    fn own(&self) -> Result<Vec<Self>, FolderError> {
        OWN.into_iter().map(|(purpose, name)| Self::of(purpose, &self.path.join(name))).collect()
    }

    /// Checks that this is neither another data directory, nor in what a service has for itself.
    fn check_not_anothers(&self) -> Result<(), FolderError> {
        if self.purpose != DATA && is_data_directory(&self.path) {
            self.check_same(&Self::of(DATA, &self.path)?)?;
        }
        for folder in self.path.ancestors() {
            let own = match folder.parent() {
                _ if folder.file_name().is_some_and(|name| name == CLAIMS) => {
                    vec![Self::of(CLAIMED, folder)?]
                }
                Some(data) if is_data_directory(data) => Self::of(DATA, data)?.own()?,
                _ => continue,
            };
            for own in own {
                self.check_same(&own)?;
                self.check_within(&own)?;
            }
        }
        Ok(())
    }

    /// Checks that this is not in the other.
    fn check_within(&self, outer: &Self) -> Result<(), FolderError> {
        if self.path.starts_with(&outer.path) || outer.id().is_some_and(|id| self.ids.contains(id)) {
            return Err(FolderError::Within {
                inner: self.purpose,
                inner_path: self.path.clone(),
                outer: outer.purpose,
                outer_path: outer.path.clone(),
            });
        }
        Ok(())
    }
}

/// Whether a store is in a folder. A file that just has its name is none.
fn is_data_directory(folder: &Path) -> bool {
    let mut start = [0; STORE_START.len()];
    let store = folder.join(FILE_NAME);
    store.is_file()
        && File::open(store).and_then(|mut store| store.read_exact(&mut start)).is_ok()
        && start == *STORE_START
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case(tempfile::TempDir);

    impl Case {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let names = ["data", "in", "out", "bad"];
            names.iter().for_each(|name| fs::create_dir(dir.path().join(name)).unwrap());
            Self(dir)
        }

        fn check(&self, [data, inbox, outbox, rejected, cache]: [&str; 5]) -> Result<(), FolderError> {
            let at = |name: &str| self.0.path().join(name);
            let folders = Folders { inbox: at(inbox), outbox: at(outbox), rejected: at(rejected) };
            folders.check(&at(data), &[("cache folder", &at(cache))])
        }
    }

    #[test]
    fn folders_apart_and_those_of_the_data_directory_are_fine() {
        let case = Case::new();
        case.check(["data", "in", "out", "bad", "cache"]).unwrap();
        case.check(["data", "in", "data/outbox", "data/rejected", "data/cache"]).unwrap();
        case.check(["data", "data/in", "data/out", "data/bad", "none/cache"]).unwrap();
        // A name that another begins with is another name.
        case.check(["data", "in", "inn", "in-bad", "in.cache"]).unwrap();
        case.check(["data", "data/queued", "data/jobs2", "data-2", "cache"]).unwrap();
    }

    #[test]
    fn overlaps_are_refused_in_every_pair() {
        let case = Case::new();
        let apart = ["data", "in", "out", "bad", "cache"];
        for i in 0..5 {
            for j in (0..5).filter(|&j| j != i) {
                let mut same = apart;
                same[i] = apart[j];
                let error = case.check(same).unwrap_err();
                assert!(matches!(error, FolderError::Same { .. }), "{i} {j}: {error}");
                let within = format!("{}/x/y", apart[j]);
                let mut within_other = apart;
                within_other[i] = &within;
                let checked = case.check(within_other);
                if j == 0 {
                    checked.unwrap();
                } else {
                    assert!(matches!(checked, Err(FolderError::Within { .. })), "{i} {j}");
                }
            }
        }
        for own in ["data/queue", "data/jobs", "data/state.redb"] {
            for i in 1..5 {
                let mut folders = apart;
                folders[i] = own;
                assert!(matches!(case.check(folders), Err(FolderError::Same { .. })), "{own}");
                let within = format!("{own}/x");
                folders[i] = &within;
                assert!(matches!(case.check(folders), Err(FolderError::Within { .. })), "{own}");
            }
        }
    }

    #[test]
    fn files_that_are_used_lie_in_none_of_the_folders() {
        let case = Case::new();
        let at = |name: &str| case.0.path().join(name);
        let folders = Folders { inbox: at("in"), outbox: at("out"), rejected: at("bad") };
        let check =
            |trace: &str| folders.check(&at("data"), &[("cache folder", &at("c")), ("trace", &at(trace))]);
        ["trace.json", "data/trace.json", "c/trace.json"].iter().for_each(|trace| check(trace).unwrap());
        for trace in ["in/t", "in/.claimed/t", "out/x/t", "bad/t", "data/queue/t", "data/jobs/t"] {
            assert!(matches!(check(trace), Err(FolderError::Within { inner: "trace", .. })), "{trace}");
        }
    }

    #[test]
    fn what_is_another_services_is_refused() {
        let case = Case::new();
        let write = |text: &str| {
            fs::create_dir_all(case.0.path().join("other")).unwrap();
            fs::write(case.0.path().join("other").join(FILE_NAME), text).unwrap();
        };
        write("something");
        fn with(case: &Case, i: usize, folder: &str) -> Result<(), FolderError> {
            let mut folders = ["data", "in", "out", "bad", "cache"];
            folders[i] = folder;
            case.check(folders)
        }
        (1..5).for_each(|i| with(&case, i, "other").unwrap());
        write("redb and more");
        for i in 1..5 {
            assert!(matches!(with(&case, i, "other"), Err(FolderError::Same { second: DATA, .. })), "{i}");
            for own in ["other/queue", "other/jobs", "else/.claimed"] {
                assert!(matches!(with(&case, i, own), Err(FolderError::Same { .. })), "{i} {own}");
                let within = format!("{own}/x/y");
                assert!(matches!(with(&case, i, &within), Err(FolderError::Within { .. })), "{i} {own}");
            }
            with(&case, i, "other/in").unwrap();
        }
        assert!(with(&case, 0, "else/.claimed/data").is_err());
        with(&case, 0, "other").unwrap();
    }

    /// As a bind mount has it.
    #[test]
    #[cfg(unix)]
    fn one_folder_is_the_same_under_any_path() {
        let case = Case::new();
        let at = |name: &str| case.0.path().join(name);
        let claims = Place::of(CLAIMED, &at("in")).unwrap();
        let mounted = |path: &str| Place { path: at(path), ..Place::of(OUTBOX, &at("in")).unwrap() };
        assert!(matches!(mounted("elsewhere").check_same(&claims), Err(FolderError::Same { .. })));
        let within = Place { there: false, ..mounted("elsewhere/x") };
        assert!(matches!(within.check_within(&claims), Err(FolderError::Within { .. })));
    }

    #[test]
    #[cfg(unix)]
    fn links_and_dots_hide_no_overlap() {
        use std::os::unix::fs::symlink;
        let case = Case::new();
        let at = |name: &str| case.0.path().join(name);
        symlink(at("in"), at("link")).unwrap();
        symlink(at("nowhere"), at("dangling")).unwrap();
        for overlap in [
            ["data", "in", "link", "bad", "cache"],
            ["data", "in", "link/new/deep", "bad", "cache"],
            ["data", "in", "out/../in", "bad", "cache"],
            ["data", "in", "./in/.", "bad", "cache"],
            ["data", "link", "out", "bad", "out/../in/cache"],
            ["link", "in", "out", "bad", "cache"],
        ] {
            assert!(case.check(overlap).is_err(), "{overlap:?}");
        }
        assert!(matches!(
            case.check(["data", "dangling", "out", "bad", "cache"]),
            Err(FolderError::Io { .. })
        ));
    }

    #[test]
    fn a_named_folder_must_be_there() {
        let case = Case::new();
        let at = |name: &str| case.0.path().join(name);
        let folders = Folders { inbox: at("in"), outbox: at("none"), rejected: at("bad") };
        folders.check_there(false, true).unwrap();
        let error = folders.check_there(true, true).unwrap_err();
        assert!(matches!(error, FolderError::Missing { purpose: OUTBOX, .. }), "{error}");
        fs::write(at("file"), "").unwrap();
        let folders = Folders { inbox: at("file"), ..folders };
        assert!(matches!(
            folders.check_there(false, false),
            Err(FolderError::NotAFolder { purpose: INBOX, .. })
        ));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn two_services_cannot_share_a_folder() {
        let case = Case::new();
        let at = |name: &str| case.0.path().join(name);
        let one = Folders { inbox: at("in"), outbox: at("out"), rejected: at("bad") };
        let locks = one.lock().unwrap();
        let other = Folders { inbox: at("data"), ..one.clone() };
        assert!(matches!(other.lock(), Err(FolderError::Used { purpose: OUTBOX, .. })));
        // Nor may one reject into the other's inbox.
        ["in2", "out2"].iter().for_each(|name| fs::create_dir(at(name)).unwrap());
        for (inbox, rejected, expected) in
            [("in2", "in", REJECTED), ("bad", "in2", INBOX), ("in2", "bad", REJECTED)]
        {
            let other = Folders { inbox: at(inbox), outbox: at("out2"), rejected: at(rejected) };
            assert!(matches!(other.lock(), Err(FolderError::Used { purpose, .. }) if purpose == expected));
        }
        drop(locks);
        other.lock().unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_folder_that_is_made_again_is_taken_again() {
        let case = Case::new();
        let at = |name: &str| case.0.path().join(name);
        let one = Folders { inbox: at("in"), outbox: at("out"), rejected: at("bad") };
        let (own, free) = (at("data"), at("free"));
        fs::create_dir(&free).unwrap();
        let other = |folder| match folder {
            "in" => Folders { outbox: own.clone(), rejected: free.clone(), ..one.clone() },
            "out" => Folders { inbox: own.clone(), rejected: free.clone(), ..one.clone() },
            _ => Folders { inbox: own.clone(), outbox: free.clone(), ..one.clone() },
        };
        for folder in ["in", "out", "bad"] {
            let mut locks = one.lock().unwrap();
            assert!(!locks.are_others());
            fs::remove_dir(at(folder)).unwrap();
            assert!(!locks.are_others(), "it may come again");
            fs::create_dir(at(folder)).unwrap();
            assert!(locks.are_others());
            locks.renew().unwrap();
            assert!(!locks.are_others());
            assert!(matches!(other(folder).lock(), Err(FolderError::Used { .. })), "{folder}");
        }
        let mut locks = one.lock().unwrap();
        fs::remove_dir(at("in")).unwrap();
        fs::create_dir(at("in")).unwrap();
        let _others = other("in").lock().unwrap();
        assert!(matches!(locks.renew(), Err(FolderError::Used { purpose: INBOX, .. })));
    }
}
