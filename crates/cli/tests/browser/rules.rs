//! A newcomer's first rule, in the browser: written by form, tested, held against the past and proposed by one person, approved by another;
//! then three accounts post one link, and a case waits.

use std::time::Duration;

use moderation::access::secrets;
use moderation::model::{Clock, SystemClock};
use serde_json::json;

use crate::checks::check;
use crate::stage::{Server, keep};
use crate::webdriver::Browser;

const PASSWORD: &str = "three quiet harbour lights";

#[test]
fn a_newcomers_rule_from_the_form_to_a_case() {
    let server = Server::start();
    let mut browser = Browser::open(true);
    accept(&browser, &server.first_link);

    // A colleague, in a browser of their own, and a key for the platform.
    browser.go(&server.page("/settings/users"));
    browser.fill("#name", "kim");
    browser.click("input[name=role][value=lead]");
    browser.follow("main form.stack button.primary");
    let link = browser.attribute("#secret", "value").unwrap();
    let colleague = Browser::open(false);
    accept(&colleague, &link);
    browser.go(&server.page("/settings/keys"));
    browser.fill("#name", "the platform");
    browser.click("input[name=scope][value='items:write']");
    browser.follow("main form button.primary");
    let key = browser.attribute("#secret", "value").unwrap();

    // By form: three accounts, one link, ten minutes, one account younger than a day.
    browser.go(&server.page("/rules"));
    photograph(&mut browser, "rules-1-list");
    browser.follow(".page-head a[href='/rules/form']");
    browser.fill("#younger", "1");
    assert_eq!(browser.attribute("#accounts", "value").as_deref(), Some("3"));
    browser.follow("button[name=do][value=preview]");
    assert!(
        browser
            .text("pre.code")
            .contains("distinct(account.id, by: l.url, within: 10min) >= 3")
    );
    photograph(&mut browser, "rules-2-form");
    browser.follow("button[name=do][value=open]");
    assert!(browser.text(".figures").contains("It could be proposed"));

    // Tested and held against the past in the editor; a mistake is shown in place, and costs nothing.
    browser.run(
        "const text = document.querySelector('#text-2'); text.value = text.value.replace('account.age', 'acount.age')",
        &[],
    );
    browser.follow("button[name=do][value=check]");
    assert!(browser.text(".findings").contains("was `account.age` meant?"));
    photograph(&mut browser, "rules-3-mistake");
    browser.run(
        "const text = document.querySelector('#text-2'); text.value = text.value.replace('acount.age', 'account.age')",
        &[],
    );
    browser.follow("button[name=do][value=test]");
    assert!(
        browser.text(".figures").contains("0 failed"),
        "{}",
        browser.text("main")
    );
    photograph(&mut browser, "rules-4-tested");
    browser.follow("button[name=do][value=backtest]");
    assert!(browser.text("#backtest, main").contains("would be different"));
    browser.fill("#note", "waves of new accounts that push one link");
    browser.follow("button[name=do][value=propose]");
    assert!(
        browser.url().contains("/rules/changes/chg_"),
        "{}",
        browser.text("main")
    );
    assert!(
        browser.try_find("button[value=approve]").is_none(),
        "nobody approves their own change"
    );
    let change = browser.url();
    browser.follow("button[name=do][value=backtest]");
    photograph(&mut browser, "rules-5-change");

    // The colleague works without scripts.
    colleague.go(&change);
    colleague.follow("button[name=do][value=approve]");
    assert!(colleague.text(".notice").contains("it counts"));

    let now = SystemClock.now();
    for (idx, age_h) in [(1_u32, 2_u64), (2, 9_000), (3, 9_000)] {
        let post = json!({
            "id": format!("post-{idx}"), "kind": "post", "account": format!("account-{idx}"),
            "text": "look at https://a.example/1",
            "account_facts": { "created_at": now.before(Duration::from_secs(age_h * 3_600)).to_string() },
        });
        let verdict = server.submit_post(&key, &post);
        assert_eq!(verdict["case"].is_null(), idx < 3, "{verdict}");
    }
    browser.go(&server.page("/desk?queue=links"));
    assert!(browser.text(".rows").contains("post-3"));
    photograph(&mut browser, "rules-6-desk");
    browser.follow(".row-link");
    let explained = browser.text("section[aria-labelledby=explained-title]");
    assert!(
        explained.contains("shared_link") && explained.contains("within: 10min) 3"),
        "{explained}"
    );
    photograph(&mut browser, "rules-7-case");

    for (path, name) in [
        ("/rules", "rules-8-list"),
        ("/rules/rule/shared_link", "rules-9-rule"),
        ("/rules/changes?state=all", "rules-10-changes"),
        ("/rules/versions", "rules-11-versions"),
        ("/rules/versions/2", "rules-12-version"),
        ("/rules/lists", "rules-13-lists"),
        ("/rules/labels", "rules-14-labels"),
    ] {
        browser.go(&server.page(path));
        photograph(&mut browser, name);
    }
    browser.go(&server.page("/rules/lists"));
    browser.fill("#name", "bad_hosts");
    browser.fill("#owner", "trust");
    browser.follow("main form.stack button.primary");
    browser.fill("#entries", "a.example\nb.example");
    browser.follow("form[action$='/upload'] button.primary");
    assert!(browser.text(".head-facts").contains("2 entries"));
    photograph(&mut browser, "rules-15-list");
}

/// Looks at the page light and dark, wide and narrow, with its faults and a picture of each.
fn photograph(browser: &mut Browser, name: &str) {
    for (width, height, size) in [(1280, 860, "wide"), (390, 844, "narrow")] {
        browser.resize(width, height);
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            check(browser, &format!("{name}, {size}, {scheme}"));
            keep(&format!("{size}-{scheme}-{name}"), &browser.screenshot());
        }
    }
    browser.resize(1280, 860);
    browser.prefer("light");
}

fn accept(browser: &Browser, link: &str) {
    browser.go(link);
    let secret = browser.attribute("#secret", "value").unwrap();
    browser.fill("#password", PASSWORD);
    browser.fill("#again", PASSWORD);
    browser.fill("#code", &secrets::totp_code(&secret, SystemClock.now()).unwrap());
    browser.follow("main form[action^='/invite/'] button.primary");
    assert!(browser.url().ends_with("/desk"), "{}", browser.text("main"));
}
