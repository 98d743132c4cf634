//! Amazon's and Google's clouds, whose deployments name a place and credentials in ways of their own.

use super::source::variable;
use crate::command::import::report::Report;

/// What a deployment says of its cloud; nothing for one that is in none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) region: Option<String>,
    pub(super) project: Option<String>,
    pub(super) credentials_file: Option<String>,
    /// Tells accounts apart whose credentials have to be set by hand; not written down.
    account: Vec<String>,
}

/// Credentials that Brokle would have to fetch from somebody else first.
const BY_ROLE: [&str; 6] = [
    "aws_role_name",
    "aws_session_name",
    "aws_profile_name",
    "aws_web_identity_token",
    "aws_sts_endpoint",
    "aws_external_id",
];

impl Place {
    /// Takes what `value` has under the names of the cloud of `kind`. `path` is where that stands; a region may stand in
    /// the model's name.
    pub(super) fn read(
        (kind, region): (&str, Option<String>),
        value: &mut dyn FnMut(&str) -> Option<String>,
        path: &str,
        report: &mut Report,
    ) -> Self {
        match kind {
            "bedrock" => Self::amazon(region, value, path, report),
            "vertex" => Self::google(value, path, report),
            _ => Self::default(),
        }
    }

    fn amazon(
        region: Option<String>,
        value: &mut dyn FnMut(&str) -> Option<String>,
        path: &str,
        report: &mut Report,
    ) -> Self {
        let usual = ["AWS_REGION", "AWS_DEFAULT_REGION"];
        let region = value("aws_region_name").or(region);
        let mut account = Vec::new();
        if region.is_none() {
            report.todo(path, "set AWS_REGION: the deployment says no region");
        }
        let region = region.and_then(|text| written(text, (&usual, path, "region"), &mut account, report));
        let keys = [
            ("aws_access_key_id", "AWS_ACCESS_KEY_ID"),
            ("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"),
            ("aws_session_token", "AWS_SESSION_TOKEN"),
        ];
        for (name, usual) in keys {
            if let Some(text) = value(name).filter(|text| variable(text) != Some(usual)) {
                report.todo(
                    format!("{path}.{name}"),
                    format!("set {usual}, or give the provider an `access_key_id` and a `secret_access_key` of its own"),
                );
                account.push(super::providers::fingerprint(&text));
            }
        }
        for name in BY_ROLE {
            if let Some(text) = value(name) {
                account.push(super::providers::fingerprint(&text));
                report.missing(
                    format!("{path}.{name}"),
                    "Brokle signs with an access key or an API key, and takes on no role",
                );
            }
        }
        Self {
            region,
            account,
            ..Self::default()
        }
    }

    fn google(value: &mut dyn FnMut(&str) -> Option<String>, path: &str, report: &mut Report) -> Self {
        let places = ["GOOGLE_VERTEX_LOCATION", "GOOGLE_CLOUD_LOCATION"];
        let projects = ["GOOGLE_VERTEX_PROJECT", "GOOGLE_CLOUD_PROJECT"];
        let files = ["GOOGLE_APPLICATION_CREDENTIALS"];
        let region = value("vertex_location").or_else(|| value("vertex_ai_location"));
        let mut account = Vec::new();
        let region = region.and_then(|text| written(text, (&places, path, "region"), &mut account, report));
        let project = value("vertex_project").or_else(|| value("vertex_ai_project"));
        let project =
            project.and_then(|text| written(text, (&projects, path, "project"), &mut account, report));
        let file = value("vertex_credentials").or_else(|| value("vertex_ai_credentials"));
        if file.is_none() {
            report.todo(
                path,
                "set GOOGLE_APPLICATION_CREDENTIALS: the deployment names no service account",
            );
        }
        let credentials_file = file.and_then(|text| {
            if text.trim_start().starts_with('{') {
                report.todo(
                    format!("{path}.vertex_credentials"),
                    "the service account's key is written in the file: put it into one of its own, and name that in the provider's `credentials_file`",
                );
                account.push(super::providers::fingerprint(&text));
                return None;
            }
            written(text, (&files, path, "credentials_file"), &mut account, report)
        });
        Self {
            region,
            project,
            credentials_file,
            account,
        }
    }
}

/// A text that can be written down. One that is in a variable Brokle reads as well needs no word.
fn written(
    text: String,
    (usual, path, field): (&[&str], &str, &str),
    account: &mut Vec<String>,
    report: &mut Report,
) -> Option<String> {
    let Some(name) = variable(&text) else {
        return Some(text);
    };
    if !usual.contains(&name) {
        account.push(name.to_owned());
        let usual = usual.first().copied().unwrap_or_default();
        report.todo(
            path,
            format!("the provider's `{field}` is in {name}: write it down there, or set {usual}"),
        );
    }
    None
}

/// The model as the cloud calls it, without the ways and the region that `LiteLLM` writes before it.
pub(super) fn model(kind: &str, name: &str) -> (Option<String>, String) {
    if kind != "bedrock" {
        return (None, name.to_owned());
    }
    let mut rest = name;
    for way in ["converse/", "invoke/", "converse_like/"] {
        rest = rest.strip_prefix(way).unwrap_or(rest);
    }
    match rest.split_once('/') {
        Some((region, model)) if is_region(region) => (Some(region.to_owned()), model.to_owned()),
        _ => (None, rest.to_owned()),
    }
}

/// Such as `eu-central-1`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_number = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty();
    parts.len() >= 3 && parts[0].len() == 2 && parts.last().is_some_and(is_number)
}
