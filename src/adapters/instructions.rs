//! A change of an RRset in words, for the person who has to make it.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::dns::{Name, Record, Rtype};
use crate::dnssec::{Dnskey, Ds};
use crate::ports::RrsetChange;

/// Where the records go.
pub(super) enum Where<'a> {
    /// Into the zone at a provider.
    Provider { name: &'a str, zone: &'a Name },
    /// To the registrar or registry.
    Parent { name: &'a str, keys: &'a [Dnskey] },
}

/// What to add, what to remove, and what has to be there at the end.
pub(super) fn instructions(place: &Where<'_>, change: &RrsetChange) -> String {
    let mut out = String::new();
    let header = match place {
        Where::Provider { name, zone } => format!("At provider \"{name}\", in zone {zone}"),
        Where::Parent { name, .. } if matches!(change.rtype, Rtype::A | Rtype::AAAA) => format!(
            "At \"{name}\" (registrar or registry), for the name server {} (its glue; a \"host object\" at some)",
            change.name
        ),
        Where::Parent { name, .. } => {
            format!("At \"{name}\" (registrar or registry), for {}", change.name)
        }
    };
    line(
        &mut out,
        &format!("{header}, change the {} records.", change.rtype),
    );
    block(&mut out, "Add", change, &change.add, place);
    block(&mut out, "Remove", change, &change.remove, place);
    let after = after(change);
    if after.is_empty() {
        line(
            &mut out,
            &format!("Afterwards there are no {} records.", change.rtype),
        );
    } else {
        block(
            &mut out,
            "Afterwards exactly these are there",
            change,
            &after,
            place,
        );
        if matches!(place, Where::Provider { .. })
            && matches!(change.rtype, Rtype::DNSKEY | Rtype::CDS | Rtype::CDNSKEY)
        {
            line(
                &mut out,
                "The provider's own keys stay, and it signs the whole set.",
            );
        }
    }
    out
}

fn after(change: &RrsetChange) -> Vec<Record> {
    let removed: BTreeSet<&[u8]> = change
        .remove
        .iter()
        .map(|record| record.rdata.as_slice())
        .collect();
    let mut seen = BTreeSet::new();
    change
        .expect
        .iter()
        .filter(|record| !removed.contains(record.rdata.as_slice()))
        .chain(&change.add)
        .filter(|record| seen.insert(record.rdata.clone()))
        .cloned()
        .collect()
}

fn block(out: &mut String, title: &str, change: &RrsetChange, records: &[Record], place: &Where<'_>) {
    if records.is_empty() {
        return;
    }
    line(out, &format!("{title}:"));
    for record in records {
        let shown = Record::new(
            change.name.clone(),
            change.rtype,
            change.ttl,
            record.rdata.clone(),
        );
        line(out, &format!("    {shown}"));
        if let (Where::Parent { keys, .. }, Rtype::DS, "Add") = (place, change.rtype, title) {
            dnskey_form(out, change, record, keys);
        }
    }
}

/// Some registrars take the DNSKEY and compute the DS themselves.
fn dnskey_form(out: &mut String, change: &RrsetChange, record: &Record, keys: &[Dnskey]) {
    let Some(ds) = Ds::from_rdata(&record.rdata) else {
        return;
    };
    match keys.iter().find(|key| ds.matches(&change.name, key)) {
        Some(key) => line(out, &format!("    or, where the DNSKEY is wanted instead: {key}")),
        None => line(
            out,
            &format!(
                "    (some registrars want the DNSKEY instead: the one with key tag {} and algorithm {} that {} serves)",
                ds.tag, ds.algorithm, change.name
            ),
        ),
    }
}

fn line(out: &mut String, text: &str) {
    // Writing to a String does not fail.
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::parse_records;

    const KEY: &str =
        "257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==";

    fn change(rtype: Rtype, add: &str, remove: &str, expect: &str) -> RrsetChange {
        let records = |text: &str| parse_records(text, &Name::root(), 3600).unwrap();
        RrsetChange {
            name: Name::parse("shop.test").unwrap(),
            rtype,
            ttl: 3600,
            add: records(add),
            remove: records(remove),
            expect: records(expect),
        }
    }

    #[test]
    fn names_the_place_the_difference_and_the_end() {
        let old = "shop.test. NS ns.a.test.";
        let text = instructions(
            &Where::Parent {
                name: "registry",
                keys: &[],
            },
            &change(Rtype::NS, "shop.test. NS ns.b.test.", old, old),
        );
        assert!(text.starts_with("At \"registry\" (registrar or registry), for shop.test., change the NS"));
        assert!(text.contains(
            "Add:\n    shop.test. 3600 IN NS ns.b.test.\nRemove:\n    shop.test. 3600 IN NS ns.a.test."
        ));
        assert!(text.contains("Afterwards exactly these are there:\n    shop.test. 3600 IN NS ns.b.test.\n"));
    }

    #[test]
    fn glue_is_called_so() {
        let mut glue = change(Rtype::A, "ns1.shop.test. A 192.0.2.21", "", "");
        glue.name = Name::parse("ns1.shop.test").unwrap();
        let text = instructions(&Where::Parent { name: "r", keys: &[] }, &glue);
        assert!(
            text.contains("for the name server ns1.shop.test. (its glue"),
            "{text}"
        );
        assert!(
            text.contains("Add:\n    ns1.shop.test. 3600 IN A 192.0.2.21"),
            "{text}"
        );
    }

    #[test]
    fn a_ds_is_shown_as_dnskey_too() {
        let zone = Name::parse("shop.test").unwrap();
        let record = &parse_records(&format!("shop.test. DNSKEY {KEY}"), &zone, 1).unwrap()[0];
        let key = Dnskey::from_rdata(&record.rdata).unwrap();
        let ds = Ds::of(&zone, &key, 2).unwrap().record(&zone, 60).to_string();
        let keys = [key];
        let known = instructions(
            &Where::Parent {
                name: "r",
                keys: &keys,
            },
            &change(Rtype::DS, &ds, "", ""),
        );
        assert!(known.contains(KEY), "{known}");
        let unknown = instructions(
            &Where::Parent { name: "r", keys: &[] },
            &change(Rtype::DS, &ds, "", ""),
        );
        assert!(unknown.contains("some registrars want the DNSKEY"), "{unknown}");
    }
}
