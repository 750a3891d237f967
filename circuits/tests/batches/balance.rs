//! Blocks whose messages do not balance: each batch is right for itself, the states follow from one another, and the
//! seed is that of what is emitted and consumed. Only the sum at the end is not zero, as the block circuit requires.

use enfold_state::chain::{ChainState, Commitments, link_consumed, link_emitted, seed, state_root};
use enfold_state::field::ZERO;
use enfold_state::hash::{Digest, MessageSponge, Side};
use enfold_state::kind::KindId;
use enfold_state::leaf::Leaf;
use enfold_state::message::{Message, Op};
use enfold_state::nonce::NonceKey;
use enfold_state::tree::Tree;
use enfold_witness::batch::{BatchWitness, CreditPath, Paths};
use enfold_witness::siblings::Siblings;
use enfold_witness::step::step;
use enfold_witness::witness::BlockWitness;

use crate::bank::{Bank, profile};
use crate::lie::Lie;

/// A block whose credits can be changed.
struct Books {
    bank: Bank,
    block: BlockWitness,
}

impl Books {
    /// Account 1 pays account 3 twice the same with the same memo, so that it emits one message twice; account 2 pays
    /// account 4 with a fee, which account 5 is paid as much as by account 6.
    fn new() -> Self {
        let mut bank = Bank::new(8);
        let [three, four, five] = [3, 4, 5].map(|account| bank.address(account));
        let mut payments = vec![
            bank.pay(1, three, 100, 0),
            bank.pay(1, three, 100, 0),
            bank.pay(2, four, 70, 7),
            bank.pay(6, five, 7, 0),
        ];
        for signed in &mut payments {
            signed.transaction.memo = 9;
            *signed = bank.keys[signed.transaction.from.0 as usize].sign_transaction(signed.transaction);
        }
        let block = bank.witness(payments);
        let credits = block.batches.iter().filter(|batch| batch.batch.kind() == KindId::Credit);
        assert_eq!(credits.count(), 1, "the last batch holds all credits");
        Self { bank, block }
    }

    fn credits(&mut self) -> &mut BatchWitness {
        self.block.batches.last_mut().unwrap()
    }

    /// The live path of an account in the credit batch.
    fn path(&mut self, account: u32) -> &mut CreditPath {
        let Paths::Credit(paths) = &mut self.credits().paths else { unreachable!("a credit batch") };
        paths.iter_mut().find(|path| path.index.0 == account).unwrap()
    }

    /// The message of an account's path with this number.
    fn message(&mut self, account: u32, number: usize) -> &mut Message {
        self.path(account).messages[number].as_mut().unwrap()
    }

    /// Opens the credits' paths anew, after their messages were changed, and writes all states, sums and the seed as they
    /// then are.
    fn settle(&mut self) {
        self.reopen();
        let block = &mut self.block;
        let (mut emitted, mut consumed) = (Digest::ZERO, Digest::ZERO);
        for batch in &block.emitted {
            emitted = link_emitted(emitted, batch.digest());
        }
        for batch in &block.batches {
            if let Paths::Credit(paths) = &batch.paths {
                let mut sponge = MessageSponge::new(KindId::Credit.number(), Side::Consume);
                let messages = paths.iter().flat_map(|path| path.messages.iter().flatten());
                messages.for_each(|message| sponge.absorb(message.elements()));
                consumed = link_consumed(consumed, sponge.digest());
            }
        }
        let ChainState { tree_root, queue, exits, .. } = block.before;
        let previous_root = state_root(tree_root, block.counts_before.digest());
        let commitments = Commitments { previous_root, emitted, consumed, queue, exits };
        block.seed = seed(&block.block, &commitments);
        let mut state = block.before;
        for batch in &mut block.batches {
            (batch.seed, batch.before) = (block.seed, state);
            batch.after = step(profile(), batch).unwrap();
            state = batch.after;
        }
        block.after = state;
    }

