//! Notices of the server that require people's action: one sentence, shown by the pages of those whom it concerns.
//!
//! Not here: the state of feeds (their status), the results of single requests (`error`). Each cause has one notice; the
//! newest of those for a role is shown, until its cause ends or it is [`SHOWN_FOR`] old. All of them are in the log.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{access::Role, time::Monotonic};

/// The notices. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Notices(Arc<Mutex<Shown>>);

#[derive(Debug, Default)]
struct Shown {
    /// By cause: one a venue, so few.
    by_cause: BTreeMap<String, Notice>,
    /// The least role that ever was shown one: pages that show it must be told of its end.
    used_by: Option<Role>,
}

#[derive(Debug)]
struct Notice {
    since: Monotonic,
    /// The least role that it concerns.
    needs: Role,
    sentence: String,
}

impl Notices {
    /// Shows this notice from now on, in place of an earlier one of the same cause, to everybody with the role `needs` or a
    /// higher one: to viewers what is about data, to admins alone what concerns only those who run the server.
    pub fn show(&self, cause: &str, needs: Role, sentence: String, now: Monotonic) {
        let mut shown = self.lock();
        shown.by_cause.insert(cause.to_owned(), Notice { since: now, needs, sentence });
        shown.used_by = Some(shown.used_by.map_or(needs, |used_by| used_by.min(needs)));
    }

    /// Withdraws the notice of a cause that has ended.
    pub fn end(&self, cause: &str) {
        self.lock().by_cause.remove(cause);
    }

    /// Returns the newest notice for a role; empty if there is none any more, `None` if there never was one.
    pub fn newest(&self, role: Role, now: Monotonic) -> Option<String> {
        let mut shown = self.lock();
        shown.by_cause.retain(|_, notice| now.saturating_since(notice.since) < SHOWN_FOR);
        let for_role = shown.by_cause.values().filter(|notice| notice.needs <= role);
        let newest = for_role.max_by_key(|notice| notice.since).map(|notice| notice.sentence.clone());
        newest.or_else(|| shown.used_by.filter(|used_by| *used_by <= role).map(|_| String::new()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Time for which a notice is shown if its cause does not end: long enough to be seen by whoever comes back from lunch.
pub const SHOWN_FOR: Duration = Duration::from_secs(2 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_ends_with_its_cause_or_after_some_time() {
        let notices = Notices::default();
        let at = |seconds| Monotonic::from_zero(Duration::from_secs(seconds));
        assert_eq!(notices.newest(Role::Viewer, at(0)), None);
        notices.show("a", Role::Viewer, "first".to_owned(), at(1));
        notices.show("b", Role::Viewer, "second".to_owned(), at(2));
        assert_eq!(notices.newest(Role::Viewer, at(3)).as_deref(), Some("second"));
        notices.end("b");
        assert_eq!(notices.newest(Role::Viewer, at(4)).as_deref(), Some("first"), "still to be done");
        notices.show("a", Role::Viewer, "again".to_owned(), at(10));
        assert_eq!(notices.newest(Role::Viewer, at(9 + SHOWN_FOR.as_secs())).as_deref(), Some("again"));
        assert_eq!(notices.newest(Role::Viewer, at(10 + SHOWN_FOR.as_secs())).as_deref(), Some(""), "pages remove it");
        notices.end("a");
        assert_eq!(notices.newest(Role::Viewer, at(10)).as_deref(), Some(""));
    }

    #[test]
    fn a_notice_for_admins_is_shown_to_nobody_else() {
        let notices = Notices::default();
        let at = |seconds| Monotonic::from_zero(Duration::from_secs(seconds));
        let of_each = |seconds| Role::ALL.map(|role| notices.newest(role, at(seconds)));
        let words = |words: [Option<&str>; 3]| words.map(|words| words.map(str::to_owned));
        notices.show("disk", Role::Admin, "free some space".to_owned(), at(1));
        assert_eq!(of_each(2), words([None, None, Some("free some space")]), "viewers never heard of one");
        notices.show("feed", Role::Viewer, "no data".to_owned(), at(3));
        assert_eq!(of_each(4), words([Some("no data"); 3]));
        notices.show("disk", Role::Admin, "hurry".to_owned(), at(5));
        assert_eq!(
            of_each(6),
            words([Some("no data"), Some("no data"), Some("hurry")]),
            "a newer one hides none of theirs"
        );
        notices.end("disk");
        notices.end("feed");
        assert_eq!(of_each(7), words([Some(""); 3]));
    }
}
