//! `hash`, `scan` and `bank make` on real files, through the real worker.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use cli::demo::files::Edit;
use cli::demo::pictures::draw;
use common::{Ran, folder, pdq, picture, png, run_in, seawall};
use expect_test::expect;
use image::{RgbImage, imageops};
use signal::{Md5, Sha256};

/// The line that `hash --json` prints for a PNG, written down without the program.
fn hash_line(file: &str, picture: &image::RgbImage) -> String {
    let (bytes, pdq) = (png(picture), pdq(picture));
    let (width, height) = picture.dimensions();
    format!(
        concat!(
            r#"{{"file":"{}","media_type":"image/png","width":{},"height":{},"signals":[{{"type":"pdq","value":"{}","quality":{}}},"#,
            r#"{{"type":"md5","value":"{}"}},{{"type":"sha256","value":"{}"}}]}}"#
        ),
        file,
        width,
        height,
        pdq.hash,
        pdq.quality,
        Md5::of(&bytes),
        Sha256::of(&bytes)
    )
}

#[test]
fn hash_prints_a_line_for_each_file_in_order_and_goes_on_after_failures() {
    let dir = folder(&[
        ("a.png", &png(&picture(1))),
        ("text.png", b"not a picture"),
        ("b.jpg", &png(&picture(2))),
        ("empty", b""),
    ]);
    let ran = run_in(
        dir.path(),
        &["hash", "--json", "a.png", "none.png", "text.png", "b.jpg", ".", "empty"],
    );
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines[0], hash_line("a.png", &picture(1)));
    assert_eq!(lines[3], hash_line("b.jpg", &picture(2)));
    let failed = [lines[1], lines[2], lines[4], lines[5]].join("\n");
    expect![[r#"
        {"file":"none.png","error":{"type":"not_found","detail":"cannot open the file: No such file or directory (os error 2)"}}
        {"file":"text.png","error":{"type":"unsupported_type","detail":"an unknown type cannot be decoded here"}}
        {"file":".","error":{"type":"is_a_directory","detail":"a folder: `seawall scan` goes through folders"}}
        {"file":"empty","error":{"type":"empty","detail":"the file is empty"}}"#]]
    .assert_eq(&failed);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
}

#[test]
fn hash_without_json_is_for_people_and_talks_of_failures_elsewhere() {
    let dir = folder(&[("a.png", &png(&picture(1)))]);
    let ran = run_in(dir.path(), &["hash", "a.png", "none.png"]);
    let pdq = pdq(&picture(1));
    assert_eq!(ran.out, format!("{}  {:>3}  a.png\n", pdq.hash, pdq.quality));
    assert_eq!(
        ran.err,
        "seawall: none.png: cannot open the file: No such file or directory (os error 2)\n"
    );
    assert_eq!(ran.code, 1);
    assert_eq!(run_in(dir.path(), &["hash", "a.png"]).code, 0);
}

#[test]
fn hash_reads_standard_input() {
    let mut child = seawall()
        .args(["hash", "--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&png(&picture(3))).unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(
        (ran.code, ran.out.trim_end()),
        (0, hash_line("-", &picture(3)).as_str())
    );
}

#[test]
fn bad_usage_is_told_from_failure() {
    let dir = folder(&[
        ("a.png", &png(&picture(1))),
        ("empty.csv", b"type,value,quality,name,labels\n"),
    ]);
    for args in [
        &["hash"][..],
        &["hash", "--jsno", "a.png"],
        &["nonsense"],
        &["scan", "."],
        &["scan", ".", "--bank", "empty.csv"],
        &["scan", ".", "--bank", "empty.csv", "--threshold", "257"],
        &["bank", "make", "a.png", "--out", "b.csv"],
        &["bank", "make", ".", "--out", "-", "--json"],
        &["bank", "import", "empty.csv", "--bank", "b", "--confirmed"],
    ] {
        let ran = run_in(dir.path(), args);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(!ran.err.is_empty(), "{args:?}");
    }
    let help = run_in(dir.path(), &["hash", "--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let dir = folder(&[("a.png", &png(&picture(1)))]);
    let files = vec!["a.png"; 200];
    let mut child = seawall()
        .current_dir(dir.path())
        .arg("hash")
        .args(files)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
    assert!(first.ends_with("a.png\n"));
}

#[test]
fn a_bank_made_of_a_folder_finds_its_files_again() {
    let known = draw(9).image;
    let edited = Edit::Resize(0.5).apply(&known);
    let dir = folder(&[
        ("known/one.png", &png(&known)),
        ("known/deep/two.png", &png(&picture(5))),
        ("known/notes.txt", b"not a picture"),
        ("posts/same.png", &png(&known)),
        ("posts/a/edited.png", &png(&edited)),
        ("posts/other.png", &png(&picture(9))),
        ("posts/broken.png", &png(&known)[..60]),
    ]);
    let ran = run_in(
        dir.path(),
        &[
            "bank",
            "make",
            "known",
            "--out",
            "Known pictures.csv",
            "--label",
            "demo",
        ],
    );
    assert_eq!(ran.code, 1, "a file that could not be read is a failure: {ran:?}");
    let bank = std::fs::read_to_string(dir.path().join("Known pictures.csv")).unwrap();
    let lines: Vec<&str> = bank.lines().collect();
    assert_eq!(lines[0], "type,value,quality,name,labels");
    assert_eq!(
        lines[1],
        format!(
            "pdq,{},{},deep/two.png,demo",
            pdq(&picture(5)).hash,
            pdq(&picture(5)).quality
        )
    );
    assert_eq!(
        lines[4],
        format!("pdq,{},{},one.png,demo", pdq(&known).hash, pdq(&known).quality)
    );
    assert_eq!(lines.len(), 7);
    let again = run_in(dir.path(), &["bank", "make", "known", "--out", "Known pictures.csv"]);
    assert!(
        again.code == 1 && again.err.contains("--force replaces it"),
        "{again:?}"
    );

    let ran = run_in(dir.path(), &["scan", "posts", "--bank", "Known pictures.csv", "--json"]);
    let distance = pdq(&known).hash.distance(pdq(&edited).hash);
    assert!(
        (1..=31).contains(&distance),
        "the edit has to be seen, and to stay near: {distance}"
    );
    let found = |file: &str, signal: &str, distance: u32, threshold: u32| {
        format!(
            r#"{{"file":"posts/{file}","entry":"one.png","bank":"Known pictures","signal":"{signal}","distance":{distance},"threshold":{threshold},"tier":"match","view":"as_is"}}"#
        )
    };
    let expected = [
        found("a/edited.png", "pdq", distance, 31),
        r#"{"file":"posts/broken.png","error":{"type":"damaged","detail":"#.to_owned(),
        found("same.png", "pdq", 0, 31),
        found("same.png", "md5", 0, 0),
        found("same.png", "sha256", 0, 0),
    ];
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{ran:?}");
    for (line, expected) in lines.iter().zip(&expected) {
        assert!(line.starts_with(expected.as_str()), "{line}\n{expected}");
    }
    assert!(
        ran.err.contains("4 files in ")
            && ran
                .err
                .contains(" against 2 entries: 2 matched, 0 only leads, 1 could not be read"),
        "{}",
        ran.err
    );
    assert_eq!(ran.code, 1);
}

#[test]
fn scan_takes_a_plain_list_of_hashes_and_a_threshold() {
    let known = pdq(&picture(4)).hash;
    let far = |n_bits: u32| {
        let mut words = known.words();
        (0..n_bits).for_each(|bit| words[(bit / 64) as usize] ^= 1 << (bit % 64));
        signal::Pdq::from_words(words)
    };
    let list = format!("{}\n{}\nnonsense\n", far(10), far(35));
    let dir = folder(&[("posts/p.png", &png(&picture(4))), ("list.txt", list.as_bytes())]);
    let scan = |more: &[&str]| {
        let ran = run_in(
            dir.path(),
            &[&["scan", "posts", "--bank", "list.txt", "--json"], more].concat(),
        );
        // The line that does not read is told, and makes it a failure.
        assert!(ran.code == 1 && ran.err.contains("list.txt, line 3: "), "{ran:?}");
        let lines = ran.json();
        lines
            .iter()
            .map(|line| format!("{} {} {}", line["distance"], line["threshold"], line["tier"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(scan(&[]), [r#"10 31 "match""#, r#"35 40 "lead""#]);
    assert_eq!(scan(&["--threshold", "9"]), [""; 0]);
    assert_eq!(scan(&["--threshold", "10"]), [r#"10 10 "match""#]);
    assert_eq!(scan(&["--threshold", "50"]), [r#"10 50 "match""#, r#"35 50 "match""#]);
}

/// The picture on a flat ground that is a third larger.
fn framed(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let mut ground = RgbImage::from_pixel(width * 4 / 3, height * 4 / 3, image::Rgb([236, 232, 224]));
    imageops::replace(&mut ground, picture, i64::from(width / 6), i64::from(height / 6));
    ground
}

#[test]
fn scan_finds_what_was_mirrored_and_framed_and_says_how_it_looked() {
    let known = draw(9).image;
    let (mirrored, in_frame) = (imageops::flip_horizontal(&known), framed(&known));
    for edited in [&mirrored, &in_frame] {
        let distance = pdq(&known).hash.distance(pdq(edited).hash);
        assert!(distance > 60, "plain PDQ does not see it: {distance}");
    }
    let dir = folder(&[
        ("known/one.png", &png(&known)),
        ("posts/framed.png", &png(&in_frame)),
        ("posts/mirrored.png", &png(&mirrored)),
        ("posts/other.png", &png(&draw(12).image)),
    ]);
    assert_eq!(
        run_in(dir.path(), &["bank", "make", "known", "--out", "bank.csv"]).code,
        0
    );
    let ran = run_in(dir.path(), &["scan", "posts", "--bank", "bank.csv", "--json"]);
    let lines = ran.json();
    let [frame_line, mirror_line] = &lines[..] else {
        panic!("{ran:?}")
    };
    assert_eq!(
        (frame_line["file"].as_str(), frame_line["tier"].as_str()),
        (Some("posts/framed.png"), Some("match"))
    );
    assert_eq!(frame_line["view"], "trimmed");
    let near = |name: &str, expected: f64| {
        let at = frame_line["part"][name].as_f64().unwrap();
        assert!((at - expected).abs() < 0.02, "{name}: {at}");
    };
    near("left", 0.125);
    near("top", 0.125);
    near("width", 0.75);
    near("height", 0.75);
    assert_eq!(mirror_line["file"], "posts/mirrored.png");
    assert_eq!(
        (mirror_line["tier"].as_str(), mirror_line["view"].as_str()),
        (Some("match"), Some("whole.flip_y"))
    );
    assert!(mirror_line.get("part").is_none(), "it is the whole: {mirror_line}");
    assert!(
        ran.err.contains(": 2 matched, 0 only leads, 0 could not be read"),
        "{}",
        ran.err
    );

    let text = run_in(dir.path(), &["scan", "posts", "--bank", "bank.csv"]).out;
    assert!(
        text.lines()
            .any(|line| line.contains("  whole.flip_y ") && line.ends_with("  one.png  posts/mirrored.png")),
        "{text}"
    );
}

#[test]
fn scan_prints_leads_unless_matches_alone_are_asked_for() {
    let known = pdq(&picture(4)).hash;
    let mut words = known.words();
    words[0] ^= (1 << 35) - 1;
    let list = format!("{}\n", signal::Pdq::from_words(words));
    let dir = folder(&[("posts/p.png", &png(&picture(4))), ("list.txt", list.as_bytes())]);
    let scan = |more: &[&str]| {
        run_in(
            dir.path(),
            &[&["scan", "posts", "--bank", "list.txt", "--json"], more].concat(),
        )
    };
    for more in [&[][..], &["--tier", "lead"]] {
        let ran = scan(more);
        assert_eq!(ran.json()[0]["tier"], "lead", "{ran:?}");
        assert!(ran.err.contains(": 0 matched, 1 only leads, "), "{}", ran.err);
    }
    let ran = scan(&["--tier", "match"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""));
    assert!(ran.err.contains(": 0 matched, 0 could not be read"), "{}", ran.err);
    assert_eq!(scan(&["--tier", "guess"]).code, 2);
}

#[test]
fn hash_prints_the_views_when_asked() {
    let framed = framed(&draw(9).image);
    let dir = folder(&[("a.png", &png(&framed))]);
    let line = &run_in(dir.path(), &["hash", "--views", "--json", "a.png"]).json()[0];
    assert_eq!(line["views_version"], u64::from(signal::views::VERSION));
    assert!(
        line["keypoints"].as_u64().is_some_and(|n_keypoints| n_keypoints > 10),
        "{line}"
    );
    let views = line["views"].as_array().unwrap();
    assert!(
        (16..=signal::views::CODES_MAX).contains(&views.len()),
        "{}",
        views.len()
    );
    assert_eq!(
        (
            views[0]["view"].as_str(),
            views[0]["left"].as_f64(),
            views[0]["width"].as_f64()
        ),
        (Some("whole"), Some(0.0), Some(1.0))
    );
    let trimmed = views.iter().find(|seen| seen["view"] == "trimmed").unwrap();
    let inner: signal::Pdq = trimmed["pdq"].as_str().unwrap().parse().unwrap();
    assert!(inner.distance(pdq(&draw(9).image).hash) <= 31);
    assert!(
        trimmed["quality"].as_u64().is_some_and(|quality| quality > 50),
        "{trimmed}"
    );

    let text = run_in(dir.path(), &["hash", "--views", "a.png"]).out;
    assert_eq!(text.lines().count(), 1 + views.len());
    assert!(
        text.lines()
            .skip(1)
            .all(|line| line.starts_with("  ") && line.contains("% x ")),
        "{text}"
    );
    let plain = &run_in(dir.path(), &["hash", "--json", "a.png"]).json()[0];
    assert!(
        plain.get("views").is_none() && plain.get("keypoints").is_none(),
        "{plain}"
    );
}

/// Somebody who tries one file is told which of the shipped rules that leaves out.
#[test]
fn a_backtest_names_the_rules_that_the_files_leave_out() {
    let word = "rule word { when: item.text.contains(\"zebra\") then: case words reason: \"a word\" owner: \"t\" review: 2030-01-01 mode: live }\n";
    let anything = word.replace("word", "nothing_found");
    let dir = folder(&[
        ("word.rules", word.as_bytes()),
        ("other.rules", format!("{word}{anything}").as_bytes()),
        ("events.jsonl", b"{\"item\":{\"text\":\"a zebra\"}}\n"),
    ]);
    let ran = run_in(
        dir.path(),
        &["policy", "backtest", "word.rules", "--events", "events.jsonl"],
    );
    let told = ran
        .err
        .lines()
        .find(|line| line.contains("count as taken away"))
        .unwrap();
    assert!(told.starts_with("of the rules that Seawall ships"), "{told}");
    assert!(
        told.contains("nothing_found") && told.contains("policy export"),
        "{told}"
    );
    let with_base = |base| {
        let args = [
            "policy",
            "backtest",
            "word.rules",
            "--events",
            "events.jsonl",
            "--base",
            base,
        ];
        run_in(dir.path(), &args).err
    };
    assert!(
        with_base("other.rules")
            .contains("of the rules of --base these are not in the files, and count as taken away: nothing_found")
    );
    assert!(!with_base("word.rules").contains("taken away"), "nothing is left out");
}
