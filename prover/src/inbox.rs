//! The inbox: files that others deliver, under any name, and may replace, withdraw or still be writing.
//!
//! A file stays where it is until two looks in a row find the same whole block in it, or it has been unchanged for long
//! enough to be called none: a block that is filled in, in a file that has its length from the start, may read as a whole
//! one before it is. Then it is moved, in one step, to a folder of its own within [`CLAIMS`](crate::folders::CLAIMS), where
//! only the service looks, and only what is read there counts. Whatever cannot be read just now is left for the next look.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use blake3::Hash;
use enfold_state::block::Block;
use enfold_state::codec::{CodecError, Kind, Record};
use enfold_state::system::words;

use crate::files::{FileError, FileId, failed, make_dir, rename_new};
use crate::pace::Pace;
use crate::queue::Delivered;
use crate::steps::step;
use crate::stop::Stop;

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
    /// A block, which was not there or was another at the look before.
    New,
    /// Nothing that can be judged yet, and why.
    NotYet(String),
    /// No regular file, and why that cannot be taken.
    Other(String),
    /// No block, and why.
    Bad(String),
    /// It is not there any more.
    Gone,
}

/// What the system says of a file. Whoever writes to it changes this, sooner or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Time of change of its inode where there is one, which nobody can set back. A new name changes it too.
    changed: Option<(i64, i64)>,
}

/// A file as it was when it was read: its length, its time of change, its bytes.
pub(crate) type Content = (u64, Option<SystemTime>, Hash);

/// What is known of a file.
#[derive(Debug)]
struct Seen {
    /// When it was first seen.
    first: Instant,
    /// When it was first seen as it is.
    since: Instant,
    stamp: Option<Stamp>,
    content: Option<Content>,
    /// Why it is no block, and for how long it must have been as it is to be called so.
    no_block: Option<(String, Duration)>,
    /// The last look that found it.
    look: u64,
}

/// The inbox.
#[derive(Debug)]
pub(crate) struct Inbox {
    dir: PathBuf,
    claims: PathBuf,
    pace: Pace,
    stop: Option<&'static Stop>,
    seen: BTreeMap<Key, Seen>,
    /// Count of looks.
    looks: u64,
    /// Number of the last claim.
    last: u64,
}

/// A file, which keeps this when it is moved; where the system has no numbers for files, its path.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Id(FileId),
    Path(PathBuf),
}

impl Key {
    fn of(path: &Path, found: &Metadata) -> Self {
        FileId::from_metadata(found).map_or_else(|| Self::Path(path.to_owned()), Self::Id)
    }
}

impl Stamp {
    fn of(found: &Metadata) -> Self {
        #[cfg(unix)]
        let changed = {
            use std::os::unix::fs::MetadataExt;
            Some((found.ctime(), found.ctime_nsec()))
        };
        #[cfg(not(unix))]
        let changed = None;
        Self { bytes: found.len(), modified: found.modified().ok(), changed }
    }
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

/// What a file that is left waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It has just come or changed, and is taken if the next look finds it as it is.
    NextLook,
    /// That this passes.
    Passes(String),
}

impl From<FileError> for Wait {
    fn from(error: FileError) -> Self {
        Self::Passes(error.to_string())
    }
}

/// A file that was left where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub path: PathBuf,
    pub wait: Wait,
    /// As it was then, if it could be seen.
    stamp: Option<Stamp>,
}

impl Left {
    pub(crate) fn new(path: &Path, wait: Wait) -> Self {
        let stamp = path.symlink_metadata().ok().map(|found| Stamp::of(&found));
        Self { path: path.to_owned(), wait, stamp }
    }
}

