//! What `enfold inspect circuits` says: a profile's sizes, its parameters, and what they are worth.

use std::fmt;

use enfold_circuits::params::Params;
use enfold_circuits::report::{ProfileReport, ShapeReport};
use enfold_circuits::security::{Rounds, SecurityBits, security_bits};
use enfold_state::hash::Digest;
use enfold_state::kind::{FamilyId, KindId};
use enfold_state::profile::{BatchId, ProfileId};
use enfold_verifier::verify::{PinnedSet, VerifierKey};
use serde::Serialize;

use crate::error::CliError;
use crate::measures::MeasuresText;
use crate::text::{count, grouped};

/// A profile's circuits.
#[derive(Debug, Serialize)]
pub struct CircuitsReport {
    /// Digest of the block circuit's key, which the verifier trusts.
    key: Digest,
    /// Bytes of a proof file.
    proof_file_bytes: u64,
    /// Whether anybody can make such proofs.
    forgeable: bool,
    /// Leaves of a window, log2.
    window_depth: usize,
    families: Vec<FamilyReport>,
    /// Lift or fold proofs to a fold proof.
    fold_arity: usize,
    /// Lift or fold proofs to the block proof.
    block_arity: usize,
    batches: Vec<BatchReport>,
    degree_bits: DegreeBits,
    fri: FriReports,
    /// Repetitions of the permutation argument.
    challenges: usize,
    security_bits: BitsReport,
    #[serde(flatten)]
    measures: ProfileReport,
}

/// A family of batch circuits, which look alike to the lift circuit that takes their proofs.
#[derive(Debug, Serialize)]
struct FamilyReport {
    name: FamilyId,
    /// log2 of the rows of its batch circuits.
    degree_bits: usize,
    /// FRI's parameters of their proofs.
    fri: FriReport,
    /// The name of its lift circuit.
    lift: &'static str,
    /// Batch proofs to a lift proof.
    lift_arity: usize,
}

#[derive(Debug, Serialize)]
struct BatchReport {
    name: &'static str,
    family: FamilyId,
    /// What a leg is.
    #[serde(skip)]
    each: &'static str,
    #[serde(flatten)]
    shape: ShapeReport,
}

/// log2 of rows.
#[derive(Debug, Serialize)]
struct DegreeBits {
    lift_and_fold: usize,
    block: usize,
}

/// FRI's parameters.
#[derive(Debug, Serialize)]
struct FriReports {
    lift_and_fold: FriReport,
    block: FriReport,
}

#[derive(Debug, Serialize)]
struct FriReport {
    rate_bits: usize,
    queries: usize,
    grinding_bits: u32,
    cap_height: usize,
}

/// Bits of each argument, rounded down; of a round, the least over all stages.
#[derive(Debug, Serialize)]
struct BitsReport {
    /// The least, FRI as conjectured at a slack of 2/s.
    conjectured: i64,
    /// The least, FRI as proven.
    proven: i64,
    /// The least, FRI as proven by unique decoding.
    proven_unique: i64,
    /// Rounds of a proof as proven by unique decoding.
    unique: RoundsReport,
    /// As proven up to the Johnson radius by BCIKS20.
    johnson_bciks20: RoundsReport,
    /// As proven up to the Johnson radius by BCHKS25.
    johnson_bchks25: RoundsReport,
    /// Up to the Johnson radius by DKT26.
    johnson_dkt26: RoundsReport,
    /// As conjectured at list-decoding capacity.
    capacity: RoundsReport,
    /// How far above the rate that is, a share of the domain.
    capacity_slack: f64,
    /// As conjectured at a slack of 2/s, s of each stage.
    conjecture: RoundsReport,
    logup: i64,
    hash: i64,
}

/// Bits of each round of a proof, rounded down.
#[derive(Debug, Serialize)]
struct RoundsReport {
    permutation: i64,
    combination: i64,
    deep: i64,
    batching: i64,
    folding: i64,
    queries: i64,
    least: i64,
}

fn floor(bits: f64) -> i64 {
    bits.floor() as i64
}

