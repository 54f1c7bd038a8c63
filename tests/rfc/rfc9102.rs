//! RFC 9102 appendix A.1: the chain of `_443._tcp.www.example.com. TLSA` as a TLS server sends it, records one after another.

use unbroken::dns::{Message, Name, Rcode, Record, Rtype};
use unbroken::dnssec::offline::{Captured, Corpus, Options, Verdict, validate};
use unbroken::dnssec::{Anchors, Dnskey, Status};

use super::{message, name};

/// The anchor that the appendix gives.
const ANCHOR: &str = ". IN DS 47005 13 2 2eb6e9f2480126691594d649a5a613de3052e37861634641bb568746f2ffc4d4\n";

/// The octets after the lifetime, in hexadecimal.
const CHAIN: &str = "\
045f343433045f74637003777777076578616d706c6503636f6d000034000100000e1000230301018bd1da95272f7fa4ffb24137fc0ed03a\
ae67e5c4d8b3c50734e1050a7920b922045f343433045f74637003777777076578616d706c6503636f6d00002e000100000e10005f00340d\
0500000e105fc6d9005bfdda80074e076578616d706c6503636f6d00ce1d3adeb7dc7cee656d61cfb472c5977c8c9caeae9b765155c518fb\
107b6a1fe0355fbaaf753c192832fa621fa73a8b85ed79d374117387598fcc812e1ef3fb076578616d706c6503636f6d000030000100000e\
1000440101030d2670355e0c894d9cfea6c5af6eb7d458b57a50ba88272512d8241d8541fd54adf96ec956789a51ceb971094b3bb3f4ec49\
f64c686595be5b2e89e8799c7717cc076578616d706c6503636f6d00002e000100000e10005f00300d0200000e105fc6d9005bfdda80074e\
076578616d706c6503636f6d004628383075b8e34b743a209b27ae148d110d4e1a246138a91083249cb4a12a2d9bc4c2d7ab5eb3afb9f5d1\
037e4d5da8339c162a9298e9be180741a8ca74accc076578616d706c6503636f6d00002b00010002a3000024074e0d02e9b533a049798e90\
0b5c29c90cd25a986e8a44f319ac3cd302bafc08f5b81e16076578616d706c6503636f6d00002e00010002a3000057002b0d020002a3005f\
c6d9005bfdda80861703636f6d00a203e704a6facbeb13fc9384fdd6de6b50de5659271f38ce81498684e6363172d47e2319fdb4a22a58a2\
31edc2f1ff4fb2811a1807be72cb5241aa26fdaee03903636f6d00003000010002a30000440100030dec8204e43a25f2348c52a1d3bce3a2\
65aa5d11b43dc2a471162ff341c49db9f50a2e1a41caf2e9cd20104ea0968f7511219f0bdc56b68012cc3995336751900b03636f6d000030\
00010002a30000440101030d45b91c3bef7a5d99a7a7c8d822e33896bc80a777a04234a605a4a8880ec7efa4e6d112c73cd3d4c65564fa74\
347c873723cc5f643370f166b43dedff836400ff03636f6d00003000010002a30000440101030db3373b6e22e8e49e0e1e591a9f5bd9ac5e\
1a0f86187fe34703f180a9d36c958f71c4af48ce0ebc5c792a724e11b43895937ee53404268129476eb1aed323939003636f6d00002e0001\
0002a300005700300d010002a3005fc6d9005bfdda8049f303636f6d0018a948eb23d44f80abc99238fcb43c5a18debe57004f7343593f6d\
eb6ed71e04654a433f7aa1972130d9bd921c73dcf63fcf665f2f05a0aaebafb059dc12c96503636f6d00002e00010002a300005700300d01\
0002a3005fc6d9005bfdda80708903636f6d006170e6959bd9ed6e575837b6f580bd99dbd24a44682b0a359626a246b1812f5f9096b75e15\
7e77848f068ae0085e1a609fc19298c33b736863fbccd4d81f5eb203636f6d00002b000100015180002449f30d0220f7a9db42d0e2042fbb\
b9f9ea015941202f9eabb94487e658c188e7bcb5211503636f6d00002b000100015180002470890d02ad66b3276f796223aa45eda773e92c\
6d98e70643bbde681db342a9e5cf2bb38003636f6d00002e0001000151800053002b0d01000151805fc6d9005bfdda807cae00122e276d45\
d9e9816f7922ad6ea2e73e82d26fce0a4b718625f314531ac92f8ae82418df9b898f989d32e80bc4deaba7c4a7c8f172adb57ced7fb5e77a\
784b0700003000010001518000440100030dccacfe0c25a4340fefba17a254f706aac1f8d14f38299025acc448ca8ce3f561f37fc3ec169f\
e847c8fcbe68e358ff7c71bb5ee1df0dbe518bc736d4ce8dfe1400003000010001518000440100030df303196789731ddc8a6787eff24cac\
feddd032582f11a75bb1bcaa5ab321c1d7525c2658191aec01b3e98ab7915b16d571dd55b4eae51417110cc4cdd11d171100003000010001\
518000440101030dcaf5fe54d4d48f16621afb6bd3ad2155bacf57d1faad5bac42d17d948c421736d9389c4c4011666ea95cf17725bd0fa0\
0ce5e714e4ec82cfdfacc9b1c863ad4600002e000100015180005300300d00000151805fc6d9005bfdda80b79d00de7a6740eeecba4bda1e\
5c2dd4899b2c965893f3786ce747f41e50d9de8c0a72df82560dfb48d714de3283ae99a49c0fcb50d3aaadb1a3fc62ee3a8a0988b6be";

