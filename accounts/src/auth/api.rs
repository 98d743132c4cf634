//! `/api/v1/auth`: public routes, counted against the caller's address.

use axum::extract::State;
use brokle_http::{ApiResult, Envelope, Failures, Json, Peer};
use brokle_model::id::UserId;
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::session::Tokens;
use super::sign_in::SignIn;
use super::sign_up::SignUp;
use super::{refresh, sign_in, sign_out, sign_up};
use crate::context::Context;
use crate::cookie::{self, RefreshCookie};
use crate::token::RefreshSecret;

pub(crate) fn router() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(post_sign_up))
        .routes(routes!(post_sign_in))
        .routes(routes!(post_refresh))
        .routes(routes!(post_sign_out))
}

/// Who signs up.
#[derive(Deserialize, ToSchema)]
struct SignUpRequest {
    #[schema(example = "ada@example.com")]
    email: String,
    /// 8 to 128 characters.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    #[schema(example = "Ada Lovelace")]
    name: String,
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
struct SignInRequest {
    #[schema(example = "ada@example.com")]
    email: String,
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// The refresh token, unless the cookie brings it.
#[derive(Deserialize, ToSchema)]
struct RefreshRequest {
    #[schema(value_type = Option<String>)]
    refresh_token: Option<SecretString>,
}

/// The user who is signed in now.
#[derive(Serialize, ToSchema)]
struct SessionUser {
    #[schema(value_type = String)]
    id: UserId,
    email: String,
    name: String,
}

/// A session's tokens.
#[derive(Serialize, ToSchema)]
struct SessionTokens {
    user: SessionUser,
    /// For `Authorization: Bearer`.
    access_token: String,
    /// Works once; also set as a cookie that scripts cannot read.
    refresh_token: String,
    /// Seconds until the access token expires.
    expires_in: u64,
}

type SessionAnswer = (StatusCode, RefreshCookie, Envelope<SessionTokens>);

/// Creates an account and signs in.
#[utoipa::path(
    post, path = "/api/v1/auth/signup", tag = "auth", operation_id = "sign_up",
    request_body = SignUpRequest,
    responses((status = 201, description = "Signed up and in.", body = Envelope<SessionTokens>), Failures),
)]
async fn post_sign_up(
    State(context): State<Context>,
    peer: Peer,
    Json(SignUpRequest {
        email,
        password,
        name,
    }): Json<SignUpRequest>,
) -> ApiResult<SessionAnswer> {
    context.limits.attempt(peer).await?;
    let tokens = sign_up::sign_up(
        &context,
        SignUp {
            email,
            password,
            name,
        },
    )
    .await?;
    Ok(answer(StatusCode::CREATED, &context, peer, tokens))
}

/// Signs in with a password.
#[utoipa::path(
    post, path = "/api/v1/auth/login", tag = "auth", operation_id = "sign_in",
    request_body = SignInRequest,
    responses((status = 200, description = "Signed in.", body = Envelope<SessionTokens>), Failures),
)]
async fn post_sign_in(
    State(context): State<Context>,
    peer: Peer,
    Json(SignInRequest { email, password }): Json<SignInRequest>,
) -> ApiResult<SessionAnswer> {
    context.limits.attempt(peer).await?;
    let tokens = sign_in::sign_in(&context, SignIn { email, password }).await?;
    Ok(answer(StatusCode::OK, &context, peer, tokens))
}

/// Exchanges a refresh token for the next pair of tokens.
///
/// Each refresh token works once. The second use of one ends its session.
#[utoipa::path(
    post, path = "/api/v1/auth/refresh", tag = "auth", operation_id = "refresh_session",
    request_body = Option<RefreshRequest>,
    responses((status = 200, description = "The next tokens.", body = Envelope<SessionTokens>), Failures),
)]
async fn post_refresh(
    State(context): State<Context>,
    peer: Peer,
    headers: HeaderMap,
    body: Option<Json<RefreshRequest>>,
) -> ApiResult<SessionAnswer> {
    context.limits.attempt(peer).await?;
    let tokens = refresh::refresh(&context, presented(body, &headers)).await?;
    Ok(answer(StatusCode::OK, &context, peer, tokens))
}

/// Ends the session of a refresh token.
#[utoipa::path(
    post, path = "/api/v1/auth/logout", tag = "auth", operation_id = "sign_out",
    request_body = Option<RefreshRequest>,
    responses((status = 204, description = "Signed out."), Failures),
)]
async fn post_sign_out(
    State(context): State<Context>,
    peer: Peer,
    headers: HeaderMap,
    body: Option<Json<RefreshRequest>>,
) -> ApiResult<(StatusCode, RefreshCookie, ())> {
    sign_out::sign_out(&context, presented(body, &headers)).await?;
    Ok((StatusCode::NO_CONTENT, RefreshCookie::remove(peer), ()))
}

/// The body's token, else the cookie's.
fn presented(body: Option<Json<RefreshRequest>>, headers: &HeaderMap) -> Option<RefreshSecret> {
    let sent = body.and_then(|Json(request)| request.refresh_token);
    sent.or_else(|| cookie::find(headers))
        .map(RefreshSecret::presented)
}

fn answer(status: StatusCode, context: &Context, peer: Peer, tokens: Tokens) -> SessionAnswer {
    let cookie = RefreshCookie::keep(&tokens.refresh, context.config.refresh_ttl, peer);
    let body = SessionTokens {
        user: SessionUser {
            id: tokens.user.id,
            email: tokens.user.email,
            name: tokens.user.name,
        },
        access_token: tokens.access.expose_secret().to_owned(),
        refresh_token: tokens.refresh.reveal().to_owned(),
        expires_in: tokens.access_ttl_seconds,
    };
    (status, cookie, Envelope::new(body))
}
