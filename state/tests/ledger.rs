//! Genesis, and the state from published data alone.

use std::collections::BTreeSet;

use enfold_fixtures::world::{World, WorldSpec};
use enfold_state::block::{BlockData, Emitted, Genesis, GenesisLeaf, Place};
use enfold_state::chain::state_root;
use enfold_state::executor::{Accepted, Execution};
use enfold_state::field::{ORDER, to_u64};
use enfold_state::hash::{Digest, climb};
use enfold_state::kind::KindId;
use enfold_state::leaf::{ACCOUNT_SHARDS, AMOUNT_LIMIT, Address, Leaf, LeafIndex, TREE_DEPTH};
use enfold_state::ledger::{ApplyError, Chain, GenesisError, Ledger};
use enfold_state::message::{Message, Op};
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::rebuild::{RebuildError, rebuild};
use enfold_state::rule::Rule;
use enfold_state::shards::{Counts, Shards};
use enfold_state::tree::empty_subtree;
use enfold_state::writes::Writes;
use proptest::prelude::*;

const CHAIN: Chain = Chain { id: 7, shards: 4 };
const TIME: u32 = 1_700_000_000;

fn genesis(leaves: &[(u64, u32, u64)]) -> Genesis {
    let address = |number| Digest::try_from([number, 1, 2, 3]).expect("small numbers are canonical");
    let leaf = |&(owner, asset, balance)| GenesisLeaf { address: address(owner), asset, balance };
    Genesis {
        chain_id: 7,
        time: TIME,
        shards: 4,
        leaves: leaves.iter().map(leaf).collect(),
        contracts: vec![],
    }
}

#[test]
fn a_genesis_becomes_leaves_in_its_order() {
    let genesis = genesis(&[(1, 0, 5), (2, 0, 0), (1, 9, AMOUNT_LIMIT - 1)]);
    let ledger = Ledger::from_genesis(&genesis).expect("it is valid");
    assert_eq!((ledger.chain(), ledger.height(), ledger.time(), ledger.len()), (CHAIN, 0, TIME, 3));
    assert_eq!(ledger.counts(), Counts::dense(3));
    for (index, entry) in (0..).map(LeafIndex).zip(&genesis.leaves) {
        let GenesisLeaf { address, asset, balance } = *entry;
        let leaf = Leaf { balance, ..Leaf::new(address, asset) };
        assert_eq!(ledger.leaf(index), Some(&leaf));
        assert_eq!(ledger.find(&address, asset), Some(index));
        assert_eq!(climb(leaf.digest(), index.0, &ledger.tree().path(index)), ledger.tree().root());
    }
    assert_eq!(ledger.leaf(LeafIndex(3)), None);
    assert_eq!(ledger.find(&genesis.leaves[1].address, 9), None);
    assert_eq!(ledger.root(), state_root(ledger.tree().root(), ledger.counts().digest()));
    let empty = Ledger::restore(CHAIN, 0, TIME, Shards::default());
    assert_eq!(empty.tree().root(), empty_subtree(TREE_DEPTH));
    assert_eq!(empty.root(), state_root(empty_subtree(TREE_DEPTH), Counts::default().digest()));
    assert!(empty.is_empty());
}

