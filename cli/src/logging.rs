//! Logs, progress bars and the trace.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use enfold_state::system::words;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing_chrome::{ChromeLayerBuilder, FlushGuard};
use tracing_indicatif::IndicatifLayer;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt as lines};

use crate::error::{CliError, Failure, io_exit};
use crate::exit::Exit;
use crate::options::{Global, LogFormat};
use crate::text::{Escaped, escape_json};

/// The trace cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", path.display(), trace_text(source))]
struct TraceError {
    path: PathBuf,
    source: io::Error,
}

impl Failure for TraceError {
    fn exit(&self) -> Exit {
        io_exit(&self.source)
    }

    fn kind(&self) -> &'static str {
        match self.source.kind() {
            io::ErrorKind::AlreadyExists => "output_exists",
            _ => "write",
        }
    }
}

fn trace_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AlreadyExists => "the trace file already exists".to_owned(),
        _ => words(error),
    }
}

/// Target of the spans that become progress bars, and of nothing else.
pub const PROGRESS_TARGET: &str = "enfold::progress";

/// Whether there are progress bars.
static BARS: AtomicBool = AtomicBool::new(false);

/// Whether progress is shown as bars: if stderr is a terminal, and logs are plain words and not quiet.
pub fn has_bars() -> bool {
    BARS.load(Ordering::Relaxed)
}

/// Whether lines on stderr are JSON.
static JSON: AtomicBool = AtomicBool::new(false);

/// Says of which form lines on stderr are, those of errors and of panics too.
pub fn set_format(format: LogFormat) {
    let json = format == LogFormat::Json;
    if json && !JSON.swap(json, Ordering::Relaxed) {
        panic::set_hook(Box::new(|panic| print_error_line(&panic.to_string())));
    }
}

/// Whether lines on stderr are JSON.
pub fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Prints an error on stderr: `error: ...`, or a JSON line as the logs have them. Nothing is left to do if that fails.
pub fn print_error_line(message: &str) {
    #[derive(Serialize)]
    struct Line<'a> {
        timestamp: String,
        level: &'static str,
        message: &'a str,
    }
    let _ = if is_json() {
        let mut timestamp = String::new();
        // An empty one is better than no line.
        let _ = SystemTime.format_time(&mut Writer::new(&mut timestamp));
        let line = Line { timestamp, level: "ERROR", message };
        serde_json::to_string(&line).map_err(io::Error::from).and_then(|line| writeln!(JsonLines, "{line}"))
    } else {
        writeln!(io::stderr().lock(), "error: {message}")
    };
}

/// Stderr for lines of JSON, which come whole. JSON leaves characters as they are that steer a terminal or end a line for
/// some readers; they are written as `\u` and four digits, which is the same text.
struct JsonLines;

impl Write for JsonLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) => io::stderr().lock().write_all(escape_json(text).as_bytes())?,
            Err(_) => io::stderr().lock().write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// Sends logs to stderr, with progress bars if that is a terminal, and spans to the trace if there is one.
