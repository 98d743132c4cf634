//! Creates a user and signs them in.

use brokle_model::error::{Classify, ErrorKind};
use brokle_model::id::UserId;
use brokle_storage::repo::{CreateUserError, Credentials, StorageError, User};
use secrecy::SecretString;

use super::session::{IssueError, Tokens, begin};
use crate::context::Context;
use crate::email::{Email, InvalidEmail};
use crate::name::{InvalidName, Name};
use crate::password::{InvalidPassword, NewPassword, PasswordError};

pub(crate) struct SignUp {
    pub(crate) email: String,
    pub(crate) password: SecretString,
    pub(crate) name: String,
}

/// Why nobody was signed up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignUpError {
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    #[error(transparent)]
    Password(#[from] InvalidPassword),
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error("there is an account with this e-mail address already; sign in instead")]
    EmailTaken,
    #[error(transparent)]
    Hashing(#[from] PasswordError),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Classify for SignUpError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Email(_) | Self::Password(_) | Self::Name(_) => ErrorKind::Invalid,
            Self::EmailTaken => ErrorKind::Conflict,
            Self::Hashing(error) => error.kind(),
            Self::Issue(error) => error.kind(),
            Self::Storage(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Email(_) => "email_invalid",
            Self::Password(_) => "password_invalid",
            Self::Name(_) => "name_invalid",
            Self::EmailTaken => "email_taken",
            Self::Hashing(error) => error.code(),
            Self::Issue(error) => error.code(),
            Self::Storage(error) => error.code(),
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Email(_) | Self::EmailTaken => Some("email"),
            Self::Password(_) => Some("password"),
            Self::Name(_) => Some("name"),
            _ => None,
        }
    }

    fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Hashing(error) => error.retry_after(),
            _ => None,
        }
    }
}

impl From<CreateUserError> for SignUpError {
    fn from(error: CreateUserError) -> Self {
        match error {
            CreateUserError::EmailTaken => Self::EmailTaken,
            CreateUserError::Storage(error) => Self::Storage(error),
        }
    }
}

pub(crate) async fn sign_up(context: &Context, input: SignUp) -> Result<Tokens, SignUpError> {
    let name = Name::parse(&input.name)?;
    let email = Email::parse(&input.email)?;
    let password = NewPassword::parse(input.password)?;
    let password_hash = context.passwords.hash(password).await?;
    let now = context.now();
    let user = User {
        id: UserId::generate(now),
        email: email.to_string(),
        name: name.into_string(),
        created_at: now,
    };
    let credentials = Credentials {
        user: user.clone(),
        password_hash,
    };
    let unit = context.store.begin().await?;
    unit.create_user(&credentials).await?;
    let tokens = begin(context, &*unit, user).await?;
    unit.commit().await?;
    Ok(tokens)
}
