//! Blocks that run ahead of their proofs.

use proptest::prelude::*;

use super::*;

fn stage_next(store: &mut Store) -> Digest {
    let (number, writes, root) = block(store.ledger());
    let previous = store.ledger().root();
    assert_eq!(store.stage_writes(number, time(number), previous, &writes).expect("it follows"), root);
    root
}

#[test]
fn staged_blocks_are_committed_in_their_order() {
    let dir = dir();
    let mut store = Store::create(dir.path(), &genesis()).expect("it is new");
    let start = store.root();
    let roots: Vec<_> = (0..3).map(|_| stage_next(&mut store)).collect();
    assert_eq!((store.height(), store.root(), store.staged()), (0, start, 3));
    assert_eq!((store.ledger().height(), store.ledger().root()), (3, roots[2]));

    // Neither another block first, nor the oldest with another's root.
    let (number, writes, root) = block(store.ledger());
    let direct = store.commit_writes(number, time(number), roots[2], &writes, root);
    assert!(matches!(direct, Err(StoreError::Staged { staged: 3, first: 1, got: 4 })), "{direct:?}");
    let wrong = store.commit_staged(roots[1]);
    assert!(
        matches!(wrong, Err(StoreError::NewRoot { expected, got }) if (expected, got) == (roots[1], roots[0]))
    );
    assert_eq!((store.height(), store.staged()), (0, 3));

    for (number, &root) in (1..).zip(&roots) {
        store.commit_staged(root).expect("it is the oldest");
        assert_eq!((store.height(), store.root(), store.staged()), (number, root, 3 - number as usize));
        assert_eq!(store.root_at(number).expect("it can be read"), Some(root));
        assert_eq!(store.root_at(number + 1).expect("it can be read"), None);
    }
    let none = store.commit_staged(roots[2]);
    assert!(matches!(none, Err(StoreError::NothingStaged { height: 3 })));
    let ledger = store.ledger().clone();
    drop(store);
    let store = Store::open_checked(dir.path(), Check::Full).expect("it is a store");
    assert_eq!((store.ledger().contents(), store.ledger().tree()), (ledger.contents(), ledger.tree()));
}

#[test]
fn what_is_staged_is_gone_with_the_process() {
    let dir = dir();
    let mut store = Store::create(dir.path(), &genesis()).expect("it is new");
    let first = stage_next(&mut store);
    stage_next(&mut store);
    store.commit_staged(first).expect("it is the oldest");
    stage_next(&mut store);
    drop(store);
    let store = Store::open_checked(dir.path(), Check::Full).expect("it is a store");
    assert_eq!((store.height(), store.root(), store.staged()), (1, first, 0));
}

