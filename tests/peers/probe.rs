//! One question to one server, over UDP, and over TCP where the answer is cut short.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::oracle::signed::Rrset;
use crate::wire::{Audience, Message, Name, query, rcode, rtype};
use crate::zone::{self, ZONE, questions};

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a question is asked before the server counts as silent.
const TRIES: usize = 3;

/// Asks an authoritative server.
pub(crate) fn ask(server: SocketAddr, name: &Name, rtype: u16) -> Result<Message> {
    let mut last = None;
    for _ in 0..TRIES {
        match over_udp(server, name, rtype) {
            Ok(message) if message.truncated => return over_tcp(server, name, rtype),
            Ok(message) => return Ok(message),
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("no try was made")?)
}

/// One try over UDP.
fn over_udp(server: SocketAddr, name: &Name, rtype: u16) -> Result<Message> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(server)?;
    let id = rand::random();
    socket.send(&query(id, name, rtype, Audience::Authority))?;
    let deadline = Instant::now() + PATIENCE;
    let mut buffer = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        ensure!(!left.is_zero(), "{server} gave no answer in time");
        socket.set_read_timeout(Some(left))?;
        let len = socket
            .recv(&mut buffer)
            .with_context(|| format!("no answer from {server}"))?;
        let message = Message::parse(&buffer[..len])?;
        if message.id == id {
            return Ok(message);
        }
    }
}

/// The same over TCP.
fn over_tcp(server: SocketAddr, name: &Name, rtype: u16) -> Result<Message> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let id = rand::random();
    let message = query(id, name, rtype, Audience::Authority);
    let mut framed = (message.len() as u16).to_be_bytes().to_vec();
    framed.extend(message);
    stream.write_all(&framed)?;
    let mut len = [0; 2];
    stream.read_exact(&mut len)?;
    let mut reply = vec![0; usize::from(u16::from_be_bytes(len))];
    stream.read_exact(&mut reply)?;
    let message = Message::parse(&reply)?;
    ensure!(message.id == id, "{server} answered something else");
    Ok(message)
}

/// The RRset of that name and type, if the server gives one with authority.
pub(crate) fn rrset(server: Ipv4Addr, name: &Name, rtype: u16) -> Result<Rrset> {
    let message = ask(zone::dns(server), name, rtype)?;
    ensure!(
        message.authoritative && message.rcode == rcode::NOERROR,
        "{server} is not in charge of {name}"
    );
    match Rrset::group(&message.answer)
        .into_iter()
        .find(|set| set.name == *name && set.rtype == rtype)
    {
        Some(set) => Ok(set),
        None => bail!("{server} has no {name} type {rtype}"),
    }
}

/// Whether a server gives such records with authority. Asked once, and without patience.
pub(crate) fn has_records(server: Ipv4Addr, name: &Name, rtype: u16) -> bool {
    over_udp(zone::dns(server), name, rtype).is_ok_and(|message| {
        message.authoritative && message.answer.iter().any(|record| record.rtype == rtype)
    })
}

/// Whether a server serves the whole child zone, signed: BIND signs a zone piece by piece.
pub(crate) fn is_signed(server: Ipv4Addr) -> bool {
    has_records(server, &Name::of(ZONE), rtype::DNSKEY)
        && questions().iter().all(|question| {
            over_udp(zone::dns(server), &question.name, question.rtype).is_ok_and(|message| {
                let sets = Rrset::group(&[&message.answer[..], &message.authority[..]].concat());
                question.complaint(&message).is_none() && sets.iter().all(|set| !set.signer_tags().is_empty())
            })
        })
}

/// Whether a server serves the apex of its zone with signatures: keys and SOA.
pub(crate) fn is_signed_apex(server: Ipv4Addr, apex: &Name) -> bool {
    [rtype::DNSKEY, rtype::SOA].into_iter().all(|rtype| {
        over_udp(zone::dns(server), apex, rtype).is_ok_and(|message| {
            let sets = Rrset::group(&message.answer);
            message.authoritative && !sets.is_empty() && sets.iter().all(|set| !set.signer_tags().is_empty())
        })
    })
}

/// Whether a server delegates the child, and says with a signature what DS it has, or that it has none.
pub(crate) fn is_delegated(server: Ipv4Addr, child: &Name) -> bool {
    let referral = over_udp(zone::dns(server), child, rtype::NS)
        .is_ok_and(|message| message.authority.iter().any(|record| record.rtype == rtype::NS));
    referral
        && over_udp(zone::dns(server), child, rtype::DS).is_ok_and(|message| {
            let sets = Rrset::group(&[&message.answer[..], &message.authority[..]].concat());
            message.authoritative && !sets.is_empty() && sets.iter().all(|set| !set.signer_tags().is_empty())
        })
}
