//! The page's figures: how many nodes a block touches.

use enfold_state::hash::Digest;
use enfold_state::leaf::{LeafIndex, TREE_DEPTH};
use enfold_state::tree::Tree;
use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

/// The expected number of nodes above random leaves, all different, of the first `2^depth`.
fn expected_nodes(depth: usize, touched: usize) -> f64 {
    let leaves = (1u64 << depth) as f64;
    let untouched =
        |below: f64| (0..touched).map(|i| (1.0 - below / (leaves - i as f64)).max(0.0)).product::<f64>();
    let nodes = |level: usize| (1u64 << (depth - level)) as f64 * (1.0 - untouched((1u64 << level) as f64));
    (1..=depth).map(nodes).sum::<f64>() + (TREE_DEPTH - depth) as f64
}

#[test]
fn the_tree_hashes_as_many_nodes_as_expected() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (depth, touched) in [(16, 8192), (20, 8192), (24, 1024)] {
        let leaves = sample(&mut rng, 1 << depth, touched);
        let changes: Vec<_> = leaves.iter().map(|at| (LeafIndex(at as u32), Digest::ZERO)).collect();
        let (hashed, expected) =
            (Tree::default().update(&changes).hashes() as f64, expected_nodes(depth, touched));
        assert!(
            (hashed / expected - 1.0).abs() < 0.01,
            "2^{depth}, {touched}: {hashed}, expected {expected}"
        );
    }
}

#[test]
fn the_pages_table_is_true() {
    let page = include_str!("../../../docs/next.md");
    let header = "| leaves in the state | 1,024 touched | 8,192 | 16,384 | 65,536 | today |";
    assert!(page.contains(header), "{header}");
    for depth in [16, 20, 22, 24] {
        let hashes = [1024, 8192, 16_384, 65_536]
            .map(|touched| format!("{:.1}", 2.0 * expected_nodes(depth, touched) / touched as f64));
        let row = format!("| 2^{depth} | {} | 48 |", hashes.join(" | "));
        assert!(page.contains(&row), "expected in docs/next.md: {row}");
    }
}
