//! A service account of Google's: it signs a statement about itself, and gets a token for it that serves for an hour.
//! All calls share the token; one that finds it about to expire fetches the next, and the others wait for that one.

use std::fmt;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::{SignError, unix_seconds};
use crate::upstream::Client;
use crate::upstream::body::{Packing, read_whole};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
/// What a statement may be used for, and a token at most serves.
const LIFE: Duration = Duration::from_hours(1);
/// A token is not used in the last minutes of its life: a call may wait, and clocks differ.
const MARGIN: Duration = Duration::from_mins(5);
const PATIENCE: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// The file that Google gives out, as far as it matters.
#[derive(Deserialize)]
struct KeyFile {
    client_email: String,
    private_key: SecretString,
    #[serde(default)]
    private_key_id: Option<String>,
    #[serde(default)]
    project_id: Option<String>,
    #[serde(default = "default_token_uri")]
    token_uri: String,
}

fn default_token_uri() -> String {
    "https://oauth2.googleapis.com/token".to_owned()
}

#[derive(Serialize)]
struct Statement<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'a str,
    iat: u64,
    exp: u64,
}

#[derive(Deserialize)]
struct Answer {
    access_token: SecretString,
    #[serde(default)]
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// A service account and its current token.
pub(crate) struct ServiceAccount {
    email: String,
    pub(crate) project: Option<String>,
    header: Header,
    key: EncodingKey,
    token_uri: String,
    address: Uri,
    token: Mutex<Option<Token>>,
}

struct Token {
    value: HeaderValue,
    usable_until: Instant,
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServiceAccount")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

impl ServiceAccount {
    /// Reads the file's text, or says what is wrong with it.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let file: KeyFile = serde_json::from_str(json)
            .map_err(|error| format!("it is not a service account's key file: {error}"))?;
        let key = EncodingKey::from_rsa_pem(file.private_key.expose_secret().as_bytes())
            .map_err(|_| "its `private_key` is not an RSA key in PEM form".to_owned())?;
        let address = file
            .token_uri
            .parse()
            .map_err(|_| "its `token_uri` is not a URL".to_owned())?;
        let mut header = Header::new(Algorithm::RS256);
        header.kid = file.private_key_id;
        Ok(Self {
            email: file.client_email,
            project: file.project_id,
            header,
            key,
            token_uri: file.token_uri,
            address,
            token: Mutex::new(None),
        })
    }

    /// The `authorization` header of a call that begins now.
    pub(super) async fn token(&self, client: &Client, now: SystemTime) -> Result<HeaderValue, SignError> {
        let mut token = self.token.lock().await;
        if let Some(token) = token.as_ref().filter(|token| Instant::now() < token.usable_until) {
            return Ok(token.value.clone());
        }
        let asked_at = Instant::now();
        let answer = timeout(PATIENCE, self.ask(client, now)).await;
        let answer = answer.map_err(|_| SignError::Unreachable("it did not answer in time".to_owned()))??;
        let life = answer.expires_in.map_or(LIFE, Duration::from_secs);
        let value = format!("Bearer {}", answer.access_token.expose_secret());
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| SignError::Refused("its answer is no token".to_owned()))?;
        value.set_sensitive(true);
        *token = Some(Token {
            value: value.clone(),
            usable_until: asked_at + life.saturating_sub(MARGIN),
        });
        Ok(value)
    }

    async fn ask(&self, client: &Client, now: SystemTime) -> Result<Answer, SignError> {
        let unreachable = |error: &dyn fmt::Display| SignError::Unreachable(error.to_string());
        let response = client
            .request(self.question(now)?)
            .await
            .map_err(|error| unreachable(&error))?;
        let (parts, body) = response.into_parts();
        let packing = Packing::of(&parts.headers);
        let deadline = Instant::now() + PATIENCE;
        let body = read_whole(body, packing, ANSWER_BYTES_MAX, PATIENCE, deadline)
            .await
            .map_err(|fault| unreachable(&fault))?;
        if parts.status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|_| SignError::Refused("its answer is no token".to_owned()));
        }
        let said = match serde_json::from_slice::<Refusal>(&body) {
            Ok(refusal) => format!("{} {}", refusal.error, refusal.error_description),
            Err(_) => parts.status.to_string(),
        };
        Err(SignError::Refused(said.chars().take(300).collect()))
    }

    fn question(&self, now: SystemTime) -> Result<Request<Full<Bytes>>, SignError> {
        let seconds = unix_seconds(now);
        let statement = Statement {
            iss: &self.email,
            scope: SCOPE,
            aud: &self.token_uri,
            iat: seconds,
            exp: seconds + LIFE.as_secs(),
        };
        let signed = jsonwebtoken::encode(&self.header, &statement, &self.key)
            .map_err(|_| SignError::Refused("the key cannot sign".to_owned()))?;
        let body = format!("grant_type={GRANT}&assertion={signed}");
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.address.clone();
        let headers = request.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Ok(request)
    }
}
