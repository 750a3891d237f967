//! Files that appear under their name only when they are complete and on disk.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use enfold_state::system::words;
pub use enfold_state::unfinished::Access;
use enfold_state::unfinished::Unfinished;

use crate::steps::{step, synced};

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is something under the name already.
    #[error("{path} already exists")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("{path}: {}", words(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What is on disk is not what was written.
    #[error("{path}: expected the {expected} bytes that were written, read back others")]
    Differs {
        /// The file.
        path: PathBuf,
        /// How many were written.
        expected: usize,
    },
    /// The disk is too full for what is about to be made.
    #[error("{path}: expected {expected} bytes of free space, got {got}")]
    Space {
        /// The folder.
        path: PathBuf,
        /// How many are needed.
        expected: u64,
        /// How many are free.
        got: u64,
    },
}

pub(crate) fn failed(path: &Path) -> impl FnOnce(io::Error) -> FileError {
    |source| FileError::Io { path: path.to_owned(), source }
}

/// The directory that a file is in.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Checks, before hours of work, that a file can be written under this name.
///
/// # Errors
/// If there is one already and it may not be replaced, or if its directory takes no files.
pub fn check_writable(path: &Path, force: bool) -> Result<(), FileError> {
    if !force && path.symlink_metadata().is_ok() {
        return Err(FileError::Exists { path: path.to_owned() });
    }
    if path.is_dir() {
        return Err(FileError::Io { path: path.to_owned(), source: io::ErrorKind::IsADirectory.into() });
    }
    unfinished(path, Access::Private).map(drop)
}

/// A complete file that still lacks its name.
#[derive(Debug)]
pub struct Staged {
    file: Unfinished,
    path: PathBuf,
}

fn unfinished(path: &Path, access: Access) -> Result<Unfinished, FileError> {
    Unfinished::new(parent(path), access).map_err(failed(path))
}

impl Staged {
    /// Writes the bytes beside their final place, through to the disk.
    ///
    /// # Errors
    /// If the system refuses; nothing is left behind then.
    pub fn write(path: &Path, bytes: &[u8]) -> Result<Self, FileError> {
        Self::write_for(path, bytes, Access::Public)
    }

    /// [`Staged::write`], for these readers.
    ///
    /// # Errors
    /// As [`Staged::write`].
    pub fn write_for(path: &Path, bytes: &[u8], access: Access) -> Result<Self, FileError> {
        step("write");
        let unfinished = unfinished(path, access)?;
        let mut file = unfinished.file();
        file.write_all(bytes).map_err(failed(path))?;
        file.sync_all().map_err(failed(path))?;
        let mut found = Vec::with_capacity(bytes.len());
        file.rewind().and_then(|()| file.read_to_end(&mut found)).map_err(failed(path))?;
        if found != bytes {
            return Err(FileError::Differs { path: path.to_owned(), expected: bytes.len() });
        }
        Ok(Self { file: unfinished, path: path.to_owned() })
    }

    /// Copies a file, however long, beside its final place, through to the disk.
    fn copy(from: &Path, path: &Path) -> Result<Self, FileError> {
        let file = unfinished(path, Access::Public)?;
        let mut source = File::open(from).map_err(failed(from))?;
        io::copy(&mut source, &mut file.file()).map_err(failed(path))?;
        file.file().sync_all().map_err(failed(path))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// If there is another by now and it may not be replaced, or if the system refuses.
    pub fn publish(self, force: bool) -> Result<(), FileError> {
        step("publish");
        let Self { mut file, path } = self;
        file.publish_at(&path, force).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => FileError::Exists { path: path.clone() },
            _ => FileError::Io { path: path.clone(), source },
        })?;
        step("published");
        sync_dir(parent(&path)).map_err(failed(&path))
    }
}

