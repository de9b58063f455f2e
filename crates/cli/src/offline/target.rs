//! Where a command writes a file: standard output, or a file that appears whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::files::STDIN;
use crate::exit::OutputClosed;

/// Writes what `fill` produces to `path`. A file is written beside its place under a temporary name, synced to disk and then
/// renamed, so that a reader, a crash or a full disk never leaves half of it. An existing file is left alone unless `force`.
///
/// Backups hold everything: the file can be read by its owner alone.
pub fn write<T>(
    path: &Path,
    force: bool,
    fill: impl FnOnce(&mut (dyn Write + Send)) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    if path == Path::new(STDIN) {
        let mut stdout = Watched {
            inner: BufWriter::new(io::stdout()),
            closed: false,
        };
        let filled = fill(&mut stdout).and_then(|value| {
            stdout
                .flush()
                .map(|()| value)
                .context("cannot write to standard output")
        });
        return if stdout.closed {
            Err(OutputClosed.into())
        } else {
            filled
        };
    }
    check_free(path, force)?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    };
    let mut temporary = tempfile::Builder::new()
        .prefix(".seawall-")
        .suffix(".part")
        .tempfile_in(&folder)
        .with_context(|| format!("cannot write in the folder `{}`", folder.display()))?;
    let writing = || format!("cannot write `{}`", path.display());
    let mut writer = BufWriter::new(temporary.as_file_mut());
    let value = fill(&mut writer)?;
    writer.flush().with_context(writing)?;
    drop(writer);
    temporary.as_file().sync_all().with_context(writing)?;
    let kept = if force {
        temporary.persist(path)
    } else {
        temporary.persist_noclobber(path)
    };
    kept.map_err(|error| error.error).with_context(writing)?;
    // The new name is in the folder, which has to reach the disk as well.
    File::open(&folder)
        .and_then(|folder| folder.sync_all())
        .with_context(writing)?;
    Ok(value)
}

/// Refuses early what [`write()`] would refuse after the work was done.
pub fn check_free(path: &Path, force: bool) -> anyhow::Result<()> {
    if path != Path::new(STDIN) && !force && path.symlink_metadata().is_ok() {
        bail!("`{}` exists; --force replaces it", path.display());
    }
    Ok(())
}

/// Notices that the reader went away, whatever is made of the error on the way up.
struct Watched<W> {
    inner: W,
    closed: bool,
}

impl<W: Write> Watched<W> {
    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        self.closed |= result
            .as_ref()
            .is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        result
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.note(flushed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn names(folder: &Path) -> Vec<String> {
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let failed: anyhow::Result<()> = write(&path, false, |writer| {
            writer.write_all(b"half")?;
            bail!("the disk is full")
        });
        assert!(failed.is_err() && names(dir.path()).is_empty());

        write(&path, false, |writer| Ok(writer.write_all(b"whole")?)).unwrap();
        assert_eq!(
            (std::fs::read(&path).unwrap(), names(dir.path()).len()),
            (b"whole".to_vec(), 1)
        );
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_existing_file_is_replaced_only_by_force() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        std::fs::write(&path, "old").unwrap();
        assert!(write(&path, false, |_| -> anyhow::Result<()> { panic!("must not be asked") }).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        write(&path, true, |writer| Ok(writer.write_all(b"new")?)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }
}
