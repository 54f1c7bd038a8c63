//! Dynamic updates (RFC 2136): the message, and what an answer to it means.

use domain::base::iana::{Class, Opcode, Rtype as Iana};
use domain::base::message_builder::AdditionalBuilder;
use domain::base::rdata::UnknownRecordData;
use domain::base::{MessageBuilder, Name as WireName, Record as WireRecord, Ttl as WireTtl};

use crate::dns::{Name, Rcode, Rtype};
use crate::ports::{FailureClass, RrsetChange};

/// What kind of server takes the update; decides the hints only.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// BIND 9.
    Bind,
    /// Knot DNS.
    Knot,
    /// Another one.
    #[default]
    Generic,
}

/// Builds the UPDATE of `zone` that makes `change`; none where a part does not fit into a message.
///
/// With `guarded`, the server is told to refuse unless the RRset is exactly `change.expect` (RFC 2136 section 2.4.2),
/// or does not exist where that is empty (section 2.4.3). Additions come before deletions, since a server keeps the last
/// NS record of an apex (section 3.4.2.4).
pub(super) fn update_message(
    id: u16,
    zone: &Name,
    change: &RrsetChange,
    guarded: bool,
) -> Option<AdditionalBuilder<Vec<u8>>> {
    let mut message = MessageBuilder::new_vec();
    let header = message.header_mut();
    header.set_id(id);
    header.set_opcode(Opcode::UPDATE);
    let mut section = message.question();
    section.push((wire(zone)?, Iana::SOA, Class::IN)).ok()?;
    let mut prerequisites = section.answer();
    if guarded && change.expect.is_empty() {
        prerequisites
            .push(raw(&change.name, Class::NONE, 0, change.rtype, &[])?)
            .ok()?;
    } else if guarded {
        for record in &change.expect {
            prerequisites
                .push(raw(&change.name, Class::IN, 0, change.rtype, &record.rdata)?)
                .ok()?;
        }
    }
    let mut updates = prerequisites.authority();
    for record in &change.add {
        updates
            .push(raw(
                &change.name,
                Class::IN,
                change.ttl,
                change.rtype,
                &record.rdata,
            )?)
            .ok()?;
    }
    for record in &change.remove {
        updates
            .push(raw(&change.name, Class::NONE, 0, change.rtype, &record.rdata)?)
            .ok()?;
    }
    Some(updates.additional())
}

type RawRecord<'a> = WireRecord<WireName<&'a [u8]>, UnknownRecordData<&'a [u8]>>;

fn raw<'a>(name: &'a Name, class: Class, ttl: u32, rtype: Rtype, rdata: &'a [u8]) -> Option<RawRecord<'a>> {
    let data = UnknownRecordData::from_octets(Iana::from_int(rtype.0), rdata).ok()?;
    Some(WireRecord::new(wire(name)?, class, WireTtl::from_secs(ttl), data))
}

fn wire(name: &Name) -> Option<WireName<&[u8]>> {
    WireName::from_octets(name.wire()).ok()
}

/// What a response code to an UPDATE means; none for success.
pub(super) fn failure(
    rcode: Rcode,
    profile: Profile,
    change: &RrsetChange,
    key: &Name,
) -> Option<(FailureClass, String)> {
    let what = format!("{} {}", change.name, change.rtype);
    let class = match rcode {
        Rcode::NOERROR => return None,
        Rcode::YXRRSET | Rcode::NXRRSET => FailureClass::Conflict,
        Rcode::NOTIMP => FailureClass::Unsupported,
        _ => FailureClass::Refused,
    };
    let hint = match rcode {
        Rcode::NXRRSET => {
            format!("{what} is not what it was when this was decided: somebody else changed it")
        }
        Rcode::YXRRSET => {
            format!("{what} did not exist when this was decided, and does now: somebody else made it")
        }
        Rcode::NOTAUTH => {
            format!("the server is not authoritative for the zone, or does not let key {key} update it")
        }
        Rcode::NOTZONE => format!("{} is not in the zone that the server updates", change.name),
        Rcode::NOTIMP => "the server takes no dynamic updates for this zone".to_owned(),
        Rcode::REFUSED => refused_hint(profile, &what, key),
        Rcode::SERVFAIL => servfail_hint(profile, change.rtype),
        Rcode::FORMERR => "the server could not read the update".to_owned(),
        _ => "see the server's log".to_owned(),
    };
    Some((class, format!("{rcode}: {hint}")))
}

