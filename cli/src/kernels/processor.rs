//! What the processor can do.

use std::ffi::OsString;

#[cfg(target_arch = "x86_64")]
pub use super::cpuid::{check, has_all};

/// Builds for other architectures need no more than all their processors have.
#[cfg(not(target_arch = "x86_64"))]
pub fn check() {}

/// Whether the processor has all features of a list, comma between.
#[cfg(not(target_arch = "x86_64"))]
pub fn has_all(_features: &str) -> bool {
    true
}

/// Gives the process the name that it was started with. Linux takes the file's name, and an embedded build's is a number.
pub fn name_process(arguments: &[OsString]) {
    #[cfg(target_os = "linux")]
    {
        use std::ffi::CString;
        use std::os::unix::ffi::OsStrExt;
        use std::path::Path;

        let name = arguments.first().and_then(|path| Path::new(path).file_name());
        if let Some(name) = name.and_then(|name| CString::new(name.as_bytes()).ok()) {
            // It is for the eye alone.
            let _ = rustix::thread::set_name(&name);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = arguments;
}
