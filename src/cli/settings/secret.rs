//! Secrets: read at the moment they are needed, and shown nowhere.

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Serialize;

use super::error::{Place, SettingsError};
use crate::adapters::{SecretError, SecretRef};

/// A reference to a secret, and where it stands in the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Secret {
    /// Where it is to be had.
    pub source: SecretRef,
    #[serde(skip)]
    base: PathBuf,
    #[serde(skip)]
    place: Place,
}

impl Secret {
    /// `base` is the folder at which relative paths start, and in which commands run.
    pub(super) fn new(source: SecretRef, base: &Path, place: Place) -> Secret {
        Secret {
            source,
            base: base.to_path_buf(),
            place,
        }
    }

    /// Reads the secret now.
    ///
    /// # Errors
    /// If it cannot be had or is empty. The error names the place in the settings and never repeats what was read.
    pub async fn read(&self) -> Result<SecretString, SettingsError> {
        match self.source.resolve(&self.base).await {
            Ok(resolved) => {
                if let Some(warning) = resolved.warning {
                    tracing::warn!("{warning}");
                }
                Ok(resolved.secret)
            }
            Err(error) => {
                let hint = hint(&error);
                Err(SettingsError::new(self.place.clone(), error.to_string()).hint(hint))
            }
        }
    }
}

fn hint(error: &SecretError) -> String {
    match error {
        SecretError::Env(name) => format!("set {name}, or refer to a file: {{ file = \"PATH\" }}"),
        SecretError::File { .. } => {
            "the file holds the secret alone; a relative path starts at the folder of the settings file"
                .to_owned()
        }
        SecretError::Command { .. } => {
            "run the command by hand, in the folder of the settings file: it must print the secret alone"
                .to_owned()
        }
        SecretError::Empty(_) => "put the secret there".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn secret(source: SecretRef, base: &Path) -> Secret {
        Secret::new(source, base, Place::at(Path::new("u.toml"), "a\nbc", 3))
    }

    #[tokio::test]
    async fn a_relative_path_starts_at_the_settings() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("key"), "hunter2\n").unwrap();
        let secret = secret(SecretRef::File("key".into()), dir.path());
        assert_eq!(secret.read().await.unwrap().expose_secret(), "hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn an_error_says_where_the_reference_stands() {
        let error = secret(SecretRef::Env("UNBROKEN_NO_SUCH".into()), Path::new("."))
            .read()
            .await
            .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("u.toml:2:2: environment variable UNBROKEN_NO_SUCH is not set"),
            "{error}"
        );
        assert!(error.advice().unwrap().contains("UNBROKEN_NO_SUCH"));
    }
}
