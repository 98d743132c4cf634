//! Credentials that are no header made once: AWS signs each request, and Google gives a token for an hour.
//! Deliberately absent: finding credentials on the machine (profiles, metadata services, single sign-on), which is
//! the business of whoever starts the process; what is set in the configuration or the environment is all.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretString};

use crate::upstream::Client;

mod google;

pub(crate) use google::ServiceAccount;

/// Why a request could not be given a credential.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    #[error("the request cannot be signed with the AWS credentials that are configured")]
    Aws,
    #[error("the token service could not be reached: {0}")]
    Unreachable(String),
    #[error("the token service does not accept the service account: {0}")]
    Refused(String),
}

/// What makes a request's credential.
#[derive(Debug)]
pub(crate) enum Signer {
    /// Keys of AWS, for one region.
    Aws(AwsKeys),
    /// A service account of Google's.
    Google(Box<ServiceAccount>),
}

/// Keys of AWS. Hides its secrets.
#[derive(Debug)]
pub(crate) struct AwsKeys {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: SecretString,
    pub(crate) session_token: Option<SecretString>,
    pub(crate) region: String,
}

impl Signer {
    /// Gives `request` its credential. Part of the attempt, and of its time.
    pub(crate) async fn authorize(
        &self,
        client: &Client,
        request: &mut Request<Full<Bytes>>,
        body: &Bytes,
        now: SystemTime,
    ) -> Result<(), SignError> {
        match self {
            Self::Aws(keys) => keys.sign(request, body, now),
            Self::Google(account) => {
                let token = account.token(client, now).await?;
                request.headers_mut().insert(AUTHORIZATION, token);
                Ok(())
            }
        }
    }
}

impl AwsKeys {
    /// Signs with version 4. Headers that a proxy might touch are left out of it.
    fn sign(
        &self,
        request: &mut Request<Full<Bytes>>,
        body: &Bytes,
        now: SystemTime,
    ) -> Result<(), SignError> {
        let token = self
            .session_token
            .as_ref()
            .map(|token| token.expose_secret().to_owned());
        let secret = self.secret_access_key.expose_secret();
        let identity = Credentials::new(&self.access_key_id, secret, token, None, "brokle").into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("bedrock")
            .time(now)
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| SignError::Aws)?
            .into();
        let uri = request.uri().to_string();
        let headers = std::iter::once(("content-type", "application/json"));
        let signable = SignableRequest::new("POST", uri, headers, SignableBody::Bytes(body));
        let signed = signable
            .and_then(|signable| sign(signable, &parameters))
            .map_err(|_| SignError::Aws)?;
        let (instructions, _) = signed.into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

/// Seconds since 1970.
fn unix_seconds(now: SystemTime) -> u64 {
    now.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected values are what botocore's signer gives for the same requests at the same second.
    #[test]
    fn signatures_are_those_of_awss_own_client() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045);
        let model = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse";
        let profile = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc123/converse-stream";
        for (path, token, signature) in [
            (
                model,
                None,
                "87e114dcbbaf782b0b033c88905b9bf9956d44b2a0f41c3174eac2780fb31277",
            ),
            (
                profile,
                None,
                "7efcee46ed50ebbce931889cab5adb656ae6e7b0e6255a3d15f94c5d27897bc3",
            ),
            (
                model,
                Some("session-token"),
                "2c2ce34f7d646b26b973d61c1cc99b76bc01c9515b4e4545b6b06ecf4cbd55d1",
            ),
            (
                profile,
                Some("session-token"),
                "feef82cc0282f182db3b5ae2fe937b9ae2dde54ce5589fec33a2c59aa874b780",
            ),
        ] {
            let keys = AwsKeys {
                access_key_id: "AKIDEXAMPLE".to_owned(),
                secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
                session_token: token.map(Into::into),
                region: "us-east-1".to_owned(),
            };
            let body = Bytes::from_static(b"{\"messages\":[]}");
            let mut request = Request::new(Full::new(body.clone()));
            *request.uri_mut() = format!("https://bedrock-runtime.us-east-1.amazonaws.com{path}")
                .parse()
                .unwrap();
            keys.sign(&mut request, &body, now).unwrap();
            let signed = request.headers()[AUTHORIZATION].to_str().unwrap();
            assert!(
                signed.ends_with(&format!("Signature={signature}")),
                "{path}: {signed}"
            );
            assert_eq!(request.headers()["x-amz-date"], "20260102T030405Z");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let keys = AwsKeys {
            access_key_id: "AKID".to_owned(),
            secret_access_key: "very-secret".into(),
            session_token: Some("also-secret".into()),
            region: "eu-central-1".to_owned(),
        };
        let printed = format!("{keys:?}");
        assert!(!printed.contains("very-secret") && !printed.contains("also-secret"));
    }
}
