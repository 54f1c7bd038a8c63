//! The ways in which answers are damaged, each with a name; where, the dice say.

use unbroken::dns::{Message, Name, Rcode, Record, Rrset, Rtype, rrsets};
use unbroken::dnssec::{Dnskey, Ds, Rrsig};

use crate::signer::Signer;
use crate::world::World;

/// Small and the same everywhere (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64, words: &str) -> Dice {
        let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
        for octet in words.bytes() {
            state = (state ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Dice(state)
    }

    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % (most.max(1) as u64)).unwrap()
    }

    /// Another value at one bit.
    fn flip(&mut self, octets: &mut [u8]) {
        if !octets.is_empty() {
            let at = self.below(octets.len());
            octets[at] ^= 1 << self.below(8);
        }
    }
}

/// A question about a name of the child zone, relative to it.
pub(crate) type Ask = (&'static str, Rtype);

const A: Rtype = Rtype::A;
pub(crate) const WWW: Ask = ("www", A);
const NODATA: Ask = ("www", Rtype::AAAA);
const NOPE: Ask = ("nope", A);
const WILD: Ask = ("q.wild", A);
const WILD_NODATA: Ask = ("q.wild", Rtype::AAAA);
const ENT: Ask = ("ent", A);
const ALIAS: Ask = ("alias", A);
const FAR: Ask = ("far", A);
const RENAMED: Ask = ("x.d", A);
const INS: Ask = ("www.ins", A);
const CUT: Ask = ("ins", Rtype::DS);
const KEYS: Ask = ("", Rtype::DNSKEY);
const APEX: Ask = ("", Rtype::MX);
const TEXT: Ask = ("www", Rtype::TXT);

/// Every question that is asked of an undamaged zone.
pub(crate) const QUESTIONS: [Ask; 14] = [
    WWW,
    NODATA,
    NOPE,
    WILD,
    WILD_NODATA,
    ENT,
    ALIAS,
    FAR,
    RENAMED,
    INS,
    CUT,
    KEYS,
    APEX,
    TEXT,
];

/// What a damage may look at.
pub(crate) struct Case<'a> {
    pub(crate) world: &'a World,
    pub(crate) child: Name,
    pub(crate) now: i64,
}

impl Case<'_> {
    pub(crate) fn name(&self, word: &str) -> Name {
        if word.is_empty() {
            self.child.clone()
        } else {
            Name::parse(&format!("{word}.{}", self.child)).unwrap()
        }
    }

    fn signers(&self, zone: &str) -> &[Signer] {
        &self.world.signers[zone]
    }

    /// The zone's own KSK and ZSK.
    fn own(&self) -> (&Signer, &Signer) {
        let own = self.signers(&self.child.to_string());
        (&own[0], &own[1])
    }
}