fn refused_hint(profile: Profile, what: &str, key: &Name) -> String {
    match profile {
        Profile::Bind => format!(
            "does the zone's update-policy or allow-update let key {key} change {what}? (BIND also refuses while the zone is frozen)"
        ),
        Profile::Knot => {
            format!("does an acl of the zone with `action: update` let key {key} change {what}?")
        }
        Profile::Generic => format!("does the server let key {key} change {what}?"),
    }
}

fn servfail_hint(profile: Profile, rtype: Rtype) -> String {
    let keys = matches!(rtype, Rtype::DNSKEY | Rtype::CDNSKEY | Rtype::CDS);
    match profile {
        Profile::Bind if keys => {
            "BIND 9.18 says so for keys of others in a zone with `inline-signing yes` (set it to no), and for a key that is not a point on its curve".to_owned()
        }
        Profile::Bind => "see the server's log (a zone that did not load, or a journal that cannot be written)".to_owned(),
        Profile::Knot => "see the server's log (Knot says so when the zone cannot be signed or its journal written)".to_owned(),
        Profile::Generic => "see the server's log".to_owned(),
    }
}

/// The words for a BADKEY answer: Knot says it where the key is right and an access rule is missing.
pub(super) fn bad_key_hint(profile: Profile) -> &'static str {
    match profile {
        Profile::Knot => {
            "; Knot also says BADKEY where the key is right but no acl of the zone allows this: look at `action`, `update-type`, `update-owner` and `update-owner-name` first"
        }
        Profile::Bind | Profile::Generic => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Message, Record, parse_records};

    fn records(text: &str) -> Vec<Record> {
        parse_records(text, &Name::root(), 60).unwrap()
    }

    fn change() -> RrsetChange {
        RrsetChange {
            name: Name::parse("shop.test").unwrap(),
            rtype: Rtype::NS,
            ttl: 300,
            add: records("shop.test. NS ns.provb.test."),
            remove: records("shop.test. NS ns.prova.test."),
            expect: records("shop.test. NS ns.prova.test.\nshop.test. NS ns2.prova.test."),
        }
    }

    fn parse(change: &RrsetChange, guarded: bool) -> Message {
        let zone = Name::parse("test").unwrap();
        let octets = update_message(77, &zone, change, guarded).unwrap().finish();
        Message::parse(&octets).unwrap()
    }

    fn lines(records: &[Record]) -> Vec<(u16, u32, String)> {
        records
            .iter()
            .map(|record| (record.class, record.ttl, record.rdata_text()))
            .collect()
    }

    #[test]
    fn the_message_says_what_the_change_says() {
        let message = parse(&change(), true);
        assert_eq!((message.id, message.opcode), (77, 5));
        let zone = message.question.unwrap();
        assert_eq!((zone.name.to_string(), zone.rtype), ("test.".into(), Rtype::SOA));
        assert_eq!(
            lines(&message.answer),
            [(1, 0, "ns.prova.test.".into()), (1, 0, "ns2.prova.test.".into())]
        );
        assert_eq!(
            lines(&message.authority),
            [
                (1, 300, "ns.provb.test.".into()),
                (254, 0, "ns.prova.test.".into())
            ]
        );
        assert!(message.authority.iter().all(|r| r.name == change().name));
    }

    #[test]
    fn an_empty_expectation_is_a_set_that_does_not_exist() {
        let fresh = RrsetChange {
            expect: Vec::new(),
            ..change()
        };
        let message = parse(&fresh, true);
        assert_eq!(message.answer.len(), 1);
        let only = &message.answer[0];
        assert_eq!((only.class, only.ttl, only.rtype), (254, 0, Rtype::NS));
        assert!(only.rdata.is_empty());
        assert!(parse(&fresh, false).answer.is_empty());
        assert!(parse(&change(), false).answer.is_empty());
    }

    #[test]
    fn codes_have_their_class_and_a_hint() {
        let key = Name::parse("lab").unwrap();
        let class = |rcode, profile| failure(rcode, profile, &change(), &key);
        assert_eq!(class(Rcode::NOERROR, Profile::Bind), None);
        assert_eq!(
            class(Rcode::NXRRSET, Profile::Bind).unwrap().0,
            FailureClass::Conflict
        );
        assert_eq!(
            class(Rcode::YXRRSET, Profile::Bind).unwrap().0,
            FailureClass::Conflict
        );
        let (refused, said) = class(Rcode::REFUSED, Profile::Bind).unwrap();
        assert_eq!(refused, FailureClass::Refused);
        assert!(said.contains("update-policy") && said.contains("shop.test. NS"));
        let keys = RrsetChange {
            rtype: Rtype::DNSKEY,
            ..change()
        };
        let (_, said) = failure(Rcode::SERVFAIL, Profile::Bind, &keys, &key).unwrap();
        assert!(said.contains("inline-signing"));
    }
}
