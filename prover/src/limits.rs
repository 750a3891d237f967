//! The memory that is free: the machine's, or what the control groups that the process is in still allow.
//!
//! A limit of any group on the way up to the root holds for what is below it: so of a systemd unit, of a slice, of a
//! container. Both versions of control groups are read (cgroups(7)); on a system that has neither there is no limit.

use std::fs;
use std::path::{Path, PathBuf};

/// What one kind of control group calls its files.
struct Kind {
    /// Where its groups are mounted.
    mount: &'static str,
    /// Files with a limit.
    limits: &'static [&'static str],
    /// File with what is taken.
    taken: &'static str,
    /// Field of `memory.stat` with what the kernel would give back: cached files that nobody uses.
    inactive: &'static str,
}

const UNIFIED: Kind = Kind {
    mount: "sys/fs/cgroup",
    // Above `high` the kernel slows the process down until it is hardly running.
    limits: &["memory.max", "memory.high"],
    taken: "memory.current",
    inactive: "inactive_file",
};

const LEGACY: Kind = Kind {
    mount: "sys/fs/cgroup/memory",
    limits: &["memory.limit_in_bytes"],
    taken: "memory.usage_in_bytes",
    inactive: "total_inactive_file",
};

/// Bytes of memory that are free. `None` where the system does not say.
pub fn available_memory() -> Option<u64> {
    available_below(Path::new("/"))
}

/// [`available_memory`] of a system whose files are below `root`.
fn available_below(root: &Path) -> Option<u64> {
    let machine = fs::read_to_string(root.join("proc/meminfo")).ok();
    let machine = machine.and_then(|text| kilobytes(&text, "MemAvailable:"));
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let free = groups.lines().filter_map(|line| free_in_group(root, line));
    // Without that file: a system whose only group is the one at the mount.
    let mounted = [UNIFIED, LEGACY].into_iter().filter_map(|kind| free_of(&kind, &root.join(kind.mount)));
    machine.into_iter().chain(free).chain(mounted).min()
}

/// What the group of a line of `/proc/self/cgroup` and those above it leave: `0::/a/b`, or `4:memory:/a/b`.
fn free_in_group(root: &Path, line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    let kind = match controllers {
        "" => UNIFIED,
        _ if controllers.split(',').any(|name| name == "memory") => LEGACY,
        _ => return None,
    };
    let mount = root.join(kind.mount);
    // A path from outside of a container's name space begins with `/..`: what is above is not to be seen.
    let inside: PathBuf = path.split('/').filter(|name| !matches!(*name, "" | "." | "..")).collect();
    let groups = inside.ancestors().map(|group| mount.join(group));
    groups.filter_map(|group| free_of(&kind, &group)).min()
}

/// What one group leaves; `None` if it has no limit.
fn free_of(kind: &Kind, group: &Path) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let number = |name: &str| read(name)?.trim().parse::<u64>().ok();
    let limit = kind.limits.iter().filter_map(|name| number(name)).min()?;
    let inactive = read("memory.stat").and_then(|text| {
        text.lines().find_map(|line| line.strip_prefix(kind.inactive)?.trim().parse::<u64>().ok())
    });
    let taken = number(kind.taken).unwrap_or(0).saturating_sub(inactive.unwrap_or(0));
    Some(limit.saturating_sub(taken))
}

/// A number of kilobytes in such a file, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system with these files.
    fn system(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn available(files: &[(&str, &str)]) -> Option<u64> {
        available_below(
            system(&[&[("proc/meminfo", "MemTotal: 9 kB\nMemAvailable:  8000 kB\n")], files].concat()).path(),
        )
    }

    const MACHINE: u64 = 8000 * 1024;

    #[test]
    fn without_groups_the_machine_counts() {
        assert_eq!(available(&[]), Some(MACHINE));
        assert_eq!(available_below(system(&[]).path()), None);
        let v2 = [("proc/self/cgroup", "0::/\n"), ("sys/fs/cgroup/memory.max", "max\n")];
        assert_eq!(available(&v2), Some(MACHINE));
    }

    #[test]
    fn the_least_of_nested_groups_counts() {
        let group = ("proc/self/cgroup", "0::/system.slice/enfold.service\n");
        let unit = "sys/fs/cgroup/system.slice/enfold.service";
        let (max, high) = (format!("{unit}/memory.max"), format!("{unit}/memory.high"));
        let (current, stat) = (format!("{unit}/memory.current"), format!("{unit}/memory.stat"));
        assert_eq!(available(&[group, (&max, "500000\n"), (&current, "200000\n")]), Some(300_000));
        let cached = (&stat[..], "anon 1\ninactive_file 150000\nfile 7\n");
        assert_eq!(available(&[group, (&max, "500000\n"), (&current, "200000\n"), cached]), Some(450_000));
        assert_eq!(available(&[group, (&max, "max\n"), (&high, "90000\n")]), Some(90_000));
        // The slice has less than the unit may take.
        let slice = ("sys/fs/cgroup/system.slice/memory.max", "1000\n");
        assert_eq!(available(&[group, (&max, "500000\n"), slice]), Some(1000));
        assert_eq!(available(&[group, (&max, "500\n"), (&current, "600\n")]), Some(0));
    }

    #[test]
    fn the_first_version_of_groups_counts_too() {
        let group = ("proc/self/cgroup", "9:name=systemd:/\n5:cpuset,memory:/docker/abc\n0::/\n");
        let limit = ("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "700000\n");
        let taken = ("sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes", "100000\n");
        assert_eq!(available(&[group, limit, taken]), Some(600_000));
        let none = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(available(&[group, none]), Some(MACHINE));
        let above = ("sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "5000\n");
        assert_eq!(available(&[group, limit, above]), Some(5000));
    }

    #[test]
    fn in_a_container_the_group_is_at_the_mount() {
        let limit = ("sys/fs/cgroup/memory.max", "12345\n");
        for group in ["0::/../../outer\n", "0::/\n"] {
            assert_eq!(available(&[("proc/self/cgroup", group), limit]), Some(12_345));
        }
        assert_eq!(available(&[limit]), Some(12_345));
    }

    #[test]
    fn meminfo_is_read() {
        let text = "MemTotal:       24623104 kB\nMemAvailable:   23000000 kB\nBuffers: 1 kB\n";
        assert_eq!(kilobytes(text, "MemAvailable:"), Some(23_000_000 * 1024));
        assert_eq!(kilobytes("MemTotal: 1 kB\n", "MemAvailable:"), None);
        assert_eq!(kilobytes("MemAvailable: much\n", "MemAvailable:"), None);
    }
}
