//! The macro behind the list of channels: an enum of their names, an enum of their data, and one match arm per channel
//! in all methods of both.

/// Creates [`Channel`] and [`TopicData`] from the list.
macro_rules! channels {
    ($($name:ident($word:literal, $subject:ident, $parameter:ident, $needs:ident) => $kind:ident($payload:ty)),* $(,)?) => {
        /// The kind of a topic's data.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Channel {
            $(#[doc = concat!("`", $word, "`, with [`", stringify!($payload), "`].")] $name),*
        }

        /// The data of one item: all of it (snapshot) or the changed parts (delta).
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(untagged)]
        pub enum TopicData {
            $(#[doc = concat!("The data of channel `", $word, "`.")] $name($payload)),*
        }

        impl Channel {
            /// All channels; the position is the channel's number in the binary form.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$name),*];

            /// Returns the channel's name in topics.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word),*
                }
            }

            /// Returns the kind of subject of the channel's topics.
            pub const fn subject_kind(self) -> SubjectKind {
                match self {
                    $(Self::$name => SubjectKind::$subject),*
                }
            }

            /// Returns the kind of parameter of the channel's topics.
            pub const fn parameter_kind(self) -> ParameterKind {
                match self {
                    $(Self::$name => ParameterKind::$parameter),*
                }
            }

            /// Returns the least role that may follow the channel's topics.
            pub const fn needs(self) -> Role {
                match self {
                    $(Self::$name => Role::$needs),*
                }
            }

            const fn kind(self) -> Kind {
                match self {
                    $(Self::$name => Kind::$kind),*
                }
            }
        }

        impl TopicData {
            /// Returns the channel of this data.
            pub fn channel(&self) -> Channel {
                match self {
                    $(Self::$name(_) => Channel::$name),*
                }
            }

            /// Applies a delta; data of another channel has no effect.
            pub fn merge(&mut self, delta: &Self) {
                match (self, delta) {
                    $((Self::$name(data), Self::$name(delta)) => Merge::merge(data, delta),)*
                    _ => {}
                }
            }

            /// Returns the delta that turns `self` into `newer`; `None` if nothing changed. For data of another
            /// channel, returns all of `newer`.
            pub fn diff(&self, newer: &Self) -> Option<Self> {
                match (self, newer) {
                    $((Self::$name(older), Self::$name(newer)) => Merge::diff(older, newer).map(Self::$name),)*
                    _ => Some(newer.clone()),
                }
            }

            /// Writes the channel's number and the fields of the binary form.
            pub fn write(&self, writer: &mut impl FieldWriter) {
                writer.coded(&Channel::ALL, &self.channel());
                match self {
                    $(Self::$name(data) => data.write(writer)),*
                }
            }

            /// Reads the output of [`Self::write`].
            ///
            /// # Errors
            /// The first field that is missing, unknown or out of range.
            pub fn read(reader: &mut impl FieldReader) -> Result<Self, FieldError> {
                match reader.coded("channel", &Channel::ALL)? {
                    $(Channel::$name => <$payload>::read(reader).map(Self::$name)),*
                }
            }

            /// Reads the JSON form of a channel's data; [`Self::check`] its lengths afterwards.
            ///
            /// # Errors
            /// The deserializer's error.
            pub fn deserialize<'de, D: Deserializer<'de>>(channel: Channel, data: D) -> Result<Self, D::Error> {
                match channel {
                    $(Channel::$name => <$payload>::deserialize(data).map(Self::$name)),*
                }
            }

            /// Checks the length of lists that were read from JSON.
            ///
            /// # Errors
            /// The first list that is longer than the binary form carries.
            pub fn check(&self) -> Result<(), FieldError> {
                match self {
                    $(Self::$name(data) => data.check()),*
                }
            }
        }
    };
}
pub(crate) use channels;
