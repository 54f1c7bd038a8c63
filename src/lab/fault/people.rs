//! What people do in the middle of a move.

use super::Fault;
use super::expect::{Expected, Reaction};
use super::ground::Ground;
use super::script::{Script, Spell, is_about};
use crate::dns::{Record, Rtype};
use crate::workflow::{Decision, State, foretell};

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault {
            name: "ds-by-hand",
            story: "a person removes the DS of b by hand in the middle of a wait",
            expected: Expected {
                reaction: Reaction::Halts,
                says: &["was done and is undone", "put it back by hand"],
            },
            prepare: |_| {},
            script: |_| {
                Spell::at_wait(
                    "ns-at-a",
                    |ground| {
                        edit_ds(ground, false);
                        ground.tell("somebody removes the DS of b at the registry");
                    },
                    |ground| {
                        edit_ds(ground, true);
                        ground.tell("a person puts the DS of b back");
                    },
                    None,
                )
            },
        },
        Fault {
            name: "wait-cut-short",
            story: "a person names b at a by force, though the old DS RRset may still be in caches",
            expected: Expected {
                reaction: Reaction::Foretells,
                says: &[
                    "resolvers fail that hold: ds-dnskey",
                    "resolvers may fail until then",
                ],
            },
            // Resolvers hear of other name servers long before the DS RRset leaves their caches.
            prepare: |play| {
                let short = play.config.ttls.ds.div_ceil(12);
                play.config.ttls.apex_ns = short;
                play.config.ttls.parent_ns = short;
            },
            script: |_| Box::new(Force { done: false }),
        },
    ]
}

fn edit_ds(ground: &Ground, there: bool) {
    let (zone, of_b) = (ground.world.zone().clone(), ground.world.own_ds("b"));
    let ttl = ground.play.config.ttls.ds;
    ground.world.edit("registry", ground.now(), |registry| {
        for ds in &of_b {
            if there {
                registry.add(&ds.record(&zone, ttl));
            } else {
                registry.remove(&zone, Rtype::DS, &ds.rdata());
            }
        }
    });
}

/// Does a step by hand while its gate is closed. What the checker says of that is written down first.
struct Force {
    done: bool,
}

impl Script for Force {
    fn decided(&mut self, ground: &Ground, decision: &Decision, state: &State) {
        let Decision::Wait { step, .. } = decision else {
            return;
        };
        if self.done || !is_about(decision, "ns-at-a", true) {
            return;
        }
        self.done = true;
        ground.foretell(foretell(state, step));
        let world = &ground.world;
        let ttl = ground.play.config.ttls.apex_ns;
        world.edit("a", ground.now(), |zone| {
            let apex = zone.apex().clone();
            for host in world.name_servers("b") {
                zone.add(&Record::new(apex.clone(), Rtype::NS, ttl, host.wire().to_vec()));
            }
        });
        ground.tell(format!(
            "somebody takes step {step} by force, though its gate is closed"
        ));
    }
}
