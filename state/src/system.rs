//! What the operating system says of a failure, in the program's own words.

use std::io::{Error, ErrorKind};

/// A system's error without its number, as part of a line that names the file.
pub fn words(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file or folder".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::IsADirectory => "expected a file, got a folder".to_owned(),
        ErrorKind::NotADirectory => "expected a folder, got a file".to_owned(),
        ErrorKind::AlreadyExists => "there is something else of this name".to_owned(),
        _ => {
            let text = error.to_string();
            match text.split_once(" (os error ") {
                Some((words, _)) => words.to_lowercase(),
                None => text,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_words_and_no_numbers() {
        assert_eq!(words(&ErrorKind::NotADirectory.into()), "expected a folder, got a file");
        assert_eq!(words(&Error::other("invalid UTF-8")), "invalid UTF-8");
        let missing = std::fs::File::open("no/such/file").unwrap_err();
        assert_eq!(words(&missing), "no such file or folder");
        #[cfg(target_os = "linux")]
        assert_eq!(words(&Error::from_raw_os_error(28)), "no space left on device");
    }
}
