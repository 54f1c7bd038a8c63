//! Putting answers into octets.

use domain::base::iana::{Class, OptRcode, Rcode as IanaRcode, Rtype as Iana};
use domain::base::message_builder::{AdditionalBuilder, PushError, RecordSectionBuilder};
use domain::base::rdata::UnknownRecordData;
use domain::base::{Message as Wire, MessageBuilder, Name as WireName, StaticCompressor, Ttl};

use super::tsig::Signer;
use crate::dns::{Message, Rcode, Record, Rrset, Rtype};
use crate::moment::Moment;

/// The UDP payload size that the lab's servers offer.
const OWN_UDP_SIZE: u16 = 1232;
/// Without EDNS (RFC 1035 section 2.3.4).
const PLAIN_UDP_SIZE: usize = 512;
/// The largest message.
const TCP_SIZE: usize = 65_535;

type Target = StaticCompressor<Vec<u8>>;

/// What a server is about to say.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// The response code.
    pub(super) rcode: Rcode,
    /// Authoritative.
    pub(super) authoritative: bool,
    /// The answer section.
    pub(super) answer: Vec<Record>,
    /// The authority section.
    pub(super) authority: Vec<Record>,
    /// The additional section without OPT and TSIG.
    pub(super) additional: Vec<Record>,
    /// Until when the same question has the same answer, if nothing changes; none: for ever.
    pub(super) good_until: Option<Moment>,
}

impl Reply {
    /// A reply that is only a response code.
    pub(super) fn code(rcode: Rcode) -> Reply {
        Reply {
            rcode,
            authoritative: false,
            answer: Vec::new(),
            authority: Vec::new(),
            additional: Vec::new(),
            good_until: None,
        }
    }

    /// Shortens how long this reply is good.
    pub(super) fn until(&mut self, moment: Moment) {
        self.good_until = Some(self.good_until.map_or(moment, |old| old.min(moment)));
    }
}

/// The records of an RRset, and its signatures if they are wanted.
pub(super) fn records_of(rrset: &Rrset, signatures: bool) -> Vec<Record> {
    let mut out: Vec<Record> = rrset.records().collect();
    if signatures {
        out.extend(
            rrset
                .signatures
                .iter()
                .map(|rrsig| Record::new(rrset.name.clone(), Rtype::RRSIG, rrset.ttl, rrsig.rdata())),
        );
    }
    out
}

/// The largest answer that may be sent.
pub(super) fn size_limit(query: &Message, udp: bool) -> usize {
    match (udp, query.edns) {
        (false, _) => TCP_SIZE,
        (true, None) => PLAIN_UDP_SIZE,
        (true, Some(edns)) => usize::from(edns.udp_size.min(OWN_UDP_SIZE)).max(PLAIN_UDP_SIZE),
    }
}

/// The octets of `reply` to `query`, truncated if they would exceed `limit`, signed if there is a signer.
pub(super) fn encode(
    query: &Wire<[u8]>,
    reply: &Reply,
    edns: bool,
    limit: usize,
    signer: Option<&mut Signer>,
) -> Option<Vec<u8>> {
    let room = limit.saturating_sub(signer.as_ref().map_or(0, |signer| signer.room()));
    let mut built = build(query, reply, edns, false).ok();
    if built.as_ref().is_none_or(|built| built.as_slice().len() > room) {
        built = build(query, reply, edns, true).ok();
    }
    let mut built = built?;
    if let Some(signer) = signer {
        signer.sign(&mut built).ok()?;
    }
    Some(built.finish().into_target())
}

fn build(
    query: &Wire<[u8]>,
    reply: &Reply,
    edns: bool,
    truncate: bool,
) -> Result<AdditionalBuilder<Target>, PushError> {
    let target = StaticCompressor::new(Vec::with_capacity(1024));
    let builder = MessageBuilder::from_target(target).map_err(|_| PushError::ShortBuf)?;
    let rcode = IanaRcode::checked_from_int((reply.rcode.0 & 0xf) as u8).unwrap_or(IanaRcode::SERVFAIL);
    let mut answer = builder.start_answer(query, rcode)?;
    answer.header_mut().set_aa(reply.authoritative);
    answer.header_mut().set_tc(truncate);
    if !truncate {
        push(&mut answer, &reply.answer)?;
    }
    let mut authority = answer.authority();
    if !truncate {
        push(&mut authority, &reply.authority)?;
    }
    let mut additional = authority.additional();
    if !truncate {
        push(&mut additional, &reply.additional)?;
    }
    if edns {
        let dnssec_ok = query.opt().is_some_and(|opt| opt.dnssec_ok());
        additional.opt(|opt| {
            opt.set_udp_payload_size(OWN_UDP_SIZE);
            opt.set_dnssec_ok(dnssec_ok);
            opt.set_rcode(OptRcode::from_rcode(rcode));
            Ok(())
        })?;
    }
    Ok(additional)
}

fn push<Section: RecordSectionBuilder<Target>>(
    section: &mut Section,
    records: &[Record],
) -> Result<(), PushError> {
    for record in records {
        let owner = WireName::from_octets(record.name.wire()).map_err(|_| PushError::ShortBuf)?;
        let data = UnknownRecordData::from_octets(Iana::from_int(record.rtype.0), record.rdata.as_slice())
            .map_err(|_| PushError::ShortBuf)?;
        section.push((
            owner,
            Class::from_int(record.class),
            Ttl::from_secs(record.ttl),
            data,
        ))?;
    }
    Ok(())
}
