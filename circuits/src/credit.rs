//! The credit circuits: messages that receivers consume. Twin of [`enfold_witness::credit`].
//!
//! Besides what [`batch`](crate::batch) constrains. For each path, whose position is empty (`e`) or holds a
//! leaf:
//!
//! 1. `e` is boolean.
//! 2. `e` implies that both nonces and the balance are zero.
//! 3. The opened digest is zero if `e`, and the leaf's if not.
//! 4. `e` implies that the first message is live.
//! 5. The live flags are boolean, and after one that is off there is none that is on.
//! 6. `asset < 2^32`.
//! 7. New leaves grow by `e`, and `e` implies that the position is below the count that its shard has after the block.
//!    The window is one of a shard of accounts.
//!
//! For each message, with live flag `l`:
//!
//! 8. It is `[op + 2^8 asset, sender + 2^32 index, amount, memo, address]`, with asset and address the leaf's
//!    and index the path's. So a leaf of another address or asset is not credited.
//! 9. The op is one that credits consume: the first, transfer, or that of a boolean bit, of which one is 1 at most.
//! 10. `sender < 2^32`: the debited leaf and the nonce key, which are the emitter's to tell apart. With 6 and 9, the
//!     message's first two elements have one reading only.
//! 11. `balance' = balance + l amount < 2^62` after every message. The amount has no range of its own: every
//!     consumed message was emitted, and emitters check it.
//!
//! After the path:
//!
//! 12. The new leaf has the last balance and the same address, nonces and asset: a position that was empty
//!     now holds what its first message names, with nonces zero.
//!
//! The phase before is one of 0 to 3, and after it is 3. Transactions and emitted messages stay.
//!
//! Nothing else passes: each wire that a witness sets is in the old leaf's digest or in a flagged message, or has
//! no effect (a padding slot's values; it changes no balance).

use enfold_state::credit::{Credit, opened};
use enfold_state::hash::Digest;
use enfold_state::kind::KindId;
use enfold_state::leaf::TREE_DEPTH;
use enfold_state::message::{Message, Op};
use enfold_witness::batch::CreditPath;
use plonky2::iop::target::Target;

use crate::config::Builder;
use crate::constraint::{Constrain, define};
use crate::fill::{Fill, FillError, check_length};
use crate::gadgets::leaf::LeafTargets;
use crate::gadgets::message;
use crate::gadgets::op::OpTargets;
use crate::kind::{KindCircuit, Opened};
use crate::rows::Part;
use crate::session::{PositionTargets, Session};

/// Targets of a [`CreditPath`].
#[derive(Debug)]
pub struct CreditPathTargets {
    /// Where the leaf is.
    pub position: PositionTargets,
    /// 1 if the position was empty.
    pub empty: Target,
    /// The leaf before its first message, or what an empty position becomes, without a balance.
    pub leaf: LeafTargets,
    /// The messages.
    pub messages: Vec<CreditMessageTargets>,
}

/// Targets of a message that a path consumes.
#[derive(Clone, Debug)]
pub struct CreditMessageTargets {
    /// Off in padding.
    pub live: Target,
    /// Which of the ops that credits consume it is.
    pub op: OpTargets,
    /// The leaf that was debited and the nonce key: the lower half of the message's second element.
    pub sender: Target,
    /// How much.
    pub amount: Target,
    /// The sender's memo.
    pub memo: Target,
}

impl KindCircuit for Credit {
    type Path = CreditPath;
    type Targets = CreditPathTargets;

    fn path(session: &mut Session<'_>, position: PositionTargets, slots: usize) -> Opened<CreditPathTargets> {
        constrain_path(session, position, slots)
    }

    fn fill(
        targets: &CreditPathTargets,
        fill: &mut Fill,
        window: u32,
        path: &CreditPath,
        siblings: &[Digest],
    ) -> Result<(), FillError> {
        check_length("messages", targets.messages.len(), path.messages.len())?;
        targets.position.fill(fill, window, path.index, siblings)?;
        let leaf = match (&path.leaf, path.messages.first().and_then(Option::as_ref)) {
            (Some(leaf), _) => *leaf,
            (None, Some(first)) => opened(first),
            (None, None) => return Err(FillError::EmptyPadding { index: path.index.0 }),
        };
        fill.flag(targets.empty, path.leaf.is_none());
        fill.leaf(&targets.leaf, &leaf);
        for (target, message) in targets.messages.iter().zip(&path.messages) {
            target.fill(fill, message.as_ref());
        }
        Ok(())
    }
}

