//! Captures of every form, written here packet by packet.

use data_encoding::BASE64;
use etherparse::{IpFragOffset, IpNumber, Ipv4Header, PacketBuilder};
use serde_json::json;

use super::*;
use crate::dns::testing::{encode, message, name, records};
use crate::dns::{QueryOptions, query_message};

const CLIENT: [u8; 4] = [192, 0, 2, 1];
const SERVER: [u8; 4] = [192, 0, 2, 53];
const SIX: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

fn response(id: u16) -> Vec<u8> {
    let mut found = message(
        "www.shop.test.",
        Rtype::A,
        records("www.shop.test. A 192.0.2.1\n"),
        vec![],
    );
    found.id = id;
    encode(&found)
}

fn query(id: u16) -> Vec<u8> {
    query_message(id, &name("www.shop.test."), Rtype::A, QueryOptions::default())
}

fn framed(octets: &[u8]) -> Vec<u8> {
    let mut out = u16::try_from(octets.len()).unwrap().to_be_bytes().to_vec();
    out.extend(octets);
    out
}

/// An IPv4 packet with a datagram from the server.
fn udp(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    PacketBuilder::ipv4(SERVER, CLIENT, 64)
        .udp(53, 4444)
        .write(&mut out, payload)
        .unwrap();
    out
}

fn udp_from_client(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    PacketBuilder::ipv4(CLIENT, SERVER, 64)
        .udp(4444, 53)
        .write(&mut out, payload)
        .unwrap();
    out
}

fn tcp(sequence: u32, syn: bool, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let builder = PacketBuilder::ipv4(SERVER, CLIENT, 64).tcp(53, 5555, sequence, 1000);
    let builder = if syn { builder.syn() } else { builder.ack(1) };
    builder.write(&mut out, payload).unwrap();
    out
}

fn ethernet(ip: &[u8]) -> Vec<u8> {
    let mut out = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    let version = ip[0] >> 4;
    out.extend(if version == 4 { [8, 0] } else { [0x86, 0xdd] });
    out.extend(ip);
    out
}

