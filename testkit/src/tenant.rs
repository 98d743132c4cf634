//! A signed-up user with an organisation, a project and a key, made through the real API.

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// A tenant of a running server.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The server.
    pub url: String,
    /// The user's e-mail address; the password is [`PASSWORD`].
    pub email: String,
    /// The access token.
    pub access_token: String,
    /// The organisation's id.
    pub organization_id: String,
    /// The project's id.
    pub project_id: String,
    /// A key with every scope.
    pub key: String,
    /// That key's id.
    pub key_id: String,
    client: Client,
}

/// Every test user's password.
pub const PASSWORD: &str = "correct horse battery";

impl Tenant {
    /// Signs up and creates an organisation, a project and a key.
    pub async fn sign_up(url: &str) -> Result<Self> {
        let client = Client::new();
        let name = format!("t{:012x}", rand::random::<u64>() & 0xffff_ffff_ffff);
        let email = format!("{name}@example.com");
        let mut tenant = Self {
            url: url.to_owned(),
            email,
            access_token: String::new(),
            organization_id: String::new(),
            project_id: String::new(),
            key: String::new(),
            key_id: String::new(),
            client,
        };
        let body = json!({"email": tenant.email, "password": PASSWORD, "name": name});
        tenant.access_token = text(
            &tenant.create("/api/v1/auth/signup", &body).await?,
            "access_token",
        )?;
        let organization = tenant
            .create("/api/v1/organizations", &json!({"name": name}))
            .await?;
        tenant.organization_id = text(&organization, "id")?;
        let body = json!({"organization_id": tenant.organization_id, "name": "Main"});
        tenant.project_id = text(&tenant.create("/api/v1/projects", &body).await?, "id")?;
        let path = format!("/api/v1/projects/{}/api-keys", tenant.project_id);
        let key = tenant.create(&path, &json!({"name": "test"})).await?;
        tenant.key = text(&key, "key")?;
        tenant.key_id = text(&key, "id")?;
        Ok(tenant)
    }

    /// Signs in as a user who has a project already. The key is not known.
    pub async fn sign_in(url: &str, email: &str, password: &str) -> Result<Self> {
        let client = Client::new();
        let body = json!({"email": email, "password": password});
        let request = client.post(format!("{url}/api/v1/auth/login")).json(&body);
        let mut answer: Value = request.send().await?.error_for_status()?.json().await?;
        let mut tenant = Self {
            url: url.to_owned(),
            email: email.to_owned(),
            access_token: text(&answer["data"].take(), "access_token")?,
            organization_id: String::new(),
            project_id: String::new(),
            key: String::new(),
            key_id: String::new(),
            client,
        };
        let response = tenant.request(Method::GET, "/api/v1/projects").send().await?;
        let mut projects: Value = response.error_for_status()?.json().await?;
        let project = projects["data"][0].take();
        tenant.project_id = text(&project, "id")?;
        tenant.organization_id = text(&project, "organization_id")?;
        Ok(tenant)
    }

    /// A request as the signed-in user.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
        if self.access_token.is_empty() {
            request
        } else {
            request.bearer_auth(&self.access_token)
        }
    }

    /// `GET`s a path in the project, and gives status and body.
    pub async fn get(&self, path: &str) -> Result<(StatusCode, Value)> {
        let glue = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{glue}project_id={}", self.project_id);
        let response = self.request(Method::GET, &path).send().await?;
        let status = response.status();
        Ok((status, response.json().await.unwrap_or(Value::Null)))
    }

    /// The `data` of a `GET` that must succeed.
    pub async fn data(&self, path: &str) -> Result<Value> {
        let (status, mut body) = self.get(path).await?;
        ensure!(status == StatusCode::OK, "GET {path}: {status} {body}");
        Ok(body["data"].take())
    }

    /// The trace, when it is visible.
    pub async fn trace(&self, trace_id: &str) -> Option<Value> {
        self.data(&format!("/api/v1/analytics/traces/{trace_id}"))
            .await
            .ok()
    }

    /// The trace's observations, when it is visible.
    pub async fn observations(&self, trace_id: &str) -> Option<Vec<Value>> {
        let data = self
            .data(&format!("/api/v1/analytics/traces/{trace_id}/observations"))
            .await
            .ok()?;
        data.as_array()
            .cloned()
            .filter(|observations| !observations.is_empty())
    }

    async fn create(&self, path: &str, body: &Value) -> Result<Value> {
        let response = self.request(Method::POST, path).json(body).send().await?;
        let status = response.status();
        let mut answer: Value = response.json().await.unwrap_or(Value::Null);
        ensure!(status == StatusCode::CREATED, "POST {path}: {status} {answer}");
        Ok(answer["data"].take())
    }
}

fn text(value: &Value, field: &str) -> Result<String> {
    value[field]
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("no `{field}` in {value}"))
}
