//! The socket on which a prover serves its committed states to the commands that read.
//!
//! It is `reads.sock` in the data directory, for its owner alone. One request a connection: a line, `head` or `state`.
//! Connections have threads of their own, a bounded number of them and a bounded time each, and read the database beside
//! the one who writes it; so whatever they do or leave, proving goes on.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use enfold_state::store::{Shared, Store};
use tracing::{debug, info, warn};

use super::{Activity, Answer, Request};

/// Name of the socket in the data directory.
const SOCKET: &str = "reads.sock";

/// Connections at a time.
const PLACES: usize = 8;
/// Longest wait for a reader that does not read, or does not say what it wants.
const STALL: Duration = Duration::from_secs(5);
/// Longest that a request takes to come.
const REQUEST: Duration = Duration::from_secs(10);
/// Longest that an answer takes to go.
const ANSWER: Duration = Duration::from_secs(300);

/// Longest path of a socket that every system takes, in bytes.
const SHORT: usize = 100;

/// A socket that is served until this is dropped.
#[derive(Debug)]
pub struct Serving {
    dir: PathBuf,
    stop: Arc<AtomicBool>,
}

impl Serving {
    /// Serves the committed states of a store, and what its prover is at. If that cannot be, it is logged, and reading
    /// has to wait until the store is closed.
    pub fn start(store: &Store, activity: impl Fn() -> Activity + Send + Sync + 'static) -> Option<Self> {
        let dir = store.dir().to_owned();
        let stop = Arc::new(AtomicBool::new(false));
        let service =
            Service { shared: store.share(), activity: Box::new(activity), taken: AtomicUsize::new(0) };
        let started = bind(&dir).and_then(|listener| {
            let (service, stop) = (Arc::new(service), Arc::clone(&stop));
            thread::Builder::new().name("reads".to_owned()).spawn(move || accept(&listener, &service, &stop))
        });
        match started {
            Ok(_) => Some(Self { dir, stop }),
            Err(error) => {
                warn!(path = %dir.display(), %error, "other commands cannot read the state while this runs: cannot open a socket: {error}");
                None
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // The one who accepts looks up.
        let _ = at_socket(&self.dir, |path| UnixStream::connect(path));
        let _ = fs::remove_file(self.dir.join(SOCKET));
    }
}

/// Has a path to a folder, short enough for a socket, done something with. A long one is named by its handle.
fn with_short<T>(dir: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    if dir.as_os_str().len() + 32 <= SHORT {
        return act(dir);
    }
    if !cfg!(target_os = "linux") {
        let message = format!("expected a path of at most {} bytes", SHORT - 32);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    use std::os::fd::AsRawFd;
    let folder = File::open(dir)?;
    act(Path::new(&format!("/proc/self/fd/{}", folder.as_raw_fd())))
}

fn at_socket<T>(dir: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    with_short(dir, |dir| act(&dir.join(SOCKET)))
}

/// Makes the socket in the place of what a killed process has left. The store is locked, so nobody else is at it.
fn bind(dir: &Path) -> io::Result<UnixListener> {
    // Nobody else gets into this folder, so nobody connects before the socket is its owner's alone.
    let private = tempfile::Builder::new().prefix(".").rand_bytes(8).tempdir_in(dir)?;
    fs::set_permissions(private.path(), Permissions::from_mode(0o700))?;
    let inside = private.path().join("s");
    let listener = with_short(private.path(), |short| UnixListener::bind(short.join("s")))?;
    fs::set_permissions(&inside, Permissions::from_mode(0o600))?;
    fs::rename(&inside, dir.join(SOCKET))?;
    Ok(listener)
}

/// What the connections share.
struct Service {
    shared: Shared,
    activity: Box<dyn Fn() -> Activity + Send + Sync>,
    /// Connections now.
    taken: AtomicUsize,
}

fn accept(listener: &UnixListener, service: &Arc<Service>, stop: &AtomicBool) {
    for stream in listener.incoming() {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else {
            // Too many open files, say.
            thread::sleep(Duration::from_millis(100));
            continue;
        };
        let place = Place::take(service);
        let serve = move || match place {
            Some(place) => {
                if let Err(error) = place.0.serve(&stream) {
                    debug!(%error, "a reader was not served to the end");
                }
            }
            None => drop(refuse(&stream)),
        };
        drop(thread::Builder::new().name("read".to_owned()).spawn(serve));
    }
    info!("the socket for readers is closed");
}

/// One of the connections at a time.
struct Place(Arc<Service>);

impl Place {
    fn take(service: &Arc<Service>) -> Option<Self> {
        let place = Self(Arc::clone(service));
        (service.taken.fetch_add(1, Ordering::SeqCst) < PLACES).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::SeqCst);
    }
}

fn refuse(mut stream: &UnixStream) -> io::Result<()> {
    stream.set_write_timeout(Some(STALL))?;
    write_answer(&mut stream, &Answer { error: Some("too many readers".to_owned()), ..Answer::default() })?;
    drain(stream)
}

/// Reads what is left of a request: if something were, the reader would see an error behind the answer.
fn drain(mut stream: &UnixStream) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    stream.read(&mut [0; 1 << 10]).map(drop)
}

fn write_answer(to: &mut impl Write, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    to.write_all(&line)
}

impl Service {
    fn serve(&self, stream: &UnixStream) -> io::Result<()> {
        // Both are for each time that it stands still.
        stream.set_read_timeout(Some(STALL))?;
        stream.set_write_timeout(Some(STALL))?;
        let mut to = BufWriter::with_capacity(1 << 16, Until { stream, end: Instant::now() + ANSWER });
        let request = match read_request(stream)?.as_slice() {
            b"state\n" => Request::State,
            b"head\n" => Request::Head,
            _ => {
                let error = Some("expected head or state".to_owned());
                write_answer(&mut to, &Answer { error, ..Answer::default() })?;
                to.flush()?;
                return drain(stream);
            }
        };
        let head = match self.shared.head() {
            Ok(head) => head,
            Err(error) => {
                write_answer(&mut to, &Answer { error: Some(error.to_string()), ..Answer::default() })?;
                return to.flush();
            }
        };
        write_answer(&mut to, &Answer { activity: Some((self.activity)()), error: None })?;
        match request {
            Request::Head => {
                let mut line = serde_json::to_vec(&head)?;
                line.push(b'\n');
                to.write_all(&line)?;
            }
            Request::State => self.shared.send(&mut to).map_err(io::Error::other)?,
        }
        to.flush()
    }
}

/// Reads a line. One that is long or takes long is cut off.
fn read_request(mut stream: &UnixStream) -> io::Result<Vec<u8>> {
    let (begun, mut line) = (Instant::now(), Vec::new());
    let mut byte = [0];
    while line.len() < 16 && line.last() != Some(&b'\n') && begun.elapsed() < REQUEST {
        if stream.read(&mut byte)? == 0 {
            break;
        }
        line.push(byte[0]);
    }
    Ok(line)
}

/// A stream that takes nothing more after some time.
struct Until<'a> {
    stream: &'a UnixStream,
    end: Instant,
}

