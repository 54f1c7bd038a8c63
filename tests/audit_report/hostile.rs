//! What others wrote stays text: script in names, TXT data, error bodies, notes, words of a terminal.

use std::collections::BTreeMap;

use unbroken::dns::Name;
use unbroken::evidence::Exchange;
use unbroken::lab::LabConfig;
use unbroken::moment::Moment;
use unbroken::ports::{Applied, DriverError, FailureClass};
use unbroken::report::evidence::{
    About, Check, EvidenceReport, Standing, TimeStamp, evidence_html, evidence_report, evidence_text,
};
use unbroken::workflow::{Approval, Begin, Compared, Decision, Done, Event, Intended, Pair, StepId};
use unbroken::zone::Comparison;

use crate::made;
use crate::stage::{Kept, START, Scene};

/// Each breaks out of another place: text, an attribute, the title, the style, a drawing, a comment.
pub(crate) const PAYLOADS: [&str; 6] = [
    "<script>globalThis.hostile=1</script>",
    "\"><img src=x onerror=\"globalThis.hostile=2\">",
    "</title></style></svg><script>globalThis.hostile=3</script>",
    "' onmouseover='globalThis.hostile=4' x='",
    "--><svg onload=globalThis.hostile=5><!--",
    "\u{202e}]]>&lt;script&gt;\u{1b}[31m\r\nfinding: none",
];

/// A move of a zone whose own name and TXT data are script, with a comparison, an error and notes that are.
pub(crate) async fn report() -> EvidenceReport {
    let zone = Name::parse("<script>hostile=6</script>.test.").unwrap();
    let text = concat!(
        "@ 300 IN SOA ns1.prova.test. host.test. 1 3600 600 86400 60\n",
        "www 300 IN TXT \"<script>globalThis.hostile=7</script>\" \"\\\"><img src=x onerror=alert(1)>\"\n",
        "<img\\032src=x\\032onerror=hostile=8> 300 IN A 192.0.2.80\n",
    );
    let mut scene = Scene::migrate();
    let ttls = scene.config.ttls;
    scene.config = LabConfig::with_zone_text(zone, text, Moment::from_seconds(START)).unwrap();
    scene.config.ttls = ttls;
    let kept = made::moved_in(scene).await;
    let mut fold = made::folded(&kept);
    write_hostile(&mut fold, &kept);
    let mut assurance = made::verified();
    assurance.seal_keys = PAYLOADS.map(str::to_owned).to_vec();
    assurance.time_stamps = PAYLOADS
        .map(|text| TimeStamp {
            text: text.to_owned(),
            command: text.to_owned(),
        })
        .to_vec();
    assurance.ntp = Some(PAYLOADS[0].to_owned());
    assurance.anchors = PAYLOADS[0].to_owned();
    assurance.checks.extend(PAYLOADS.map(|payload| Check {
        what: payload.to_owned(),
        about: About::Evidence,
        standing: Standing::Fails,
        detail: payload.to_owned(),
        entry: Some(1),
        blob: Some(payload.to_owned()),
    }));
    evidence_report(fold.gathered(), assurance)
}

