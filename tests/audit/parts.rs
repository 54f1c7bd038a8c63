//! A bundle in memory: taken apart, damaged, put together again with hashes and chain made anew, and verified.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use unbroken::adapters::bundle::{Bundle, write};
use unbroken::audit::{Depth, Given, GivenSeal, Gravity, Verdict, Verifier};
use unbroken::dnssec::{Anchors, Memo};
use unbroken::evidence::{
    BUNDLE_FORMAT, BlobId, BlobsPart, Entry, EntryError, FilePart, Manifest, Summary, VerifierKey, hash_line,
};

/// All octets of a bundle, and what it is judged by.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) journal: Vec<u8>,
    pub(crate) blobs: BTreeMap<BlobId, Vec<u8>>,
    pub(crate) manifest: Option<Vec<u8>>,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) anchors: Anchors,
    pub(crate) keys: Vec<VerifierKey>,
    pub(crate) memo: Memo,
}

impl Parts {
    /// Reads what lies there.
    pub(crate) fn read(path: &Path, anchors: &Anchors) -> Parts {
        let bundle = Bundle::open(path).unwrap();
        let mut journal = Vec::new();
        std::io::Read::read_to_end(&mut bundle.journal().unwrap(), &mut journal).unwrap();
        let ids: Vec<BlobId> = bundle.blobs().map(|(id, _)| id.clone()).collect();
        let names: Vec<String> = bundle.files().map(|(name, _)| name.to_owned()).collect();
        Parts {
            journal,
            blobs: ids
                .into_iter()
                .map(|id| (id.clone(), bundle.blob_octets(&id).unwrap().unwrap()))
                .collect(),
            manifest: bundle.manifest_octets().map(<[u8]>::to_vec),
            files: names
                .into_iter()
                .map(|name| (name.clone(), bundle.file(&name).unwrap().unwrap()))
                .collect(),
            anchors: anchors.clone(),
            keys: Vec::new(),
            memo: Memo::remembering(),
        }
    }

    /// A state folder as a bundle.
    pub(crate) fn bundled(folder: &Path, anchors: &Anchors) -> Parts {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("bundle");
        write(&Bundle::open(folder).unwrap(), &out, &BTreeMap::new()).unwrap();
        Parts::read(&out, anchors)
    }

    /// Writes it as a folder.
    pub(crate) fn write(&self, to: &Path) {
        let file = |name: &str, octets: &[u8]| {
            let path = to.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, octets).unwrap();
        };
        file("journal.ndjson", &self.journal);
        for (id, octets) in &self.blobs {
            file(&format!("blobs/{id}"), octets);
        }
        for (name, octets) in &self.files {
            file(name, octets);
        }
        if let Some(manifest) = &self.manifest {
            file("MANIFEST.json", manifest);
        }
    }

    pub(crate) fn lines(&self) -> Vec<Vec<u8>> {
        self.journal
            .split_inclusive(|octet| *octet == b'\n')
            .map(<[u8]>::to_vec)
            .collect()
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lines()
            .iter()
            .map(|line| Entry::decode(line.trim_ascii_end()).unwrap())
            .collect()
    }

    pub(crate) fn set_lines(&mut self, lines: &[Vec<u8>]) {
        self.journal = lines.concat();
    }

    /// Changes entries as a forger does who makes numbers, hashes and manifest anew; seals he cannot make.
    pub(crate) fn forge(&mut self, change: impl FnOnce(&mut Vec<Entry>)) {
        let mut entries = self.entries();
        change(&mut entries);
        let (mut prev, mut lines) = ("0".repeat(64), Vec::new());
        for (index, entry) in entries.into_iter().enumerate() {
            let entry = Entry::new(index as u64 + 1, entry.at, prev, &entry.kind, entry.body);
            let line = entry.encode().unwrap();
            prev = hash_line(line.as_bytes());
            lines.push(format!("{line}\n").into_bytes());
        }
        self.set_lines(&lines);
        self.make_manifest();
    }

    /// The manifest that the rest comes to.
    pub(crate) fn make_manifest(&mut self) {
        let mut summary = Summary::default();
        for line in self.lines() {
            let line = line.trim_ascii_end();
            summary.take(&Entry::decode(line).unwrap(), line);
        }
        let mut blobs = BlobsPart::default();
        for id in &summary.named {
            blobs.count += 1;
            blobs.octets += self.blobs.get(id).map_or(0, |octets| octets.len() as u64);
        }
        let manifest = Manifest {
            format: BUNDLE_FORMAT,
            zone: summary.zone.clone().unwrap(),
            journal: summary.journal(),
            blobs,
            files: self
                .files
                .iter()
                .map(|(name, octets)| (name.clone(), FilePart::of(octets)))
                .collect(),
        };
        self.manifest = Some(manifest.encode().unwrap());
    }

    /// What it comes to, or the format that this build does not read.
    pub(crate) fn verify(&self, depth: Depth) -> Result<Verdict, EntryError> {
        if let Some(Err(unbroken::evidence::ManifestError::Format(format))) =
            self.manifest.as_deref().map(Manifest::decode)
        {
            return Err(EntryError::Format(format));
        }
        let is_seal = |name: &str| {
            name.starts_with("seals/") && (name.ends_with(".checkpoint") || name.ends_with(".tsr"))
        };
        let given = Given {
            anchors: self.anchors.clone(),
            anchors_given: true,
            seal_keys: self.keys.clone(),
            manifest: self.manifest.clone(),
            files: self
                .files
                .iter()
                .map(|(name, octets)| (name.clone(), FilePart::of(octets)))
                .collect(),
            seals: self
                .files
                .iter()
                .filter(|(name, _)| is_seal(name))
                .map(|(name, octets)| GivenSeal {
                    file: name.clone(),
                    octets: octets.clone(),
                })
                .collect(),
            keys: self.files.get("seals/keys").cloned(),
            blobs: self
                .blobs
                .iter()
                .map(|(id, octets)| (id.clone(), octets.len() as u64))
                .collect(),
            memo: self.memo.clone(),
        };
        let mut verifier = Verifier::new(given, depth);
        let lines: Vec<&[u8]> = self.journal.split_inclusive(|octet| *octet == b'\n').collect();
        for (index, line) in lines.iter().enumerate() {
            let next = lines.get(index + 1).copied();
            if !verifier.take(line, next, &mut |id| self.blobs.get(id).cloned())? {
                break;
            }
        }
        Ok(verifier.finish())
    }

    pub(crate) fn judged(&self) -> Verdict {
        self.verify(Depth::Full).unwrap()
    }

    /// The codes of what fails.
    pub(crate) fn failing(&self, depth: Depth) -> Vec<&'static str> {
        match self.verify(depth) {
            Err(_) => vec!["format"],
            Ok(verdict) => codes(&verdict),
        }
    }
}

/// The codes of what fails.
pub(crate) fn codes(verdict: &Verdict) -> Vec<&'static str> {
    verdict
        .findings
        .iter()
        .filter(|finding| finding.gravity == Gravity::Fails)
        .map(|finding| finding.code)
        .collect()
}

/// The number of the first entry of a kind for which `fits` holds, from 0.
pub(crate) fn position(entries: &[Entry], kind: &str, fits: impl Fn(&Value) -> bool) -> usize {
    entries
        .iter()
        .position(|entry| entry.kind == kind && fits(&entry.body))
        .unwrap_or_else(|| panic!("no {kind}"))
}
