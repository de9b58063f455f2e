//! Measures searches over codes in a file, for `bench/index.py`: one core, one line of JSON for each question.
//!
//! `measure CODES QUERIES [--substrings N] [--no-tables] [--persist FOLDER] [--inserts PER-SECOND] RADIUS…`: both files are rows of 32 bytes; a code's key is its row.
//! The answers to the first radius go to `QUERIES.answers`, as rows of (query, key, distance), each a u32.

use index::{Index, Layout, Options};
use signal::Pdq;
use std::io::Write;
use std::time::{Duration, Instant};

/// Answers kept of a query: more than any query of the bench has.
const LIMIT: usize = 10_000;
const BATCH: usize = 256;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let codes = read(&args.next().ok_or("CODES is missing")?)?;
    let queries_file = args.next().ok_or("QUERIES is missing")?;
    let queries = read(&queries_file)?;
    let mut layout = Layout::default();
    let mut radii: Vec<u32> = Vec::new();
    let mut folder = None;
    let mut inserts = None;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--no-tables" => layout.tabled_codes_max = 0,
            "--substrings" => layout.substrings = Some(args.next().ok_or("N is missing")?.parse()?),
            "--inserts" => inserts = Some(args.next().ok_or("PER-SECOND is missing")?.parse::<u32>()?),
            "--persist" => folder = args.next(),
            radius => radii.push(radius.parse()?),
        }
    }

    let options = Options {
        layout,
        ..Options::default()
    };
    let n_codes = codes.len();
    let index = match &folder {
        Some(folder) => Index::open(folder.as_ref(), options)?.index,
        None => Index::with_options(options),
    };
    let start = Instant::now();
    index.insert_many((0..).zip(codes));
    index.persist()?;
    let stats = index.stats();
    println!(
        r#"{{"what":"build","n":{n_codes},"s":{:.3},"bytes_per_code":{:.1},"segments":{}}}"#,
        start.elapsed().as_secs_f64(),
        stats.n_bytes as f64 / n_codes.max(1) as f64,
        stats.n_segments,
    );
    let index = match &folder {
        Some(folder) => {
            let start = Instant::now();
            index.persist()?;
            println!(r#"{{"what":"persist","s":{:.3}}}"#, start.elapsed().as_secs_f64());
            drop(index);
            let start = Instant::now();
            let opened = Index::open(folder.as_ref(), options)?;
            println!(r#"{{"what":"open","s":{:.3}}}"#, start.elapsed().as_secs_f64());
            opened.index
        }
        None => index,
    };

    if let Some(per_second) = inserts {
        return measure_beside_inserts(&index, &queries, radii.first().copied().unwrap_or(31), per_second);
    }
    let snapshot = index.snapshot();
    for (place, &radius) in radii.iter().enumerate() {
        // Once, so that pages are there.
        for query in queries.iter().take(64) {
            snapshot.search(*query, radius, LIMIT);
        }
        let mut times: Vec<Duration> = Vec::with_capacity(queries.len());
        let mut answers = Vec::new();
        let start = Instant::now();
        for (row, query) in queries.iter().enumerate() {
            let start = Instant::now();
            let hits = snapshot.search(*query, radius, LIMIT);
            times.push(start.elapsed());
            for hit in hits.hits {
                answers.push([row as u32, hit.key as u32, hit.distance]);
            }
        }
        let whole = start.elapsed();
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
        println!(
            r#"{{"what":"single","radius":{radius},"per_s":{:.1},"p50_us":{:.1},"p99_us":{:.1},"hits":{}}}"#,
            queries.len() as f64 / whole.as_secs_f64(),
            at(0.5),
            at(0.99),
            answers.len(),
        );
        let start = Instant::now();
        for batch in queries.chunks(BATCH) {
            snapshot.search_many(batch, radius, LIMIT);
        }
        println!(
            r#"{{"what":"batch","radius":{radius},"per_s":{:.1}}}"#,
            queries.len() as f64 / start.elapsed().as_secs_f64(),
        );
        if place == 0 {
            let mut out = std::io::BufWriter::new(std::fs::File::create(format!("{queries_file}.answers"))?);
            for answer in answers {
                for number in answer {
                    out.write_all(&number.to_le_bytes())?;
                }
            }
        }
    }
    Ok(())
}

/// Searches for ten seconds while codes come at this rate, each of which must be found by the next search.
fn measure_beside_inserts(
    index: &Index,
    queries: &[Pdq],
    radius: u32,
    per_second: u32,
) -> Result<(), Box<dyn std::error::Error>> {
    const LASTS: Duration = Duration::from_secs(10);
    let first_key = index.len() as u64;
    let mut times: Vec<Duration> = Vec::new();
    let (mut insert_times, mut visible_times) = (Vec::new(), Vec::new());
    let start = Instant::now();
    std::thread::scope(|scope| {
        let inserter = scope.spawn(|| {
            let (mut key, mut insert_times, mut visible_times) = (first_key, Vec::new(), Vec::new());
            while start.elapsed() < LASTS {
                let due = (start.elapsed().as_secs_f64() * f64::from(per_second)) as u64;
                while key - first_key < due {
                    let code = scattered(key);
                    let before = Instant::now();
                    index.insert(key, code);
                    insert_times.push(before.elapsed());
                    if key.is_multiple_of(64) {
                        let hits = index.snapshot().search(code, radius, LIMIT);
                        visible_times.push(before.elapsed());
                        assert!(
                            hits.hits.iter().any(|hit| hit.key == key),
                            "an insert is found by the next search"
                        );
                    }
                    key += 1;
                }
                std::thread::sleep(Duration::from_micros(200));
            }
            (insert_times, visible_times)
        });
        let keeper = scope.spawn(|| {
            while start.elapsed() < LASTS {
                index.maintain().map_err(|error| error.to_string())?;
                std::thread::sleep(Duration::from_millis(500));
            }
            Ok::<(), String>(())
        });
        for query in queries.iter().cycle() {
            if start.elapsed() >= LASTS {
                break;
            }
            let before = Instant::now();
            index.snapshot().search(*query, radius, LIMIT);
            times.push(before.elapsed());
        }
        (insert_times, visible_times) = inserter.join().map_err(|_| "an insert was not found")?;
        keeper.join().map_err(|_| "keeping in order failed")??;
        Ok::<(), Box<dyn std::error::Error>>(())
    })?;
    let at = |times: &mut Vec<Duration>, share: f64| {
        times.sort_unstable();
        times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6
    };
    println!(
        r#"{{"what":"inserts","per_s":{:.0},"searches":{},"p50_us":{:.1},"p99_us":{:.1},"max_us":{:.1},"insert_p50_us":{:.1},"insert_p99_us":{:.1},"visible_p50_us":{:.1},"segments":{}}}"#,
        insert_times.len() as f64 / LASTS.as_secs_f64(),
        times.len(),
        at(&mut times, 0.5),
        at(&mut times, 0.99),
        at(&mut times, 1.0),
        at(&mut insert_times, 0.5),
        at(&mut insert_times, 0.99),
        at(&mut visible_times, 0.5),
        index.stats().n_segments,
    );
    Ok(())
}

/// A code without structure.
fn scattered(key: u64) -> Pdq {
    let mut state = !key;
    Pdq::from_words([(); 4].map(|()| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }))
}

fn read(path: &str) -> std::io::Result<Vec<Pdq>> {
    let bytes = std::fs::read(path)?;
    let (rows, _) = bytes.as_chunks::<32>();
    Ok(rows.iter().map(|row| Pdq::from_bytes(*row)).collect())
}
