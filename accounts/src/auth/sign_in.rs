//! Signs a user in with their password. What an account that does not exist answers, and how long that
//! takes, is the same as for a wrong password.

use brokle_model::error::{Classify, ErrorKind};
use brokle_storage::repo::StorageError;
use secrecy::SecretString;

use super::session::{IssueError, Tokens, begin};
use crate::context::Context;
use crate::email::Email;
use crate::password::PasswordError;
use crate::rate_limit::TooManyAttempts;

pub(crate) struct SignIn {
    pub(crate) email: String,
    pub(crate) password: SecretString,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    #[error("the e-mail address or the password is wrong")]
    Refused,
    #[error(transparent)]
    TooMany(#[from] TooManyAttempts),
    #[error(transparent)]
    Checking(#[from] PasswordError),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for SignInError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused => ErrorKind::Unauthenticated,
            Self::TooMany(error) => error.kind(),
            Self::Checking(error) => error.kind(),
            Self::Issue(error) => error.kind(),
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Refused => "sign_in_refused",
            Self::TooMany(error) => error.code(),
            Self::Checking(error) => error.code(),
            Self::Issue(error) => error.code(),
            Self::Storage(error) => error.code(),
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::TooMany(error) => error.retry_after(),
            Self::Checking(error) => error.retry_after(),
            _ => None,
        }
    }
}

pub(crate) async fn sign_in(context: &Context, input: SignIn) -> Result<Tokens, SignInError> {
    let email = Email::parse(&input.email).map_err(|_| SignInError::Refused)?;
    context.limits.sign_in(&email).await?;
    let credentials = context.store.find_credentials(email.as_str()).await?;
    let (user, stored) = credentials.map(|known| (known.user, known.password_hash)).unzip();
    let matches = context.passwords.matches(input.password, stored).await?;
    let user = user.filter(|_| matches).ok_or(SignInError::Refused)?;
    let unit = context.store.begin().await?;
    let tokens = begin(context, &*unit, user).await?;
    unit.commit().await?;
    Ok(tokens)
}
