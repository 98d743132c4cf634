//! Which points of a metric belong together, and other hashes that are the same in every process and for ever:
//! they are stored, and stand in tables' keys. Which hash
//! it is must never change: XXH3 with 64 bits, under no seed.

use std::hash::Hasher as _;

use twox_hash::XxHash3_64;

use super::source::ResourceContext;
use crate::otlp::json_write::any_value_json;
use crate::otlp::metric::PointView;
use crate::otlp::value::{AnyValueView, KeyValueView};
use crate::otlp::view::ScopeView;

/// Who a metric's points are from: a resource and a scope.
pub(super) fn owner(resource: &ResourceContext<'_>, scope: ScopeView<'_>) -> u64 {
    combined(&[
        attributes_hash(resource.attributes()),
        text_hash(scope.name().as_bytes()),
        text_hash(scope.version().as_bytes()),
        attributes_hash(scope.attributes()),
    ])
}

/// The series of a point: of one metric (`stream`), one owner, and one set of attributes.
pub(super) fn of_point(stream: u64, point: &PointView<'_>) -> u64 {
    combined(&[stream, attributes_hash(point.attributes())])
}

/// The hash of a text.
pub(super) fn text_hash(text: &[u8]) -> u64 {
    XxHash3_64::oneshot(text)
}

/// One hash of several, in this order.
pub(super) fn combined(parts: &[u64]) -> u64 {
    let mut hasher = XxHash3_64::new();
    for part in parts {
        hasher.write(&part.to_le_bytes());
    }
    hasher.finish()
}

/// The hash of a set of attributes: their order does not matter.
pub(super) fn attributes_hash<'a>(attributes: impl Iterator<Item = KeyValueView<'a>>) -> u64 {
    let mut sum = 0_u64;
    let mut scratch = Vec::new();
    for attribute in attributes {
        let (kind, value) = match attribute.value {
            AnyValueView::String(text) => (1, text_hash(text.as_bytes())),
            AnyValueView::Int(value) => (2, value.cast_unsigned()),
            AnyValueView::Bool(value) => (3, u64::from(value)),
            AnyValueView::Double(value) => (4, value.to_bits()),
            nested => {
                scratch.clear();
                any_value_json(nested, &mut scratch);
                (5, text_hash(&scratch))
            }
        };
        sum = sum.wrapping_add(combined(&[text_hash(attribute.key.as_bytes()), kind, value]));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::view::Text;

    fn attribute<'a>(key: &'a str, value: AnyValueView<'a>) -> KeyValueView<'a> {
        KeyValueView {
            key: Text(key.as_bytes()),
            value,
        }
    }

    #[test]
    fn attributes_are_a_set_of_typed_values() {
        let text = |text: &'static str| AnyValueView::String(Text(text.as_bytes()));
        let hash = |attributes: &[KeyValueView<'static>]| attributes_hash(attributes.iter().copied());
        let (a, b) = (
            attribute("a", text("1")),
            attribute("b", AnyValueView::Bool(true)),
        );
        assert_eq!(hash(&[a, b]), hash(&[b, a]));
        assert_ne!(hash(&[a, b]), hash(&[a]));
        assert_ne!(hash(&[a]), hash(&[attribute("a", AnyValueView::Int(1))]));
        assert_ne!(hash(&[a]), hash(&[attribute("1", text("a"))]));
    }

    /// These numbers are in tables' keys: a change would tell the points of one series apart.
    #[test]
    fn hashes_are_what_they_were() {
        assert_eq!(text_hash(b""), 3_244_421_341_483_603_138);
        assert_eq!(text_hash(b"brokle"), 5_798_095_516_703_030_475);
        assert_eq!(combined(&[1, 2]), 571_542_372_673_154_031);
    }
}
