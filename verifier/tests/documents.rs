//! What the documents show of programs that depend on the verifier stands so in the example, which CI builds and runs.

use std::fs;
use std::path::Path;

/// The document's part about integrating.
fn integrating(root: &Path) -> String {
    let text = fs::read_to_string(root.join("docs/verifying.md")).unwrap();
    text.split_once("\n## Integrating\n").expect("a section").1.to_owned()
}

/// The blocks of code in a document: language and lines.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    text.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').expect("a line")).collect()
}

/// Whether a source has these lines, in this order.
fn has_lines(source: &str, block: &str) -> bool {
    let mut lines = source.lines().map(str::trim);
    block.lines().map(str::trim).all(|shown| lines.any(|line| line == shown))
}

#[test]
fn shown_code_is_the_examples() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |name: &str| fs::read_to_string(root.join("verifier/example").join(name)).unwrap();
    let readme = read("README.md");
    let text = integrating(&root);
    let mut shown = 0;
    for (language, block) in blocks(&text).into_iter().chain(blocks(&readme)) {
        let names: &[&str] = match language {
            "toml" => &["native/Cargo.toml", ".cargo/config.toml"],
            "rust" => &["native/src/main.rs"],
            "js" => &["wasm/run.mjs"],
            // Commands: those of the README are run by `.ci/verifier`.
            _ => continue,
        };
        // A program beside a clone of the repository has another path to the verifier.
        let block = block.replace("../enfold/verifier", "../..");
        assert!(names.iter().any(|name| has_lines(&read(name), &block)), "not in {names:?}:\n{block}");
        shown += 1;
    }
    assert_eq!(shown, 6, "blocks of code");
    let build = "cargo build --release -p verifier-wasm --target wasm32-unknown-unknown\n";
    assert!(text.contains(build) && readme.contains(build));
}
