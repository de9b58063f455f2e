//! The console by keyboard alone: everything can be reached, the focus is always seen, single keys can be turned off.

use crate::stage::{Demo, keep};
use crate::webdriver::{Browser, key};

/// Whether the focus shows: an outline on the element, or on what stands for it.
const FOCUS_SHOWS: &str = "const e = document.activeElement; \
    const outlined = (e) => e && getComputedStyle(e).outlineStyle !== 'none' && parseFloat(getComputedStyle(e).outlineWidth) >= 2; \
    return outlined(e) || outlined(e.closest('.row, .card')) || outlined(e.nextElementSibling)";

#[test]
fn a_case_is_decided_by_keyboard_alone() {
    let demo = Demo::start();
    let browser = Browser::open(true);
    demo.enter(&browser);

    // The first stop is the way past the menu.
    browser.press(&[key::TAB]);
    assert_eq!(browser.run("return document.activeElement.className", &[]), "skip");
    browser.press(&[key::ENTER]);
    assert_eq!(browser.focused(), "main#main");

    // J and K walk the list, Enter opens.
    browser.press(&["j", "j", "k"]);
    let first = browser.run(
        "return document.activeElement === document.querySelector('.row-link')",
        &[],
    );
    assert_eq!(first, true);
    assert_eq!(browser.run(FOCUS_SHOWS, &[]), true);
    browser.leave(|browser| browser.press(&[key::ENTER]));
    assert!(browser.url().contains("/cases/"));

    // A held button reveals, by the space bar and by Enter; leaving it hides.
    browser.run("document.querySelector('[data-hold]').focus()", &[]);
    for held in [key::SPACE, key::ENTER] {
        browser.hold_key(held);
        browser.wait("the picture in clear", |browser| browser.is_seen(".clear.grey"));
        browser.let_go();
        browser.wait("the picture blurred", |browser| !browser.is_seen(".clear.grey"));
    }

    // Help, and back.
    browser.press(&["?"]);
    assert!(browser.is_seen("#keys") && browser.text("#keys").contains("Choose a policy"));
    keep("keyboard-help", &browser.screenshot_of_window());
    browser.press(&[key::ESCAPE]);
    assert!(!browser.is_seen("#keys"));

    // Nothing is chosen beforehand. A number chooses the policy, and that it is a restriction.
    assert!(browser.try_find("[name=outcome]:checked").is_none());
    assert!(!browser.is_seen(".policy-choice"));
    browser.press(&["1"]);
    assert_eq!(browser.focused(), "input[policy=terrorist_content]");
    // What is asked next shows itself: the purpose, and what the person will be told.
    assert!(browser.is_seen(".purpose-choice") && browser.is_seen(".standard-reason.for-terrorist_content"));
    assert!(!browser.is_seen(".standard-reason.for-hate_speech"));
    browser.press(&["o"]);
    assert_eq!(
        browser.run("return document.activeElement.id", &[]),
        "notice-terrorist_content"
    );
    keep("keyboard-notice", &browser.screenshot());
    browser.run("document.activeElement.blur()", &[]);
    // What is done is chosen by keyboard, too, and stands in what the person is told.
    let told = |browser: &Browser| {
        let told = browser.run("return document.querySelector('#notice-terrorist_content').value", &[]);
        told.as_str().unwrap_or_default().to_owned()
    };
    assert!(told(&browser).contains("no longer available"));
    browser.press(&["w"]);
    assert!(browser.is_seen("[name=measure][value=account]"));
    browser.run("document.querySelector('[name=measure][value=account]').focus()", &[]);
    browser.press(&[" "]);
    browser.run("document.querySelector('[name=lasts_account]').focus()", &[]);
    browser.press(&["7"]);
    keep("keyboard-measures", &browser.screenshot());
    let said = told(&browser);
    assert!(
        said.contains("your account was suspended. This lasts until 2") && said.contains("no longer available"),
        "{said}"
    );
    assert!(browser.text("[data-measures-chosen]").contains("Its account"));
    browser.run("document.querySelector('[name=measure][value=account]').click()", &[]);
    assert!(!told(&browser).contains("suspended"));
    browser.run("document.activeElement.blur()", &[]);
    assert_eq!(
        browser.run("return document.querySelector('[name=outcome]:checked').value", &[]),
        "restrict"
    );
    browser.press(&["a"]);
    assert_eq!(browser.focused(), "input[outcome=allow]");
    assert!(!browser.is_seen(".policy-choice"));
    browser.press(&["r", "2", "m"]);
    assert_eq!(browser.focused(), "textarea#reason[reason=]");
    // Letters are letters where one writes.
    browser.press(&["a", "v", "n", "?"]);
    assert_eq!(
        browser.run("return document.querySelector('#reason').value", &[]),
        "avn?"
    );
    assert_eq!(
        browser.run("return document.querySelector('[name=policy]:checked').value", &[]),
        "violent_extremism"
    );
    assert!(
        browser
            .run("return document.querySelector('#notice-violent_extremism').value", &[])
            .as_str()
            .unwrap()
            .contains("avn?"),
        "what is written stands in what the person is told"
    );
    browser.run("document.activeElement.blur()", &[]);
    browser.press(&["0"]);
    assert_eq!(browser.focused(), "input[purpose=none]");
    let before = browser.url();
    browser.press_with(key::CONTROL, key::ENTER);
    browser.wait("the next case", |browser| {
        browser.url().contains("/cases/") && browser.url() != before
    });
    assert!(
        browser.text(".flash").contains("Restricted"),
        "{}",
        browser.text(".flash")
    );

    // Going elsewhere: g, then a letter.
    browser.leave(|browser| browser.press(&["g", "b"]));
    assert!(browser.url().ends_with("/banks"));
}

