//! No secret in any bundle, and a search that finds what is there.

use unbroken::evidence::SignerKey;

use super::made::{key, whole};
use super::support::secrets::{forms, holder};
use super::support::unbroken;

/// Each bundle is searched where it is made; here the search itself is tried.
#[test]
fn the_search_finds_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    whole().write(dir.path());
    let public = key().verifier().to_string();
    let public = public.split('+').next_back().unwrap().as_bytes().to_vec();
    assert_eq!(
        holder(dir.path(), std::slice::from_ref(&public)),
        Some(dir.path().join("seals/keys"))
    );
    for form in forms(b"a secret of sixteen") {
        std::fs::write(dir.path().join("blobs/x"), [b"<", form.as_slice(), b">"].concat()).unwrap();
        assert!(holder(dir.path(), &[b"a secret of sixteen".to_vec()]).is_some());
    }
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
