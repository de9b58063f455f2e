//! Measures what of a sound survives: how many clips are found again after which edit, and how many sounds that are no copy are called one.
//!
//! `cargo run -p index --example sounds -- make OUT FOLDER...` cuts clips of ten seconds from every recording in the folders and edits them with the
//! `ffmpeg` program; `-- measure OUT` banks two thirds of the recordings and looks every clip up. The clips of the other third are of nothing that is known.

use index::sounds::{LOG10_CHANCE_MAX, SoundIndex};
use signal::audio::{Printer, QueryPrints, SoundSegment};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Samples a second while editing, one channel.
const HZ: f64 = 22_050.0;
const CLIP_S: f64 = 10.0;
const CLIPS: usize = 2;
/// Recordings shorter than this have no room for clips.
const RECORDING_S_MIN: f64 = 28.0;

/// What is done to a clip.
enum Edit {
    /// Filters of ffmpeg; the clip is so many times as long as what comes out.
    Filter(&'static str, f64),
    /// An encoder and a container.
    Codec(&'static [&'static str], &'static str),
    /// White noise, so many decibels below.
    Noise(f64),
    /// Another recording, so many decibels above; spoken or not.
    Over(f64, bool),
    /// Between five seconds of another recording.
    Within,
    /// Of the clip only so many seconds.
    Short(f64),
}

const EDITS: &[(&str, Edit)] = &[
    ("none", Edit::Filter("anull", 1.0)),
    ("5 s of it", Edit::Short(5.0)),
    ("within another", Edit::Within),
    (
        "mp3 64k",
        Edit::Codec(&["-ar", "44100", "-c:a", "libmp3lame", "-b:a", "64k"], "mp3"),
    ),
    (
        "mp3 32k",
        Edit::Codec(&["-ar", "22050", "-c:a", "libmp3lame", "-b:a", "32k"], "mp3"),
    ),
    (
        "aac 48k",
        Edit::Codec(&["-ar", "44100", "-c:a", "aac", "-b:a", "48k"], "matroska"),
    ),
    (
        "opus 16k",
        Edit::Codec(&["-ar", "48000", "-c:a", "libopus", "-b:a", "16k"], "ogg"),
    ),
    ("noise 20 dB", Edit::Noise(20.0)),
    ("noise 10 dB", Edit::Noise(10.0)),
    ("noise 5 dB", Edit::Noise(5.0)),
    ("noise 0 dB", Edit::Noise(0.0)),
    ("music over -10 dB", Edit::Over(-10.0, false)),
    ("music over -6 dB", Edit::Over(-6.0, false)),
    ("music over 0 dB", Edit::Over(0.0, false)),
    ("speech over -6 dB", Edit::Over(-6.0, true)),
    ("speech over 0 dB", Edit::Over(0.0, true)),
    ("telephone", Edit::Filter("highpass=f=300:p=2,lowpass=f=3400:p=2", 1.0)),
    (
        "loud and clipped",
        Edit::Filter("acompressor=ratio=8:makeup=8,volume=12dB,alimiter", 1.0),
    ),
    (
        "re-recorded",
        Edit::Filter(
            "highpass=f=250,lowpass=f=3500,aecho=0.8:0.7:23|61:0.35|0.25,volume=-6dB",
            1.0,
        ),
    ),
    (
        "faster and higher 2.5 %",
        Edit::Filter("asetrate=22601,aresample=22050", 1.025),
    ),
    (
        "faster and higher 5 %",
        Edit::Filter("asetrate=23153,aresample=22050", 1.05),
    ),
    (
        "slower and lower 5 %",
        Edit::Filter("asetrate=20948,aresample=22050", 0.95),
    ),
    (
        "faster and higher 9.3 %",
        Edit::Filter("asetrate=24101,aresample=22050", 1.093),
    ),
    (
        "higher 5 %",
        Edit::Filter("asetrate=23153,atempo=0.95236,aresample=22050", 1.0),
    ),
    (
        "lower 5 %",
        Edit::Filter("asetrate=20948,atempo=1.05261,aresample=22050", 1.0),
    ),
    (
        "higher 8.3 %",
        Edit::Filter("asetrate=23880,atempo=0.92336,aresample=22050", 1.0),
    ),
    ("tempo 0.75", Edit::Filter("atempo=0.75", 0.75)),
    ("tempo 0.9", Edit::Filter("atempo=0.9", 0.9)),
    ("tempo 1.07", Edit::Filter("atempo=1.07", 1.07)),
    ("tempo 1.25", Edit::Filter("atempo=1.25", 1.25)),
    ("tempo 1.5", Edit::Filter("atempo=1.5", 1.5)),
    ("tempo 2", Edit::Filter("atempo=2", 2.0)),
    (
        "faster and higher 25 %",
        Edit::Filter("asetrate=27562,aresample=22050", 1.25),
    ),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", out, ref folders @ ..] if !folders.is_empty() => make(Path::new(out), folders),
        ["measure", out] => measure(Path::new(out)),
        _ => eprintln!("sounds make OUT FOLDER...   or   sounds measure OUT"),
    }
}

