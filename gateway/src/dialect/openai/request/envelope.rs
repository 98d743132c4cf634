//! The fields of a chat request that the gateway goes by, found in one pass over a body that may be long. What decides
//! where a call goes may be there once only; of the rest the last one counts, as providers have it.

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// What was found; `null` is not absence.
#[derive(Default)]
pub(super) struct Envelope<'a> {
    pub(super) model: Option<&'a RawValue>,
    pub(super) stream: Option<&'a RawValue>,
    pub(super) stream_options: Option<&'a RawValue>,
    pub(super) messages: Option<&'a RawValue>,
    /// Under its names, the newest first.
    bounds: [Option<&'a RawValue>; 3],
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Field {
    Model,
    Stream,
    StreamOptions,
    Messages,
    MaxCompletionTokens,
    MaxOutputTokens,
    MaxTokens,
    #[serde(other)]
    Other,
}

impl Envelope<'_> {
    /// The most tokens that the answer may have, when the caller says.
    pub(super) fn output_tokens_max(&self) -> Option<u64> {
        let mut bounds = self.bounds.iter().flatten();
        bounds.find_map(|bound| bound.get().parse().ok())
    }
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Envelope<'de>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
        let mut found = Envelope::default();
        while let Some(field) = map.next_key::<Field>()? {
            let (place, only) = match field {
                Field::Model => (&mut found.model, Some("model")),
                Field::Stream => (&mut found.stream, Some("stream")),
                Field::StreamOptions => (&mut found.stream_options, Some("stream_options")),
                Field::Messages => (&mut found.messages, None),
                Field::MaxCompletionTokens => (&mut found.bounds[0], None),
                Field::MaxOutputTokens => (&mut found.bounds[1], None),
                Field::MaxTokens => (&mut found.bounds[2], None),
                Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if let Some(name) = only.filter(|_| place.is_some()) {
                return Err(A::Error::duplicate_field(name));
            }
            *place = Some(map.next_value()?);
        }
        Ok(found)
    }
}