impl Inbox {
    /// The inbox in a folder, with what a run that was cut off had claimed.
    pub(crate) fn open(
        dir: &Path,
        claims: PathBuf,
        pace: Pace,
        stop: Option<&'static Stop>,
    ) -> Result<Self, FileError> {
        expect_folder(&claims).map_err(failed(&claims))?;
        let mut last = 0;
        for slot in list_if_there(&claims).map_err(failed(&claims))? {
            // Only those that are empty can be removed.
            let _ = fs::remove_dir(&slot);
            let number = slot.file_name().and_then(|name| name.to_str()?.parse().ok());
            last = last.max(number.unwrap_or(0));
        }
        let (dir, seen) = (dir.to_owned(), BTreeMap::new());
        let mut inbox = Self { dir, claims, pace, stop, seen, looks: 0, last };
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
            if let Found::Block(_) | Found::New = self.look_at(&path) {
                // What cannot be claimed stays there for the next run.
                let _ = self.claim_file(&path);
            }
        }
        let _ = fs::remove_dir(proving);
    }

    /// Begins a look: claims all that can be judged, and says what is left, and why. A stop ends it after any file.
    pub(crate) fn claim(&mut self) -> io::Result<Vec<Left>> {
        expect_folder(&self.claims)?;
        let files = files(&self.dir)?;
        // What the last look did not find is gone.
        let last = self.looks;
        self.seen.retain(|_, seen| seen.look == last);
        self.looks += 1;
        let mut left = Vec::new();
        for path in files {
            if self.stopped() {
                break;
            }
            let claimed = match self.look_at(&path) {
                Found::Block(_) | Found::Bad(_) => self.claim_file(&path),
                Found::New => {
                    left.push(Left::new(&path, Wait::NextLook));
                    continue;
                }
                Found::NotYet(reason) | Found::Other(reason) => {
                    left.push(Left::new(&path, Wait::Passes(reason)));
                    continue;
                }
                Found::Gone => continue,
            };
            match claimed {
                // Somebody took it, or else the folder that it was to be moved to.
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    if path.symlink_metadata().is_ok() {
                        left.push(Left::new(&path, Wait::NextLook));
                    }
                }
                Err(error) => {
                    left.push(Left::new(&path, Wait::Passes(format!("cannot be claimed: {error}"))));
                }
                Ok(()) => {}
            }
        }
        Ok(left)
    }

    /// Whether nothing more is to be begun.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.is_some_and(Stop::requested)
    }

    fn claim_file(&mut self, path: &Path) -> io::Result<()> {
        // Whoever has emptied the inbox may have taken this too, or put a link in its place.
        if self.claims.symlink_metadata().is_err() {
            make_dir(&self.claims)?;
        }
        expect_folder(&self.claims)?;
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

    /// Puts back what was put in the place of a file that was to be claimed: a folder with all that is in it, or a link. An
    /// error is what it must wait for: that something else has its name by now, for instance.
    pub(crate) fn give_back(&self, claim: &Claim) -> Result<(), Wait> {
        rename_new(&claim.path(), &self.dir.join(&claim.file)).map_err(|error| {
            let (kind, of) = (words(&error), self.dir.join(&claim.file));
            Wait::Passes(format!("cannot be put back as {}: {kind}", of.display()))
        })?;
        self.clear(claim);
        Ok(())
    }

    /// What is claimed, in the order of claiming, and what cannot be read.
    pub(crate) fn claims(&self) -> (Vec<Claim>, Vec<(PathBuf, io::Error)>) {
        let (mut claims, mut unread) = (Vec::new(), Vec::new());
        let mut list = |dir: &Path| {
            let listed = expect_folder(dir).and_then(|()| list_if_there(dir));
            listed.unwrap_or_else(|error| {
                unread.push((dir.to_owned(), error));
                Vec::new()
            })
        };
        for slot in list(&self.claims) {
            // A link, to a folder too, is none of the service's; nor is a file.
            if slot.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
                continue;
            }
            for path in list(&slot) {
                let file = path.file_name().unwrap_or_default().to_owned();
                claims.push(Claim { slot: slot.clone(), file });
            }
        }
        (claims, unread)
    }

    /// Removes a claim whose content is elsewhere by now, if it is still what was `read`.
    pub(crate) fn release(&mut self, claim: &Claim, read: Option<Content>) -> Result<(), Wait> {
        step("release");
        self.expect_still(claim, read)?;
        let path = claim.path();
        fs::remove_file(&path).map_err(failed(&path))?;
        self.clear(claim);
        Ok(())
    }

    /// Requires a claim to be what was `read` of it, and in the inbox.
    pub(crate) fn expect_still(&mut self, claim: &Claim, read: Option<Content>) -> Result<(), Wait> {
        let path = claim.path();
        let found = self.look_at(&path);
        if read.is_none() || self.content(&path) != read || !matches!(found, Found::Block(_) | Found::Bad(_))
        {
            return Err(Wait::NextLook);
        }
        Ok(self.expect_within(&path).map_err(failed(&path))?)
    }

    /// What was read of a file last.
    pub(crate) fn content(&self, path: &Path) -> Option<Content> {
        let found = path.symlink_metadata().ok()?;
        self.seen.get(&Key::of(path, &found))?.content
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
        let expected = |got| Ok(Found::Other(format!("expected a regular file, got {got}")));
        if path.symlink_metadata()?.is_symlink() {
            return expected("a symbolic link");
        }
        let file = open(path)?;
        let found = file.metadata()?;
        if !found.is_file() {
            return expected("something else");
        }
        let stamp = Stamp::of(&found);
        let seen = self.seen.entry(Key::of(path, &found)).or_insert_with(Seen::now);
        seen.look = self.looks;
        if seen.stamp == Some(stamp)
            && let Some(wait) = seen.wait_for_block()
        {
            return Ok(wait);
        }
        let expected = Block::MAX_LEN;
        let mut bytes = Vec::new();
        if stamp.bytes <= expected {
            (&file).take(expected + 1).read_to_end(&mut bytes)?;
            if Stamp::of(&file.metadata()?) != stamp {
                return Ok(Found::NotYet("is still being written".to_owned()));
            }
        }
        let again = seen.content.is_some();
        let unchanged = seen.is_unchanged(stamp, blake3::hash(&bytes));
        let read = if stamp.bytes <= expected {
            Delivered::read(bytes)
        } else {
            Err(CodecError::TooLong { kind: Kind::Block, expected, got: stamp.bytes })
        };
        let Pace { look, settle, .. } = self.pace;
        Ok(match read {
            Ok(delivered) => {
                seen.no_block = None;
                if unchanged && seen.since.elapsed() >= look {
                    Found::Block(Box::new(delivered))
                } else if again && seen.first.elapsed() > settle + look {
                    Found::NotYet("keeps changing".to_owned())
                } else {
                    Found::New
                }
            }
            Err(error) => {
                let settle = match error {
                    CodecError::Kind { .. } | CodecError::Version { .. } => settle.min(SETTLE_OTHER_KIND),
                    _ => settle,
                };
                let reason = error.to_string();
                seen.no_block = Some((reason.clone(), settle));
                seen.wait_for_block().unwrap_or(Found::Bad(reason))
            }
        })
    }
}