///
/// # Errors
/// If the trace's file cannot be made.
pub fn start(global: &Global) -> Result<Option<Trace>, CliError> {
    set_format(global.log_format);
    let default = match (global.quiet, global.verbose) {
        (true, _) => "warn",
        (false, 0) => "warn,enfold=info,enfold_prover=info",
        (false, 1) => "info,enfold=debug,enfold_prover=debug,enfold_circuits=debug",
        (false, _) => "trace",
    };
    let filter = EnvFilter::new(global.log.as_deref().unwrap_or(default));
    // Which span a line belongs to is for those who ask for more, and so are fields beside the words.
    let more = global.verbose > 0;
    let filter = filter.and(filter_fn(move |metadata| more || metadata.is_event()));
    let mut layers = Vec::new();
    // An error about stderr would go to stderr, and panic.
    let lines = lines::layer().with_target(more).log_internal_errors(false);
    if global.log_format == LogFormat::Json {
        let lines = lines.json().flatten_event(true).with_ansi(false).with_writer(|| JsonLines);
        layers.push(lines.with_filter(filter).boxed());
    } else {
        let lines = lines.without_time().fmt_fields(TextFields { all: more });
        if !global.quiet && io::stderr().is_terminal() {
            BARS.store(true, Ordering::Relaxed);
            let bars = IndicatifLayer::new();
            layers.push(lines.with_writer(bars.get_stderr_writer()).with_filter(filter).boxed());
            layers.push(bars.with_filter(filter_fn(|span| span.target() == PROGRESS_TARGET)).boxed());
        } else {
            layers.push(lines.with_ansi(false).with_writer(io::stderr).with_filter(filter).boxed());
        }
    }
    let mut trace = None;
    if let Some(path) = &global.trace {
        let sink = Sink::create(path)?;
        let chrome = ChromeLayerBuilder::new().writer(sink.clone()).include_args(true);
        let (chrome, flush) = chrome.include_locations(false).build();
        let ours = |span: &tracing::Metadata<'_>| span.is_span() && span.target().starts_with("enfold_");
        layers.push(chrome.with_filter(filter_fn(ours)).boxed());
        trace = Some(Trace { flush, sink, path: path.clone() });
    }
    Registry::default().with(layers).init();
    Ok(trace)
}

/// A line's words, and its fields for those who ask for more. Nothing in them breaks the line or steers the terminal.
#[derive(Debug)]
struct TextFields {
    all: bool,
}

impl<'writer> FormatFields<'writer> for TextFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut text = Text { writer, all: self.all, first: true, result: Ok(()) };
        fields.record(&mut text);
        text.result
    }
}

struct Text<'writer> {
    writer: Writer<'writer>,
    all: bool,
    first: bool,
    result: fmt::Result,
}

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let is_message = field.name() == "message";
        if self.result.is_err() || !is_message && !self.all {
            return;
        }
        let space = if std::mem::replace(&mut self.first, false) { "" } else { " " };
        let value = format!("{value:?}");
        let value = Escaped(&value);
        self.result = if is_message {
            write!(self.writer, "{space}{value}")
        } else {
            write!(self.writer, "{space}{}={value}", field.name())
        };
    }
}

/// A trace that is being written.
pub struct Trace {
    flush: FlushGuard,
    sink: Sink,
    path: PathBuf,
}

impl Trace {
    /// Writes what is left.
    ///
    /// # Errors
    /// If something of it, now or before, could not be written.
    pub fn finish(self) -> Result<(), CliError> {
        let Self { flush, sink, path } = self;
        // Waits until all spans are in the sink.
        drop(flush);
        let mut sink = sink.0.lock().unwrap_or_else(PoisonError::into_inner);
        let flushed = sink.file.flush();
        match sink.failed.take().map_or(flushed, Err) {
            Ok(()) => Ok(()),
            Err(source) => Err(TraceError { path, source }.into()),
        }
    }
}

/// Takes everything, for the one who writes the trace takes no error: what fails is kept for the end.
#[derive(Clone, Debug)]
struct Sink(Arc<Mutex<SinkFile>>);

#[derive(Debug)]
struct SinkFile {
    file: BufWriter<File>,
    failed: Option<io::Error>,
}

impl Sink {
    /// A new file, or a device or a pipe. A file that is there already is somebody's.
    fn create(path: &Path) -> Result<Self, CliError> {
        let fail = |source| TraceError { path: path.to_owned(), source };
        let special = path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
        let file = OpenOptions::new().write(true).create_new(!special).open(path).map_err(fail)?;
        let file = BufWriter::new(file);
        Ok(Self(Arc::new(Mutex::new(SinkFile { file, failed: None }))))
    }

    fn each(&self, act: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sink.failed.is_none() {
            sink.failed = act(&mut sink.file).err();
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.each(|file| file.write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.each(Write::flush);
        Ok(())
    }
}
