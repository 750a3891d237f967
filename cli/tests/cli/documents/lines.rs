//! The command lines that README and docs show.

use std::path::Path;

/// Spans that begin with the program's name and are no commands, each with what it is.
const OTHERS: [&str; 1] = [
    // The first bytes of a file.
    "enfold circuit 1",
];

/// A document's command lines, in their order.
#[derive(Debug, Default)]
pub struct Document {
    /// Its path in the repository.
    pub name: String,
    /// Whole command lines; those of `sh` blocks that prepare a call are among them.
    pub lines: Vec<String>,
    /// Names of commands in the text, perhaps with the name of an option.
    pub names: Vec<String>,
}

/// README and all of docs.
pub fn documents() -> Vec<Document> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = std::fs::read_dir(root.join("docs")).expect("the documents are there");
    let docs = docs.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<_> =
        docs.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    names.push("README.md".to_owned());
    names.sort();
    let read = |name: String| {
        let text = std::fs::read_to_string(root.join(&name)).expect("the document is there");
        document(name, &text)
    };
    names.into_iter().map(read).collect()
}

fn document(name: String, text: &str) -> Document {
    let mut found = Document { name, ..Document::default() };
    for (at, part) in text.split("```").enumerate() {
        if at % 2 == 0 {
            for span in part.split('`').skip(1).step_by(2) {
                found.span(&span.split_whitespace().collect::<Vec<_>>());
            }
        } else {
            let (language, block) = part.split_once('\n').unwrap_or_default();
            found.lines.extend(block.lines().filter_map(|line| of_block(line, language == "sh")));
        }
    }
    found
}

impl Document {
    /// Takes a span of code in the text, if it is a command.
    fn span(&mut self, words: &[&str]) {
        let span = words.join(" ");
        if words.len() < 2 || words[0] != "enfold" || OTHERS.contains(&span.as_str()) {
            return;
        }
        let plain = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let options = words.iter().skip_while(|word| !word.starts_with("--"));
        if words.iter().all(plain) && options.count() < 2 {
            self.names.push(span);
        } else {
            self.lines.push(span);
        }
    }
}

/// A line of a block without its comment, if it is a command.
fn of_block(line: &str, shell: bool) -> Option<String> {
    let line = line.split(" #").next().unwrap_or_default().trim();
    let line = line.replace("cargo run --release -- ", "enfold ");
    // Building is no business of these tests.
    let build = line.starts_with("alias ") || line.starts_with("cargo ");
    (line.starts_with("enfold ") || shell && !build && !line.is_empty()).then_some(line)
}
