//! The settings that can stand in the environment and in `enfold.toml`.

/// A setting. Its name is that of the option, with `_` for `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Name in the file, and the option's id.
    pub name: &'static str,
    /// Name in the environment.
    pub variable: &'static str,
    /// The commands that have the option, a subcommand's with its parent's name; none for an option of all commands.
    pub commands: &'static [&'static str],
}

const fn key(name: &'static str, variable: &'static str, commands: &'static [&'static str]) -> Key {
    Key { name, variable, commands }
}

/// The variable that names the kernels to be used.
pub const KERNELS_VARIABLE: &str = "ENFOLD_KERNELS";

/// All settings.
pub const KEYS: &[Key] = &[
    key("format", "ENFOLD_FORMAT", &[]),
    key("threads", "ENFOLD_THREADS", &[]),
    key("log", "ENFOLD_LOG", &[]),
    key("log_format", "ENFOLD_LOG_FORMAT", &[]),
    key("cache_dir", CACHE_VARIABLE, &[]),
    key("data", "ENFOLD_DATA", &["prove", "run"]),
    key(
        "profile",
        "ENFOLD_PROFILE",
        // None of [`VERDICTS`]: there the option alone counts.
        &["init", "prove", "run", "plan", "bench calibrate"],
    ),
    key("in_flight", "ENFOLD_IN_FLIGHT", &["prove", "run"]),
    key("metrics", "ENFOLD_METRICS", &["prove", "run"]),
    key("inbox", "ENFOLD_INBOX", &["run"]),
    key("outbox", "ENFOLD_OUTBOX", &["run"]),
    key("rejected", "ENFOLD_REJECTED", &["run"]),
    key("calibration", "ENFOLD_CALIBRATION", &["plan"]),
];

/// The variable whose empty value means something: no cache.
pub const CACHE_VARIABLE: &str = "ENFOLD_CACHE";
/// The commands that say whether a proof holds. No setting may change what they say, and so which profile counts is
/// said by their option alone; nor do they read a [`FILE_NAME`] that lies where they are run, for it may have come with
/// the proofs.
pub const VERDICTS: &[&str] =
    &["verify", "verify-receipt", "verify-account", "rebuild", "key", "inspect", "receipt", "ids"];

/// The variable that names the file.
pub const FILE_VARIABLE: &str = "ENFOLD_CONFIG";

/// The file that is read if none is named.
pub const FILE_NAME: &str = "enfold.toml";

impl Key {
    /// The setting with this name in the file.
    pub fn find(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }
}
