//! The names, addresses and contents of the little internet.

use std::net::{Ipv4Addr, SocketAddr};

use crate::oracle::signed::Rrset;
use crate::wire::{Message, Name, rcode, rtype};

/// The zone that moves.
pub(crate) const ZONE: &str = "shop.test.";
/// Its parent.
pub(crate) const PARENT: &str = "test.";
/// The longest TTL of what changes in a move: NS, DS, DNSKEY, and the zone's data.
pub(crate) const TTL: u32 = 2;
/// The one TSIG key of the lab.
pub(crate) const TSIG_NAME: &str = "lab.";

/// Where each server listens, always on port 53.
pub(crate) const ROOT: Ipv4Addr = Ipv4Addr::new(127, 53, 0, 1);
pub(crate) const REGISTRY: Ipv4Addr = Ipv4Addr::new(127, 53, 0, 2);
pub(crate) const BIND: Ipv4Addr = Ipv4Addr::new(127, 53, 0, 11);
pub(crate) const KNOT: Ipv4Addr = Ipv4Addr::new(127, 53, 0, 12);
pub(crate) const POWERDNS: Ipv4Addr = Ipv4Addr::new(127, 53, 0, 13);
pub(crate) const RESOLVER: Ipv4Addr = Ipv4Addr::new(127, 53, 0, 21);

/// The DNS port at an address.
pub(crate) fn dns(address: Ipv4Addr) -> SocketAddr {
    SocketAddr::from((address, 53))
}

/// What an answer to a question has to look like, whoever gives it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    /// NOERROR with records of the type asked for.
    Positive,
    /// NOERROR, made from a wildcard, with the proof that the name itself does not exist.
    Wildcard,
    /// NOERROR with no record, and the proof.
    NoData,
    /// NXDOMAIN, and the proof.
    NoName,
}

/// A question that is asked all the while, and what has to come back.
#[derive(Clone)]
pub(crate) struct Question {
    /// What it is called in reports.
    pub(crate) label: &'static str,
    /// The name asked for.
    pub(crate) name: Name,
    /// The type asked for.
    pub(crate) rtype: u16,
    /// The answer expected.
    pub(crate) shape: Shape,
}

impl Question {
    /// What is wrong with the form of a server's own answer, if anything.
    pub(crate) fn complaint(&self, message: &Message) -> Option<&'static str> {
        let has = |rtype: u16| message.answer.iter().any(|record| record.rtype == rtype);
        let denial = [rtype::NSEC, rtype::NSEC3];
        let proof = message
            .authority
            .iter()
            .any(|record| denial.contains(&record.rtype));
        let expanded = Rrset::group(&message.answer).iter().any(Rrset::is_expanded);
        if !message.authoritative {
            return Some("it does not answer with authority");
        }
        if message.rcode != self.rcode() {
            return Some("it answers with another RCODE than expected");
        }
        match self.shape {
            Shape::Positive if !has(self.rtype) => Some("the records are missing"),
            Shape::Wildcard if !(has(self.rtype) && expanded) => Some("no wildcard was expanded"),
            Shape::NoData | Shape::NoName if !message.answer.is_empty() => {
                Some("records where there are none")
            }
            Shape::Wildcard | Shape::NoData | Shape::NoName if !proof => Some("the proof is missing"),
            _ => None,
        }
    }

    /// The RCODE expected.
    pub(crate) fn rcode(&self) -> u8 {
        if self.shape == Shape::NoName {
            rcode::NXDOMAIN
        } else {
            rcode::NOERROR
        }
    }
}

/// The questions about the zone's data (DNSKEY, DS and the delegation are asked for besides).
pub(crate) fn questions() -> Vec<Question> {
    use Shape::{NoData, NoName, Positive, Wildcard};
    [
        ("positive", "www.shop.test.", rtype::A, Positive),
        ("apex SOA", "shop.test.", rtype::SOA, Positive),
        ("NODATA", "www.shop.test.", rtype::MX, NoData),
        ("NXDOMAIN", "nothing.shop.test.", rtype::A, NoName),
        ("wildcard", "any.wild.shop.test.", rtype::A, Wildcard),
        ("CNAME", "alias.shop.test.", rtype::A, Positive),
        ("apex MX", "shop.test.", rtype::MX, Positive),
    ]
    .into_iter()
    .map(|(label, name, rtype, shape)| Question {
        label,
        name: Name::of(name),
        rtype,
        shape,
    })
    .collect()
}

/// The child zone as a master file: the same at every provider but for the apex NS, which names its own server.
pub(crate) fn child(name_server: &str) -> String {
    format!(
        "$ORIGIN {ZONE}\n$TTL {TTL}\n\
         @ IN SOA {name_server} hostmaster.shop.test. 1 3600 600 86400 {TTL}\n\
         @ IN NS {name_server}\n\
         @ IN MX 10 mail.shop.test.\n\
         @ IN TXT \"v=spf1 mx -all\"\n\
         www IN A 192.0.2.80\n\
         mail IN A 192.0.2.25\n\
         alias IN CNAME www.shop.test.\n\
         _dmarc IN TXT \"v=DMARC1; p=reject\"\n\
         deep.empty IN TXT \"below an empty non-terminal\"\n\
         *.wild 1 IN A 192.0.2.90\n"
    )
}

/// The registry's zone, which delegates the child to one provider.
pub(crate) fn parent(name_server: &str, ds: &[String]) -> String {
    let mut text = format!(
        "$ORIGIN {PARENT}\n$TTL {TTL}\n\
         @ IN SOA ns.test. hostmaster.test. 1 3600 600 86400 {TTL}\n\
         @ IN NS ns.test.\n\
         ns IN A {REGISTRY}\n\
         ns.prova IN A {BIND}\n\
         ns.provb IN A {KNOT}\n\
         ns.provc IN A {POWERDNS}\n\
         shop IN NS {name_server}\n"
    );
    for record in ds {
        text.push_str(&format!("shop IN DS {record}\n"));
    }
    text
}

/// The root zone, before it is signed.
pub(crate) fn root(ds: &[String]) -> String {
    let mut text = format!(
        ". 60 IN SOA ns.root. hostmaster.root. 1 3600 600 86400 60\n\
         . 60 IN NS ns.root.\n\
         ns.root. 60 IN A {ROOT}\n\
         test. 60 IN NS ns.test.\n\
         ns.test. 60 IN A {REGISTRY}\n"
    );
    for record in ds {
        text.push_str(&format!("test. 60 IN DS {record}\n"));
    }
    text
}
