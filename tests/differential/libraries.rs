//! Validators in libraries: hickory's validating handle and that of the `domain` crate. Both use the clock of the machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::base::iana::Rcode;
use domain::base::{MessageBuilder, Name as DomainName, Rtype as DomainType};
use domain::dnssec::validator::anchor::TrustAnchors as DomainAnchors;
use domain::dnssec::validator::context::ValidationContext;
use domain::net::client::protocol::{TcpConnect, UdpConnect};
use domain::net::client::request::{RequestMessage, SendRequest};
use domain::net::client::{dgram_stream, validator};
use futures::StreamExt;
use hickory_net::client::Client;
use hickory_net::dnssec::DnssecDnsHandle;
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::udp::UdpClientStream;
use hickory_net::xfer::DnsHandle;
use hickory_proto::dnssec::{Proof, TrustAnchors};
use hickory_proto::op::{DnsRequestOptions, Query};
use hickory_proto::rr::{Name as HickoryName, Record, RecordType};
use unbroken::dns::{Name, Rtype};

use crate::oracles::Says;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn address(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

const LIMIT: Duration = Duration::from_secs(10);

pub(crate) fn hickory(anchor: &str, port: u16, name: &Name, rtype: Rtype) -> (Says, String) {
    let (anchor, name) = (anchor.to_owned(), name.to_string());
    let words = async move {
        let stream = UdpClientStream::builder(address(port), TokioRuntimeProvider::new()).build();
        let (client, background) = Client::<TokioRuntimeProvider>::from_sender(stream);
        tokio::spawn(background);
        let anchors: TrustAnchors = anchor.parse().unwrap();
        let handle = DnssecDnsHandle::with_trust_anchor(client, Arc::new(anchors));
        let query = Query::query(HickoryName::from_ascii(&name).unwrap(), RecordType::from(rtype.0));
        let mut options = DnsRequestOptions::default();
        options.use_edns = true;
        options.edns_set_dnssec_ok = true;
        handle.lookup(query, options).next().await
    };
    let found = runtime().block_on(async { tokio::time::timeout(LIMIT, words).await });
    let response = match found {
        Ok(Some(Ok(response))) => response,
        other => return (Says::Fails, format!("{other:?}").chars().take(300).collect()),
    };
    // Signatures that were not needed are left undecided there.
    let of = |records: &[Record]| -> Vec<Proof> {
        records
            .iter()
            .filter(|record| record.record_type() != RecordType::RRSIG)
            .map(|record| record.proof)
            .collect()
    };
    let answers = of(&response.answers);
    let proofs = if answers.is_empty() {
        of(&response.authorities)
    } else {
        answers
    };
    let any = |wanted: Proof| proofs.contains(&wanted);
    let says = if proofs.is_empty() || any(Proof::Bogus) || any(Proof::Indeterminate) {
        Says::Fails
    } else if any(Proof::Insecure) {
        Says::Insecure
    } else {
        Says::Secure
    };
    (says, format!("{proofs:?}"))
}

pub(crate) fn domain(anchor: &str, port: u16, name: &Name, rtype: Rtype) -> (Says, String) {
    let (anchor, name) = (anchor.to_owned(), name.to_string());
    let words = async move {
        let (connection, transport) =
            dgram_stream::Connection::new(UdpConnect::new(address(port)), TcpConnect::new(address(port)));
        tokio::spawn(transport.run());
        let mut message = MessageBuilder::new_vec();
        message.header_mut().set_rd(true);
        message.header_mut().set_ad(true);
        let mut message = message.question();
        let name: DomainName<Vec<u8>> = DomainName::vec_from_str(&name).unwrap();
        message.push((name, DomainType::from_int(rtype.0))).unwrap();
        let request = RequestMessage::new(message).unwrap();
        let anchors = DomainAnchors::from_u8(anchor.as_bytes()).unwrap();
        let context = Arc::new(ValidationContext::new(anchors, connection.clone()));
        let validating = validator::Connection::new(connection, context);
        let mut asked = validating.send_request(request);
        asked.get_response().await
    };
    let found = runtime().block_on(async { tokio::time::timeout(LIMIT, words).await });
    let response = match found {
        Ok(Ok(response)) => response,
        other => return (Says::Fails, format!("{other:?}").chars().take(300).collect()),
    };
    let header = response.header();
    let says = match (header.rcode(), header.ad()) {
        (Rcode::NOERROR | Rcode::NXDOMAIN, true) => Says::Secure,
        (Rcode::NOERROR | Rcode::NXDOMAIN, false) => Says::Insecure,
        _ => Says::Fails,
    };
    (says, format!("{} ad {}", header.rcode(), header.ad()))
}
