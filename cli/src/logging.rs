//! Logs and progress on stderr.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_indicatif::IndicatifLayer;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt};

use crate::args::Global;

/// Environment variable with a filter for logs, in the syntax of `tracing_subscriber::EnvFilter`.
const FILTER_VARIABLE: &str = "ENFOLD_LOG";

/// Target of the spans that become progress bars, and of nothing else.
pub const PROGRESS_TARGET: &str = "enfold::progress";

/// Whether there are progress bars.
static BARS: AtomicBool = AtomicBool::new(false);

/// Whether progress is shown as bars: if stderr is a terminal and the user does not want quiet.
pub fn has_bars() -> bool {
    BARS.load(Ordering::Relaxed)
}

/// Sends logs to stderr, with progress bars if that is a terminal.
pub fn start(global: Global) {
    let default = match (global.quiet, global.verbose) {
        (true, _) => "warn",
        (false, 0) => "warn,enfold=info,enfold_prover=info",
        (false, 1) => "info,enfold=debug,enfold_prover=debug,enfold_circuits=debug",
        (false, _) => "trace",
    };
    let filter = std::env::var(FILTER_VARIABLE)
        .ok()
        .and_then(|directives| EnvFilter::try_new(directives).ok())
        .unwrap_or_else(|| EnvFilter::new(default));
    // Which span a line belongs to is for those who ask for more.
    let with_spans = global.verbose > 0;
    let filter = filter.and(filter_fn(move |metadata| with_spans || metadata.is_event()));
    let lines = fmt::layer().with_target(global.verbose > 0).without_time();
    if !global.quiet && io::stderr().is_terminal() {
        BARS.store(true, Ordering::Relaxed);
        let bars = IndicatifLayer::new();
        let lines = lines.with_writer(bars.get_stderr_writer()).with_filter(filter);
        let bars = bars.with_filter(filter_fn(|span| span.target() == PROGRESS_TARGET));
        Registry::default().with(lines).with(bars).init();
    } else {
        let lines = lines.with_ansi(false).with_writer(io::stderr).with_filter(filter);
        Registry::default().with(lines).init();
    }
}
