//! Updates that come to nothing, and a registry that is slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Fault;
use super::expect::{Expected, Reaction};
use super::ground::Ground;
use super::script::{Script, Spell};
use super::servers::secondary;
use crate::dns::{Name, Record};
use crate::lab::{Asked, Before, Habit, Play};
use crate::moment::Moment;

const OPCODE_UPDATE: u8 = 5;

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault {
            name: "lost-update",
            story: "an update to a is lost on its way, and no answer comes",
            expected: Expected {
                reaction: Reaction::Waits,
                says: &["keys-at-a failed"],
            },
            prepare: |_| {},
            script: |_| {
                Spell::at(
                    "keys-at-a",
                    |ground| {
                        primary(ground, "a", Some(Arc::new(Loses(AtomicBool::new(false)))));
                        ground.tell("the next update to a is lost");
                    },
                    |_| {},
                    None,
                )
            },
        },
        Fault {
            name: "deaf-driver",
            story: "the primary of a says yes to every update and does nothing",
            expected: Expected {
                reaction: Reaction::Halts,
                says: &["says yes every time, and no server shows it"],
            },
            prepare: hasty,
            script: |_| {
                Spell::at(
                    "keys-at-a",
                    |ground| {
                        primary(ground, "a", Some(Arc::new(Deaf)));
                        ground.tell("a says yes to every update and does nothing");
                    },
                    |ground| {
                        primary(ground, "a", None);
                        ground.tell("a person mends it: a does what it is told");
                    },
                    None,
                )
            },
        },
        Fault {
            name: "stale-ds",
            story: "one server of the parent goes on serving the old DS RRset",
            expected: Expected {
                reaction: Reaction::Waits,
                says: &["the parent's servers do not agree on the DS RRset"],
            },
            prepare: |_| {},
            script: |ground| {
                let lasts = Some(ground.play.interval * 6);
                Spell::at(
                    "ds-add",
                    |ground| {
                        if let Some((address, name)) = secondary(ground, "registry") {
                            ground
                                .world
                                .set_habit(address, Some(Arc::new(Asleep(ground.play.interval * 6))));
                            ground.tell(format!("{name} does not take up the new DS RRset"));
                        }
                    },
                    |ground| {
                        if let Some((address, name)) = secondary(ground, "registry") {
                            ground.world.set_habit(address, None);
                            ground.tell(format!("{name} takes it up"));
                        }
                    },
                    lasts,
                )
            },
        },
        Fault {
            name: "slow-registry",
            story: "the registry publishes every change an hour after it said yes (on sockets: three seconds)",
            expected: Expected {
                reaction: Reaction::Waits,
                says: &["not yet seen at every server"],
            },
            prepare: |play| play.config.delays.registry = hour(play),
            script: |_| Box::new(Slow),
        },
        Fault {
            name: "dead-registry",
            story: "the registry says yes and never publishes anything",
            expected: Expected {
                reaction: Reaction::Halts,
                says: &["says yes every time, and no server shows it", "DS at the parent"],
            },
            prepare: hasty,
            script: |_| {
                Spell::at(
                    "ds-add",
                    |ground| {
                        primary(ground, "registry", Some(Arc::new(Deaf)));
                        ground.tell("the registry says yes and publishes nothing");
                    },
                    |ground| {
                        primary(ground, "registry", None);
                        ground.tell("a person gets through to the registry: it publishes again");
                    },
                    None,
                )
            },
        },
    ]
}

/// Eight tries, each with twice the patience, take minutes even with the least patience: on sockets there is none.
fn hasty(play: &mut Play) {
    if !play.virtual_time {
        play.rules.patience = 0;
    }
}

fn hour(play: &Play) -> Duration {
    if play.virtual_time {
        Duration::from_secs(3_600)
    } else {
        Duration::from_secs(3)
    }
}

fn primary(ground: &Ground, operator: &str, habit: Option<Arc<dyn Habit>>) {
    if let Some(address) = ground.world.primary(operator) {
        ground.world.set_habit(address, habit);
    }
}

/// Loses one update.
struct Loses(AtomicBool);

impl Habit for Loses {
    fn before(&self, asked: &Asked<'_>) -> Before {
        if asked.message.opcode == OPCODE_UPDATE && !self.0.swap(true, Ordering::SeqCst) {
            return Before::Drop;
        }
        Before::Answer
    }
}

/// Says NOERROR and does nothing.
struct Deaf;

impl Habit for Deaf {
    fn heed(&self, _: &Name, _: Vec<Record>) -> Vec<Record> {
        Vec::new()
    }
}

/// Takes up nothing for a while.
struct Asleep(Duration);

impl Habit for Asleep {
    fn lag(&self, _: &Name, _: Moment) -> Duration {
        self.0
    }
}

/// The delay is in how the lab is built.
struct Slow;

impl Script for Slow {
    fn before(&mut self, ground: &Ground) {
        let delay = ground.play.config.delays.registry.as_secs();
        ground.tell(format!("the registry publishes every change {delay} s late"));
    }
}
