//! The index on a disk that stops at any step, forgets what was not synced, and damages what it keeps.

use super::large::Draw;
use super::{Model, check};
use crate::disk::Disk;
use crate::memory::Region;
use crate::{Checkpoint, Index, Layout, OpenError, Options};
use signal::Pdq;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

/// A disk in memory. After `steps_left` steps it stops: the step that it stops at may be done in part or not at all, and each further one
/// fails.
#[derive(Clone, Default)]
struct Faulty(Arc<Mutex<Content>>);

#[derive(Default)]
struct Content {
    files: HashMap<String, Vec<u8>>,
    steps_left: Option<u64>,
    /// What becomes of the step at which it stops.
    last_step: u64,
}

impl Faulty {
    fn content(&self) -> std::sync::MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// One step that changes the disk. `partly` does it in part, by a number that says how far.
    fn step(&self, whole: impl FnOnce(&mut Content), partly: impl FnOnce(&mut Content, u64)) -> io::Result<()> {
        let mut content = self.content();
        let last_step = content.last_step;
        match &mut content.steps_left {
            None => whole(&mut content),
            Some(0) => return Err(io::Error::other("the disk has stopped")),
            Some(left) => {
                *left -= 1;
                if *left == 0 {
                    partly(&mut content, last_step);
                    return Err(io::Error::other("the disk stops"));
                }
                whole(&mut content);
            }
        }
        Ok(())
    }
}

impl Disk for Faulty {
    fn read(&self, name: &str) -> io::Result<Region> {
        let content = self.content();
        let bytes = content.files.get(name).ok_or(io::ErrorKind::NotFound)?;
        Region::copy(bytes)
    }

    fn write(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let bytes = parts.concat();
        self.step(
            |content| drop(content.files.insert(name.to_owned(), bytes.clone())),
            |content, how| {
                // Cut off, whole but with lost pages, or not begun.
                let mut bytes = bytes.clone();
                match how % 3 {
                    0 => bytes.truncate((how / 3) as usize % (bytes.len() + 1)),
                    1 => bytes
                        .iter_mut()
                        .skip((how / 3) as usize % 100)
                        .step_by(7)
                        .for_each(|byte| *byte = 0),
                    _ => return,
                }
                content.files.insert(name.to_owned(), bytes);
            },
        )
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let rename = |content: &mut Content| {
            if let Some(bytes) = content.files.remove(from) {
                content.files.insert(to.to_owned(), bytes);
            }
        };
        self.step(rename, |content, how| {
            if how % 2 == 0 {
                rename(content);
            }
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.step(|content| drop(content.files.remove(name)), |_, _| {})
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.content().files.keys().cloned().collect())
    }
}

fn options() -> Options {
    Options {
        head_codes: 20,
        layout: Layout {
            tabled_codes_min: 64,
            ..Layout::default()
        },
    }
}

const STREAM: [u8; 16] = *b"a stream of bank";

/// What a store would tell: for each change in turn which key it was about; and what each key has now.
#[derive(Default)]
struct Story {
    changes: Vec<u64>,
    now: HashMap<u64, Vec<Pdq>>,
}

impl Story {
    fn go_on(&mut self, draw: &mut Draw, n: u64) {
        for _ in 0..n {
            let key = draw.below(300);
            let codes = match draw.below(4) {
                0 => Vec::new(),
                1 => vec![Pdq::from_words([draw.below(5), 0, 0, 0])],
                _ => (0..=draw.below(2)).map(|_| draw.code()).collect(),
            };
            self.changes.push(key);
            self.now.insert(key, codes);
        }
    }

    fn model(&self) -> Model {
        let pairs = self.now.iter();
        pairs
            .flat_map(|(key, codes)| codes.iter().map(|code| (*key, *code)))
            .collect()
    }