type Apply = Box<dyn Fn(&Case<'_>, &mut Message, &mut Dice) + Send + Sync>;

pub(crate) struct Damage {
    pub(crate) name: &'static str,
    /// The questions whose verdicts are compared.
    pub(crate) asks: Vec<Ask>,
    /// Whether it needs the keys of the first zone.
    pub(crate) needs_keys: bool,
    apply: Apply,
}

impl Damage {
    pub(crate) fn apply(&self, case: &Case<'_>, message: &mut Message, dice: &mut Dice) {
        (self.apply)(case, message, dice);
    }
}

fn is(case: &Case<'_>, message: &Message, ask: Ask) -> bool {
    message
        .question
        .as_ref()
        .is_some_and(|question| question.rtype == ask.1 && question.name == case.name(ask.0))
}

/// The signatures on a type, changed one by one.
fn signatures(records: &mut [Record], covered: Option<Rtype>, mut change: impl FnMut(&mut Rrsig)) {
    for record in records.iter_mut().filter(|record| record.rtype == Rtype::RRSIG) {
        let mut signature = Rrsig::from_rdata(&record.rdata, record.ttl).unwrap();
        if covered.is_none_or(|covered| covered == signature.type_covered) {
            change(&mut signature);
            record.rdata = signature.rdata();
        }
    }
}

fn covers(record: &Record, covered: Rtype) -> bool {
    record.rtype == Rtype::RRSIG
        && Rrsig::from_rdata(&record.rdata, 0).is_some_and(|signature| signature.type_covered == covered)
}

fn set_of(records: &[Record], rtype: Rtype) -> Option<Rrset> {
    rrsets(records)
        .into_iter()
        .find(|set| set.rtype == rtype && !set.rdatas.is_empty())
}

/// Signs an RRset of the answer anew, in place of what signed it.
fn sign_anew(
    message: &mut Message,
    rtype: Rtype,
    signers: &[&Signer],
    now: i64,
    change: impl Fn(&mut Rrsig),
) {
    message.answer.retain(|record| !covers(record, rtype));
    let Some(set) = set_of(&message.answer, rtype) else {
        return;
    };
    for signer in signers {
        message.answer.push(signer.sign(&set, now, &change));
    }
}

struct List(Vec<Damage>);

impl List {
    fn add(
        &mut self,
        name: &'static str,
        asks: &[Ask],
        needs_keys: bool,
        apply: impl Fn(&Case<'_>, &mut Message, &mut Dice) + Send + Sync + 'static,
    ) {
        self.0.push(Damage {
            name,
            asks: asks.to_vec(),
            needs_keys,
            apply: Box::new(apply),
        });
    }

    /// Changes the answer to `www A`.
    fn www(
        &mut self,
        name: &'static str,
        apply: impl Fn(&Case<'_>, &mut Message, &mut Dice) + Send + Sync + 'static,
    ) {
        self.add(name, &[WWW], false, move |case, message, dice| {
            if is(case, message, WWW) {
                apply(case, message, dice);
            }
        });
    }

    /// Changes the signature on it.
    fn signature(
        &mut self,
        name: &'static str,
        change: impl Fn(&Case<'_>, &mut Rrsig, &mut Dice) + Send + Sync + 'static,
    ) {
        self.www(name, move |case, message, dice| {
            signatures(&mut message.answer, Some(A), |signature| {
                change(case, signature, dice)
            });
        });
    }

    /// Signs it anew with the zone's ZSK and a change.
    fn signed(&mut self, name: &'static str, change: impl Fn(&Case<'_>, &mut Rrsig) + Send + Sync + 'static) {
        self.add(name, &[WWW], true, move |case, message, _| {
            if is(case, message, WWW) {
                let (_, zsk) = case.own();
                sign_anew(message, A, &[zsk], case.now, |signature| change(case, signature));
            }
        });
    }

    /// Changes the DNSKEY answer of the child.
    fn keys(
        &mut self,
        name: &'static str,
        apply: impl Fn(&Case<'_>, &mut Message, &mut Dice) + Send + Sync + 'static,
    ) {
        self.add(name, &[WWW, NOPE], false, move |case, message, dice| {
            if is(case, message, KEYS) {
                apply(case, message, dice);
            }
        });
    }

    /// Changes the DNSKEY RRset and signs it anew with the KSK.
    fn keys_signed(
        &mut self,
        name: &'static str,
        change: impl Fn(&Case<'_>, &mut Vec<Dnskey>) + Send + Sync + 'static,
    ) {
        self.add(name, &[WWW, NODATA], true, move |case, message, _| {
            if is(case, message, KEYS) {
                let mut keys: Vec<Dnskey> = message
                    .answer
                    .iter()
                    .filter(|record| record.rtype == Rtype::DNSKEY)
                    .map(|record| Dnskey::from_rdata(&record.rdata).unwrap())
                    .collect();
                change(case, &mut keys);
                message.answer = keys.iter().map(|key| key.record(&case.child, 300)).collect();
                sign_anew(message, Rtype::DNSKEY, &[case.own().0], case.now, |_| {});
            }
        });
    }

    /// Changes the DS answer of the parent.
    fn ds(
        &mut self,
        name: &'static str,
        apply: impl Fn(&Case<'_>, &mut Message, &mut Dice) + Send + Sync + 'static,
    ) {
        self.add(name, &[WWW], false, move |case, message, dice| {
            if is(case, message, ("", Rtype::DS)) {
                apply(case, message, dice);
            }
        });
    }

    /// Changes the DS RRset and signs it anew with the parent's ZSK.
    fn ds_signed(
        &mut self,
        name: &'static str,
        change: impl Fn(&Case<'_>, &mut Vec<Ds>) + Send + Sync + 'static,
    ) {
        self.add(name, &[WWW, NOPE], true, move |case, message, _| {
            if is(case, message, ("", Rtype::DS)) {
                let mut set: Vec<Ds> = message
                    .answer
                    .iter()
                    .filter(|record| record.rtype == Rtype::DS)
                    .map(|record| Ds::from_rdata(&record.rdata).unwrap())
                    .collect();
                change(case, &mut set);
                message.answer = set.iter().map(|ds| ds.record(&case.child, 300)).collect();
                sign_anew(message, Rtype::DS, &[&case.signers("test.")[1]], case.now, |_| {});
            }
        });
    }

    /// Changes the authority section of denials.
    fn denial(
        &mut self,
        name: &'static str,
        asks: &'static [Ask],
        apply: impl Fn(&Case<'_>, &mut Message, &mut Dice) + Send + Sync + 'static,
    ) {
        self.add(name, asks, false, move |case, message, dice| {
            if asks.iter().any(|ask| is(case, message, *ask)) {
                apply(case, message, dice);
            }
        });
    }
}

fn denies(record: &Record) -> bool {
    matches!(record.rtype, Rtype::NSEC | Rtype::NSEC3)
}

fn index_of(records: &[Record], dice: &mut Dice, wanted: impl Fn(&Record) -> bool) -> Option<usize> {
    let found: Vec<usize> = (0..records.len())
        .filter(|index| wanted(&records[*index]))
        .collect();
    (!found.is_empty()).then(|| found[dice.below(found.len())])
}

/// A key with the tag of another, and other octets.
pub(crate) fn twin(key: &Dnskey) -> Dnskey {
    let mut twin = key.clone();
    twin.public_key.swap(0, 2);
    twin.public_key.swap(1, 3);
    assert_eq!(twin.tag(), key.tag());
    twin
}

fn signatures_of_answers(list: &mut List) {
    list.signature("signature-bit", |_, s, dice| dice.flip(&mut s.signature));
    list.signature("signature-short", |_, s, _| {
        s.signature.pop();
    });
    list.signature("signature-long", |_, s, dice| {
        s.signature.push(dice.below(256) as u8)
    });
    list.signature("signature-empty", |_, s, _| s.signature.clear());
    list.signature("signature-zero", |_, s, _| s.signature.fill(0));
    list.signature("original-ttl", |_, s, dice| s.original_ttl ^= 1 << dice.below(16));
    list.signature("labels-more", |_, s, _| s.labels += 1);
    list.signature("labels-less", |_, s, _| s.labels -= 1);
    list.signature("labels-none", |_, s, _| s.labels = 0);
    list.signature("type-covered", |_, s, _| s.type_covered = Rtype::TXT);
    list.signature("algorithm-other", |_, s, _| {
        s.algorithm = if s.algorithm == 8 { 10 } else { 8 }
    });
    list.signature("algorithm-unknown", |_, s, _| s.algorithm = 200);
    list.signature("tag-other", |_, s, dice| s.tag ^= 1 << dice.below(16));
    list.signature("signer-parent", |_, s, _| {
        s.signer = Name::parse("test.").unwrap()
    });
    list.signature("signer-root", |_, s, _| s.signer = Name::root());
    list.signature("signer-below", |case, s, _| s.signer = case.name("www"));
    list.signature("signer-beside", |_, s, _| {
        s.signer = Name::parse("plain.test.").unwrap()
    });
    list.signature("expiration-past", |case, s, dice| {
        s.expiration = (case.now - 60 - dice.below(100_000) as i64) as u32;
    });
    list.signature("inception-future", |case, s, dice| {
        s.inception = (case.now + 7_300 + dice.below(100_000) as i64) as u32;
    });
    list.signature("window-swapped", |_, s, _| {
        std::mem::swap(&mut s.inception, &mut s.expiration)
    });
    list.www("signature-missing", |_, m, _| {
        m.answer.retain(|r| r.rtype != Rtype::RRSIG)
    });
    list.www("signature-twice", |_, m, _| {
        let more: Vec<Record> = m
            .answer
            .iter()
            .filter(|r| r.rtype == Rtype::RRSIG)
            .cloned()
            .collect();
        m.answer.extend(more);
    });
    list.www("bad-signature-first", |_, m, dice| {
        let at = index_of(&m.answer, dice, |r| covers(r, A)).unwrap();
        let mut bad = m.answer[at].clone();
        let last = bad.rdata.len() - 1;
        bad.rdata[last] ^= 1;
        m.answer.insert(0, bad);
    });
    list.www("signature-of-another", |case, m, _| {
        let text = case.world.honest(&case.name("www"), Rtype::TXT);
        m.answer.retain(|r| r.rtype != Rtype::RRSIG);
        m.answer
            .extend(text.answer.iter().filter(|r| r.rtype == Rtype::RRSIG).cloned());
    });
    list.www("data-bit", |_, m, dice| {
        let at = index_of(&m.answer, dice, |r| r.rtype == A).unwrap();
        dice.flip(&mut m.answer[at].rdata);
    });
    list.www("record-added", |case, m, _| {
        m.answer
            .push(Record::new(case.name("www"), A, 300, vec![192, 0, 2, 77]))
    });
    list.www("record-removed", |_, m, dice| {
        let at = index_of(&m.answer, dice, |r| r.rtype == A).unwrap();
        m.answer.remove(at);
    });
    list.www("record-twice", |_, m, dice| {
        let at = index_of(&m.answer, dice, |r| r.rtype == A).unwrap();
        m.answer.push(m.answer[at].clone());
    });
    list.www("order-reversed", |_, m, _| m.answer.reverse());
    list.www("ttl-lower", |_, m, dice| {
        let ttl = 1 + dice.below(200) as u32;
        m.answer.iter_mut().for_each(|r| r.ttl = ttl);
    });
    list.www("ttls-differ", |_, m, _| {
        let least = m
            .answer
            .iter()
            .filter(|r| r.rtype == A)
            .map(|r| r.rdata.clone())
            .min();
        for record in m.answer.iter_mut().filter(|r| r.rtype == A) {
            record.ttl = if Some(&record.rdata) == least.as_ref() {
                299
            } else {
                10
            };
        }
    });
    list.denial("letter-case", &[APEX], |_, m, _| {
        let of_www =
            |r: &&mut Record| r.rtype == Rtype::MX && r.rdata.get(3..6).is_some_and(|label| label == b"www");
        m.answer
            .iter_mut()
            .filter(of_www)
            .for_each(|r| r.rdata[3..6].copy_from_slice(b"WWW"));
    });
    list.www("ttl-higher", |_, m, _| {
        m.answer.iter_mut().for_each(|r| r.ttl = 90_000)
    });
    list.www("answer-of-another-name", |case, m, _| {
        let other = case.world.honest(&case.name("mid"), A);
        m.answer = other.answer;
        m.answer.iter_mut().for_each(|r| r.name = case.name("www"));
    });
    list.www("type-hidden", |case, m, _| {
        let nodata = case.world.honest(&case.name("www"), Rtype::AAAA);
        m.answer.clear();
        m.authority = nodata.authority;
    });
    list.www("name-hidden", |case, m, _| {
        let nothing = case.world.honest(&case.name("nope"), A);
        *m = Message {
            question: m.question.clone(),
            id: m.id,
            ..nothing
        };
    });
}

fn signed_anew(list: &mut List) {
    list.signed("signed-well", |_, _| {});
    list.signed("signed-expired", |case, s| {
        s.inception = (case.now - 200_000) as u32;
        s.expiration = (case.now - 100_000) as u32;
    });
    list.signed("signed-early", |case, s| {
        s.inception = (case.now + 100_000) as u32;
        s.expiration = (case.now + 200_000) as u32;
    });
    list.signed("signed-as-parent", |_, s| {
        s.signer = Name::parse("test.").unwrap()
    });
    list.signed("signed-as-wildcard", |case, s| {
        s.labels = case.child.label_count() as u8
    });
    list.signed("signed-above-apex", |_, s| s.labels = 1);
    list.signed("signed-other-ttl", |_, s| s.original_ttl = 60);
    list.signed("signed-long-ttl", |_, s| s.original_ttl = 86_400);
    list.add("signed-by-ksk", &[WWW], true, |case, m, _| {
        if is(case, m, WWW) {
            sign_anew(m, A, &[case.own().0], case.now, |_| {});
        }
    });
    list.add("signed-by-parent-key", &[WWW], true, |case, m, _| {
        if is(case, m, WWW) {
            sign_anew(m, A, &[&case.signers("test.")[1]], case.now, |s| {
                s.signer = case.child.clone()
            });
        }
    });
    list.add("signed-by-parent-zone", &[WWW], true, |case, m, _| {
        if is(case, m, WWW) {
            let parent = &case.signers("test.")[1];
            sign_anew(m, A, &[parent], case.now, |s| s.signer = parent.zone.clone());
        }
    });
}

fn keys(list: &mut List) {
    list.keys("dnskey-signature-bit", |_, m, dice| {
        signatures(&mut m.answer, None, |s| dice.flip(&mut s.signature));
    });
    list.keys("dnskey-signature-missing", |_, m, _| {
        m.answer.retain(|r| r.rtype != Rtype::RRSIG)
    });
    list.keys("dnskey-bit", |_, m, dice| {
        let at = index_of(&m.answer, dice, |r| r.rtype == Rtype::DNSKEY).unwrap();
        dice.flip(&mut m.answer[at].rdata[4..]);
    });
    list.keys("dnskey-zone-bit", |_, m, dice| {
        let at = index_of(&m.answer, dice, |r| r.rtype == Rtype::DNSKEY).unwrap();
        m.answer[at].rdata[0] = 0;
    });
    list.keys("dnskey-removed", |_, m, dice| {
        let at = index_of(&m.answer, dice, |r| r.rtype == Rtype::DNSKEY).unwrap();
        m.answer.remove(at);
    });
    list.keys("dnskey-added", |case, m, _| {
        let key = Dnskey {
            flags: 256,
            protocol: 3,
            algorithm: 13,
            public_key: vec![7; 64],
        };
        m.answer.push(key.record(&case.child, 300));
    });
    list.keys("dnskey-none", |case, m, _| {
        let nodata = case.world.honest(&case.child, Rtype::AAAA);
        m.answer.clear();
        m.authority = nodata.authority;
    });
    list.keys("dnskey-of-parent", |case, m, _| {
        let parent = case.world.honest(&Name::parse("test.").unwrap(), Rtype::DNSKEY);
        m.answer = parent.answer;
        m.answer.iter_mut().for_each(|r| r.name = case.child.clone());
    });
    list.keys_signed("zsk-without-zone-bit", |case, keys| {
        change_zsk(case, keys, |key| key.flags = 0)
    });
    list.keys_signed("zsk-protocol", |case, keys| {
        change_zsk(case, keys, |key| key.protocol = 7)
    });
    list.keys_signed("zsk-revoked", |case, keys| {
        change_zsk(case, keys, |key| key.flags |= 0x80)
    });
    list.keys_signed("zsk-gone", |case, keys| {
        keys.retain(|key| *key != case.own().1.key)
    });
    list.keys_signed("zsk-twin", |case, keys| keys.insert(0, twin(&case.own().1.key)));
    list.keys_signed("ksk-twin", |case, keys| keys.insert(0, twin(&case.own().0.key)));
    list.keys_signed("key-of-unknown-algorithm", |_, keys| {
        keys.push(Dnskey {
            flags: 256,
            protocol: 3,
            algorithm: 200,
            public_key: vec![1, 2, 3],
        });
    });
    list.add("dnskey-signed-by-zsk", &[WWW], true, |case, m, _| {
        if is(case, m, KEYS) {
            sign_anew(m, Rtype::DNSKEY, &[case.own().1], case.now, |_| {});
        }
    });
    list.add("dnskey-signed-expired", &[WWW, NOPE], true, |case, m, _| {
        if is(case, m, KEYS) {
            sign_anew(m, Rtype::DNSKEY, &[case.own().0], case.now, |s| {
                s.inception = (case.now - 200_000) as u32;
                s.expiration = (case.now - 100_000) as u32;
            });
        }
    });
}

fn change_zsk(case: &Case<'_>, keys: &mut [Dnskey], change: impl Fn(&mut Dnskey)) {
    let zsk = &case.own().1.key;
    keys.iter_mut().filter(|key| *key == zsk).for_each(change);
}

fn ds(list: &mut List) {
    list.ds("ds-digest-bit", |_, m, dice| {
        let at = index_of(&m.answer, dice, |r| r.rtype == Rtype::DS).unwrap();
        dice.flip(&mut m.answer[at].rdata[4..]);
    });
    list.ds("ds-signature-bit", |_, m, dice| {
        signatures(&mut m.answer, None, |s| dice.flip(&mut s.signature))
    });
    list.ds("ds-signature-missing", |_, m, _| {
        m.answer.retain(|r| r.rtype != Rtype::RRSIG)
    });
    list.ds("ds-gone-without-proof", |_, m, _| {
        m.answer.clear();
        m.authority.clear();
    });
    list.ds("ds-denied-by-another-name", |case, m, _| {
        let other = case.world.honest(&Name::parse("plain.test.").unwrap(), Rtype::DS);
        m.answer.clear();
        m.authority = other.authority;
    });
    list.ds("ds-denied-by-the-child", |case, m, _| {
        let apex = case.world.honest(&case.child, Rtype::AAAA);
        m.answer.clear();
        m.authority = apex.authority;
    });
    list.ds_signed("ds-well", |_, _| {});
    list.ds_signed("ds-wrong-digest", |_, set| set[0].digest = "00".repeat(32));
    list.ds_signed("ds-wrong-tag", |_, set| set[0].tag ^= 1);
    list.ds_signed("ds-wrong-algorithm", |_, set| set[0].algorithm = 8);
    list.ds_signed("ds-unknown-algorithm", |_, set| set[0].algorithm = 200);
    list.ds_signed("ds-unknown-digest", |_, set| set[0].digest_type = 200);
    list.ds_signed("ds-unknown-digest-beside", |_, set| {
        let mut other = set[0].clone();
        other.digest_type = 200;
        set.push(other);
    });
    list.ds_signed("ds-sha1-alone", |case, set| {
        *set = vec![Ds::of(&case.child, &case.own().0.key, 1).unwrap()]
    });
    list.ds_signed("ds-sha1-beside-wrong-sha256", |case, set| {
        set[0].digest = "00".repeat(32);
        set.push(Ds::of(&case.child, &case.own().0.key, 1).unwrap());
    });
    list.ds_signed("ds-sha384-beside-wrong-sha256", |case, set| {
        set[0].digest = "00".repeat(32);
        set.push(Ds::of(&case.child, &case.own().0.key, 4).unwrap());
    });
    list.ds_signed("ds-of-the-zsk", |case, set| {
        *set = vec![Ds::of(&case.child, &case.own().1.key, 2).unwrap()]
    });
    list.ds_signed("ds-several-wrong", |_, set| {
        for number in 0..3u8 {
            let mut other = set[0].clone();
            other.digest = format!("{number:02X}").repeat(32);
            set.push(other);
        }
    });
}

fn denials(list: &mut List) {
    const ALL: &[Ask] = &[NOPE, NODATA, WILD_NODATA, ENT];
    list.denial("denial-all-gone", ALL, |_, m, _| m.authority.clear());
    list.denial("denial-records-gone", ALL, |_, m, _| {
        m.authority
            .retain(|r| !denies(r) && !covers(r, Rtype::NSEC) && !covers(r, Rtype::NSEC3));
    });
    list.denial("denial-one-gone", &[NOPE, WILD_NODATA, WILD], |_, m, dice| {
        if let Some(at) = index_of(&m.authority, dice, denies) {
            let gone = m.authority[at].name.clone();
            m.authority
                .retain(|r| r.name != gone || r.rtype == Rtype::SOA || covers(r, Rtype::SOA));
        }
    });
    list.denial("denial-signatures-gone", ALL, |_, m, _| {
        m.authority.retain(|r| r.rtype != Rtype::RRSIG)
    });
    list.denial("denial-signature-bit", ALL, |_, m, dice| {
        if let Some(at) = index_of(&m.authority, dice, |r| {
            covers(r, Rtype::NSEC) || covers(r, Rtype::NSEC3)
        }) {
            let last = m.authority[at].rdata.len() - 1;
            m.authority[at].rdata[last] ^= 1;
        }
    });
    list.denial("denial-bit", ALL, |_, m, dice| {
        if let Some(at) = index_of(&m.authority, dice, denies) {
            let last = m.authority[at].rdata.len() - 1;
            m.authority[at].rdata[last] ^= 1 << dice.below(8);
        }
    });
    list.denial("denial-owner", ALL, |case, m, dice| {
        if let Some(at) = index_of(&m.authority, dice, denies) {
            let old = m.authority[at].name.clone();
            let new = if m.authority[at].rtype == Rtype::NSEC {
                case.name("aaa")
            } else {
                case.name("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom")
            };
            m.authority
                .iter_mut()
                .filter(|r| r.name == old && r.rtype != Rtype::SOA && !covers(r, Rtype::SOA))
                .for_each(|r| r.name = new.clone());
        }
    });
    list.denial("denial-of-another-name", &[NOPE, NODATA], |case, m, _| {
        let other = case.world.honest(&case.name("zz"), Rtype::AAAA);
        m.authority = other.authority;
    });
    list.denial("soa-gone", &[NOPE, NODATA], |_, m, _| {
        m.authority
            .retain(|r| r.rtype != Rtype::SOA && !covers(r, Rtype::SOA));
    });
    list.denial("soa-signature-gone", &[NOPE, NODATA], |_, m, _| {
        m.authority.retain(|r| !covers(r, Rtype::SOA))
    });
    list.denial("soa-bit", &[NOPE, NODATA], |_, m, dice| {
        if let Some(at) = index_of(&m.authority, dice, |r| r.rtype == Rtype::SOA) {
            let last = m.authority[at].rdata.len() - 1;
            m.authority[at].rdata[last] ^= 1;
        }
    });
    list.denial("code-no-error", &[NOPE], |_, m, _| m.rcode = Rcode::NOERROR);
    list.denial("code-no-name", &[NODATA, ENT], |_, m, _| {
        m.rcode = Rcode::NXDOMAIN
    });
    list.denial("wildcard-proof-gone", &[WILD], |_, m, _| m.authority.clear());
    list.add("wildcard-over-a-name", &[("mid", A)], false, |case, m, _| {
        if is(case, m, ("mid", A)) {
            let wild = case.world.honest(&case.name("q.wild"), A);
            m.answer = wild.answer;
            m.answer.iter_mut().for_each(|r| r.name = case.name("mid"));
            m.authority = wild.authority;
        }
    });
    list.denial("wildcard-data-bit", &[WILD], |_, m, dice| {
        let at = index_of(&m.answer, dice, |r| r.rtype == A).unwrap();
        dice.flip(&mut m.answer[at].rdata);
    });
}

fn others(list: &mut List) {
    list.denial("cname-signature-gone", &[ALIAS, FAR], |_, m, _| {
        m.answer.retain(|r| !covers(r, Rtype::CNAME))
    });
    list.denial("cname-target", &[ALIAS, FAR], |case, m, _| {
        let target = case.name("mid");
        m.answer
            .iter_mut()
            .filter(|r| r.rtype == Rtype::CNAME)
            .for_each(|r| r.rdata = target.wire().to_vec());
    });
    list.denial("alias-target-unsigned", &[ALIAS], |_, m, _| {
        m.answer.retain(|r| !covers(r, A))
    });
    list.denial("dname-signature-gone", &[RENAMED], |_, m, _| {
        m.answer.retain(|r| !covers(r, Rtype::DNAME))
    });
    list.denial("dname-target", &[RENAMED], |case, m, _| {
        let target = case.name("mid");
        m.answer
            .iter_mut()
            .filter(|r| r.rtype == Rtype::DNAME)
            .for_each(|r| r.rdata = target.wire().to_vec());
    });
    list.denial("dname-cname-other", &[RENAMED], |case, m, _| {
        let target = case.name("mid");
        m.answer.retain(|r| r.rtype != A && !covers(r, A));
        m.answer
            .iter_mut()
            .filter(|r| r.rtype == Rtype::CNAME)
            .for_each(|r| r.rdata = target.wire().to_vec());
        let mid = case.world.honest(&target, A);
        m.answer.extend(mid.answer);
    });
    list.add("cut-proof-gone", &[INS, CUT], false, |case, m, _| {
        if is(case, m, CUT) {
            m.authority
                .retain(|r| r.rtype == Rtype::SOA || covers(r, Rtype::SOA));
        }
    });
    list.add("cut-proof-signature-bit", &[INS, CUT], false, |case, m, dice| {
        if is(case, m, CUT) {
            signatures(&mut m.authority, None, |s| {
                if s.type_covered != Rtype::SOA {
                    dice.flip(&mut s.signature);
                }
            });
        }
    });
    list.add("cut-denied", &[INS], false, |case, m, _| {
        if is(case, m, CUT) {
            let nothing = case.world.honest(&case.name("nope"), Rtype::DS);
            *m = Message {
                question: m.question.clone(),
                id: m.id,
                ..nothing
            };
        }
    });
    list.add("insecure-data-changed", &[INS], false, |case, m, dice| {
        if is(case, m, INS) {
            let at = index_of(&m.answer, dice, |r| r.rtype == A).unwrap();
            dice.flip(&mut m.answer[at].rdata);
        }
    });
    list.add("root-keys-changed", &[WWW], false, |_, m, dice| {
        let root = m
            .question
            .as_ref()
            .is_some_and(|q| q.name.is_root() && q.rtype == Rtype::DNSKEY);
        if root {
            let at = index_of(&m.answer, dice, |r| r.rtype == Rtype::DNSKEY).unwrap();
            dice.flip(&mut m.answer[at].rdata[4..]);
        }
    });
    list.add("parent-keys-unsigned", &[WWW], false, |_, m, _| {
        let parent = m
            .question
            .as_ref()
            .is_some_and(|q| q.name.to_string() == "test." && q.rtype == Rtype::DNSKEY);
        if parent {
            m.answer.retain(|r| r.rtype != Rtype::RRSIG);
        }
    });
}

/// All of them.
pub(crate) fn all() -> Vec<Damage> {
    let mut list = List(Vec::new());
    signatures_of_answers(&mut list);
    signed_anew(&mut list);
    keys(&mut list);
    ds(&mut list);
    denials(&mut list);
    others(&mut list);
    list.0
}
