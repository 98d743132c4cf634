//! Where a page of log records, of points or of names ended. What callers send back is opaque and versioned, as
//! [`super::Cursor`] is; exports keep their place to themselves.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::InvalidCursor;

const LOG: u8 = 2;
const NAME: u8 = 3;

/// A place in the order of log records: time, then the request that brought it, then its number in there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogCursor {
    /// Nanoseconds since 1970.
    pub time_ns: i64,
    /// The hash of the request.
    pub request: u64,
    /// The record's number in it.
    pub row: u32,
}

/// A place in the order of one metric's points: hour, series, time, request, number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PointCursor {
    /// The series.
    pub series: u64,
    /// When, and in which request.
    pub place: LogCursor,
}

/// A place in a list of names: the name itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameCursor(pub String);

impl LogCursor {
    /// The text that callers send back.
    pub fn encode(self) -> String {
        write(LOG, &self.bytes())
    }

    /// Reads what [`Self::encode`] wrote.
    pub fn decode(text: &str) -> Result<Self, InvalidCursor> {
        Self::from_bytes(&read(LOG, text)?)
    }

    fn bytes(self) -> Vec<u8> {
        let mut bytes = self.time_ns.to_be_bytes().to_vec();
        bytes.extend(self.request.to_be_bytes());
        bytes.extend(self.row.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidCursor> {
        let (time, rest) = bytes.split_first_chunk::<8>().ok_or(InvalidCursor)?;
        let (request, rest) = rest.split_first_chunk::<8>().ok_or(InvalidCursor)?;
        let row: [u8; 4] = rest.try_into().map_err(|_| InvalidCursor)?;
        Ok(Self {
            time_ns: i64::from_be_bytes(*time),
            request: u64::from_be_bytes(*request),
            row: u32::from_be_bytes(row),
        })
    }
}

impl NameCursor {
    /// The text that callers send back.
    pub fn encode(&self) -> String {
        write(NAME, self.0.as_bytes())
    }

    /// Reads what [`Self::encode`] wrote.
    pub fn decode(text: &str) -> Result<Self, InvalidCursor> {
        let bytes = read(NAME, text)?;
        String::from_utf8(bytes).map(Self).map_err(|_| InvalidCursor)
    }
}

fn write(kind: u8, place: &[u8]) -> String {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(place);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read(kind: u8, text: &str) -> Result<Vec<u8>, InvalidCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
    match bytes.split_first() {
        Some((first, rest)) if *first == kind => Ok(rest.to_vec()),
        _ => Err(InvalidCursor),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(time_ns: i64, request: u64, row: u32, name in any::<String>()) {
            let place = LogCursor { time_ns, request, row };
            prop_assert_eq!(LogCursor::decode(&place.encode()), Ok(place));
            let name = NameCursor(name);
            prop_assert_eq!(NameCursor::decode(&name.encode()), Ok(name));
        }

        #[test]
        fn other_texts_are_refused_without_panic(text in any::<String>()) {
            prop_assert_eq!(LogCursor::decode(&text), Err(InvalidCursor));
            prop_assert_eq!(NameCursor::decode(&text), Err(InvalidCursor));
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let place = LogCursor {
            time_ns: 1,
            request: 2,
            row: 3,
        };
        assert_eq!(NameCursor::decode(&place.encode()), Err(InvalidCursor));
        assert_eq!(
            LogCursor::decode(&NameCursor("a".to_owned()).encode()),
            Err(InvalidCursor)
        );
    }
}