impl From<Rounds> for RoundsReport {
    fn from(rounds: Rounds) -> Self {
        let Rounds { permutation, combination, deep, batching, folding, queries } = rounds;
        Self {
            permutation: floor(permutation),
            combination: floor(combination),
            deep: floor(deep),
            batching: floor(batching),
            folding: floor(folding),
            queries: floor(queries),
            least: floor(rounds.least()),
        }
    }
}

impl From<SecurityBits> for BitsReport {
    fn from(bits: SecurityBits) -> Self {
        Self {
            conjectured: floor(bits.conjectured()),
            proven: floor(bits.proven()),
            proven_unique: floor(bits.proven_unique()),
            unique: bits.unique.into(),
            johnson_bciks20: bits.bciks20.into(),
            johnson_bchks25: bits.bchks25.into(),
            johnson_dkt26: bits.dkt26.into(),
            capacity: bits.capacity.into(),
            capacity_slack: bits.capacity_slack,
            conjecture: bits.conjecture.into(),
            logup: floor(bits.logup),
            hash: floor(bits.hash),
        }
    }
}

impl BitsReport {
    /// The arguments as a table, one a row: FRI's bits by what they rest on, then everything else.
    fn rows(&self) -> [(String, i64); 19] {
        let slack = self.capacity_slack;
        let row = |name: &str, bits| (name.to_owned(), bits);
        [
            (format!("FRI queries, conjectured at capacity (slack {slack:.4})"), self.capacity.queries),
            row("FRI challenges, conjectured at capacity", self.capacity.batching),
            row("FRI queries, conjectured at a slack of 2/s", self.conjecture.queries),
            row("FRI challenges, conjectured at a slack of 2/s", self.conjecture.batching),
            row("FRI queries, unique decoding", self.unique.queries),
            row("FRI batching, unique decoding", self.unique.batching),
            row("FRI folding, unique decoding", self.unique.folding),
            row("all rounds, Johnson radius by BCIKS20", self.johnson_bciks20.least),
            row("all rounds, Johnson radius by BCHKS25", self.johnson_bchks25.least),
            row("all rounds, Johnson radius by DKT26", self.johnson_dkt26.least),
            row("DEEP, one candidate", self.unique.deep),
            row("DEEP, Johnson radius by BCHKS25", self.johnson_bchks25.deep),
            row("combination of constraints, one candidate", self.unique.combination),
            row("permutation argument, one candidate", self.unique.permutation),
            row("LogUp over 2^33 messages", self.logup),
            row("hash, collisions", self.hash),
            row("the least, FRI as conjectured at 2/s", self.conjectured),
            row("the least, FRI as proven", self.proven),
            row("the least, FRI as proven by unique decoding", self.proven_unique),
        ]
    }
}

impl CircuitsReport {
    /// The report on a profile. Sizes and parameters are constants, the key and the digests are part of the
    /// program; rows are counted, for which no batch circuit is built.
    ///
    /// # Errors
    /// If lift, fold or block do not fit the profile's degrees, which is a fault of the program.
    pub fn of(id: ProfileId) -> Result<Self, CliError> {
        let (profile, params, key) = (id.profile(), Params::of(id), VerifierKey::pinned(id));
        let batch = |batch: BatchId| {
            let shape = profile.shape(batch).into();
            let each = match batch.kind() {
                KindId::Debit => "signed leg",
                KindId::Credit => "message",
            };
            BatchReport { name: batch.name(), family: batch.family(), each, shape }
        };
        let [lift_and_fold, block] = [&params.recursion, &params.block];
        let batches = params.families.values().iter().map(|own| &own.config);
        let mut fri = [lift_and_fold, block].into_iter().chain(batches).map(|config| {
            let fri = &config.fri_config;
            FriReport {
                rate_bits: fri.rate_bits,
                queries: fri.num_query_rounds,
                grinding_bits: fri.proof_of_work_bits,
                cap_height: fri.cap_height,
            }
        });
        let mut next = || fri.next().expect("one for each configuration");
        let above = FriReports { lift_and_fold: next(), block: next() };
        let families = params.families.iter().map(|(name, own)| FamilyReport {
            name,
            degree_bits: own.degree_bits,
            fri: next(),
            lift: name.lift(),
            lift_arity: own.lift_arity,
        });
        let families = families.collect();
        let measures = ProfileReport::measure(id)?;
        Ok(Self {
            key: key.digest(),
            proof_file_bytes: key.file_len(),
            forgeable: id.forgeable(),
            window_depth: profile.window_depth,
            families,
            fold_arity: params.fold_arity,
            block_arity: params.block_arity,
            batches: BatchId::ALL.map(batch).into(),
            degree_bits: DegreeBits { lift_and_fold: params.recursion_degree_bits, block: key.degree_bits() },
            fri: above,
            challenges: params.recursion.num_challenges,
            security_bits: security_bits(&params).into(),
            measures: measures.with_digests(&PinnedSet::of(id)),
        })
    }
}

