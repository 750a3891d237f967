//! Files in and out: bounded reads, and writes that leave either the whole file or none.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::CliError;

/// Who may read a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone the umask lets.
    Public,
    /// The owner alone: secret keys.
    Private,
}

/// Reads a whole file of at most `limit` bytes. A longer one costs no memory.
///
/// # Errors
/// If it cannot be read or is longer.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, CliError> {
    let fail = |source| CliError::Read { path: path.to_owned(), source };
    let file = open(path)?;
    let length = file.metadata().map_err(fail)?.len();
    if length > limit {
        return Err(CliError::TooLarge { path: path.to_owned(), limit });
    }
    // A pipe or a device has no length, and a file may grow: the limit holds while reading too.
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > limit {
        return Err(CliError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

/// Opens a file, not a directory, for reading.
///
/// # Errors
/// If that fails.
pub fn open(path: &Path) -> Result<File, CliError> {
    let fail = |source| CliError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(fail)?;
    if file.metadata().map_err(fail)?.is_dir() {
        return Err(fail(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    Ok(file)
}

/// Where results are written, and whether a file that is there may be replaced.
#[derive(Clone, Copy, Debug)]
pub struct Writer {
    /// Replace a file that exists.
    pub force: bool,
}

impl Writer {
    /// Refuses a path at which something exists already. Called before long work; the write itself
    /// checks once more.
    ///
    /// # Errors
    /// If there is something, or the folder that is to hold the file does not exist.
    pub fn check(self, path: &Path) -> Result<(), CliError> {
        let folder = folder_of(path);
        if !folder.is_dir() {
            return Err(CliError::NoFolder { path: path.to_owned(), folder });
        }
        if path.is_dir() || (!self.force && path.symlink_metadata().is_ok()) {
            return Err(CliError::OutputExists { path: path.to_owned() });
        }
        Ok(())
    }

    /// Writes a file under a temporary name in the same folder, syncs it, and gives it its name. Until
    /// then nothing is seen under the name, and whatever was there stays.
    ///
    /// # Errors
    /// If something is there and may not be replaced, or writing fails.
    pub fn write(self, path: &Path, bytes: &[u8], access: Access) -> Result<(), CliError> {
        self.check(path)?;
        let fail = |source| CliError::Write { path: path.to_owned(), source };
        let folder = folder_of(path);
        let mut file = temporary_file(&folder, access).map_err(fail)?;
        file.write_all(bytes).map_err(fail)?;
        file.as_file().sync_all().map_err(fail)?;
        if self.force {
            file.persist(path).map_err(|error| fail(error.error))?;
        } else {
            file.persist_noclobber(path).map_err(|error| match error.error.kind() {
                io::ErrorKind::AlreadyExists => CliError::OutputExists { path: path.to_owned() },
                _ => fail(error.error),
            })?;
        }
        // The name itself is durable only once its folder is.
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(fail)
    }

    /// Writes several files into a folder, which is made if it does not exist. None is written if one of
    /// them is there and may not be replaced.
    ///
    /// # Errors
    /// As for [`Writer::write`].
    pub fn write_all(self, folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), CliError> {
        fs::create_dir_all(folder).map_err(|source| CliError::Write { path: folder.to_owned(), source })?;
        files.iter().try_for_each(|(name, _)| self.check(&folder.join(name)))?;
        files.iter().try_for_each(|(name, bytes)| self.write(&folder.join(name), bytes, Access::Public))
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(unix)]
fn permissions(access: Access) -> Permissions {
    use std::os::unix::fs::PermissionsExt;
    Permissions::from_mode(match access {
        Access::Public => 0o666,
        Access::Private => 0o600,
    })
}

fn temporary_file(folder: &Path, access: Access) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".enfold-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(permissions(access));
    #[cfg(not(unix))]
    let _ = access;
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::{Access, Writer, read_bounded};
    use crate::error::CliError;

    #[test]
    fn a_file_above_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [7; 10]).unwrap();
        assert_eq!(read_bounded(&path, 10).unwrap(), [7; 10]);
        assert!(matches!(read_bounded(&path, 9), Err(CliError::TooLarge { limit: 9, .. })));
        assert!(matches!(read_bounded(folder.path(), 9), Err(CliError::Read { .. })));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_endless_device_is_read_up_to_the_limit() {
        assert!(matches!(read_bounded("/dev/zero".as_ref(), 1 << 16), Err(CliError::TooLarge { .. })));
    }

    #[test]
    fn what_exists_stays_without_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let careful = Writer { force: false };
        careful.write(&path, b"first", Access::Public).unwrap();
        let error = careful.write(&path, b"second", Access::Public).unwrap_err();
        assert!(matches!(error, CliError::OutputExists { .. }));
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        Writer { force: true }.write(&path, b"second", Access::Public).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    #[cfg(unix)]
    fn secrets_are_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        Writer { force: false }.write(&path, b"secret", Access::Private).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
