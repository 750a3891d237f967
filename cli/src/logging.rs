//! Logs, progress bars and the trace.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_chrome::{ChromeLayerBuilder, FlushGuard};
use tracing_indicatif::IndicatifLayer;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt};

use crate::args::{Global, LogFormat};
use crate::error::CliError;

/// Target of the spans that become progress bars, and of nothing else.
pub const PROGRESS_TARGET: &str = "enfold::progress";

/// Whether there are progress bars.
static BARS: AtomicBool = AtomicBool::new(false);

/// Whether progress is shown as bars: if stderr is a terminal, and logs are plain words and not quiet.
pub fn has_bars() -> bool {
    BARS.load(Ordering::Relaxed)
}

/// Sends logs to stderr, with progress bars if that is a terminal, and spans to the trace if there is one. The trace is
/// whole when the guard is dropped.
///
/// # Errors
/// If the trace's file cannot be made.
pub fn start(global: &Global) -> Result<Option<FlushGuard>, CliError> {
    let default = match (global.quiet, global.verbose) {
        (true, _) => "warn",
        (false, 0) => "warn,enfold=info,enfold_prover=info",
        (false, 1) => "info,enfold=debug,enfold_prover=debug,enfold_circuits=debug",
        (false, _) => "trace",
    };
    let filter = EnvFilter::new(global.log.as_deref().unwrap_or(default));
    // Which span a line belongs to is for those who ask for more.
    let with_spans = global.verbose > 0;
    let filter = filter.and(filter_fn(move |metadata| with_spans || metadata.is_event()));
    let mut layers = Vec::new();
    let lines = fmt::layer().with_target(global.verbose > 0);
    if global.log_format == LogFormat::Json {
        let lines = lines.json().flatten_event(true).with_ansi(false).with_writer(io::stderr);
        layers.push(lines.with_filter(filter).boxed());
    } else if !global.quiet && io::stderr().is_terminal() {
        BARS.store(true, Ordering::Relaxed);
        let bars = IndicatifLayer::new();
        layers.push(lines.without_time().with_writer(bars.get_stderr_writer()).with_filter(filter).boxed());
        layers.push(bars.with_filter(filter_fn(|span| span.target() == PROGRESS_TARGET)).boxed());
    } else {
        let lines = lines.without_time().with_ansi(false).with_writer(io::stderr);
        layers.push(lines.with_filter(filter).boxed());
    }
    let mut guard = None;
    if let Some(path) = &global.trace {
        let file = File::create(path).map_err(|source| CliError::Trace { path: path.clone(), source })?;
        let chrome = ChromeLayerBuilder::new().writer(BufWriter::new(file)).include_args(true);
        let (chrome, flush) = chrome.include_locations(false).build();
        let ours = |span: &tracing::Metadata<'_>| span.is_span() && span.target().starts_with("enfold_");
        layers.push(chrome.with_filter(filter_fn(ours)).boxed());
        guard = Some(flush);
    }
    Registry::default().with(layers).init();
    Ok(guard)
}
