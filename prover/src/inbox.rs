//! The inbox: files that others deliver, under any name, and may replace, withdraw or still be writing.
//!
//! A file stays where it is until it is a whole block, or has been unchanged for long enough to be called none. Then it
//! is moved, in one step, to a folder of its own within [`CLAIMS`](crate::folders::CLAIMS), where only the service
//! looks, and only what is read there counts. Whatever cannot be read just now is left for the next look.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use enfold_state::block::Block;
use enfold_state::codec::{CodecError, Kind, Record};

use crate::files::{FileError, FileId, failed};
use crate::queue::Delivered;
use crate::steps::step;

/// A file that is of another kind will not become a block by growing.
const SETTLE_OTHER_KIND: Duration = Duration::from_secs(1);

/// Name of the folder in the inbox in which earlier versions kept the block at work.
const EARLIER_CLAIMS: &str = "proving";

/// Bytes from which a file gets its name that is too long to be a block.
const LONG_PREFIX: u64 = 1 << 20;

/// What a file turns out to be.
#[derive(Debug)]
pub(crate) enum Found {
    /// A block.
    Block(Box<Delivered>),
    /// Nothing that can be judged yet, and why.
    NotYet(String),
    /// No block, and why.
    Bad(String),
    /// It is not there any more.
    Gone,
}

/// A file's length, its time of change, and that of its inode where there is one, which nobody can set back. Whoever
/// writes to the file changes them.
type Stamp = (u64, Option<SystemTime>, Option<(i64, i64)>);

/// A file that was read and is no block.
#[derive(Debug)]
struct NoBlock {
    stamp: Stamp,
    since: Instant,
    reason: String,
    settle: Duration,
}

/// The inbox.
#[derive(Debug)]
pub(crate) struct Inbox {
    dir: PathBuf,
    claims: PathBuf,
    /// Time for which a file must be unchanged before it is called no block.
    settle: Duration,
    /// What is known of files that are no blocks, so that they are not read again and again.
    known: BTreeMap<Key, NoBlock>,
    /// Number of the last claim.
    last: u64,
}

/// A file, which keeps this when it is moved; where the system has no numbers for files, its name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Id(FileId),
    Name(OsString),
}

fn key(path: &Path, found: &Metadata) -> Key {
    match FileId::from_metadata(found) {
        Some(id) => Key::Id(id),
        None => Key::Name(path.file_name().unwrap_or_default().to_owned()),
    }
}

fn stamp(found: &Metadata) -> Stamp {
    #[cfg(unix)]
    let inode = {
        use std::os::unix::fs::MetadataExt;
        Some((found.ctime(), found.ctime_nsec()))
    };
    #[cfg(not(unix))]
    let inode = None;
    (found.len(), found.modified().ok(), inode)
}

/// Requires a folder, and no link to one: what the service moves and removes there would be somebody else's. One that is
/// gone is made again.
fn expect_folder(path: &Path) -> io::Result<()> {
    let found = match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    match found.is_dir() {
        true => Ok(()),
        false => Err(io::Error::new(ErrorKind::NotADirectory, "expected a folder, got a link or a file")),
    }
}

/// A file of the inbox that belongs to the service now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    slot: PathBuf,
    /// Name that it was delivered under.
    pub file: OsString,
}

impl Claim {
    /// Where it is.
    pub(crate) fn path(&self) -> PathBuf {
        self.slot.join(&self.file)
    }
}

/// A file that was left where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub path: PathBuf,
    pub reason: String,
    /// As it was then, if it could be seen.
    stamp: Option<Stamp>,
}

impl Left {
    pub(crate) fn new(path: &Path, reason: String) -> Self {
        let stamp = path.symlink_metadata().ok().map(|found| stamp(&found));
        Self { path: path.to_owned(), reason, stamp }
    }
}

