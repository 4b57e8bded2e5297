//! The subset of AMF0 that commands and metadata need.
//!
//! The reader returns flat objects of simple values. It skips nested values and references, and replaces bytes that are not UTF-8, because
//! encoders write names in the code page of their system. Malformed data ends the reading; the values before it are returned.

use bytes::Buf;

/// Maximum number of values per message and of fields per object that are kept.
const MAX_VALUES: usize = 16;
const MAX_FIELDS: usize = 64;
/// Maximum nesting depth that is skipped.
const MAX_DEPTH: usize = 16;

const NUMBER: u8 = 0;
const BOOL: u8 = 1;
const TEXT: u8 = 2;
const OBJECT: u8 = 3;
const NULL: u8 = 5;
const UNDEFINED: u8 = 6;
const REFERENCE: u8 = 7;
const ECMA_ARRAY: u8 = 8;
const OBJECT_END: u8 = 9;
const STRICT_ARRAY: u8 = 10;
const DATE: u8 = 11;
const LONG_TEXT: u8 = 12;
const UNSUPPORTED: u8 = 13;
const XML: u8 = 15;
const TYPED_OBJECT: u8 = 16;

/// An AMF0 value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Bool(bool),
    Text(String),
    /// The fields in order. Nested objects and arrays are `Null`.
    Object(Vec<(String, Value)>),
    /// Null, undefined, and skipped values.
    Null,
}

impl Value {
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) const fn as_number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// Returns a field of an object.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// Reads the values of a message up to the first malformed one.
pub(crate) fn read_values(mut bytes: &[u8]) -> Vec<Value> {
    let mut values = Vec::new();
    while values.len() < MAX_VALUES
        && let Some(value) = read_value(&mut bytes)
    {
        values.push(value);
    }
    values
}

fn read_value(bytes: &mut &[u8]) -> Option<Value> {
    let kind = bytes.try_get_u8().ok()?;
    match kind {
        OBJECT | ECMA_ARRAY | TYPED_OBJECT => {
            read_start_of_fields(kind, bytes)?;
            let mut fields = Vec::new();
            while let Some(name) = read_field_name(bytes)? {
                let value = read_simple(bytes)?;
                if fields.len() < MAX_FIELDS {
                    fields.push((read_text(name), value));
                }
            }
            Some(Value::Object(fields))
        }
        kind => read_simple_of(kind, bytes, 0),
    }
}

/// Reads a value inside an object.
fn read_simple(bytes: &mut &[u8]) -> Option<Value> {
    let kind = bytes.try_get_u8().ok()?;
    read_simple_of(kind, bytes, 1)
}

/// Reads a value of the given type and skips objects and arrays.
fn read_simple_of(kind: u8, bytes: &mut &[u8], depth: usize) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    match kind {
        NUMBER => return bytes.try_get_f64().ok().map(Value::Number),
        BOOL => return bytes.try_get_u8().ok().map(|value| Value::Bool(value != 0)),
        TEXT => return take_short(bytes).map(|text| Value::Text(read_text(text))),
        LONG_TEXT => return take_long(bytes).map(|text| Value::Text(read_text(text))),
        NULL | UNDEFINED | UNSUPPORTED => {}
        REFERENCE => take(bytes, 2).map(drop)?,
        DATE => take(bytes, 10).map(drop)?,
        XML => take_long(bytes).map(drop)?,
        STRICT_ARRAY => {
            for _ in 0..bytes.try_get_u32().ok()? {
                let kind = bytes.try_get_u8().ok()?;
                read_simple_of(kind, bytes, depth + 1)?;
            }
        }
        OBJECT | ECMA_ARRAY | TYPED_OBJECT => {
            read_start_of_fields(kind, bytes)?;
            while read_field_name(bytes)?.is_some() {
                let kind = bytes.try_get_u8().ok()?;
                read_simple_of(kind, bytes, depth + 1)?;
            }
        }
        _ => return None,
    }
    Some(Value::Null)
}

/// Skips the class name or the field count, which is often wrong.
fn read_start_of_fields(kind: u8, bytes: &mut &[u8]) -> Option<()> {
    match kind {
        ECMA_ARRAY => take(bytes, 4).map(drop),
        TYPED_OBJECT => take_short(bytes).map(drop),
        _ => Some(()),
    }
}

/// Reads the name of the next field. The inner `None` is the end of the object.
fn read_field_name<'b>(bytes: &mut &'b [u8]) -> Option<Option<&'b [u8]>> {
    let name = take_short(bytes)?;
    if name.is_empty() && bytes.first() == Some(&OBJECT_END) {
        bytes.advance(1);
        return Some(None);
    }
    Some(Some(name))
}