#[test]
fn the_focus_is_seen_on_every_stop() {
    let demo = Demo::start();
    let browser = Browser::open(true);
    demo.enter(&browser);
    let case = browser
        .run("return document.querySelector('.row-link').href", &[])
        .as_str()
        .unwrap()
        .to_owned();
    for page in [
        demo.page("/desk"),
        case,
        demo.page("/settings/keys"),
        demo.page("/preferences"),
    ] {
        browser.go(&page);
        let mut stops = Vec::new();
        loop {
            browser.press(&[key::TAB]);
            let stop = browser.run(
                "const e = document.activeElement; return e === document.body ? '' : e.outerHTML.slice(0, 120)",
                &[],
            );
            let stop = stop.as_str().unwrap().to_owned();
            if stop.is_empty() || stops.len() > 150 {
                break;
            }
            assert_eq!(
                browser.run(FOCUS_SHOWS, &[]),
                true,
                "{page}: the focus does not show on {stop}"
            );
            let clear = "const r = document.activeElement.getBoundingClientRect(); \
                         return r.bottom > 0 && r.top < innerHeight";
            assert_eq!(
                browser.run(clear, &[]),
                true,
                "{page}: the focus is out of sight on {stop}"
            );
            stops.push(stop);
        }
        assert!(stops.len() > 8, "{page}: {stops:#?}");
    }
}

#[test]
fn single_keys_can_be_turned_off() {
    let demo = Demo::start();
    let browser = Browser::open(true);
    demo.enter(&browser);
    assert_eq!(
        browser.attribute("[data-key=n]", "aria-keyshortcuts").as_deref(),
        Some("n")
    );
    browser.go(&demo.page("/preferences"));
    browser.run("document.querySelector('[name=keys][value=off]').click()", &[]);
    browser.follow("main form button.primary");
    browser.go(&demo.page("/desk"));
    assert!(!browser.is_seen("main kbd"), "no key is promised");
    assert_eq!(browser.attribute("[data-key=n]", "aria-keyshortcuts"), None);
    browser.press(&["n", "?", "j"]);
    assert_eq!(browser.url(), demo.page("/desk"));
    assert!(!browser.is_seen("#keys"));
    // What is more than one key at a time stays.
    let case = browser.run("return document.querySelector('.row-link').href", &[]);
    browser.go(case.as_str().unwrap());
    browser.press(&["r"]);
    assert!(browser.try_find("[name=outcome]:checked").is_none());
}

#[test]
fn the_palette_does_and_finds_things() {
    let demo = Demo::start();
    let browser = Browser::open(true);
    demo.enter(&browser);
    browser.press_with(key::CONTROL, "k");
    browser.wait("the palette", |browser| browser.is_seen("#palette[open]"));
    keep("palette", &browser.screenshot_of_window());
    browser.press(&["b", "a", "n", "k"]);
    let first = browser.text("#palette li[aria-selected=true]");
    assert_eq!(first, "Banks");
    browser.leave(|browser| browser.press(&[key::ENTER]));
    assert!(browser.url().ends_with("/banks"), "{}", browser.url());
    // What fits nothing is searched for.
    browser.press_with(key::CONTROL, "k");
    browser.wait("the palette", |browser| browser.is_seen("#palette[open]"));
    for letter in ["p", "o", "s", "t", "-", "2", "1", "4", "2"] {
        browser.press(&[letter]);
    }
    browser.leave(|browser| browser.press(&[key::ENTER]));
    assert!(browser.url().ends_with("/item?id=post-2142"), "{}", browser.url());
    // It presses what a case offers, too.
    browser.go(&demo.page("/desk?queue=matches"));
    browser.leave(|browser| browser.press(&["n"]));
    browser.press_with(key::CONTROL, "k");
    browser.wait("the palette", |browser| browser.is_seen("#palette[open]"));
    browser.press(&["r", "e", "s", "t", "r", "i", "c", "t", key::ENTER]);
    browser.wait("the policies", |browser| browser.is_seen(".policy-choice"));
    browser.press_with(key::CONTROL, "k");
    browser.press(&[key::ESCAPE]);
    assert!(!browser.is_seen("#palette[open]"));
}