impl Inbox {
    /// The inbox in a folder, with what a run that was cut off had claimed.
    pub(crate) fn open(dir: &Path, claims: PathBuf, settle: Duration) -> Result<Self, FileError> {
        if claims.symlink_metadata().is_err() {
            fs::create_dir_all(&claims).map_err(failed(&claims))?;
        }
        expect_folder(&claims).map_err(failed(&claims))?;
        let mut last = 0;
        for entry in fs::read_dir(&claims).map_err(failed(&claims))?.flatten() {
            // Only those that are empty can be removed.
            let _ = fs::remove_dir(entry.path());
            let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
            last = last.max(number.unwrap_or(0));
        }
        let mut inbox = Self { dir: dir.to_owned(), claims, settle, known: BTreeMap::new(), last };
        inbox.claim_earlier();
        Ok(inbox)
    }

    /// Claims the block that a run of an earlier version was proving. Whatever else is in a folder of that name is
    /// somebody else's.
    fn claim_earlier(&mut self) {
        let proving = self.dir.join(EARLIER_CLAIMS);
        if expect_folder(&proving).is_err() {
            return;
        }
        for path in files(&proving).unwrap_or_default() {
            if let Found::Block(_) = self.look_at(&path) {
                // What cannot be claimed stays there for the next run.
                let _ = self.claim_file(&path);
            }
        }
        let _ = fs::remove_dir(proving);
    }

    /// Claims all that can be judged, and says what is left, and why.
    pub(crate) fn claim(&mut self) -> io::Result<Vec<Left>> {
        expect_folder(&self.claims)?;
        let mut left = Vec::new();
        for path in files(&self.dir)? {
            let claimed = match self.look_at(&path) {
                Found::Block(_) | Found::Bad(_) => self.claim_file(&path),
                Found::NotYet(reason) => {
                    left.push(Left::new(&path, reason));
                    continue;
                }
                Found::Gone => continue,
            };
            match claimed {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => left.push(Left::new(&path, format!("cannot be claimed: {error}"))),
                Ok(()) => {}
            }
        }
        Ok(left)
    }

