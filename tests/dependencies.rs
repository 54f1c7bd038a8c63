//! What may come into the build, as deny.toml says: no second TLS or signature stack, known licences, one registry.
//! The same as `cargo deny check bans licenses sources`, for machines on which that is not installed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

#[derive(Deserialize)]
struct Rules {
    bans: Bans,
    licenses: Licenses,
    sources: Sources,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Banned>,
}

#[derive(Deserialize)]
struct Banned {
    #[serde(rename = "crate")]
    name: String,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    root: String,
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
}

/// The packages of the resolved graph, on every platform, and the id of our own.
fn graph() -> Result<(Vec<Package>, String)> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    let mut packages: HashMap<String, Package> = metadata
        .packages
        .into_iter()
        .map(|package| (package.id.clone(), package))
        .collect();
    let resolved: Option<Vec<Package>> = metadata
        .resolve
        .nodes
        .iter()
        .map(|node| packages.remove(&node.id))
        .collect();
    Ok((
        resolved.context("a package of the graph is not described")?,
        metadata.resolve.root,
    ))
}

fn rules() -> Result<Rules> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml"))?;
    Ok(toml::from_str(&text)?)
}

/// Whether a licence expression (SPDX, or the older form with slashes) can be met with what is allowed.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut words: Vec<&str> = spaced.split_whitespace().rev().collect();
    either(&mut words, allowed) && words.is_empty()
}

/// `a OR b`; words are taken from the end of the list.
fn either(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> bool {
    let mut met = both(words, allowed);
    while words.pop_if(|word| *word == "OR").is_some() {
        met |= both(words, allowed);
    }
    met
}

/// `a AND b`.
fn both(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> bool {
    let mut met = one(words, allowed);
    while words.pop_if(|word| *word == "AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

/// One licence, with its exception if it has one, or an expression in parentheses.
fn one(words: &mut Vec<&str>, allowed: &BTreeSet<String>) -> bool {
    match words.pop() {
        Some("(") => {
            let met = either(words, allowed);
            words.pop() == Some(")") && met
        }
        Some(name) if words.pop_if(|word| *word == "WITH").is_some() => {
            let exception = words.pop().unwrap_or_default();
            allowed.contains(&format!("{name} WITH {exception}"))
        }
        Some(name) => allowed.contains(name),
        None => false,
    }
}

#[test]
fn one_tls_and_signature_stack() -> Result<()> {
    let (packages, _) = graph()?;
    let banned: Vec<String> = rules()?.bans.deny.into_iter().map(|banned| banned.name).collect();
    for name in ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls"] {
        assert!(
            banned.iter().any(|banned| banned == name),
            "deny.toml does not ban {name}"
        );
    }
    let found: Vec<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .filter(|name| banned.iter().any(|b| b == name))
        .collect();
    assert!(found.is_empty(), "banned, but in the graph: {found:?}");
    for name in ["ring", "rustls"] {
        let versions: Vec<&str> = packages
            .iter()
            .filter(|package| package.name == name)
            .map(|package| package.version.as_str())
            .collect();
        assert_eq!(versions.len(), 1, "versions of {name}: {versions:?}");
    }
    Ok(())
}

#[test]
fn every_licence_is_allowed() -> Result<()> {
    let allowed = rules()?.licenses.allow;
    let (packages, _) = graph()?;
    let bad: Vec<String> = packages
        .iter()
        .filter(|package| {
            !package
                .license
                .as_deref()
                .is_some_and(|license| is_allowed(license, &allowed))
        })
        .map(|package| format!("{} {}: {:?}", package.name, package.version, package.license))
        .collect();
    assert!(bad.is_empty(), "licences to look at:\n{}", bad.join("\n"));
    Ok(())
}

#[test]
fn every_source_is_the_registry() -> Result<()> {
    let allowed: Vec<String> = rules()?
        .sources
        .allow_registry
        .into_iter()
        .map(|registry| format!("registry+{registry}"))
        .collect();
    let (packages, root) = graph()?;
    let bad: Vec<String> = packages
        .iter()
        .filter(|package| package.id != root)
        .filter(|package| {
            !package
                .source
                .as_ref()
                .is_some_and(|source| allowed.contains(source))
        })
        .map(|package| format!("{} {}: {:?}", package.name, package.version, package.source))
        .collect();
    assert!(bad.is_empty(), "not from the registry:\n{}", bad.join("\n"));
    Ok(())
}

#[test]
fn licence_expressions_are_read_as_they_are_meant() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "X WITH E".to_owned(), "BSD".to_owned()]);
    let cases = [
        ("MIT", true),
        ("GPL", false),
        ("GPL/MIT", true),
        ("GPL OR X WITH E", true),
        ("X", false),
        ("MIT AND GPL", false),
        ("(GPL OR MIT) AND BSD", true),
        ("(GPL OR MIT) AND GPL", false),
        ("GPL AND MIT OR BSD", true),
        ("MIT BSD", false),
        ("(MIT", false),
        ("", false),
    ];
    for (expression, expected) in cases {
        assert_eq!(is_allowed(expression, &allowed), expected, "{expression}");
    }
}
