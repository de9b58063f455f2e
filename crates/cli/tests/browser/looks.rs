//! Every page, in every dress: light and dark, wide and narrow, in each language. Each is checked and photographed.

use serde_json::json;

use crate::checks::check;
use crate::stage::{Demo, keep};
use crate::webdriver::Browser;

/// The pages, by the names of their pictures.
fn pages(demo: &Demo, browser: &Browser) -> Vec<(&'static str, String)> {
    let link = |page: &str, css: &str| {
        browser.go(&demo.page(page));
        browser
            .run("return document.querySelector(arguments[0]).href", &[json!(css)])
            .as_str()
            .unwrap()
            .to_owned()
    };
    let mut pages = vec![
        ("case", link("/desk?queue=matches", ".row:nth-child(3) .row-link")),
        ("case-unscanned", link("/desk?queue=unscanned", ".row-link")),
        ("case-reported", link("/desk?queue=reported", ".row-link")),
        ("case-closed", link("/desk?state=closed", ".row-link")),
        ("item", link("/items", ".row-link")),
        ("bank", link("/banks", ".card-link")),
    ];
    let bank = pages[5].1.clone();
    pages.push(("entry", link(&bank[demo.page("").len()..], ".row-link")));
    for more in ["add", "import", "confirm"] {
        pages.push((more, format!("{bank}/{more}")));
    }
    pages.push(("cluster", format!("{}/cluster", pages[0].1)));
    pages.push(("user", link("/settings/users", "td .button")));
    pages.push(("revoke", link("/settings/keys", "td .button")));
    for (name, path) in [
        ("desk", "/desk"),
        ("desk-closed", "/desk?state=closed"),
        ("items", "/items"),
        ("search", "/search?q=post&kind=post"),
        ("banks", "/banks"),
        ("bank-new", "/banks/new"),
        ("actions", "/actions"),
        ("actions-dead", "/actions?state=dead"),
        ("actions-waiting", "/actions?state=waiting"),
        ("log", "/log"),
        ("users", "/settings/users"),
        ("keys", "/settings/keys"),
        ("preferences", "/preferences"),
        ("account", "/account"),
        ("workload", "/workload"),
        ("exposure", "/exposure"),
        ("quality", "/quality"),
        ("reviews", "/quality/reviews"),
        ("disputes", "/quality/disputes"),
        ("numbers", "/numbers?night=0&deadline=60"),
        ("seen-framed", "/item?id=image-5511"),
        ("seen-turned", "/item?id=image-5512"),
        ("seen-lead", "/item?id=post-2142"),
        ("basket-empty", "/basket"),
        ("proposals", "/proposals"),
        ("proposals-ended", "/proposals?state=ended"),
        ("help", "/help"),
    ] {
        pages.push((name, demo.page(path)));
    }
    pages
}

fn dress(browser: &Browser, prefs: &str) {
    browser.run(
        "document.cookie = 'seawall_prefs=' + arguments[0] + '; path=/'",
        &[json!(prefs)],
    );
}

#[test]
fn every_page_is_sound_in_light_and_dark_wide_and_narrow() {
    let demo = Demo::start();
    let mut browser = Browser::open(true);
    demo.enter(&browser);
    let pages = pages(&demo, &browser);
    for (width, height, size) in [(1280, 860, "wide"), (390, 844, "narrow")] {
        browser.resize(width, height);
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            for (name, url) in &pages {
                browser.go(url);
                check(&browser, &format!("{name}, {size}, {scheme}"));
                keep(&format!("{size}-{scheme}-{name}"), &browser.screenshot());
            }
        }
    }
    // The choice goes before the system's wish.
    dress(&browser, "theme=light");
    browser.go(&demo.page("/desk"));
    let scheme = browser.run("return getComputedStyle(document.documentElement).colorScheme", &[]);
    assert_eq!(scheme, "light");

    // What has no page of its own says so on one.
    browser.go(&demo.page("/no/such/page"));
    assert!(browser.text("h1").contains("nothing here"));
    check(&browser, "a page that does not exist");
    keep("narrow-not-found", &browser.screenshot());
}

#[test]
fn every_language_fits_and_arabic_runs_from_right_to_left() {
    let demo = Demo::start();
    let mut browser = Browser::open(true);
    demo.enter(&browser);
    let pages = pages(&demo, &browser);
    for (lang, dir, word) in [
        ("de", "ltr", "Arbeitsplatz"),
        ("fr", "ltr", "Bureau"),
        ("ar", "rtl", "المكتب"),
    ] {
        dress(&browser, &format!("lang={lang}"));
        for (width, height, size) in [(1280, 860, "wide"), (390, 844, "narrow")] {
            browser.resize(width, height);
            for (name, url) in &pages {
                browser.go(url);
                assert_eq!(browser.run("return document.documentElement.lang", &[]), lang);
                assert_eq!(browser.run("return document.documentElement.dir", &[]), dir);
                check(&browser, &format!("{name}, {size}, {lang}"));
                if ["desk", "case", "actions", "users", "help", "quality", "numbers"].contains(name) {
                    keep(&format!("{size}-{lang}-{name}"), &browser.screenshot());
                }
            }
        }
        browser.go(&demo.page("/desk"));
        assert_eq!(browser.text("h1"), word);
    }
    // The menu stands where reading begins.
    browser.resize(1280, 860);
    let place = browser.run(
        "return document.querySelector('.side').getBoundingClientRect().left > 600",
        &[],
    );
    assert_eq!(place, true);
}

#[test]
fn a_stranger_sees_a_sign_in_page_in_their_language_and_colours() {
    let demo = Demo::start();
    let mut browser = Browser::open(true);
    browser.go(&demo.page("/sign-in"));
    check(&browser, "sign-in");
    keep("wide-light-sign-in", &browser.screenshot());
    browser.follow("button[name=lang][value=ar]");
    assert_eq!(browser.run("return document.documentElement.dir", &[]), "rtl");
    assert_eq!(browser.url(), demo.page("/sign-in"));
    browser.follow("button[name=theme][value=dark]");
    check(&browser, "sign-in in Arabic, dark");
    browser.resize(390, 844);
    browser.go(&demo.page("/sign-in"));
    check(&browser, "sign-in in Arabic, dark, narrow");
    keep("narrow-dark-ar-sign-in", &browser.screenshot());
    // The session's cookies are out of any script's reach, and a stranger gets at nothing.
    assert_eq!(browser.run("return document.cookie", &[]), "");
    browser.go(&demo.page("/desk"));
    assert!(browser.url().ends_with("/sign-in"), "{}", browser.url());
}