/// Draws without surprise.
struct Dice(u64);

impl Dice {
    fn share(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn ffmpeg(before: &[&str], after: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(before)
        .args(["-i", "-"])
        .args(after)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("ffmpeg");
    writer.join().expect("the writer");
    output.stdout
}

const RAW: [&str; 6] = ["-f", "f32le", "-ar", "22050", "-ac", "1"];

fn from_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|four| f32::from_le_bytes(*four))
        .collect()
}

fn to_bytes(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    files
}

fn write(path: &Path, samples: &[f32]) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let bytes: Vec<u8> = samples
        .iter()
        .flat_map(|sample| ((sample.clamp(-1.0, 1.0) * 32_767.0) as i16).to_le_bytes())
        .collect();
    std::fs::write(path, bytes).expect("room for samples");
}

fn read(path: &Path) -> Vec<i16> {
    let bytes = std::fs::read(path).expect("samples");
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|two| i16::from_le_bytes(*two))
        .collect()
}

fn make(out: &Path, folders: &[&str]) {
    let mut recordings: Vec<(String, Vec<f32>, bool)> = Vec::new();
    for folder in folders {
        let is_speech = folder.contains("speech");
        for file in files(Path::new(folder)) {
            let samples = from_bytes(&ffmpeg(&[], &RAW, &std::fs::read(&file).expect("a recording")));
            if samples.len() as f64 > RECORDING_S_MIN * HZ {
                let stem = file.file_stem().expect("a name").to_string_lossy();
                let name = format!("{}-{stem}", if is_speech { "speech" } else { "music" });
                write(&out.join("recordings").join(&name), &samples);
                recordings.push((name, samples, is_speech));
            }
        }
    }
    let mut dice = Dice(0x5EA);
    for number in 0..recordings.len() {
        let (name, samples, is_speech) = &recordings[number];
        for _ in 0..CLIPS {
            let room = samples.len() as f64 / HZ - 2.1 * CLIP_S - 2.0;
            let start_s = 1.0 + dice.share() * room;
            for (edit_name, edit) in EDITS {
                // Music is spoken over and speech has music over it, unless the edit says which.
                let wants_speech = matches!(edit, Edit::Over(_, true)) && !is_speech;
                let others: Vec<_> = recordings
                    .iter()
                    .filter(|(other, _, speech)| *speech == wants_speech && other != name)
                    .collect();
                let other = &others[(dice.share() * others.len() as f64) as usize].1;
                let edited = edited(samples, start_s, edit, other, &mut dice);
                let file = format!("{name}@{}", (start_s * 1_000.0) as u32);
                write(&out.join("clips").join(edit_name).join(file), &edited);
            }
        }
        println!("{name}");
    }
}

