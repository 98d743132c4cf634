//! What handlers take. Each refusal is an [`crate::ApiError`], so it arrives in the envelope and names the
//! field at fault; who may call is part of the signature, so a handler cannot forget to ask.

mod api_key;
mod json;
mod organization_member;
mod path;
mod project_member;
mod query;
mod signed_in;

pub use api_key::{X_API_KEY, bearer_token, presented_key};
pub use json::Json;
pub use organization_member::OrganizationMember;
pub use path::Path;
pub use project_member::{InPath, InQuery, PermissionMarker, ProjectMember, ProjectSource, permission};
pub use query::Query;
pub use signed_in::SignedIn;
