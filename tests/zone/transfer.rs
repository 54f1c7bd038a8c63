//! Copies straight from a server, with TSIG and without.

use super::support::{Lab, unbroken};

/// Settings in which provider `a` takes transfers, and its key in files.
async fn lab() -> (Lab, String, String) {
    let lab = Lab::start(|_| ()).await;
    let dir = lab.dir.path();
    let key = lab.world.tsig("a").unwrap();
    std::fs::write(dir.join("a.key"), &key.secret).unwrap();
    std::fs::write(
        dir.join("wrong.key"),
        "d3Jvbmcgc2VjcmV0d3Jvbmcgc2VjcmV0d3Jvbmcgc2VjcmU=\n",
    )
    .unwrap();
    for file in ["a.key", "wrong.key"] {
        let only_me = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(dir.join(file), only_me).unwrap();
    }
    let server = lab.world.primary("a").unwrap();
    let path = dir.join("unbroken.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace(
        "[provider.a]\ndriver = \"manual\"",
        &format!(
            "[provider.a]\ndriver = \"rfc2136\"\nserver = \"{server}\"\n\
             tsig = {{ name = \"{}\", algorithm = \"hmac-sha256\", secret = {{ file = \"a.key\" }} }}",
            key.name
        ),
    );
    std::fs::write(path, text).unwrap();
    let address = format!("axfr://{server}/shop.test");
    let name = key.name.to_string();
    (lab, address, name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_verified_and_compared() {
    let (lab, address, key) = lab().await;
    let with_key = ["--tsig", &key, "--tsig-secret", "file:a.key"];
    let verified = lab
        .unbroken(&[&["zone", "verify", &address], &with_key[..]].concat())
        .await;
    assert_eq!(
        (verified.code, verified.err.as_str()),
        (Some(0), ""),
        "{}",
        verified.out
    );
    assert!(
        verified.out.contains(" good signatures") && !verified.out.contains(" 0 good"),
        "{}",
        verified.out
    );
    let by_provider = lab.unbroken(&["zone", "verify", "a:shop.test"]).await;
    assert_eq!(
        by_provider.code,
        Some(0),
        "{}{}",
        by_provider.out,
        by_provider.err
    );
    let same = lab
        .unbroken(
            &[
                &["zone", "compare", &address, "a:shop.test", "--all"],
                &with_key[..],
            ]
            .concat(),
        )
        .await;
    assert_eq!((same.code, same.err.as_str()), (Some(0), ""), "{}", same.out);
    std::fs::write(
        lab.dir.path().join("file"),
        "@ 60 SOA a b 1 2 3 4 5\nwww 60 A 192.0.2.250\n",
    )
    .unwrap();
    let other = lab.unbroken(&["zone", "compare", "file", "a:shop.test"]).await;
    assert_eq!(other.code, Some(1), "{}", other.err);
    assert!(
        other.out.contains("- www.shop.test. 60 A 192.0.2.250\n"),
        "{}",
        other.out
    );
    assert!(other.out.contains("\n+ www.shop.test. "), "{}", other.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_refuses_is_told() {
    let (lab, address, key) = lab().await;
    let bare = lab.unbroken(&["zone", "verify", &address]).await;
    assert_eq!(bare.code, Some(5), "{}", bare.err);
    assert!(
        bare.err.contains("REFUSED") && bare.err.contains("--tsig"),
        "{}",
        bare.err
    );
    let wrong = lab
        .unbroken(&[
            "zone",
            "verify",
            &address,
            "--tsig",
            &key,
            "--tsig-secret",
            "file:wrong.key",
        ])
        .await;
    assert_eq!(wrong.code, Some(5), "{}", wrong.err);
    assert!(
        wrong.err.contains("not believed") && !wrong.err.contains("d3Jvbmc"),
        "{}",
        wrong.err
    );
    let dir = tempfile::tempdir().unwrap();
    let closed = unbroken(dir.path(), &["zone", "verify", "axfr://127.0.0.1:1/shop.test"]);
    assert_eq!(closed.code, Some(5), "{}", closed.err);
    let manual = lab.unbroken(&["zone", "verify", "b:shop.test"]).await;
    assert_eq!(manual.code, Some(2), "{}", manual.err);
}
