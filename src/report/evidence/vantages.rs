//! What was seen from elsewhere, as the report shows it.

use super::view::{Assurance, FindingRow, VantageRow};
use crate::evidence::BlobId;
use crate::evidence::vantage::Seen;
use crate::moment::Moment;

/// So many answers of one vantage are told one by one.
const MOST: usize = 50;

impl Assurance {
    /// The same with what other vantages saw, compared with the journal.
    #[must_use]
    pub fn with_vantages(self, seen: &[Seen]) -> Assurance {
        Assurance {
            vantages: seen.iter().map(row).collect(),
            ..self
        }
    }
}

fn row(seen: &Seen) -> VantageRow {
    let finding = |text: String, at: Moment, blob: &BlobId| FindingRow {
        kind: "vantage",
        text: format!("{}: {text}", seen.vantage),
        from: Some(at.floor_seconds()),
        until: None,
        entry: None,
        evidence: vec![blob.to_string()],
    };
    let unseen = seen.unseen.iter().map(|one| {
        let text = format!(
            "{} {} at {} says what no sweep of the journal was told: {}",
            one.name, one.rtype, one.address, one.says
        );
        finding(text, one.at, &one.blob)
    });
    let differs = seen.differs.iter().map(|one| {
        let text = format!(
            "{} {} at {} says {}; the journal was told there, from {} to {}: {}",
            one.name, one.rtype, one.address, one.says, one.since, one.until, one.journal_says
        );
        finding(text, one.at, &one.blob)
    });
    VantageRow {
        name: seen.vantage.clone(),
        program: seen.program.clone(),
        from: seen.from,
        until: seen.until,
        sweeps: seen.sweeps,
        asked: seen.asked,
        answers: seen.answers,
        untold: seen.untold,
        compared: seen.compared,
        elsewhere: seen.elsewhere,
        longest: seen.stretches.iter().map(|stretch| stretch.longest_gap).max(),
        others: seen.unseen_count + seen.differs_count,
        first_others: unseen.chain(differs).take(MOST).collect(),
    }
}
