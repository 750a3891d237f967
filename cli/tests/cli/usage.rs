//! The command line as such: usage errors, help, formats, closed pipes.

use std::process::{Command, Stdio};

use serde_json::Value;

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
}

/// A pattern such as `*.proof` may put a file's name on the command line that reads as an option.
#[test]
fn a_file_that_is_named_like_an_option_ends_nothing_with_success() {
    for arguments in [
        &["verify", "-h.proof"][..],
        &["verify", "-V.proof"],
        &["verify", "--help.proof"],
        &["verify", "--help=x.proof"],
        &["verify", "--version.proof"],
        &["verify", "-vh"],
        &["verify", "a.proof", "-h"],
        &["verify", "-h", "a.proof"],
        &["verify", "--help", "a.proof", "--profile", "test"],
        &["verify-receipt", "-h.receipt", "a.proof"],
        &["verify-account", "a.account", "-h.proof"],
        &["rebuild", "--genesis", "g", "-h.proof", "a.proof"],
        &["rebuild", "--genesis", "g", "a.proof", "--help"],
        &["inspect", "-h", "a.proof"],
        &["ids", "-h.bin"],
        &["bundle", "--number", "1", "-h.tx", "a.tx", "--out", "b"],
        &["receipt", "--data", "s", "--tx", "0", "--data-file", "-h.data", "a.data"],
        &["-h.proof"],
        &["-V.proof"],
    ] {
        let message = fail(arguments, 2, "usage");
        enfold().args(arguments).assert().code(2);
        assert!(!message.is_empty());
    }
    let message = fail(&["verify", "-h.proof"], 2, "usage");
    assert!(message.contains("'-h.proof'") && message.contains("./-NAME"), "{message}");
    // After `--` it is a file, and so it is with its folder.
    for name in ["./-h.proof", "--"] {
        let rest: &[&str] = if name == "--" { &["--", "-h.proof"] } else { &["./-h.proof"] };
        enfold().arg("verify").args(rest).assert().code(3);
    }
    for arguments in
        [&["verify", "--help"][..], &["-h"], &["help", "verify"], &["verify", "--profile", "test", "-h"]]
    {
        enfold().args(arguments).assert().success();
    }
}

#[test]
fn the_version_names_the_kernels() {
    let output = enfold().arg("--version").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let kernels = ["portable", "NEON", "AVX2", "AVX-512"];
    let version = env!("CARGO_PKG_VERSION");
    let lines = kernels.map(|kernels| format!("enfold {version} (kernels: {kernels})\n"));
    assert!(output.status.success() && lines.contains(&text), "{text}");
}

#[test]
fn kernels_that_are_asked_for_are_used_or_refused() {
    let config = |kernels: &str| {
        let output = enfold().env("ENFOLD_KERNELS", kernels).args(["config", "--format", "json"]).output();
        let output = output.unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), result, errors)
    };
    // No name is none.
    let (exit, result, errors) = config("");
    assert_eq!((exit, errors.as_str()), (0, ""));
    let in_use = result["kernels"].as_str().unwrap().to_owned();
    let (exit, result, errors) = config(&in_use);
    assert_eq!((exit, errors.as_str(), &result["kernels"]), (0, "", &in_use.as_str().into()));
    // A build for this machine has no others.
    for other in
        ["portable", "neon", "avx2", "avx512", "sse9", "AVX2"].iter().filter(|other| **other != in_use)
    {
        let (exit, result, errors) = config(other);
        assert_eq!((exit, &result["error"]["kind"]), (2, &"setting".into()), "{result}");
        let expected = format!("expected {in_use}, the only kernels");
        assert!(
            errors.starts_with("error: ENFOLD_KERNELS: kernels: ") && errors.contains(&expected),
            "{errors}"
        );
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_process_has_the_name_that_it_was_started_with() {
    use std::os::unix::process::CommandExt;

    // A command that waits: for its input.
    let mut child = Command::new(env!("CARGO_BIN_EXE_enfold"))
        .arg0("/somewhere/prover-7")
        .args(["bundle", "--number", "1", "--out", "x", "/dev/stdin"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let path = format!("/proc/{}/comm", child.id());
    let named = (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        std::fs::read_to_string(&path).is_ok_and(|name| name == "prover-7\n")
    });
    drop(child.stdin.take());
    child.wait().unwrap();
    assert!(named);
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
