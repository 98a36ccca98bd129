//! The disk of the data folder: free space, the sizes of files, and small files that are replaced whole.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// Replaces a small file: written beside it, flushed, and renamed, so that it is either the old one or the new one. Its
/// owner alone can read it. Creates the folder. Blocks.
///
/// # Errors
/// The disk refuses; the file is the old one.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let beside = path.with_extension("new");
    let mut options = File::options();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // The new name must survive a power failure, too. Only Unix can flush a folder.
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Returns the free bytes of the disk of a folder; `None` where the system does not say.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let disk = rustix::fs::statvfs(folder).ok()?;
        disk.f_bavail.checked_mul(disk.f_frsize)
    }
    #[cfg(not(unix))]
    {
        let _folder = folder;
        None
    }
}

/// Returns the bytes of a database with its log; `None` if it does not exist.
pub fn database_bytes(path: &Path) -> Option<u64> {
    let log = path.with_extension("db-wal");
    let n_bytes = |path: &Path| fs::metadata(path).ok().map(|file| file.len());
    Some(n_bytes(path)? + n_bytes(&log).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/settings.toml");
        // An interrupted attempt left something.
        fs::create_dir(folder.path().join("new")).unwrap();
        fs::write(path.with_extension("new"), "a part of a very long text").unwrap();
        #[cfg(unix)]
        fs::set_permissions(path.with_extension("new"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        for text in ["a longer text", "short"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path().join("new")).unwrap().count(), 1, "nothing stays beside it");
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
        // A folder in its place: the rename fails.
        assert!(replace(&folder.path().join("new"), b"x").is_err());
    }

    #[test]
    fn a_database_counts_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        assert_eq!(database_bytes(&path), None);
        fs::write(&path, [0; 10]).unwrap();
        assert_eq!(database_bytes(&path), Some(10));
        fs::write(folder.path().join("a.db-wal"), [0; 5]).unwrap();
        assert_eq!(database_bytes(&path), Some(15));
        #[cfg(unix)]
        assert!(free_bytes(folder.path()).is_some());
        assert_eq!(free_bytes(&folder.path().join("nowhere")), None);
    }
}
