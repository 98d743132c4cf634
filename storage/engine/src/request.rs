//! One HTTP request read as ClickHouse's interface reads it: what is a parameter of the interface, what a
//! query parameter, and what a setting.

mod multipart;

use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, Method};
use secrecy::SecretString;

use crate::compression::Encoding;
use crate::exception::{Code, Exception};

/// How much of a response is held back by default, as on a server.
const RESPONSE_BUFFER_BYTES: usize = 1024 * 1024;
const SESSION_TIMEOUT_DEFAULT: Duration = Duration::from_mins(1);
const SESSION_TIMEOUT_MAX: Duration = Duration::from_hours(1);
const QUERY_ID_MAX_BYTES: usize = 256;

/// Who calls.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: SecretString,
}

/// A session to run in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SessionRequest {
    pub(crate) id: String,
    pub(crate) timeout: Duration,
    /// The session must exist already.
    pub(crate) must_exist: bool,
}

/// A request to run a statement.
#[derive(Debug)]
pub(crate) struct Request {
    /// The `query` of the URL; the body follows it.
    pub(crate) query: String,
    pub(crate) query_id: String,
    pub(crate) database: Option<String>,
    pub(crate) default_format: Option<String>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) session: Option<SessionRequest>,
    /// Encodings of the body, outermost first.
    pub(crate) body_encodings: Vec<Encoding>,
    pub(crate) response_encoding: Encoding,
    /// How much of the response to hold back before its status is sent.
    pub(crate) response_buffer_bytes: usize,
    /// `GET` and `HEAD` change nothing.
    pub(crate) read_only: bool,
}

/// URL parameters that steer the interface, as far as they are read below, or are of no use here.
const INTERFACE_ONLY: &[&str] = &[
    "quota_key",
    "stacktrace",
    "role",
    "client_protocol_version",
    "close_session",
    "http_method",
    "client_name",
];

/// Reads the credentials: headers first, then Basic authorisation, then the URL.
pub(crate) fn credentials(parts: &Parts) -> Credentials {
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let (basic_user, basic_password) = basic(&parts.headers).unzip();
    let (mut url_user, mut url_password) = (None, None);
    for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        match &*name {
            "user" => url_user = Some(value.into_owned()),
            "password" => url_password = Some(value.into_owned()),
            _ => {}
        }
    }
    let user = header("x-clickhouse-user").or(basic_user).or(url_user);
    let password = header("x-clickhouse-key").or(basic_password).or(url_password);
    Credentials {
        user: user
            .filter(|user| !user.is_empty())
            .unwrap_or_else(|| "default".to_owned()),
        password: password.unwrap_or_default().into(),
    }
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let encoded = value
        .strip_prefix("Basic ")
        .or_else(|| value.strip_prefix("basic "))?;
    let decoded = base64::engine::general_purpose::STANDARD
        .decode(encoded.trim())
        .ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

impl Request {
    /// The boundary of the request's multipart body, if it has one.
    pub(crate) fn multipart_boundary(parts: &Parts) -> Option<String> {
        multipart::boundary(&text_header(&parts.headers, CONTENT_TYPE.as_str())?)
    }

