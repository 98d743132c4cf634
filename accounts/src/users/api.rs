//! `/api/v1/users`

use axum::extract::State;
use brokle_http::{ApiResult, Envelope, Failures, SignedIn};
use brokle_model::id::UserId;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::context::Context;

pub(crate) fn router() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(get_me))
}

/// A user.
#[derive(Serialize, ToSchema)]
struct User {
    #[schema(value_type = String)]
    id: UserId,
    email: String,
    name: String,
    created_at: DateTime<Utc>,
}

/// Tells who is signed in.
#[utoipa::path(
    get, path = "/api/v1/users/me", tag = "users", operation_id = "get_current_user",
    security(("session" = [])),
    responses((status = 200, description = "The signed-in user.", body = Envelope<User>), Failures),
)]
async fn get_me(State(context): State<Context>, caller: SignedIn) -> ApiResult<Envelope<User>> {
    let user = super::get::get(&context, caller.user).await?;
    Ok(Envelope::new(User {
        id: user.id,
        email: user.email,
        name: user.name,
        created_at: user.created_at,
    }))
}
