//! Telling somebody: a document to a command's stdin, or to an HTTPS address with an HMAC over it.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode, Url, redirect};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::redact::Redactor;

/// The header with the HMAC-SHA256 of the body, `sha256=` and 64 hexadecimal digits.
pub const SIGNATURE_HEADER: &str = "x-unbroken-signature";
/// How long one delivery to a webhook may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a command may run.
const COMMAND: Duration = Duration::from_secs(30);
/// How often a webhook is tried again.
const AGAIN: usize = 3;
/// What a command sees of the environment: no secret that was given to this program by it.
const ENVIRONMENT: [&str; 7] = ["PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"];

/// Where a notification goes.
pub enum Sink {
    /// A program with its arguments, run in a folder; it gets the document on stdin.
    Command {
        /// Program and arguments.
        words: Vec<String>,
        /// Where it runs.
        folder: PathBuf,
    },
    /// An HTTPS address.
    Webhook(Box<Webhook>),
}

/// An HTTPS address with the secret that signs what is sent there.
pub struct Webhook {
    url: Url,
    client: Client,
    key: Option<hmac::Key>,
    redactor: Redactor,
    pause: Duration,
}

/// Why a notification did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// The URL cannot be used.
    #[error("'{0}' cannot be used for notifications: https only, or http to this machine")]
    Url(String),
    /// The other side, or the network, in its words.
    #[error("{0}")]
    Failed(String),
    /// The other side will not take it, however often it is tried.
    #[error("{0}")]
    Refused(String),
}

impl Webhook {
    /// A webhook at `url`; what is sent is signed with `secret`, if there is one.
    ///
    /// # Errors
    /// If the URL is none, holds a password, or would send in the clear to another machine.
    pub fn new(url: &str, secret: Option<&SecretString>) -> Result<Webhook, NotifyError> {
        // A path may hold a token of the receiver: only the host is ever shown.
        let parsed = Url::parse(url).map_err(|_| NotifyError::Url("the url".to_owned()))?;
        let shown = parsed.host_str().unwrap_or_default().to_owned();
        let plain = parsed.scheme() == "http" && is_loopback(&parsed);
        if !(parsed.scheme() == "https" || plain)
            || !parsed.username().is_empty()
            || parsed.password().is_some()
        {
            return Err(NotifyError::Url(shown));
        }
        // Does nothing where a provider is installed already, as the binary does first of all.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(ANSWER);
        if plain {
            builder = builder.no_proxy();
        }
        let mut redactor = Redactor::new(secret);
        for token in parsed.path_segments().into_iter().flatten().chain(parsed.query()) {
            if token.len() >= 8 {
                redactor.learn(&SecretString::from(token.to_owned()));
            }
        }
        Ok(Webhook {
            client: builder
                .build()
                .map_err(|error| NotifyError::Failed(error.without_url().to_string()))?,
            key: secret.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes())),
            url: parsed,
            redactor,
            pause: Duration::from_millis(500),
        })
    }

    /// Sends a document, and again a few times where that may help.
    async fn deliver(&self, document: &str) -> Result<(), NotifyError> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.pause)
            .with_factor(4.0)
            .with_jitter()
            .with_max_times(AGAIN);
        (|| self.once(document))
            .retry(pauses)
            .when(|error| matches!(error, NotifyError::Failed(_)))
            .await
    }

    async fn once(&self, document: &str) -> Result<(), NotifyError> {
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json");
        if let Some(key) = &self.key {
            request = request.header(SIGNATURE_HEADER, signature(key, document));
        }
        let sent = request.body(document.to_owned()).send().await;
        let status = sent
            .map_err(|error| NotifyError::Failed(self.redactor.clean(&chain(&error.without_url()))))?
            .status();
        let said = format!("HTTP {status}");
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Err(NotifyError::Failed(said)),
            status if status.is_server_error() => Err(NotifyError::Failed(said)),
            _ => Err(NotifyError::Refused(said)),
        }
    }
}

pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// An error and what is behind it.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut out = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        out.push_str(": ");
        out.push_str(&inner.to_string());
        source = inner.source();
    }
    out
}

fn signature(key: &hmac::Key, document: &str) -> String {
    let tag = hmac::sign(key, document.as_bytes());
    format!("sha256={}", data_encoding::HEXLOWER.encode(tag.as_ref()))
}

impl Sink {
    /// What it is, without anything secret.
    pub fn describe(&self) -> String {
        match self {
            Sink::Command { words, .. } => format!("command {}", words.first().map_or("", String::as_str)),
            Sink::Webhook(webhook) => format!("webhook {}", webhook.url.host_str().unwrap_or_default()),
        }
    }

    /// Delivers a document, one line of JSON. It takes a bounded time.
    ///
    /// # Errors
    /// If it did not arrive.
    pub async fn deliver(&self, document: &str) -> Result<(), NotifyError> {
        match self {
            Sink::Command { words, folder } => run(words, folder, document).await,
            Sink::Webhook(webhook) => webhook.deliver(document).await,
        }
    }
}

