//! The commands of README and docs, as they are written there, with the test profile.

use std::path::Path;
use std::process::Command;

use crate::common::Folder;

/// The lines of all `sh` blocks of a document that call `enfold`, or prepare a call.
fn commands(document: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(document);
    let text = std::fs::read_to_string(path).expect("the document is there");
    let blocks = text.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("sh\n"));
    let lines = blocks.flat_map(str::lines).map(str::to_owned);
    // Building is not this test's business.
    lines.filter(|line| !line.starts_with("alias ") && !line.starts_with("cargo ")).collect()
}

fn run_all(document: &str, least: usize) {
    let commands = commands(document);
    let calls = commands.iter().filter(|line| line.starts_with("enfold ")).count();
    assert!(calls >= least, "{commands:?}");
    let folder = Folder::new();
    let binary = Path::new(env!("CARGO_BIN_EXE_enfold")).parent().expect("a folder");
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
    for line in commands {
        let output = Command::new("sh")
            .args(["-e", "-c", &line])
            .current_dir(folder.path(""))
            .env("PATH", &path)
            .env("ENFOLD_PROFILE", "test")
            .env("ENFOLD_CACHE", "")
            .output()
            .expect("a shell");
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{line}: {} {}", text(&output.stdout), text(&output.stderr));
    }
}

#[test]
#[cfg(unix)]
fn an_operators_way() {
    run_all("README.md", 6);
}

#[test]
#[cfg(unix)]
fn operating() {
    run_all("docs/operating.md", 7);
}
