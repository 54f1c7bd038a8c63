//! Keys that change, vanish, or look alike.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Fault;
use super::expect::{Expected, Reaction};
use super::ground::Ground;
use super::script::{Script, Spell, is_about};
use crate::dns::Rtype;
use crate::lab::{KSK_FLAGS, LabError, Play, RoleKey, SigningKey, ZSK_FLAGS};
use crate::moment::Moment;
use crate::workflow::{Decision, State, foretell_signing};

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault {
            name: "key-tag-clash",
            story: "the ZSKs of both providers have the same key tag",
            expected: Expected {
                reaction: Reaction::Refuses,
                says: &["key-tag-clash"],
            },
            prepare: |_| {},
            script: |_| Box::new(Twins),
        },
        Fault {
            name: "zsk-roll",
            story: "a rolls its ZSK by itself while both serve: the new key stands there for its TTL and a delay before it signs",
            expected: Expected {
                reaction: Reaction::Replans,
                says: &["the keys of a changed", "keys-at-b is taken again"],
            },
            prepare: room_for_a_roll,
            script: |ground| Box::new(ZskRoll::new(ground.dnskey_ttl() * 2 + ground.safety())),
        },
        Fault {
            name: "zsk-roll-too-soon",
            story: "a rolls its ZSK by itself and signs with the new key when half of the TTL of its DNSKEY RRset has passed",
            expected: Expected {
                reaction: Reaction::Foretells,
                says: &["the keys of a changed", "resolvers fail that hold: dnskey-data"],
            },
            prepare: |play| {
                room_for_a_roll(play);
                // It is over within an hour: only a busy crowd meets it for certain.
                play.pace = play
                    .pace
                    .min(Duration::from_secs(u64::from(play.config.ttls.dnskey)) / 30);
            },
            script: |ground| Box::new(ZskRoll::new(ground.dnskey_ttl() / 2)),
        },
        Fault {
            name: "ksk-roll",
            story: "b rolls its KSK by itself while both serve, and keeps the old one until the parent names the new one",
            expected: Expected {
                reaction: Reaction::Replans,
                says: &[
                    "the keys of b changed",
                    "the parent owes b a DS for its new key",
                    "ds-add is taken again",
                ],
            },
            prepare: room_for_a_roll,
            script: |_| Box::new(KskRoll::default()),
        },
        Fault {
            name: "drops-foreign-keys",
            story: "a throws the keys of b out at a re-sign, once",
            expected: Expected {
                reaction: Reaction::Replans,
                says: &["keys-at-a is taken again"],
            },
            prepare: |_| {},
            script: |_| Spell::at_wait("ns-at-a", drop_foreign, |_| {}, None),
        },
        Fault {
            name: "drops-foreign-keys-always",
            story: "a throws the keys of b out at every re-sign",
            expected: Expected {
                reaction: Reaction::Halts,
                says: &["was put back 3 times and undone each time", "what takes it back"],
            },
            prepare: |_| {},
            script: |ground| {
                Box::new(Resigns {
                    every: ground.play.interval * 3,
                    next: None,
                    over: false,
                })
            },
        },
        Fault {
            name: "cds-alone",
            story: "b alone begins to publish CDS and CDNSKEY, of its own key: a parent that polls would drop the DS of a",
            expected: Expected {
                reaction: Reaction::Replans,
                says: &["cds-at-a is taken again", "cds-at-b is taken again"],
            },
            prepare: |play| {
                for provider in &mut play.config.providers {
                    provider.publish_cds = false;
                }
            },
            script: |_| {
                Spell::at_wait(
                    "ns-at-a",
                    |ground| {
                        let now = ground.now();
                        ground
                            .world
                            .edit("b", now, |zone| zone.manner_mut().publish_cds = true);
                        ground.tell("b publishes CDS and CDNSKEY of its own key alone");
                    },
                    |_| {},
                    None,
                )
            },
        },
    ]
}

