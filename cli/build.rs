//! Tells the program what it is compiled for, and embeds other builds of it if there are any.
//!
//! `ENFOLD_BUILDS` names a folder of builds of this program, each under the name of the processor that it is compiled
//! for (`-C target-cpu`), as `release.sh` makes them. Without it nothing is embedded.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=ENFOLD_BUILDS");
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    println!("cargo::rustc-env=BUILD_TARGET_FEATURES={features}");
    let mut builds = Vec::new();
    if let Some(folder) = env::var_os("ENFOLD_BUILDS").filter(|folder| !folder.is_empty()) {
        println!("cargo::rerun-if-changed={}", Path::new(&folder).display());
        for entry in fs::read_dir(&folder)? {
            builds.push(embedded(&entry?.path())?);
        }
        // Whoever has more features is the better one.
        builds.sort_by_key(|(features, _)| std::cmp::Reverse(features.split(',').count()));
    }
    let list: String = builds.iter().map(|(_, source)| source.as_str()).collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("expected OUT_DIR, got none")?);
    Ok(fs::write(out.join("builds.rs"), format!("&[{list}]"))?)
}

/// The features that a build needs, and the source text of its entry.
fn embedded(path: &Path) -> Result<(String, String), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", path.display());
    let processor = path.file_name().and_then(|name| name.to_str()).ok_or("expected a processor's name")?;
    let features = features_of(processor)?;
    let path = fs::canonicalize(path)?;
    let source = format!(
        "Build {{ kernels: Kernels::of({features:?}), features: {features:?}, program: include_bytes!({path:?}) }},"
    );
    Ok((features, source))
}

/// The features of a processor, comma between, as the compiler knows them.
fn features_of(processor: &str) -> Result<String, Box<dyn Error>> {
    let output = Command::new(env::var_os("RUSTC").ok_or("expected RUSTC, got none")?)
        .args(["--print", "cfg", "-C", &format!("target-cpu={processor}"), "--target", &env::var("TARGET")?])
        .output()?;
    if !output.status.success() {
        return Err(format!("rustc --print cfg for {processor}: {}", output.status).into());
    }
    let lines = String::from_utf8(output.stdout)?;
    let names = lines.lines().filter_map(|line| line.strip_prefix("target_feature=\"")?.strip_suffix('"'));
    Ok(names.collect::<Vec<_>>().join(","))
}
