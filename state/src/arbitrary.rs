//! Strategies of valid records for property tests. Numbers at the ends of their ranges come up often.

use proptest::prelude::*;

use crate::contracts::ints::LIMBS_LIMIT;
use crate::contracts::pool::{HALVING, LOCKED, PARTS, ROOM, UNIT_BITS};
use crate::field::{ORDER, reduce};
use crate::hash::Digest;
use crate::leaf::{AMOUNT_LIMIT, Leaf, LeafIndex, RESTRICTED_ASSETS, TREE_DEPTH};
use crate::message::{Message, Op};
use crate::nonce::{Nonce, NonceKey};
use crate::record::ContractRecord;
use crate::record::pool::Pool;
use crate::transaction::{NO_END, Transaction};

/// An integer from `first` to `last`.
fn arb_between(first: u64, last: u64) -> impl Strategy<Value = u64> {
    prop_oneof![1 => Just(first), 1 => Just(last), 6 => first..=last]
}

fn arb_u32() -> impl Strategy<Value = u32> {
    prop_oneof![1 => Just(0), 1 => Just(u32::MAX), 6 => any::<u32>()]
}

/// A digest.
pub fn arb_digest() -> impl Strategy<Value = Digest> {
    prop::array::uniform4(arb_between(0, ORDER - 1)).prop_map(|elements| Digest(elements.map(reduce)))
}

/// A leaf index below `2^TREE_DEPTH`.
pub fn arb_leaf_index() -> impl Strategy<Value = LeafIndex> {
    arb_between(0, (1 << TREE_DEPTH) - 1).prop_map(|index| LeafIndex(index as u32))
}

/// An op.
pub fn arb_op() -> impl Strategy<Value = Op> {
    prop::sample::select(Op::ALL.to_vec())
}

/// A leaf.
pub fn arb_leaf() -> impl Strategy<Value = Leaf> {
    (arb_digest(), [arb_u32(), arb_u32()], arb_u32(), arb_between(0, AMOUNT_LIMIT - 1))
        .prop_map(|(address, nonces, asset, balance)| Leaf { address, nonces, asset, balance })
}

/// A record of a contract, of any kind.
pub fn arb_contract_record() -> impl Strategy<Value = ContractRecord> {
    arb_pool().prop_map(|pool| pool.try_into().expect("in its ranges"))
}

/// A pool.
pub fn arb_pool() -> impl Strategy<Value = Pool> {
    let asset_0 = arb_between(0, u64::from(RESTRICTED_ASSETS) - 2);
    let assets = asset_0.prop_flat_map(|first| {
        arb_between(first + 1, u64::from(RESTRICTED_ASSETS) - 1)
            .prop_map(move |second| [first as u32, second as u32])
    });
    let money = (0..=UNIT_BITS as u32).prop_flat_map(|power| {
        let most = if power == 0 { ROOM } else { HALVING >> power };
        let reserve = || arb_between(1, most);
        ([reserve(), reserve()], arb_between(LOCKED, LIMBS_LIMIT - 1), Just(1 << power))
    });
    let law = (0..=PARTS as u32, 1..=2u32);
    (assets, law, money, 1..=u32::MAX, arb_between(0, (1 << 31) - 1)).prop_map(
        |(assets, (kept, weight), (reserves, supply, unit), time, number)| {
            let number = number as u32;
            Pool { assets, kept, weight, reserves, supply, unit, time, number }
        },
    )
}

/// A nonce key.
pub fn arb_nonce_key() -> impl Strategy<Value = NonceKey> {
    prop::sample::select(NonceKey::ALL.to_vec())
}

/// A message.
pub fn arb_message() -> impl Strategy<Value = Message> {
    let route = (arb_leaf_index(), arb_nonce_key(), arb_leaf_index(), arb_digest());
    let memo = arb_between(0, ORDER - 1);
    (arb_op(), arb_u32(), route, arb_between(1, AMOUNT_LIMIT - 1), memo).prop_map(
        |(op, asset, (from, key, to, to_address), amount, memo)| Message {
            op,
            asset,
            from,
            nonce_key: if op.is_signed() { key } else { NonceKey::First },
            to,
            amount,
            memo,
            to_address,
        },
    )
}

