//! From a signed block to batch witnesses, stage by stage. `enfold bench witness` measures large blocks.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use enfold_fixtures::workload::Workload;
use enfold_state::block::{Block, Genesis, GenesisLeaf};
use enfold_state::chain::BlockId;
use enfold_state::codec;
use enfold_state::executor::{Signatures, execute, execute_checked};
use enfold_state::hash::batch::{hashes_into, message_digests, nodes_into};
use enfold_state::hash::{Digest, MessageSponge, Side, Tag};
use enfold_state::kind::KindId;
use enfold_state::leaf::Leaf;
use enfold_state::ledger::Chain;
use enfold_state::message::Message;
use enfold_state::profile::ProfileId;
use enfold_state::store::{Check, Store};
use enfold_state::transaction::SignedTransaction;
use enfold_witness::plan::Plan;
use enfold_witness::witness::{Stage, witness_observed};
use rayon::prelude::*;

/// Accounts of the state.
const ACCOUNTS: u32 = 1 << 14;
/// Transfers of the block.
const TRANSFERS: usize = 1 << 12;
/// Hashes of a packed run.
const HASHES: usize = 1 << 12;

fn stages(c: &mut Criterion) {
    let profile = ProfileId::Standard.profile();
    let (ledger, block) = Workload::Uniform.make(ACCOUNTS, TRANSFERS, 1);
    let signatures = Signatures::check(&block.transactions);
    let execution = execute_checked(&ledger, &block, &signatures).expect("the block is valid");
    let plan = Plan::new(profile, &execution);

    let mut group = c.benchmark_group("witness");
    group.sample_size(20).throughput(Throughput::Elements(TRANSFERS as u64));
    let bytes = codec::encode(&block).expect("it has a file form");
    group.bench_function("decode", |b| b.iter(|| codec::decode::<Block>(black_box(&bytes))));
    group.bench_function("signatures one by one", |b| {
        let verify = |signed: &SignedTransaction| signed.verify().is_ok();
        b.iter(|| black_box(&block.transactions).par_iter().all(verify));
    });
    group.bench_function("signatures", |b| b.iter(|| Signatures::check(black_box(&block.transactions))));
    group.bench_function("execute", |b| b.iter(|| execute_checked(&ledger, black_box(&block), &signatures)));
    group.bench_function("plan", |b| b.iter(|| Plan::new(profile, black_box(&execution))));
    for wanted in Stage::ALL {
        group.bench_function(wanted.name(), |b| {
            b.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for _ in 0..rounds {
                    let mut last = Instant::now();
                    let mut done = |stage, _| {
                        if stage == wanted {
                            spent += last.elapsed();
                        }
                        last = Instant::now();
                    };
                    let made =
                        witness_observed(profile, &ledger, &block, &execution, plan.clone(), &mut done);
                    black_box(made.expect("executed on this ledger"));
                }
                spent
            });
        });
    }
    let witness = witness_observed(profile, &ledger, &block, &execution, plan, &mut |_, _| ())
        .expect("executed on this ledger");
    group.bench_function("state", |b| {
        let nodes = || witness.prepared().expect("it follows").update().clone();
        b.iter_batched(
            nodes,
            |nodes| ledger.prepare_hashed(black_box(&execution), nodes),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("state without a witness", |b| {
        let BlockId { number, time, .. } = execution.block;
        b.iter(|| ledger.prepare(number, time, execution.previous_root, black_box(&execution.writes)));
    });
    group.finish();

    let sponge = MessageSponge::new(KindId::Debit.number(), Side::Emit);
    let lists: Vec<_> = execution.credits.chunks(256).map(|messages| (sponge, messages)).collect();
    let mut group = c.benchmark_group("packed hashes");
    group.throughput(Throughput::Elements(HASHES as u64));
    let out = || vec![Digest::ZERO; HASHES];
    let leaves = ledger.leaves().shard(0);
    group.bench_function("nodes", |b| {
        let pair = |at: usize| [leaves[at].address, leaves[at + 1].address];
        b.iter_batched_ref(out, |out| nodes_into(out, pair), BatchSize::LargeInput);
    });
    group.bench_function("leaves", |b| {
        let record = |at: usize| leaves[at].elements();
        b.iter_batched_ref(out, |out| hashes_into(Tag::AccountLeaf, out, record), BatchSize::LargeInput);
    });
    group.throughput(Throughput::Elements(execution.credits.len() as u64));
    group.bench_function("messages", |b| b.iter(|| message_digests(black_box(&lists), Message::elements)));
    group.finish();
}

/// A store of the benchmark's state: opening it, and a block's durable transaction.
fn store(c: &mut Criterion) {
    let (ledger, block) = Workload::Uniform.make(ACCOUNTS, TRANSFERS, 1);
    let execution = execute(&ledger, &block).expect("the block is valid");
    let prepared = ledger.prepare(block.number, block.time, ledger.root(), &execution.writes);
    let prepared = prepared.expect("executed on this ledger");
    let leaf = |leaf: &Leaf| GenesisLeaf { address: leaf.address, asset: leaf.asset, balance: leaf.balance };
    let Chain { id: chain_id, shards } = ledger.chain();
    let leaves = ledger.leaves().iter().map(leaf).collect();
    let genesis = Genesis { chain_id, time: ledger.time(), shards, leaves, contracts: vec![] };
    let new = || {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::create(dir.path(), &genesis).expect("it is new");
        (dir, store)
    };

    let mut group = c.benchmark_group("store");
    group.sample_size(10);
    group.bench_function("commit", |b| {
        b.iter_batched(
            new,
            |(dir, mut store)| {
                store.commit(&prepared, prepared.root()).expect("it follows");
                (dir, store)
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("stage and roll back", |b| {
        let (_dir, mut store) = new();
        b.iter(|| {
            store.stage(&prepared).expect("it follows");
            store.roll_back(0).expect("it was staged")
        });
    });
    let (dir, store) = new();
    drop(store);
    for (name, check) in [("open", Check::Sampled), ("open with a full check", Check::Full)] {
        group.bench_function(name, |b| {
            b.iter(|| Store::open_checked(dir.path(), check).expect("it is a store"))
        });
    }
    group.finish();
}

criterion_group!(benches, stages, store);
criterion_main!(benches);