/// Gives a file another name, which nothing may have, durably. Between file systems it is copied.
pub(crate) fn move_new(from: &Path, to: &Path) -> Result<(), FileError> {
    step("move");
    match rename_new(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            Staged::copy(from, to)?.publish(false)?;
            step("moved");
            fs::remove_file(from).map_err(failed(from))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(FileError::Exists { path: to.to_owned() })
        }
        Err(error) => Err(failed(from)(error)),
        Ok(()) => {
            step("moved");
            sync_dir(parent(to)).map_err(failed(to))
        }
    }
}

/// Renames a file in one step, if nothing has the new name.
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // A file system that does not know how.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            renamed => return renamed.map_err(io::Error::from),
        }
    }
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // A file system without hard links.
        Err(_) => match to.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
            Err(error) => Err(error),
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        },
    }
}

/// Bytes that a folder's file system has free for this process; `None` where the system does not say.
pub(crate) fn free_space(dir: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let found = rustix::fs::statvfs(dir).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = dir;
        None
    }
}

/// Checks, before hours of work, that folders have room for what will be written to them. Needs of folders on one
/// file system add up.
///
/// # Errors
/// If one has not.
pub(crate) fn check_space(needs: &[(&Path, u64)]) -> Result<(), FileError> {
    let device = |dir: &Path| FileId::of(dir).map(|id| id.device);
    for &(dir, _) in needs {
        let shared = needs.iter().filter(|(other, _)| device(other) == device(dir));
        let expected = shared.map(|(_, bytes)| bytes).sum();
        if let Some(got) = free_space(dir).filter(|&got| got < expected) {
            return Err(FileError::Space { path: dir.to_owned(), expected, got });
        }
    }
    Ok(())
}

/// Which file or folder it is, whatever it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId {
    device: u64,
    file: u64,
}

impl FileId {
    /// That of what is at a path, links followed; `None` if nothing is, or where the system has no such numbers.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        Self::from_metadata(&fs::metadata(path).ok()?)
    }

    #[cfg(unix)]
    pub(crate) fn from_metadata(found: &fs::Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self { device: found.dev(), file: found.ino() })
    }

    #[cfg(not(unix))]
    pub(crate) fn from_metadata(_: &fs::Metadata) -> Option<Self> {
        None
    }
}

/// Brings a directory's names to the disk. Only on Unix can a directory be opened for that.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(dir)?.sync_all()?;
        synced(dir);
    }
    Ok(())
}

/// Brings a file's or folder's own name to the disk.
pub(crate) fn sync_name(path: &Path) -> io::Result<()> {
    sync_dir(parent(path))
}

/// Makes a folder in one that is there, unless it is there itself. Its name survives a power cut, if the folder that it
/// is in can be opened.
pub(crate) fn make_dir(dir: &Path) -> io::Result<()> {
    match fs::create_dir(dir) {
        // A run that was cut off may have made it, but not its name durable.
        Err(error) if !dir.is_dir() => Err(error),
        _ => match sync_name(dir) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        },
    }
}

/// Makes a folder and those that it is in, as far as they are missing. Their names survive a power cut.
pub(crate) fn make_dirs(dir: &Path) -> io::Result<()> {
    let folders: Vec<_> = dir.ancestors().filter(|dir| !dir.as_os_str().is_empty()).collect();
    folders.into_iter().rev().try_for_each(make_dir)
}

/// Writes a file as a whole or not at all.
///
/// # Errors
/// If there is one already and it may not be replaced, or if the system refuses.
pub fn write_file(path: &Path, bytes: &[u8], force: bool) -> Result<(), FileError> {
    check_writable(path, force)?;
    Staged::write(path, bytes)?.publish(force)
}

/// Writes a file that may be there already, if it is just this one.
pub(crate) fn publish(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    if holds(path, bytes) {
        // An attempt that failed may have given the name, but not made it durable.
        return sync_name(path).map_err(failed(path));
    }
    Staged::write(path, bytes)?.publish(false)
}

