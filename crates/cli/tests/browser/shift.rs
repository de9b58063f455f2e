//! A shift at the desk, as a moderator works it: one case after the other by keyboard, some by mouse. It counts what each decision takes and how long the next
//! case needs until it is painted.
//!
//! As a test it is short and asserts the counts. `bench/shift.sh` runs all 50 cases and publishes what it found: `SEAWALL_SHIFT_CASES` says how many,
//! `SEAWALL_SHIFT_REPORT` where to write.

use std::fmt::Write;

use moderation::access::secrets;
use moderation::model::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::stage::{Server, pictures};
use crate::webdriver::{Browser, key};

/// Cases of the test that runs with all others.
const CASES: usize = 12;
/// Every so many cases one is decided by mouse, and every so many the pictures are uncovered first.
const BY_MOUSE_EVERY: usize = 5;
const UNCOVERED_EVERY: usize = 3;

/// What one decision took.
struct Taken {
    /// Keys that were pressed, or places that were clicked.
    steps: usize,
    is_by_mouse: bool,
    restricts: bool,
    /// From the step that decides until the next case was painted, in milliseconds.
    paint_ms: Option<f64>,
}

#[test]
fn a_shift_takes_three_keys_a_decision() {
    let n_cases = std::env::var("SEAWALL_SHIFT_CASES").ok();
    let n_cases = n_cases.map_or(CASES, |n| n.parse().expect("SEAWALL_SHIFT_CASES is no number"));
    let server = Server::start();
    let browser = Browser::open(true);
    let key = furnish(&server, &browser);
    for n in 0..n_cases {
        match n % 4 {
            3 => {
                let post = json!({ "id": format!("report-{n}"), "kind": "post", "account": format!("heron-{n}"), "text": "A quiet harbour.",
                    "report": "It frightens me." });
                server.submit_post(&key, &post);
            }
            _ => {
                server.submit(&key, &format!("post-{n}"), &pictures().1);
            }
        }
    }

    browser.go(&server.page("/desk"));
    browser.leave(|browser| browser.press(&["n"]));
    let mut shift = Vec::new();
    for n in 0..n_cases {
        assert!(browser.url().contains("/cases/"), "case {n}: {}", browser.url());
        if n % UNCOVERED_EVERY == 0 && browser.try_find("[data-hold]").is_some() {
            browser.hold_key("v");
            browser.wait("the picture in clear", |browser| browser.is_seen(".clear.grey"));
            browser.let_go();
        }
        shift.push(decide(&browser, n));
    }
    assert!(browser.url().ends_with("/desk"), "the desk is empty: {}", browser.url());
    assert!(browser.text("main").contains("Nothing waits here"));

    let keys = median(shift.iter().filter(|one| !one.is_by_mouse).map(|one| one.steps as f64));
    let clicks = median(shift.iter().filter(|one| one.is_by_mouse).map(|one| one.steps as f64));
    assert!(keys <= 3.0 && clicks <= 4.0, "{keys} keys, {clicks} clicks");
    assert!(
        shift.iter().all(|one| one.is_by_mouse || one.steps <= 3),
        "no decision takes more than three keys"
    );
    if let Ok(path) = std::env::var("SEAWALL_SHIFT_REPORT") {
        std::fs::write(path, report(&shift)).unwrap();
    }
}

/// A moderator who is signed in, a bank with one picture, and a key for the platform.
pub fn furnish(server: &Server, browser: &Browser) -> String {
    browser.go(&server.first_link);
    let secret = browser.attribute("#secret", "value").unwrap();
    browser.fill("#password", "three quiet harbour lights");
    browser.fill("#again", "three quiet harbour lights");
    browser.fill("#code", &secrets::totp_code(&secret, SystemClock.now()).unwrap());
    browser.follow("main form[action^='/invite/'] button.primary");
    browser.go(&server.page("/banks/new"));
    browser.fill("#name", "Known pictures");
    browser.follow("main form button.primary");
    let files = tempfile::tempdir().unwrap();
    let known = files.path().join("known.png");
    std::fs::write(&known, pictures().0).unwrap();
    browser.follow("a[href$='/add']");
    browser.fill("#file", known.to_str().unwrap());
    browser.fill("#file-name", "harbour");
    browser.follow("form[action$='/add-file'] button.primary");
    browser.go(&server.page("/settings/keys"));
    browser.fill("#name", "the platform");
    browser.click("input[name=scope][value='items:write']");
    browser.follow("main form button.primary");
    browser.attribute("#secret", "value").unwrap()
}