impl fmt::Display for CircuitsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "profile {}", self.measures.profile)?;
        writeln!(f, "key of the block circuit {}", self.key)?;
        writeln!(f, "proof file: {} bytes", grouped(self.proof_file_bytes))?;
        let DegreeBits { lift_and_fold, block } = self.degree_bits;
        writeln!(f, "\ncircuits")?;
        let degree_bits =
            |id| self.families.iter().find(|family| family.name == id).map_or(0, |of| of.degree_bits);
        for BatchReport { name, family, each, shape } in &self.batches {
            let ShapeReport { paths, long_paths, long_legs } = shape;
            let batch = degree_bits(*family);
            let single = (paths > long_paths)
                .then(|| format!("{} of one {each}", count(paths - long_paths, "path", "paths")));
            let long = (*long_paths > 0)
                .then(|| format!("{} of {long_legs} {each}s", count(*long_paths, "path", "paths")));
            let parts: Vec<_> = [single, long].into_iter().flatten().collect();
            writeln!(f, "  {name:<12} 2^{batch} rows: {}", parts.join(", "))?;
        }
        for FamilyReport { name, lift, lift_arity, .. } in &self.families {
            writeln!(f, "  {lift:<12} 2^{lift_and_fold} rows: up to {lift_arity} proofs of {name} batches")?;
        }
        writeln!(
            f,
            "  {:<12} 2^{lift_and_fold} rows: up to {} lift or fold proofs",
            "fold", self.fold_arity
        )?;
        writeln!(f, "  {:<12} 2^{block} rows: up to {} lift or fold proofs", "block", self.block_arity)?;
        writeln!(f, "  a batch works inside a window of 2^{} leaves", self.window_depth)?;
        write!(f, "{}", MeasuresText(&self.measures))?;
        writeln!(f, "\nFRI")?;
        let FriReports { lift_and_fold, block } = &self.fri;
        let families = self.families.iter().map(|family| (format!("{} batch", family.name), &family.fri));
        let above = [("lift, fold", lift_and_fold), ("block", block)];
        for (name, fri) in families.chain(above.map(|(name, fri)| (name.to_owned(), fri))) {
            let FriReport { rate_bits, queries, grinding_bits, cap_height } = fri;
            let rate = 1_u64 << rate_bits;
            writeln!(
                f,
                "  {name:<12} rate 1/{rate}, {queries} queries, {grinding_bits} bits of grinding, cap height {cap_height}"
            )?;
        }
        writeln!(f, "challenges of the permutation argument: {}", self.challenges)?;
        writeln!(f, "\nsecurity, in bits, each argument alone (how: docs/security.md)")?;
        for (name, bits) in self.security_bits.rows() {
            writeln!(f, "  {name:<54} {bits:>4}")?;
        }
        if self.forgeable {
            writeln!(f, "\nThis profile is for tests: such proofs can be forged.")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use enfold_circuits::circuit_set::Circuit;
    use enfold_state::profile::ProfileId;

    use super::CircuitsReport;

    #[test]
    fn every_profile_has_a_report() {
        for profile in ProfileId::ALL {
            let report = CircuitsReport::of(profile).unwrap();
            assert_eq!(report.measures.circuits.len(), Circuit::all().count());
            let text = report.to_string();
            for circuit in &report.measures.circuits {
                assert!(text.contains(&circuit.digest.unwrap().to_string()), "{}", circuit.name);
            }
            assert!(report.security_bits.proven <= report.security_bits.conjectured);
        }
    }
}
