//! The demo's account, made as a person would make it: sign up or in, an organisation, a project, a key.
//! Whatever is there already is used again.

use brokle_model::error::{Classify, ErrorKind};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Answer, Client, ClientError};
use crate::state::{StateError, StateFile};

/// The demo user's e-mail address.
pub const EMAIL: &str = "demo@example.com";

const ORGANIZATION: &str = "Demo";
const PROJECT: &str = "Support assistant";
const KEY: &str = "demo";

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The server did not answer.
    #[error("{0}")]
    Client(#[from] ClientError),
    /// The server refuses a step.
    #[error("{step}: the server answered {status}: {message}")]
    Refused {
        /// What was tried.
        step: &'static str,
        /// The answer's status.
        status: StatusCode,
        /// The answer's own words.
        message: String,
    },
    /// The account exists, but not with the kept password.
    #[error("{EMAIL} exists with another password; remove the demo's data directory to start anew")]
    OtherPassword,
    /// An answer lacks a field.
    #[error("{step}: the answer has no `{field}`")]
    Incomplete {
        /// What was tried.
        step: &'static str,
        /// The field.
        field: &'static str,
    },
    /// The key cannot be kept.
    #[error("{0}")]
    State(#[from] StateError),
}

impl Classify for AccountError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Client(error) => error.kind(),
            Self::State(error) => error.kind(),
            Self::OtherPassword => ErrorKind::Conflict,
            Self::Refused { .. } | Self::Incomplete { .. } => ErrorKind::Upstream,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Client(error) => error.code(),
            Self::State(error) => error.code(),
            Self::OtherPassword => "demo_other_password",
            Self::Refused { .. } => "demo_refused",
            Self::Incomplete { .. } => "demo_incomplete",
        }
    }
}

/// Makes sure that the account, its project and its key exist; gives the key.
pub async fn open(client: &Client, file: &mut StateFile) -> Result<String, AccountError> {
    if let Some(key) = &file.state.key
        && is_good(client, key).await?
    {
        return Ok(key.clone());
    }
    let session = sign_in(client, &file.state.password).await?;
    let organization = session
        .find_or_create("/api/v1/organizations", &json!({"name": ORGANIZATION}))
        .await?;
    let body = json!({"organization_id": organization, "name": PROJECT});
    let project = session.find_or_create("/api/v1/projects", &body).await?;
    let path = format!("/api/v1/projects/{project}/api-keys");
    let created = session.create(&path, &json!({"name": KEY})).await?;
    let key = field(&created, "making a key", "key")?;
    file.state.key = Some(key.clone());
    file.save()?;
    Ok(key)
}

async fn is_good(client: &Client, key: &str) -> Result<bool, AccountError> {
    let headers = [("x-api-key", key)];
    let answer = client
        .send(Method::GET, "/v1/auth/validate-key", &headers, "")
        .await?;
    Ok(answer.status == StatusCode::OK)
}

/// Signs up on the first start, in on any other.
async fn sign_in<'a>(client: &'a Client, password: &str) -> Result<Session<'a>, AccountError> {
    let body = json!({"email": EMAIL, "password": password, "name": "Demo"});
    let mut answer = post(client, "/api/v1/auth/signup", &body).await?;
    if answer.status == StatusCode::CONFLICT {
        let body = json!({"email": EMAIL, "password": password});
        answer = post(client, "/api/v1/auth/login", &body).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err(AccountError::OtherPassword);
        }
    }
    let data = data("signing in", &answer)?;
    let token = field(&data, "signing in", "access_token")?;
    Ok(Session {
        client,
        authorization: format!("Bearer {token}"),
    })
}

async fn post(client: &Client, path: &str, body: &Value) -> Result<Answer, ClientError> {
    let headers = [("content-type", "application/json")];
    client.send(Method::POST, path, &headers, body.to_string()).await
}

/// The signed-in user.
struct Session<'a> {
    client: &'a Client,
    authorization: String,
}

impl Session<'_> {
    /// The id of the thing with the name in `body`, which is made when there is none.
    async fn find_or_create(&self, path: &str, body: &Value) -> Result<String, AccountError> {
        const STEP: &str = "setting the project up";
        let headers = [("authorization", self.authorization.as_str())];
        let listed = self.client.send(Method::GET, path, &headers, "").await?;
        let listed = data(STEP, &listed)?;
        let found = listed.as_array().into_iter().flatten().find(|one| {
            let belongs = body
                .get("organization_id")
                .is_none_or(|id| one["organization_id"] == *id);
            one["name"] == body["name"] && belongs
        });
        match found {
            Some(found) => field(found, STEP, "id"),
            None => field(&self.create(path, body).await?, STEP, "id"),
        }
    }

    async fn create(&self, path: &str, body: &Value) -> Result<Value, AccountError> {
        let headers = [
            ("authorization", self.authorization.as_str()),
            ("content-type", "application/json"),
        ];
        let answer = self
            .client
            .send(Method::POST, path, &headers, body.to_string())
            .await?;
        data("setting the project up", &answer)
    }
}

/// The `data` of an answer that must be a success.
fn data(step: &'static str, answer: &Answer) -> Result<Value, AccountError> {
    let mut body = answer.json();
    if answer.status.is_success() {
        return Ok(body["data"].take());
    }
    let message = body["error"]["message"].as_str().unwrap_or("no reason given");
    Err(AccountError::Refused {
        step,
        status: answer.status,
        message: message.to_owned(),
    })
}

fn field(value: &Value, step: &'static str, field: &'static str) -> Result<String, AccountError> {
    let text = value[field].as_str().map(str::to_owned);
    text.ok_or(AccountError::Incomplete { step, field })
}
