//! What [`Sessions`](crate::repo::Sessions) promises.

use brokle_model::id::{SessionId, UserId};
use futures_util::future::join;

use super::{later, noon, user};
use crate::repo::{RefreshClaim, RefreshToken, Session, Store, TokenHash};

const FIRST: TokenHash = TokenHash([1; 32]);

/// A session of a new user with one refresh token, both good for an hour.
async fn signed_in(store: &dyn Store, number: u128) -> Session {
    let person = user(number);
    store.create_user(&person).await.unwrap();
    let session = Session {
        id: SessionId::from_u128(number),
        user: person.user.id,
        created_at: noon(),
        expires_at: later(3600),
        revoked_at: None,
    };
    store.create_session(&session).await.unwrap();
    let hash = TokenHash([u8::try_from(number).unwrap(); 32]);
    let token = RefreshToken {
        hash,
        session: session.id,
        created_at: noon(),
        expires_at: later(3600),
    };
    store.create_refresh_token(&token).await.unwrap();
    session
}

/// What is stored comes back; the first revocation's time stays; the end can be moved.
pub async fn sessions_end_once(store: &dyn Store) {
    let session = signed_in(store, 1).await;
    assert_eq!(
        store.find_session(session.id).await.unwrap(),
        Some(session.clone())
    );
    assert_eq!(store.find_session(SessionId::from_u128(9)).await.unwrap(), None);
    store.extend_session(session.id, later(7200)).await.unwrap();
    store.revoke_session(session.id, later(5)).await.unwrap();
    store.revoke_session(session.id, later(6)).await.unwrap();
    let ended = Session {
        expires_at: later(7200),
        revoked_at: Some(later(5)),
        ..session
    };
    assert_eq!(store.find_session(ended.id).await.unwrap(), Some(ended.clone()));
    assert_eq!(store.find_session_of_token(FIRST).await.unwrap(), Some(ended));
    assert_eq!(
        store.find_session_of_token(TokenHash([9; 32])).await.unwrap(),
        None
    );
}

/// The second use is recognised as such; unknown and expired tokens are refused.
pub async fn a_refresh_token_is_claimed_once(store: &dyn Store) {
    let session = signed_in(store, 1).await;
    let unknown = store
        .claim_refresh_token(TokenHash([9; 32]), later(1))
        .await
        .unwrap();
    assert_eq!(unknown, RefreshClaim::Refused);
    let late = store.claim_refresh_token(FIRST, later(3600)).await.unwrap();
    assert_eq!(late, RefreshClaim::Refused);
    let claimed = store.claim_refresh_token(FIRST, later(1)).await.unwrap();
    assert_eq!(claimed, RefreshClaim::Claimed(session.clone()));
    let reused = store.claim_refresh_token(FIRST, later(2)).await.unwrap();
    assert_eq!(reused, RefreshClaim::Reused(session));
}

/// Revoking the session refuses the tokens of its family.
pub async fn a_refresh_token_of_an_ended_session_is_refused(store: &dyn Store) {
    let session = signed_in(store, 1).await;
    store.revoke_session(session.id, later(1)).await.unwrap();
    let claim = store.claim_refresh_token(FIRST, later(2)).await.unwrap();
    assert_eq!(claim, RefreshClaim::Refused);
}

/// Two parties present one token at the same moment.
pub async fn of_racing_claims_one_succeeds(store: &dyn Store) {
    signed_in(store, 1).await;
    let claim = || store.claim_refresh_token(FIRST, later(1));
    let (one, two) = join(claim(), claim()).await;
    let claims = [one.unwrap(), two.unwrap()];
    let claimed = claims
        .iter()
        .filter(|claim| matches!(claim, RefreshClaim::Claimed(_)))
        .count();
    let reused = claims
        .iter()
        .filter(|claim| matches!(claim, RefreshClaim::Reused(_)))
        .count();
    assert_eq!((claimed, reused), (1, 1), "{claims:?}");
}

/// Housekeeping removes what has expired, up to its limit, and nothing else.
pub async fn expired_sessions_are_deleted_with_their_tokens(store: &dyn Store) {
    for number in 1..=3 {
        signed_in(store, number).await;
    }
    let last = SessionId::from_u128(3);
    store.extend_session(last, later(9000)).await.unwrap();
    assert_eq!(store.delete_ended_sessions(later(3600), 10).await.unwrap(), 0);
    assert_eq!(store.delete_ended_sessions(later(3601), 1).await.unwrap(), 1);
    assert_eq!(store.delete_ended_sessions(later(3601), 10).await.unwrap(), 1);
    assert!(store.find_session(last).await.unwrap().is_some());
    assert_eq!(store.find_session_of_token(FIRST).await.unwrap(), None);
    assert!(store.find_user(UserId::from_u128(1)).await.unwrap().is_some());
}
