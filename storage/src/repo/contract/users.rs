//! What [`Users`](crate::repo::Users) promises.

use brokle_model::id::UserId;

use super::user;
use crate::repo::{CreateUserError, Credentials, Store, User};

/// Both look-ups give back exactly what was stored.
pub async fn a_user_is_found_by_id_and_email(store: &dyn Store) {
    let ada = user(1);
    store.create_user(&ada).await.unwrap();
    store.create_user(&user(2)).await.unwrap();
    assert_eq!(
        store.find_user(ada.user.id).await.unwrap(),
        Some(ada.user.clone())
    );
    assert_eq!(
        store.find_credentials("person1@example.com").await.unwrap(),
        Some(ada)
    );
    assert_eq!(store.find_user(UserId::from_u128(3)).await.unwrap(), None);
    assert_eq!(store.find_credentials("person3@example.com").await.unwrap(), None);
}

/// The second user of an address is refused, and the first stays as they were.
pub async fn email_addresses_are_unique(store: &dyn Store) {
    let first = user(1);
    store.create_user(&first).await.unwrap();
    let second = Credentials {
        user: User {
            id: UserId::from_u128(2),
            ..first.user.clone()
        },
        password_hash: "another".to_owned(),
    };
    let refused = store.create_user(&second).await;
    assert!(matches!(refused, Err(CreateUserError::EmailTaken)), "{refused:?}");
    assert_eq!(
        store.find_credentials(&first.user.email).await.unwrap(),
        Some(first)
    );
}
