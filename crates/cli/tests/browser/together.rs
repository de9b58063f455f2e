//! From a case to all that it stands for, by one judgement that a second person agrees to.

use moderation::access::secrets;
use moderation::model::{Clock, SystemClock};
use serde_json::json;

use crate::checks::check;
use crate::shift::furnish;
use crate::stage::{Server, keep, pictures};
use crate::webdriver::{Browser, key};

/// More than one person decides at once.
const ITEMS: usize = 12;

#[test]
fn what_a_case_stands_for_is_decided_by_two() {
    let server = Server::start();
    let mut browser = Browser::open(true);
    let platform = furnish(&server, &browser);
    for n in 0..ITEMS {
        server.submit(&platform, &format!("post-{n}"), &pictures().1);
    }

    // The case, all that it stands for, what that touches.
    browser.go(&server.page("/desk"));
    browser.leave(|browser| browser.press(&["n"]));
    assert!(browser.text(".stands-for").contains("11 more items"));
    check(&browser, "a case that stands for others");
    browser.leave(|browser| browser.press(&["l"]));
    look_at(&mut browser, "cluster");
    assert!(!browser.is_seen("[data-all][hidden]"), "the script offers to tick all");
    assert_eq!(n_ticked(&browser), ITEMS, "the same file is ticked");
    browser.click("[data-all] input");
    assert_eq!(n_ticked(&browser), 0);
    browser.click("[data-all] input");
    browser.leave(|browser| browser.press(&["d"]));
    assert_eq!(n_ticked(&browser), ITEMS);
    look_at(&mut browser, "basket");
    browser.press(&["1", "0"]);
    check(&browser, "a basket that is judged");
    keep("together-basket-judged", &browser.screenshot());
    browser.leave(|browser| browser.press(&[key::ENTER]));
    let proposal = browser.url();
    assert!(proposal.contains("/proposals/prop_"), "{proposal}");
    assert!(browser.text(".decide").contains("Somebody else has to agree"));
    look_at(&mut browser, "proposal-own");

    // The second person, in a browser of their own, leaves one out.
    let second = join(&server, &browser, "sami");
    assert!(second.text(".nav-count").contains('1'));
    second.press(&["g"]);
    second.leave(|browser| browser.press(&["p"]));
    check(&second, "what waits for a second person");
    keep("together-proposals", &second.screenshot());
    second.follow("[data-list] .row-link");
    assert_eq!(second.url(), proposal);
    check(&second, "a proposal");
    keep("together-proposal", &second.screenshot());
    second.click("[name=leave_out]");
    second.press(&["a"]);
    second.leave(|browser| browser.press(&[key::ENTER]));
    assert_eq!(second.url(), proposal);
    let results = second.text(".case-main");
    assert!(
        results.contains("Decided 11") && results.contains("Left out 1"),
        "{results}"
    );
    assert!(second.try_find("[value=undo]").is_some(), "it can be taken back");
    check(&second, "a proposal that was approved");
    keep("together-approved", &second.screenshot());
    browser.go(&server.page("/desk"));
    assert!(browser.text("main").contains("post-"), "what was left out waits still");
    browser.follow("[data-list] .row-link");
    let case = browser.url();

    // From right to left, too.
    let arabic = "document.cookie = 'seawall_prefs=lang=ar; path=/'";
    browser.run(arabic, &[]);
    for (name, url) in [
        ("proposal-ar", proposal),
        ("case-ar", case.clone()),
        ("cluster-ar", format!("{case}/cluster")),
        ("basket-empty-ar", server.page("/basket")),
        ("proposals-ar", server.page("/proposals?state=ended")),
    ] {
        browser.go(&url);
        look_at(&mut browser, name);
    }
}

/// Checks and keeps a page wide and narrow, light and dark, and in Arabic.
fn look_at(browser: &mut Browser, name: &str) {
    for (width, height, size) in [(390, 844, "narrow"), (1280, 860, "wide")] {
        browser.resize(width, height);
        for scheme in ["dark", "light"] {
            browser.prefer(scheme);
            check(browser, &format!("{name}, {size}, {scheme}"));
            keep(&format!("together-{name}-{size}-{scheme}"), &browser.screenshot());
        }
    }
}

fn n_ticked(browser: &Browser) -> usize {
    let n = browser.run("return document.querySelectorAll('.pick input:checked').length", &[]);
    n.as_u64().unwrap() as usize
}

/// A senior who was invited, signed in elsewhere.
fn join(server: &Server, admin: &Browser, name: &str) -> Browser {
    admin.go(&server.page("/settings/users"));
    admin.fill("#name", name);
    admin.run(
        "document.querySelectorAll('[name=role]').forEach((box) => (box.checked = box.value === 'senior'))",
        &[json!(null)],
    );
    admin.follow("main form[action='/settings/users'] button.primary");
    let link = admin.attribute("#secret", "value").unwrap();
    let browser = Browser::open(true);
    browser.go(&link);
    let secret = browser.attribute("#secret", "value").unwrap();
    browser.fill("#password", "four quiet harbour lights");
    browser.fill("#again", "four quiet harbour lights");
    browser.fill("#code", &secrets::totp_code(&secret, SystemClock.now()).unwrap());
    browser.follow("main form[action^='/invite/'] button.primary");
    browser
}