fn constrain_path(
    session: &mut Session<'_>,
    position: PositionTargets,
    slots: usize,
) -> Opened<CreditPathTargets> {
    let builder = &mut *session.builder;
    let leaf = LeafTargets::new(builder);
    let messages: Vec<_> = (0..slots).map(|_| CreditMessageTargets::new(builder)).collect();

    // 1, 2. Whether the position is empty.
    let empty = builder.add_virtual_target();
    builder.require_bool("credit: empty is boolean", empty);
    for nonce in leaf.nonces {
        let filled = define("credit: nonce of an empty position", builder.mul(empty, nonce));
        builder.require_zero("credit: the nonces of an empty position are 0", filled);
    }
    let filled = define("credit: balance of an empty position", builder.mul(empty, leaf.balance));
    builder.require_zero("credit: an empty position has balance 0", filled);

    // 3. What was there.
    let digest = session.rows.measure(Part::Leaves, builder, |builder| leaf.digest(builder)).elements;
    let nothing = [builder.zero(); 4];
    let old = session.selects.select(builder, empty, nothing, digest);

    // 4. An empty position is filled.
    let unfilled = builder.mul_sub(empty, messages[0].live, empty);
    let unfilled = define("credit: empty without a message", unfilled);
    builder.require_zero("credit: an empty position has a message", unfilled);

    // 5. Live flags never rise; they are boolean by their LogUp rows.
    for pair in messages.windows(2) {
        let risen = builder.mul_sub(pair[1].live, pair[0].live, pair[1].live);
        let risen = define("credit: what a live flag rises by", risen);
        builder.require_zero("credit: live flags never rise", risen);
    }

    // 6. The asset.
    session.ranges.narrow("credit: asset has 32 bits", leaf.asset);

    // 7. The new leaf's position.
    session.create(&position, empty);

    let head = message::head(session.builder, messages[0].op.first(), leaf.asset);
    let mut balance = leaf.balance;
    for message in &messages {
        balance = constrain_message(session, &position, &leaf, head, message, balance);
    }

    // 12. The new leaf.
    let new = LeafTargets { balance, ..leaf };
    let new = session.rows.measure(Part::Leaves, session.builder, |builder| new.digest(builder));
    let targets = CreditPathTargets { position: position.clone(), empty, leaf, messages };
    Opened { targets, position, old: old.into(), new }
}

/// The balance after the message.
fn constrain_message(
    session: &mut Session<'_>,
    position: &PositionTargets,
    leaf: &LeafTargets,
    first_head: Target,
    &CreditMessageTargets { live, ref op, sender, amount, memo }: &CreditMessageTargets,
    balance: Target,
) -> Target {
    let builder = &mut *session.builder;

    // 9. The op.
    op.require(builder, "credit: op is one that credits consume");
    let head = op.choose(builder, "credit: first element by op", first_head);

    // 8, 10. The message.
    session.ranges.narrow("credit: sender has 32 bits", sender);
    let route = message::route(builder, sender, position.index);
    let [a0, a1, a2, a3] = leaf.address.elements;

    // 11. The balance.
    let balance = define("credit: balance after a message", builder.mul_add(live, amount, balance));
    session.ranges.amount("credit: balance has 62 bits", balance);

    session.consume([head, route, amount, memo, a0, a1, a2, a3], live);
    balance
}

impl CreditMessageTargets {
    fn new(builder: &mut Builder) -> Self {
        Self {
            live: builder.add_virtual_target(),
            op: OpTargets::new(builder, Op::consumed_by(KindId::Credit)),
            sender: builder.add_virtual_target(),
            amount: builder.add_virtual_target(),
            memo: builder.add_virtual_target(),
        }
    }

    fn fill(&self, fill: &mut Fill, message: Option<&Message>) {
        fill.flag(self.live, message.is_some());
        self.op.fill(fill, message.map_or(self.op.first(), |message| message.op));
        let sender = |message: &Message| message.from.0 | (message.nonce_key as u32) << TREE_DEPTH;
        fill.number(self.sender, message.map_or(0, sender));
        fill.wide(self.amount, message.map_or(0, |message| message.amount));
        fill.wide(self.memo, message.map_or(0, |message| message.memo));
    }
}
