//! Secrets: read at the moment they are needed, and shown nowhere.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use secrecy::SecretString;
use serde::Serialize;
use zeroize::Zeroize;

use super::error::{Place, SettingsError};
use super::text::SecretSource;

/// No secret is longer than this, octets.
const LONGEST: u64 = 64 * 1024;

/// A reference to a secret, and where it stands in the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Secret {
    /// Where it is to be had.
    pub source: SecretSource,
    #[serde(skip)]
    place: Place,
}

impl Secret {
    pub(super) fn new(source: SecretSource, place: Place) -> Secret {
        Secret { source, place }
    }

    /// Reads the secret now.
    ///
    /// # Errors
    /// If it cannot be had or is empty. The error names the place in the settings and never repeats what was read.
    pub fn read(&self) -> Result<SecretString, SettingsError> {
        let text = match &self.source {
            SecretSource::Env(name) => self.from_env(name),
            SecretSource::File(path) => self.from_file(path),
            SecretSource::Command(words) => self.from_command(words),
        }?;
        let secret = SecretString::from(text.trim_end_matches(['\n', '\r']));
        let mut text = text;
        text.zeroize();
        if secrecy::ExposeSecret::expose_secret(&secret).is_empty() {
            return Err(self.error("the secret is empty"));
        }
        Ok(secret)
    }

    fn error(&self, what: impl Into<String>) -> SettingsError {
        SettingsError::new(self.place.clone(), what)
    }

    fn from_env(&self, name: &str) -> Result<String, SettingsError> {
        match std::env::var(name) {
            Ok(text) => Ok(text),
            Err(std::env::VarError::NotPresent) => Err(self
                .error(format!("the environment variable {name} is not set"))
                .hint(format!("set {name}, or refer to a file: {{ file = \"PATH\" }}"))),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(self.error(format!("the environment variable {name} is not UTF-8")))
            }
        }
    }

    fn from_file(&self, path: &Path) -> Result<String, SettingsError> {
        let fail = |error: &std::io::Error| {
            let hint = match error.kind() {
                ErrorKind::NotFound => "a relative path starts at the folder of the settings file",
                ErrorKind::PermissionDenied => "run this as a user who may read it",
                _ => "the file holds the secret alone, as UTF-8 text",
            };
            self.error(format!(
                "the secret file {} cannot be read: {error}",
                path.display()
            ))
            .hint(hint)
        };
        let file = std::fs::File::open(path).map_err(|error| fail(&error))?;
        warn_if_readable_by_others(&file, path);
        let mut text = String::new();
        file.take(LONGEST)
            .read_to_string(&mut text)
            .map_err(|error| fail(&error))?;
        Ok(text)
    }

    fn from_command(&self, words: &[String]) -> Result<String, SettingsError> {
        let (program, arguments) = words
            .split_first()
            .ok_or_else(|| self.error("the secret's command is empty"))?;
        let output = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| self.error(format!("the secret's command {program} cannot be run: {error}")))?;
        if !output.status.success() {
            return Err(self.error(format!(
                "the secret's command {program} failed ({})",
                output.status
            )));
        }
        String::from_utf8(output.stdout).map_err(|error| {
            error.into_bytes().zeroize();
            self.error(format!(
                "what the secret's command {program} printed is not UTF-8"
            ))
        })
    }
}

#[cfg(unix)]
fn warn_if_readable_by_others(file: &std::fs::File, path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let open = file
        .metadata()
        .is_ok_and(|metadata| metadata.permissions().mode() & 0o007 != 0);
    if open {
        tracing::warn!(file = %path.display(), "every user of this machine may read this secret: chmod 600");
    }
}

#[cfg(not(unix))]
fn warn_if_readable_by_others(_: &std::fs::File, _: &Path) {}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn secret(source: SecretSource) -> Secret {
        Secret::new(source, Place::at(Path::new("u.toml"), "a\nbc", 3))
    }

    #[test]
    fn reads_files_and_commands_without_the_last_newline() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "hunter2\n").unwrap();
        let read = secret(SecretSource::File(path)).read().unwrap();
        assert_eq!(read.expose_secret(), "hunter2");
        let words = ["printf", "hunter%s\n", "3"].map(str::to_owned).to_vec();
        assert_eq!(
            secret(SecretSource::Command(words))
                .read()
                .unwrap()
                .expose_secret(),
            "hunter3"
        );
    }

    #[test]
    fn says_where_the_reference_stands_and_never_what_was_read() {
        let error = |source| secret(source).read().unwrap_err().to_string();
        assert_eq!(
            error(SecretSource::Env("UNBROKEN_NO_SUCH".into())),
            "u.toml:2:2: the environment variable UNBROKEN_NO_SUCH is not set"
        );
        assert!(
            error(SecretSource::File("/nonexistent/x".into())).starts_with("u.toml:2:2: the secret file")
        );
        let words = ["sh", "-c", "echo hunter2; exit 3"].map(str::to_owned).to_vec();
        let text = error(SecretSource::Command(words));
        assert!(text.contains("failed") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn an_empty_secret_is_refused() {
        let words = vec!["true".to_owned()];
        let text = secret(SecretSource::Command(words))
            .read()
            .unwrap_err()
            .to_string();
        assert_eq!(text, "u.toml:2:2: the secret is empty");
    }
}