/// Both serve for long enough that a roll fits into that time.
///
/// A sweep in an hour sees too little of a key that stands there for two: it is looked at as often as people do.
fn room_for_a_roll(play: &mut Play) {
    let ttls = play.config.ttls;
    play.interval = play.interval.min(Duration::from_secs(u64::from(ttls.dnskey)) / 6);
    play.config.ttls.apex_ns = ttls.apex_ns.min(ttls.dnskey * 2);
    play.config.ttls.parent_ns = ttls.parent_ns.min(ttls.dnskey * 2);
    play.config.ttls.addresses = ttls.addresses.min(ttls.dnskey * 2);
    play.soak = u64::from(ttls.dnskey) * 8 + u64::from(ttls.ds) * 3 / 2;
}

/// Takes away what others placed in the DNSKEY RRset at `a`.
fn drop_foreign(ground: &Ground) {
    ground.world.edit("a", ground.now(), |zone| {
        let apex = zone.apex().clone();
        zone.remove_rrset(&apex, Rtype::DNSKEY);
    });
    ground.tell("a signs its zone anew, and the keys of b are gone from its DNSKEY RRset");
}

/// Throws foreign keys out again and again.
struct Resigns {
    every: Duration,
    next: Option<Moment>,
    over: bool,
}

impl Script for Resigns {
    fn decided(&mut self, ground: &Ground, decision: &Decision, _: &State) {
        if self.next.is_none() && is_about(decision, "ns-at-a", true) {
            self.next = Some(ground.now());
        }
    }

    fn tick(&mut self, ground: &Ground, now: Moment) {
        if !self.over && self.next.is_some_and(|next| now >= next) {
            self.next = Some(now + self.every);
            drop_foreign(ground);
        }
    }

    fn mend(&mut self, ground: &Ground) {
        self.over = true;
        ground.tell("a person has a keep foreign keys");
    }
}

/// Two ZSKs of one tag, one at each provider.
struct Twins;

impl Script for Twins {
    fn before(&mut self, ground: &Ground) {
        let Ok((one, other)) = twins() else {
            return;
        };
        let tag = one.dnskey().tag();
        for (operator, twin) in [("a", one), ("b", other)] {
            ground.world.edit(operator, ground.now(), |zone| {
                for key in zone.keys_mut().iter_mut().filter(|key| key.signs_data) {
                    key.key = twin.clone();
                }
            });
        }
        ground.tell(format!("a and b sign with different keys of the same tag {tag}"));
    }
}

fn twins() -> Result<(Arc<SigningKey>, Arc<SigningKey>), LabError> {
    let mut seen: BTreeMap<u16, Arc<SigningKey>> = BTreeMap::new();
    loop {
        let key = Arc::new(SigningKey::generate(ZSK_FLAGS, crate::lab::ECDSA_P256)?);
        if let Some(twin) = seen.insert(key.dnskey().tag(), key.clone()) {
            return Ok((twin, key));
        }
    }
}

/// Pre-publication (RFC 7583 section 3.2.1): published, then signing, then the old key goes.
struct ZskRoll {
    /// From its publication until the new key signs.
    delay: Duration,
    new: Option<(Arc<SigningKey>, Moment)>,
    signs: Option<Moment>,
    gone: bool,
}

impl ZskRoll {
    fn new(delay: Duration) -> ZskRoll {
        ZskRoll {
            delay,
            new: None,
            signs: None,
            gone: false,
        }
    }

    fn publish(&mut self, ground: &Ground) {
        let Ok(key) = SigningKey::generate(ZSK_FLAGS, crate::lab::ECDSA_P256) else {
            return;
        };
        let key = Arc::new(key);
        ground.world.edit("a", ground.now(), |zone| {
            zone.keys_mut().push(RoleKey {
                key: key.clone(),
                signs_keys: false,
                signs_data: false,
                published: true,
            });
        });
        let tag = key.dnskey().tag();
        ground.tell(format!("a publishes a new ZSK, {tag}, which signs nothing yet"));
        self.new = Some((key, ground.now()));
    }

