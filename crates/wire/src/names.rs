//! Maps stream numbers to topics: the page needs this to read items of the binary form.

use model::sorted::SortedMap;

use topics::topic::Topic;

use crate::message::{NO_STREAM, ServerMessage, StreamName};

/// The topics of one connection by stream number. Pass each decoded message to [`Self::learn`].
///
/// Names outlive an unsubscribe, so that items in flight can still be read. A welcome, which begins a connection,
/// clears them. Bounded: above [`MAX_NAMES`] the lowest (oldest) numbers are dropped first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamNames {
    topics: SortedMap<u32, Topic>,
}

impl StreamNames {
    /// Creates an empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Learns the stream numbers in a message; most have none.
    pub fn learn(&mut self, message: &ServerMessage) {
        match message {
            ServerMessage::Welcome(_) => self.topics.clear(),
            ServerMessage::Subscribed(subscribed) => self.insert(&subscribed.topics),
            ServerMessage::Resumed(resumed) => self.insert(&resumed.topics),
            ServerMessage::Reset(reset) => self.insert(&reset.topics),
            _ => {}
        }
    }

    /// Returns the topic of a stream number.
    pub fn topic(&self, stream: u32) -> Option<&Topic> {
        self.topics.get(&stream)
    }

    fn insert(&mut self, names: &[StreamName]) {
        for name in names.iter().filter(|name| name.stream != NO_STREAM) {
            self.topics.insert(name.stream, name.topic.clone());
            if self.topics.len() > MAX_NAMES {
                self.topics.pop_first();
            }
        }
    }
}

/// Many times the limit of followed topics per connection.
pub const MAX_NAMES: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Epoch, Reset, ResetReason, Resumed, Subscribed, Welcome};

    fn name(stream: u32, topic: &str) -> StreamName {
        StreamName { topic: Topic::parse(topic).unwrap(), stream }
    }

    #[test]
    fn names_are_learned_and_end_with_the_connection() {
        let mut names = StreamNames::new();
        names.learn(&ServerMessage::Subscribed(Subscribed { id: 1, topics: vec![name(1, "status")] }));
        names.learn(&ServerMessage::Resumed(Resumed { topics: vec![name(2, "system")], replayed: 0, lost: 0 }));
        let reset = Reset { topics: vec![name(3, "quote:demo:A")], reason: ResetReason::HistoryExceeded };
        names.learn(&ServerMessage::Reset(reset));
        assert_eq!(names.topic(1), Some(&Topic::STATUS));
        assert_eq!(names.topic(2), Some(&Topic::SYSTEM));
        assert_eq!(names.topic(3).unwrap().to_string(), "quote:demo:A");
        let epoch = Epoch::new("one");
        names.learn(&ServerMessage::Welcome(Welcome { protocol: 1, epoch, client: String::new(), server_time_ms: 0 }));
        assert_eq!(names.topic(1), None);
    }
}
