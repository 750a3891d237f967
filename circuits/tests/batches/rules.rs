//! What the executor refuses, held against the circuits: each rule is broken, the executor names it, and the same
//! transaction, put into a batch as if it had been accepted, breaks a constraint. Rules that are the operator's own
//! break none.

use std::collections::BTreeMap;

use enfold_circuits::kind::PathsTargets;
use enfold_fixtures::invalid::{Case, INVALID};
use enfold_state::block::{Block, FeePolicy};
use enfold_state::executor::{ExecuteError, Rule, execute, execute_within};
use enfold_state::field::ORDER;
use enfold_state::keys::SecretKey;
use enfold_state::nonce::{Nonce, NonceKey};
use enfold_state::owner::L1Owner;
use enfold_state::profile::{BatchId, ProfileId};
use enfold_state::signer::Signer;
use enfold_state::transaction::SignedTransaction;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::bank::{ASSET, BALANCE, Bank, CHAIN, TIME, leaf, only, stranger};
use crate::lie::broken::{HASH, INDEX, PATH_RANGE, RANGE, SELECT, SIGNATURE};
use crate::lie::{Lie, number};

/// The account of the last path of a full batch of debits.
const LAST: usize = ProfileId::Test.profile().shape(BatchId::DebitWide).paths();

/// The floor of the fee in [`ASSET`].
const FLOOR: u64 = 2;

/// Rules that have a test of their own below.
const ALONE: [&str; 3] = ["fee_asset", "nonce_exhausted", "full"];

/// Who enforces a rule.
#[derive(Clone, Copy, Debug)]
enum By {
    /// A circuit, by one of these constraints at least.
    Circuit(&'static [&'static str]),
    /// The executor alone, because the circuit has no form for what breaks it, or because it is the operator's to say.
    Executor,
}

/// A rule without a line here does not compile.
fn by(rule: &Rule) -> By {
    match rule {
        Rule::Op { .. }
        | Rule::ChainId { .. }
        | Rule::Target { .. }
        | Rule::Asset { .. }
        | Rule::Signature { .. }
        | Rule::Nonce { .. } => By::Circuit(&[SIGNATURE]),
        Rule::AmountZero | Rule::AmountRange { .. } | Rule::FeeRange { .. } | Rule::Overdraft { .. } => {
            By::Circuit(&[RANGE])
        }
        Rule::Owner { .. } => By::Circuit(&[SELECT]),
        Rule::NonceExhausted { .. } | Rule::Expired { .. } => By::Circuit(&[RANGE, PATH_RANGE]),
        // An empty position opened as a leaf, or one outside the window or the tree.
        Rule::UnknownLeaf { .. } => By::Circuit(&[HASH, INDEX]),
        // A message to a leaf that the tree does not have.
        Rule::Full { .. } => By::Circuit(&[PATH_RANGE]),
        // A memo is an element: above the order there is none.
        Rule::MemoRange { .. } => By::Executor,
        // The operator's policy.
        Rule::FeeAsset { .. } | Rule::FeeFloor { .. } => By::Executor,
        Rule::Empty { .. } | Rule::Index { .. } | Rule::Receiver { .. } | Rule::BalanceRange { .. } => {
            unreachable!("no transaction breaks {rule}")
        }
        Rule::NoContract { .. } | Rule::Contract { .. } | Rule::Paid { .. } | Rule::Refused { .. } => {
            unreachable!("no payment breaks {rule}")
        }
    }
}

/// Who signs for the address of a key alone.
fn signer(key: &SecretKey) -> Signer {
    Signer { key: key.clone(), owner: L1Owner::NONE }
}

fn fees(bank: &Bank) -> Vec<FeePolicy> {
    vec![FeePolicy { asset: ASSET, floor: FLOOR, collector: bank.address(0) }]
}

/// A bank, and a payment by each of the accounts from 1 on.
fn payments() -> (Bank, Vec<SignedTransaction>) {
    let mut bank = Bank::new(LAST + 1);
    let leaf = leaf(bank.address(LAST), 40, BALANCE);
    bank.put_leaf(LAST, leaf);
    let payments = (1..=LAST).map(|account| bank.pay(account, stranger(1), 100, FLOOR)).collect();
    (bank, payments)
}

fn block_of(bank: &Bank, transactions: Vec<SignedTransaction>) -> Block {
    Block { chain_id: CHAIN, number: 1, time: TIME + 12, fees: fees(bank), transactions }
}

/// The batch with this transaction in the place of the last path's, in wires as in the record that was signed.
fn forced(signed: SignedTransaction) -> Lie {
    let (bank, payments) = payments();
    let witness = only(&bank.witness(payments), BatchId::DebitWide);
    let mut lie = Lie::new(bank, witness);
    lie.debit().legs[0].signed = signed;
    // Elements, as the hash that is signed has them.
    let transaction = &mut lie.debit().legs[0].signed.transaction;
    for integer in [&mut transaction.amount, &mut transaction.fee, &mut transaction.memo] {
        *integer %= ORDER;
    }
    lie
}

fn index_target(lie: &Lie) -> plonky2::iop::target::Target {
    match &lie.circuit().targets().paths {
        PathsTargets::Debit(paths) => paths.last().unwrap().position.index,
        PathsTargets::Credit(_) => unreachable!("a debit circuit"),
    }
}

