//! Passwords: policy, hashing and checking. Hashing is meant to be slow and large, so it runs on the
//! blocking pool, a few at a time; whoever waits too long for a place is told to come back.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use brokle_model::error::{Classify, ErrorKind};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

const CHARS_MIN: usize = 8;
const CHARS_MAX: usize = 128;
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Checked in place of the hash of an account that does not exist, so that the answer takes as long. It has
/// the parameters of the hashes made here; no password is known to match it.
const NOBODYS_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$YnJva2xlIG5vIG9uZSdzIHNhbHQ$2pUNF8fWdJY9sdxZXF4wFlhMrY8D7nVI2v3nNYd1oqo";

/// A password that fits the policy.
pub(crate) struct NewPassword(SecretString);

/// A password that does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the password must have {CHARS_MIN} to {CHARS_MAX} characters")]
pub(crate) struct InvalidPassword;

impl NewPassword {
    pub(crate) fn parse(text: SecretString) -> Result<Self, InvalidPassword> {
        let fits = (CHARS_MIN..=CHARS_MAX).contains(&text.expose_secret().chars().count());
        if fits {
            Ok(Self(text))
        } else {
            Err(InvalidPassword)
        }
    }
}

/// Why a password could not be hashed or checked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordError {
    /// Too many at once.
    #[error("too many people are signing in at this moment; try again in a few seconds")]
    Busy,
    /// The hash in the store, or the hasher itself, is broken.
    #[error("a password could not be hashed")]
    Hash(#[from] argon2::password_hash::Error),
    /// The stored hash has no known form.
    #[error("a stored password hash cannot be read")]
    Stored(#[from] argon2::password_hash::phc::Error),
    /// The hashing task broke off.
    #[error("password hashing broke off")]
    Task(#[from] tokio::task::JoinError),
}

impl Classify for PasswordError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Busy => ErrorKind::Unavailable,
            Self::Hash(_) | Self::Stored(_) | Self::Task(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Busy => "sign_in_busy",
            _ => "internal",
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Busy).then_some(WAIT_MAX)
    }
}

/// Hashes and checks passwords, a few at a time.
#[derive(Clone)]
pub(crate) struct Passwords {
    places: Arc<Semaphore>,
    wait_max: Duration,
}

impl Passwords {
    pub(crate) fn new(at_once: u32) -> Self {
        Self {
            places: Arc::new(Semaphore::new(at_once as usize)),
            wait_max: WAIT_MAX,
        }
    }

    /// The PHC string to store.
    pub(crate) async fn hash(&self, password: NewPassword) -> Result<String, PasswordError> {
        self.run(move || {
            let hash = Argon2::default().hash_password(password.0.expose_secret().as_bytes())?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether `password` matches `stored`; without a stored hash it never does, and takes as long.
    pub(crate) async fn matches(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, PasswordError> {
        // No password in use is longer, and hashing what anyone sends should not cost more for it.
        if password.expose_secret().chars().count() > CHARS_MAX {
            return Ok(false);
        }
        self.run(move || {
            let hash = PasswordHash::new(stored.as_deref().unwrap_or(NOBODYS_HASH))?;
            let verdict = Argon2::default().verify_password(password.expose_secret().as_bytes(), &hash);
            match verdict {
                Ok(()) => Ok(stored.is_some()),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
        .await
    }

    async fn run<T, F>(&self, work: F) -> Result<T, PasswordError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, PasswordError> + Send + 'static,
    {
        let wait = Arc::clone(&self.places).acquire_owned();
        let place = tokio::time::timeout(self.wait_max, wait).await;
        let Ok(Ok(place)) = place else {
            return Err(PasswordError::Busy);
        };
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(place);
            result
        })
        .await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(text: &str) -> Result<NewPassword, InvalidPassword> {
        NewPassword::parse(text.into())
    }

    #[test]
    fn length_counts_in_characters() {
        assert!(new("1234567").is_err() && new(&"x".repeat(129)).is_err());
        assert!(new("12345678").is_ok() && new(&"ö".repeat(128)).is_ok());
    }

    #[tokio::test]
    async fn a_hash_matches_its_password_only() {
        let passwords = Passwords::new(2);
        let hash = passwords.hash(new("correct horse").unwrap()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(
            passwords
                .matches("correct horse".into(), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .matches("correct horsf".into(), Some(hash))
                .await
                .unwrap()
        );
        assert!(!passwords.matches("correct horse".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn who_waits_too_long_for_a_place_is_told_to_come_back() {
        let passwords = Passwords {
            wait_max: Duration::from_millis(1),
            ..Passwords::new(1)
        };
        let _place = passwords.places.acquire().await.unwrap();
        let error = passwords.matches("correct horse".into(), None).await.unwrap_err();
        assert!(matches!(error, PasswordError::Busy));
        assert_eq!(error.retry_after(), Some(WAIT_MAX));
    }
}
