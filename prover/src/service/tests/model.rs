//! Those who use an inbox, what they have delivered, and what must have become of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use blake3::Hash;
use enfold_state::block::{Block, FeePolicy};
use enfold_state::codec;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::Value;

use super::fake::{BAD_FLOOR, CHAIN_ID, FakeChain, data_of, proof_of, zero};
use super::{CLAIMS, QUEUE, Schedule, names};
use crate::list::LIST;
use crate::queue::Delivered;

/// A file that is being written: what is still to come.
struct Half {
    file: File,
    rest: Vec<u8>,
    whole: Vec<u8>,
}

/// The users.
pub struct Model {
    pub rng: ChaCha8Rng,
    /// Whether the service gives files the time that they need.
    pub patient: bool,
    inbox: PathBuf,
    /// A folder of the users'.
    own: PathBuf,
    count: usize,
    /// Number of the last block that is sure to come.
    last: u32,
    names: Vec<OsString>,
    half: Vec<Half>,
    /// Files that were taken out of the inbox again.
    withdrawn: BTreeSet<u64>,
    /// What was delivered, and how often it was not taken back.
    delivered: BTreeMap<Vec<u8>, usize>,
    /// How often of these it was whole from the start, or given the time to become so.
    sure: BTreeMap<Vec<u8>, usize>,
}

/// Names as one would not choose them.
fn hostile_names() -> Vec<OsString> {
    let digest = "0".repeat(64);
    let mut names = [
        "block-1.bin",
        "block-1.json",
        "block-1.proof",
        "block-2.proof.data",
        "x.proof",
        "x.data",
        "blocks.jsonl",
        "a\nb",
        "x.reason.json",
        "-rf",
        " ",
        "x...",
        "*",
        "queue",
        "proving",
        "state.redb",
        "listing.json",
        "\u{202e}nib",
        &format!("block-1-{digest}.bin"),
        &format!("file-{digest}"),
        &"n".repeat(255),
    ]
    .map(OsString::from)
    .to_vec();
    names.push(OsStr::from_bytes(b"\xff\xfe\x80.bin").to_owned());
    names.push(OsStr::from_bytes(&[0xf0; 255]).to_owned());
    names
}

pub fn block(number: u32, variant: u64) -> Block {
    let fee = FeePolicy { asset: 0, floor: variant, collector: zero() };
    Block { chain_id: CHAIN_ID, number, time: 1, fees: vec![fee], transactions: vec![] }
}

/// Which block it is, if it is one of the chain, and whether it can be proven.
fn id(bytes: &[u8]) -> Option<(u32, Hash, bool)> {
    let read = Delivered::read(bytes.to_vec()).ok().filter(|read| read.block.chain_id == CHAIN_ID)?;
    let valid = read.block.fees.iter().all(|fee| fee.floor < BAD_FLOOR);
    Some((read.id.number, read.id.digest, valid))
}

