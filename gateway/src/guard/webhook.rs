//! Somebody else's opinion: a signed request with the texts, and an answer within a time. What no answer means is the
//! configuration's word.
//!
//! The signature is an HMAC with SHA-256 over the second, a dot, and the body, in the form
//! `x-brokle-signature: t=SECONDS,v1=HEX`: a receiver that checks the second as well cannot be replayed to.

use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::config::{GuardAction, OnFailure, WebhookConfig};
use crate::settings::Environment;
use crate::upstream::Client;

const ANSWER_BYTES_MAX: usize = 4 << 20;
const TIMEOUT_MS_MAX: u64 = 60_000;

/// Where to ask, and how.
#[derive(Debug)]
pub(super) struct Webhook {
    uri: Uri,
    secret: Option<SecretString>,
    timeout: Duration,
    pub(super) on_failure: OnFailure,
}

/// What is asked.
#[derive(Debug, Serialize)]
pub(super) struct Question<'a> {
    pub(super) guardrail: &'a str,
    pub(super) stage: &'static str,
    pub(super) project: String,
    pub(super) key: String,
    pub(super) trace_id: String,
    pub(super) model: &'a str,
    pub(super) route: Option<&'a str>,
    pub(super) endpoint: &'static str,
    pub(super) texts: Vec<Said<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct Said<'a> {
    pub(super) role: &'static str,
    pub(super) text: &'a str,
}

/// What was answered.
#[derive(Debug, Deserialize)]
pub(super) struct Opinion {
    /// `allow`, or what to do.
    pub(super) action: Verdict,
    /// For `redact`: the texts as they may pass, as many as were asked about.
    #[serde(default)]
    pub(super) texts: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Allow,
    Flag,
    Redact,
    Block,
}

impl Verdict {
    pub(super) const fn action(self) -> Option<GuardAction> {
        match self {
            Self::Allow => None,
            Self::Flag => Some(GuardAction::Flag),
            Self::Redact => Some(GuardAction::Redact),
            Self::Block => Some(GuardAction::Block),
        }
    }
}

impl Webhook {
    pub(super) fn new(config: &WebhookConfig, environment: Environment<'_>) -> Result<Self, String> {
        let uri: Uri = config
            .url
            .parse()
            .map_err(|_| format!("has a webhook at `{}`, which is no URL", config.url))?;
        let usable = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
        if !usable {
            return Err(format!(
                "has a webhook at `{}`: it must begin with `https://` or `http://`",
                config.url
            ));
        }
        if config.secret.is_some() && config.secret_env.is_some() {
            return Err("has a webhook with both `secret` and `secret_env`: keep one".to_owned());
        }
        if !(1..=TIMEOUT_MS_MAX).contains(&config.timeout_ms) {
            return Err(format!(
                "has a webhook whose `timeout_ms` is not between 1 and {TIMEOUT_MS_MAX}"
            ));
        }
        let secret = match &config.secret_env {
            None => config.secret.clone(),
            Some(name) => Some(
                environment(name)
                    .ok_or_else(|| format!("has a webhook whose secret is in `{name}`, which is not set"))?,
            ),
        };
        Ok(Self {
            uri,
            secret,
            timeout: Duration::from_millis(config.timeout_ms),
            on_failure: config.on_failure,
        })
    }

    /// Asks; nothing when no usable answer comes in time.
    pub(super) async fn ask(&self, client: &Client, question: &Question<'_>, now_s: i64) -> Option<Opinion> {
        let body = serde_json::to_vec(question).ok()?;
        let request = self.request(body, now_s);
        let answer = async {
            let response = client.request(request).await.ok()?;
            if response.status() != StatusCode::OK {
                return None;
            }
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
                .collect()
                .await
                .ok()?;
            serde_json::from_slice::<Opinion>(&body.to_bytes()).ok()
        };
        let opinion = tokio::time::timeout(self.timeout, answer).await.ok().flatten();
        let fits = |opinion: &Opinion| {
            opinion.action != Verdict::Redact || opinion.texts.len() == question.texts.len()
        };
        let opinion = opinion.filter(fits);
        if opinion.is_none() {
            tracing::warn!(
                guardrail = question.guardrail,
                "a guardrail's webhook gave no usable answer"
            );
        }
        opinion
    }

    fn request(&self, body: Vec<u8>, now_s: i64) -> Request<Full<Bytes>> {
        let signature = self.secret.as_ref().map(|secret| signature(secret, &body, now_s));
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("brokle-guardrail"));
        if let Some(signature) = signature.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(HeaderName::from_static("x-brokle-signature"), signature);
        }
        request
    }
}

fn signature(secret: &SecretString, body: &[u8], now_s: i64) -> String {
    use std::fmt::Write as _;
    let mut text = format!("t={now_s},v1=");
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) {
        mac.update(format!("{now_s}.").as_bytes());
        mac.update(body);
        for byte in mac.finalize().into_bytes() {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_signed_with_its_second() {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac key
        let expected = "t=1700000000,v1=";
        let signed = signature(&SecretString::from("key"), b"{}", 1_700_000_000);
        assert!(signed.starts_with(expected) && signed.len() == expected.len() + 64);
        assert_ne!(
            signed,
            signature(&SecretString::from("key"), b"{}", 1_700_000_001).replace("000001", "000000")
        );
    }
}
