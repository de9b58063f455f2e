//! What must hold on every page, whoever looks at it: see `checks.js`.

use crate::webdriver::Browser;

/// Panics if anything is wrong with the page that the browser shows.
#[track_caller]
pub fn check(browser: &Browser, what: &str) {
    let faults = browser.run(include_str!("checks.js"), &[]);
    let faults: Vec<&str> = faults
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|fault| fault.as_str())
        .collect();
    assert!(
        faults.is_empty(),
        "{what} ({}):\n  {}",
        browser.url(),
        faults.join("\n  ")
    );
    // A page that is no success, such as a refused form, is one of the things that tests ask for; what belongs to a page must load.
    let belongs = |complaint: &str| {
        ["/static/", "/blurred ", "/small ", "/greyscale "]
            .iter()
            .any(|part| complaint.contains(part))
    };
    let mut complaints = browser.complaints();
    complaints.retain(|complaint| belongs(complaint) || !complaint.contains("the server responded with a status of 4"));
    assert!(complaints.is_empty(), "{what}: the browser complains: {complaints:#?}");
}

/// The check finds what it is there to find.
#[test]
fn a_bad_page_is_found() {
    let browser = Browser::open(true);
    browser.go(
        "data:text/html,<html><body><main><h3>Loud</h3><img src='data:,'><input><button></button>\
                <p style='color:%23aaa;background:%23fff'>faint</p><div style='width:3000px'>wide</div></main>",
    );
    let faults = browser.run(include_str!("checks.js"), &[]).to_string();
    for expected in [
        "no language",
        "no title",
        "not one h1",
        "skips",
        "no label",
        "nothing to say",
        "no alt",
        "too wide",
        "contrast 2.3",
        "smaller than 24",
    ] {
        assert!(faults.contains(expected), "{expected}: {faults}");
    }
}