impl Model {
    pub fn new(seed: u64, inbox: PathBuf, own: PathBuf) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let last = rng.gen_range(1..6);
        Self {
            rng,
            patient: true,
            inbox,
            own,
            count: 0,
            last,
            names: hostile_names(),
            half: Vec::new(),
            withdrawn: BTreeSet::new(),
            delivered: BTreeMap::new(),
            sure: BTreeMap::new(),
        }
    }

    /// A file of the users'.
    fn own_path(&mut self) -> PathBuf {
        self.count += 1;
        self.own.join(self.count.to_string())
    }

    /// A place in the inbox.
    fn place(&mut self) -> PathBuf {
        self.count += 1;
        let plain = OsString::from(format!("{}.bin", self.count));
        let name =
            if self.rng.gen_bool(0.5) { plain } else { self.names.choose(&mut self.rng).unwrap().clone() };
        self.inbox.join(name)
    }

    fn content(&mut self) -> Vec<u8> {
        let number = self.rng.gen_range(1..=self.last);
        let variant = if self.rng.gen_bool(0.8) { 0 } else { self.rng.gen_range(0..3) };
        let block = match self.rng.gen_range(0..20) {
            0 => return (0..self.rng.gen_range(0..40)).map(|_| self.rng.r#gen()).collect(),
            1 => block(number, BAD_FLOOR + self.rng.gen_range(0..2)),
            2 => Block { chain_id: 99, ..block(number, 0) },
            3 => block(self.rng.gen_range(self.last + 2..self.last + 4), 0),
            4 => block(0, 0),
            _ => block(number, variant),
        };
        if self.rng.gen_bool(0.3) {
            codec::encode_json(&block).unwrap().into_bytes()
        } else {
            codec::encode(&block).unwrap()
        }
    }

    /// Does something to the inbox.
    pub fn act(&mut self) {
        match self.rng.gen_range(0..20) {
            0..10 => {
                let content = self.content();
                self.deliver(&content);
            }
            10..13 => self.withdraw(),
            13..16 => self.begin_to_write(),
            16..19 => self.write_on(),
            _ => self.put_what_is_no_file(),
        }
    }

    /// Writes a file elsewhere and moves it to the inbox, in the place of what is there.
    fn deliver(&mut self, content: &[u8]) {
        let (from, to) = (self.own_path(), self.place());
        if to.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            return;
        }
        fs::write(&from, content).unwrap();
        self.add(content, true);
        while let Err(error) = renameat_with(CWD, &from, CWD, &to, RenameFlags::NOREPLACE) {
            assert_eq!(error, rustix::io::Errno::EXIST);
            // An exchange shows just what was replaced.
            if renameat_with(CWD, &from, CWD, &to, RenameFlags::EXCHANGE).is_ok() {
                self.take_back(&from);
                break;
            }
        }
    }

    fn add(&mut self, content: &[u8], sure: bool) {
        *self.delivered.entry(content.to_vec()).or_default() += 1;
        if sure {
            *self.sure.entry(content.to_vec()).or_default() += 1;
        }
    }

    /// A file is the users' again. One that was not whole yet has not been delivered.
    fn take_back(&mut self, path: &Path) {
        let inode = fs::metadata(path).unwrap().ino();
        self.withdrawn.insert(inode);
        let half = self.half.iter().any(|half| half.file.metadata().unwrap().ino() == inode);
        if !half {
            let content = fs::read(path).unwrap();
            for counts in [&mut self.delivered, &mut self.sure] {
                counts.entry(content.clone()).and_modify(|count| *count = count.saturating_sub(1));
            }
        }
    }

    fn withdraw(&mut self) {
        let own = self.own_path();
        let found = fs::read_dir(&self.inbox).unwrap().map(|entry| entry.unwrap());
        let found = found.filter(|entry| entry.file_type().is_ok_and(|found| found.is_file()));
        let mut found: Vec<_> = found.map(|entry| entry.path()).collect();
        found.sort();
        if let Some(path) = found.choose(&mut self.rng)
            && fs::rename(path, &own).is_ok()
        {
            self.take_back(&own);
        }
    }

    fn begin_to_write(&mut self) {
        let (place, whole) = (self.place(), self.content());
        if let Ok(mut file) = File::create_new(place) {
            let half = self.rng.gen_range(0..=whole.len()).min(whole.len().saturating_sub(1));
            file.write_all(&whole[..half]).unwrap();
            self.half.push(Half { file, rest: whole[half..].to_vec(), whole });
        }
    }

    fn write_on(&mut self) {
        if !self.half.is_empty() {
            let half = self.half.swap_remove(self.rng.gen_range(0..self.half.len()));
            self.complete(half);
        }
    }

    fn complete(&mut self, mut half: Half) {
        half.file.write_all(&half.rest).unwrap();
        if !self.withdrawn.contains(&half.file.metadata().unwrap().ino()) {
            self.add(&half.whole, self.patient);
        }
    }

    /// Where something is already, nothing happens.
    fn put_what_is_no_file(&mut self) {
        let place = self.place();
        if self.rng.gen_bool(0.5) {
            let _ = fs::create_dir(place);
        } else {
            let _ = symlink("../data/chain", place);
        }
    }

    /// The users finish what they have begun, and see to it that every block of the chain is there.
    pub fn end(&mut self) {
        for half in std::mem::take(&mut self.half) {
            self.complete(half);
        }
        // One that is delivered may take the place of another.
        while let Some(number) = (1..=self.last).find(|&number| !self.is_sure(number)) {
            self.deliver(&codec::encode(&block(number, 7)).unwrap());
        }
    }

    /// Whether a block of this number is there that can be proven.
    fn is_sure(&self, number: u32) -> bool {
        let is_one = |bytes: &Vec<u8>| id(bytes).is_some_and(|(n, _, valid)| valid && n == number);
        self.kept().any(|bytes| is_one(bytes) && self.sure.get(bytes).is_some_and(|&count| count > 0))
    }

    /// What was delivered and not taken back.
    fn kept(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.delivered.iter().filter(|&(_, &count)| count > 0).map(|(bytes, _)| bytes)
    }
}

