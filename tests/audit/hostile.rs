//! Bundles that mean harm: a clear error, exit 2, nothing written, nothing unpacked.

use std::io::Write;
use std::path::Path;

use super::made::{beginning, folder};
use super::support::{Ran, unbroken};

fn verify(dir: &Path, bundle: &str) -> Ran {
    let before = listing(dir);
    let ran = unbroken(dir, &["audit", "verify", bundle]);
    assert_eq!(listing(dir), before, "something was written");
    ran
}

fn listing(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn header(name: &str, kind: tar::EntryType, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    let place = &mut header.as_old_mut().name;
    place[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    header
}

/// A tar of a good beginning, and one more member as it comes.
fn tar_with(path: &Path, more: &[(tar::Header, Vec<u8>)]) {
    let parts = beginning(6);
    let mut builder = tar::Builder::new(std::fs::File::create(path).unwrap());
    let mut add = |name: &str, octets: &[u8]| {
        builder
            .append(
                &header(name, tar::EntryType::Regular, octets.len() as u64),
                octets,
            )
            .unwrap();
    };
    add("MANIFEST.json", parts.manifest.as_ref().unwrap());
    add("journal.ndjson", &parts.journal);
    for (id, octets) in &parts.blobs {
        add(&format!("blobs/{id}"), octets);
    }
    for (name, octets) in &parts.files {
        add(name, octets);
    }
    for (header, octets) in more {
        builder.append(header, octets.as_slice()).unwrap();
    }
    builder.finish().unwrap();
}

#[test]
fn members_that_are_no_part_of_a_bundle_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let plain = |name: &str| (header(name, tar::EntryType::Regular, 1), b"x".to_vec());
    let of = |name: &str, kind| (header(name, kind, 0), Vec::new());
    let cases: Vec<(&str, (tar::Header, Vec<u8>))> = vec![
        ("leads outside", plain("../outside")),
        ("leads outside", plain("/etc/outside")),
        ("leads outside", plain("blobs/../../outside")),
        ("leads outside", plain("blobs/a/b")),
        ("leads outside", plain("elsewhere/file")),
        ("leads outside", plain("seals/a\\b")),
        ("is a link", of("blobs/link", tar::EntryType::Symlink)),
        ("is a link", of("blobs/link", tar::EntryType::Link)),
        ("is a device", of("blobs/null", tar::EntryType::Char)),
        ("is a pipe", of("seals/pipe", tar::EntryType::Fifo)),
        ("is there twice", plain("journal.ndjson")),
        ("with path", {
            let text = b"16 path=../evil\n".to_vec();
            (header("x", tar::EntryType::XHeader, text.len() as u64), text)
        }),
    ];
    for (index, (said, more)) in cases.into_iter().enumerate() {
        let name = format!("{index}.tar");
        tar_with(&dir.path().join(&name), &[more]);
        let ran = verify(dir.path(), &name);
        assert_eq!(ran.code, Some(2), "{index} {said}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{index} {said}: {}", ran.err);
    }
}

#[test]
fn sizes_are_bounded_before_anything_is_read() {
    let dir = tempfile::tempdir().unwrap();
    // A blob of 1 GB, as a hole: it would take no room and much time.
    let path = dir.path().join("large.tar");
    tar_with(&path, &[]);
    let mut octets = std::fs::read(&path).unwrap();
    octets.truncate(octets.len() - 1024);
    let name = format!("blobs/{}", "ab".repeat(32));
    octets.extend_from_slice(header(&name, tar::EntryType::Regular, 1 << 30).as_bytes());
    std::fs::write(&path, &octets).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(octets.len() as u64 + (1 << 30) + 1024).unwrap();
    let ran = verify(dir.path(), "large.tar");
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(
        ran.err
            .contains("has 1073741824 octets, and at most 16777216 are read"),
        "{}",
        ran.err
    );
    // One that claims more than the file has.
    std::fs::write(dir.path().join("claims.tar"), &octets).unwrap();
    let ran = verify(dir.path(), "claims.tar");
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(ran.err.contains("the file ends before them"), "{}", ran.err);
    let whole = dir.path().join("whole.tar");
    tar_with(&whole, &[]);
    let octets = std::fs::read(&whole).unwrap();
    for length in [0, 1, 511, 700, octets.len() / 2, octets.len() - 1024] {
        std::fs::write(dir.path().join("cut.tar"), &octets[..length]).unwrap();
        let ran = verify(dir.path(), "cut.tar");
        assert_eq!(ran.code, Some(2), "{length} octets: {}{}", ran.out, ran.err);
        assert!(!ran.err.contains("fault in unbroken"), "{}", ran.err);
    }
}

/// What stands in no member is under no hash.
#[test]
fn nothing_hides_between_the_members_of_a_tar() {
    let dir = tempfile::tempdir().unwrap();
    let parts = beginning(6);
    parts.write(&dir.path().join("b"));
    let from = unbroken::adapters::bundle::Bundle::open(&dir.path().join("b")).unwrap();
    let path = dir.path().join("good.tar");
    unbroken::adapters::bundle::write(&from, &path, &Default::default()).unwrap();
    let good = std::fs::read(&path).unwrap();
    let hashes = |name: &str| unbroken(dir.path(), &["audit", "verify", name, "--hashes"]);
    assert_eq!(hashes("good.tar").code, Some(0));
    let (mut gaps, mut end) = (Vec::new(), 0);
    for member in tar::Archive::new(good.as_slice()).entries().unwrap() {
        let member = member.unwrap();
        let over = member.raw_file_position() + member.size();
        end = over.next_multiple_of(512);
        gaps.extend([over, end - 1].into_iter().filter(|at| (over..end).contains(at)));
    }
    assert!(gaps.len() > 20, "{}", gaps.len());
    gaps.truncate(20);
    gaps.extend([end, good.len() as u64 - 1]);
    for at in gaps {
        let mut octets = good.clone();
        octets[usize::try_from(at).unwrap()] = 1;
        std::fs::write(dir.path().join("other.tar"), octets).unwrap();
        let ran = hashes("other.tar");
        assert_eq!(ran.code, Some(2), "octet {at}: {}", ran.out);
        assert!(ran.err.contains("is no whole tar"), "{}", ran.err);
    }
    // Programs fill their last block with zeros.
    let mut octets = good;
    octets.resize(octets.len() + 10_240, 0);
    std::fs::write(dir.path().join("other.tar"), &octets).unwrap();
    assert_eq!(hashes("other.tar").code, Some(0));
    octets.push(b'x');
    std::fs::write(dir.path().join("other.tar"), &octets).unwrap();
    assert_eq!(hashes("other.tar").code, Some(2));
}

#[test]
fn what_is_packed_or_of_another_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (name, magic) in [
        ("gzip", &b"\x1f\x8b\x08\0\0\0"[..]),
        ("zstd", b"\x28\xb5\x2f\xfd\0\0"),
        ("xz", b"\xfd7zXZ\0"),
    ] {
        std::fs::write(dir.path().join(name), magic).unwrap();
        let ran = verify(dir.path(), name);
        assert_eq!(ran.code, Some(2), "{name}");
        assert!(
            ran.err.contains(&format!("is compressed ({name})")),
            "{}",
            ran.err
        );
    }
    let parts = beginning(6);
    let manifest = String::from_utf8(parts.manifest.clone().unwrap()).unwrap();
    let put = |manifest: &str, journal: &[u8]| {
        let _ = std::fs::remove_dir_all(dir.path().join("b"));
        std::fs::create_dir_all(dir.path().join("b/blobs")).unwrap();
        std::fs::write(dir.path().join("b/MANIFEST.json"), manifest).unwrap();
        std::fs::write(dir.path().join("b/journal.ndjson"), journal).unwrap();
        verify(dir.path(), "b")
    };
    let ran = put(
        &manifest.replace("\"format\": 1", "\"format\": 7"),
        &parts.journal,
    );
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(
        ran.err
            .contains("has format 7, and this build reads format 1 only"),
        "{}",
        ran.err
    );
    let other = String::from_utf8(parts.journal.clone())
        .unwrap()
        .replacen("\"format\":1", "\"format\":9", 1);
    let ran = put(&manifest, other.as_bytes());
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(ran.err.contains("format 9"), "{}", ran.err);
    // Missing blobs are no matter of form.
    assert_eq!(put(&manifest, &parts.journal).code, Some(1));
    assert_eq!(verify(dir.path(), "nothing-there").code, Some(2));
}

