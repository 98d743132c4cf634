//! ClickHouse's errors as HTTP clients know them: a code, a text, a status, and the block that ends a
//! response which failed halfway.

use http::StatusCode;

use crate::ffi::EngineMessage;
use crate::sql::statement::Refusal;

/// The longest text that a failed response may end with; clients look for it in the last 16 KiB.
const TAIL_TEXT_MAX_BYTES: usize = 15 * 1024;

/// An error with ClickHouse's code for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exception {
    pub(crate) code: i32,
    text: String,
}

macro_rules! codes {
    ($($name:ident = $code:literal),+ $(,)?) => {
        /// The codes that this front end gives out itself.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "ClickHouse's own names, sent as they are")]
        pub(crate) enum Code { $($name = $code),+ }

        impl Code {
            fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }
        }
    };
}

codes! {
    UNKNOWN_COMPRESSION_METHOD = 89,
    BAD_ARGUMENTS = 36,
    CANNOT_DECOMPRESS = 271,
    CANNOT_READ_ALL_DATA = 33,
    CHECKSUM_DOESNT_MATCH = 40,
    INTO_OUTFILE_NOT_ALLOWED = 358,
    NOT_IMPLEMENTED = 48,
    QUERY_IS_TOO_LARGE = 552,
    QUERY_WAS_CANCELLED = 394,
    QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING = 216,
    READONLY = 164,
    SESSION_IS_LOCKED = 373,
    SESSION_NOT_FOUND = 372,
    SYNTAX_ERROR = 62,
    TOO_MANY_SIMULTANEOUS_QUERIES = 202,
    AUTHENTICATION_FAILED = 516,
    UNKNOWN_EXCEPTION = 1002,
    UNKNOWN_SETTING = 115,
}

impl Exception {
    /// An error of this front end, in the engine's form.
    pub(crate) fn new(code: Code, message: impl std::fmt::Display) -> Self {
        let number = code as i32;
        Self {
            code: number,
            text: format!("Code: {number}. DB::Exception: {message}. ({})", code.name()),
        }
    }

    /// The text, with the version that clients expect at its end.
    pub(crate) fn text(&self, version: &str) -> String {
        if self.text.contains(" (version ") {
            format!("{}\n", self.text.trim_end())
        } else {
            format!("{} (version {version} (official build))\n", self.text.trim_end())
        }
    }

    /// Whether the engine could not parse the statement.
    pub(crate) fn is_syntax_error(&self) -> bool {
        self.code == Code::SYNTAX_ERROR as i32
    }

    /// The HTTP status that a ClickHouse server answers for the code.
    pub(crate) fn status(&self) -> StatusCode {
        match self.code {
            194 => StatusCode::UNAUTHORIZED,
            192 | 193 | 497 | 512 | 516 => StatusCode::FORBIDDEN,
            6
            | 8
            | 16
            | 25..=27
            | 36
            | 38
            | 41
            | 43..=44
            | 53
            | 62
            | 69
            | 72
            | 117
            | 427
            | 441
            | 675
            | 676
            | 15
            | 167
            | 168
            | 223
            | 224
            | 225
            | 376 => StatusCode::BAD_REQUEST,
            46 | 47 | 50 | 56 | 60 | 63 | 73 | 78 | 81 | 115 | 212 | 336 | 511 => StatusCode::NOT_FOUND,
            159 => StatusCode::REQUEST_TIMEOUT,
            381 => StatusCode::LENGTH_REQUIRED,
            552 => StatusCode::PAYLOAD_TOO_LARGE,
            48 => StatusCode::NOT_IMPLEMENTED,
            202 | 209 | 439 | 76 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The block that ends a response whose status was already sent. `tag` is the one of the
    /// `X-ClickHouse-Exception-Tag` header.
    pub(crate) fn tail(&self, tag: &str, version: &str) -> Vec<u8> {
        let mut text = self.text(version);
        if text.len() > TAIL_TEXT_MAX_BYTES {
            let cut = (0..=TAIL_TEXT_MAX_BYTES)
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(0);
            text.truncate(cut);
            text.push('\n');
        }
        format!(
            "\r\n__exception__\r\n{tag}\r\n{text}{} {tag}\r\n__exception__\r\n",
            text.len()
        )
        .into_bytes()
    }
}

impl From<EngineMessage> for Exception {
    fn from(EngineMessage(text): EngineMessage) -> Self {
        let digits = text.strip_prefix("Code: ").unwrap_or_default();
        let digits = digits.split_once('.').map_or("", |(code, _)| code);
        match digits.parse() {
            Ok(code) => Self { code, text },
            Err(_) => Self::new(Code::UNKNOWN_EXCEPTION, text.trim_end()),
        }
    }
}

impl From<Refusal> for Exception {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::Empty | Refusal::MultiStatement => Code::SYNTAX_ERROR,
            Refusal::IntoOutfile => Code::INTO_OUTFILE_NOT_ALLOWED,
            Refusal::FromInfile | Refusal::InputFunction => Code::NOT_IMPLEMENTED,
        };
        Self::new(code, refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_code_is_read_from_its_text() {
        let text = "Code: 60. DB::Exception: Table d.nope does not exist. (UNKNOWN_TABLE)";
        let exception = Exception::from(EngineMessage(text.to_owned()));
        assert_eq!((exception.code, exception.status()), (60, StatusCode::NOT_FOUND));
        assert_eq!(
            exception.text("26.7"),
            format!("{text} (version 26.7 (official build))\n")
        );
        let strange = Exception::from(EngineMessage("boom".to_owned()));
        assert_eq!(strange.code, 1002);
    }

    #[test]
    fn a_late_error_counts_its_bytes() {
        let exception = Exception::new(Code::NOT_IMPLEMENTED, "no");
        let tail = String::from_utf8(exception.tail("0123456789abcdef", "1")).unwrap();
        let text = exception.text("1");
        let expected = format!(
            "\r\n__exception__\r\n0123456789abcdef\r\n{text}{} 0123456789abcdef\r\n__exception__\r\n",
            text.len()
        );
        assert_eq!(tail, expected);
        let long = Exception::new(Code::NOT_IMPLEMENTED, "\u{e9}".repeat(20_000));
        assert!(long.tail("0123456789abcdef", "1").len() <= 16 * 1024);
    }
}
