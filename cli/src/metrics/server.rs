//! The HTTP side of a prover: `/metrics`, `/health` and `/ready`, on a small runtime of its own.
//!
//! Whoever connects gets a bounded time and one of a bounded number of places, which the newest takes from the oldest, so
//! that slow or silent readers keep nobody else out and cost proving nothing.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use enfold_state::system::words;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::task::JoinHandle;
use tracing::info;

use super::Metrics;
use crate::error::{CliError, Failure};
use crate::exit::Exit;

/// Metrics cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("metrics at {address}: {}", words(source))]
struct ServeError {
    address: SocketAddr,
    source: io::Error,
}

impl Failure for ServeError {
    fn exit(&self) -> Exit {
        Exit::Internal
    }

    fn kind(&self) -> &'static str {
        "metrics"
    }
}

/// What connections may take.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Connections at a time.
    places: usize,
    /// Longest that a request's head takes to come.
    head: Duration,
    /// Longest that a connection lasts.
    connection: Duration,
}

const LIMITS: Limits =
    Limits { places: 64, head: Duration::from_secs(5), connection: Duration::from_secs(10) };

/// Where metrics are served: a port of the loopback, or an address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(pub SocketAddr);

impl FromStr for Address {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let address = match text.parse::<u16>() {
            Ok(port) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
            Err(_) => text.parse(),
        };
        let expected = "expected a port, or an address and a port such as 0.0.0.0:9464 or [::1]:9464";
        address.map(Self).map_err(|_| expected.to_owned())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Serves as long as the process lives; port 0 is any free one. The address is logged, and given.
///
/// # Errors
/// If the address cannot be had.
pub fn serve(metrics: &'static Metrics, address: Address) -> Result<SocketAddr, CliError> {
    serve_within(metrics, address, LIMITS)
}

fn serve_within(metrics: &'static Metrics, address: Address, limits: Limits) -> Result<SocketAddr, CliError> {
    let Address(address) = address;
    let fail = |source: io::Error| ServeError { address, source };
    // It is ours when this returns, and not only when the thread runs.
    let listener = TcpListener::bind(address).map_err(fail)?;
    listener.set_nonblocking(true).map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(fail)?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener).map_err(fail)?
    };
    let serve = move || runtime.block_on(accept(listener, routes(metrics), limits));
    thread::Builder::new().name("metrics".to_owned()).spawn(serve).map_err(fail)?;
    info!(address = %bound, "metrics at http://{bound}/metrics");
    Ok(bound)
}

/// Takes every connection at once. Where all places are taken, the oldest connection is closed: whoever asks is answered
/// within milliseconds, so what is old is silent or slow, and what is new may be the one that counts.
async fn accept(listener: tokio::net::TcpListener, routes: Router, limits: Limits) {
    let mut connections: VecDeque<JoinHandle<()>> = VecDeque::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Too many open files, say.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        connections.retain(|connection| !connection.is_finished());
        if connections.len() >= limits.places
            && let Some(oldest) = connections.pop_front()
        {
            oldest.abort();
        }
        let service = TowerToHyperService::new(routes.clone());
        connections.push_back(tokio::spawn(async move {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(limits.head).max_buf_size(1 << 14);
            let connection = http.serve_connection(TokioIo::new(stream), service);
            // A reader that left, or took too long, is no concern.
            let _ = tokio::time::timeout(limits.connection, connection).await;
        }));
    }
}

fn routes(metrics: &'static Metrics) -> Router {
    Router::new()
        .route("/metrics", get(text))
        .route("/health", get(|| async { "ok\n" }))
        .route("/ready", get(ready))
        .fallback(|| async { (StatusCode::NOT_FOUND, "there are /metrics, /health and /ready\n") })
        .with_state(metrics)
}

async fn text(State(metrics): State<&'static Metrics>) -> Response {
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn ready(State(metrics): State<&'static Metrics>) -> Response {
    match metrics.not_ready() {
        None => "ready\n".into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_port_is_one_of_the_loopback() {
        let parse = |text: &str| text.parse::<Address>().map(|address| address.to_string());
        assert_eq!(parse("9464").unwrap(), "127.0.0.1:9464");
        assert_eq!(parse("0.0.0.0:80").unwrap(), "0.0.0.0:80");
        assert_eq!(parse("[::]:0").unwrap(), "[::]:0");
        for wrong in ["", "garbage", "70000", "localhost:1", "1.2.3.4", ":9464"] {
            assert!(parse(wrong).unwrap_err().contains("expected a port"), "{wrong}");
        }
    }

    /// What is answered to a request.
    fn answer(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    fn get(address: SocketAddr, path: &str) -> String {
        answer(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
    }

    #[test]
    fn readers_that_say_nothing_keep_nobody_out() {
        let metrics: &'static Metrics = Box::leak(Box::new(Metrics::new("test").unwrap()));
        let address = serve(metrics, "0".parse().unwrap()).unwrap();
        // Some say nothing, some a part of a request. All are there before the one that counts.
        let slow: Vec<_> = (0..LIMITS.places / 2)
            .map(|i| {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.write_all(if i % 2 == 0 { b"" } else { b"GET /metrics HTTP/1.1\r\nX: " }).unwrap();
                stream
            })
            .collect();
        assert!(get(address, "/health").starts_with("HTTP/1.1 200"));
        let text = get(address, "/metrics");
        assert!(text.contains("enfold_build_info{profile=\"test\",version=\""), "{text}");
        assert!(get(address, "/ready").starts_with("HTTP/1.1 503"));
        metrics.set_ready();
        assert!(get(address, "/ready").starts_with("HTTP/1.1 200"));
        assert!(get(address, "/").starts_with("HTTP/1.1 404"));
        assert!(
            answer(address, "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                .starts_with("HTTP/1.1 405")
        );
        let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 16));
        let mut stream = TcpStream::connect(address).unwrap();
        // It may be refused before all of it is sent.
        let _ = stream.write_all(long.as_bytes());
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        assert!(text.is_empty() || text.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&text));
        drop(slow);
        assert!(get(address, "/health").ends_with("ok\n"));
    }

    /// Far more than there are places for, and all of them first.
    #[test]
    fn a_flood_of_silent_readers_is_closed_and_health_answered() {
        let metrics: &'static Metrics = Box::leak(Box::new(Metrics::new("test").unwrap()));
        let hour = Duration::from_secs(3600);
        let limits = Limits { places: 8, head: hour, connection: hour };
        let address = serve_within(metrics, "0".parse().unwrap(), limits).unwrap();
        let mut silent: Vec<_> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
        let mut stream = TcpStream::connect(address).unwrap();
        // Only so that a failure ends.
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        // The oldest are closed, the newest wait for their time.
        assert_eq!(silent[0].read(&mut [0]).unwrap(), 0);
        let newest = silent.last_mut().unwrap();
        newest.set_nonblocking(true).unwrap();
        assert_eq!(newest.read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