/// A classic file: frames with what was captured of each.
fn pcap(link: u32, frames: &[Vec<u8>], cut: usize, big: bool) -> Vec<u8> {
    let word = |value: u32| {
        if big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let half = |value: u16| {
        if big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let mut out = Vec::new();
    out.extend(word(0xa1b2_c3d4));
    out.extend(half(2));
    out.extend(half(4));
    for value in [0, 0, 65_535, link] {
        out.extend(word(value));
    }
    for (index, frame) in frames.iter().enumerate() {
        let kept = frame.len().min(cut);
        out.extend(word(1_795_000_000 + u32::try_from(index).unwrap()));
        out.extend(word(500_000));
        out.extend(word(u32::try_from(kept).unwrap()));
        out.extend(word(u32::try_from(frame.len()).unwrap()));
        out.extend(&frame[..kept]);
    }
    out
}

fn pcapng(link: u16, frames: &[Vec<u8>], big: bool) -> Vec<u8> {
    let word = |value: u32| {
        if big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let half = |value: u16| {
        if big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let mut out = Vec::new();
    let block = |kind: u32, body: &[u8], out: &mut Vec<u8>| {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let length = u32::try_from(body.len() + 12).unwrap();
        out.extend(word(kind));
        out.extend(word(length));
        out.extend(body);
        out.extend(word(length));
    };
    let section = [&word(0x1a2b_3c4d)[..], &half(1), &half(0), &[0xff; 8]].concat();
    block(0x0a0d_0d0a, &section, &mut out);
    // Nanoseconds.
    let resolution = [&half(9)[..], &half(1), &[9, 0, 0, 0], &half(0), &half(0)].concat();
    block(
        1,
        &[&half(link)[..], &half(0), &word(65_535), &resolution].concat(),
        &mut out,
    );
    for frame in frames {
        let ticks = 1_795_000_000u64 * 1_000_000_000;
        let length = word(u32::try_from(frame.len()).unwrap());
        let head = [
            word(0),
            word((ticks >> 32) as u32),
            word(ticks as u32),
            length,
            length,
        ]
        .concat();
        block(6, &[&head[..], frame].concat(), &mut out);
    }
    out
}

/// The one good answer in a capture.
fn one(octets: &[u8]) -> Captured {
    let found = read(octets).unwrap();
    assert_eq!(found.answers.len(), 1, "{:?}", found.notes);
    let answer = found.answers.into_iter().next().unwrap();
    assert_eq!((&answer.name, answer.rtype), (&name("www.shop.test."), Rtype::A));
    assert_eq!(answer.answer.as_ref().map(|message| message.answer.len()), Ok(1));
    answer
}

#[test]
fn each_link_type() {
    let ip = udp(&response(1));
    let sll = [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0][..], &ip].concat();
    let sll2 = [
        &[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0][..],
        &ip,
    ]
    .concat();
    let loopback = [&[2, 0, 0, 0][..], &ip].concat();
    for (link, frame) in [
        (0, loopback),
        (1, ethernet(&ip)),
        (101, ip.clone()),
        (228, ip),
        (113, sll),
        (276, sll2),
    ] {
        for big in [false, true] {
            let answer = one(&pcap(link, std::slice::from_ref(&frame), 65_535, big));
            assert_eq!(
                (answer.server.as_str(), answer.at),
                ("192.0.2.53:53", Some(1_795_000_000)),
                "{link}"
            );
            let answer = one(&pcapng(
                u16::try_from(link).unwrap(),
                std::slice::from_ref(&frame),
                big,
            ));
            assert_eq!(
                (answer.transport.as_str(), answer.at),
                ("udp", Some(1_795_000_000)),
                "{link}"
            );
        }
    }
    let found = read(&pcap(147, &[vec![0; 60]], 65_535, false)).unwrap();
    assert!(found.answers.is_empty() && found.notes[0].contains("link type 147"));
}

#[test]
fn ipv6_and_vlan() {
    let mut ip = Vec::new();
    PacketBuilder::ipv6(SIX, SIX, 64)
        .udp(53, 4444)
        .write(&mut ip, &response(1))
        .unwrap();
    assert_eq!(
        one(&pcap(1, &[ethernet(&ip)], 65_535, false)).server,
        "[2001:db8::1]:53"
    );
    let mut tagged = ethernet(&udp(&response(1)));
    tagged.splice(12..12, [0x81, 0, 0, 7]);
    one(&pcap(1, &[tagged], 65_535, false));
}

#[test]
fn streams_in_pieces_out_of_order_and_twice() {
    let octets = [framed(&response(1)), framed(&response(2))].concat();
    let (a, b, c) = (&octets[..10], &octets[10..40], &octets[40..]);
    let at = |offset: usize| 101u32.wrapping_add(u32::try_from(offset).unwrap());
    for begin in [101u32, u32::MAX - 15] {
        let at = |offset: usize| at(offset).wrapping_sub(101).wrapping_add(begin);
        let frames = [
            tcp(at(0).wrapping_sub(1), true, &[]),
            tcp(at(40), false, c),
            tcp(at(0), false, a),
            tcp(at(10), false, b),
            tcp(at(0), false, a),
        ];
        let found = read(&pcap(101, &frames, 65_535, false)).unwrap();
        assert_eq!(found.answers.len(), 2, "{:?}", found.notes);
        assert!(
            found
                .answers
                .iter()
                .all(|answer| answer.answer.is_ok() && answer.transport == "tcp")
        );
    }
    // A gap: what came before it is read.
    let frames = [
        tcp(at(0), false, &octets[..octets.len() / 2 + 5]),
        tcp(at(octets.len() - 3), false, &octets[..3]),
    ];
    let found = read(&pcap(101, &frames, 65_535, false)).unwrap();
    assert_eq!(found.answers.len(), 1);
    assert!(found.notes[0].contains("gaps"), "{:?}", found.notes);
}

#[test]
fn fragments_are_put_together() {
    let whole = udp(&response(1));
    let payload = &whole[20..];
    let part = |offset: usize, more: bool, octets: &[u8]| {
        let mut header = Ipv4Header::new(
            u16::try_from(octets.len()).unwrap(),
            64,
            IpNumber::UDP,
            SERVER,
            CLIENT,
        )
        .unwrap();
        header.identification = 77;
        header.dont_fragment = false;
        header.more_fragments = more;
        header.fragment_offset = IpFragOffset::try_new(u16::try_from(offset / 8).unwrap()).unwrap();
        header.header_checksum = header.calc_header_checksum();
        let mut out = Vec::new();
        header.write(&mut out).unwrap();
        out.extend(octets);
        out
    };
    let frames = [part(24, false, &payload[24..]), part(0, true, &payload[..24])];
    one(&pcap(101, &frames, 65_535, false));
    assert!(
        read(&pcap(101, &frames[..1], 65_535, false))
            .unwrap()
            .answers
            .is_empty()
    );
}

#[test]
fn questions_without_answers_and_packets_cut_short() {
    let frames = [
        udp_from_client(&query(1)),
        udp_from_client(&query(2)),
        udp(&response(2)),
    ];
    let found = read(&pcap(101, &frames, 65_535, false)).unwrap();
    let said: Vec<bool> = found.answers.iter().map(|answer| answer.answer.is_ok()).collect();
    assert_eq!(said, [true, false]);
    assert_eq!(
        found.answers[1].answer,
        Err("no answer in the capture".to_owned())
    );
    let found = read(&pcap(101, &frames, 60, false)).unwrap();
    assert!(found.answers.is_empty());
    assert!(found.notes[0].contains("snap length"), "{:?}", found.notes);
    // A file that breaks off in a frame.
    let octets = pcap(101, &frames, 65_535, false);
    let found = read(&octets[..octets.len() - 5]).unwrap();
    assert!(found.notes[0].contains("breaks off"), "{:?}", found.notes);
}

#[test]
fn damaged_messages_are_answers_all_the_same() {
    let mut octets = response(1);
    octets.truncate(octets.len() - 3);
    let found = read(&pcap(101, &[udp(&octets)], 65_535, false)).unwrap();
    assert!(
        found.answers[0]
            .answer
            .as_ref()
            .is_err_and(|said| said.contains("undecodable"))
    );
    assert_eq!(found.answers[0].name, name("www.shop.test."));
}

fn line(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut line = json!({
        "at": "2026-11-24T10:00:00Z", "server": "192.0.2.53:53", "transport": "udp", "place": "unknown fields stay",
        "query": {"name": "www.shop.test.", "type": "A"}, "response": BASE64.encode(&response(1)),
    });
    change(&mut line);
    line.to_string()
}

#[test]
fn lines() {
    let answer = one(line(|_| {}).as_bytes());
    assert_eq!(
        (answer.server.as_str(), answer.at),
        ("192.0.2.53:53", Some(1_795_514_400))
    );
    one(line(|line| line["at"] = json!(1_795_514_400)).as_bytes());
    one(line(|line| line["query"]["type"] = json!(1)).as_bytes());
    let silent = line(|line| {
        line["response"] = json!(null);
        line["error"] = json!("timeout");
    });
    let found = read(format!("{silent}\n\n{}\n", line(|_| {})).as_bytes()).unwrap();
    assert_eq!(found.answers[0].answer, Err("timeout".to_owned()));
    assert!(found.answers[1].answer.is_ok());
    let other = line(|line| line["query"]["type"] = json!("MX"));
    let found = read(other.as_bytes()).unwrap();
    assert!(
        found.answers[0]
            .answer
            .as_ref()
            .is_err_and(|said| said.contains("not this question"))
    );
    let short = line(|line| line["response"] = json!("AAAA"));
    assert!(read(short.as_bytes()).unwrap().answers[0].answer.is_err());
    for bad in [
        line(|line| line["response"] = json!("***")),
        line(|line| line["query"] = json!({"name": "www.shop.test."})),
        line(|line| line["query"]["type"] = json!("NOSUCH")),
        "{".to_owned(),
    ] {
        let error = read(format!("{}\n{bad}\n", line(|_| {})).as_bytes()).unwrap_err();
        assert!(
            matches!(error, CaptureError::Line { line: 2, .. }),
            "{bad}: {error}"
        );
    }
    for bad in [&b""[..], b"\xff\xfe", b"www.shop.test. A 192.0.2.1\n", b"[1]"] {
        assert!(read(bad).is_err());
    }
}

/// A file that dnsviz 0.11 wrote of a small tree of zones, its answers signed for a month.
#[test]
fn what_dnsviz_writes() {
    let found = read(include_bytes!("../../tests/captures/dnsviz-probe.json")).unwrap();
    assert_eq!(found.form, Form::Dnsviz);
    assert!(found.answers.len() > 8 && found.notes.is_empty());
    assert!(
        found
            .answers
            .iter()
            .all(|answer| answer.answer.is_ok() && answer.server == "127.0.0.1")
    );
    assert_eq!(found.answers[0].at, Some(1_795_507_903));
    let silent = json!({
        "_meta._dnsviz.": {"version": 1.2, "names": ["a.test."]},
        "a.test.": {"analysis_end": "2026-11-24 08:11:43 UTC", "queries": [
            {"qname": "a.test.", "qclass": "IN", "qtype": "A", "options": {"tcp": false}, "responses": {"192.0.2.1": {
                "192.0.2.9": {"message": null, "error": "TIMEOUT", "history": []}}}},
            {"qname": "a.test.", "qclass": "IN", "qtype": "NO-SUCH"}]},
    });
    let found = read(silent.to_string().as_bytes()).unwrap();
    assert_eq!(found.answers[0].answer, Err("timeout".to_owned()));
    assert_eq!(found.notes.len(), 1);
    let newer = json!({"_meta._dnsviz.": {"version": 2.0}});
    assert!(read(newer.to_string().as_bytes()).is_err());
}

#[test]
fn forms_are_told_by_their_content() {
    let frame = [ethernet(&udp(&response(1)))];
    for (octets, form) in [
        (pcap(1, &frame, 65_535, false), Form::Pcap),
        (pcapng(1, &frame, true), Form::Pcapng),
        (line(|_| {}).into_bytes(), Form::Ndjson),
    ] {
        assert_eq!(read(&octets).unwrap().form, form);
    }
}
