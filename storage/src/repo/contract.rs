//! The suite that every relational store passes: each function takes an empty, migrated store and panics
//! when a promise of the traits is broken. [`crate::relational_contract`] names all of them, so that no
//! engine can leave one out.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a broken promise fails the caller's test"
)]

mod api_keys;
mod gateway;
mod organizations;
mod projects;
mod sessions;
mod telemetry_settings;
mod transactions;
mod users;

use brokle_model::id::{OrganizationId, ProjectId, UserId};
use brokle_model::principal::Role;
use chrono::{DateTime, Duration, Utc};

use super::{Credentials, Organization, Project, Repositories, User};

pub use api_keys::{
    a_key_can_be_changed_and_disabled, a_key_is_found_by_its_hash_until_it_is_revoked,
    a_key_of_another_project_cannot_be_revoked, keys_keep_all_that_is_known_of_them, uses_never_move_back,
};
pub use gateway::{
    a_gateway_entry_that_is_put_again_is_replaced, gateway_entries_are_kept_by_organization_kind_and_name,
    gateway_revisions_tell_of_every_change,
};
pub use organizations::{
    an_organization_is_seen_by_its_members_only, organization_slugs_are_unique, roles_can_be_changed,
};
pub use projects::{project_slugs_are_unique_within_an_organization, projects_are_seen_by_members_only};
pub use sessions::{
    a_refresh_token_is_claimed_once, a_refresh_token_of_an_ended_session_is_refused,
    expired_sessions_are_deleted_with_their_tokens, of_racing_claims_one_succeeds, sessions_end_once,
};
pub use telemetry_settings::{
    changed_settings_can_be_told, settings_are_read_back_as_saved,
    settings_are_saved_over_the_version_that_was_seen_only,
};
pub use transactions::{
    a_conflict_leaves_the_unit_usable, a_dropped_unit_undoes_everything, a_unit_commits_as_a_whole,
};
pub use users::{a_user_is_found_by_id_and_email, email_addresses_are_unique};

/// Writes one test per promise: `relational_contract!(run)` where `run` is an async function that takes a
/// test and gives it an empty store.
#[macro_export]
macro_rules! relational_contract {
    ($run:path) => {
        $crate::relational_contract!(
            $run:
            a_user_is_found_by_id_and_email,
            email_addresses_are_unique,
            an_organization_is_seen_by_its_members_only,
            organization_slugs_are_unique,
            roles_can_be_changed,
            projects_are_seen_by_members_only,
            project_slugs_are_unique_within_an_organization,
            keys_keep_all_that_is_known_of_them,
            a_key_is_found_by_its_hash_until_it_is_revoked,
            a_key_of_another_project_cannot_be_revoked,
            a_key_can_be_changed_and_disabled,
            uses_never_move_back,
            gateway_entries_are_kept_by_organization_kind_and_name,
            a_gateway_entry_that_is_put_again_is_replaced,
            gateway_revisions_tell_of_every_change,
            sessions_end_once,
            a_refresh_token_is_claimed_once,
            a_refresh_token_of_an_ended_session_is_refused,
            of_racing_claims_one_succeeds,
            expired_sessions_are_deleted_with_their_tokens,
            settings_are_read_back_as_saved,
            settings_are_saved_over_the_version_that_was_seen_only,
            changed_settings_can_be_told,
            a_unit_commits_as_a_whole,
            a_dropped_unit_undoes_everything,
            a_conflict_leaves_the_unit_usable,
        );
    };
    ($run:path: $($promise:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $promise() {
                $run(|store| async move { $crate::repo::contract::$promise(&*store).await }).await;
            }
        )+
    };
}

/// A time with all the microseconds that must survive.
fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(1_763_812_800_123_457).unwrap()
}

fn later(seconds: i64) -> DateTime<Utc> {
    noon() + Duration::seconds(seconds)
}

fn user(number: u128) -> Credentials {
    let user = User {
        id: UserId::from_u128(number),
        email: format!("person{number}@example.com"),
        name: format!("Persön {number}"),
        created_at: noon(),
    };
    Credentials {
        user,
        password_hash: format!("$argon2id${number}"),
    }
}

fn organization(number: u128) -> Organization {
    Organization {
        id: OrganizationId::from_u128(number),
        name: format!("Organization {number}"),
        slug: format!("organization-{number}"),
        created_at: later(i64::try_from(number).unwrap()),
    }
}

fn project(number: u128, organization: &Organization) -> Project {
    Project {
        id: ProjectId::from_u128(number),
        organization: organization.id,
        name: format!("Project {number}"),
        slug: format!("project-{number}"),
        created_at: later(i64::try_from(number).unwrap()),
    }
}

/// User `number` owns organisation `number`, which has project `number`.
async fn tenant(store: &dyn Repositories, number: u128) -> (UserId, Organization, Project) {
    let (owner, organization) = (user(number), organization(number));
    let project = project(number, &organization);
    store.create_user(&owner).await.unwrap();
    store.create_organization(&organization).await.unwrap();
    store
        .set_member(organization.id, owner.user.id, Role::Owner, noon())
        .await
        .unwrap();
    store.create_project(&project).await.unwrap();
    (owner.user.id, organization, project)
}