fn read_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn take_short<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = bytes.try_get_u16().ok()?;
    take(bytes, usize::from(length))
}

fn take_long<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = bytes.try_get_u32().ok()?;
    take(bytes, usize::try_from(length).ok()?)
}

fn take<'b>(bytes: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    bytes.split_off(..length)
}

/// Appends a value. Text longer than 64 KiB is truncated.
pub(crate) fn put(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(number) => {
            out.push(NUMBER);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Bool(value) => out.extend_from_slice(&[BOOL, u8::from(*value)]),
        Value::Text(text) => {
            out.push(TEXT);
            put_name(out, text);
        }
        Value::Object(fields) => {
            out.push(OBJECT);
            for (name, value) in fields {
                put_name(out, name);
                put(out, value);
            }
            out.extend_from_slice(&[0, 0, OBJECT_END]);
        }
        Value::Null => out.push(NULL),
    }
}

fn put_name(out: &mut Vec<u8>, text: &str) {
    let text = &text.as_bytes()[..text.floor_char_boundary(usize::from(u16::MAX))];
    out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn object(fields: &[(&str, Value)]) -> Value {
        Value::Object(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn written(values: &[Value]) -> Vec<u8> {
        let mut out = Vec::new();
        values.iter().for_each(|value| put(&mut out, value));
        out
    }

    fn simple() -> impl Strategy<Value = Value> {
        prop_oneof![
            (-1e9..1e9).prop_map(Value::Number),
            any::<bool>().prop_map(Value::Bool),
            r"\PC{0,20}".prop_map(Value::Text),
            Just(Value::Null),
        ]
    }

    proptest! {
        #[test]
        fn written_values_can_be_read(
            values in prop::collection::vec(
                prop_oneof![simple(), prop::collection::vec((r"\PC{1,9}", simple()), 0..9).prop_map(Value::Object)],
                0..9,
            ),
        ) {
            prop_assert_eq!(read_values(&written(&values)), values);
        }

        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(prop_oneof![0_u8..=17, any::<u8>()], 0..400)) {
            prop_assert!(read_values(&bytes).len() <= MAX_VALUES);
        }
    }

    #[test]
    fn fields_after_text_that_is_not_utf_8_are_read() {
        let mut bytes = vec![OBJECT, 0, 7];
        bytes.extend_from_slice(b"encoder\x02\x00\x02\xb6\xac\x00\x05width\x00");
        bytes.extend_from_slice(&640_f64.to_be_bytes());
        bytes.extend_from_slice(&[0, 0, OBJECT_END]);
        let values = read_values(&bytes);
        assert_eq!(values[0].field("width"), Some(&Value::Number(640.0)));
        assert!(values[0].field("encoder").and_then(Value::as_text).is_some_and(|text| text.contains('\u{fffd}')));
    }

    #[test]
    fn nested_values_are_skipped() {
        let mut bytes = vec![ECMA_ARRAY, 0xff, 0xff, 0xff, 0xff, 0, 5];
        bytes.extend_from_slice(b"inner");
        bytes.extend(written(&[object(&[("a", object(&[("b", text("c"))]))])]));
        bytes.extend_from_slice(b"\x00\x04date\x0b");
        bytes.extend_from_slice(&[0; 10]);
        bytes.extend_from_slice(b"\x00\x04list\x0a\x00\x00\x00\x02\x05\x07\x00\x01");
        bytes.extend_from_slice(b"\x00\x04last\x01\x01\x00\x00\x09");
        let values = read_values(&bytes);
        assert_eq!(
            values,
            [object(&[
                ("inner", Value::Null),
                ("date", Value::Null),
                ("list", Value::Null),
                ("last", Value::Bool(true))
            ])]
        );
    }

    #[test]
    fn references_and_deep_nesting_are_cheap() {
        let array = |count: u32| [&[STRICT_ARRAY][..], &count.to_be_bytes()].concat();
        // 100 numbers, 1,000 references to them, and 2,000 references to those.
        let mut bytes = array(100);
        bytes.extend([NUMBER, 0, 0, 0, 0, 0, 0, 0, 0].repeat(100));
        bytes.extend(array(1_000));
        bytes.extend([REFERENCE, 0, 0].repeat(1_000));
        bytes.extend(array(2_000));
        bytes.extend([REFERENCE, 0, 1].repeat(2_000));
        assert_eq!(read_values(&bytes), [Value::Null, Value::Null, Value::Null]);

        assert_eq!(read_values(&[OBJECT, 0, 1, b'a'].repeat(100_000)), []);
        assert_eq!(read_values(&array(u32::MAX)), []);
    }
}
