//! A decision that is said to stand is the one that would be made.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use unbroken::dnssec::Memo;
use unbroken::evidence::{BlobId, Outcome, Sweep};
use unbroken::moment::Moment;
use unbroken::workflow::{Decision, Event, Standing, State, decide, decide_standing};

use super::made::whole;

/// Some 24 days, in seconds: longer than any wait and any signature of the stage.
const LONGEST: u64 = 1 << 21;

struct Folded {
    state: State,
    blobs: BTreeMap<BlobId, Arc<[u8]>>,
}

impl Folded {
    fn take(&mut self, at: Moment, event: &Event) {
        self.state.apply(at, event, &|id| self.blobs.get(id).cloned());
    }

    /// The state after the same sweep once more, so much later.
    fn later(&self, sweep: &Sweep, by: Duration) -> State {
        let mut state = self.state.clone();
        let sweep = moved(sweep, by);
        let at = sweep.ended;
        state.apply(at, &Event::Sweep(sweep), &|id| self.blobs.get(id).cloned());
        state
    }
}

fn moved(sweep: &Sweep, by: Duration) -> Sweep {
    let mut sweep = sweep.clone();
    sweep.started = sweep.started + by;
    sweep.ended = sweep.ended + by;
    for one in &mut sweep.observations {
        one.sent = one.sent + by;
        one.done = one.done + by;
    }
    sweep
}

/// The last second of those to come in which it is said to stand.
fn last_second(folded: &Folded, sweep: &Sweep, standing: &Standing) -> u64 {
    let holds = |by| standing.holds(&folded.later(sweep, Duration::from_secs(by)));
    let (mut holding, mut over) = (0, LONGEST);
    while over - holding > 1 {
        let middle = holding.midpoint(over);
        if holds(middle) {
            holding = middle;
        } else {
            over = middle;
        }
    }
    holding
}

#[test]
fn what_stands_would_be_decided_again() {
    let parts = whole();
    let mut folded = Folded {
        state: State::new(parts.anchors.clone()).with_memo(Memo::remembering()),
        blobs: parts
            .blobs
            .iter()
            .map(|(id, octets)| (id.clone(), Arc::from(octets.as_slice())))
            .collect(),
    };
    let mut held: Option<(Standing, Decision)> = None;
    let (mut stood, mut renewals, mut turned, mut sweeps) = (0, 0, 0, 0);
    for entry in parts.entries() {
        let event = Event::read(&entry.kind, &entry.body).unwrap();
        folded.take(entry.at, &event);
        let Event::Sweep(sweep) = &event else { continue };
        if folded.state.plan.is_none() || folded.state.ended {
            continue;
        }
        sweeps += 1;
        let (made, found) = decide_standing(&folded.state);
        assert_eq!(made, decide(&folded.state));
        if let Some((standing, decision)) = &mut held {
            if !standing.holds(&folded.state)
                && let Some(renewed) = standing.renewed(&folded.state)
            {
                *standing = renewed;
                renewals += 1;
            }
            if standing.holds(&folded.state) {
                assert!(
                    decision.same_as(&made),
                    "{decision:?} stood, and {made:?} is made"
                );
                stood += 1;
                continue;
            }
        }
        // Only a wait stands.
        assert!(
            found.is_none() || matches!(made, Decision::Wait { .. }),
            "{made:?}"
        );
        if let Some(standing) = &found {
            assert!(standing.holds(&folded.state));
            let last = last_second(&folded, sweep, standing);
            for by in [1, last / 2, last.saturating_sub(1), last] {
                let later = folded.later(sweep, Duration::from_secs(by));
                if !standing.holds(&later) {
                    // A sweep that is seen for the second time stirs nothing, but for the time above the zone.
                    continue;
                }
                let again = decide(&later);
                assert!(made.same_as(&again), "after {by} s: {made:?} became {again:?}");
                turned += 1;
            }
        }
        held = found.map(|standing| (standing, made));
    }
    assert!(
        stood > 20 && turned > 100,
        "{stood} stood, {turned} of {sweeps} sweeps"
    );
}

#[test]
fn a_sweep_stirs_nothing_only_where_each_server_says_what_it_said() {
    let parts = whole();
    let mut state = State::new(parts.anchors.clone());
    let octets = |id: &BlobId| parts.blobs.get(id).map(|octets| Arc::from(octets.as_slice()));
    let mut said: BTreeMap<String, Outcome> = BTreeMap::new();
    let mut still = 0;
    for entry in parts.entries() {
        let event = Event::read(&entry.kind, &entry.body).unwrap();
        let before = (state.stirs(), state.renewals());
        state.apply(entry.at, &event, &octets);
        let stirred = (state.stirs(), state.renewals()) != before;
        let Event::Sweep(sweep) = event else {
            assert!(stirred || entry.kind == "decision", "{}", entry.kind);
            continue;
        };
        still += u64::from(!stirred);
        for one in sweep.observations {
            let place = (&one.place, one.address, one.proto, &one.name, one.rtype);
            let mut outcome = one.outcome.clone();
            if let Outcome::Answer { id, .. } = &mut outcome {
                *id = 0;
            }
            let former = said.insert(format!("{place:?}"), outcome.clone());
            assert!(
                stirred || former == Some(outcome),
                "entry {}: {place:?}",
                entry.seq
            );
        }
    }
    assert!(still > 20, "{still}");
}
