//! What the command line's tests share: running the binary, and checking how it ends.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// The binary. It keeps nothing in the user's folders.
pub fn enfold() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_enfold"));
    command.env("ENFOLD_CACHE", "");
    command
}

/// Runs a command line that must succeed, in JSON format, and gives its result.
pub fn run(arguments: &[&str]) -> Value {
    let (exit, result, errors) = outcome(arguments);
    assert_eq!(exit, 0, "{arguments:?}: {result} {errors}");
    assert_eq!(result["ok"], true, "{result}");
    assert_eq!(result["command"], arguments[0], "{result}");
    result
}

/// Runs a command line that must fail with this exit code and kind of error, and gives the message, which
/// stands in one line on stderr too.
pub fn fail(arguments: &[&str], exit: i32, kind: &str) -> String {
    let (got, result, errors) = outcome(arguments);
    let error = &result["error"];
    assert_eq!((got, error["kind"].as_str()), (exit, Some(kind)), "{arguments:?}: {result} {errors}");
    assert_eq!(result["ok"], false, "{result}");
    assert_eq!(error["exit_code"], exit, "{result}");
    let message = error["message"].as_str().expect("a message").to_owned();
    assert!(errors.lines().any(|line| line == format!("error: {message}")), "{message} / {errors}");
    message
}

fn outcome(arguments: &[&str]) -> (i32, Value, String) {
    let output = enfold().args(arguments).args(["--format", "json"]).output().expect("the binary runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8 on stdout");
    assert_eq!(text.lines().count(), 1, "one object in one line: {text}");
    let result = serde_json::from_str(&text).expect("JSON on stdout");
    let errors = String::from_utf8(output.stderr).expect("UTF-8 on stderr");
    assert!(!errors.contains("panicked"), "{errors}");
    (output.status.code().expect("no signal"), result, errors)
}

/// A folder with paths in it.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// An empty folder, removed when this is dropped.
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Writes a file.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), bytes).expect("a temporary folder takes files");
        self.path(name)
    }

    /// Writes a file that only its owner can read.
    pub fn write_private(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.write(name, bytes);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
        }
        path
    }

    /// Names of all that is in it, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("the folder is there");
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<String> = entries.map(|entry| name(entry).into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }
}

/// The CSV file of the tests.
pub fn csv() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/transfers.csv");
    path.to_str().expect("UTF-8").to_owned()
}

/// Reads a JSON file.
pub fn json(path: impl Into<PathBuf>) -> Value {
    serde_json::from_slice(&std::fs::read(path.into()).expect("the file is there")).expect("JSON")
}

/// The command line that makes a receipt, without a profile: from a data directory, and from a data file or a folder of them.
pub fn make_receipt<'a>(state: &'a str, tx: &'a str, data: &'a str, out: &'a str) -> [&'a str; 9] {
    ["receipt", "--data", state, "--tx", tx, "--data-file", data, "--out", out]
}

/// The command line that checks a receipt of the test profile.
pub fn verify_receipt<'a>(receipt: &'a str, proof: &'a str) -> [&'a str; 5] {
    ["verify-receipt", receipt, proof, "--profile", "test"]
}
