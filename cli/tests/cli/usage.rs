//! The command line as such: usage errors, help, formats, closed pipes.

use std::process::{Command, Stdio};

use crate::common::{enfold, fail};

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [
        vec!["frobnicate"],
        vec!["keygen", "--foo"],
        vec!["keygen", "--threads", "0"],
        vec!["keygen", "--quiet", "--verbose"],
        vec!["init", "--data", "x"],
        vec!["import", "--csv", "x", "--out", "y"],
        vec!["sign", "--key", "x", "--to", "00", "--amount", "1", "--data", "y"],
        vec!["bundle", "--number", "0", "x", "--out", "y"],
        vec!["bundle", "--number", "1", "--fee", "1:2", "x", "--out", "y"],
    ] {
        fail(&arguments, 2, "usage");
        enfold().args(&arguments).assert().code(2).stdout("");
    }
    for amount in ["0", "-1", "4611686018427387904", "1.5"] {
        let to = "0".repeat(64);
        fail(&["sign", "--key", "x", "--to", &to, "--amount", amount, "--data", "y"], 2, "usage");
    }
    enfold().assert().code(2);
    enfold().args(["--format", "xml", "keygen"]).assert().code(2);
}

#[test]
fn help_of_every_subcommand_has_examples() {
    let output = enfold().arg("--help").output().unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    let list = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|&name| name != "help")
        .collect();
    assert!(names.len() > 3, "{help}");
    for name in names {
        let output = enfold().args([name, "--help"]).output().unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && help.contains(&format!("enfold {name}")), "{help}");
        assert!(help.contains("Example"), "{help}");
    }
    enfold().arg("--version").assert().success();
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_enfold"))
        .args(["keygen", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_under_stdout_is_an_internal_error() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_enfold")).arg("keygen").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: cannot write to stdout"));
}