/// Whether a file holds just these bytes. A link is none: it may lead to a file that is about to be removed.
pub(crate) fn holds(path: &Path, bytes: &[u8]) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_file() && found.len() == bytes.len() as u64)
        && fs::read(path).is_ok_and(|found| found == bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_there_as_a_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("proof");
        let staged = Staged::write(&path, b"one").unwrap();
        assert!(!path.exists());
        drop(staged);
        assert!(names(dir.path()).is_empty(), "nothing is left behind");
        write_file(&path, b"two", false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(dir.path()), ["proof"]);
    }

    #[test]
    #[cfg(unix)]
    fn secrets_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        Staged::write_for(&path, b"secret", Access::Private).unwrap().publish(false).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn existing_files_are_kept_unless_forced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("proof");
        // Both before the work and at its end, when another may have come first.
        let staged = Staged::write(&path, b"late").unwrap();
        write_file(&path, b"first", false).unwrap();
        assert!(matches!(check_writable(&path, false), Err(FileError::Exists { .. })));
        assert!(matches!(staged.publish(false), Err(FileError::Exists { .. })));
        assert!(matches!(write_file(&path, b"second", false), Err(FileError::Exists { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write_file(&path, b"second", true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names(dir.path()), ["proof"]);
    }

    #[test]
    fn a_file_that_is_moved_replaces_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        ["a", "b"].iter().for_each(|name| fs::write(path(name), name).unwrap());
        assert!(matches!(move_new(&path("a"), &path("b")), Err(FileError::Exists { .. })));
        // Nor does one that is moved to its own other name vanish, or a link that leads nowhere.
        fs::hard_link(path("a"), path("same")).unwrap();
        assert!(matches!(move_new(&path("a"), &path("same")), Err(FileError::Exists { .. })));
        move_new(&path("a"), &path("c")).unwrap();
        assert_eq!(names(dir.path()), ["b", "c", "same"]);
        assert_eq!(fs::read(path("c")).unwrap(), b"a");
        assert!(matches!(move_new(&path("a"), &path("d")), Err(FileError::Io { .. })));
    }

    #[test]
    fn a_file_is_copied_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a"), vec![7; 100_000]).unwrap();
        Staged::copy(&path("a"), &path("b")).unwrap().publish(false).unwrap();
        assert_eq!(fs::read(path("b")).unwrap(), vec![7; 100_000]);
        assert!(Staged::copy(&path("none"), &path("c")).is_err());
        assert_eq!(names(dir.path()), ["a", "b"]);
    }

    #[test]
    #[cfg(unix)]
    fn folders_are_made_with_names_that_stay() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let synced = || {
            let mut synced = crate::steps::synced_of(|| make_dirs(&at("a/b/c")).unwrap());
            synced.retain(|folder| folder.starts_with(dir.path()));
            synced
        };
        assert_eq!(synced(), [dir.path().to_owned(), at("a"), at("a/b")]);
        // And again: the run that made them may have been cut off before.
        assert_eq!(synced().len(), 3);
        fs::write(at("file"), "").unwrap();
        assert!(make_dirs(&at("file")).is_err() && make_dirs(&at("file/x")).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn a_link_holds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "x").unwrap();
        std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
        assert!(holds(&at("file"), b"x") && !holds(&at("file"), b"y") && !holds(&at("link"), b"x"));
    }

    #[test]
    #[cfg(unix)]
    fn space_is_summed_by_file_system() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        [&one, &two].into_iter().for_each(|dir| fs::create_dir(dir).unwrap());
        check_space(&[(&one, 1), (&two, 1)]).unwrap();
        let most = free_space(&one).unwrap() / 4 * 3;
        check_space(&[(&one, most)]).unwrap();
        let error = check_space(&[(&one, most), (&two, most)]).unwrap_err();
        assert!(matches!(error, FileError::Space { expected, .. } if expected == 2 * most), "{error}");
    }

    #[test]
    fn places_that_take_no_file_are_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("no/such/dir/proof");
        assert!(matches!(check_writable(&missing, true), Err(FileError::Io { .. })));
        assert!(matches!(check_writable(dir.path(), true), Err(FileError::Io { .. })));
        assert!(matches!(check_writable(dir.path(), false), Err(FileError::Exists { .. })));
        check_writable(&dir.path().join("proof"), false).unwrap();
        assert!(names(dir.path()).is_empty());
    }
}
