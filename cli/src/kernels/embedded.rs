//! Builds of the program with other kernels, inside the program.

use std::ffi::OsString;
use std::io;

use super::Kernels;

/// An embedded build.
#[derive(Debug)]
pub struct Build {
    /// What it computes with.
    pub kernels: Kernels,
    /// What a processor needs for it, comma between.
    pub features: &'static str,
    /// The file.
    pub program: &'static [u8],
}

/// The embedded builds, the best one first. Empty if the program is built for one sort of processors.
pub const BUILDS: &[Build] = include!(concat!(env!("OUT_DIR"), "/builds.rs"));

/// Replaces the process by a build, with the same arguments and environment; comes back only to say why that failed.
#[cfg(target_os = "linux")]
pub fn run(build: &Build, arguments: &[OsString]) -> io::Error {
    use std::fs::File;
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    // In memory: nothing has to be writable, and nothing can change it or is left behind.
    let file = || {
        let mut file = File::from(memory_file()?);
        file.write_all(build.program)?;
        Ok(file)
    };
    let file = match file() {
        Ok(file) => file,
        Err(error) => return error,
    };
    let (name, rest) = arguments
        .split_first()
        .map_or((OsString::from("enfold"), &[][..]), |(name, rest)| (name.clone(), rest));
    Command::new(format!("/proc/self/fd/{}", file.as_raw_fd())).arg0(name).args(rest).exec()
}

/// An empty file in memory that can be executed and is closed when it is.
#[cfg(target_os = "linux")]
fn memory_file() -> rustix::io::Result<std::os::fd::OwnedFd> {
    use rustix::fs::{MemfdFlags, memfd_create};
    use rustix::io::Errno;

    match memfd_create(c"enfold", MemfdFlags::CLOEXEC | MemfdFlags::EXEC) {
        // Before Linux 6.3 every such file could be executed, and there was no flag for it.
        Err(Errno::INVAL) => memfd_create(c"enfold", MemfdFlags::CLOEXEC),
        made => made,
    }
}

/// Builds are embedded for Linux alone.
#[cfg(not(target_os = "linux"))]
pub fn run(_build: &Build, _arguments: &[OsString]) -> io::Error {
    io::ErrorKind::Unsupported.into()
}
