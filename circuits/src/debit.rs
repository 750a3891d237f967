//! The debit circuits: legs of senders. Twin of [`enfold_witness::debit`].
//!
//! Besides what [`batch`](crate::batch) constrains. For each path:
//!
//! 1. The opened digest is an account leaf's: address, nonces, asset, balance.
//! 2. The live flags are boolean, and after one that is off there is none that is on.
//!
//! For each leg, with live flag `l` and nonce key `k`:
//!
//! 3. `k` is boolean. The chosen nonce is the leaf's current one of key `k`: `nonce 0 + k (nonce 1 - nonce 0)`.
//! 4. The op is one that people sign: the first, transfer, or that of a boolean bit, of which one is 1 at most. (There is no
//!    bit while there is one such op.) The signature is a key's, over the record `[op, chain id, index, chosen nonce + 2^32 k, to_address, asset,
//!    amount, fee, memo, 0, valid_until]`, whose chain id is the context's, index the path's and asset the leaf's. The
//!    target is a constant.
//! 5. If `l`, the leaf's address is the hash of that key and an owner on L1 (three elements, which nothing else binds).
//! 6. `valid_until - time < 2^32`, with the context's time: the transaction is still valid. Both are below 2^32 in
//!    what is stated and in what a wallet signs, so a negative difference represents an element above 2^32. Whoever signs
//!    a larger element has set a later end, or none that comes, and nothing else.
//! 7. `amount - 1 < 2^62`, `fee < 2^62`: the amount is not zero.
//! 8. `balance' = balance - l (amount + fee) < 2^62`. Balance and fee are below 2^62, the amount is 2^62 at
//!    most, so what an uncovered debit leaves is a negative number from -2^63 on, which represents
//!    an element above 2^62. So a live amount is also below 2^62.
//! 9. `chosen nonce + l < 2^32`. Nonce 0 grows by `l (1 - k)`, nonce 1 by `l k`: the chosen one grows by `l`, the
//!    other stays. Neither ever falls, and a record says nonce and key, so it is debited once.
//! 10. `to < 2^30`, `fee_to < 2^30`: with the index and `k` one of these makes up the second element of a message in
//!     one way only.
//! 11. The signed message `[op + 2^8 asset, index + 2^30 k + 2^32 to, amount, memo, to_address]` is flagged by
//!     `l`.
//! 12. The fee message `[fee + 2^8 asset, index + 2^32 fee_to, fee, 0, collector]` is flagged by `l` and
//!     `fee != 0`. `collector` and `fee_to` are the operator's choice.
//! 13. Transactions grow by `l`, messages by both flags.
//!
//! After the path:
//!
//! 14. The new leaf has the last nonces and balance, the same address and asset.
//!
//! The phase is 0 or 1 before, and 1 after.
//!
//! Nothing else passes: each wire that a witness sets is in the leaf's digest, in the signed record, in a flagged
//! message, or has no effect (a padding leg's values; `to`, `fee_to`, `collector` of an unflagged message).

use enfold_state::debit::Debit;
use enfold_state::hash::Digest;
use enfold_state::message::Op;
use enfold_state::transaction::SignedTransaction;
use enfold_witness::batch::{DebitPath, DebitSlot};
use plonky2::field::types::Field;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::iop::target::Target;

use crate::config::{Builder, F};
use crate::constraint::{Constrain, define};
use crate::convert::from_native;
use crate::fill::{Fill, FillError, check_length};
use crate::gadgets::leaf::LeafTargets;
use crate::gadgets::message;
use crate::gadgets::op::OpTargets;
use crate::gadgets::schnorr::{self, SignatureTargets};
use crate::kind::{KindCircuit, Opened};
use crate::rows::Part;
use crate::session::{PositionTargets, Session};

/// Targets of a [`DebitPath`].
#[derive(Debug)]
pub struct DebitPathTargets {
    /// Where the leaf is.
    pub position: PositionTargets,
    /// The leaf before its first leg.
    pub leaf: LeafTargets,
    /// The legs.
    pub legs: Vec<DebitSlotTargets>,
}

