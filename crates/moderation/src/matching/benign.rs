//! The benign sample: what the platform's users post and nobody objected to, kept as bare codes, to find out how near harmless pictures come to an entry.
//!
//! Each picture that might enter draws a lot, and the least lots stay: whatever was offered in whatever order, by however many processes, each had the same
//! chance. It must never know entries or banks. Start with [`BenignSample::nearest`].

use std::collections::{HashMap, HashSet};

use index::Index;
use signal::keypoints::Place;
use signal::keypoints::align::{self, Pair};
use signal::{KeptLook, Looks, Pdq, views};
use sqlx::{AnyConnection, AssertSqlSafe, query};

use super::ALIKE_BITS;
use crate::model::{ItemId, Timestamp};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// Pictures further away say nothing: they are well beyond any lead, with the margin that is kept from it.
pub const NEAREST_BITS_MAX: u32 = 72;
/// A picture so near would match however little counts for the entry. It is a copy that nobody objected to yet, no harmless neighbour.
pub const COPY_BITS: u32 = 8;
/// Pictures so near to one code that are looked at: some may be copies.
const NEAREST_MAX: usize = 32;
/// Pictures that one keypoint is looked for in.
const PICTURES_OF_KEYPOINT: usize = 64;
/// Pictures of which it is found out how many keypoints agree.
const ALIGNED_MAX: usize = 8;
/// So few keypoints agree by accident.
const PLACES_MIN: usize = 3;
/// Pictures that are read in one statement.
const PAGE: usize = 100;
/// Surplus pictures that are dropped at a time.
const DROPPED_MAX: i64 = 10_000;

/// A picture to be kept, as bare codes.
#[derive(Debug, Clone)]
pub struct NewBenign {
    codes: Vec<u8>,
    keypoints: Vec<u8>,
}

/// What of the sample is near to an entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Nearest {
    /// Bits to the nearest picture that is no copy, if it lies within [`NEAREST_BITS_MAX`].
    pub bits: Option<u32>,
    /// The most keypoints that agree with one picture that is no copy.
    pub places: u32,
    /// The pictures that are copies.
    pub copies: Vec<String>,
}

/// The sample in memory.
#[derive(Debug, Default)]
pub struct BenignSample {
    /// The number of each picture.
    numbers: HashMap<String, u64>,
    pictures: HashMap<u64, Picture>,
    next: u64,
    hashes: Index,
    keypoints: Index,
}

#[derive(Debug)]
struct Picture {
    id: String,
    keypoints: Vec<(Pdq, Place)>,
}

impl NewBenign {
    /// Of a picture's looks: views of too low a quality say nothing.
    pub fn of(looks: &Looks, quality_min: u8) -> Self {
        let mut codes = views::VERSION.to_le_bytes().to_vec();
        let good = looks.views.iter().filter(|seen| seen.pdq.quality >= quality_min);
        codes.extend(good.flat_map(|seen| seen.pdq.hash.to_bytes()));
        let mut keypoints = Vec::new();
        for point in &looks.keypoints {
            keypoints.extend(point.code.to_bytes());
            let Place { x, y, sigma, direction } = point.place;
            keypoints.extend([x, y, sigma, direction].into_iter().flat_map(f32::to_le_bytes));
        }
        Self { codes, keypoints }
    }
}

