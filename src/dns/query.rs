//! Building queries.

use domain::base::Name as WireName;
use domain::base::iana::{Class, Rtype as Iana};

use super::message::builder;
use super::{Name, Rtype};

/// How a query is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryOptions {
    /// The DO bit: ask for signatures and proofs.
    pub dnssec_ok: bool,
    /// The UDP payload size offered, in octets; 1232 avoids fragments.
    pub udp_size: u16,
    /// The RD bit; off towards authoritative servers.
    pub recursion: bool,
}

impl Default for QueryOptions {
    fn default() -> Self {
        QueryOptions {
            dnssec_ok: true,
            udp_size: 1232,
            recursion: false,
        }
    }
}

/// A query of class IN with EDNS and no COOKIE option, so that equal answers are equal octets.
pub fn query_message(id: u16, name: &Name, rtype: Rtype, options: QueryOptions) -> Vec<u8> {
    let built = (|| {
        let mut message = builder()?;
        let header = message.header_mut();
        header.set_id(id);
        header.set_rd(options.recursion);
        let mut question = message.question();
        let wire = WireName::from_octets(name.wire()).ok()?;
        question.push((wire, Iana::from_int(rtype.0), Class::IN)).ok()?;
        let mut additional = question.additional();
        additional
            .opt(|opt| {
                opt.set_udp_payload_size(options.udp_size);
                opt.set_dnssec_ok(options.dnssec_ok);
                Ok(())
            })
            .ok()?;
        Some(additional.finish())
    })();
    // Every part is bounded (one name of at most 255 octets), so building cannot fail.
    built.unwrap_or_default()
}