fn edited(samples: &[f32], start_s: f64, edit: &Edit, other: &[f32], dice: &mut Dice) -> Vec<f32> {
    let cut = |samples: &[f32], from_s: f64, length_s: f64| {
        let from = (from_s * HZ) as usize;
        samples[from..from + (length_s * HZ) as usize].to_vec()
    };
    let clip = cut(samples, start_s, CLIP_S);
    let other_start_s = dice.share() * (other.len() as f64 / HZ - CLIP_S - 1.0);
    match edit {
        Edit::Filter(filter, times) => {
            let longer = cut(samples, start_s, CLIP_S * times);
            from_bytes(&ffmpeg(
                &RAW,
                &[&["-af", filter], &RAW[..]].concat(),
                &to_bytes(&longer),
            ))
        }
        Edit::Codec(encoder, container) => {
            let encoded = ffmpeg(&RAW, &[encoder, &["-f", container][..]].concat(), &to_bytes(&clip));
            from_bytes(&ffmpeg(&[], &RAW, &encoded))
        }
        Edit::Noise(below) => {
            let noise: Vec<f32> = clip
                .iter()
                .map(|_| (0..4).map(|_| dice.share() as f32 - 0.5).sum())
                .collect();
            mixed(&clip, &noise, -below)
        }
        Edit::Over(above, _) => mixed(&clip, &cut(other, other_start_s, CLIP_S), *above),
        Edit::Within => {
            let around = cut(other, other_start_s, CLIP_S);
            let (before, after) = around.split_at(around.len() / 2);
            [before, &clip, after].concat()
        }
        Edit::Short(seconds) => cut(samples, start_s, *seconds),
    }
}

fn mixed(clip: &[f32], other: &[f32], above_db: f64) -> Vec<f32> {
    let loudness = |samples: &[f32]| {
        let energy: f64 = samples.iter().map(|sample| f64::from(sample * sample)).sum();
        (energy / samples.len() as f64).sqrt().max(1e-5)
    };
    let gain = loudness(clip) / loudness(other) * 10_f64.powf(above_db / 20.0);
    // Quieter, so that nothing is clipped.
    clip.iter()
        .zip(other)
        .map(|(clip, other)| 0.4 * (clip + gain as f32 * other))
        .collect()
}

#[derive(Default)]
struct Tally {
    asked: [usize; 2],
    found: [usize; 2],
    near_ends: usize,
    false_matches: usize,
    /// Found at each of [`LEVELS`].
    levels: [usize; LEVELS.len()],
}

/// Chances at which is counted what would be found.
const LEVELS: [f32; 8] = [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -8.0, -12.0];

/// Seconds that this thread has computed, as the kernel counts them: other programs on the machine change nothing in it.
fn cpu_s() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ')
        .next()
        .and_then(|ns| ns.parse::<f64>().ok())
        .unwrap_or_default()
        / 1e9
}

