//! A move of ten days with a sweep each minute and ten servers stays small; `benches/report.rs` has the time.

use std::net::{Ipv4Addr, SocketAddr};

use unbroken::dns::{Name, Rtype};
use unbroken::evidence::{BlobId, Observation, Outcome, Place, Proto, Sweep};
use unbroken::moment::Moment;
use unbroken::report::evidence::{evidence_html, evidence_report};
use unbroken::workflow::{Decision, Event, StepId};

use crate::made;

const SWEEPS: i64 = 10 * 24 * 60;
const LARGEST: usize = 2_000_000;

fn sweep(began: i64, silent: Option<u8>) -> Sweep {
    let sent = Moment::from_seconds(began);
    let blob = BlobId::of(b"an answer");
    let observations = (0..10u8)
        .flat_map(|server| {
            let blob = blob.clone();
            [Rtype::SOA, Rtype::NS, Rtype::DNSKEY].map(move |rtype| Observation {
                place: Place::Provider(if server < 5 { "a" } else { "b" }.to_owned()),
                server: Name::parse(&format!("ns{server}.prov.test.")).unwrap(),
                address: SocketAddr::from((Ipv4Addr::new(203, 0, 113, server), 53)),
                proto: Proto::Udp,
                name: Name::parse("shop.test.").unwrap(),
                rtype,
                sent,
                done: sent,
                outcome: if silent == Some(server) {
                    Outcome::Timeout
                } else {
                    Outcome::Answer {
                        blob: blob.clone(),
                        id: 7,
                    }
                },
            })
        })
        .collect();
    Sweep {
        started: sent,
        ended: sent,
        observations,
        blind: Vec::new(),
    }
}

/// The worst that is likely: after a whole move, each address falls silent every two hours, the gate is derived anew after
/// every sweep, and a wait begins anew every hour.
#[tokio::test]
async fn ten_days_of_minutes_stay_below_two_megabytes() {
    let kept = made::moved().await;
    let mut gathered = made::gathered(&kept);
    let state = gathered.state.clone();
    let begin = made::last_moment(&kept).ceil_seconds() + 60;
    let mut entry = gathered.entries;
    for minute in 0..SWEEPS {
        let at = begin + 60 * minute;
        let silent = u8::try_from(minute % 120).ok().filter(|server| *server < 10);
        entry += 1;
        gathered.observe(
            entry,
            Moment::from_seconds(at),
            &Event::Sweep(sweep(at, silent)),
            &state,
        );
        entry += 1;
        let wait = Decision::Wait {
            step: StepId(
                if minute % 120 < 60 {
                    "09-soak"
                } else {
                    "16-retire-a"
                }
                .to_owned(),
            ),
            until: Some(at + 3_600),
            why: "both serve the zone".to_owned(),
            gate: None,
        };
        gathered.observe(
            entry,
            Moment::from_seconds(at),
            &Event::Decision(Box::new(wait)),
            &state,
        );
    }
    let report = evidence_report(&gathered, made::verified());
    assert_eq!(
        report.figures.sweeps,
        u64::try_from(SWEEPS).unwrap() + made::gathered(&kept).sweeps
    );
    let outages = report
        .findings
        .iter()
        .filter(|finding| finding.kind == "outage")
        .count();
    assert!(outages >= 1_000, "only {outages} outages");
    let html = evidence_html(&report);
    assert!(html.len() < LARGEST, "{} octets", html.len());
    assert!(html.contains("did not fit into the picture") || report.picture.marks.len() < 80);
}
