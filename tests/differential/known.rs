//! The disagreements that docs/validation.md lists.

use std::path::Path;

use crate::oracles::Says;

/// A row of its table.
pub(crate) struct Known {
    damage: String,
    code: String,
    who: String,
    ours: String,
    theirs: String,
}

/// Reads the table; each row has to be about a damage and a validator that exist.
pub(crate) fn read(damages: &[&str], validators: &[&str]) -> Vec<Known> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/validation.md");
    let text = std::fs::read_to_string(page).unwrap();
    let (_, table) = text.split_once("\n## Disagreements\n").unwrap();
    let table = table.split("\n## ").next().unwrap();
    let mut rows = Vec::new();
    for line in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<String> = line
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().trim_matches('`').to_owned())
            .collect();
        let [damage, code, who, ours, theirs, why] = cells.as_slice() else {
            panic!("docs/validation.md: {line}");
        };
        assert!(
            damage == "*" || damages.contains(&damage.as_str()),
            "there is no damage {damage}"
        );
        assert!(validators.contains(&who.as_str()), "there is no validator {who}");
        assert!(why.len() > 5, "{line}");
        rows.push(Known {
            damage: damage.clone(),
            code: code.clone(),
            who: who.clone(),
            ours: ours.clone(),
            theirs: theirs.clone(),
        });
    }
    assert!(!rows.is_empty());
    rows
}

impl Known {
    /// Whether this row is about that.
    pub(crate) fn covers(&self, damage: &str, codes: &[&str], who: &str, ours: &str, theirs: Says) -> bool {
        (self.damage == "*" || self.damage == damage)
            && (self.code == "-" || codes.contains(&self.code.as_str()))
            && self.who == who
            && self.ours == ours
            && self.theirs == theirs.to_string()
    }
}