/// A transfer whose fields are in their ranges.
pub fn arb_transaction() -> impl Strategy<Value = Transaction> {
    let nonce = (arb_u32(), arb_nonce_key()).prop_map(|(number, key)| Nonce::new(number, key));
    let head = (arb_between(1, (1 << 63) - 1), arb_leaf_index(), nonce, arb_digest(), arb_u32());
    let numbers = (
        arb_between(1, AMOUNT_LIMIT - 1),
        arb_between(0, AMOUNT_LIMIT - 1),
        arb_between(0, ORDER - 1),
        arb_between(1, NO_END.into()),
    );
    (head, numbers).prop_map(
        |((chain_id, from, nonce, to_address, asset), (amount, fee, memo, valid_until))| Transaction {
            op: Op::Transfer,
            chain_id,
            from,
            nonce,
            to_address,
            asset,
            amount,
            fee,
            memo,
            target: 0,
            valid_until: valid_until as u32,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::to_u64;
    use crate::message::MessageError;

    proptest! {
        #[test]
        fn packed_messages_are_read_back(message in arb_message()) {
            prop_assert_eq!(message.check(), Ok(()));
            prop_assert_eq!(Message::from_elements(message.elements()), Ok(message));
        }

        #[test]
        fn a_number_out_of_its_range_is_refused(message in arb_message(), above in 1u32 << TREE_DEPTH..=u32::MAX) {
            let got = u64::from(above);
            prop_assert_eq!(Message { from: LeafIndex(above), ..message }.check(), Err(MessageError::IndexRange { got }));
            prop_assert_eq!(Message { to: LeafIndex(above), ..message }.check(), Err(MessageError::IndexRange { got }));
            for got in [0, AMOUNT_LIMIT, ORDER, u64::MAX] {
                prop_assert_eq!(Message { amount: got, ..message }.check(), Err(MessageError::AmountRange { got }));
            }
            for got in [ORDER, u64::MAX] {
                prop_assert_eq!(Message { memo: got, ..message }.check(), Err(MessageError::MemoRange { got }));
            }
        }

        #[test]
        fn a_part_out_of_its_range_is_refused(message in arb_message(), above in 1u64 << 30..1 << 31) {
            let with = |at: usize, value: u64| {
                let mut elements = message.elements();
                elements[at] = reduce(value);
                Message::from_elements(elements)
            };
            let [head, route, ..] = message.elements().map(to_u64);
            prop_assert_eq!(with(0, head & !0xff), Err(MessageError::UnknownOp { got: 0 }));
            prop_assert_eq!(with(0, head | 0x80), Err(MessageError::UnknownOp { got: head & 0xff | 0x80 }));
            prop_assert_eq!(with(0, head + (1 << 40)), Err(MessageError::Kind { got: 1 }));
            let (from, to) = (route & 0xffff_ffff, route >> 32);
            let range = Err(MessageError::IndexRange { got: above });
            let got = 2 * above;
            prop_assert_eq!(with(1, got + (to << 32)), Err(MessageError::IndexRange { got }));
            prop_assert_eq!(with(1, (from | 1 << 30) + (to << 32)).is_ok(), message.op.is_signed());
            prop_assert_eq!(with(1, from + (above << 32)), range);
            for got in [0, AMOUNT_LIMIT, ORDER - 1] {
                prop_assert_eq!(with(2, got), Err(MessageError::AmountRange { got }));
            }
        }

        #[test]
        fn another_record_has_other_elements_and_another_hash(a in arb_leaf(), b in arb_leaf()) {
            prop_assert_eq!(a == b, a.elements() == b.elements());
            prop_assert_eq!(a == b, a.digest() == b.digest());
        }

        #[test]
        fn another_pool_has_another_record_and_another_hash(a in arb_pool(), b in arb_pool()) {
            let [first, second] = [a, b].map(|pool| ContractRecord::try_from(pool).expect("in its ranges"));
            prop_assert_eq!((Pool::of(&first), Pool::of(&second)), (Some(a), Some(b)));
            prop_assert_eq!(a == b, first.integers() == second.integers());
            prop_assert_eq!(a == b, first.digest() == second.digest());
            prop_assert_eq!(first.touched(), (a.time, a.number));
            prop_assert_eq!(&ContractRecord::new(first.kind(), first.integers()), &Ok(first));
        }

        #[test]
        fn every_signed_field_is_in_the_id(a in arb_transaction(), b in arb_transaction()) {
            prop_assert_eq!(a == b, a.id() == b.id());
            let mixed = [
                Transaction { op: Op::Fee, ..a },
                Transaction { chain_id: a.chain_id ^ 1, ..a },
                Transaction { from: LeafIndex(a.from.0 ^ 1), ..a },
                Transaction { nonce: Nonce::new(!a.nonce.number(), a.nonce.key()), ..a },
                Transaction { nonce: Nonce::from_u64(a.nonce.to_u64() ^ 1 << 32).unwrap(), ..a },
                Transaction { target: 1, ..a },
                Transaction { valid_until: !a.valid_until, ..a },
                Transaction { asset: !a.asset, ..a },
                Transaction { amount: a.amount ^ 1, ..a },
                Transaction { fee: a.fee ^ 1, ..a },
                Transaction { memo: a.memo ^ 1, ..a },
            ];
            for other in mixed {
                prop_assert_ne!(other.id(), a.id());
            }
            for (i, element) in b.to_address.0.into_iter().enumerate() {
                let mut other = a;
                other.to_address.0[i] = element;
                prop_assert_eq!(other.id() == a.id(), element == a.to_address.0[i]);
            }
        }
    }
}