fn measure(out: &Path) {
    let mut index = SoundIndex::new();
    let mut banked: BTreeMap<String, u64> = BTreeMap::new();
    let recordings = files(&out.join("recordings"));
    let mut n_seconds = 0.0;
    let started_s = cpu_s();
    for (number, file) in recordings.iter().enumerate() {
        let samples = read(file);
        n_seconds += samples.len() as f64 / HZ;
        if number % 3 != 2 {
            let mut printer = Printer::as_is(HZ as u32, 1).expect("a rate");
            printer.push(&samples);
            index.add(number as u64, &printer.finish().print());
            banked.insert(
                file.file_name().expect("a name").to_string_lossy().into_owned(),
                number as u64,
            );
        }
    }
    let ms_per_minute = (cpu_s() - started_s) * 1_000.0 / (n_seconds * 2.0 / 3.0 / 60.0);
    println!(
        "{} of {} recordings are banked; {:?}",
        banked.len(),
        recordings.len(),
        index.stats()
    );
    println!("printing as it is: {ms_per_minute:.1} ms for a minute, reading included");
    println!(
        "{:26} {:>7} {:>7} {:>9} {:>7}",
        "edit", "music", "speech", "ends<2s", "false"
    );
    let (mut print_s, mut look_up_s, mut n_clips) = (0.0, 0.0, 0.0);
    let (mut n_unrelated, mut n_false) = (0, 0);
    let (mut n_foreign, mut foreign) = (0, [0; LEVELS.len()]);
    let mut false_chances: Vec<(f32, String)> = Vec::new();
    for (edit_name, edit) in EDITS {
        let times = if let Edit::Filter(_, times) = edit { *times } else { 1.0 };
        let lead_s = if let Edit::Within = edit { CLIP_S / 2.0 } else { 0.0 };
        let length_s = if let Edit::Short(seconds) = edit {
            *seconds
        } else {
            CLIP_S
        };
        let mut tally = Tally::default();
        for file in files(&out.join("clips").join(edit_name)) {
            let file_name = file.file_name().expect("a name").to_string_lossy().into_owned();
            let (name, start) = file_name.split_once('@').expect("a name and a start");
            let start_s = start.parse::<f64>().expect("a number") / 1_000.0;
            let started_s = cpu_s();
            let mut printer = Printer::new(HZ as u32, 1).expect("a rate");
            printer.push(&read(&file));
            let prints: QueryPrints = printer.finish();
            print_s += cpu_s() - started_s;
            let started_s = cpu_s();
            let all = index.look_up_within(&prints, LEVELS[0]);
            look_up_s += cpu_s() - started_s;
            n_clips += 1.0;
            let own = banked.get(name).copied();
            let surest = |segments: &[SoundSegment]| segments.iter().map(|s| s.log10_chance).fold(0.0, f32::min);
            if !matches!(edit, Edit::Over(..) | Edit::Within) {
                n_foreign += 1;
                let others = all
                    .iter()
                    .filter(|(handle, _)| Some(*handle) != own)
                    .map(|(_, segments)| surest(segments));
                let worst = others.fold(0.0, f32::min);
                for (counted, level) in foreign.iter_mut().zip(LEVELS) {
                    *counted += usize::from(worst <= level);
                }
            }
            if let Some(own) = own {
                let own = all
                    .iter()
                    .filter(|(handle, _)| *handle == own)
                    .map(|(_, segments)| surest(segments))
                    .fold(0.0, f32::min);
                for (counted, level) in tally.levels.iter_mut().zip(LEVELS) {
                    *counted += usize::from(own <= level);
                }
            }
            let answers: Vec<_> = all
                .into_iter()
                .filter(|(_, segments)| surest(segments) <= LOG10_CHANCE_MAX)
                .collect();
            n_unrelated += banked.len() - usize::from(own.is_some());
            if let Some(own) = own {
                let kind = usize::from(name.starts_with("speech"));
                tally.asked[kind] += 1;
                let segments = answers
                    .iter()
                    .find(|(handle, _)| *handle == own)
                    .map(|(_, segments)| segments);
                let seconds = |ms: u32| f64::from(ms) / 1_000.0;
                let right = segments.into_iter().flatten().find(|segment| {
                    let expected = start_s + (seconds(segment.query.from_ms) - lead_s) * times;
                    (seconds(segment.entry.from_ms) - expected).abs() < 2.0
                });
                if let Some(segment) = right {
                    tally.found[kind] += 1;
                    let from_off = (seconds(segment.query.from_ms) - lead_s).abs();
                    let to_off = (seconds(segment.query.to_ms) - lead_s - length_s).abs();
                    tally.near_ends += usize::from(from_off < 2.0 && to_off < 2.0);
                }
            }
            for (handle, segments) in answers.iter().filter(|(handle, _)| Some(*handle) != own) {
                // What was mixed in from a banked recording is no false match.
                if matches!(edit, Edit::Over(..) | Edit::Within) {
                    continue;
                }
                tally.false_matches += 1;
                let other = banked
                    .iter()
                    .find(|(_, banked)| *banked == handle)
                    .map_or("", |(name, _)| name);
                false_chances.push((
                    segments[0].log10_chance,
                    format!("{edit_name}: {file_name} {other} {:?}", segments[0]),
                ));
            }
        }
        let percent = |kind: usize| 100.0 * tally.found[kind] as f64 / tally.asked[kind].max(1) as f64;
        let ends = 100.0 * tally.near_ends as f64 / (tally.found[0] + tally.found[1]).max(1) as f64;
        println!(
            "{edit_name:26} {:6.0}% {:6.0}% {ends:8.0}% {:7}   {:?}",
            percent(0),
            percent(1),
            tally.false_matches,
            tally.levels
        );
        n_false += tally.false_matches;
    }
    println!("{n_false} false matches over {n_unrelated} unrelated pairs");
    println!("of {n_foreign} look-ups, those in which something else is as sure as {LEVELS:?}: {foreign:?}");
    let minutes = n_clips * CLIP_S / 60.0;
    println!(
        "printing at all speeds: {:.1} ms for a minute",
        print_s * 1_000.0 / minutes
    );
    println!("a look-up of a clip: {:.2} ms", look_up_s * 1_000.0 / n_clips);
    false_chances.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, told) in false_chances.iter().take(12) {
        println!("  {told}");
    }
}