/// Decides the case on the page: every second one is restricted.
fn decide(browser: &Browser, n: usize) -> Taken {
    let restricts = n.is_multiple_of(2);
    let is_by_mouse = n % BY_MOUSE_EVERY == BY_MOUSE_EVERY - 1;
    let keys: &[&str] = if restricts {
        &["1", "0", key::ENTER]
    } else {
        &["a", key::ENTER]
    };
    let places: &[&str] = match restricts {
        true => &[
            "[name=outcome][value=restrict]",
            "[name=policy][value=terrorist_content]",
            "[name=purpose][value=none]",
            "[data-submit]",
        ],
        false => &["[name=outcome][value=allow]", "[data-submit]"],
    };
    let path = browser.url();
    match is_by_mouse {
        true => {
            let (last, first) = places.split_last().unwrap();
            for place in first {
                // The buttons stick to the end of the form: one scrolls what lies under them.
                let script = "document.querySelector(arguments[0]).scrollIntoView({block: 'center'})";
                browser.run(script, &[json!(place)]);
                browser.click(place);
            }
            browser.follow(last);
        }
        false => {
            let (last, first) = keys.split_last().unwrap();
            browser.press(first);
            browser.leave(|browser| browser.press(&[last]));
        }
    }
    assert_ne!(browser.url(), path, "it was decided");
    Taken {
        steps: if is_by_mouse { places.len() } else { keys.len() },
        is_by_mouse,
        restricts,
        paint_ms: paint_ms(browser),
    }
}

/// From the step that decides until the next case was painted, the form that was sent and where it led included. A page that was loaded (the first of all) has
/// its First Contentful Paint; one that took the place of the page before, the beginning of the frame after the one in which it was drawn.
fn paint_ms(browser: &Browser) -> Option<f64> {
    let mut painted = Value::Null;
    browser.wait("the page painted", |browser| {
        painted = browser.run(
            "const last = performance.getEntriesByName('seawall:next').at(-1); if (last) return last.duration; \
             const paint = performance.getEntriesByName('first-contentful-paint')[0]; return paint ? paint.startTime : null",
            &[],
        );
        !painted.is_null()
    });
    browser.run("performance.clearMeasures('seawall:next')", &[]);
    painted.as_f64()
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(&sorted(values), 0.5)
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    match sorted.len() {
        0 => f64::NAN,
        n => sorted[((n - 1) as f64 * share).round() as usize],
    }
}

fn report(shift: &[Taken]) -> String {
    let mut text = String::new();
    let steps = |by_mouse: bool, restricts: Option<bool>| {
        let chosen = shift.iter().filter(move |one| {
            one.is_by_mouse == by_mouse && restricts.is_none_or(|restricts| one.restricts == restricts)
        });
        median(chosen.map(|one| one.steps as f64))
    };
    let paint = sorted(shift.iter().filter_map(|one| one.paint_ms));
    let _ = writeln!(
        text,
        "{}",
        json!({
            "cases": shift.len(),
            "keys": steps(false, None), "keys_allow": steps(false, Some(false)), "keys_restrict": steps(false, Some(true)),
            "clicks": steps(true, None), "clicks_allow": steps(true, Some(false)), "clicks_restrict": steps(true, Some(true)),
            "paint_p50": quantile(&paint, 0.5), "paint_p95": quantile(&paint, 0.95), "paint_max": paint.last(),
        })
    );
    text
}