impl Write for Until<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if Instant::now() > self.end {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Asks for something.
pub(super) fn connect(dir: &Path, request: &str) -> io::Result<UnixStream> {
    let mut stream = at_socket(dir, |path| UnixStream::connect(path))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.set_write_timeout(Some(STALL))?;
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use enfold_state::block::{Genesis, GenesisLeaf};
    use enfold_state::hash::Digest;
    use enfold_state::store::{Check, FILE_NAME, Snapshot};

    use super::*;
    use crate::reading;

    fn genesis() -> Genesis {
        let leaf = |asset| GenesisLeaf { address: Digest::ZERO, asset, balance: 1000 + u64::from(asset) };
        Genesis { chain_id: 5, time: 1, shards: 1, leaves: (0..100).map(leaf).collect(), contracts: vec![] }
    }

    fn activity() -> Activity {
        Activity { process: 7, doing: "nothing".to_owned(), ..Activity::default() }
    }

    #[test]
    fn a_served_state_is_the_one_on_disk() {
        let root = tempfile::tempdir().unwrap();
        // As long as paths of sockets cannot be.
        let long = root.path().join("a".repeat(120)).join("b".repeat(120));
        let dirs = if cfg!(target_os = "linux") {
            vec![root.path().join("short"), long]
        } else {
            vec![root.path().join("s")]
        };
        for dir in dirs {
            let store = Store::create(&dir, &genesis()).unwrap();
            // What a killed process left, of whatever kind.
            drop(UnixListener::bind(root.path().join("x")).unwrap());
            fs::rename(root.path().join("x"), dir.join(SOCKET)).unwrap();
            let serving = Serving::start(&store, activity).unwrap();
            let mode = fs::metadata(dir.join(SOCKET)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let served = reading::open(&dir, Check::Full).unwrap();
            let (head, found) = reading::head(&dir).unwrap();
            assert_eq!(found, Some(activity()));
            drop(serving);
            drop(store);
            assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "the store is left, and no socket");
            let read = Snapshot::open(&dir, Check::Full).unwrap();
            assert_eq!(served.ledger().leaves(), read.ledger().leaves());
            assert_eq!((served.ledger().root(), served.ledger().chain_id()), (read.ledger().root(), 5));
            assert_eq!(reading::head(&dir).unwrap(), (head, None));
        }
    }

    #[test]
    fn readers_that_misbehave_keep_nobody_out() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path(), &genesis()).unwrap();
        let serving = Serving::start(&store, activity).unwrap();
        let connect = |bytes: &[u8]| {
            let mut stream = UnixStream::connect(dir.path().join(SOCKET)).unwrap();
            stream.write_all(bytes).unwrap();
            stream
        };
        let answer = |mut stream: UnixStream| {
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        };
        for wrong in [&b"\n"[..], b"leaves\n", b"a line that is too long", &[0xff; 16]] {
            assert!(answer(connect(wrong)).contains("expected head or state"), "{wrong:?}");
        }
        // As many as there are places say nothing, so there is no place until one of them goes.
        let mut silent: Vec<_> = (0..PLACES).map(|_| connect(b"")).collect();
        assert!(answer(connect(b"head\n")).contains("too many readers"));
        silent.pop();
        assert_eq!(reading::head(dir.path()).unwrap().0.leaves, 100);
        // The prover goes on whatever they do.
        drop(serving);
        drop(store);
        assert!(dir.path().join(FILE_NAME).exists());
        assert!(Store::open(dir.path()).is_ok());
    }
}
