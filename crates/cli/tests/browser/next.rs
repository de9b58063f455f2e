//! What a decision leads to takes the place of the page: no new document, and all of it as if there were one.

use serde_json::{Value, json};

use crate::stage::Demo;
use crate::webdriver::{Browser, key};

/// A page with a case that is held, reached from the desk by `N`.
fn at_a_case() -> (Demo, Browser) {
    let demo = Demo::start();
    let browser = Browser::open(true);
    demo.enter(&browser);
    browser.run("window.document_of_the_desk = true", &[]);
    browser.leave(|browser| browser.press(&["n"]));
    assert!(browser.url().contains("/cases/"));
    (demo, browser)
}

fn is_same_document(browser: &Browser) -> bool {
    browser.run("return window.document_of_the_desk === true", &[]) == true
}

#[test]
fn the_next_case_takes_the_place_of_the_page() {
    let (demo, browser) = at_a_case();
    let first = browser.url();
    let title = || browser.run("return document.title", &[]);
    let first_title = title();
    browser.press(&["1", "0"]);
    browser.leave(|browser| browser.press(&[key::ENTER]));
    assert!(is_same_document(&browser), "no document was loaded");
    let second = browser.url();
    assert!(second.contains("/cases/") && second != first);
    assert_ne!(title(), first_title);
    assert!(
        browser.text(".flash").contains("Restricted"),
        "{}",
        browser.text(".flash")
    );
    assert_eq!(browser.focused(), "main#main", "whoever listens begins with the page");
    assert_eq!(browser.run("return window.scrollY", &[]), 0);
    assert!(
        browser.try_find("[name=outcome]:checked").is_none(),
        "nothing is chosen beforehand"
    );

    // Keys are bound once, and to this page.
    browser.press(&["?"]);
    assert!(browser.is_seen("#keys"));
    browser.press(&[key::ESCAPE]);
    browser.press_with(key::CONTROL, "k");
    assert!(browser.is_seen("#palette"));
    browser.press(&[key::ESCAPE]);
    browser.press(&["a"]);
    assert_eq!(browser.focused(), "input[outcome=allow]");
    browser.hold_key("v");
    browser.wait("the picture in clear", |browser| browser.is_seen(".clear.grey"));
    browser.let_go();
    browser.wait("the picture blurred", |browser| !browser.is_seen(".clear.grey"));

    // The page renews what it shows, not what was shown before.
    let renews = browser.run("return document.querySelector('[data-renew]').dataset.renew", &[]);
    assert!(second.ends_with(renews.as_str().unwrap().trim_end_matches("/renew")));

    // The decision is taken back from here; what was held meanwhile is given back.
    browser.run("document.activeElement.blur()", &[]);
    browser.leave(|browser| browser.press(&["z"]));
    assert_eq!(browser.url(), first);
    assert!(is_same_document(&browser));
    browser.wait("word that the second case was left", |browser| {
        let sent = "return performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname)";
        let left = format!(
            "{}/leave",
            second.strip_prefix(demo.page("").trim_end_matches('/')).unwrap()
        );
        browser
            .run(sent, &[])
            .as_array()
            .unwrap()
            .iter()
            .any(|path| *path == json!(left))
    });

    // Back: the page as it is now.
    browser.leave(|browser| {
        browser.run("history.back()", &[]);
    });
    assert_eq!(browser.url(), second);
    assert!(!is_same_document(&browser), "it was asked anew");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn what_is_wrong_is_said_where_it_is() {
    let (_demo, browser) = at_a_case();
    let case = browser.url();
    // The browser would not send it: the page says so in its own words.
    browser.run("document.querySelector('[data-decide]').noValidate = true", &[]);
    browser.press(&["r"]);
    browser.leave(|browser| browser.press_with(key::CONTROL, key::ENTER));
    assert_eq!(browser.url(), case, "to load it again sends nothing");
    assert!(is_same_document(&browser) && browser.is_seen(".error-summary, [role=alert]:not([hidden])"));
    assert!(
        browser.try_find("[name=outcome][value=restrict]:checked").is_some(),
        "what was chosen stands"
    );
    // What the server refuses outright changes nothing on the page either: here a form that is not of this session.
    browser.press(&["1", "0"]);
    let token = "const field = document.querySelector('[data-decide] [name=csrf]'); const was = field.value; field.value = arguments[0]; return was";
    let right = browser.run(token, &[json!("of somebody else")]);
    browser.press(&[key::ENTER]);
    browser.wait("a word that it was refused", |browser| browser.is_seen("[data-unsent]"));
    assert!(browser.text("[data-unsent]").contains("did not take it"));
    assert!(
        browser
            .try_find("[name=policy][value=terrorist_content]:checked")
            .is_some()
    );
    browser.run(token, &[right]);
    // A key that was held before the page came uncovers nothing on it.
    let held = "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'v', repeat: true, bubbles: true})); \
                return document.querySelectorAll('.is-held').length";
    let held = held.replace("document.dispatchEvent", "document.body.dispatchEvent");
    assert_eq!(browser.run(&held, &[]), 0);
    // The language that was chosen elsewhere meanwhile is that of the whole page.
    browser.run("document.cookie = 'seawall_prefs=lang=ar; path=/'", &[]);
    browser.run("document.querySelector('[name=policy]:checked').focus()", &[]);
    browser.leave(|browser| browser.press(&[key::ENTER]));
    assert_ne!(browser.url(), case);
    let html = browser.run(
        "const {lang, dir} = document.documentElement; return `${lang} ${dir}`",
        &[],
    );
    assert_eq!(html, "ar rtl");
}

#[test]
fn what_the_server_did_not_hear_is_sent_again() {
    let (_demo, browser) = at_a_case();
    let case = browser.url();
    let offline = |is_offline: bool| -> Value {
        json!({ "offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 })
    };
    browser.devtools("Network.enable", json!({}));
    browser.devtools("Network.emulateNetworkConditions", offline(true));
    browser.press(&["1", "0", key::ENTER]);
    browser.wait("a word that nothing was sent", |browser| {
        browser.is_seen("[data-unsent]")
    });
    assert_eq!(browser.url(), case);
    assert!(
        browser
            .try_find("[name=policy][value=terrorist_content]:checked")
            .is_some()
    );
    browser.devtools("Network.emulateNetworkConditions", offline(false));
    browser.run("document.querySelector('[name=policy]:checked').focus()", &[]);
    browser.leave(|browser| browser.press(&[key::ENTER]));
    assert!(browser.url().contains("/cases/") && browser.url() != case);
    assert!(!browser.is_seen("[data-unsent]"));
}

#[test]
fn who_is_signed_out_is_asked_to_sign_in() {
    let (_demo, browser) = at_a_case();
    browser.devtools("Network.clearBrowserCookies", json!({}));
    browser.press(&["1", "0"]);
    browser.leave(|browser| browser.press(&[key::ENTER]));
    assert!(browser.url().contains("/sign-in"), "{}", browser.url());
    assert!(browser.is_seen("#password"));
}
