//! Files in and out: bounded reads, and writes that leave either the whole file or none.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use enfold_prover::files::{Access, Staged, check_writable};

use crate::error::CliError;

/// Reads a whole file of at most `limit` bytes. A longer one costs no memory.
///
/// # Errors
/// If it cannot be read or is longer.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    read_with(path, limit, |reader| {
        reader.read_to_end(&mut bytes).map_err(|source| CliError::Read { path: path.to_owned(), source })
    })?;
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
    let fail = |source| CliError::Read { path: path.to_owned(), source };
    let too_large = || CliError::TooLarge { path: path.to_owned(), limit };
    let file = open(path)?;
    if file.metadata().map_err(fail)?.len() > limit {
        return Err(too_large());
    }
    // A pipe or a device has no length, and a file may grow: the limit holds while reading too.
    let mut reader = BufReader::with_capacity(1 << 16, file).take(limit);
    let result = read(&mut reader);
    if reader.limit() == 0 && !reader.into_inner().fill_buf().map_err(fail)?.is_empty() {
        return Err(too_large());
    }
    result
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

/// What is in a folder under names that end in this extension, by name. What is there and is no file (a folder, a link
/// that leads nowhere) is not left out in silence: reading it fails.
///
/// # Errors
/// If the folder cannot be read.
pub fn files_in(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, CliError> {
    let fail = |source| CliError::Read { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
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
    fs::create_dir_all(folder).map_err(|source| CliError::Folder { path: folder.to_owned(), source })?;
    let path = |name: &str| folder.join(name);
    files.iter().try_for_each(|(name, _)| check_writable(&path(name), force))?;
    let staged: Vec<Staged> =
        files.iter().map(|(name, bytes)| Staged::write(&path(name), bytes)).collect::<Result<_, _>>()?;
    Ok(staged.into_iter().try_for_each(|staged| staged.publish(force))?)
}

#[cfg(test)]
mod tests {
    use super::read_bounded;
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
}