    /// The paths of the credit batch, on the state that the debits leave; padding opens the last path's leaf again.
    fn reopen(&mut self) {
        let mut leaves = self.bank.ledger.leaves().to_vec();
        for batch in &self.block.batches {
            let Paths::Debit(paths) = &batch.paths else { continue };
            for path in paths {
                let leaf = &mut leaves[path.index.0 as usize];
                for leg in path.legs.iter().filter(|leg| leg.live) {
                    let transaction = &leg.signed.transaction;
                    leaf.nonces[transaction.nonce.key() as usize] += 1;
                    leaf.balance -= transaction.amount + transaction.fee;
                }
            }
        }
        let mut tree = Tree::from_digests(leaves.iter().map(Leaf::digest).collect());
        let depth = profile().window_depth;
        let mut siblings = Siblings::new(depth);
        let batch = self.credits();
        let Paths::Credit(paths) = &mut batch.paths else { unreachable!("a credit batch") };
        for path in paths {
            siblings.push(&tree.path(path.index)[..depth]);
            let leaf = &mut leaves[path.index.0 as usize];
            path.leaf = Some(*leaf);
            leaf.balance += path.messages.iter().flatten().map(|message| message.amount).sum::<u64>();
            tree.set(&[(path.index, leaf.digest())]);
        }
        batch.siblings = siblings;
    }

    /// Requires each circuit to pass its batch and to say what the books say.
    fn assert_batches_hold(&self) {
        let mut state = self.block.before.digest();
        for batch in &self.block.batches {
            let lie = Lie::new(Bank::new(1), batch.clone());
            lie.holds();
            let published = lie.published();
            assert_eq!((published.before, published.after), (state, batch.after.digest()));
            state = published.after;
        }
        assert_eq!(state, self.block.after.digest());
    }
}

/// Changes credits of the block; all of it holds but for the sum.
#[track_caller]
fn does_not_balance(change: impl FnOnce(&mut Books)) {
    let mut books = Books::new();
    change(&mut books);
    books.settle();
    books.assert_batches_hold();
    assert_ne!(books.block.after.sum, [ZERO; 2], "the block balances");
}

#[test]
fn an_honest_block_balances() {
    let mut books = Books::new();
    let honest = books.block.clone();
    books.settle();
    assert_eq!(books.block, honest, "nothing was changed");
    books.assert_batches_hold();
    assert_eq!(books.block.after.sum, [ZERO; 2]);
}

#[test]
fn emitted_and_never_consumed() {
    does_not_balance(|books| books.path(4).messages[0] = None);
}

#[test]
fn emitted_twice_and_consumed_once() {
    let mut books = Books::new();
    assert_eq!(books.message(3, 0).elements(), books.message(3, 1).elements());
    does_not_balance(|books| books.path(3).messages[1] = None);
}

#[test]
fn emitted_once_and_consumed_twice() {
    does_not_balance(|books| {
        let path = books.path(3);
        path.messages[2] = path.messages[1];
    });
}

#[test]
fn consumed_and_never_emitted() {
    does_not_balance(|books| {
        let path = books.path(3);
        path.messages[2] = path.messages[1].map(|message| Message { memo: 10, ..message });
    });
}

#[test]
fn changed_on_the_way() {
    does_not_balance(|books| books.message(4, 0).amount += 1);
    does_not_balance(|books| books.message(4, 0).memo += 1);
    does_not_balance(|books| books.message(4, 0).from.0 += 1);
    does_not_balance(|books| books.message(0, 0).op = Op::Transfer);
    does_not_balance(|books| books.message(4, 0).op = Op::Fee);
    does_not_balance(|books| books.message(4, 0).nonce_key = NonceKey::Second);
}

/// What account 3 is paid goes to account 5: another address and another leaf.
#[test]
fn paid_to_somebody_else() {
    does_not_balance(|books| {
        let stolen = books.path(3).messages[1].take().unwrap();
        let path = books.path(5);
        let own = path.messages[0].unwrap();
        path.messages[0] = Some(Message { to: own.to, to_address: own.to_address, ..stolen });
    });
}

/// The sum is of terms, not of amounts: that as much is consumed as was emitted is not enough.
#[test]
fn other_amounts_of_the_same_total() {
    does_not_balance(|books| {
        books.message(3, 0).amount += 1;
        books.message(3, 1).amount -= 1;
    });
    does_not_balance(|books| {
        let memo = books.message(4, 0).memo;
        books.message(4, 0).memo = books.message(0, 0).memo;
        books.message(0, 0).memo = memo;
    });
}