    /// Reads the request's head, and its multipart body if that is where more parameters are.
    pub(crate) fn read(parts: &Parts, multipart_body: Option<&Bytes>) -> Result<Self, Exception> {
        let mut request = Self {
            query: String::new(),
            query_id: String::new(),
            database: text_header(&parts.headers, "x-clickhouse-database"),
            default_format: text_header(&parts.headers, "x-clickhouse-format"),
            settings: Vec::new(),
            parameters: Vec::new(),
            session: None,
            body_encodings: content_encodings(&parts.headers)?,
            response_encoding: Encoding::Identity,
            response_buffer_bytes: RESPONSE_BUFFER_BYTES,
            read_only: matches!(parts.method, Method::GET | Method::HEAD),
        };
        let mut interface = Interface::default();
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            request.take(&name, value.into_owned(), &mut interface)?;
        }
        if let Some((body, boundary)) = multipart_body.zip(Self::multipart_boundary(parts)) {
            for (name, value) in multipart::fields(body, &boundary)? {
                request.take(&name, value, &mut interface)?;
            }
        }
        request.finish(interface, parts)
    }

    /// Sorts one parameter to its place.
    fn take(&mut self, name: &str, value: String, interface: &mut Interface) -> Result<(), Exception> {
        match name {
            "query" => self.query.push_str(&value),
            "query_id" => self.query_id = value,
            "database" => self.database = Some(value),
            "default_format" => self.default_format = Some(value),
            "compress" => interface.compress = flag(&value),
            "decompress" => interface.decompress = flag(&value),
            "wait_end_of_query" => interface.wait_end_of_query = flag(&value),
            "buffer_size" => self.response_buffer_bytes = number(name, &value)?,
            "session_id" => interface.session_id = Some(value),
            "session_timeout" => {
                let wanted = Duration::from_secs(number::<u32>(name, &value)?.into());
                interface.session_timeout = Some(wanted.min(SESSION_TIMEOUT_MAX));
            }
            "session_check" => interface.session_check = flag(&value),
            "user" | "password" => {}
            _ if INTERFACE_ONLY.contains(&name) => {}
            _ => match name.strip_prefix("param_") {
                Some(parameter) => self.parameters.push((parameter.to_owned(), value)),
                None => self.settings.push((name.to_owned(), value)),
            },
        }
        Ok(())
    }

    fn finish(mut self, interface: Interface, parts: &Parts) -> Result<Self, Exception> {
        if self.query_id.len() > QUERY_ID_MAX_BYTES {
            return Err(Exception::new(Code::BAD_ARGUMENTS, "query_id is too long"));
        }
        if self.query_id.is_empty() {
            self.query_id = crate::query_id();
        }
        if interface.decompress {
            self.body_encodings.push(Encoding::Blocks);
        }
        if interface.wait_end_of_query {
            self.response_buffer_bytes = usize::MAX;
        }
        self.response_encoding = self.choose_encoding(&interface, &parts.headers);
        self.session = interface
            .session_id
            .filter(|id| !id.is_empty())
            .map(|id| SessionRequest {
                id,
                timeout: interface.session_timeout.unwrap_or(SESSION_TIMEOUT_DEFAULT),
                must_exist: interface.session_check,
            });
        Ok(self)
    }

    /// `compress=1` asks for blocks; otherwise HTTP's own compression, if the client switched it on.
    fn choose_encoding(&self, interface: &Interface, headers: &HeaderMap) -> Encoding {
        if interface.compress {
            return Encoding::Blocks;
        }
        let enabled = self
            .settings
            .iter()
            .rev()
            .find(|(name, _)| name == "enable_http_compression");
        match (
            enabled,
            headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()),
        ) {
            (Some((_, value)), Some(accepted)) if flag(value) => Encoding::from_accept_encoding(accepted),
            _ => Encoding::Identity,
        }
    }
}

/// Parameters of the interface that are combined only after all are read.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the interface, named as in the URL"
)]
struct Interface {
    compress: bool,
    decompress: bool,
    wait_end_of_query: bool,
    session_id: Option<String>,
    session_timeout: Option<Duration>,
    session_check: bool,
}

fn text_header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn content_encodings(headers: &HeaderMap) -> Result<Vec<Encoding>, Exception> {
    let value = text_header(headers, CONTENT_ENCODING.as_str()).unwrap_or_default();
    match Encoding::from_content_encoding(&value) {
        Some(Encoding::Identity) => Ok(Vec::new()),
        Some(encoding) => Ok(vec![encoding]),
        None => {
            let message = format!("Unknown compression method: {value}");
            Err(Exception::new(Code::UNKNOWN_COMPRESSION_METHOD, message))
        }
    }
}

fn flag(value: &str) -> bool {
    value == "1" || value.eq_ignore_ascii_case("true")
}

fn number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N, Exception> {
    value
        .parse()
        .map_err(|_| Exception::new(Code::BAD_ARGUMENTS, format!("{name} is not a number")))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn parts(request: http::request::Builder) -> Parts {
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn url_parameters_are_sorted_to_their_places() {
        let head = parts(http::Request::post(
            "/?query=SELECT+1&param_a=x%09y&max_threads=2&database=d&session_id=s&session_timeout=9&compress=1&decompress=1",
        ));
        let request = Request::read(&head, None).unwrap();
        assert_eq!(request.query, "SELECT 1");
        assert_eq!(request.parameters, [("a".to_owned(), "x\ty".to_owned())]);
        assert_eq!(request.settings, [("max_threads".to_owned(), "2".to_owned())]);
        assert_eq!(request.session.unwrap().timeout, Duration::from_secs(9));
        assert_eq!(request.body_encodings, [Encoding::Blocks]);
        assert_eq!(request.response_encoding, Encoding::Blocks);
        assert!(!request.query_id.is_empty() && !request.read_only);
    }

    #[test]
    fn a_response_is_compressed_only_when_asked_for() {
        let accept = |url: &str| parts(http::Request::get(url).header("accept-encoding", "gzip"));
        assert_eq!(
            Request::read(&accept("/?query=1"), None)
                .unwrap()
                .response_encoding,
            Encoding::Identity
        );
        let asked = Request::read(&accept("/?query=1&enable_http_compression=1"), None).unwrap();
        assert_eq!(asked.response_encoding, Encoding::Gzip);
    }

    #[test]
    fn credentials_come_from_headers_basic_or_url() {
        let header = credentials(&parts(
            http::Request::get("/?user=u&password=p").header("x-clickhouse-key", "k"),
        ));
        assert_eq!(
            (header.user.as_str(), header.password.expose_secret()),
            ("u", "k")
        );
        let basic = credentials(&parts(
            http::Request::get("/").header("authorization", "Basic ZGVmYXVsdDpwOnE="),
        ));
        assert_eq!(
            (basic.user.as_str(), basic.password.expose_secret()),
            ("default", "p:q")
        );
    }
}
