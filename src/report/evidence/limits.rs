//! What the evidence does not show, said before anybody asks.

use std::time::Duration;

use super::gather::Gathered;
use super::view::{Assurance, Figures, Limit};
use crate::report::spell;
use crate::workflow::Plan;

pub(super) fn limits(
    plan: Option<&Plan>,
    gathered: &Gathered,
    assurance: &Assurance,
    figures: &Figures,
    not_checked: &[String],
) -> Vec<Limit> {
    let limit = |title: &str, text: String| Limit {
        title: title.to_owned(),
        text,
    };
    let mut out = vec![limit("Between two sweeps nobody looked", between(figures))];
    out.push(limit(
        "One vantage sees one instance of an anycast address",
        format!(
            "What is shown was seen from: {}. What was merged from other vantages is compared with it, and told apart. Behind an anycast address other instances may have answered otherwise; those were not observed.",
            joined(gathered.begins.iter().map(|(_, begin)| begin.vantage.as_str()))
        ),
    ));
    out.push(limit(
        "The times are those of one clock",
        clock(gathered, assurance),
    ));
    out.push(limit(
        "What was sampled of the zone",
        "At each server the apex, one name that answers, one absent type, one absent name and, where there is one, a wildcard were asked. Other names are taken to be signed as these are; what the providers hold was compared only where a comparison is listed.".to_owned(),
    ));
    if !not_checked.is_empty() {
        out.push(limit("Not checked", format!("{}.", not_checked.join("; "))));
    }
    if let Some(plan) = plan.filter(|plan| !plan.assumed.is_empty()) {
        out.push(limit(
            "The move was begun by others",
            format!(
                "What was served before the first sweep nobody saw. {} versions were taken to have been served until then; gates were judged by them, and the verdict is about what was seen.",
                plan.assumed.len()
            ),
        ));
    }
    if plan.is_some_and(|plan| plan.sticky_bounded) {
        out.push(limit(
            "Resolvers that keep asking a provider which names itself",
            "The plan took such a provider to be forgotten one TTL of its apex NS RRset after nothing else named it (--sticky bounded).".to_owned(),
        ));
    }
    let blind = gathered.state.last_sweep.iter().flat_map(|sweep| &sweep.blind);
    let blind: Vec<String> = blind
        .map(|spot| match spot.address {
            Some(address) => format!("{} ({address}): {}", spot.server, spot.why),
            None => format!("{}: {}", spot.server, spot.why),
        })
        .collect();
    if !blind.is_empty() {
        out.push(limit(
            "Blind spots",
            format!("Not seen from here: {}.", blind.join("; ")),
        ));
    }
    if !assurance.anchors.is_empty() {
        out.push(limit("Trust begins at the anchor", assurance.anchors.clone()));
    }
    out.push(limit(
        "Approvals",
        "An approval is recorded as it was said; nobody signs one.".to_owned(),
    ));
    out.push(limit("Seals", seals(assurance)));
    out
}

fn between(figures: &Figures) -> String {
    let span = |seconds: u64| spell(Duration::from_secs(seconds));
    let longest = match (figures.longest_unobserved, &figures.longest_where) {
        (Some(seconds), Some(place)) => format!("The longest time was {} ({place}). ", span(seconds)),
        _ => "No address was seen twice. ".to_owned(),
    };
    let ttl = figures.shortest_ttl.map_or_else(String::new, |ttl| {
        format!(" The shortest TTL seen was {}.", span(u64::from(ttl)))
    });
    format!(
        "{longest}A failure that began and ended between two sweeps was not seen; a cache that fetched it then kept it for its TTL.{ttl} No statement here is about such a failure."
    )
}

fn clock(gathered: &Gathered, assurance: &Assurance) -> String {
    let ntp = match &assurance.ntp {
        Some(ntp) => format!(" {ntp}: whoever is on the way can have said another time."),
        None => String::new(),
    };
    let jumps = match gathered.clocks.len() {
        0 => "No jump of it was recorded.".to_owned(),
        count => format!(
            "It jumped {count} times; each is listed under the findings. In the picture and in the versions, what was seen before a jump stands at the time that the clock would have shown after it; entries are quoted with the time that they carry."
        ),
    };
    format!(
        "All times are those of the machine that looked. {jumps} That signatures were valid at these times bounds its error by their windows, and by nothing else that is signed.{ntp}"
    )
}

fn seals(assurance: &Assurance) -> String {
    if assurance.seal_keys.is_empty() {
        "The journal is not sealed, or no seal was verified: whoever holds it could have written it anew as a whole. The answers in it are signed by the zones' keys all the same.".to_owned()
    } else {
        "A seal shows that whoever holds the sealing key had the journal as it is at that length. It shows neither when that was, unless a time stamp of others stands beside it and its signature is checked, nor that nothing else was observed.".to_owned()
    }
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut out: Vec<&str> = Vec::new();
    for word in words {
        if !out.contains(&word) {
            out.push(word);
        }
    }
    if out.is_empty() {
        return "nowhere that is recorded".to_owned();
    }
    out.join(", ")
}
