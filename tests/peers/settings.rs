//! What all servers of one lab share: its directory and its TSIG key.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use data_encoding::BASE64;
use ring::rand::{SecureRandom, SystemRandom};

use crate::zone::TSIG_NAME;

/// The directory and the key of a lab.
pub(crate) struct Settings {
    dir: PathBuf,
    secret: String,
}

impl Settings {
    /// A new random key, for a lab in this directory.
    pub(crate) fn new(dir: &Path) -> Result<Self> {
        let mut bytes = [0; 32];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| anyhow!("no random numbers"))?;
        let settings = Self {
            dir: dir.to_owned(),
            secret: BASE64.encode(&bytes),
        };
        fs::write(settings.key_file(), settings.bind_key())?;
        Ok(settings)
    }

    /// The lab's directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The TSIG secret, base64.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    /// The key as BIND's programs read it.
    pub(crate) fn bind_key(&self) -> String {
        format!(
            "key \"{TSIG_NAME}\" {{ algorithm hmac-sha256; secret \"{}\"; }};\n",
            self.secret
        )
    }

    /// The file in which [`Self::bind_key`] lies.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.dir.join("tsig.key")
    }

    /// The key as a section of a Knot DNS configuration.
    pub(crate) fn knot_key(&self) -> String {
        format!(
            "key:\n  - id: {TSIG_NAME}\n    algorithm: hmac-sha256\n    secret: {}\n",
            self.secret
        )
    }

    /// A new directory in the lab.
    pub(crate) fn subdir(&self, name: &str) -> Result<PathBuf> {
        let dir = self.dir.join(name);
        fs::create_dir_all(&dir)?;
        Ok(dir)
    }
}
