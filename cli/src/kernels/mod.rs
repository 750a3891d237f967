//! Field and hash kernels: which ones this build has, and which build of the program runs.
//!
//! The kernels are chosen when the program is compiled. A build for one machine has those of its processor and nothing
//! else, and says so where it cannot run. A released program is compiled for every processor of its architecture and has
//! builds with faster kernels embedded: at its start it replaces itself by the best of them that the processor can run.

#[cfg(target_arch = "x86_64")]
mod cpuid;
mod embedded;
mod processor;

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;

use serde::Serialize;

use self::embedded::{BUILDS, Build};
use enfold_state::system::words;

use crate::settings::{KERNELS_VARIABLE, SettingError, WrongSetting};

/// Kernels for one sort of vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kernels {
    /// One element at a time.
    Portable,
    /// Two elements at a time, on aarch64.
    Neon,
    /// Four elements at a time, on x86-64.
    Avx2,
    /// Eight elements at a time, on x86-64.
    Avx512,
}

impl Kernels {
    /// Those that the program is compiled with.
    pub const IN_USE: Self = Self::of(env!("BUILD_TARGET_FEATURES"));

    /// Those of a build for processors with these features, comma between.
    const fn of(features: &str) -> Self {
        if has(features, "avx512f") {
            Self::Avx512
        } else if has(features, "avx2") {
            Self::Avx2
        } else if has(features, "neon") {
            Self::Neon
        } else {
            Self::Portable
        }
    }

    /// The value of [`KERNELS_VARIABLE`] that asks for them.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// The name in reports.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Neon => "NEON",
            Self::Avx2 => "AVX2",
            Self::Avx512 => "AVX-512",
        }
    }
}

impl fmt::Display for Kernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// Whether a list, comma between, has a name.
const fn has(list: &str, name: &str) -> bool {
    let (list, name) = (list.as_bytes(), name.as_bytes());
    let (mut start, mut at) = (0, 0);
    while at <= list.len() {
        if at == list.len() || list[at] == b',' {
            let mut same = at - start == name.len();
            let mut i = 0;
            while same && i < name.len() {
                same = list[start + i] == name[i];
                i += 1;
            }
            if same {
                return true;
            }
            start = at + 1;
        }
        at += 1;
    }
    false
}

/// Ends the program, with a line that says why, if this processor cannot run it.
///
/// Has to come before all else: any other code of the program may use what the processor does not have.
#[inline(never)]
pub fn check_processor() {
    processor::check();
}

/// Replaces the program by its embedded build with the best kernels, or those that [`KERNELS_VARIABLE`] asks for. Goes on if
/// that is this one, and if it fails: then with a warning, which is given back.
///
/// # Errors
/// If kernels are asked for that the program does not have or the processor cannot run.
pub fn start(arguments: &[OsString]) -> Result<Option<String>, WrongSetting> {
    processor::name_process(arguments);
    let wanted = env::var_os(KERNELS_VARIABLE).filter(|name| !name.is_empty());
    let best = choose(wanted.as_deref(), BUILDS, &processor::has_all).map_err(|source| WrongSetting {
        place: KERNELS_VARIABLE.to_owned(),
        source,
        file: false,
    })?;
    Ok(best.map(|build| {
        let reason = embedded::run(build, arguments);
        format!(
            "cannot start the build with {} kernels, using slower ones: {}",
            build.kernels,
            words(&reason)
        )
    }))
}

/// The embedded build to go on with; `None` for the program itself.
fn choose<'a>(
    wanted: Option<&OsStr>,
    builds: &'a [Build],
    runs: &dyn Fn(&str) -> bool,
) -> Result<Option<&'a Build>, SettingError> {
    let able = || builds.iter().filter(|build| runs(build.features));
    let Some(wanted) = wanted else { return Ok(able().next()) };
    if wanted == Kernels::IN_USE.name() {
        return Ok(None);
    }
    able().find(|build| wanted == build.kernels.name()).map(Some).ok_or_else(|| {
        let names: Vec<_> =
            able().map(|build| build.kernels).chain([Kernels::IN_USE]).map(Kernels::name).collect();
        let expected = match &names[..] {
            [one] => format!("{one}, the only kernels that this build has for this processor"),
            several => format!("one of {}", several.join(", ")),
        };
        SettingError::Value { key: "kernels", expected, got: wanted.to_string_lossy().into_owned() }
    })
}

#[cfg(test)]
mod tests {
    use enfold_state::hash::permutation::LANES;

    use super::*;

    const V3: &str = "avx,avx2,sse2";
    const V4: &str = "avx,avx2,avx512f,sse2";

    fn builds() -> Vec<Build> {
        [V4, V3].map(|features| Build { kernels: Kernels::of(features), features, program: b"" }).into()
    }

    #[test]
    fn kernels_are_those_of_the_packed_field() {
        let lanes = match Kernels::IN_USE {
            Kernels::Portable => 1,
            Kernels::Neon => 2,
            Kernels::Avx2 => 4,
            Kernels::Avx512 => 8,
        };
        assert_eq!(lanes, LANES);
    }

    #[test]
    fn features_are_whole_names() {
        assert!(has(V4, "avx") && has(V4, "avx512f") && has(V4, "sse2") && has("avx2", "avx2"));
        assert!(!has(V3, "avx512f") && !has("avx512vl", "avx512f") && !has("", "avx") && !has("avx2", "avx"));
        assert_eq!(
            [V4, V3, "sse2", "neon"].map(Kernels::of),
            [Kernels::Avx512, Kernels::Avx2, Kernels::Portable, Kernels::Neon]
        );
    }

    #[test]
    fn the_best_build_that_runs_is_chosen() {
        let builds = builds();
        let kernels = |processor: &str| {
            let runs = |needed: &str| needed.split(',').all(|feature| has(processor, feature));
            choose(None, &builds, &runs).unwrap().map(|build| build.kernels)
        };
        assert_eq!(kernels("sse2,avx,avx2,avx512f,gfni"), Some(Kernels::Avx512));
        assert_eq!(kernels("sse2,avx,avx2"), Some(Kernels::Avx2));
        assert_eq!(kernels("sse2,avx,avx512f"), None);
        assert_eq!(kernels("sse2"), None);
    }

    #[test]
    fn kernels_can_be_asked_for() {
        let builds = builds();
        let ask = |name: &str, runs: bool| {
            let chosen = choose(Some(name.as_ref()), &builds, &|_| runs);
            chosen.map(|build| build.map(|build| build.features)).map_err(|error| error.to_string())
        };
        let other = if Kernels::IN_USE == Kernels::Avx2 { ("avx512", V4) } else { ("avx2", V3) };
        assert_eq!(ask(other.0, true), Ok(Some(other.1)));
        assert_eq!(ask(Kernels::IN_USE.name(), true), Ok(None));
        let error = ask("sse", true).unwrap_err();
        assert!(
            error.starts_with("kernels: expected one of avx512, avx2, ") && error.ends_with("got \"sse\"")
        );
        let error = ask(other.0, false).unwrap_err();
        assert!(error.contains("the only kernels that this build has for this processor"), "{error}");
    }
}
