//! All settings in one tree, each with its source, and a deserializer that reads sections from it.
//!
//! A fault found while reading is returned with its key, value and source. Not here: the meaning of the keys (one file
//! per section), the order of the sources ([`super::load`]).

use std::{collections::BTreeMap, fmt};

use serde::{
    de::{self, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor},
    forward_to_deserialize_any,
};

use super::{
    error::{Origin, SettingError, invalid},
    value::RawValue,
};

/// A node of the tree.
#[derive(Clone, Debug)]
pub enum Node {
    /// A section, with its first source.
    Table(BTreeMap<String, Node>, Origin),
    /// A list of sections.
    List(Vec<Node>),
    /// One setting.
    Leaf(Leaf),
}

/// One setting with its source.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The value as written.
    pub value: RawValue,
    /// The source.
    pub origin: Origin,
    /// The whole text that the value is a part of; errors show that text.
    pub whole: Option<String>,
}

impl Node {
    /// Creates a setting that is not part of a longer text.
    pub fn leaf(value: RawValue, origin: &Origin) -> Self {
        Self::Leaf(Leaf { value, origin: origin.clone(), whole: None })
    }

    /// Puts `node` at `keys`, replacing an earlier one, and creates the sections on the path.
    pub fn insert(&mut self, keys: &[&str], node: Node, origin: &Origin) {
        let [key, rest @ ..] = keys else { return *self = node };
        if !matches!(self, Self::Table(..)) {
            *self = Self::Table(BTreeMap::new(), origin.clone());
        }
        if let Self::Table(entries, _) = self {
            let empty = || Self::Table(BTreeMap::new(), origin.clone());
            entries.entry((*key).to_owned()).or_insert_with(empty).insert(rest, node, origin);
        }
    }

    /// Returns the setting at `keys`, if any source has it.
    pub fn find(&self, keys: &[&str]) -> Option<&Leaf> {
        match (self, keys) {
            (Self::Leaf(leaf), []) => Some(leaf),
            (Self::Table(entries, _), [key, rest @ ..]) => entries.get(*key)?.find(rest),
            _ => None,
        }
    }

    /// Returns the source of each setting, by key; a list of sections counts as one.
    pub fn origins(&self) -> BTreeMap<String, Origin> {
        let mut origins = BTreeMap::new();
        self.add_origins("", &mut origins);
        origins
    }

    fn add_origins(&self, key: &str, origins: &mut BTreeMap<String, Origin>) {
        match self {
            Self::Table(entries, _) => {
                for (below, node) in entries {
                    let key = if key.is_empty() { below.clone() } else { format!("{key}.{below}") };
                    node.add_origins(&key, origins);
                }
            }
            Self::List(nodes) if nodes.is_empty() => {}
            Self::List(_) | Self::Leaf(_) => {
                origins.insert(key.to_owned(), self.first().1.origin);
            }
        }
    }

    /// Returns the value and source of the entry at `idx` of the list `key`, if any source has it.
    pub fn list_entry(&self, key: &str, idx: usize) -> Option<Place> {
        let Self::Table(entries, _) = self else { return None };
        let Self::List(nodes) = entries.get(key)? else { return None };
        Some(nodes.get(idx)?.first().1)
    }

    /// Returns the keys from this node to its first setting, and that setting's value and source.
    fn first(&self) -> (Vec<String>, Place) {
        match self {
            Self::Leaf(leaf) => {
                let value = leaf.whole.as_ref().map_or_else(|| leaf.value.clone(), |text| RawValue::Text(text.clone()));
                (Vec::new(), Place { value, origin: leaf.origin.clone(), is_part: leaf.whole.is_some() })
            }
            Self::Table(entries, origin) => match entries.iter().next() {
                Some((key, node)) => {
                    let (mut below, place) = node.first();
                    below.insert(0, key.clone());
                    (below, place)
                }
                None => (Vec::new(), Place::empty(origin.clone())),
            },
            Self::List(nodes) => nodes.first().map_or_else(
                || (Vec::new(), Place::empty(Origin::File("".into()))),
                |node| (Vec::new(), node.first().1),
            ),
        }
    }