async fn run(words: &[String], folder: &std::path::Path, document: &str) -> Result<(), NotifyError> {
    let fail = |said: String| NotifyError::Failed(said);
    let Some((program, arguments)) = words.split_first() else {
        return Err(NotifyError::Refused("no program is named".to_owned()));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(
            ENVIRONMENT
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| fail(error.to_string()))?;
    let mut stdin = child.stdin.take();
    let work = async {
        if let Some(stdin) = stdin.as_mut() {
            // A command that does not read its input is no failure.
            let _ = stdin.write_all(format!("{document}\n").as_bytes()).await;
        }
        drop(stdin);
        child.wait().await
    };
    let status = tokio::time::timeout(COMMAND, work)
        .await
        .map_err(|_| fail(format!("not done within {COMMAND:?}")))?
        .map_err(|error| fail(error.to_string()))?;
    if status.success() {
        Ok(())
    } else {
        Err(NotifyError::Refused(status.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    const DOCUMENT: &str = r#"{"event":"halt"}"#;

    fn secret() -> SecretString {
        SecretString::from("hunter2hunter2".to_owned())
    }

    fn hook(server: &MockServer) -> Sink {
        let url = format!("{}/hooks/t0ken-t0ken", server.uri());
        let mut webhook = Webhook::new(&url, Some(&secret())).unwrap();
        webhook.pause = Duration::from_millis(1);
        Sink::Webhook(Box::new(webhook))
    }

    #[tokio::test]
    async fn the_document_is_signed_and_tried_again() {
        let server = MockServer::start().await;
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"hunter2hunter2");
        let good = signature(&key, DOCUMENT);
        assert_eq!(good.len(), 7 + 64);
        let post = || Mock::given(method("POST")).and(path("/hooks/t0ken-t0ken"));
        post()
            .respond_with(ResponseTemplate::new(503))
            .up_to_n_times(2)
            .expect(2)
            .mount(&server)
            .await;
        post()
            .and(header(SIGNATURE_HEADER, good.as_str()))
            .and(header("content-type", "application/json"))
            .respond_with(ResponseTemplate::new(204))
            .expect(1)
            .mount(&server)
            .await;
        assert_eq!(hook(&server).deliver(DOCUMENT).await, Ok(()));
        let sent = server.received_requests().await.unwrap();
        assert!(sent.iter().all(|request| request.body == DOCUMENT.as_bytes()));
    }

    #[tokio::test]
    async fn what_is_refused_is_not_tried_again_and_what_fails_a_few_times() {
        for (status, tries) in [(401, 1), (302, 1), (500, 1 + AGAIN as u64)] {
            let server = MockServer::start().await;
            Mock::given(method("POST"))
                .respond_with(ResponseTemplate::new(status).insert_header("location", "http://192.0.2.1/"))
                .expect(tries)
                .mount(&server)
                .await;
            let error = hook(&server).deliver(DOCUMENT).await.unwrap_err();
            assert!(error.to_string().contains(&status.to_string()), "{error}");
        }
    }

    #[tokio::test]
    async fn no_secret_is_in_what_is_said() {
        let server = MockServer::start().await;
        let sink = hook(&server);
        let url = server.uri();
        drop(server);
        let text = format!(
            "{} {}",
            sink.describe(),
            sink.deliver(DOCUMENT).await.unwrap_err()
        );
        assert!(
            !text.contains("hunter2") && !text.contains("t0ken"),
            "{text} {url}"
        );
    }

    #[test]
    fn https_or_this_machine() {
        for good in [
            "https://hooks.example/x",
            "http://127.0.0.1:8080/x",
            "http://[::1]/",
            "http://localhost/",
        ] {
            assert!(Webhook::new(good, None).is_ok(), "{good}");
        }
        for bad in [
            "http://hooks.example/x",
            "ftp://127.0.0.1/",
            "https://me:pw@hooks.example/",
            "hooks.example",
        ] {
            let error = Webhook::new(bad, None).err().unwrap();
            assert!(!error.to_string().contains("pw"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_command_gets_it_on_stdin_and_no_environment() {
        let dir = tempfile::tempdir().unwrap();
        let run = |script: &str| Sink::Command {
            words: ["sh", "-c", script].map(str::to_owned).to_vec(),
            folder: dir.path().to_path_buf(),
        };
        run("cat > got; env > environment")
            .deliver(DOCUMENT)
            .await
            .unwrap();
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(read("got"), format!("{DOCUMENT}\n"));
        // Cargo gives its tests such variables.
        assert!(std::env::var("CARGO_PKG_NAME").is_ok() && !read("environment").contains("CARGO_PKG_NAME"));
        assert!(run("exit 3").deliver(DOCUMENT).await.is_err());
        run("exec 0<&-; exit 0")
            .deliver(&"x".repeat(1 << 20))
            .await
            .unwrap();
        let missing = Sink::Command {
            words: vec!["/no/such/program".to_owned()],
            folder: dir.path().to_path_buf(),
        };
        assert!(missing.deliver(DOCUMENT).await.is_err());
    }
}
