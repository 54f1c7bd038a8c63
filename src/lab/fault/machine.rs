//! The machine that the program runs on.

use super::Fault;
use super::expect::{Expected, Reaction};
use super::ground::Ground;
use super::script::{Script, Spell, is_about};
use crate::workflow::{Decision, State};

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault {
            name: "clock-forward",
            story: "the clock of this machine jumps forward beyond the end of a wait, and is set right later",
            expected: Expected {
                reaction: Reaction::Waits,
                says: &["the clock jumped forward", "the clock jumped back"],
            },
            prepare: |_| {},
            script: |ground| {
                let lasts = Some(ground.play.interval * 2);
                Spell::at_wait(
                    "ns-at-a",
                    |ground| {
                        let ahead = millis(ground.ds_life()) * 3 / 2;
                        ground.set_skew(ahead);
                        ground.tell(format!(
                            "the clock of this machine jumps forward by {} s",
                            ahead / 1_000
                        ));
                    },
                    |ground| {
                        ground.set_skew(0);
                        ground.tell("the clock of this machine is set right");
                    },
                    lasts,
                )
            },
        },
        Fault {
            name: "clock-back",
            story: "the clock of this machine jumps back during a wait, and is set right later",
            expected: Expected {
                reaction: Reaction::Waits,
                says: &["the clock jumped back", "the clock jumped forward"],
            },
            prepare: |_| {},
            script: |ground| {
                let lasts = Some(ground.play.interval * 2);
                Spell::at_wait(
                    "ns-at-a",
                    |ground| {
                        // Signatures begin an hour before they are made: a clock that is further behind finds them too new.
                        let behind = (millis(ground.ds_life()) * 3 / 2).min(2_400_000);
                        ground.set_skew(-behind);
                        ground.tell(format!(
                            "the clock of this machine jumps back by {} s",
                            behind / 1_000
                        ));
                    },
                    |ground| {
                        ground.set_skew(0);
                        ground.tell("the clock of this machine is set right");
                    },
                    lasts,
                )
            },
        },
        Fault {
            name: "disk-full",
            story: "the disk is full when a change is to be written down",
            expected: Expected {
                reaction: Reaction::Stops,
                says: &[
                    "no space left",
                    "run this again",
                    "nothing was changed while the disk was full",
                ],
            },
            prepare: |_| {},
            script: |_| Box::new(FullDisk::default()),
        },
    ]
}

fn millis(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 4)
}

/// Full from the moment at which a change was decided.
#[derive(Default)]
struct FullDisk {
    serial: Option<u32>,
    begun: bool,
}

fn serial(ground: &Ground) -> Option<u32> {
    ground.world.read("a", |zone| zone.serial()).flatten()
}

impl Script for FullDisk {
    fn decided(&mut self, ground: &Ground, decision: &Decision, _: &State) {
        if !self.begun && matches!(decision, Decision::Act { .. }) && is_about(decision, "ns-at-a", false) {
            self.begun = true;
            self.serial = serial(ground);
            ground.fill_disk(true);
            ground.tell("the disk is full");
        }
    }

    fn mend(&mut self, ground: &Ground) {
        if self.begun && serial(ground) == self.serial {
            ground.with(|seen| {
                seen.notes
                    .push("nothing was changed while the disk was full".to_owned())
            });
        }
        ground.fill_disk(false);
        ground.tell("a person makes room on the disk");
    }
}