    fn claim_file(&mut self, path: &Path) -> io::Result<()> {
        // Whoever has emptied the inbox may have taken this too.
        fs::create_dir_all(&self.claims)?;
        let slot = loop {
            self.last += 1;
            let slot = self.claims.join(format!("{:020}", self.last));
            match fs::create_dir(&slot) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => break made.map(|()| slot)?,
            }
        };
        step("claim");
        // Nothing is in a new folder that this could replace.
        let renamed = fs::rename(path, slot.join(path.file_name().unwrap_or_default()));
        if renamed.is_err() {
            let _ = fs::remove_dir(&slot);
        }
        step("claimed");
        renamed
    }

    /// What is claimed, in the order of claiming.
    pub(crate) fn claims(&self) -> io::Result<Vec<Claim>> {
        expect_folder(&self.claims)?;
        let mut claims = Vec::new();
        let slots = match fs::read_dir(&self.claims) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(claims),
            slots => slots?,
        };
        // A link, to a folder too, is none of the service's.
        let slots = slots.flatten().filter(|entry| entry.file_type().is_ok_and(|found| found.is_dir()));
        let mut slots: Vec<_> = slots.map(|entry| entry.path()).collect();
        slots.sort();
        for slot in slots {
            // What is no folder, or cannot be listed, is no claim.
            for entry in fs::read_dir(&slot).into_iter().flatten().flatten() {
                claims.push(Claim { slot: slot.clone(), file: entry.file_name() });
            }
        }
        Ok(claims)
    }

    /// Removes a claim whose content is elsewhere by now, unless it is not what was read.
    pub(crate) fn release(&mut self, claim: &Claim, read: &Delivered) -> Result<(), FileError> {
        step("release");
        let path = claim.path();
        if let Found::Block(now) = self.look_at(&path)
            && now.bytes == read.bytes
        {
            self.expect_within(&path).map_err(failed(&path))?;
            fs::remove_file(&path).map_err(failed(&path))?;
            self.clear(claim);
        }
        Ok(())
    }

    /// Requires a claim to be in the inbox, whatever was put in the place of its folders meanwhile.
    fn expect_within(&self, path: &Path) -> io::Result<()> {
        if path.canonicalize()?.starts_with(self.dir.canonicalize()?) {
            return Ok(());
        }
        Err(io::Error::other("expected a file in the inbox, got one elsewhere"))
    }

    /// Removes the folder of a claim that was moved away.
    pub(crate) fn clear(&self, claim: &Claim) {
        step("clear");
        // One that stays is removed by the next run.
        let _ = fs::remove_dir(&claim.slot);
    }

    /// Reads a file and says what it is.
    pub(crate) fn look_at(&mut self, path: &Path) -> Found {
        step("look");
        match self.read(path) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => Found::Gone,
            Err(error) => Found::NotYet(format!("cannot be read: {error}")),
        }
    }

    fn read(&mut self, path: &Path) -> io::Result<Found> {
        let expected = |got| Ok(Found::NotYet(format!("expected a regular file, got {got}")));
        if path.symlink_metadata()?.is_symlink() {
            return expected("a symbolic link");
        }
        let file = open(path)?;
        let found = file.metadata()?;
        if !found.is_file() {
            return expected("something else");
        }
        let (key, before) = (key(path, &found), stamp(&found));
        if let Some(known) = self.known.get(&key)
            && known.stamp == before
        {
            return Ok(known.judge());
        }
        let expected = Block::MAX_LEN;
        let error = if found.len() > expected {
            CodecError::TooLong { kind: Kind::Block, expected, got: found.len() }
        } else {
            let mut bytes = Vec::new();
            (&file).take(expected + 1).read_to_end(&mut bytes)?;
            if stamp(&file.metadata()?) != before {
                return Ok(Found::NotYet("is being written".to_owned()));
            }
            match Delivered::read(bytes) {
                Ok(delivered) => return Ok(Found::Block(Box::new(delivered))),
                Err(error) => error,
            }
        };
        let settle = match error {
            CodecError::Kind { .. } | CodecError::Version { .. } => self.settle.min(SETTLE_OTHER_KIND),
            _ => self.settle,
        };
        let known = NoBlock { stamp: before, since: Instant::now(), reason: error.to_string(), settle };
        let judged = known.judge();
        self.known.insert(key, known);
        Ok(judged)
    }

    /// Forgets what is known of files that are gone: of all but these.
    pub(crate) fn forget_all_but(&mut self, left: &[Left]) {
        let there = left.iter().filter_map(|left| Some(key(&left.path, &left.path.symlink_metadata().ok()?)));
        let there: Vec<_> = there.collect();
        self.known.retain(|key, _| there.contains(key));
    }
}

impl NoBlock {
    fn judge(&self) -> Found {
        if self.since.elapsed() < self.settle {
            Found::NotYet(format!("no whole block yet: {}", self.reason))
        } else {
            Found::Bad(self.reason.clone())
        }
    }
}

/// The name for a file that is no block: from its content, as far as that is read.
pub(crate) fn name_of_other(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let file = File::open(path)?;
    hasher.update(&file.metadata()?.len().to_le_bytes());
    hasher.update_reader(file.take(LONG_PREFIX))?;
    Ok(format!("file-{}", hasher.finalize()))
}

/// Opens a file to be read. What is no file must not hold this up, as a pipe would.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
        options.custom_flags(flags.bits() as i32);
    }
    options.open(path)
}

