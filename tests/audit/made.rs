//! Bundles of moves in virtual time.

use std::path::Path;
use std::sync::OnceLock;

use unbroken::adapters::journal::SealingJournal;
use unbroken::dns::Name;
use unbroken::dnssec::Anchors;
use unbroken::evidence::{SignerKey, VerifierKey};
use unbroken::runner::Quiet;

use super::parts::Parts;
use super::stage::{Kept, Scene, Stage};
use super::support::secrets::{both, holder};

/// Sealed with this seed, which no bundle may hold.
pub(crate) const SEED: [u8; 32] = *b"a sealing seed of these tests !!";

pub(crate) fn key() -> SignerKey {
    SignerKey::from_seed("lab.example/dns", &SEED).unwrap()
}

pub(crate) fn verifier_key() -> VerifierKey {
    key().verifier().clone()
}

/// A move from its beginning to its end, sealed.
pub(crate) fn whole() -> Parts {
    static MADE: OnceLock<Parts> = OnceLock::new();
    MADE.get_or_init(|| made(true)).clone()
}

/// A move without DS in between, to a provider of another algorithm.
pub(crate) fn fallen_back() -> Parts {
    let dir = tempfile::tempdir().unwrap();
    let mut scene = Scene::migrate();
    scene.config.providers[1].algorithm = unbroken::lab::ED25519;
    scene.purpose = unbroken::workflow::Purpose::Fallback {
        from: "a".to_owned(),
        to: "b".to_owned(),
    };
    scene.approves = true;
    let anchors = folder_of(scene, dir.path(), true);
    let mut parts = Parts::bundled(&dir.path().join("shop.test"), &anchors);
    parts.keys = vec![verifier_key()];
    parts
}

/// The first entries of it, as a bundle of their own, with a seal over all of them.
pub(crate) fn beginning(entries: usize) -> Parts {
    let mut parts = whole();
    let lines = parts.lines();
    parts.set_lines(&lines[..entries]);
    parts.files.clear();
    let named = named(&parts);
    parts.blobs.retain(|id, _| named.contains(id));
    seal(&mut parts);
    parts.make_manifest();
    parts
}

/// The blobs that the journal names.
pub(crate) fn named(parts: &Parts) -> std::collections::BTreeSet<unbroken::evidence::BlobId> {
    let mut named = std::collections::BTreeSet::new();
    for entry in parts.entries() {
        unbroken::evidence::name_blobs(&entry.body, &mut named);
    }
    named
}

/// Puts a seal over all entries.
pub(crate) fn seal(parts: &mut Parts) {
    let mut tree = unbroken::evidence::Tree::default();
    for line in parts.lines() {
        tree.push(&unbroken::evidence::LineHash::of(line.trim_ascii_end()).0);
    }
    let zone = Name::parse("shop.test.").unwrap();
    let checkpoint =
        unbroken::evidence::Checkpoint::of(&unbroken::evidence::origin("lab.example/dns", &zone), &tree);
    let name = unbroken::evidence::Checkpoint::file_name(checkpoint.size);
    parts
        .files
        .insert(name, checkpoint.sign(&key()).unwrap().into_bytes());
    let named = verifier_key().named(&checkpoint.origin).unwrap();
    parts
        .files
        .insert("seals/keys".to_owned(), format!("{named}\n").into_bytes());
}

/// A token over `data` by nobody: of the form of RFC 3161, and not signed.
pub(crate) fn token(data: &[u8]) -> Vec<u8> {
    fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let value = parts.concat();
        let length = u8::try_from(value.len()).unwrap();
        let mut out = vec![tag];
        // Short up to 127, then in one octet of its own.
        out.extend(if length < 0x80 {
            vec![length]
        } else {
            vec![0x81, length]
        });
        out.extend(value);
        out
    }
    let identifier = |hex: &str| element(0x06, &[&data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()]);
    let number = |value: u8| element(0x02, &[&[value]]);
    let hash = data_encoding::HEXLOWER
        .decode(unbroken::evidence::hash_line(data).as_bytes())
        .unwrap();
    let algorithm = element(0x30, &[&identifier("608648016503040201")]);
    let imprint = element(0x30, &[&algorithm, &element(0x04, &[&hash])]);
    let time = element(0x18, &[b"20991231235959Z"]);
    let info = element(
        0x30,
        &[&number(1), &identifier("2a0304"), &imprint, &number(7), &time],
    );
    let content = element(0xa0, &[&element(0x04, &[&info])]);
    let content = element(0x30, &[&identifier("2a864886f70d0109100104"), &content]);
    let signed = element(0x30, &[&number(3), &element(0x31, &[]), &content]);
    let signed = element(
        0x30,
        &[&identifier("2a864886f70d010702"), &element(0xa0, &[&signed])],
    );
    element(0x30, &[&element(0x30, &[&number(0)]), &signed])
}

/// Puts such a token beside each seal.
pub(crate) fn stamp(parts: &mut Parts) {
    let seals: Vec<(String, Vec<u8>)> = parts
        .files
        .iter()
        .filter_map(|(name, octets)| Some((name.strip_suffix(".checkpoint")?.to_owned(), token(octets))))
        .collect();
    for (name, octets) in seals {
        parts.files.insert(format!("{name}.tsr"), octets);
    }
}

fn made(sealed: bool) -> Parts {
    let dir = tempfile::tempdir().unwrap();
    let anchors = folder(dir.path(), sealed);
    let mut parts = Parts::bundled(&dir.path().join("shop.test"), &anchors);
    parts.keys = vec![verifier_key()];
    parts
}

/// A state folder `shop.test` in `dir`, of a whole move.
pub(crate) fn folder(dir: &Path, sealed: bool) -> Anchors {
    folder_of(Scene::migrate(), dir, sealed)
}

fn folder_of(scene: Scene, dir: &Path, sealed: bool) -> Anchors {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stage = Stage::new(scene).await;
        play(&stage, dir, sealed).await
    })
}

/// The move of a stage, into a state folder `shop.test` in `dir`.
pub(crate) async fn play(stage: &Stage, dir: &Path, sealed: bool) -> Anchors {
    let anchors = Anchors::parse(&stage.world.anchors()).unwrap();
    let (kept, place) = (Kept::default(), dir.join("shop.test"));
    let journal: Box<dyn unbroken::ports::Journal> = if sealed {
        let zone = Name::parse("shop.test.").unwrap();
        let seals = SealingJournal::open(
            kept.clone(),
            &place,
            &unbroken::evidence::origin("lab.example/dns", &zone),
            key(),
            Box::new(|_, _| {}),
        );
        Box::new(seals.unwrap())
    } else {
        Box::new(kept.clone())
    };
    let mut runner = stage.open(journal, Box::new(Quiet));
    let exit = stage.go(&mut runner).await.unwrap();
    Stage::assert_complete(&exit, "the move");
    kept.with(|journal| journal.write_to(&place)).unwrap();
    expect_no_secret(&place, stage);
    anchors
}

/// No secret that the providers, the registry and the seals of a stage use may be in its journal's folder, of which bundles are made.
pub(crate) fn expect_no_secret(place: &Path, stage: &Stage) {
    let mut secrets = vec![SEED.to_vec()];
    for operator in stage.world.operators() {
        secrets.extend(
            stage
                .world
                .tsig(operator)
                .iter()
                .flat_map(|key| both(&key.secret)),
        );
    }
    assert!(secrets.len() >= 7, "{}", secrets.len());
    assert_eq!(holder(place, &secrets), None);
}
