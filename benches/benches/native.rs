//! The native layer: hashing, tree updates, signatures.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use enfold_state::field::{ZERO, from_u32, reduce};
use enfold_state::hash::permutation::{LANES, PackedState, permute, permute_packed};
use enfold_state::hash::{Digest, Tag, WIDTH, hash, node};
use enfold_state::keys::{SecretKey, verify};
use enfold_state::leaf::{Leaf, LeafIndex};
use enfold_state::message::Op;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::transaction::{NO_END, Transaction};
use enfold_state::tree::Tree;
use p3_goldilocks::default_goldilocks_poseidon2_12;
use p3_symmetric::Permutation;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Leaves of the benchmarked tree.
const LEAVES: u32 = 1 << 16;
/// Leaves that one update changes.
const CHANGES: usize = 1 << 10;

fn digest(rng: &mut impl Rng) -> Digest {
    Digest(std::array::from_fn(|_| reduce(rng.r#gen())))
}

fn hashes(c: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (left, right) = (digest(&mut rng), digest(&mut rng));
    let record: [_; 24] = std::array::from_fn(|i| from_u32(i as u32));
    let leaf = Leaf { address: left, nonces: [1, 0], asset: 2, balance: 3 };
    let mut group = c.benchmark_group("permutation");
    let p3 = default_goldilocks_poseidon2_12();
    let (mut state, mut packed) = ([ZERO; WIDTH], PackedState::ZERO);
    group.bench_function("one", |b| b.iter(|| permute(black_box(&mut state))));
    group.bench_function("one, p3", |b| b.iter(|| p3.permute_mut(black_box(&mut state))));
    group.throughput(Throughput::Elements(LANES as u64));
    group.bench_function("packed", |b| b.iter(|| permute_packed(black_box(&mut packed))));
    group.bench_function("packed, p3", |b| b.iter(|| p3.permute_mut(black_box(&mut packed.0))));
    group.finish();
    let mut group = c.benchmark_group("hash");
    group.bench_function("node", |b| b.iter(|| node(black_box(left), black_box(right))));
    group.bench_function("leaf", |b| b.iter(|| black_box(&leaf).digest()));
    group.bench_function("challenge record", |b| b.iter(|| hash(Tag::Challenge, black_box(&record))));
    group.finish();
}

fn tree(c: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let leaves: Vec<Digest> = (0..LEAVES).map(|_| digest(&mut rng)).collect();
    let mut tree = Tree::from_digests(leaves);
    let mut group = c.benchmark_group("tree");
    group.throughput(Throughput::Elements(CHANGES as u64));
    group.bench_function("update of 1024 in 65536 leaves", |b| {
        b.iter_batched(
            || -> Vec<_> {
                let mut changes: Vec<_> =
                    (0..CHANGES).map(|_| (LeafIndex(rng.gen_range(0..LEAVES)), digest(&mut rng))).collect();
                changes.sort_by_key(|&(index, _)| index);
                changes.dedup_by_key(|&mut (index, _)| index);
                changes
            },
            |changes| tree.set(&changes),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn signatures(c: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let key = SecretKey::random(&mut rng);
    let transaction = Transaction {
        op: Op::Transfer,
        chain_id: 1,
        from: LeafIndex(2),
        nonce: Nonce::new(3, NonceKey::First),
        to_address: digest(&mut rng),
        asset: 4,
        amount: 5,
        fee: 6,
        memo: 7,
        target: 0,
        valid_until: NO_END,
    };
    let (public_key, signature) = (key.public_key(), key.sign(&transaction.elements()));
    let mut group = c.benchmark_group("signature");
    group.bench_function("sign", |b| b.iter(|| key.sign(black_box(&transaction.elements()))));
    group.bench_function("verify", |b| {
        b.iter(|| verify(black_box(&public_key), black_box(&transaction.elements()), black_box(&signature)));
    });
    group.finish();
}

criterion_group!(benches, hashes, tree, signatures);
criterion_main!(benches);