impl Schedule {
    /// What must hold when all is done.
    pub fn check(&self) {
        let model = self.lock();
        let chain = FakeChain::open(self.at("data/chain"));
        let committed = chain.committed();
        assert_eq!(committed.len(), model.last as usize, "every block is proven");
        self.check_outbox(committed);
        self.check_rejected();
        self.check_inbox();
        let contents = |dir: &str| -> BTreeSet<Vec<u8>> {
            names(&self.at(dir)).iter().map(|name| fs::read(self.at(dir).join(name)).unwrap()).collect()
        };
        let [queue, bad] = [&format!("data/{QUEUE}")[..], "bad"].map(contents);
        for bytes in model.kept() {
            let id = id(bytes);
            let proven = id.is_some_and(|(_, digest, _)| committed.contains(&digest));
            let waits = id.is_some() && queue.iter().any(|other| self::id(other) == id);
            // A block is the same in either form.
            let there = bad.contains(bytes) || id.is_some() && bad.iter().any(|other| self::id(other) == id);
            let read = Delivered::read(bytes.clone()).map(|read| read.block);
            assert!(there || proven || waits, "lost: {read:?} in {} bytes", bytes.len());
            if let Some((number, ..)) = id
                && number > model.last
                && model.sure.get(bytes).is_some_and(|&count| count > 0)
            {
                assert!(waits, "block {number} waits");
            }
        }
    }

    fn check_rejected(&self) {
        let bad = self.at("bad");
        // A reason alone is what a run has left that was killed before a file that then was changed.
        for name in names(&bad).iter().filter(|name| !name.ends_with(".reason.json")) {
            assert!(bad.join(format!("{name}.reason.json")).is_file(), "{name} has a reason");
        }
    }

    /// All files are taken in.
    fn check_inbox(&self) {
        let mut folders = vec![self.at("in")];
        let claims = fs::read_dir(self.at("in").join(CLAIMS)).unwrap();
        folders.extend(claims.map(|claim| claim.unwrap().path()));
        for folder in folders {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                assert!(!entry.file_type().unwrap().is_file(), "{entry:?}");
            }
        }
    }

    /// Each block has its proof, its data, its file and one line, and nothing else is there.
    fn check_outbox(&self, committed: &[Hash]) {
        let out = self.at("out");
        let text = |name: &str| fs::read_to_string(out.join(name)).unwrap_or_default();
        let list = text(LIST);
        let lines = list.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let listed: Vec<_> = lines.map(|line| (line["number"].clone(), line["digest"].clone())).collect();
        let line = |(number, digest): (u32, &Hash)| (number.into(), digest.to_string().into());
        let once: Vec<(Value, Value)> = (1..).zip(committed).map(line).collect();
        assert_eq!(listed, once, "one line a block, in order");
        let mut expected = vec![LIST.to_owned()];
        for (number, &digest) in (1..).zip(committed) {
            let proof = format!("block-{number}.proof");
            let data = format!("{proof}.data");
            assert_eq!(text(&proof), proof_of(number, digest));
            assert_eq!(text(&data), data_of(number, digest));
            let forms = ["bin", "json"].map(|form| format!("block-{number}.{form}"));
            let there: Vec<_> = forms.into_iter().filter(|name| out.join(name).exists()).collect();
            let [name] = &there[..] else { panic!("one file of block {number}, got {there:?}") };
            assert_eq!(id(&fs::read(out.join(name)).unwrap()), Some((number, digest, true)));
            expected.extend([name.clone(), data, proof]);
        }
        expected.sort();
        assert_eq!(names(&out), expected);
    }
}
