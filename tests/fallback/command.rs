//! The commands, on a lab of sockets.

use unbroken::lab::{ED25519, Zone};

use crate::support::secrets::{both, holder};
use crate::support::{Lab, automatic};

async fn lab() -> Lab {
    let lab = Lab::start(|config| {
        config.providers[1].algorithm = ED25519;
        for provider in &mut config.providers {
            provider.publish_cds = false;
        }
    })
    .await;
    let path = lab.dir.path().join("unbroken.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, automatic(&text, &lab.world, lab.dir.path())).unwrap();
    lab
}

fn settings(lab: &Lab, from: &str, to: &str) {
    let path = lab.dir.path().join("unbroken.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
}

fn serials(lab: &Lab) -> Vec<Option<u32>> {
    let operators = ["registry", "a", "b"];
    operators
        .iter()
        .map(|name| lab.world.read(name, Zone::serial).flatten())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_plan_to_the_evidence() {
    let lab = lab().await;
    let before = serials(&lab);

    let refused = lab
        .unbroken(&["plan", "migrate", "--from", "a", "--to", "b"])
        .await;
    assert_eq!(refused.code, Some(1), "{}{}", refused.out, refused.err);
    assert!(
        refused
            .out
            .contains("unbroken fallback --from a --to b --zone shop.test."),
        "{}",
        refused.out
    );

    let planned = lab.unbroken(&["fallback", "--from", "a", "--to", "b"]).await;
    assert_eq!(planned.code, Some(0), "{}{}", planned.out, planned.err);
    assert!(planned.out.contains("INSECURE, on purpose"), "{}", planned.out);
    assert!(planned.out.contains("04-ds-remove-all"), "{}", planned.out);

    // Settings that forbid it count at once, also for a plan that was made before.
    settings(&lab, "signers = ", "never_insecure = true\nsigners = ");
    for arguments in [&["fallback", "--from", "a", "--to", "b"][..], &["run", "--yes"]] {
        let refused = lab.unbroken(arguments).await;
        assert_eq!(refused.code, Some(1), "{}{}", refused.out, refused.err);
        assert!(
            format!("{}{}", refused.out, refused.err).contains("never-insecure"),
            "{}",
            refused.err
        );
    }
    settings(&lab, "never_insecure = true\n", "");

    let unasked = lab.unbroken(&["run"]).await;
    assert_eq!(unasked.code, Some(3), "{}", unasked.err);
    // The plan is approved as it is; the insecure step is not.
    for arguments in [&["step", "--yes"][..], &["step"]] {
        let asked = lab.unbroken(arguments).await;
        assert_eq!(asked.code, Some(3), "{}{}", asked.out, asked.err);
        assert!(
            asked.err.contains("04-ds-remove-all waits for a person"),
            "{}",
            asked.err
        );
        assert!(
            asked.err.contains("the zone is insecure, from the moment"),
            "{}",
            asked.err
        );
    }
    assert_eq!(serials(&lab), before);

    let word = [
        "approve",
        "04-ds-remove-all",
        "--yes",
        "--by",
        "ann",
        "--because",
        "change 4711",
    ];
    let approved = lab.unbroken(&word).await;
    assert_eq!(approved.code, Some(0), "{}", approved.err);
    let step = lab.unbroken(&["step"]).await;
    assert_eq!(step.code, Some(0), "{}{}", step.out, step.err);
    let status = lab.unbroken(&["status"]).await;
    assert!(
        status.out.contains("insecure: as planned since"),
        "{}",
        status.out
    );
    assert!(status.out.contains("approved by ann"), "{}", status.out);
    let json = lab.unbroken(&["status", "--json"]).await;
    assert!(json.out.contains("\"approved_by\": \"ann\""), "{}", json.out);

    let ran = lab.unbroken(&["run"]).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    assert!(
        ran.out
            .contains("insecure as planned: step 04-ds-remove-all, approved by ann"),
        "{}",
        ran.out
    );

    let bundle = ["audit", "bundle", "--zone", "shop.test", "--out", "shop.tar"];
    let exported = lab.unbroken(&bundle).await;
    assert_eq!(exported.code, Some(0), "{}", exported.err);
    let secrets: Vec<Vec<u8>> = ["a", "b", "registry"]
        .iter()
        .flat_map(|operator| both(&lab.world.tsig(operator).unwrap().secret))
        .collect();
    assert_eq!(holder(&lab.dir.path().join("shop.tar"), &secrets), None);
    let verified = lab
        .unbroken(&["audit", "verify", "shop.tar", "--anchors", "anchors.ds", "--json"])
        .await;
    assert_eq!(verified.code, Some(0), "{}{}", verified.out, verified.err);
    let verdict = verified.json();
    assert_eq!(verdict["insecure"][0]["approved_by"], "ann");
    assert_eq!(verdict["insecure"][0]["planned_by"], "04-ds-remove-all");
    let report = lab
        .unbroken(&["audit", "report", "shop.tar", "--anchors", "anchors.ds"])
        .await;
    assert_eq!(report.code, Some(0), "{}{}", report.out, report.err);
    assert!(report.out.contains("insecure as planned from"), "{}", report.out);
}
