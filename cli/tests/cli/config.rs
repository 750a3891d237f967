//! Settings: option, environment, file, default; and errors that name key and place.

use serde_json::Value;

use crate::common::{Folder, enfold};

/// Runs `enfold` in a folder with variables; exit code, stdout, stderr.
fn run_in(folder: &Folder, variables: &[(&str, &str)], arguments: &[&str]) -> (i32, String, String) {
    let mut command = enfold();
    command.current_dir(folder.path("")).args(arguments);
    for name in ["CONFIG", "FORMAT", "THREADS", "LOG", "DATA", "PROFILE"] {
        command.env_remove(format!("ENFOLD_{name}"));
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A setting in force: its value and its source.
fn in_force(
    folder: &Folder,
    variables: &[(&str, &str)],
    arguments: &[&str],
    key: &str,
) -> (Value, Value, Value) {
    let arguments = [&["config", "--format", "json"], arguments].concat();
    let (exit, text, errors) = run_in(folder, variables, &arguments);
    assert_eq!(exit, 0, "{errors}");
    let report: Value = serde_json::from_str(&text).unwrap();
    let settings = report["settings"].as_array().unwrap();
    let setting = settings.iter().find(|setting| setting["key"] == key).unwrap();
    (setting["value"].clone(), setting["source"].clone(), setting["place"].clone())
}

#[test]
fn the_option_comes_first_then_the_environment_then_the_file() {
    let folder = Folder::new();
    let variables = [("ENFOLD_THREADS", "3")];
    let of = |variables: &[_], arguments: &[_]| in_force(&folder, variables, arguments, "threads");
    assert_eq!(of(&[], &[]), (Value::Null, "default".into(), Value::Null));
    folder.write("enfold.toml", "# two\nthreads = 2\n");
    assert_eq!(of(&[], &[]), ("2".into(), "file".into(), "enfold.toml:2".into()));
    assert_eq!(of(&variables, &[]), ("3".into(), "environment".into(), "ENFOLD_THREADS".into()));
    assert_eq!(of(&variables, &["--threads", "4"]), ("4".into(), "flag".into(), "--threads".into()));
    // Another file, named either way.
    let other = folder.write("other.toml", "threads = 7");
    assert_eq!(of(&[], &["--config", &other]).0, "7");
    assert_eq!(of(&[("ENFOLD_CONFIG", &other)], &[]).0, "7");
    let (_, text, _) = run_in(&folder, &variables, &["config"]);
    assert!(text.contains("settings from enfold.toml") && text.contains("ENFOLD_THREADS"), "{text}");
}

#[test]
fn settings_do_what_options_do() {
    let folder = Folder::new();
    folder.write("enfold.toml", "format = \"json\"\nprofile = \"test\"\ndata = \"nowhere\"\n");
    // The data directory, which the command must have, and the format come from the file.
    folder.write(
        "block",
        enfold_state::codec::encode(&enfold_state::block::Block {
            chain_id: 1,
            number: 1,
            time: 1,
            fees: vec![],
            transactions: vec![],
        })
        .unwrap(),
    );
    let (exit, text, _) = run_in(&folder, &[], &["prove", "--block", "block", "--out", "proof"]);
    let error: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((exit, &error["error"]["kind"]), (3, &"missing_data".into()), "{text}");
    assert!(error["error"]["message"].as_str().unwrap().contains("nowhere"), "{text}");
    let (_, text, _) =
        run_in(&folder, &[("ENFOLD_DATA", "elsewhere")], &["prove", "--block", "block", "--out", "p"]);
    assert!(text.contains("elsewhere"), "{text}");
    // Help shows what is in force.
    let (_, text, _) = run_in(&folder, &[], &["prove", "--help"]);
    assert!(text.contains("[env: ENFOLD_DATA]") && text.contains("[default: nowhere]"), "{text}");
}

#[test]
fn what_is_wrong_is_said_in_one_line_with_key_and_place() {
    let folder = Folder::new();
    let refused = |text: &str| {
        folder.write("enfold.toml", text);
        let (exit, result, errors) = run_in(&folder, &[], &["config"]);
        assert_eq!((exit, result.as_str(), errors.lines().count()), (3, "", 1), "{errors}");
        errors.trim_end().to_owned()
    };
    assert_eq!(
        refused("format = \"json\"\nthread = 2"),
        "error: enfold.toml:2: unknown key \"thread\", did you mean threads?"
    );
    assert_eq!(
        refused("threads = 0"),
        "error: enfold.toml:1: threads: expected a valid value (0 is not in 1..=1024), got \"0\""
    );
    assert_eq!(
        refused("\n\nformat = \"xml\""),
        "error: enfold.toml:3: format: expected one of human, json, got \"xml\""
    );
    assert_eq!(refused("data = [1]"), "error: enfold.toml:1: data: expected a string or a number, got array");
    assert!(refused("data = \"x").starts_with("error: enfold.toml:1: expected TOML: "));
    std::fs::remove_file(folder.path("enfold.toml")).unwrap();

    let (exit, _, errors) = run_in(&folder, &[], &["config", "--config", "none.toml"]);
    assert_eq!((exit, errors.as_str()), (3, "error: none.toml: no such file or folder\n"));
    let (exit, _, errors) = run_in(&folder, &[("ENFOLD_CONFIG", "none.toml")], &["config"]);
    assert_eq!((exit, errors.as_str()), (3, "error: none.toml: no such file or folder\n"));
    let (exit, _, errors) = run_in(&folder, &[("ENFOLD_PROFILE", "big")], &["config"]);
    assert_eq!(
        (exit, errors.as_str()),
        (2, "error: ENFOLD_PROFILE: profile: expected one of test, standard, proven, got \"big\"\n")
    );
    let (exit, text, _) = run_in(&folder, &[("ENFOLD_THREADS", "many")], &["config", "--format", "json"]);
    let error: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((exit, &error["error"]["kind"]), (2, &"setting".into()));
    // A variable of another command stops nothing, an empty one is none, and those of a cluster are nobody's.
    let garbage = [("ENFOLD_METRICS", "garbage"), ("ENFOLD_IN_FLIGHT", "many"), ("ENFOLD_PROFILE", "big")];
    let prove = ["prove", "--data", "none", "--block", "none", "--out", "x"];
    let (exit, _, errors) = run_in(&folder, &garbage, &prove);
    assert!(
        exit == 2 && errors.starts_with("error: ENFOLD_PROFILE: profile: expected one of test"),
        "{errors}"
    );
    let (exit, _, errors) = run_in(&folder, &garbage[..2], &["inspect", "none"]);
    assert_eq!((exit, errors.as_str()), (3, "error: none: no such file or folder\n"));
    let (exit, _, errors) = run_in(&folder, &garbage[..1], &["run", "--data", "d", "--inbox", "i"]);
    assert!(
        exit == 2 && errors.starts_with("error: ENFOLD_METRICS: metrics: expected a valid value"),
        "{errors}"
    );
    let names = [
        "CONFIG",
        "FORMAT",
        "THREADS",
        "LOG",
        "LOG_FORMAT",
        "DATA",
        "PROFILE",
        "IN_FLIGHT",
        "METRICS",
        "INBOX",
    ];
    let empty = names.map(|name| format!("ENFOLD_{name}"));
    let empty: Vec<_> = empty.iter().map(|name| (name.as_str(), "")).collect();
    let (exit, text, errors) = run_in(&folder, &empty, &["config", "--format", "json"]);
    assert_eq!((exit, errors.as_str()), (0, ""), "{text}");
    let report: Value = serde_json::from_str(&text).unwrap();
    let settings = report["settings"].as_array().unwrap();
    assert!(
        settings.iter().all(|s| s["key"] == "cache_dir" || s["source"] == "default" || s["source"] == "flag"),
        "{text}"
    );
    let (exit, _, errors) = run_in(&folder, &empty, &prove);
    assert_eq!((exit, errors.as_str()), (3, "error: none: no such file or folder\n"));
    let (_, help, _) = run_in(&folder, &empty, &["prove", "--help"]);
    assert!(help.contains("[env: ENFOLD_METRICS]"), "{help}");
    let cluster = [
        ("ENFOLD_PORT", "tcp://10.0.0.1:9464"),
        ("ENFOLD_SERVICE_HOST", "10.0.0.1"),
        ("ENFOLD_SERVICE_PORT", "9464"),
        ("ENFOLD_PORT_9464_TCP", "tcp://10.0.0.1:9464"),
        ("ENFOLD_PORT_9464_TCP_ADDR", "10.0.0.1"),
    ];
    let (exit, text, errors) = run_in(&folder, &cluster, &["config"]);
    assert!(exit == 0 && errors.is_empty() && !text.contains("is not a setting"), "{text} {errors}");
    // A variable that means nothing is said, and stops nothing.
    let (exit, _, errors) = run_in(&folder, &[("ENFOLD_THREAD", "2")], &["config"]);
    assert!(exit == 0 && errors.contains("ENFOLD_THREAD is set, but is not a setting"), "{errors}");
}