/// Targets of a [`DebitSlot`].
#[derive(Debug)]
pub struct DebitSlotTargets {
    /// Off in padding.
    pub live: Target,
    /// Which of the ops that people sign.
    pub op: OpTargets,
    /// Key, owner and signature.
    pub signature: SignatureTargets,
    /// Which of the leaf's nonces was signed.
    pub nonce_key: Target,
    /// Last second of the transaction.
    pub valid_until: Target,
    /// The receiver.
    pub to_address: HashOutTarget,
    /// How much.
    pub amount: Target,
    /// The fee.
    pub fee: Target,
    /// Inverse of the fee; anything if the fee is zero.
    pub fee_inverse: Target,
    /// The sender's memo.
    pub memo: Target,
    /// The receiver's leaf.
    pub to: Target,
    /// The fee collector's leaf.
    pub fee_to: Target,
    /// The fee collector.
    pub collector: HashOutTarget,
}

/// What goes from leg to leg.
struct Running {
    /// The leaf after the legs so far.
    leaf: LeafTargets,
    /// The live flag of the path's leg in front.
    previous_live: Option<Target>,
}

impl KindCircuit for Debit {
    type Path = DebitPath;
    type Targets = DebitPathTargets;

    fn path(session: &mut Session<'_>, position: PositionTargets, slots: usize) -> Opened<DebitPathTargets> {
        // 1. The leaf.
        let leaf = LeafTargets::new(session.builder);
        let old = session.rows.measure(Part::Leaves, session.builder, |builder| leaf.digest(builder));

        let first = Op::signed().next().expect("people sign an op");
        let heads = [first, Op::Fee].map(|op| message::head(session.builder, op, leaf.asset));
        let mut running = Running { leaf, previous_live: None };
        let legs = (0..slots).map(|_| constrain_leg(session, &position, heads, &mut running)).collect();

        // 14. The new leaf.
        let new = session.rows.measure(Part::Leaves, session.builder, |builder| running.leaf.digest(builder));
        let targets = DebitPathTargets { position: position.clone(), leaf, legs };
        Opened { targets, position, old, new }
    }

    fn fill(
        targets: &DebitPathTargets,
        fill: &mut Fill,
        window: u32,
        path: &DebitPath,
        siblings: &[Digest],
    ) -> Result<(), FillError> {
        check_length("legs", targets.legs.len(), path.legs.len())?;
        targets.position.fill(fill, window, path.index, siblings)?;
        fill.leaf(&targets.leaf, &path.leaf);
        targets.legs.iter().zip(&path.legs).try_for_each(|(target, leg)| target.fill(fill, leg))
    }
}