/// One record without compression, and what follows it.
fn split(octets: &[u8]) -> Option<(Record, &[u8])> {
    let mut end = 0;
    while octets.get(end)? > &0 {
        end += usize::from(octets[end]) + 1;
    }
    let (owner, rest) = octets.split_at(end + 1);
    let (head, rest) = rest.split_at(10);
    let (rdata, rest) = rest.split_at(usize::from(u16::from_be_bytes([head[8], head[9]])));
    let record = Record::new(
        Name::from_wire(owner).unwrap(),
        Rtype(u16::from_be_bytes([head[0], head[1]])),
        u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
        rdata.to_vec(),
    );
    Some((record, rest))
}

fn records() -> Vec<Record> {
    let octets = data_encoding::HEXLOWER.decode(CHAIN.as_bytes()).unwrap();
    let (mut records, mut rest) = (Vec::new(), octets.as_slice());
    while let Some((record, after)) = split(rest) {
        records.push(record);
        rest = after;
    }
    assert!(rest.is_empty());
    records
}

/// The answer that consists of the records of one owner and type, with their signatures.
fn captured(records: &[Record], qname: &str, rtype: Rtype) -> Captured {
    let covers = |record: &Record| record.rdata.starts_with(&rtype.0.to_be_bytes());
    let belongs = |record: &&Record| {
        record.name == name(qname)
            && (record.rtype == rtype || record.rtype == Rtype::RRSIG && covers(record))
    };
    let answer = Message {
        answer: records.iter().filter(belongs).cloned().collect(),
        ..message(Rcode::NOERROR, "", &[])
    };
    assert!(answer.answer.len() > 1, "{qname} {rtype}");
    Captured {
        name: name(qname),
        rtype,
        server: "tls".to_owned(),
        transport: "tls".to_owned(),
        at: None,
        answer: Ok(std::sync::Arc::new(answer)),
    }
}

const ASKED: &str = "_443._tcp.www.example.com.";

fn judged(records: &[Record], at: i64) -> Verdict {
    let tlsa = Rtype(52);
    let answers = [
        (".", Rtype::DNSKEY),
        ("com.", Rtype::DS),
        ("com.", Rtype::DNSKEY),
        ("example.com.", Rtype::DS),
        ("example.com.", Rtype::DNSKEY),
        (ASKED, tlsa),
    ]
    .map(|(owner, rtype)| captured(records, owner, rtype));
    let anchors = Anchors::parse(ANCHOR).unwrap();
    validate(
        &Corpus::new(answers),
        &anchors,
        &name(ASKED),
        tlsa,
        &Options::at(at),
    )
}

/// The window of every signature in it: 2018-11-28 to 2020-12-02.
const WINDOW: (i64, i64) = (1_543_363_200, 1_606_867_200);

#[test]
fn the_chain_of_a_1() {
    let records = records();
    let tags: Vec<u16> = records
        .iter()
        .filter(|record| record.rtype == Rtype::DNSKEY)
        .map(|record| Dnskey::from_rdata(&record.rdata).unwrap().tag())
        .collect();
    assert_eq!(tags, [1870, 34327, 18931, 28809, 31918, 2635, 47005]);
    for at in [WINDOW.0, WINDOW.1] {
        let verdict = judged(&records, at);
        assert_eq!(verdict.status, Status::Secure, "{:?}", verdict.reasons);
        let zones: Vec<String> = verdict.links.iter().map(|link| link.zone.to_string()).collect();
        assert_eq!(zones, [".", "com.", "example.com."]);
    }
    for (at, code) in [
        (WINDOW.0 - 1, "signature-not-yet-valid"),
        (WINDOW.1 + 1, "signature-expired"),
    ] {
        let verdict = judged(&records, at);
        assert_eq!(verdict.status, Status::Bogus);
        assert_eq!(verdict.reasons[0].reason.code, code);
    }
}

/// Each record counts: a bit that is turned in any of them that the chain rests on, and it is bogus.
#[test]
fn no_record_of_it_may_change() {
    let records = records();
    for at in 0..records.len() {
        let mut changed = records.clone();
        *changed[at].rdata.last_mut().unwrap() ^= 1;
        let verdict = judged(&changed, WINDOW.1);
        // Of the two signatures over com. DNSKEY one suffices.
        let spare = changed[at].rtype == Rtype::RRSIG && changed[at].rdata.starts_with(&[0, 48, 13, 1]);
        let expected = if spare { Status::Secure } else { Status::Bogus };
        assert_eq!(verdict.status, expected, "{}: {:?}", records[at], verdict.reasons);
    }
}
