//! A line of the event log.

use sha2::{Digest, Sha256};

use super::Timestamp;

/// Who did what, when, to what. Each line holds the hash of the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number, from 1, without gaps.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who, as [`super::Actor`] is written.
    pub actor: String,
    /// What, such as `case.opened`.
    pub kind: String,
    /// To what: the id of the thing.
    pub subject: String,
    /// More, as JSON text; ids and words, never content.
    pub body: String,
    /// The hash of the line before; of 64 zeros for the first.
    pub prev_hash: String,
    /// The hash of this line.
    pub hash: String,
}

impl Event {
    /// What the first line holds for the hash of the line before.
    pub const GENESIS: &'static str = "0000000000000000000000000000000000000000000000000000000000000000";

    /// SHA-256, in hex, of this line: of each field's length (8 bytes, big endian) and its bytes, in the order
    /// `seq at actor kind subject body prev_hash`, numbers in decimal. The lengths keep two different lines from having
    /// the same bytes.
    pub fn compute_hash(&self) -> String {
        let mut hasher = Sha256::new();
        let (seq, at) = (self.seq.to_string(), self.at.unix_ms().to_string());
        for field in [
            &seq,
            &at,
            &self.actor,
            &self.kind,
            &self.subject,
            &self.body,
            &self.prev_hash,
        ] {
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field.as_bytes());
        }
        hex::encode(hasher.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Event {
        Event {
            seq: 1,
            at: Timestamp::from_unix_ms(1_000),
            actor: "system".to_owned(),
            kind: "case.opened".to_owned(),
            subject: "case_1".to_owned(),
            body: "{}".to_owned(),
            prev_hash: Event::GENESIS.to_owned(),
            hash: String::new(),
        }
    }

    #[test]
    fn every_field_counts() {
        let original = line().compute_hash();
        let changes: [fn(&mut Event); 7] = [
            |e| e.seq = 2,
            |e| e.at = Timestamp::from_unix_ms(1_001),
            |e| e.actor.push('x'),
            |e| e.kind.push('x'),
            |e| e.subject.push('x'),
            |e| e.body.push(' '),
            |e| e.prev_hash.replace_range(0..1, "1"),
        ];
        for change in changes {
            let mut changed = line();
            change(&mut changed);
            assert_ne!(changed.compute_hash(), original, "{changed:?}");
        }
    }

    #[test]
    fn moving_a_letter_between_fields_changes_the_hash() {
        let mut moved = line();
        moved.actor = "systemc".to_owned();
        moved.kind = "ase.opened".to_owned();
        assert_ne!(moved.compute_hash(), line().compute_hash());
    }
}