    fn value(&self) -> Result<&RawValue, Fault> {
        match self {
            Self::Leaf(leaf) => Ok(&leaf.value),
            // A variable with too many parts, as in SERVER__LISTEN__X.
            Self::Table(..) | Self::List(_) => Err(SettingError::UnknownKey(&[]).into()),
        }
    }
}

/// A setting that cannot be used, with the reason.
#[derive(Debug)]
pub struct Fault {
    /// The keys of the setting.
    pub keys: Vec<String>,
    /// Further keys below an unknown section, down to its first setting.
    pub below: Vec<String>,
    /// The setting's value and source; `None` until its section has handled the fault.
    pub place: Option<Box<Place>>,
    /// The reason.
    pub error: SettingError,
}

/// A setting's value and source, as errors show them.
#[derive(Debug)]
pub struct Place {
    /// The value as written.
    pub value: RawValue,
    /// The source.
    pub origin: Origin,
    /// True if the value is a text that contains several settings.
    pub is_part: bool,
}

impl Place {
    fn empty(origin: Origin) -> Self {
        Self { value: RawValue::Text(String::new()), origin, is_part: false }
    }
}

impl Fault {
    fn under(mut self, key: &str, node: &Node) -> Self {
        if self.place.is_none() {
            let (below, place) = node.first();
            (self.below, self.place) = (below, Some(Box::new(place)));
        }
        self.keys.insert(0, key.to_owned());
        self
    }

    fn in_list(mut self, idx: usize) -> Self {
        if self.place.as_ref().is_some_and(|place| place.is_part) {
            self.keys.clear();
        } else {
            self.keys.insert(0, format!("[{idx}]"));
        }
        self
    }
}

impl From<SettingError> for Fault {
    fn from(error: SettingError) -> Self {
        Self { keys: Vec::new(), below: Vec::new(), place: None, error }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.keys.join("."), self.error)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        invalid(message.to_string()).into()
    }

    fn unknown_field(_field: &str, expected: &'static [&'static str]) -> Self {
        SettingError::UnknownKey(expected).into()
    }

    // The expected value is the remedy; the actual value is shown with its source.
    fn invalid_type(_found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        invalid(expected.to_string()).into()
    }

    fn invalid_value(_found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        invalid(expected.to_string()).into()
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.value()?.text()?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_bool(self.value()?.flag()?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let text = self.value()?.text()?;
        if !variants.contains(&text) {
            return Err(invalid(format!("write one of {}", variants.join(", "))).into());
        }
        visitor.visit_enum(de::value::StrDeserializer::<Fault>::new(text))
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value()?.number() {
            Some(number) => visitor.visit_u64(number),
            None => visitor.visit_unit(),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Node::List(nodes) => visitor.visit_seq(Items { nodes: nodes.iter().enumerate() }),
            node => visitor.visit_seq(de::value::SeqDeserializer::new(node.value()?.list()?.into_iter())),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Node::Table(entries, _) => visitor.visit_map(Entries { rest: entries.iter(), current: None }),
            Node::List(_) | Node::Leaf(_) => Err(invalid("write a section with keys in it").into()),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct
        tuple tuple_struct identifier ignored_any
    }
}

struct Entries<'a> {
    rest: std::collections::btree_map::Iter<'a, String, Node>,
    current: Option<(&'a str, &'a Node)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, node)) = self.rest.next() else { return Ok(None) };
        self.current = Some((key, node));
        let read = seed.deserialize(key.as_str().into_deserializer());
        read.map(Some).map_err(|fault: Fault| fault.under(key, node))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (key, node) = self.current.expect("invariant: a value is asked for after its key");
        seed.deserialize(node).map_err(|fault| fault.under(key, node))
    }
}

struct Items<'a> {
    nodes: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some((idx, node)) = self.nodes.next() else { return Ok(None) };
        seed.deserialize(node).map(Some).map_err(|fault| fault.in_list(idx))
    }
}