#[test]
fn a_genesis_that_no_chain_starts_with() {
    let good = genesis(&[(1, (1 << 31) - 1, 5)]);
    let refused =
        |genesis: &Genesis| Ledger::from_genesis(genesis).map(|_| ()).expect_err("no chain starts so");
    assert!(Ledger::from_genesis(&good).is_ok());
    for got in [0, 1 << 63, u64::MAX] {
        assert_eq!(refused(&Genesis { chain_id: got, ..good.clone() }), GenesisError::ChainId { got });
    }
    assert!(Ledger::from_genesis(&Genesis { chain_id: (1 << 63) - 1, ..good.clone() }).is_ok());
    assert_eq!(refused(&Genesis { time: 0, ..good.clone() }), GenesisError::Time);
    for got in [0, 3, 33, 64] {
        assert_eq!(refused(&Genesis { shards: got, ..good.clone() }), GenesisError::Shards { got });
    }
    for got in [1 << 31, u32::MAX] {
        let issued = genesis(&[(1, 0, 5), (2, got, 5)]);
        assert_eq!(refused(&issued), GenesisError::Asset { index: LeafIndex(1), got });
    }
    let twice = genesis(&[(1, 0, 5), (1, 1, 5), (2, 0, 5), (1, 1, 0)]);
    let address = twice.leaves[1].address;
    assert_eq!(
        Ledger::from_genesis(&twice).map(|_| ()),
        Err(GenesisError::DuplicateLeaf { address, asset: 1, first: LeafIndex(1), got: LeafIndex(3) })
    );
    let most = AMOUNT_LIMIT - 1;
    let fits = genesis(&[(1, 0, most), (2, 0, 0), (2, 1, most)]);
    assert!(Ledger::from_genesis(&fits).is_ok());
    let supply = genesis(&[(1, 0, most), (2, 1, most), (2, 0, 1)]);
    assert_eq!(
        Ledger::from_genesis(&supply).map(|_| ()),
        Err(GenesisError::Supply { asset: 0, index: LeafIndex(2), got: AMOUNT_LIMIT })
    );
    let wraps = genesis(&[(1, 0, most), (2, 0, u64::MAX)]);
    assert_eq!(
        Ledger::from_genesis(&wraps).map(|_| ()),
        Err(GenesisError::Supply { asset: 0, index: LeafIndex(1), got: u64::MAX })
    );
}

#[test]
fn of_two_leaves_of_one_owner_and_asset_the_first_receives() {
    let (address, asset) = (genesis(&[(1, 0, 0)]).leaves[0].address, 4);
    let leaf = |balance| Leaf { balance, ..Leaf::new(address, asset) };
    let ledger = Ledger::restore(CHAIN, 0, TIME, Shards::dense(vec![leaf(1), leaf(2)]));
    assert_eq!(ledger.find(&address, asset), Some(LeafIndex(0)));
}

#[test]
fn a_leaf_in_an_earlier_shard_receives_until_it_is_taken_back() {
    let (address, asset) = (genesis(&[(1, 0, 0)]).leaves[0].address, 4);
    let leaf = |balance| Leaf { balance, ..Leaf::new(address, asset) };
    let late = LeafIndex::new(20, 0);
    let mut ledger = Ledger::restore(CHAIN, 0, TIME, Shards::default());
    let mut add = |index, balance| {
        let writes: Writes = [(index, leaf(balance))].into_iter().collect();
        let prepared =
            ledger.prepare(ledger.height() + 1, TIME, ledger.root(), &writes).expect("it is dense");
        let undo = ledger.undo(&prepared);
        ledger.adopt(&prepared);
        let whole = Ledger::restore(CHAIN, ledger.height(), TIME, ledger.leaves().clone());
        assert_eq!((ledger.root(), ledger.tree()), (whole.root(), whole.tree()));
        assert_eq!(ledger.find(&address, asset), whole.find(&address, asset));
        (undo, ledger.find(&address, asset), ledger.clone())
    };
    let (_, found, _) = add(late, 1);
    assert_eq!(found, Some(late));
    let (_, found, _) = add(LeafIndex::new(21, 0), 2);
    assert_eq!(found, Some(late));
    let (undo, found, mut ledger) = add(LeafIndex::new(3, 0), 3);
    assert_eq!(found, Some(LeafIndex::new(3, 0)));
    ledger.revert(&undo);
    assert_eq!(ledger.find(&address, asset), Some(late));
    assert_eq!(ledger.len(), 2);
    // A gap in a shard.
    let prepare = |index| {
        let writes: Writes = [(index, leaf(0))].into_iter().collect();
        ledger.prepare(ledger.height() + 1, TIME, ledger.root(), &writes).map(drop)
    };
    let (expected, got) = (LeafIndex::new(20, 1), LeafIndex::new(20, 2));
    assert_eq!(prepare(got), Err(ApplyError::NotDense { expected, got }));
    // The first write that does not fit is reported, whatever it does wrong.
    let gap = (LeafIndex::new(3, 1), leaf(0));
    let moved = (late, Leaf { asset: 5, ..leaf(1) });
    let prepare_both = |one, other| {
        let writes: Writes = [one, other].into_iter().collect();
        ledger.prepare(ledger.height() + 1, TIME, ledger.root(), &writes).map(drop)
    };
    let expected = LeafIndex::new(3, 0);
    assert_eq!(prepare_both(gap, moved), Err(ApplyError::NotDense { expected, got: gap.0 }));
    let gap = (LeafIndex::new(22, 1), leaf(0));
    let (expected, got) = ((address, asset), (address, 5));
    assert_eq!(prepare_both(moved, gap), Err(ApplyError::Identity { index: late, expected, got }));
    // A shard of contracts, and one that is not there.
    for got in [LeafIndex::new(ACCOUNT_SHARDS, 0), LeafIndex(1 << TREE_DEPTH)] {
        assert_eq!(prepare(got), Err(ApplyError::Shard { expected: ACCOUNT_SHARDS, got }));
    }
}

