//! What ClickHouse says when it fails, and what that means: the same rows or query may be sent again, or
//! they never will do.

use std::time::Duration;

use brokle_storage::telemetry::{InsertError, QueryError};

/// A failed statement.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ClickHouseError {
    code: Option<i32>,
    message: String,
}

/// Codes that speak of the rows themselves. Anything else may pass, so an insert is tried again: a batch
/// that is refused by mistake is lost to its user, one that is retried by mistake only waits.
const CONTENT_CODES: &[i32] = &[
    6,   // CANNOT_PARSE_TEXT
    26,  // CANNOT_PARSE_QUOTED_STRING
    27,  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    32,  // ATTEMPT_TO_READ_AFTER_EOF
    33,  // CANNOT_READ_ALL_DATA
    38,  // CANNOT_PARSE_DATE
    41,  // CANNOT_PARSE_DATETIME
    43,  // ILLEGAL_TYPE_OF_ARGUMENT
    44,  // ILLEGAL_COLUMN
    53,  // TYPE_MISMATCH
    69,  // ARGUMENT_OUT_OF_BOUND
    70,  // CANNOT_CONVERT_TYPE
    72,  // CANNOT_PARSE_NUMBER
    117, // INCORRECT_DATA
    131, // TOO_LARGE_STRING_SIZE
    349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    407, // DECIMAL_OVERFLOW
    469, // VIOLATED_CONSTRAINT
];

/// Codes with which ClickHouse stops a query that costs more than it was allowed.
const LIMIT_CODES: &[i32] = &[
    158, // TOO_MANY_ROWS
    159, // TIMEOUT_EXCEEDED
    160, // TOO_SLOW
    307, // TOO_MANY_BYTES
    396, // TOO_MANY_ROWS_OR_BYTES
];

/// Codes of a server that is busy, short of something, or not ready.
const PASSING_CODES: &[i32] = &[
    202, // TOO_MANY_SIMULTANEOUS_QUERIES
    209, // SOCKET_TIMEOUT
    210, // NETWORK_ERROR
    236, // ABORTED
    241, // MEMORY_LIMIT_EXCEEDED
    242, // TABLE_IS_READ_ONLY
    243, // NOT_ENOUGH_SPACE
    252, // TOO_MANY_PARTS
    279, // ALL_CONNECTION_TRIES_FAILED
    319, // UNKNOWN_STATUS_OF_INSERT
    394, // QUERY_WAS_CANCELLED
    999, // KEEPER_EXCEPTION
];

impl ClickHouseError {
    pub(crate) fn timed_out(after: Duration) -> Self {
        Self {
            code: None,
            message: format!("no answer within {} ms", after.as_millis()),
        }
    }

    /// ClickHouse's exception code, when it answered with one.
    pub fn code(&self) -> Option<i32> {
        self.code
    }

    pub(crate) fn into_insert_error(self, table: &'static str) -> InsertError {
        match self.code {
            Some(code) if CONTENT_CODES.contains(&code) => InsertError::Rejected {
                table,
                code,
                message: self.message,
            },
            _ => InsertError::Unavailable {
                message: self.message,
            },
        }
    }

    pub(crate) fn into_query_error(self) -> QueryError {
        match self.code {
            Some(code) if LIMIT_CODES.contains(&code) => QueryError::TooExpensive,
            Some(code) if !PASSING_CODES.contains(&code) => QueryError::Rejected {
                code,
                message: self.message,
            },
            _ => QueryError::Unavailable {
                message: self.message,
            },
        }
    }
}

impl From<clickhouse::error::Error> for ClickHouseError {
    fn from(error: clickhouse::error::Error) -> Self {
        let message = error.to_string();
        let code = match &error {
            clickhouse::error::Error::BadResponse(text) => exception_code(text),
            _ => None,
        };
        Self {
            code,
            message: message.chars().take(2_000).collect(),
        }
    }
}

/// Reads the code out of `Code: 241. DB::Exception: ...`.
fn exception_code(text: &str) -> Option<i32> {
    let digits = text.split_once("Code: ")?.1;
    let end = digits
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> ClickHouseError {
        clickhouse::error::Error::BadResponse(text.to_owned()).into()
    }

    #[test]
    fn only_a_fault_of_the_rows_rejects_an_insert() {
        let rejected =
            |text: &str| matches!(refused(text).into_insert_error("t"), InsertError::Rejected { .. });
        assert!(rejected("Code: 407. DB::Exception: Decimal math overflow"));
        for passing in [
            "Code: 241. DB::Exception: Memory limit (total) exceeded",
            "Code: 252. DB::Exception: Too many parts",
            "Code: 60. DB::Exception: Table does not exist",
            "502 Bad Gateway",
        ] {
            assert!(!rejected(passing), "{passing}");
        }
    }

    #[test]
    fn a_query_over_its_limit_is_told_from_a_wrong_one_and_from_a_busy_server() {
        let classify = |text: &str| refused(text).into_query_error();
        assert!(matches!(
            classify("Code: 158. DB::Exception: Limit for rows to read"),
            QueryError::TooExpensive
        ));
        assert!(matches!(
            classify("Code: 62. DB::Exception: Syntax error"),
            QueryError::Rejected { code: 62, .. }
        ));
        assert!(matches!(
            classify("Code: 202. DB::Exception: Too many queries"),
            QueryError::Unavailable { .. }
        ));
        assert!(matches!(
            classify("gateway timeout"),
            QueryError::Unavailable { .. }
        ));
    }
}
