//! Secrets by reference: from the environment, a file, or a command's output.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// The longest secret, octets.
const LARGEST: u64 = 64 * 1024;
/// How long a command may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// Where a secret lies; the only thing about it that settings, journal and logs may hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SecretRef {
    /// The value of an environment variable.
    Env(String),
    /// The content of a file, without white space at its end; relative to the settings file.
    File(PathBuf),
    /// What a program prints, without white space at its end.
    Command(Vec<String>),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretRef::Env(name) => write!(f, "environment variable {name}"),
            SecretRef::File(path) => write!(f, "file {}", path.display()),
            // Arguments might hold what they should not.
            SecretRef::Command(words) => {
                write!(f, "command {}", words.first().map_or("(empty)", String::as_str))
            }
        }
    }
}

/// A secret, and what is unsafe about the way it is kept.
#[derive(Debug)]
pub struct Resolved {
    /// The secret.
    pub secret: SecretString,
    /// For the log.
    pub warning: Option<String>,
}

/// Why there is no secret. Never shows any part of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set, or not UTF-8.
    #[error("environment variable {0} is not set (or is not UTF-8)")]
    Env(String),
    /// The file cannot be read.
    #[error("secret file {path}: {said}")]
    File {
        /// Which.
        path: PathBuf,
        /// The operating system's words.
        said: String,
    },
    /// The command failed.
    #[error("secret command {program}: {said}")]
    Command {
        /// Which.
        program: String,
        /// What happened; its output is not shown.
        said: String,
    },
    /// There is nothing in it.
    #[error("the secret from {0} is empty")]
    Empty(SecretRef),
}

impl SecretRef {
    /// Fetches the secret; a relative path begins at `base`.
    ///
    /// # Errors
    /// If it is not there, too large, not UTF-8, or empty.
    pub async fn resolve(&self, base: &Path) -> Result<Resolved, SecretError> {
        let (mut text, warning) = match self {
            SecretRef::Env(name) => (
                std::env::var(name).map_err(|_| SecretError::Env(name.clone()))?,
                None,
            ),
            SecretRef::File(path) => read_file(&base.join(path))?,
            SecretRef::Command(words) => (run(words, base).await?, None),
        };
        let secret = SecretString::from(text.trim_end());
        let empty = text.trim_end().is_empty();
        text.zeroize();
        if empty {
            Err(SecretError::Empty(self.clone()))
        } else {
            Ok(Resolved { secret, warning })
        }
    }
}

fn read_file(path: &Path) -> Result<(String, Option<String>), SecretError> {
    let fail = |said: String| SecretError::File {
        path: path.to_owned(),
        said,
    };
    let meta = std::fs::metadata(path).map_err(|error| fail(error.to_string()))?;
    if meta.len() > LARGEST {
        return Err(fail(format!("larger than {LARGEST} octets")));
    }
    let octets = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
    let text = utf8(octets).ok_or_else(|| fail("not UTF-8".to_owned()))?;
    Ok((text, permission_warning(path, &meta)))
}

#[cfg(unix)]
fn permission_warning(path: &Path, meta: &std::fs::Metadata) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = meta.permissions().mode() & 0o777;
    (mode & 0o007 != 0).then(|| {
        format!(
            "secret file {} can be read by everybody on this machine (mode {mode:03o}; chmod 600 it)",
            path.display()
        )
    })
}

#[cfg(not(unix))]
fn permission_warning(_path: &Path, _meta: &std::fs::Metadata) -> Option<String> {
    None
}

async fn run(words: &[String], base: &Path) -> Result<String, SecretError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(SecretError::Command {
            program: "(empty)".to_owned(),
            said: "no program is named".to_owned(),
        });
    };
    let fail = |said: String| SecretError::Command {
        program: program.clone(),
        said,
    };
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    if !base.as_os_str().is_empty() {
        command.current_dir(base);
    }
    let output = tokio::time::timeout(COMMAND_TIMEOUT, command.output())
        .await
        .map_err(|_| fail(format!("not done within {COMMAND_TIMEOUT:?}")))?
        .map_err(|error| fail(error.to_string()))?;
    if !output.status.success() {
        return Err(fail(output.status.to_string()));
    }
    if output.stdout.len() as u64 > LARGEST {
        return Err(fail(format!("printed more than {LARGEST} octets")));
    }
    utf8(output.stdout).ok_or_else(|| fail("did not print UTF-8".to_owned()))
}

fn utf8(octets: Vec<u8>) -> Option<String> {
    String::from_utf8(octets)
        .map_err(|error| error.into_bytes().zeroize())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[tokio::test]
    async fn files_and_commands_without_their_last_newline() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("c.key"), "hunter2\n").unwrap();
        let file = SecretRef::File("c.key".into()).resolve(dir.path()).await.unwrap();
        assert_eq!(file.secret.expose_secret(), "hunter2");
        assert!(!format!("{file:?}").contains("hunter2"));
        let command = SecretRef::Command(vec!["cat".into(), "c.key".into()]);
        let printed = command.resolve(dir.path()).await.unwrap();
        assert_eq!(printed.secret.expose_secret(), "hunter2");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn warns_of_a_file_that_everybody_can_read() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "x").unwrap();
        for (mode, warns) in [(0o644, true), (0o640, false), (0o600, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let resolved = SecretRef::File(path.clone()).resolve(dir.path()).await.unwrap();
            assert_eq!(resolved.warning.is_some(), warns, "{mode:o}");
        }
    }

    #[tokio::test]
    async fn errors_name_the_place_and_never_the_value() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path();
        std::fs::write(here.join("empty"), "\n").unwrap();
        let missing = SecretRef::Env("UNBROKEN_NO_SUCH_VARIABLE".into())
            .resolve(here)
            .await
            .unwrap_err();
        assert!(missing.to_string().contains("UNBROKEN_NO_SUCH_VARIABLE"));
        let empty = SecretRef::File("empty".into()).resolve(here).await.unwrap_err();
        assert!(matches!(empty, SecretError::Empty(_)));
        let failing = SecretRef::Command(vec!["sh".into(), "-c".into(), "echo hunter2; exit 3".into()])
            .resolve(here)
            .await
            .unwrap_err();
        assert!(!failing.to_string().contains("hunter2"), "{failing}");
        assert!(SecretRef::Command(Vec::new()).resolve(here).await.is_err());
    }

    #[test]
    fn stands_in_settings_as_one_key() {
        #[derive(Deserialize)]
        struct Holder {
            secret: SecretRef,
        }
        let env: Holder = toml::from_str("secret = { env = \"LAB_TSIG\" }").unwrap();
        assert_eq!(env.secret, SecretRef::Env("LAB_TSIG".into()));
        let command: Holder = toml::from_str("secret = { command = [\"pass\", \"dns\"] }").unwrap();
        assert_eq!(command.secret.to_string(), "command pass");
        assert!(toml::from_str::<Holder>("secret = \"hunter2\"").is_err());
    }
}