/// What the block publishes: the messages sorted by sender, as the debit batches emit them.
fn publish(world: &World, execution: &Execution, batch_len: usize) -> BlockData {
    let mut debits = execution.debits.clone();
    debits.sort_by_key(|debit| debit.from);
    let messages = |debit: &Accepted| execution.credits[debit.messages.clone()].to_vec();
    let emitted = debits.chunks(batch_len).map(|batch| {
        let messages = batch.iter().flat_map(messages).collect();
        Emitted { kind: KindId::Debit, messages }
    });
    let (chain_id, number) = (world.ledger().chain_id(), execution.block.number);
    BlockData { chain_id, number, emitted: emitted.collect() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn published_messages_rebuild_the_state(seed in any::<u64>(), batch_len in 1..9usize) {
        let mut world = World::new(WorldSpec {
            seed,
            accounts: 7,
            assets: 2,
            skew: 1.0,
            hot_share: 0.3,
            new_share: 0.3,
            ..WorldSpec::default()
        });
        let mut rebuilt = Ledger::from_genesis(world.genesis()).expect("it is valid");
        let mut seconds = 0;
        for _ in 0..4 {
            let (block, _) = world.mixed_block(25, 0.2);
            let execution = world.advance(&block).expect("some are valid");
            let data = publish(&world, &execution, batch_len);
            rebuild(&mut rebuilt, &data, block.time, execution.previous_root, world.ledger().root())
                .expect("it leads to the same root");
            prop_assert_eq!(rebuilt.root(), world.ledger().root());
            prop_assert_eq!(rebuilt.leaves(), world.ledger().leaves());
            prop_assert_eq!(rebuilt.height(), world.ledger().height());
            let second = execution.credits.iter().filter(|message| message.nonce_key == NonceKey::Second).count();
            let after: u32 = rebuilt.leaves().iter().map(|leaf| leaf.nonces[1]).sum();
            prop_assert_eq!(after - seconds, second as u32, "key 1 counts where it signed");
            seconds = after;
            prop_assert_eq!((rebuilt.time(), rebuilt.counts()), (block.time, world.ledger().counts()));
        }
    }
}

/// From the executor to a rebuild: where new leaves are, and that the counts are the state's.
#[test]
fn new_leaves_are_spread_over_the_shards_of_the_genesis() {
    for shards in [1, 2, 4, 32] {
        let mut world = World::new(WorldSpec { shards, new_share: 0.6, ..WorldSpec::default() });
        let mut rebuilt = Ledger::from_genesis(world.genesis()).expect("it is valid");
        for _ in 0..2 {
            let block = world.block(40);
            let execution = world.advance(&block).expect("all are valid");
            let (data, root) = (publish(&world, &execution, 7), world.ledger().root());
            rebuild(&mut rebuilt, &data, block.time, execution.previous_root, root).expect("it leads there");
        }
        let ledger = world.ledger();
        assert_eq!((rebuilt.leaves(), rebuilt.counts()), (ledger.leaves(), ledger.counts()));
        let old = world.genesis().leaves.len();
        let new: Vec<_> = ledger.leaves().entries().filter(|(index, _)| index.0 as usize >= old).collect();
        assert!(new.len() > 20, "{}", new.len());
        for &(index, leaf) in &new {
            assert_eq!(index.shard() as u64, to_u64(leaf.address.0[0]) % u64::from(shards));
        }
        let used: BTreeSet<_> = new.iter().map(|(index, _)| index.shard()).collect();
        assert!(used.len() >= shards.min(8) as usize, "{used:?}");
        let whole = Ledger::restore(ledger.chain(), ledger.height(), ledger.time(), ledger.leaves().clone());
        assert_eq!((whole.root(), whole.tree()), (ledger.root(), ledger.tree()));
    }
}

/// The same tree under other counts is another state.
#[test]
fn a_state_root_is_of_tree_and_counts() {
    let ledger = Ledger::from_genesis(&genesis(&[(1, 0, 5), (2, 0, 6)])).expect("it is valid");
    let tree_root = ledger.tree().root();
    for (shard, count) in [(0, 1), (0, 3), (1, 1), (32, 1), (63, 1)] {
        let mut counts = ledger.counts();
        counts.0[shard] = count;
        assert_ne!(state_root(tree_root, counts.digest()), ledger.root());
    }
    assert_eq!(state_root(tree_root, Counts::dense(2).digest()), ledger.root());
    assert_ne!(state_root(ledger.counts().digest(), tree_root), ledger.root());
}

#[test]
fn data_that_do_not_lead_to_the_root() {
    let mut world = World::new(WorldSpec { new_share: 0.3, ..WorldSpec::default() });
    let start = world.ledger().clone();
    let block = world.block(12);
    let execution = world.advance(&block).expect("all are valid");
    let (data, root) = (publish(&world, &execution, 5), world.ledger().root());
    let previous = execution.previous_root;
    let fails = |data: &BlockData, previous, root| {
        let mut ledger = start.clone();
        let error =
            rebuild(&mut ledger, data, block.time, previous, root).expect_err("it does not lead there");
        assert_eq!((ledger.root(), ledger.height(), ledger.len()), (start.root(), 0, start.len()));
        error
    };

    let foreign = BlockData { chain_id: 8, ..data.clone() };
    assert_eq!(fails(&foreign, previous, root), RebuildError::ChainId { expected: 7, got: 8 });
    let late = BlockData { number: 2, ..data.clone() };
    let number = ApplyError::Number { expected: 1, got: 2 };
    assert_eq!(fails(&late, previous, root), RebuildError::Apply(number));
    let before = ApplyError::PreviousRoot { expected: previous, got: root };
    assert_eq!(fails(&data, root, root), RebuildError::Apply(before));
    assert_eq!(fails(&data, previous, previous), RebuildError::Root { expected: previous, got: root });

    let error =
        rebuild(&mut start.clone(), &data, start.time() - 1, previous, root).expect_err("it is too early");
    let time = ApplyError::Time { expected: start.time(), got: start.time() - 1 };
    assert_eq!(error, RebuildError::Apply(time));
    let mut credit = data.clone();
    credit.emitted[1].kind = KindId::Credit;
    assert_eq!(fails(&credit, previous, root), RebuildError::Kind { batch: 1, got: KindId::Credit });

    // One message changed, each element in turn.
    let place = Place { batch: 1, message: 2 };
    let broken = |rule| RebuildError::Rule { place, rule };
    let with = |change: &dyn Fn(&mut Message)| {
        let mut data = data.clone();
        change(&mut data.emitted[place.batch].messages[place.message]);
        fails(&data, previous, root)
    };
    let message = data.emitted[1].messages[2];
    assert_eq!(message.op, Op::Transfer);
    let from = start.leaf(message.from).expect("the sender has a leaf");
    assert_eq!(with(&|m| m.amount = 0), broken(Rule::AmountZero));
    let got = AMOUNT_LIMIT;
    assert_eq!(with(&|m| m.amount = got), broken(Rule::AmountRange { got }));
    assert_eq!(with(&|m| m.memo = ORDER), broken(Rule::MemoRange { got: ORDER }));
    let index = LeafIndex(start.len() as u32);
    assert_eq!(with(&|m| m.from = index), broken(Rule::Empty { index }));
    let (expected, got) = (from.asset, 99);
    assert_eq!(with(&|m| m.asset = got), broken(Rule::Asset { expected, got }));
    let got = AMOUNT_LIMIT - 1;
    assert!(matches!(
        with(&|m| m.amount = got),
        RebuildError::Rule { place: p, rule } if p == place && matches!(rule, Rule::Overdraft { expected, .. } if expected <= from.balance)
    ));
    // The last leaf of all accounts, and the last of all.
    let far = LeafIndex((1 << (TREE_DEPTH - 1)) - 1);
    let gap = with(&|m| (m.to, m.to_address) = (far, Address::ZERO));
    assert!(matches!(gap, RebuildError::Apply(ApplyError::NotDense { got, .. }) if got == far));
    let far = LeafIndex((1 << TREE_DEPTH) - 1);
    let shard = with(&|m| (m.to, m.to_address) = (far, Address::ZERO));
    assert!(matches!(shard, RebuildError::Apply(ApplyError::Shard { got, .. }) if got == far));
    let occupied = with(&|m| (m.to, m.to_address) = (LeafIndex(0), Address::ZERO));
    let (expected, got) = (start.leaves()[LeafIndex(0)].address, Address::ZERO);
    assert_eq!(occupied, broken(Rule::Receiver { expected, got }));
    assert!(matches!(with(&|m| m.amount += 1), RebuildError::Root { .. }));
    // The other of the sender's nonces.
    let flip = |m: &mut Message| m.nonce_key = NonceKey::ALL[1 - m.nonce_key as usize];
    assert!(matches!(with(&flip), RebuildError::Root { .. }));
    let mut fee = data.clone();
    flip(&mut fee.emitted[1].messages[3]);
    let fee_place = Place { message: 3, ..place };
    assert_eq!(fails(&fee, previous, root), RebuildError::Stray { place: fee_place, got: Op::Fee });
    assert_eq!(with(&|m| m.op = Op::Fee), RebuildError::Stray { place, got: Op::Fee });

    // A message lost, and one too many.
    let mut short = data.clone();
    short.emitted[0].messages.remove(0);
    let first = Place { batch: 0, message: 0 };
    assert_eq!(fails(&short, previous, root), RebuildError::Stray { place: first, got: Op::Fee });
    let mut long = data.clone();
    let last = long.emitted[0].messages[0];
    long.emitted[2].messages.push(last);
    assert!(matches!(fails(&long, previous, root), RebuildError::Root { .. }));
}

#[test]
fn data_that_push_a_leaf_out_of_its_range() {
    let world = World::new(WorldSpec { accounts: 2, ..WorldSpec::default() });
    let start = world.ledger();
    let [sender, receiver] = [start.leaves()[LeafIndex(0)], start.leaves()[LeafIndex(1)]];
    let message = Message {
        op: Op::Transfer,
        asset: 0,
        from: LeafIndex(0),
        nonce_key: NonceKey::First,
        to: LeafIndex(1),
        amount: 1,
        memo: 0,
        to_address: receiver.address,
    };
    let data = |message| {
        let emitted = vec![Emitted { kind: KindId::Debit, messages: vec![message] }];
        BlockData { chain_id: 7, number: 1, emitted }
    };
    let place = Place { batch: 0, message: 0 };
    let broken = |rule| RebuildError::Rule { place, rule };
    let run = |leaves, message| {
        let mut ledger = Ledger::restore(start.chain(), 0, TIME, Shards::dense(leaves));
        let root = ledger.root();
        rebuild(&mut ledger, &data(message), TIME, root, root).expect_err("it cannot lead back")
    };
    for key in NonceKey::ALL {
        let mut spent = sender;
        spent.nonces[key as usize] = u32::MAX;
        let got = Nonce::new(u32::MAX, key);
        let with = |nonce_key| Message { nonce_key, ..message };
        assert_eq!(run(vec![spent, receiver], with(key)), broken(Rule::NonceExhausted { got }));
        let other = NonceKey::ALL[1 - key as usize];
        assert!(matches!(run(vec![spent, receiver], with(other)), RebuildError::Root { .. }));
    }
    let full = Leaf { balance: AMOUNT_LIMIT - 1, ..receiver };
    let got = AMOUNT_LIMIT;
    assert_eq!(run(vec![sender, full], message), broken(Rule::BalanceRange { got }));
}