/// Requires the circuit to enforce the rule, or not, as [`by`] says.
fn hold_against(rule: &Rule, mut lie: Lie) {
    let from = lie.debit().legs[0].signed.transaction.from;
    if let Rule::UnknownLeaf { .. } = rule {
        // The leaf of the owner's, at a position where there is none.
        lie.set(index_target(&lie), number(from.0.into()));
        if from.0 >> 10 == 0 {
            lie.debit().index = from;
        }
    }
    let found = lie.violations();
    match by(rule) {
        By::Circuit(names) => {
            assert!(
                names.iter().any(|&name| found.contains(name)),
                "{rule}: expected {names:?}, got {found:?}"
            );
        }
        By::Executor => assert!(found.is_empty(), "{rule}: {found:?}"),
    }
}

#[test]
fn what_the_executor_refuses_has_no_proof() {
    const DRAWS: u64 = 6;
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, make) in Rule::NAMES.into_iter().zip(INVALID).filter(|(name, _)| !ALONE.contains(name)) {
        for seed in 0..DRAWS {
            let (bank, mut transactions) = payments();
            let ledger = &bank.ledger;
            let valid = transactions[LAST - 1].transaction;
            let lane = *ledger.leaf(valid.from).unwrap();
            let fees = fees(&bank);
            let keys: Vec<_> = bank.keys.iter().map(signer).collect();
            let case = Case { ledger, time: TIME + 12, fees: &fees, keys: &keys, key: LAST, lane, valid };
            let Some((signed, rule)) = make(&case, &mut ChaCha20Rng::seed_from_u64(seed)) else { continue };
            transactions[LAST - 1] = signed;
            let execution = execute(ledger, &block_of(&bank, transactions)).unwrap();
            let rules: Vec<_> =
                execution.rejections.iter().map(|rejection| (rejection.position, &rejection.rule)).collect();
            assert_eq!(rules, [(LAST - 1, &rule)]);
            assert_eq!(rule.name(), name);
            *seen.entry(name).or_default() += 1;
            hold_against(&rule, forced(signed));
        }
    }
    let expected = Rule::NAMES.into_iter().filter(|name| !ALONE.contains(name));
    let expected: BTreeMap<_, _> = expected.map(|name| (name, DRAWS)).collect();
    assert_eq!(seen, expected);
}

/// A fee in the leaf's own asset, in which the operator takes none: refused, but the circuit has no list of assets.
#[test]
fn fee_without_a_policy() {
    let (bank, payments) = payments();
    let block = Block { fees: vec![], ..block_of(&bank, payments.clone()) };
    let ExecuteError::Empty { rejections } = execute(&bank.ledger, &block).unwrap_err() else {
        panic!("expected a block without a transaction")
    };
    let rule = Rule::FeeAsset { asset: ASSET, got: FLOOR };
    assert_eq!(rejections[LAST - 1].rule, rule);
    hold_against(&rule, forced(payments[LAST - 1]));
}

/// The last nonce: the transaction before it is accepted and proven.
#[test]
fn exhausted_nonce() {
    let run = |nonce: u32| {
        let mut bank = Bank::new(LAST + 1);
        let leaf = leaf(bank.address(LAST), nonce, BALANCE);
        bank.put_leaf(LAST, leaf);
        let payments: Vec<_> = (1..=LAST).map(|account| bank.pay(account, stranger(1), 100, FLOOR)).collect();
        (bank, payments)
    };
    let (bank, payments) = run(u32::MAX - 1);
    let witness = only(&bank.witness(payments), BatchId::DebitWide);
    let mut lie = Lie::new(bank, witness);
    lie.holds();

    let (bank, payments) = run(u32::MAX);
    let last = payments[LAST - 1];
    let execution = execute(&bank.ledger, &block_of(&bank, payments)).unwrap();
    let rule = Rule::NonceExhausted { got: Nonce::new(u32::MAX, NonceKey::First) };
    assert_eq!(execution.rejections.iter().map(|rejection| &rejection.rule).collect::<Vec<_>>(), [&rule]);
    lie.debit().leaf.nonces[0] = u32::MAX;
    lie.debit().legs[0].signed = last;
    hold_against(&rule, lie);
}

/// The receiver's leaf, and the collector's, would be the first one that the tree does not have.
#[test]
fn full_tree() {
    let (bank, payments) = payments();
    let capacity = bank.ledger.len();
    let block = block_of(&bank, payments[..1].to_vec());
    let error = execute_within(&bank.ledger, &block, capacity).unwrap_err();
    let rule = Rule::Full { expected: capacity };
    assert!(error.to_string().contains("1 invalid"), "{error}");
    let PathsTargets::Debit(paths) = &crate::bank::circuit(BatchId::DebitWide).targets().paths else {
        unreachable!("a debit circuit")
    };
    let leg = &paths[LAST - 1].legs[0];
    for target in [leg.to, leg.fee_to] {
        let mut lie = forced(payments[LAST - 1]);
        lie.holds();
        lie.set(target, number(1 << 30));
        hold_against(&rule, lie);
    }
}