#[cfg(unix)]
#[test]
fn links_and_pipes_in_a_folder_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path(), false);
    std::fs::write(dir.path().join("outside"), b"secret").unwrap();
    let blobs = dir.path().join("shop.test/blobs");
    let name = "cd".repeat(32);
    std::os::unix::fs::symlink("../../outside", blobs.join(&name)).unwrap();
    let ran = verify(dir.path(), "shop.test");
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(
        ran.err.contains(&format!("blobs/{name} is a link")),
        "{}",
        ran.err
    );
    std::fs::remove_file(blobs.join(&name)).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(blobs.join(&name))
        .status()
        .unwrap();
    assert!(made.success());
    let ran = verify(dir.path(), "shop.test");
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(ran.err.contains("a device, pipe or socket"), "{}", ran.err);
}

/// A name of a message that is a path is no name: the entry cannot be read, and nothing is opened.
#[test]
fn a_path_is_no_name_of_a_message() {
    let dir = tempfile::tempdir().unwrap();
    let mut parts = beginning(6);
    parts.forge(|entries| {
        entries[5].body["observations"][0]["outcome"]["answer"]["blob"] =
            serde_json::json!("../../../outside");
    });
    std::fs::create_dir_all(dir.path().join("b/blobs")).unwrap();
    std::fs::write(dir.path().join("b/journal.ndjson"), &parts.journal).unwrap();
    let ran = verify(dir.path(), "b");
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.contains("entry-form: entry 6:"), "{}", ran.out);
}

#[test]
fn a_line_without_end_is_not_read_into_memory() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("b")).unwrap();
    let mut file = std::fs::File::create(dir.path().join("b/journal.ndjson")).unwrap();
    file.write_all(b"{").unwrap();
    file.set_len(1 << 34).unwrap();
    let ran = verify(dir.path(), "b");
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(
        ran.err.contains("a line of the journal has more than"),
        "{}",
        ran.err
    );
}
