//! Several consecutive files, read as the lines of one recording.
//!
//! Not here: one file ([`RecordingFile`]), the contents of lines (`recording`).

use std::{io, path::PathBuf};

use recording::lines::Lines;

use crate::recorder::recording_file::RecordingFile;

/// The lines of several files, one file after the other.
pub struct Files {
    paths: Vec<PathBuf>,
    n_opened: usize,
    file: Option<RecordingFile>,
}

impl Files {
    /// Creates a reader; the files are opened later.
    pub fn new(paths: &[PathBuf]) -> Self {
        Self { paths: paths.to_vec(), n_opened: 0, file: None }
    }

    fn read(&mut self) -> io::Result<bool> {
        loop {
            if self.file.is_none() {
                let Some(path) = self.paths.get(self.n_opened) else { return Ok(false) };
                self.n_opened += 1;
                self.file = Some(RecordingFile::open(path)?);
            }
            if let Some(file) = &mut self.file
                && file.advance()?
            {
                return Ok(true);
            }
            self.file = None;
        }
    }
}

impl Lines for Files {
    fn advance(&mut self) -> io::Result<bool> {
        let read = self.read();
        if read.is_err() {
            // The next call continues with the next file.
            self.file = None;
        }
        read
    }

    fn line(&self) -> &[u8] {
        self.file.as_ref().map_or(&[], RecordingFile::line)
    }

    fn rewind(&mut self) {
        (self.n_opened, self.file) = (0, None);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_is_missing_or_broken_holds_up_no_other() {
        let path = |name: &str| std::env::temp_dir().join(format!("truetape-files-{}-{name}", std::process::id()));
        let paths = [path("one"), path("missing"), path("broken"), path("two")];
        fs::write(&paths[0], "a\nb").unwrap();
        fs::write(&paths[2], [0x28, 0xb5, 0x2f, 0xfd, 0xff]).unwrap();
        fs::write(&paths[3], "c\n").unwrap();
        let mut files = Files::new(&paths);
        for _ in 0..2 {
            let (mut found, mut n_errors) = (Vec::new(), 0);
            loop {
                match files.advance() {
                    Ok(true) => found.push(String::from_utf8(files.line().to_vec()).unwrap()),
                    Ok(false) => break,
                    Err(_) => n_errors += 1,
                }
            }
            assert_eq!((found, n_errors), (vec!["a\n".to_owned(), "b".into(), "c\n".into()], 2));
            files.rewind();
        }
        [0, 2, 3].into_iter().for_each(|idx| fs::remove_file(&paths[idx]).unwrap());
    }
}
