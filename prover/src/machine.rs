//! What the machine is, and what memory the process takes of it. Everything that a system does not say is `None`.

use std::fs;
use std::thread::available_parallelism;

use serde::{Deserialize, Serialize};

/// A machine, for reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: Option<String>,
    /// Cores that the process may use.
    pub cores: usize,
    /// Bytes of memory.
    pub memory_bytes: Option<u64>,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| field(&text, "model name"));
        let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| field(&text, "MemTotal"));
        let memory_bytes = memory.and_then(|value| kilobytes(&value));
        Self { cpu, cores: available_parallelism().map_or(1, usize::from), memory_bytes }
    }
}

/// The most bytes of memory that the process has held at a time since it began, or since [`reset_peak_memory`].
pub fn peak_memory() -> Option<u64> {
    status("VmHWM")
}

/// The bytes of memory that the process holds.
pub fn resident_memory() -> Option<u64> {
    status("VmRSS")
}

/// Lets [`peak_memory`] start again from what the process holds now; whether the system does it.
pub fn reset_peak_memory() -> bool {
    // proc_pid_clear_refs(5): a 5 resets the peak.
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// A field of the process's status, in bytes.
fn status(name: &str) -> Option<u64> {
    kilobytes(&field(&fs::read_to_string("/proc/self/status").ok()?, name)?)
}

fn kilobytes(value: &str) -> Option<u64> {
    value.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The value of the first line `name: value`.
fn field(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nmodel name\t: Other\n";
        assert_eq!(field(text, "model name").as_deref(), Some("Some CPU @ 2 GHz"));
        assert_eq!(field(text, "model"), None);
        assert_eq!(kilobytes("1668 kB"), Some(1668 * 1024));
        assert_eq!(kilobytes("much kB"), None);
        assert_eq!(kilobytes("1668"), None);
    }

    #[test]
    fn peaks_are_at_least_what_is_held() {
        if let (Some(peak), Some(held)) = (peak_memory(), resident_memory()) {
            assert!(held > 0 && peak >= held / 2, "{peak} {held}");
        }
    }
}