fn write_hostile(fold: &mut made::Fold, kept: &Kept) {
    let at = made::last_moment(kept);
    let plan = fold.gathered().state.plan_hash.clone().unwrap();
    let mut entry = 1_000_000;
    for payload in PAYLOADS {
        let payload = payload.to_owned();
        let step = StepId("01-keys-at-a".to_owned());
        let error = DriverError {
            who: payload.clone(),
            what: payload.clone(),
            said: payload.clone(),
            class: FailureClass::Refused,
        };
        let said = payload.clone();
        let difference = format!("- www.test. 300 TXT \"{payload}\"");
        let events = [
            Event::Begin(Begin {
                program: payload.clone(),
                anchors: String::new(),
                settings: serde_json::Value::Null,
                vantage: payload.clone(),
                by: payload.clone(),
            }),
            Event::Approval(Approval {
                what: payload.clone(),
                plan: plan.clone(),
                by: payload.clone(),
                note: payload.clone(),
            }),
            Event::Intent(Intended {
                step: step.clone(),
                provider: Some(payload.clone()),
                changes: Vec::new(),
            }),
            Event::Outcome(Done {
                step,
                results: vec![
                    Ok(Applied::Accepted { said }),
                    Ok(Applied::Manual {
                        instructions: payload.clone(),
                    }),
                    Err(error),
                ],
                exchanges: vec![Exchange {
                    with: payload.clone(),
                    sent: None,
                    status: Some(500),
                    received: None,
                    said: Some(payload.clone()),
                }],
            }),
            Event::Contents(Compared {
                copies: BTreeMap::new(),
                pairs: vec![Pair {
                    left: difference,
                    right: payload.clone(),
                    comparison: Comparison {
                        only_left: 1,
                        ..Comparison::default()
                    },
                }],
            }),
            Event::Decision(Box::new(Decision::Halt {
                what: payload.clone(),
                safe: payload.clone(),
                by: unbroken::workflow::By::default(),
                choices: vec![payload.clone()],
            })),
        ];
        for event in events {
            entry += 1;
            fold.take(entry, at, &event, kept);
        }
    }
}

/// How often a tag is opened; what is escaped opens none.
fn opened(html: &str, tag: &str) -> usize {
    let html = html.to_ascii_lowercase();
    let mark = format!("<{tag}");
    html.match_indices(&mark)
        .filter(|(at, _)| !html[at + mark.len()..].starts_with(|next: char| next.is_ascii_alphanumeric()))
        .count()
}

#[tokio::test]
async fn script_in_a_name_a_text_an_error_and_a_note_is_escaped() {
    let report = report().await;
    let html = evidence_html(&report);
    assert!(
        report.zone.contains("<script>"),
        "the zone was to be hostile: {}",
        report.zone
    );
    for tag in [
        "script", "img", "iframe", "object", "embed", "link", "base", "form",
    ] {
        assert_eq!(opened(&html, tag), 0, "<{tag}");
    }
    for tag in ["style", "head", "body", "html", "main"] {
        assert_eq!(opened(&html, tag), 1, "<{tag}");
    }
    assert_eq!(html.matches("</style>").count(), 1);
    for payload in PAYLOADS.iter().filter(|payload| payload.contains('<')) {
        assert!(!html.contains(payload), "{payload}");
    }
    // And nothing is lost: it stands there as text.
    assert!(
        html.matches("&lt;script&gt;globalThis.hostile=1&lt;/script&gt;")
            .count()
            > 10
    );
    assert!(html.contains("&quot;&gt;&lt;img src=x onerror=&quot;globalThis.hostile=2&quot;&gt;"));
    assert!(html.contains("- www.test. 300 TXT"));
    // A quotation mark of the other kind ends no attribute: all of ours are in double ones.
    let ours = html.replace(PAYLOADS[3], "");
    assert!(!ours.contains("='"), "an attribute in single quotation marks");
}

#[tokio::test]
async fn nothing_is_fetched_and_no_script_runs() {
    let html = evidence_html(&report().await);
    assert!(html.contains(
        "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\""
    ));
    // Addresses stand only in the name spaces of drawings and in what others wrote.
    let markup = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for outside in [
        " src=\"",
        " href=\"http",
        "href=\"//",
        "@import",
        "url(http",
        "url(//",
        "javascript:",
    ] {
        assert!(!markup.contains(outside), "{outside}");
    }
    let attributes = markup
        .match_indices(" href=\"")
        .map(|(at, mark)| &markup[at + mark.len()..]);
    assert!(attributes.clone().count() > 5);
    assert!(
        attributes.clone().all(|rest| rest.starts_with('#')),
        "a link that leads out"
    );
}

#[tokio::test]
async fn the_text_is_not_steered_by_what_others_wrote() {
    let text = evidence_text(&report().await);
    assert!(text.chars().all(|char| char == '\n' || !char.is_control()));
    assert!(!text.contains('\u{202e}'), "it turns what follows");
    assert!(
        !text.lines().any(|line| line == "finding: none"),
        "a line of somebody else's"
    );
}
