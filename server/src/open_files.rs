//! The limit of open files: each connection is one, and many systems start processes with 1,024.

/// Raises the limit for this many connections, as far as the system allows; never lowers it.
pub fn allow(max_connections: usize) {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let wanted = u64::try_from(max_connections).unwrap_or(u64::MAX).saturating_add(SPARE_FILES);
        let limit = getrlimit(Resource::Nofile);
        let current = limit.maximum.map_or(wanted, |maximum| wanted.min(maximum));
        if limit.current.is_some_and(|now| now < current)
            && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: limit.maximum })
        {
            tracing::warn!(%error, "the limit of open files stays low; many connections will be refused");
        }
    }
    #[cfg(not(unix))]
    let _ = max_connections;
}

/// For feeds, recordings, and connections beyond the maximum, which are few and short.
#[cfg(unix)]
const SPARE_FILES: u64 = 1_024;