impl Seen {
    fn now() -> Self {
        let now = Instant::now();
        Self { first: now, since: now, stamp: None, content: None, no_block: None, look: 0 }
    }

    /// Takes down what was read, and says whether the file is as it was when it was read before.
    fn is_unchanged(&mut self, stamp: Stamp, digest: Hash) -> bool {
        let content = Some((stamp.bytes, stamp.modified, digest));
        let unchanged = self.content == content;
        if !unchanged {
            self.since = Instant::now();
        }
        (self.stamp, self.content) = (Some(stamp), content);
        unchanged
    }

    /// What a file is that is no block and may still become one.
    fn wait_for_block(&self) -> Option<Found> {
        let (reason, settle) = self.no_block.as_ref()?;
        let waits = self.since.elapsed() < *settle;
        waits.then(|| Found::NotYet(format!("not a complete block yet: {reason}")))
    }
}

/// The name for a file that is no block: from its content, as far as that is read.
pub(crate) fn name_of_other(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let file = open(path)?;
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

/// What is in a folder, by name; nothing if it is not there.
fn list_if_there(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
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
    use std::io::Write;

    use enfold_state::codec;

    use super::*;
    use crate::folders::CLAIMS;

    struct Case {
        dir: tempfile::TempDir,
        inbox: Inbox,
    }

    fn open_inbox(dir: &Path, settle: Duration) -> Result<Inbox, FileError> {
        make_dir(&dir.join(CLAIMS)).or_else(|_| expect_folder(&dir.join(CLAIMS))).map_err(failed(dir))?;
        let pace = Pace { look: Duration::ZERO, settle, ..Pace::default() };
        Inbox::open(dir, dir.join(CLAIMS), pace, None)
    }

    impl Case {
        fn new(settle: Duration) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let inbox = open_inbox(dir.path(), settle).unwrap();
            Self { dir, inbox }
        }

        fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
            let path = self.dir.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        }

        /// Looks twice, and gives the names of what is claimed and of what is left.
        fn claim(&mut self) -> (Vec<String>, Vec<String>) {
            self.look();
            self.look()
        }

        /// Claims, and gives the names of what is claimed and of what is left.
        fn look(&mut self) -> (Vec<String>, Vec<String>) {
            let text = |name: OsString| name.to_string_lossy().into_owned();
            let left = self.inbox.claim().unwrap();
            let claims = self.inbox.claims().0.into_iter().map(|claim| text(claim.file));
            (
                claims.collect(),
                left.into_iter().map(|left| text(left.path.file_name().unwrap().to_owned())).collect(),
            )
        }
    }

    fn block(number: u32) -> Vec<u8> {
        codec::encode(&Block { chain_id: 1, number, time: 1, fees: vec![], transactions: vec![] }).unwrap()
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
        case.inbox = open_inbox(case.dir.path(), LONG).unwrap();
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
        case.inbox.pace.settle = LONG;
        case.claim();
        assert_eq!(case.inbox.seen.len(), 1);
        fs::remove_file(path).unwrap();
        case.claim();
        assert!(case.inbox.seen.is_empty());
    }

    #[test]
    fn a_claim_that_is_written_to_is_not_removed() {
        let mut case = Case::new(LONG);
        case.put("a", &block(1));
        case.claim();
        let [claim] = &case.inbox.claims().0[..] else { panic!("one claim") };
        assert!(matches!(case.inbox.look_at(&claim.path()), Found::Block(_)));
        let read = case.inbox.content(&claim.path());
        fs::write(claim.path(), block(2)).unwrap();
        // However often.
        for _ in 0..3 {
            assert_eq!(case.inbox.release(claim, read), Err(Wait::NextLook));
        }
        assert_eq!(case.inbox.release(claim, None), Err(Wait::NextLook));
        assert!(claim.path().exists());
        let Found::Block(found) = case.inbox.look_at(&claim.path()) else { panic!("a block") };
        assert_eq!(found.block.number, 2);
        case.inbox.release(claim, case.inbox.content(&claim.path())).unwrap();
        assert!(case.inbox.claims().0.is_empty() && !claim.slot.exists());
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
        assert!(open_inbox(dir.path(), LONG).is_err());
        let mut case = Case::new(LONG);
        case.put("a", &block(2));
        case.claim();
        let [claim] = &case.inbox.claims().0[..] else { panic!("one claim") };
        let claim = claim.clone();
        fs::rename(case.dir.path().join(CLAIMS), case.dir.path().join("aside")).unwrap();
        symlink(elsewhere.path(), case.dir.path().join(CLAIMS)).unwrap();
        assert!(case.inbox.claim().is_err() && !case.inbox.claims().1.is_empty());
        // Put there between a look and what follows it.
        let slot = elsewhere.path().join(claim.slot.file_name().unwrap());
        fs::create_dir(&slot).unwrap();
        fs::write(slot.join("a"), block(2)).unwrap();
        assert!(matches!(case.inbox.look_at(&claim.path()), Found::New));
        assert!(matches!(case.inbox.look_at(&claim.path()), Found::Block(_)));
        let read = case.inbox.content(&claim.path());
        assert!(matches!(case.inbox.release(&claim, read), Err(Wait::Passes(_))) && slot.join("a").exists());
        // A link for one of its folders.
        let case = Case::new(LONG);
        symlink(elsewhere.path(), case.dir.path().join(CLAIMS).join("1")).unwrap();
        assert!(case.inbox.claims().0.is_empty());
        // And for that of earlier versions, of which only blocks are taken.
        let dir = tempfile::tempdir().unwrap();
        symlink(elsewhere.path(), dir.path().join(EARLIER_CLAIMS)).unwrap();
        let inbox = open_inbox(dir.path(), LONG).unwrap();
        assert!(inbox.claims().0.is_empty() && theirs.exists());
        let dir = tempfile::tempdir().unwrap();
        let proving = dir.path().join(EARLIER_CLAIMS);
        fs::create_dir(&proving).unwrap();
        fs::write(proving.join("notes"), "mine").unwrap();
        fs::write(proving.join("block"), block(3)).unwrap();
        let inbox = open_inbox(dir.path(), LONG).unwrap();
        let claimed: Vec<_> = inbox.claims().0.into_iter().map(|claim| claim.file).collect();
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
        assert!(!matches!(case.inbox.look_at(&path), Found::Bad(_) | Found::Block(_)));
        assert!(matches!(case.inbox.look_at(&path), Found::Block(_)));
    }

    /// Into space that was there before, or through a mapping, which changes no time at once.
    #[test]
    fn a_block_that_is_filled_in_is_taken_when_it_stays_as_it_is() {
        let mut case = Case::new(LONG);
        let parts: Vec<_> = (1..4).map(block).collect();
        let path = case.put("a", &parts[0]);
        let modified = path.metadata().unwrap().modified().unwrap();
        for part in &parts {
            let mut file = File::options().write(true).open(&path).unwrap();
            file.write_all(part).unwrap();
            file.set_modified(modified).unwrap();
            assert!(case.look().0.is_empty());
        }
        assert_eq!(case.look().0, ["a"]);
        let [claim] = &case.inbox.claims().0[..] else { panic!("one claim") };
        assert_eq!(fs::read(claim.path()).unwrap(), parts[2]);
        // One that is still written to when it is claimed is no sure one either.
        fs::write(claim.path(), block(4)).unwrap();
        assert!(matches!(case.inbox.look_at(&claim.path()), Found::New));
    }

    #[test]
    fn a_block_that_changes_for_ever_is_said_to() {
        let mut case = Case::new(Duration::ZERO);
        let path = case.put("a", &block(1));
        assert!(matches!(case.inbox.look_at(&path), Found::New));
        std::thread::sleep(Duration::from_millis(1));
        case.put("a", &block(2));
        assert!(matches!(case.inbox.look_at(&path), Found::NotYet(_)));
        assert!(matches!(case.inbox.look_at(&path), Found::Block(_)));
    }

    #[test]
    fn a_stop_ends_a_look_after_the_file_at_hand() {
        let stop: &'static Stop = Box::leak(Box::default());
        let mut case = Case::new(LONG);
        case.inbox.stop = Some(stop);
        (0..5).for_each(|name| _ = case.put(&name.to_string(), &block(1)));
        assert_eq!(case.look().1.len(), 5);
        crate::steps::Hook(Some(std::sync::Arc::new(|name| _ = name == "claim" && stop.request()))).enter();
        let (claimed, left) = case.look();
        crate::steps::Hook(None).enter();
        assert_eq!((claimed.len(), left.len()), (1, 0));
    }

    /// The service's folder is gone when the file is to be moved there.
    #[test]
    fn a_file_that_was_not_claimed_is_left() {
        let mut case = Case::new(LONG);
        case.put("a", &block(1));
        case.look();
        let claims = case.inbox.claims.clone();
        let remove = move |name| {
            if name == "claim" {
                fs::remove_dir_all(&claims).unwrap();
            }
        };
        crate::steps::Hook(Some(std::sync::Arc::new(remove))).enter();
        let (claimed, left) = case.look();
        crate::steps::Hook(None).enter();
        assert_eq!((claimed.len(), left), (0, vec!["a".to_owned()]));
        assert_eq!(case.look().0, ["a"]);
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
        // And if it was put in the place of a claim that is about to be rejected.
        let at = |name: &str| case.dir.path().join(name);
        assert!(name_of_other(&at("link")).is_err());
        name_of_other(&at("pipe")).unwrap();
    }
}