/// Keeps a picture that drew this lot.
pub async fn insert(
    tx: &mut Tx,
    id: &str,
    item: &ItemId,
    lot: i64,
    new: NewBenign,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("INSERT INTO matching_benign (id, item_id, lot, codes, keypoints, taken_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(id.to_owned())
        .bind(item.to_string())
        .bind(lot)
        .bind(new.codes)
        .bind(new.keypoints)
        .bind(now.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keep a picture in the benign sample"))?;
    Ok(())
}

/// Which sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampled {
    /// Of pictures.
    Pictures,
    /// Of videos.
    Videos,
}

/// The statements about one sample.
struct Statements {
    remove_item: &'static str,
    remove_old: &'static str,
    remove_surplus: &'static str,
    count: &'static str,
}

impl Sampled {
    const fn statements(self) -> Statements {
        match self {
            Self::Pictures => Statements {
                remove_item: "DELETE FROM matching_benign WHERE item_id = $1",
                remove_old: "DELETE FROM matching_benign WHERE taken_at < $1",
                remove_surplus: "DELETE FROM matching_benign WHERE id IN
                     (SELECT id FROM matching_benign ORDER BY lot, id LIMIT $1 OFFSET $2)",
                count: "SELECT COUNT(*) AS n, MAX(lot) AS greatest FROM matching_benign",
            },
            Self::Videos => Statements {
                remove_item: "DELETE FROM matching_benign_video WHERE item_id = $1",
                remove_old: "DELETE FROM matching_benign_video WHERE taken_at < $1",
                remove_surplus: "DELETE FROM matching_benign_video WHERE id IN
                     (SELECT id FROM matching_benign_video ORDER BY lot, id LIMIT $1 OFFSET $2)",
                count: "SELECT COUNT(*) AS n, MAX(lot) AS greatest FROM matching_benign_video",
            },
        }
    }
}

/// Takes the pictures and videos of an item out of the samples: somebody objected to it.
pub async fn remove_item(tx: &mut Tx, item: &ItemId) -> Result<(), StoreError> {
    for sampled in [Sampled::Pictures, Sampled::Videos] {
        query(sampled.statements().remove_item)
            .bind(item.to_string())
            .execute(tx.conn())
            .await
            .map_err(StoreError::at("take an item out of the benign sample"))?;
    }
    Ok(())
}

/// Takes pictures out of the sample.
pub async fn remove(tx: &mut Tx, ids: &[String]) -> Result<(), StoreError> {
    for id in ids {
        query("DELETE FROM matching_benign WHERE id = $1")
            .bind(id.clone())
            .execute(tx.conn())
            .await
            .map_err(StoreError::at("take a picture out of the benign sample"))?;
    }
    Ok(())
}

/// Drops what was taken before then, and the greatest lots if there are more than `max`. Returns the lot that the next one must be under.
pub async fn trim(tx: &mut Tx, sampled: Sampled, max: usize, oldest: Timestamp) -> Result<i64, StoreError> {
    let statements = sampled.statements();
    let at = StoreError::at("trim the benign sample");
    query(statements.remove_old)
        .bind(oldest.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    query(statements.remove_surplus)
        .bind(DROPPED_MAX)
        .bind(max as i64)
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    let row = query(statements.count).fetch_one(tx.conn()).await.map_err(&at)?;
    let is_full = row.int("n")? >= max as i64;
    Ok(row.opt_int("greatest")?.filter(|_| is_full).unwrap_or(i64::MAX))
}

impl BenignSample {
    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Reads what came since the last time, and forgets what went.
    pub async fn refresh(&mut self, conn: &mut AnyConnection) -> Result<(), StoreError> {
        let at = StoreError::at("read the benign sample");
        let rows = query("SELECT id FROM matching_benign")
            .fetch_all(&mut *conn)
            .await
            .map_err(&at)?;
        let ids: HashSet<String> = rows.iter().map(|row| row.text("id")).collect::<Result<_, _>>()?;
        let gone: Vec<String> = self.numbers.keys().filter(|id| !ids.contains(*id)).cloned().collect();
        for id in gone {
            self.forget(&id);
        }
        let new: Vec<&String> = ids.iter().filter(|id| !self.numbers.contains_key(*id)).collect();
        for some in new.chunks(PAGE) {
            let list: Vec<String> = (1..=some.len()).map(|n| format!("${n}")).collect();
            let statement = format!(
                "SELECT id, codes, keypoints FROM matching_benign WHERE id IN ({})",
                list.join(", ")
            );
            let mut statement = query(AssertSqlSafe(statement));
            for id in some {
                statement = statement.bind((*id).clone());
            }
            for row in &statement.fetch_all(&mut *conn).await.map_err(&at)? {
                self.add(row.text("id")?, &row.bytes("codes")?, &row.bytes("keypoints")?)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, id: String, codes: &[u8], keypoints: &[u8]) -> Result<(), StoreError> {
        let number = self.next;
        let (version, codes) = codes
            .split_first_chunk::<4>()
            .ok_or_else(|| damaged("codes", "they end early"))?;
        // The codes of another version are not those that a query would have now: the picture counts for nothing, and goes with time.
        let is_current = u32::from_le_bytes(*version) == views::VERSION;
        let codes = codes.as_chunks::<32>().0.iter().filter(|_| is_current);
        self.hashes
            .insert_many(codes.map(|code| (number, Pdq::from_bytes(*code))));
        let keypoints: Vec<(Pdq, Place)> = keypoints.as_chunks::<48>().0.iter().map(read_keypoint).collect();
        self.keypoints
            .insert_many(keypoints.iter().map(|(code, _)| (number, *code)));
        self.next += 1;
        self.numbers.insert(id.clone(), number);
        self.pictures.insert(number, Picture { id, keypoints });
        Ok(())
    }

    fn forget(&mut self, id: &str) {
        if let Some(number) = self.numbers.remove(id) {
            self.pictures.remove(&number);
            self.hashes.remove(number);
            self.keypoints.remove(number);
        }
    }

    /// What of the sample is near to an entry with these hashes and this look. Takes milliseconds.
    pub fn nearest(&self, hashes: &[Pdq], look: Option<&KeptLook>) -> Nearest {
        let answers = self
            .hashes
            .snapshot()
            .search_many(hashes, NEAREST_BITS_MAX, NEAREST_MAX);
        let mut nearest: HashMap<u64, u32> = HashMap::new();
        for hit in answers.iter().flat_map(|answer| &answer.hits) {
            let known = nearest.entry(hit.key).or_insert(hit.distance);
            *known = hit.distance.min(*known);
        }
        let is_copy = |number: &u64| nearest.get(number).is_some_and(|bits| *bits <= COPY_BITS);
        let copies = nearest.keys().filter(|number| is_copy(number));
        Nearest {
            bits: nearest.values().copied().filter(|bits| *bits > COPY_BITS).min(),
            places: look.map_or(0, |look| self.places(look, &is_copy)),
            copies: copies
                .filter_map(|number| Some(self.pictures.get(number)?.id.clone()))
                .collect(),
        }
    }

    fn places(&self, look: &KeptLook, is_copy: &dyn Fn(&u64) -> bool) -> u32 {
        let codes: Vec<Pdq> = look.keypoints.iter().map(|(code, _)| *code).collect();
        let bits = ALIKE_BITS;
        let answers = self
            .keypoints
            .snapshot()
            .search_many(&codes, bits, PICTURES_OF_KEYPOINT);
        let mut shared: HashMap<u64, usize> = HashMap::new();
        for hit in answers.iter().flat_map(|answer| &answer.hits) {
            *shared.entry(hit.key).or_default() += 1;
        }
        let mut likely: Vec<(usize, u64)> = shared
            .into_iter()
            .filter(|(number, n)| *n >= PLACES_MIN && !is_copy(number))
            .map(|(number, n)| (n, number))
            .collect();
        likely.sort_by_key(|(n, number)| (std::cmp::Reverse(*n), *number));
        let agreeing = likely.iter().take(ALIGNED_MAX).filter_map(|(_, number)| {
            let picture = self.pictures.get(number)?;
            Some(agreeing(look, &picture.keypoints, bits))
        });
        agreeing.max().filter(|n| *n >= PLACES_MIN).unwrap_or(0) as u32
    }
}

/// How many keypoints of an entry lie in a picture as they lie in the entry.
fn agreeing(look: &KeptLook, picture: &[(Pdq, Place)], bits: u32) -> usize {
    let mut pairs: Vec<(u32, Pair)> = Vec::new();
    for (query_at, (code, query)) in picture.iter().enumerate() {
        for (entry_at, (kept, entry)) in look.keypoints.iter().enumerate() {
            let distance = code.distance(*kept);
            if distance <= bits {
                let pair = Pair {
                    query: *query,
                    entry: *entry,
                    query_at,
                    entry_at,
                    is_mirrored: false,
                };
                pairs.push((distance, pair));
            }
        }
    }
    pairs.sort_by_key(|(distance, _)| *distance);
    let pairs: Vec<Pair> = pairs.into_iter().take(PAIRS_MAX).map(|(_, pair)| pair).collect();
    let longest = look.picture.width().max(look.picture.height()) as f32;
    align::align(&pairs, longest).map_or(0, |alignment| alignment.agreeing)
}

/// Pairs of keypoints that are aligned, the likest first.
const PAIRS_MAX: usize = 256;

fn read_keypoint(bytes: &[u8; 48]) -> (Pdq, Place) {
    let mut code = [0; 32];
    code.copy_from_slice(&bytes[..32]);
    let number = |at: usize| {
        let at = 32 + 4 * at;
        f32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    };
    let place = Place {
        x: number(0),
        y: number(1),
        sigma: number(2),
        direction: number(3),
    };
    (Pdq::from_bytes(code), place)
}