    fn begins(&self) -> Option<Moment> {
        let (_, published) = self.new.as_ref()?;
        Some(*published + self.delay)
    }
}

impl Script for ZskRoll {
    fn decided(&mut self, ground: &Ground, decision: &Decision, state: &State) {
        if self.new.is_none() && is_about(decision, "soak", true) {
            self.publish(ground);
        }
        if let (Some((key, _)), Some(begins), None) = (&self.new, self.begins(), self.signs) {
            let named = foretell_signing(state, "a", &key.dnskey().id(), begins.floor_seconds());
            ground.foretell(named);
        }
    }

    fn tick(&mut self, ground: &Ground, now: Moment) {
        let (Some((key, _)), Some(begins)) = (self.new.clone(), self.begins()) else {
            return;
        };
        let tag = key.dnskey().tag();
        let is_new = |role: &RoleKey| Arc::ptr_eq(&role.key, &key);
        match self.signs {
            None if now >= begins => {
                self.signs = Some(now);
                ground.world.edit("a", now, |zone| {
                    for role in zone.keys_mut().iter_mut().filter(|role| !role.signs_keys) {
                        role.signs_data = is_new(role);
                    }
                });
                ground.tell(format!("a signs with {tag} from now on"));
            }
            Some(signs) if !self.gone && now >= signs + ground.longest_data() => {
                self.gone = true;
                ground.world.edit("a", now, |zone| {
                    zone.keys_mut().retain(|role| role.signs_keys || is_new(role));
                });
                ground.tell("a takes its old ZSK away");
            }
            _ => {}
        }
    }
}

/// Double signature (RFC 7583 section 3.3.1): the old key goes when the parent has named the new one for the TTL of the DS.
#[derive(Default)]
struct KskRoll {
    new: Option<Arc<SigningKey>>,
    named: Option<Moment>,
    gone: bool,
}

impl Script for KskRoll {
    fn decided(&mut self, ground: &Ground, decision: &Decision, _: &State) {
        if self.new.is_some() || !is_about(decision, "soak", true) {
            return;
        }
        let Ok(key) = SigningKey::generate(KSK_FLAGS, crate::lab::ECDSA_P256) else {
            return;
        };
        let key = Arc::new(key);
        ground.world.edit("b", ground.now(), |zone| {
            zone.keys_mut().push(RoleKey {
                key: key.clone(),
                signs_keys: true,
                signs_data: false,
                published: true,
            });
        });
        let tag = key.dnskey().tag();
        ground.tell(format!(
            "b signs its DNSKEY RRset with a new KSK, {tag}, beside the old one"
        ));
        self.new = Some(key);
    }

    fn tick(&mut self, ground: &Ground, now: Moment) {
        let Some(key) = self.new.clone() else {
            return;
        };
        let Some(ds) = key.ds(ground.world.zone()) else {
            return;
        };
        if self.named.is_none() {
            let zone = ground.world.zone().clone();
            let named = ground.world.read("registry", |registry| {
                registry
                    .content(&zone, Rtype::DS)
                    .is_some_and(|content| content.rdatas.contains(&ds.rdata()))
            });
            if named == Some(true) {
                self.named = Some(now);
                ground.tell(format!("the parent names {}", key.dnskey().tag()));
            }
        }
        let over = self
            .named
            .is_some_and(|named| now >= named + ground.ds_life() + ground.safety());
        if over && !self.gone {
            self.gone = true;
            ground.world.edit("b", now, |zone| {
                zone.keys_mut()
                    .retain(|role| !role.signs_keys || Arc::ptr_eq(&role.key, &key));
            });
            ground.tell("b takes its old KSK away");
        }
    }
}
