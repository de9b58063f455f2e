//! The console where scripts are turned off: slower, but all there.

use crate::checks::check;
use crate::stage::{Demo, keep};
use crate::webdriver::{Browser, key};

#[test]
fn a_case_is_decided_without_scripts() {
    let demo = Demo::start();
    let browser = Browser::open(false);
    demo.enter(&browser);
    assert_eq!(
        browser.run(
            "return document.querySelector('[data-key]').hasAttribute('aria-keyshortcuts')",
            &[]
        ),
        false
    );
    assert!(
        !browser.is_seen("main kbd"),
        "keys are the script's work: none is promised"
    );

    // The menu of a narrow window is the browser's own.
    let mut browser = browser;
    browser.resize(390, 844);
    browser.go(&demo.page("/desk"));
    assert!(!browser.is_seen(".side nav"));
    browser.click(".bar .icon-button");
    assert!(browser.is_seen(".side nav"));
    browser.follow(".side a[href='/banks']");
    assert_eq!(browser.url(), demo.page("/banks"));
    browser.resize(1280, 860);

    browser.go(&demo.page("/desk?queue=matches"));
    browser.follow(".page-head button.primary");
    assert!(browser.url().contains("/cases/"), "{}", browser.url());
    check(&browser, "a case without scripts");
    keep("without-scripts-case", &browser.screenshot());

    // Hold to reveal is the browser's `:active`, by mouse and by the space bar.
    assert!(!browser.is_seen(".clear.grey"));
    browser.hold_pointer("mouse", "[data-hold]");
    browser.wait("the picture in clear", |browser| browser.is_seen(".clear.grey"));
    browser.let_go();
    browser.wait("the picture blurred", |browser| !browser.is_seen(".clear.grey"));
    browser.run("document.querySelector('[data-hold]').focus()", &[]);
    browser.hold_key(key::SPACE);
    browser.wait("the picture in clear", |browser| browser.is_seen(".clear.grey"));
    browser.let_go();
    browser.wait("the picture blurred", |browser| !browser.is_seen(".clear.grey"));
    browser.click(".keep");
    assert!(browser.is_seen(".clear.grey"));
    browser.click(".segments label:last-child");
    assert!(browser.is_seen(".clear.colour") && !browser.is_seen(".clear.grey"));

    // What the browser cannot know is wrong, the server says, and keeps what was written.
    browser.click("[name=outcome][value=restrict]");
    assert!(browser.is_seen(".policy-choice"));
    browser.fill("#reason", "Shows how to do it.");
    browser.follow("[data-submit]");
    assert!(
        browser.text(".problem-box").contains("policy"),
        "{}",
        browser.text("main")
    );
    assert_eq!(
        browser.run("return document.querySelector('#reason').value", &[]),
        "Shows how to do it."
    );
    check(&browser, "a form that was not taken");
    keep("without-scripts-error", &browser.screenshot_of_window());
    browser.click("[name=policy][value=violent_extremism]");
    assert!(browser.is_seen(".purpose-choice") && browser.is_seen("#notice summary"));
    // The buttons stick to the end of the form: one scrolls what lies under them.
    browser.run(
        "document.querySelector('[name=purpose][value=none]').scrollIntoView({block: 'center'})",
        &[],
    );
    browser.click("[name=purpose][value=none]");
    browser.follow("[data-submit]");
    assert!(
        browser.text(".flash").contains("Restricted"),
        "{}",
        browser.text("main")
    );

    // Escalating.
    browser.click(".escalate summary");
    browser.fill("#escalate-reason", "Is this satire?");
    browser.follow(".escalate button");
    assert!(browser.text(".flash").contains("Escalated"), "{}", browser.text("main"));
}
