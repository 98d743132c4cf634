//! What a request says that its body is, and in which encoding the answer goes back: the request's own.

use ::http::{HeaderMap, header};

use crate::receiver::inflate::Compression;
use crate::receiver::intake::Encoding;
use crate::receiver::refusal::Refusal;

/// A body's media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Media {
    /// One that OTLP knows, or that the body has shown itself to be.
    Known(Encoding),
    /// None was declared: the body will tell.
    Undeclared,
    /// One that OTLP does not know.
    Unsupported(String),
}

impl Media {
    /// What the headers declare; parameters such as a charset do not matter.
    pub fn declared(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(header::CONTENT_TYPE) else {
            return Self::Undeclared;
        };
        let text = String::from_utf8_lossy(value.as_bytes());
        let essence = text
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        match essence.as_str() {
            "" => Self::Undeclared,
            "application/x-protobuf" | "application/protobuf" => Self::Known(Encoding::Protobuf),
            "application/json" => Self::Known(Encoding::Json),
            _ => Self::Unsupported(essence.chars().take(64).collect()),
        }
    }

    /// Refuses what cannot be read.
    pub fn supported(&self) -> Result<(), Refusal> {
        match self {
            Self::Unsupported(essence) => Err(Refusal::ContentType(essence.clone())),
            Self::Known(_) | Self::Undeclared => Ok(()),
        }
    }

    /// The body's encoding, now that the body is here. No protobuf message of ours begins with `{`: that
    /// byte opens a group, which OTLP has none of.
    pub fn settle(&mut self, body: &[u8]) -> Encoding {
        if let Self::Known(encoding) = self {
            return *encoding;
        }
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        let encoding = if first == Some(&b'{') {
            Encoding::Json
        } else {
            Encoding::Protobuf
        };
        *self = Self::Known(encoding);
        encoding
    }

    /// The encoding of the answer; JSON, which people can read, where the request's is not known.
    pub const fn answer(&self) -> Encoding {
        match self {
            Self::Known(encoding) => *encoding,
            Self::Undeclared | Self::Unsupported(_) => Encoding::Json,
        }
    }
}

/// The one content encoding to undo. Encodings stacked on one another are refused: no exporter sends them,
/// and each layer would multiply what a bomb costs.
pub fn content_encoding(headers: &HeaderMap) -> Result<Compression, Refusal> {
    let mut found = Compression::Identity;
    for value in headers.get_all(header::CONTENT_ENCODING) {
        let text = String::from_utf8_lossy(value.as_bytes());
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let refuse = || Refusal::ContentEncoding(text.chars().take(64).collect());
            match (found, Compression::parse(name).ok_or_else(refuse)?) {
                (_, Compression::Identity) => {}
                (Compression::Identity, compression) => found = compression,
                _ => return Err(refuse()),
            }
        }
    }
    Ok(found)
}
