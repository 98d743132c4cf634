//! The two tokens of a session. The access token is a signed statement that any node can check without the
//! store; the refresh token is 256 random bits, known to the store by its SHA-256 only.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brokle_model::clock::SharedClock;
use brokle_model::id::{SessionId, UserId};
use brokle_model::port::UserSession;
use brokle_storage::repo::TokenHash;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const ISSUER: &str = "brokle";
const AUDIENCE: &str = "brokle-dashboard";
const REFRESH_PREFIX: &str = "brokle_rt_";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    iat: i64,
    exp: i64,
}

/// Signs and checks access tokens.
pub(crate) struct AccessTokens {
    signing_key: EncodingKey,
    checking_key: DecodingKey,
    validation: Validation,
    ttl: Duration,
    clock: SharedClock,
}

impl AccessTokens {
    pub(crate) fn new(secret: &SecretString, ttl: Duration, clock: SharedClock) -> Self {
        let secret = secret.expose_secret().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The expiry is checked below, by our clock instead of the library's.
        validation.validate_exp = false;
        Self {
            signing_key: EncodingKey::from_secret(secret),
            checking_key: DecodingKey::from_secret(secret),
            validation,
            ttl,
            clock,
        }
    }

    pub(crate) fn ttl_seconds(&self) -> u64 {
        self.ttl.as_secs()
    }

    pub(crate) fn issue(&self, session: UserSession) -> Result<SecretString, SigningError> {
        let now = self.clock.now().timestamp();
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: session.user,
            sid: session.session,
            iat: now,
            exp: now.saturating_add_unsigned(self.ttl.as_secs()),
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing_key)?;
        Ok(token.into())
    }

    /// The session that a good token names, whether or not it still lasts.
    pub(crate) fn check(&self, token: &str) -> Option<UserSession> {
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.checking_key, &self.validation).ok()?;
        let Claims { sub, sid, exp, .. } = decoded.claims;
        (self.clock.now().timestamp() < exp).then_some(UserSession {
            user: sub,
            session: sid,
        })
    }
}

/// An access token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("an access token could not be signed")]
pub(crate) struct SigningError(#[from] jsonwebtoken::errors::Error);

/// A refresh token as its owner holds it.
pub(crate) struct RefreshSecret(SecretString);

impl RefreshSecret {
    pub(crate) fn generate() -> Self {
        let bytes: [u8; 32] = rand::random();
        Self(format!("{REFRESH_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)).into())
    }

    pub(crate) fn presented(text: SecretString) -> Self {
        Self(text)
    }

    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.expose_secret().as_bytes()).into())
    }

    pub(crate) fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use brokle_model::clock::ManualClock;
    use chrono::{DateTime, TimeDelta};

    use super::*;

    const SESSION: UserSession = UserSession {
        user: UserId::from_u128(1),
        session: SessionId::from_u128(2),
    };

    fn tokens(secret: &str) -> (AccessTokens, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(DateTime::UNIX_EPOCH));
        let tokens = AccessTokens::new(
            &secret.into(),
            Duration::from_mins(15),
            Arc::clone(&clock) as SharedClock,
        );
        (tokens, clock)
    }

    #[test]
    fn a_token_is_good_until_it_expires() {
        let (tokens, clock) = tokens("secret");
        let token = tokens.issue(SESSION).unwrap();
        assert_eq!(tokens.check(token.expose_secret()), Some(SESSION));
        clock.advance(TimeDelta::seconds(15 * 60 - 1));
        assert_eq!(tokens.check(token.expose_secret()), Some(SESSION));
        clock.advance(TimeDelta::seconds(1));
        assert_eq!(tokens.check(token.expose_secret()), None);
    }

    #[test]
    fn tokens_of_another_secret_algorithm_issuer_or_audience_are_refused() {
        let (tokens, _) = tokens("secret");
        let key = EncodingKey::from_secret(b"secret");
        let sign = |algorithm: Algorithm, iss: &str, aud: &str, key: &EncodingKey| {
            let claims = Claims {
                iss: iss.to_owned(),
                aud: aud.to_owned(),
                sub: SESSION.user,
                sid: SESSION.session,
                iat: 0,
                exp: 900,
            };
            jsonwebtoken::encode(&Header::new(algorithm), &claims, key).unwrap()
        };
        let good = sign(Algorithm::HS256, ISSUER, AUDIENCE, &key);
        assert_eq!(tokens.check(&good), Some(SESSION));
        let forged = EncodingKey::from_secret(b"secreT");
        for bad in [
            sign(Algorithm::HS256, ISSUER, AUDIENCE, &forged),
            sign(Algorithm::HS512, ISSUER, AUDIENCE, &key),
            sign(Algorithm::HS256, "elsewhere", AUDIENCE, &key),
            sign(Algorithm::HS256, ISSUER, "elsewhere", &key),
            good[..good.len() - 2].to_owned(),
            String::new(),
        ] {
            assert_eq!(tokens.check(&bad), None, "{bad}");
        }
        let (_, payload) = good.split_once('.').unwrap();
        let unsigned = format!(
            "{}.{payload}",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#)
        );
        assert_eq!(tokens.check(&unsigned), None);
    }

    #[test]
    fn refresh_tokens_are_unguessable_and_known_by_their_hash() {
        let (one, two) = (RefreshSecret::generate(), RefreshSecret::generate());
        assert_eq!(one.reveal().len(), REFRESH_PREFIX.len() + 43);
        assert_ne!(one.hash(), two.hash());
        assert_eq!(RefreshSecret::presented(one.reveal().into()).hash(), one.hash());
    }
}
