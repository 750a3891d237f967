//! Files in and out: bounded reads, and writes that leave either the whole file or none.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use enfold_prover::files::{Access, Staged, check_writable};
use enfold_state::system::words;

use crate::error::{CliError, Failure, io_exit};
use crate::exit::Exit;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be opened or read.
    #[error("{}: {}", path.display(), words(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is longer than any file of its sort.
    #[error("{}: expected at most {limit} bytes, got more", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The greatest length.
        limit: u64,
    },
}

impl Failure for ReadError {
    fn kind(&self) -> &'static str {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => "missing_file",
            Self::Io { .. } => "unreadable_file",
            Self::TooLarge { .. } => "file_too_large",
        }
    }
}

/// A folder for outputs cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot create the folder: {}", path.display(), words(source))]
pub struct CreateFolderError {
    /// The folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Failure for CreateFolderError {
    fn exit(&self) -> Exit {
        io_exit(&self.source)
    }

    fn kind(&self) -> &'static str {
        "folder"
    }
}

/// Puts the file that cannot be read in front of what the system says.
pub fn unreadable(path: &Path) -> impl Fn(io::Error) -> ReadError {
    move |source| ReadError::Io { path: path.to_owned(), source }
}

/// Makes a folder, unless it is there.
///
/// # Errors
/// If the system refuses.
pub fn create_folder(path: &Path) -> Result<(), CreateFolderError> {
    fs::create_dir_all(path).map_err(|source| CreateFolderError { path: path.to_owned(), source })
}

/// Makes a folder that is removed when it is not used any more.
///
/// # Errors
/// If the system refuses.
pub fn temporary_folder() -> Result<tempfile::TempDir, CreateFolderError> {
    tempfile::tempdir().map_err(|source| CreateFolderError { path: std::env::temp_dir(), source })
}

/// Reads a whole file of at most `limit` bytes. A longer one costs no memory.
///
/// # Errors
/// If it cannot be read or is longer.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    read_with(path, limit, |reader| Ok(reader.read_to_end(&mut bytes).map_err(unreadable(path))?))?;
    Ok(bytes)
}

/// Reads a file of at most `limit` bytes piece by piece. A longer one is refused before it is read, if its length is
/// known, or else when it turns out to be longer, whatever was made of its start.
///
/// # Errors
/// If it cannot be opened, is longer, or that of `read`.
pub fn read_with<T>(
    path: &Path,
    limit: u64,
    read: impl FnOnce(&mut dyn BufRead) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let fail = unreadable(path);
    let too_large = || ReadError::TooLarge { path: path.to_owned(), limit };
    let file = open(path)?;
    if file.metadata().map_err(&fail)?.len() > limit {
        return Err(too_large().into());
    }
    // A pipe or a device has no length, and a file may grow: the limit holds while reading too.
    let mut reader = BufReader::with_capacity(1 << 16, file).take(limit);
    let result = read(&mut reader);
    if reader.limit() == 0 && !reader.into_inner().fill_buf().map_err(&fail)?.is_empty() {
        return Err(too_large().into());
    }
    result
}

/// Opens a file, not a directory, for reading.
///
/// # Errors
/// If that fails.
pub fn open(path: &Path) -> Result<File, ReadError> {
    let fail = unreadable(path);
    let file = File::open(path).map_err(&fail)?;
    if file.metadata().map_err(&fail)?.is_dir() {
        return Err(fail(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    Ok(file)
}

/// What is in a folder under names that end in this extension, by name. What is there and is no file (a folder, a link
/// that leads nowhere) is not left out in silence: reading it fails.
///
/// # Errors
/// If the folder cannot be read.
pub fn files_in(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, ReadError> {
    let fail = unreadable(folder);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(&fail)? {
        let path = entry.map_err(&fail)?.path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Writes one file: all of it or nothing.
///
/// # Errors
/// If something is there and `force` is off, or writing fails.
pub fn write(path: &Path, bytes: &[u8], access: Access, force: bool) -> Result<(), CliError> {
    check_writable(path, force)?;
    Ok(Staged::write_for(path, bytes, access)?.publish(force)?)
}

/// Writes several files into a folder, which is made if it does not exist. None gets its name before all are
/// on disk, and none does if one of them is there already and `force` is off.
///
/// # Errors
/// As for [`write()`].
pub fn write_all(folder: &Path, files: &[(String, Vec<u8>)], force: bool) -> Result<(), CliError> {
    create_folder(folder)?;
    let path = |name: &str| folder.join(name);
    files.iter().try_for_each(|(name, _)| check_writable(&path(name), force))?;
    let staged: Vec<Staged> =
        files.iter().map(|(name, bytes)| Staged::write(&path(name), bytes)).collect::<Result<_, _>>()?;
    Ok(staged.into_iter().try_for_each(|staged| staged.publish(force))?)
}

#[cfg(test)]
mod tests {
    use super::read_bounded;

    #[test]
    fn a_file_above_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [7; 10]).unwrap();
        assert_eq!(read_bounded(&path, 10).unwrap(), [7; 10]);
        assert_eq!(read_bounded(&path, 9).unwrap_err().kind(), "file_too_large");
        assert_eq!(read_bounded(folder.path(), 9).unwrap_err().kind(), "unreadable_file");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_endless_device_is_read_up_to_the_limit() {
        assert_eq!(read_bounded("/dev/zero".as_ref(), 1 << 16).unwrap_err().kind(), "file_too_large");
    }
}
