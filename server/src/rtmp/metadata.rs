//! Metadata that publishers send with `onMetaData`.

use std::collections::BTreeMap;

use super::wire;

/// Maximum number of values that are kept.
const MAX_VALUES: usize = 64;

/// The publisher's metadata.
pub(super) type Metadata = BTreeMap<String, MetadataValue>;

/// A metadata value that can be written to a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum MetadataValue {
    Number(f64),
    Bool(bool),
    Text(String),
}

/// Keeps the simple values of a metadata message.
pub(super) fn from_fields(fields: Vec<(String, wire::Value)>) -> Metadata {
    let simple = fields.into_iter().filter_map(|(name, value)| {
        let value = match value {
            wire::Value::Number(number) => MetadataValue::Number(number),
            wire::Value::Bool(value) => MetadataValue::Bool(value),
            wire::Value::Text(text) => MetadataValue::Text(text),
            wire::Value::Object(_) | wire::Value::Null => return None,
        };
        Some((name, value))
    });
    simple.take(MAX_VALUES).collect()
}
