//! The relay's circuits: legs that count a message and pass it on. Twin of `enfold_witness::relay`.
//!
//! Besides what [`batch`](crate::batch) constrains. For each path:
//!
//! 1. The opened digest is an account leaf's, whose address is the relay's, a constant.
//! 2. The live flags are boolean, and after one that is off there is none that is on.
//! 3. `asset < 2^32`.
//!
//! For each leg, with live flag `l`:
//!
//! 4. `sender < 2^32`: with 3, the first two elements of the message have one reading.
//! 5. The message `[put + 2^8 asset, sender + 2^32 index, amount, memo, to_address]` is consumed, flagged by `l`; asset and
//!    index are the leaf's and the path's.
//! 6. `balance - amount < 2^62`. Both are below 2^62 (the amount, of a consumed message, by its emitter), so the amount is
//!    at most the balance: else the difference is a negative number from -2^62 on, which represents an element above 2^62.
//! 7. `count' = count + l < 2^32`: the leaf's first nonce.
//! 8. `payee < 2^30`.
//! 9. The message `[payout + 2^8 asset, index + 2^32 payee, amount, memo, to_address]` is emitted, flagged by `l`. `payee` is
//!    the operator's choice, but credit holds that leaf against the address.
//!
//! After the path:
//!
//! 10. The new leaf has the last count; all else is the same.
//!
//! The phase before is one of 0 to 2, and after it is 2. Transactions stay.
//!
//! Nothing else passes: each wire that a witness sets is in the leaf's digest or in a flagged message, or has no effect (a
//! padding slot's values).

use enfold_state::hash::Digest;
use enfold_state::leaf::TREE_DEPTH;
use enfold_state::message::Op;
use enfold_state::relay::{ADDRESS, Relay, RelayLeg};
use enfold_witness::relay::RelayPath;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;

use crate::config::Builder;
use crate::constraint::{Constrain, define};
use crate::convert::from_digest;
use crate::fill::{Fill, FillError, check_length};
use crate::gadgets::leaf::LeafTargets;
use crate::gadgets::message;
use crate::kind::{KindCircuit, Opened};
use crate::rows::Part;
use crate::session::{PositionTargets, Session};

/// Targets of a [`RelayPath`].
#[derive(Debug)]
pub struct RelayPathTargets {
    /// Where the leaf is.
    pub position: PositionTargets,
    /// The leaf before its first leg.
    pub leaf: LeafTargets,
    /// The legs.
    pub legs: Vec<RelayLegTargets>,
}

/// Targets of a [`RelayLeg`].
#[derive(Clone, Copy, Debug)]
pub struct RelayLegTargets {
    /// Off in padding.
    pub live: Target,
    /// The leaf that was debited and the nonce key.
    pub sender: Target,
    /// How much.
    pub amount: Target,
    /// The sender's memo.
    pub memo: Target,
    /// The receiver.
    pub to_address: HashOutTarget,
    /// The receiver's leaf.
    pub payee: Target,
}

impl KindCircuit for Relay {
    type Path = RelayPath;
    type Targets = RelayPathTargets;

    fn path(session: &mut Session<'_>, position: PositionTargets, slots: usize) -> Opened<RelayPathTargets> {
        let builder = &mut *session.builder;
        let leaf = LeafTargets::new(builder);
        let legs: Vec<_> = (0..slots).map(|_| RelayLegTargets::new(builder)).collect();

        // 1. The leaf.
        let address = builder.constant_hash(from_digest(ADDRESS));
        builder.require_equal_hashes("relay: the leaf is the relay's", address, leaf.address);
        let old = session.rows.measure(Part::Leaves, builder, |builder| leaf.digest(builder));

        // 2. Live flags never rise; they are boolean by their LogUp rows.
        for pair in legs.windows(2) {
            let risen = builder.mul_sub(pair[1].live, pair[0].live, pair[1].live);
            let risen = define("relay: what a live flag rises by", risen);
            builder.require_zero("relay: live flags never rise", risen);
        }

        // 3. The asset.
        session.ranges.narrow("relay: asset has 32 bits", leaf.asset);

        let heads = [Op::Put, Op::Payout].map(|op| message::head(session.builder, op, leaf.asset));
        let [mut count, other] = leaf.nonces;
        for leg in &legs {
            count = constrain_leg(session, &position, &leaf, heads, leg, count);
        }

        // 10. The new leaf.
        let new = LeafTargets { nonces: [count, other], ..leaf };
        let new = session.rows.measure(Part::Leaves, session.builder, |builder| new.digest(builder));
        let targets = RelayPathTargets { position: position.clone(), leaf, legs };
        Opened { targets, position, old, new }
    }

    fn fill(
        targets: &RelayPathTargets,
        fill: &mut Fill,
        window: u32,
        path: &RelayPath,
        siblings: &[Digest],
    ) -> Result<(), FillError> {
        check_length("legs", targets.legs.len(), path.legs.len())?;
        targets.position.fill(fill, window, path.index, siblings)?;
        fill.leaf(&targets.leaf, &path.leaf);
        targets.legs.iter().zip(&path.legs).for_each(|(target, leg)| target.fill(fill, leg.as_ref()));
        Ok(())
    }
}

/// The count after the leg.
fn constrain_leg(
    session: &mut Session<'_>,
    position: &PositionTargets,
    leaf: &LeafTargets,
    [put_head, payout_head]: [Target; 2],
    leg: &RelayLegTargets,
    count: Target,
) -> Target {
    let &RelayLegTargets { live, sender, amount, memo, to_address, payee } = leg;
    let builder = &mut *session.builder;
    let [a0, a1, a2, a3] = to_address.elements;

    // 4, 5. The message that is consumed.
    session.ranges.narrow("relay: sender has 32 bits", sender);
    let route = message::route(builder, sender, position.index);
    let put = [put_head, route, amount, memo, a0, a1, a2, a3];

    // 6. The limit.
    let room = define("relay: balance less amount", builder.sub(leaf.balance, amount));
    session.ranges.amount("relay: an amount is at most the balance", room);

    // 7. The count.
    let count = define("relay: count after a leg", builder.add(count, live));
    session.ranges.narrow("relay: count has 32 bits", count);

    // 8, 9. The message that is emitted.
    session.ranges.index("relay: payee has 30 bits", payee);
    let route = message::route(builder, position.index, payee);
    let payout = [payout_head, route, amount, memo, a0, a1, a2, a3];

    session.consume(put, live);
    session.emit([(Op::Payout, payout, live)]);
    count
}

impl RelayLegTargets {
    fn new(builder: &mut Builder) -> Self {
        Self {
            live: builder.add_virtual_target(),
            sender: builder.add_virtual_target(),
            amount: builder.add_virtual_target(),
            memo: builder.add_virtual_target(),
            to_address: builder.add_virtual_hash(),
            payee: builder.add_virtual_target(),
        }
    }

    fn fill(&self, fill: &mut Fill, leg: Option<&RelayLeg>) {
        let put = leg.map(|leg| leg.put);
        fill.flag(self.live, leg.is_some());
        fill.number(self.sender, put.map_or(0, |put| put.from.0 | (put.nonce_key as u32) << TREE_DEPTH));
        fill.wide(self.amount, put.map_or(0, |put| put.amount));
        fill.wide(self.memo, put.map_or(0, |put| put.memo));
        fill.digest(self.to_address, put.map_or(Digest::ZERO, |put| put.to_address));
        fill.number(self.payee, leg.map_or(0, |leg| leg.payee.0));
    }
}
