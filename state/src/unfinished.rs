//! Files that are being written and must not be seen, nor stay behind, before they are whole.
//!
//! On Linux they have no name until [`Unfinished::publish`] gives them one, so a process that is killed leaves nothing.
//! Elsewhere, and on file systems that have no files without a name, they are hidden files with names of their own,
//! locked as long as they are written; the next one in the same folder removes those that nobody holds.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How the names of unfinished files begin and end, where they have names.
const PREFIX: &str = ".enfold-";
/// End of the names of files that are not finished.
pub const SUFFIX: &str = ".part";

/// Age from which an unfinished file that nobody holds is left over. Before that it may be about to be locked.
const STALE: Duration = Duration::from_secs(60);

/// The users that may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever the process's mask lets.
    Public,
    /// Its owner alone: secrets.
    Private,
}

impl Access {
    #[cfg(unix)]
    const fn mode(self) -> u32 {
        match self {
            Self::Public => 0o666,
            Self::Private => 0o600,
        }
    }
}

/// A file in a folder, not yet under its name. It goes when it is dropped.
#[derive(Debug)]
pub struct Unfinished {
    file: File,
    folder: PathBuf,
    /// The name that it has meanwhile, if it must have one.
    name: Option<PathBuf>,
}

impl Unfinished {
    /// An empty file, to be written and read.
    ///
    /// # Errors
    /// If the folder takes none.
    pub fn new(folder: &Path, access: Access) -> io::Result<Self> {
        match unnamed(folder, access)? {
            Some(file) => Ok(Self { file, folder: folder.to_owned(), name: None }),
            None => {
                remove_left_over(folder);
                Self::named(folder, access)
            }
        }
    }

    fn named(folder: &Path, access: Access) -> io::Result<Self> {
        let (name, file) = fresh(folder, |path| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, access.mode());
            #[cfg(not(unix))]
            let _ = access;
            options.open(path)
        })?;
        // A file system without locks has leftovers only by age.
        let _ = file.try_lock_shared();
        Ok(Self { file, folder: folder.to_owned(), name: Some(name) })
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file its name, in its folder, in one step. With `force` it replaces what is there.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] if something is there and is not to be replaced, or what the system says.
    pub fn publish(mut self, name: &str, force: bool) -> io::Result<()> {
        self.publish_at(&self.folder.join(name), force)
    }

    /// [`Unfinished::publish`] under a path in the same folder.
    ///
    /// # Errors
    /// As [`Unfinished::publish`].
    pub fn publish_at(&mut self, path: &Path, force: bool) -> io::Result<()> {
        match (&self.name, force) {
            (None, false) => link(&self.file, path),
            (None, true) => {
                // What has no name cannot replace what has one.
                let (name, ()) = fresh(&self.folder, |name| link(&self.file, name))?;
                fs::rename(&name, path).inspect_err(|_| drop(fs::remove_file(&name)))
            }
            (Some(name), true) => {
                fs::rename(name, path)?;
                self.name = None;
                Ok(())
            }
            (Some(name), false) => match fs::hard_link(name, path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
                // A file system without hard links.
                Err(_) if path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound) => {
                    fs::rename(name, path)?;
                    self.name = None;
                    Ok(())
                }
                linked => linked,
            },
        }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // What cannot be removed now is removed as a leftover.
            let _ = fs::remove_file(name);
        }
    }
}

/// Makes something under a name in the folder that nobody else uses.
fn fresh<T>(folder: &Path, mut make: impl FnMut(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let (process, number) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = folder.join(format!("{PREFIX}{process}-{number}{SUFFIX}"));
        match make(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return made.map(|made| (path, made)),
        }
    }
}

/// Removes unfinished files that a killed process has left in a folder. What somebody holds, or is too new to tell, stays.
pub fn remove_left_over(folder: &Path) {
    remove_stale(folder, STALE);
}

fn remove_stale(folder: &Path, age: Duration) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| is_unfinished(&entry.file_name().to_string_lossy())) {
        let path = entry.path();
        let old = entry.metadata().and_then(|found| found.modified());
        let old = old.is_ok_and(|at| at.elapsed().is_ok_and(|elapsed| elapsed >= age));
        let held = || File::open(&path).and_then(|file| Ok(file.try_lock()?)).is_err();
        if old && !held() {
            // It costs space, nothing else.
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether a file's name is one of ours for unfinished files, of this version or of an earlier one.
fn is_unfinished(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
        || name.starts_with("state.redb.") && name.ends_with(".new")
}

/// A file without a name; `None` where there is no such thing.
#[cfg(target_os = "linux")]
fn unnamed(folder: &Path, access: Access) -> io::Result<Option<File>> {
    use rustix::fs::{Mode, OFlags};
    use rustix::io::Errno;
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::open(folder, flags, Mode::from_raw_mode(access.mode())) {
        Ok(file) => Ok(Some(file.into())),
        // What kernels and file systems say that do not know it (open(2)).
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_: &Path, _: Access) -> io::Result<Option<File>> {
    Ok(None)
}

/// Gives a file without a name one (open(2), `O_TMPFILE`).
#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::linkat(rustix::fs::CWD, open, rustix::fs::CWD, path, rustix::fs::AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    type Make = fn(&Path, Access) -> io::Result<Unfinished>;

    #[test]
    fn a_file_appears_when_it_is_published() {
        for make in [Unfinished::new as Make, Unfinished::named] {
            let dir = tempfile::tempdir().unwrap();
            let write = |bytes: &[u8]| {
                let file = make(dir.path(), Access::Public).unwrap();
                file.file().write_all(bytes).unwrap();
                file
            };
            drop(write(b"given up"));
            assert!(names(dir.path()).is_empty());
            write(b"one").publish("file", false).unwrap();
            let error = write(b"two").publish("file", false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists);
            assert_eq!(fs::read(dir.path().join("file")).unwrap(), b"one");
            write(b"three").publish("file", true).unwrap();
            assert_eq!(fs::read(dir.path().join("file")).unwrap(), b"three");
            fs::create_dir(dir.path().join("folder")).unwrap();
            assert!(write(b"four").publish("folder", true).is_err());
            assert_eq!(names(dir.path()), ["file", "folder"]);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn on_linux_there_is_no_name_to_be_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        // Where the temporary folder's file system knows it.
        if unnamed(dir.path(), Access::Public).unwrap().is_some() {
            let file = Unfinished::new(dir.path(), Access::Public).unwrap();
            assert!(names(dir.path()).is_empty());
            drop(file);
        }
    }

    #[test]
    fn leftovers_go_and_what_is_held_stays() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(dir.path().join(name), b"half").unwrap();
        let held = Unfinished::named(dir.path(), Access::Public).unwrap();
        [".enfold-abc.part", "state.redb.17-0.new", "state.redb", "mine.part", ".enfold-x"]
            .iter()
            .for_each(|name| write(name));
        remove_stale(dir.path(), STALE);
        assert_eq!(names(dir.path()).len(), 6, "all are too new");
        remove_stale(dir.path(), Duration::ZERO);
        assert_eq!(names(dir.path()).len(), 4, "{:?}", names(dir.path()));
        assert!([".enfold-x", "mine.part", "state.redb"].iter().all(|name| dir.path().join(name).exists()));
        drop(held);
        assert_eq!(names(dir.path()).len(), 3);
    }
}
