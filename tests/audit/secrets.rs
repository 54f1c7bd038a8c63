//! No secret in any bundle: neither as it is, nor in base64 or hexadecimal.

use data_encoding::{BASE64, HEXLOWER};
use unbroken::evidence::SignerKey;

use super::made::{SEED, key, play};
use super::parts::Parts;
use super::stage::{Scene, Stage};
use super::support::unbroken;

/// Every form of some octets that a careless program could write.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let base64 = BASE64.encode(secret);
    let hex = HEXLOWER.encode(secret);
    vec![
        secret.to_vec(),
        base64.trim_end_matches('=').as_bytes().to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.into_bytes(),
    ]
}

fn holds(parts: &Parts, form: &[u8]) -> bool {
    let inside = |octets: &[u8]| octets.windows(form.len()).any(|part| part == form);
    inside(&parts.journal)
        || parts
            .blobs
            .values()
            .chain(parts.files.values())
            .any(|octets| inside(octets))
}

#[tokio::test]
async fn no_secret_is_in_a_bundle() {
    let stage = Stage::new(Scene::migrate()).await;
    let dir = tempfile::tempdir().unwrap();
    let anchors = play(&stage, dir.path(), true).await;
    let parts = Parts::bundled(&dir.path().join("shop.test"), &anchors);
    let mut secrets = vec![SEED.to_vec()];
    for operator in ["a", "b", "registry"] {
        let secret = &stage.world.tsig(operator).unwrap().secret;
        secrets.push(secret.as_bytes().to_vec());
        secrets.push(BASE64.decode(secret.as_bytes()).unwrap());
    }
    for secret in &secrets {
        for form in forms(secret) {
            assert!(!holds(&parts, &form), "{}", String::from_utf8_lossy(&form));
        }
    }
    // The search itself finds what is there.
    assert!(holds(
        &parts,
        key()
            .verifier()
            .to_string()
            .split('+')
            .next_back()
            .unwrap()
            .as_bytes()
    ));
}

#[test]
fn a_key_is_made_once_for_its_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let make = || {
        unbroken(
            dir.path(),
            &[
                "audit",
                "keygen",
                "--name",
                "example.com/dns",
                "--out",
                "seal.key",
                "--zone",
                "shop.test",
                "--json",
            ],
        )
    };
    let made = make();
    assert_eq!(made.code, Some(0), "{}", made.err);
    let text = std::fs::read_to_string(dir.path().join("seal.key")).unwrap();
    let read = SignerKey::parse(&text).unwrap();
    assert_eq!(made.json()["key"], read.verifier().to_string());
    assert_eq!(made.json()["fingerprint"], read.verifier().fingerprint());
    assert!(!made.out.contains(text.trim()) && !made.err.contains("PRIVATE"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(dir.path().join("seal.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(make().code, Some(2));
    assert_eq!(
        std::fs::read_to_string(dir.path().join("seal.key")).unwrap(),
        text
    );
    let bad = unbroken(
        dir.path(),
        &["audit", "keygen", "--name", "a b", "--out", "other.key"],
    );
    assert_eq!(
        (bad.code, dir.path().join("other.key").exists()),
        (Some(2), false)
    );
    assert_ne!(read.verifier(), key().verifier());
}
