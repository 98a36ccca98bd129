//! A JSON object and nothing else: a derived struct alone would also accept a list.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

/// The contents of an object.
#[derive(Debug)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_no_objects() {
        #[derive(Deserialize)]
        struct Pair {
            left: u8,
            right: u8,
        }
        let read = |text: &str| serde_json::from_str::<Object<Pair>>(text).map(|Object(pair)| (pair.left, pair.right));
        assert_eq!(read(r#"{"left":1,"right":2,"new":[]}"#).unwrap(), (1, 2));
        for text in ["[1,2]", "null", "1", r#"{"left":1}"#] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
