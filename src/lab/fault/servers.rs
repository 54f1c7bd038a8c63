//! Servers that do not answer as they should.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Fault;
use super::expect::{Expected, Reaction};
use super::ground::Ground;
use super::script::{Script, Spell};
use crate::dns::{Name, Rcode};
use crate::evidence::Proto;
use crate::lab::{Asked, Before, Habit};
use crate::moment::Moment;

pub(super) fn faults() -> Vec<Fault> {
    let waits = |says| Expected {
        reaction: Reaction::Waits,
        says,
    };
    vec![
        Fault {
            name: "lagging-secondary",
            story: "the secondary of a takes up every change only long after the primary",
            expected: waits(&["not yet seen at every server"]),
            prepare: |_| {},
            script: |ground| {
                let lag = Lag(ground.play.interval * 3);
                Box::new(Lagging(Some(lag)))
            },
        },
        Fault {
            name: "server-refused",
            story: "the secondary of a answers REFUSED for longer than the wait lasts",
            expected: waits(&["not every server answered", "REFUSED"]),
            prepare: |_| {},
            script: |ground| {
                sick(ground, |ground| {
                    put(
                        ground,
                        "a",
                        Some(Arc::new(Says(Before::Code(Rcode::REFUSED)))),
                        "answers REFUSED",
                    )
                })
            },
        },
        Fault {
            name: "server-silent",
            story: "the secondary of a says nothing at all for longer than the wait lasts",
            expected: waits(&["not every server answered", "no answer in time"]),
            prepare: |_| {},
            script: |ground| {
                sick(ground, |ground| {
                    put(ground, "a", Some(Arc::new(Says(Before::Drop))), "says nothing")
                })
            },
        },
        Fault {
            name: "server-junk",
            story: "the secondary of a answers with octets that are no message",
            expected: waits(&["not every server answered", "undecodable"]),
            prepare: |_| {},
            script: |ground| {
                sick(ground, |ground| {
                    put(ground, "a", Some(Arc::new(Junk)), "answers with junk")
                })
            },
        },
        Fault {
            name: "server-truncates",
            story: "the secondary of a truncates every answer and does not answer over TCP",
            expected: waits(&[
                "not every server answered",
                "truncated, and TCP did not give the rest",
            ]),
            prepare: |_| {},
            script: |ground| {
                sick(ground, |ground| {
                    put(ground, "a", Some(Arc::new(NoTcp)), "truncates, and has no TCP")
                })
            },
        },
    ]
}

/// Sick while the program waits for the DS RRset to leave the caches, and beyond the end of that wait.
fn sick(ground: &Ground, begin: fn(&Ground)) -> Box<dyn Script> {
    let lasts = Some(ground.beyond_the_gate());
    Spell::at_wait(
        "ns-at-a",
        begin,
        |ground| put(ground, "a", None, "is well again"),
        lasts,
    )
}

/// Gives the second server of an operator other habits.
fn put(ground: &Ground, operator: &str, habit: Option<Arc<dyn Habit>>, words: &str) {
    let Some((address, name)) = secondary(ground, operator) else {
        return;
    };
    ground.world.set_habit(address, habit);
    ground.tell(format!("{name} {words}"));
}

pub(super) fn secondary(ground: &Ground, operator: &str) -> Option<(SocketAddr, Name)> {
    let address = ground.world.addresses(operator).get(1).copied()?;
    let name = ground.world.name_servers(operator).get(1).cloned()?;
    Some((address, name))
}

/// Says this to whatever comes.
struct Says(Before);

impl Habit for Says {
    fn before(&self, _: &Asked<'_>) -> Before {
        self.0
    }
}

/// Answers with octets that are no message.
struct Junk;

impl Habit for Junk {
    fn after(&self, _: &Asked<'_>, answer: Vec<u8>) -> Option<Vec<u8>> {
        // The identifier stays, so that it is taken for an answer; what follows is cut in the middle of a record.
        Some(answer.into_iter().take(20).collect())
    }
}

/// Octets of a header, and where its flags stand.
const HEADER: usize = 12;
const FLAGS: usize = 2;
const TRUNCATED: u8 = 0x02;

/// Sets the TC bit over UDP and says nothing over TCP.
struct NoTcp;

impl Habit for NoTcp {
    fn before(&self, asked: &Asked<'_>) -> Before {
        match asked.proto {
            Proto::Tcp => Before::Drop,
            Proto::Udp => Before::Answer,
        }
    }

    fn after(&self, _: &Asked<'_>, mut answer: Vec<u8>) -> Option<Vec<u8>> {
        if answer.len() >= HEADER
            && let Some(flags) = answer.get_mut(FLAGS)
        {
            *flags |= TRUNCATED;
        }
        Some(answer)
    }
}

/// Takes up changes late.
struct Lag(Duration);

impl Habit for Lag {
    fn lag(&self, _: &Name, _: Moment) -> Duration {
        self.0
    }
}

/// Lags from the beginning to the end.
struct Lagging(Option<Lag>);

impl Script for Lagging {
    fn before(&mut self, ground: &Ground) {
        if let Some(lag) = self.0.take() {
            let words = format!("takes up every change {} s late", lag.0.as_secs());
            put(ground, "a", Some(Arc::new(lag)), &words);
        }
    }
}