fn constrain_leg(
    session: &mut Session<'_>,
    position: &PositionTargets,
    [first_head, fee_head]: [Target; 2],
    running: &mut Running,
) -> DebitSlotTargets {
    let builder = &mut *session.builder;
    let leg = DebitSlotTargets::new(builder);
    let DebitSlotTargets { live, ref op, nonce_key, valid_until, amount, fee, memo, .. } = leg;
    let (index, leaf, time) = (position.index, running.leaf, session.block.time);
    let (zero, one) = (builder.zero(), builder.one());

    // 2. Live flags never rise; they are boolean by their LogUp rows.
    if let Some(previous) = running.previous_live.replace(live) {
        let risen = define("debit: what a live flag rises by", builder.mul_sub(live, previous, live));
        builder.require_zero("debit: live flags never rise", risen);
    }

    // 3. The nonce.
    let [first, second] = leaf.nonces;
    builder.require_bool("debit: nonce key is boolean", nonce_key);
    let difference = define("debit: nonce 1 less nonce 0", builder.sub(second, first));
    let chosen = define("debit: nonce of the key", builder.mul_add(nonce_key, difference, first));
    let nonce = builder.mul_const_add(F::from_canonical_u64(1 << 32), nonce_key, chosen);
    let nonce = define("debit: signed nonce is nonce + 2^32 key", nonce);

    // 4. The signature.
    op.require(builder, "debit: op is one that people sign");
    let first_op = op.first();
    let number = builder.constant(from_native(first_op.element()));
    let number = op.choose(builder, "debit: signed op", number);
    let [a0, a1, a2, a3] = leg.to_address.elements;
    let chain_id = session.block.chain_id;
    let record =
        [number, chain_id, index, nonce, a0, a1, a2, a3, leaf.asset, amount, fee, memo, zero, valid_until];
    let signatures = &mut session.signatures;
    let verify = |builder: &mut Builder| schnorr::verify(builder, signatures, &leg.signature, record);
    let signer = session.rows.measure(Part::Signature, builder, verify);

    // 5. The signer's address, where the leg is live, and else the leaf's own.
    let owner = leaf.address.elements;
    let address = session.selects.select(builder, live, signer.elements, owner);
    for (element, expected) in address.into_iter().zip(owner) {
        builder.require_equal("debit: a live leg's key is the owner's", element, expected);
    }

    // 6. The time.
    let left = define("debit: time that is left", builder.sub(valid_until, time));
    session.ranges.narrow("debit: a transaction is still valid", left);

    // 7. Amount and fee.
    let above_one = define("debit: amount - 1", builder.sub(amount, one));
    session.ranges.amount("debit: amount - 1 has 62 bits", above_one);
    session.ranges.amount("debit: fee has 62 bits", fee);

    // 8. The balance.
    let spent = define("debit: amount and fee", builder.add(amount, fee));
    let balance = builder.arithmetic(F::NEG_ONE, F::ONE, live, spent, leaf.balance);
    let balance = define("debit: balance after a leg", balance);
    session.ranges.amount("debit: balance has 62 bits", balance);

    // 9. The nonces.
    let next = define("debit: nonce after a leg", builder.add(chosen, live));
    session.ranges.narrow("debit: nonce has 32 bits", next);
    let second = define("debit: nonce 1 after a leg", builder.mul_add(live, nonce_key, second));
    let grown = define("debit: nonce 0 and live", builder.add(first, live));
    let first = builder.arithmetic(F::NEG_ONE, F::ONE, live, nonce_key, grown);
    let first = define("debit: nonce 0 after a leg", first);

    // 10. The receivers' positions.
    session.ranges.index("debit: receiver has 30 bits", leg.to);
    session.ranges.index("debit: fee's receiver has 30 bits", leg.fee_to);

    // 11. The signed message.
    let sender = message::sender(builder, index, nonce_key);
    let route = message::route(builder, sender, leg.to);
    let head = op.choose(builder, "debit: first element by op", first_head);
    let signed = [head, route, amount, memo, a0, a1, a2, a3];

    // 12. The fee message. `charged` is 1 if the fee is not zero, and 0 if it is.
    let charged = define("debit: charged is fee times inverse", builder.mul(fee, leg.fee_inverse));
    let unpaid = define("debit: fee that is not charged", builder.mul_sub(fee, charged, fee));
    builder.require_zero("debit: a fee is charged", unpaid);
    let fee_flag = define("debit: fee flag is live and charged", builder.mul(live, charged));
    let fee_route = message::route(builder, index, leg.fee_to);
    let [c0, c1, c2, c3] = leg.collector.elements;
    let fee_message = [fee_head, fee_route, fee, zero, c0, c1, c2, c3];

    // 13. The counters.
    session.emit([(first_op, signed, live), (Op::Fee, fee_message, fee_flag)]);
    running.leaf = LeafTargets { nonces: [first, second], balance, ..leaf };
    leg
}

impl DebitSlotTargets {
    fn new(builder: &mut Builder) -> Self {
        Self {
            live: builder.add_virtual_target(),
            op: OpTargets::new(builder, Op::signed()),
            signature: SignatureTargets::new(builder),
            nonce_key: builder.add_virtual_target(),
            valid_until: builder.add_virtual_target(),
            to_address: builder.add_virtual_hash(),
            amount: builder.add_virtual_target(),
            fee: builder.add_virtual_target(),
            fee_inverse: builder.add_virtual_target(),
            memo: builder.add_virtual_target(),
            to: builder.add_virtual_target(),
            fee_to: builder.add_virtual_target(),
            collector: builder.add_virtual_hash(),
        }
    }

    fn fill(&self, fill: &mut Fill, leg: &DebitSlot) -> Result<(), FillError> {
        let transaction = &leg.signed.transaction;
        let fee = F::from_canonical_u64(transaction.fee);
        fill.flag(self.live, leg.live);
        self.op.fill(fill, transaction.op);
        fill.number(self.nonce_key, transaction.nonce.key() as u32);
        fill.number(self.valid_until, transaction.valid_until);
        fill.digest(self.to_address, transaction.to_address);
        fill.wide(self.amount, transaction.amount);
        fill.element(self.fee, fee);
        fill.element(self.fee_inverse, fee.try_inverse().unwrap_or(F::ZERO));
        fill.wide(self.memo, transaction.memo);
        fill.number(self.to, leg.to.0);
        fill.number(self.fee_to, leg.fee_to.0);
        fill.digest(self.collector, leg.collector);
        let SignedTransaction { public_key, owner, signature, .. } = &leg.signed;
        self.signature.set(&mut fill.witness, public_key, *owner, signature)?;
        Ok(())
    }
}
