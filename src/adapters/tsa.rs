//! Asking a time stamping authority (RFC 3161, over HTTP as in section 3.4).

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url, redirect};

use super::notify::{chain, is_loopback};
use crate::evidence::{LARGEST_TOKEN, StampError, Token, stamp_request};

/// How long one token may take, from the connection to the last octet.
const ANSWER: Duration = Duration::from_secs(10);

/// An authority that is asked for tokens.
#[derive(Clone, Debug)]
pub struct Authority {
    url: Url,
    client: Client,
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// The URL cannot be used.
    #[error(
        "this cannot be the address of a time stamping authority: an http or https URL without a name and password in it"
    )]
    Url,
    /// The network, or the other side, in its words.
    #[error("{0}")]
    Failed(String),
    /// What was answered is no token.
    #[error("{0}")]
    Answer(#[from] StampError),
    /// A token over something else.
    #[error("the token is not over what was sent")]
    Imprint,
    /// A token that was made for another question.
    #[error("the token does not have the nonce that was sent: it may be an old one")]
    Nonce,
}

impl Authority {
    /// The authority at `url`. `http:` is as good as `https:`, since what is answered is signed and what is sent is a hash.
    ///
    /// # Errors
    /// If the URL is none, or holds a password.
    pub fn new(url: &str) -> Result<Authority, AuthorityError> {
        let url = Url::parse(url).map_err(|_| AuthorityError::Url)?;
        let known = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
        if !known || !url.username().is_empty() || url.password().is_some() {
            return Err(AuthorityError::Url);
        }
        // Does nothing where a provider is installed already, as the binary does first of all.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(ANSWER);
        if is_loopback(&url) {
            builder = builder.no_proxy();
        }
        let client = builder
            .build()
            .map_err(|error| AuthorityError::Failed(error.without_url().to_string()))?;
        Ok(Authority { url, client })
    }

    /// The host, for people: a path may hold a token of its own.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// A `TimeStampResp` over `data`, as it was answered: granted, over `data`, and with the nonce that was sent. The signature
    /// is not checked. It takes ten seconds at most.
    ///
    /// # Errors
    /// If there is none.
    pub async fn stamp(&self, data: &[u8]) -> Result<Vec<u8>, AuthorityError> {
        let (request, nonce) = stamp_request(data, rand::random());
        let octets = self.ask(request).await?;
        let token = Token::read(&octets)?;
        if token.is_over(data) != Some(true) {
            return Err(AuthorityError::Imprint);
        }
        if token.nonce.as_deref() != Some(nonce.as_slice()) {
            return Err(AuthorityError::Nonce);
        }
        Ok(octets)
    }

    async fn ask(&self, request: Vec<u8>) -> Result<Vec<u8>, AuthorityError> {
        let failed = |error: reqwest::Error| AuthorityError::Failed(chain(&error.without_url()));
        let mut response = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/timestamp-query")
            .body(request)
            .send()
            .await
            .map_err(failed)?;
        let status = response.status();
        if !status.is_success() {
            return Err(AuthorityError::Failed(format!("HTTP {status}")));
        }
        let mut octets = Vec::new();
        while let Some(part) = response.chunk().await.map_err(failed)? {
            octets.extend_from_slice(&part);
            if octets.len() > LARGEST_TOKEN {
                return Err(StampError::Large(octets.len()).into());
            }
        }
        Ok(octets)
    }
}