    /// Tells the index what changed since the cursor, in pages.
    fn tell(&self, index: &Index, from: i64, page: usize) {
        let mut cursor = from as usize;
        while cursor < self.changes.len() {
            let end = (cursor + page).min(self.changes.len());
            let changes = self.changes[cursor..end].iter().map(|key| (*key, &*self.now[key]));
            let checkpoint = Checkpoint {
                stream: STREAM,
                cursor: end as i64,
            };
            index.apply(changes, Some(checkpoint));
            cursor = end;
        }
    }
}

/// At whatever step the disk stops, what it holds can be opened, and told the rest it answers as if nothing had happened.
#[test]
fn a_crash_at_any_step_leaves_an_index_that_catches_up() {
    let n_rounds = if cfg!(miri) { 3 } else { 300 };
    let (mut n_crashes, mut n_resumed) = (0, 0);
    for round in 0..n_rounds {
        let mut draw = Draw(round);
        let disk = Faulty::default();
        let mut story = Story::default();
        for _ in 0..6 {
            {
                let mut content = disk.content();
                content.steps_left = Some(1 + draw.below(12));
                content.last_step = draw.word() >> 1;
            }
            let opened = Index::open_on(Box::new(disk.clone()), options()).unwrap();
            assert_eq!(opened.damage, [], "a stop damages nothing that counts (round {round})");
            let from = opened.checkpoint.map_or(0, |at| {
                assert_eq!(at.stream, STREAM);
                at.cursor
            });
            n_resumed += usize::from(from > 0);
            story.tell(&opened.index, from, 7);
            check(
                &opened.index.snapshot(),
                &story.model(),
                &[draw.code(), Pdq::from_words([3, 0, 0, 0])],
            );
            for _ in 0..draw.below(5) {
                let before = story.changes.len() as i64;
                let n_changes = draw.below(60);
                story.go_on(&mut draw, n_changes);
                story.tell(&opened.index, before, 7);
                let done = if draw.below(3) == 0 {
                    opened.index.persist()
                } else {
                    opened.index.maintain().map(drop)
                };
                n_crashes += usize::from(done.is_err());
            }
            // A disk that fails takes nothing from the answers.
            check(
                &opened.index.snapshot(),
                &story.model(),
                &[draw.code(), Pdq::from_words([1, 0, 0, 0])],
            );
        }
    }
    assert!(
        n_crashes > n_rounds as usize && n_resumed > n_rounds as usize,
        "{n_crashes} crashes, {n_resumed} resumed"
    );
}

/// A store that is set back to before a removal must not be taken for the one that the index was made of: its cursor would never come
/// back to what was removed.
#[test]
fn the_disk_names_the_stream_of_the_last_removal_that_it_holds() {
    let at = |stream, cursor| {
        Some(Checkpoint {
            stream: [stream; 16],
            cursor,
        })
    };
    let disk = Faulty::default();
    let index = Index::open_on(Box::new(disk.clone()), options()).unwrap().index;
    let codes: Vec<[Pdq; 1]> = (0..3).map(|n| [Pdq::from_words([n, 0, 0, 0])]).collect();
    index.apply((0..).zip(&codes).map(|(key, codes)| (key, &codes[..])), at(1, 3));
    index.persist().unwrap();
    index.apply([(0, &[][..]), (1, &[])], at(2, 5));
    assert!(index.maintain().unwrap(), "the segment is made anew without them");
    drop(index);
    let opened = Index::open_on(Box::new(disk), options()).unwrap();
    assert_eq!((opened.index.len(), opened.checkpoint), (1, at(2, 3)));
}

/// Any damage to any file is noticed and named, and what is told anew makes it good.
#[test]
fn damage_is_named_and_made_good() {
    for round in 0..if cfg!(miri) { 2 } else { 200 } {
        let mut draw = Draw(1_000 + round);
        let disk = Faulty::default();
        let mut story = Story::default();
        story.go_on(&mut draw, 400);
        {
            let index = Index::open_on(Box::new(disk.clone()), options()).unwrap().index;
            story.tell(&index, 0, 50);
            index.persist().unwrap();
        }
        let name = {
            let mut content = disk.content();
            let mut names: Vec<String> = content.files.keys().cloned().collect();
            names.sort();
            let name = names[draw.below(names.len() as u64) as usize].clone();
            match draw.below(3) {
                0 => drop(content.files.remove(&name)),
                1 => {
                    let bytes = content.files.get_mut(&name).unwrap();
                    let place = draw.below(bytes.len() as u64) as usize;
                    bytes.truncate(place);
                }
                _ => {
                    let bytes = content.files.get_mut(&name).unwrap();
                    // Not the format's number: another one is another version, not damage.
                    let place = 12 + draw.below(bytes.len() as u64 - 12) as usize;
                    bytes[place] ^= 1 << draw.below(8);
                }
            }
            name
        };
        let opened = Index::open_on(Box::new(disk.clone()), options()).unwrap();
        let is_padding = opened.damage.is_empty();
        if is_padding {
            // A bit between two columns says nothing; a meta file that is gone is an index that never was.
            assert!(opened.checkpoint.is_none() || name != "meta", "{name}");
        } else {
            assert_eq!(opened.damage[0].file, name);
            assert_eq!(opened.checkpoint, None);
        }
        story.tell(&opened.index, opened.checkpoint.map_or(0, |at| at.cursor), 50);
        check(
            &opened.index.snapshot(),
            &story.model(),
            &[draw.code(), Pdq::from_words([2, 0, 0, 0])],
        );
        opened.index.persist().unwrap();
        drop(opened);
        let again = Index::open_on(Box::new(disk), options()).unwrap();
        assert_eq!(again.damage, []);
        check(&again.index.snapshot(), &story.model(), &[draw.code()]);
    }
}

#[test]
fn a_folder_is_opened_by_one_and_says_which_version_wrote_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let opened = Index::open(&path, options()).unwrap();
    let code = Draw(77_777).code();
    opened.index.insert_many((0..200).map(|key| (key, Draw(key).code())));
    opened.index.insert(1_000, code);
    opened.index.persist().unwrap();
    assert!(matches!(Index::open(&path, options()), Err(OpenError::Locked { .. })));
    drop(opened);

    let opened = Index::open(&path, options()).unwrap();
    assert_eq!(opened.index.len(), 201);
    assert_eq!(opened.index.snapshot().search(code, 0, 9).hits[0].key, 1_000);
    drop(opened);

    let other = path.join("notes.txt");
    std::fs::write(&other, "not ours").unwrap();
    let meta = path.join("meta");
    let mut bytes = std::fs::read(&meta).unwrap();
    bytes[8] = 9;
    std::fs::write(&meta, bytes).unwrap();
    let error = Index::open(&path, options()).unwrap_err();
    assert!(
        matches!(error, OpenError::Version { found: 9, known: 1, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("remove the folder"), "{error}");

    Index::forget(&path).unwrap();
    assert!(other.exists(), "what is not ours stays");
    let opened = Index::open(&path, options()).unwrap();
    assert!(opened.index.is_empty() && opened.checkpoint.is_none());
}
