//! From the one-time link of the first start to the platform's confirmation, as a small platform would begin: nothing is
//! there but an empty server.

use std::time::Duration;

use moderation::access::secrets;
use moderation::model::{Clock, SystemClock};

use crate::checks::check;
use crate::stage::{Server, keep, pictures};
use crate::webdriver::Browser;

#[test]
fn from_the_one_time_link_to_the_platforms_confirmation() {
    let server = Server::start();
    let files = tempfile::tempdir().unwrap();
    let known = files.path().join("known.png");
    let (known_picture, posted_picture) = pictures();
    std::fs::write(&known, known_picture).unwrap();
    let browser = Browser::open(true);

    // The link: choose a password, prove the authenticator.
    browser.go(&server.first_link);
    check(&browser, "the one-time link");
    keep("journey-1-link", &browser.screenshot());
    let secret = browser.attribute("#secret", "value").unwrap();
    browser.fill("#password", "three quiet harbour lights");
    browser.fill("#again", "three quiet harbour light");
    browser.fill("#code", "000 000");
    browser.follow("main form[action^='/invite/'] button.primary");
    assert!(browser.text(".problem-box").contains("not the same"));
    let secret_again = browser.attribute("#secret", "value").unwrap();
    assert_eq!(
        secret, secret_again,
        "a mistake must not cost the secret that was scanned"
    );
    browser.fill("#password", "three quiet harbour lights");
    browser.fill("#again", "three quiet harbour lights");
    browser.fill("#code", &secrets::totp_code(&secret, SystemClock.now()).unwrap());
    browser.follow("main form[action^='/invite/'] button.primary");
    assert_eq!(browser.url(), server.page("/desk"));
    assert!(browser.text("main").contains("Nothing waits here"));
    keep("journey-2-empty-desk", &browser.screenshot());

    // The link is used up; signing out and in again takes all three.
    browser.click(".me");
    browser.follow(".profile form[action='/sign-out'] button");
    assert_eq!(browser.url(), server.page("/sign-in"));
    browser.go(&server.first_link);
    assert!(browser.text("h1").contains("no longer works"));
    browser.go(&server.page("/banks"));
    assert!(browser.url().contains("/sign-in?next=%2Fbanks"), "{}", browser.url());
    sign_in(&browser, "admin", "wrong", "123456");
    assert!(browser.text(".problem-box").contains("did not fit"));
    let later = SystemClock.now().after(Duration::from_secs(30));
    sign_in(
        &browser,
        "admin",
        "three quiet harbour lights",
        &secrets::totp_code(&secret, later).unwrap(),
    );
    assert_eq!(
        browser.url(),
        server.page("/banks"),
        "sign-in leads to where one wanted to go"
    );

    // A bank with one picture; confirmed, so that a match restricts at once.
    browser.follow("a[href='/banks/new']");
    browser.fill("#name", "Known pictures");
    browser.fill("#description", "Synthetic pictures of the tests.");
    browser.follow("main form button.primary");
    assert!(browser.text(".flash").contains("Known pictures"));
    let bank = browser.url();
    browser.follow("a[href$='/add']");
    check(&browser, "adding an entry");
    browser.fill("#file", known.to_str().unwrap());
    browser.fill("#file-name", "harbour");
    browser.fill("#file-labels", "synthetic, test");
    browser.follow("form[action$='/add-file'] button.primary");
    assert!(browser.text(".flash").contains("harbour"), "{}", browser.text("main"));
    assert_eq!(browser.url(), bank);
    browser.follow("a[href$='/confirm']");
    browser.fill("#name", "known pictures");
    browser.follow("main form button.danger");
    assert!(browser.text(".problem-box").contains("not the bank's name"));
    browser.fill("#name", "Known pictures");
    browser.follow("main form button.danger");
    assert!(browser.text(".head-facts").contains("Confirmed"));
    check(&browser, "a bank");
    keep("journey-3-bank", &browser.screenshot());

    // A key for the platform, shown once.
    browser.go(&server.page("/settings/keys"));
    browser.fill("#name", "the platform");
    browser.click("input[name=scope][value='items:write']");
    browser.follow("main form button.primary");
    let key = browser.attribute("#secret", "value").unwrap();
    check(&browser, "the secret of a key");
    browser.go(&server.page("/settings/keys"));
    assert!(!browser.text("main").contains(&key), "the secret is shown once");

    // The platform submits the picture, compressed anew. It is restricted at once, and a case waits.
    let verdict = server.submit(&key, "post/1?<b>", &posted_picture);
    assert_eq!(verdict["outcome"], "restrict", "{verdict}");
    browser.go(&server.page("/desk"));
    assert!(
        browser.text(".rows").contains("post/1?<b>"),
        "what the platform sends is text"
    );
    browser.leave(|browser| browser.press(&["n"]));
    assert!(browser.url().contains("/cases/case_"), "{}", browser.url());
    check(&browser, "a case");
    let case = browser.url();
    assert!(browser.text(".lease").contains("You hold this case"));
    assert!(browser.text(".foreign").contains("Look <b>what</b> I found"));
    assert!(browser.try_find(".foreign b").is_none(), "no markup of the platform's");
    let distance = browser.text(".distance b");
    assert!(distance.ends_with("apart"), "{distance}");
    keep("journey-4-case", &browser.screenshot());

    // The pictures are blurred until someone holds on, by mouse, by finger or by key.
    let clear = ".evidence .clear.grey";
    assert!(browser.is_seen(".evidence .blurred") && !browser.is_seen(clear));
    // The log says who uncovered what, so the browser must load no clear picture before.
    assert_eq!(clear_pictures_loaded(&browser), "");
    for kind in ["mouse", "touch"] {
        browser.hold_pointer(kind, "[data-hold]");
        browser.wait("the picture in clear", |browser| browser.is_seen(clear));
        if kind == "mouse" {
            keep("journey-5-revealed", &browser.screenshot_of_window());
            assert!(
                browser.text("[data-shown]").contains("shown"),
                "a screen reader is told"
            );
        }
        browser.let_go();
        browser.wait("the picture blurred", |browser| !browser.is_seen(clear));
    }
    browser.hold_key("v");
    browser.wait("the picture in clear", |browser| browser.is_seen(clear));
    browser.let_go();
    browser.wait("the picture blurred", |browser| !browser.is_seen(clear));
    browser.click(".keep");
    assert!(browser.is_seen(clear) && !browser.is_seen(".evidence .clear.colour"));
    browser.press(&["c"]);
    assert!(!browser.is_seen(clear) && browser.is_seen(".evidence .clear.colour"));
    browser.click(".keep");
    let loaded = clear_pictures_loaded(&browser);
    assert!(loaded.contains("greyscale") && loaded.contains("small"), "{loaded}");

    // Deciding needs a reason and, to restrict, a policy. The case is closed and the platform told to restore.
    assert_eq!(
        server.platform.orders(),
        [("post/1?<b>".to_owned(), "restrict".to_owned())]
    );
    browser.click("[name=outcome][value=allow]");
    browser.fill("#reason", "It is a harbour, and a badge of the harbour master.");
    browser.follow("[data-submit]");
    assert!(browser.url().ends_with("/desk"));
    assert!(
        browser.text(".flash").contains("Allowed post/1?<b>"),
        "{}",
        browser.text(".flash")
    );
    browser.wait("the platform's answer", |_| server.platform.orders().len() == 2);
    assert_eq!(
        server.platform.orders()[1],
        ("post/1?<b>".to_owned(), "restore".to_owned())
    );
    browser.wait("both confirmed", |browser| {
        browser.go(&server.page("/actions?state=confirmed"));
        browser.run("return document.querySelectorAll('.rows .state-confirmed').length", &[]) == 2
    });
    check(&browser, "confirmed actions");
    keep("journey-6-confirmed", &browser.screenshot());
    browser.go(&case);
    assert!(browser.text(".decide").contains("Closed") && browser.try_find("[data-decide]").is_none());
    assert!(browser.text(".timeline").contains("The platform confirmed an action"));
    // Seen in grey and in colour, by holding and for good: one line each for the file and for the entry.
    browser.go(&server.page("/log"));
    let log = browser.text("main");
    for line in [
        "The clear picture of a file was shown",
        "The clear picture of a known entry was shown",
    ] {
        assert_eq!(log.matches(line).count(), 1, "{log}");
    }
}

/// The addresses of the clear pictures that the page has loaded so far.
fn clear_pictures_loaded(browser: &Browser) -> String {
    let names = browser.run(
        "return performance.getEntriesByType('resource').map(entry => new URL(entry.name).pathname)
            .filter(path => path.endsWith('/small') || path.endsWith('/greyscale')).sort().join(' ')",
        &[],
    );
    names.as_str().unwrap().to_owned()
}

fn sign_in(browser: &Browser, name: &str, password: &str, code: &str) {
    browser.run("document.querySelector('#name').value = ''", &[]);
    browser.fill("#name", name);
    browser.fill("#password", password);
    browser.fill("#code", code);
    browser.follow("form[action='/sign-in'] button.primary");
}
