//! The report in headless Chromium: nothing overflows, contrast and names are as WCAG wants them, no script of others runs.
//!
//! Chromium and Node come from the system (`tests/run` installs them), the checker and the driver from the lockfile beside
//! look.cjs into target/browser. UNBROKEN_WITHOUT_PEERS=1 leaves this out, as it does all that needs other programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use unbroken::report::evidence::{EvidenceReport, evidence_html};

use crate::{hostile, made};

const WITHOUT_PEERS: &str = "UNBROKEN_WITHOUT_PEERS";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder with the pages, pictures and prints: they are to be looked at.
fn folder() -> PathBuf {
    root().join("target/browser/out")
}

fn page(name: &str, report: &EvidenceReport) -> PathBuf {
    let path = folder().join(format!("{name}.html"));
    std::fs::write(&path, evidence_html(report)).unwrap();
    path
}

fn look(pages: &[PathBuf]) -> Vec<Value> {
    let modules = root().join("target/browser/node_modules");
    assert!(
        modules.join("axe-core/axe.min.js").exists() && modules.join("playwright-core").exists(),
        "axe-core and playwright-core are not in {}; tests/run puts them there (npm ci), or set {WITHOUT_PEERS}=1",
        modules.display()
    );
    let chromium = std::env::var("UNBROKEN_CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    // The limit is that of a machine that stands still; a look takes half a minute.
    let ran = Command::new("timeout")
        .args(["--kill-after=10", "600", "node"])
        .arg(root().join("tests/browser/look.cjs"))
        .arg(&modules)
        .arg(&chromium)
        .arg(folder())
        .args(pages)
        .stdin(Stdio::null())
        .output()
        .expect("node is needed; tests/run installs it");
    assert!(
        ran.status.success(),
        "{chromium}: {}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_legible_everywhere_and_runs_nothing() {
    if std::env::var(WITHOUT_PEERS).is_ok_and(|value| value == "1") {
        println!("left out, {WITHOUT_PEERS}=1");
        return;
    }
    std::fs::create_dir_all(folder()).unwrap();
    let kept = made::moved().await;
    let good = made::report(&kept);
    let thrice = made::report(&made::planned_thrice().await);
    let pages = [
        page("good", &good),
        page("hostile", &hostile::report().await),
        page("planned-thrice", &thrice),
    ];
    let found = tokio::task::spawn_blocking(move || look(&pages)).await.unwrap();
    assert_eq!(found.len(), 15, "three pages, five views each");
    for view in &found {
        let what = format!("{} {}", view["file"], view["view"]);
        let number = |name: &str| view["overflow"][name].as_u64().unwrap();
        assert!(
            number("scroll") <= number("client"),
            "{what} is wider than the window: {}",
            view["overflow"]
        );
        for list in ["texts", "violations", "fetched", "dialogs"] {
            assert_eq!(view[list], Value::Array(Vec::new()), "{what}: {list}");
        }
        assert_eq!(view["overflow"]["spilled"], Value::Array(Vec::new()), "{what}");
        assert_eq!(view["hostile"], Value::Null, "{what}: script of others ran");
    }
    for name in ["good", "hostile", "planned-thrice"] {
        let print = std::fs::read(folder().join(format!("{name}.pdf"))).unwrap();
        assert!(print.starts_with(b"%PDF-"), "{name} was not printed");
    }
}