#[test]
fn only_staged_blocks_are_taken_back() {
    let dir = dir();
    let mut store = Store::create(dir.path(), &genesis()).expect("it is new");
    let root = commit_next(&mut store).expect("it follows");
    stage_next(&mut store);
    stage_next(&mut store);
    for got in [0, 4] {
        let error = store.roll_back(got).expect_err("no such height");
        let expected = crate::overlay::RollBackError { base: 1, head: 3, got };
        assert!(matches!(error, StoreError::RollBack(error) if error == expected));
    }
    assert_eq!(store.roll_back(3).expect("it is the height"), 0);
    assert_eq!(store.roll_back(1).expect("both are staged"), 2);
    assert_eq!((store.height(), store.ledger().height(), store.ledger().root()), (1, 1, root));
    // The way is free for another block 2.
    assert!(commit_next(&mut store).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any order of staging, committing and taking back is the same as the committed blocks alone, in memory and on
    /// disk.
    #[test]
    fn taking_back_leaves_no_trace(steps in prop::collection::vec((0..6u8, any::<u8>()), 1..24)) {
        let dir = dir();
        let mut store = Store::create(dir.path(), &genesis()).expect("it is new");
        // The state at each height, from the final one on; a block's number makes its writes, the salt changes them.
        let mut states = vec![store.ledger().clone()];
        for (step, salt) in steps {
            match step {
                0..3 => {
                    let ledger = store.ledger();
                    let (number, writes, _) = block(ledger);
                    let kept = |&(LeafIndex(index), _): &_| {
                        ledger.leaf(LeafIndex(index)).is_none() || index % 7 != u32::from(salt) % 7
                    };
                    let salted = |(index, leaf): (LeafIndex, Leaf)| {
                        (index, Leaf { balance: leaf.balance + u64::from(salt), ..leaf })
                    };
                    let leaves = writes.leaves.iter().copied().filter(kept).map(salted).collect();
                    // A block without contracts now and then.
                    let records = Some(&writes.records).filter(|_| salt % 4 != 0).into_iter();
                    let records = records.flat_map(|records| records.to_vec());
                    let writes = Writes { leaves, records: records.collect() };
                    let previous = ledger.root();
                    store.stage_writes(number, time(number), previous, &writes).expect("it follows");
                    states.push(Ledger::restore(
                        store.ledger().chain(),
                        number,
                        time(number),
                        store.ledger().contents().clone(),
                    ));
                }
                3 if store.staged() > 0 => {
                    store.commit_staged(states[1].root()).expect("it is the oldest");
                    states.remove(0);
                }
                _ => {
                    let keep = usize::from(salt) % states.len();
                    let dropped = store.roll_back(states[keep].height()).expect("it was reached");
                    prop_assert_eq!(dropped, states.len() - 1 - keep);
                    states.truncate(keep + 1);
                }
            }
            let (base, head) = (&states[0], &states[states.len() - 1]);
            prop_assert_eq!((store.height(), store.root()), (base.height(), base.root()));
            prop_assert_eq!(store.staged(), states.len() - 1);
            let ledger = store.ledger();
            prop_assert_eq!((ledger.height(), ledger.root()), (head.height(), head.root()));
            prop_assert_eq!((ledger.time(), ledger.counts()), (head.time(), head.counts()));
            prop_assert_eq!(ledger.contents(), head.contents());
            prop_assert_eq!(ledger.tree(), head.tree());
            for leaf in states.iter().flat_map(|state| state.leaves().iter()) {
                prop_assert_eq!(ledger.find(&leaf.address, leaf.asset), head.find(&leaf.address, leaf.asset));
            }
        }
        drop(store);
        let store = Store::open_checked(dir.path(), Check::Full).expect("it is a store");
        prop_assert_eq!(store.ledger().contents(), states[0].contents());
        prop_assert_eq!(store.ledger().tree(), states[0].tree());
    }
}

/// What was prepared is of one state: it goes on no other, not even one of the same height.
#[test]
fn only_what_was_prepared_from_this_state_is_staged_or_committed() {
    let (dirs, prepare) = ([dir(), dir()], |ledger: &Ledger| {
        let (number, writes, _) = block(ledger);
        ledger.prepare(number, time(number), ledger.root(), &writes).expect("it follows")
    });
    let [mut one, mut other] =
        dirs.each_ref().map(|dir| Store::create(dir.path(), &genesis()).expect("it is new"));
    let first = prepare(one.ledger());
    assert_eq!(one.stage(&first).expect("it follows"), first.root());
    let again = one.stage(&first);
    assert!(
        matches!(again, Err(StoreError::Follow(ApplyError::Number { expected: 2, got: 1 }))),
        "{again:?}"
    );
    let second = prepare(one.ledger());
    assert_eq!((second.number(), second.previous_root()), (2, first.root()));
    let early = other.commit(&second, second.root());
    assert!(
        matches!(early, Err(StoreError::Follow(ApplyError::Number { expected: 1, got: 2 }))),
        "{early:?}"
    );

    // Another first block.
    let (number, mut writes, _) = block(other.ledger());
    let leaves = writes.leaves.iter();
    writes.leaves =
        leaves.map(|&(index, leaf)| (index, Leaf { balance: leaf.balance + 1, ..leaf })).collect();
    let root =
        other.ledger().prepare(number, time(number), other.root(), &writes).expect("it follows").root();
    other.commit_writes(number, time(number), other.root(), &writes, root).expect("it follows");
    let foreign = other.stage(&second);
    assert!(
        matches!(
            foreign,
            Err(StoreError::Follow(ApplyError::PreviousRoot { expected, got })) if (expected, got) == (root, first.root())
        ),
        "{foreign:?}"
    );
    assert_eq!((other.root(), other.staged()), (root, 0));
    assert!(one.stage(&second).is_ok());
}