/// What in a folder may be a block, by name. Folders are none, and what begins with a dot or ends in `.part` or `.tmp`
/// is still being written.
fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let unfinished = name.starts_with(b".") || name.ends_with(b".part") || name.ends_with(b".tmp");
        // One that is gone by now is found out when it is read.
        if !unfinished && !entry.file_type().is_ok_and(|found| found.is_dir()) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use enfold_state::codec;

    use super::*;
    use crate::folders::CLAIMS;

    struct Case {
        dir: tempfile::TempDir,
        inbox: Inbox,
    }

    impl Case {
        fn new(settle: Duration) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let inbox = Inbox::open(dir.path(), dir.path().join(CLAIMS), settle).unwrap();
            Self { dir, inbox }
        }

        fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
            let path = self.dir.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        }

        /// Claims, and gives the names of what is claimed and of what is left.
        fn claim(&mut self) -> (Vec<String>, Vec<String>) {
            let text = |name: OsString| name.to_string_lossy().into_owned();
            let left = self.inbox.claim().unwrap();
            let claims = self.inbox.claims().unwrap().into_iter().map(|claim| text(claim.file));
            (
                claims.collect(),
                left.into_iter().map(|left| text(left.path.file_name().unwrap().to_owned())).collect(),
            )
        }
    }

    fn block(number: u32) -> Vec<u8> {
        codec::encode(&Block { chain_id: 1, number, fees: vec![], transactions: vec![] }).unwrap()
    }

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn whole_blocks_are_claimed_and_what_may_still_grow_is_left() {
        let mut case = Case::new(LONG);
        let whole = block(1);
        case.put("b", &whole);
        case.put("a.proof", &whole);
        case.put("half", &whole[..whole.len() - 1]);
        case.put("empty", b"");
        case.put("zeros", &vec![0; whole.len()]);
        case.put(".hidden", &whole);
        case.put("x.part", &whole);
        case.put("x.tmp", &whole);
        fs::create_dir(case.dir.path().join("folder")).unwrap();
        assert_eq!(
            case.claim(),
            (
                ["a.proof", "b"].map(str::to_owned).to_vec(),
                ["empty", "half", "zeros"].map(str::to_owned).to_vec()
            )
        );
        // It grows.
        case.put("half", &whole);
        assert_eq!(case.claim().0, ["a.proof", "b", "half"]);
        // A run later, claims are where they were, and new ones follow.
        case.inbox = Inbox::open(case.dir.path(), case.dir.path().join(CLAIMS), LONG).unwrap();
        case.put("again", &whole);
        assert_eq!(case.claim().0, ["a.proof", "b", "half", "again"]);
        fs::remove_dir_all(case.dir.path().join(CLAIMS)).unwrap();
        assert!(case.claim().0.is_empty());
        case.put("after all", &whole);
        assert_eq!(case.claim().0, ["after all"]);
    }

    #[test]
    fn what_stays_as_it_is_is_no_block() {
        let mut case = Case::new(Duration::from_millis(50));
        let path = case.put("noise", b"no block");
        assert!(matches!(case.inbox.look_at(&path), Found::NotYet(_)));
        std::thread::sleep(Duration::from_millis(60));
        assert!(matches!(case.inbox.look_at(&path), Found::Bad(_)));
        // What changes has its time again, and what was known of files that are gone is forgotten.
        case.put("noise", b"no block yet");
        assert!(matches!(case.inbox.look_at(&path), Found::NotYet(_)));
        case.inbox.forget_all_but(&[Left::new(&path, String::new())]);
        assert_eq!(case.inbox.known.len(), 1);
        case.inbox.forget_all_but(&[]);
        assert!(case.inbox.known.is_empty());
    }

    #[test]
    fn a_claim_that_is_written_to_is_not_removed() {
        let mut case = Case::new(LONG);
        case.put("a", &block(1));
        case.claim();
        let [claim] = &case.inbox.claims().unwrap()[..] else { panic!("one claim") };
        let Found::Block(read) = case.inbox.look_at(&claim.path()) else { panic!("a block") };
        fs::write(claim.path(), block(2)).unwrap();
        case.inbox.release(claim, &read).unwrap();
        let Found::Block(read) = case.inbox.look_at(&claim.path()) else { panic!("a block") };
        assert_eq!(read.block.number, 2);
        case.inbox.release(claim, &read).unwrap();
        assert!(case.inbox.claims().unwrap().is_empty() && !claim.slot.exists());
    }

    #[test]
    #[cfg(unix)]
    fn links_in_the_place_of_the_services_folders_are_not_followed() {
        use std::os::unix::fs::symlink;
        let elsewhere = tempfile::tempdir().unwrap();
        let theirs = elsewhere.path().join("block");
        fs::write(&theirs, block(1)).unwrap();
        // A link for the folder of claims, at the start and later.
        let dir = tempfile::tempdir().unwrap();
        symlink(elsewhere.path(), dir.path().join(CLAIMS)).unwrap();
        assert!(Inbox::open(dir.path(), dir.path().join(CLAIMS), LONG).is_err());
        let mut case = Case::new(LONG);
        case.put("a", &block(2));
        case.claim();
        let [claim] = &case.inbox.claims().unwrap()[..] else { panic!("one claim") };
        let claim = claim.clone();
        fs::rename(case.dir.path().join(CLAIMS), case.dir.path().join("aside")).unwrap();
        symlink(elsewhere.path(), case.dir.path().join(CLAIMS)).unwrap();
        assert!(case.inbox.claim().is_err() && case.inbox.claims().is_err());
        // Put there between a look and what follows it.
        let slot = elsewhere.path().join(claim.slot.file_name().unwrap());
        fs::create_dir(&slot).unwrap();
        fs::write(slot.join("a"), block(2)).unwrap();
        let Found::Block(read) = case.inbox.look_at(&claim.path()) else { panic!("a block") };
        assert!(case.inbox.release(&claim, &read).is_err() && slot.join("a").exists());
        // A link for one of its folders.
        let case = Case::new(LONG);
        symlink(elsewhere.path(), case.dir.path().join(CLAIMS).join("1")).unwrap();
        assert!(case.inbox.claims().unwrap().is_empty());
        // And for that of earlier versions, of which only blocks are taken.
        let dir = tempfile::tempdir().unwrap();
        symlink(elsewhere.path(), dir.path().join(EARLIER_CLAIMS)).unwrap();
        let inbox = Inbox::open(dir.path(), dir.path().join(CLAIMS), LONG).unwrap();
        assert!(inbox.claims().unwrap().is_empty() && theirs.exists());
        let dir = tempfile::tempdir().unwrap();
        let proving = dir.path().join(EARLIER_CLAIMS);
        fs::create_dir(&proving).unwrap();
        fs::write(proving.join("notes"), "mine").unwrap();
        fs::write(proving.join("block"), block(3)).unwrap();
        let inbox = Inbox::open(dir.path(), dir.path().join(CLAIMS), LONG).unwrap();
        let claimed: Vec<_> = inbox.claims().unwrap().into_iter().map(|claim| claim.file).collect();
        assert_eq!(claimed, ["block"]);
        assert!(proving.join("notes").exists());
    }

    #[test]
    #[cfg(unix)]
    fn what_is_mended_with_its_old_length_and_time_is_read_again() {
        let mut case = Case::new(Duration::from_millis(50));
        let whole = block(1);
        let mut broken = whole.clone();
        broken[3] ^= 1;
        let path = case.put("a", &broken);
        let modified = path.metadata().unwrap().modified().unwrap();
        assert!(matches!(case.inbox.look_at(&path), Found::NotYet(_)));
        std::thread::sleep(Duration::from_millis(60));
        case.put("a", &whole);
        File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        assert!(matches!(case.inbox.look_at(&path), Found::Block(_)));
    }

    #[test]
    #[cfg(unix)]
    fn what_is_no_regular_file_neither_blocks_nor_is_claimed() {
        use std::os::unix::fs::symlink;
        let mut case = Case::new(Duration::ZERO);
        let at = |name: &str| case.dir.path().join(name);
        fs::write(at(".target"), block(1)).unwrap();
        symlink(at(".target"), at("link")).unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap();
        assert!(pipe.success());
        std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        let (claimed, left) = case.claim();
        assert!(claimed.is_empty(), "{claimed:?}");
        assert_eq!(left, ["dangling", "link", "pipe", "socket"]);
    }
}
