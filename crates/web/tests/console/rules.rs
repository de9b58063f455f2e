//! Rules in the console: written by form or by hand, checked in place, tried out, proposed by one person and approved by another.

use std::time::Duration;

use moderation::flows::submit::{self, Submission};
use moderation::model::facts::PlatformFacts;
use moderation::model::{Actor, Clock, ItemKind, Role};

use crate::people::Person;
use crate::world::{Answer, World};

/// The fields of the newcomer's rule, as the form has them.
const NEWCOMERS: [(&str, &str); 16] = [
    ("shape", "same_thing"),
    ("accounts", "3"),
    ("thing", "link"),
    ("within", "10"),
    ("within_unit", "min"),
    ("younger", "1"),
    ("younger_unit", "d"),
    ("then", "case"),
    ("queue", "links"),
    ("priority", "50"),
    ("name", "shared_link"),
    ("owner", "trust@example.org"),
    ("review", "2099-05-01"),
    ("severity", "medium"),
    ("mode", "live"),
    ("do", "preview"),
];

/// The value of a hidden field of a page.
fn hidden(page: &Answer, name: &str) -> String {
    let after = page.body.split(&format!("name=\"{name}\" value=\"")).nth(1);
    let value = after
        .unwrap_or_else(|| panic!("no field {name}"))
        .split('"')
        .next()
        .unwrap();
    unescaped(value)
}

fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&#60;", "<")
        .replace("&lt;", "<")
        .replace("&#62;", ">")
        .replace("&gt;", ">")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

/// A rule that nothing in these tests meets, with what decides where it does not.
const RULE_OF_A_WORD: &str = "rule word { when: item.text.contains(\"zebra\") then: case words reason: \"a word\" owner: \"t\" \
    review: 2030-01-01 mode: live }\n\
    rule anything { when: true then: allow reason: \"nothing speaks against it\" owner: \"t\" review: 2030-01-01 mode: live }\n";

async fn written_by_form(world: &World, person: &Person) -> String {
    let page = person.post(world, "/rules/form", &NEWCOMERS).await;
    page.says(200, "distinct(account.id, by: l.url, within: 10min)");
    hidden(&page, "add_text")
}

async fn proposed(world: &World, person: &Person, text: &str, note: &str) -> String {
    let fields = [
        ("file", "links.rules"),
        ("text", text),
        ("note", note),
        ("do", "propose"),
    ];
    person.post(world, "/rules/new", &fields).await.leads_to().to_owned()
}

/// Rules are asked about the events of many days: that has the time of an import, as through the API.
#[tokio::test]
async fn what_takes_long_with_rules_has_the_time_for_it() {
    let world = World::with(|settings| settings.limits.request_time_max = std::time::Duration::ZERO).await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    // Other work has no time but what it takes before it first waits; now and then that is enough.
    let mut is_cut_off = false;
    for _ in 0..50 {
        is_cut_off |= lee.get(&world, "/rules").await.status == 503;
    }
    assert!(is_cut_off, "other work has no time");
    let text = RULE_OF_A_WORD;
    let fields = [
        ("file", "word.rules"),
        ("text", text),
        ("do", "backtest"),
        ("days", "7"),
    ];
    lee.post(&world, "/rules/new", &fields)
        .await
        .says(200, "0 would be different");
    let change = proposed(&world, &lee, text, "a word").await;
    lee.post(&world, &change, &[("do", "backtest"), ("days", "7")])
        .await
        .leads_to();
    let fields = [("why", "to see"), ("from", "1")];
    assert_ne!(lee.post(&world, "/rules/roll-back", &fields).await.status, 503);
}

#[tokio::test]
async fn a_newcomers_rule_is_written_by_form_tried_out_approved_and_opens_a_case() {
    let world = World::new().await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    let kim = Person::join(&world, "kim", Role::Lead).await;
    lee.get(&world, "/rules").await.says(200, "Version 1 counts");
    lee.get(&world, "/rules/form")
        .await
        .says(200, "One of them younger than");
    let text = written_by_form(&world, &lee).await;

    // It goes to the editor beside the live files, and is tested and held against the past there.
    let page = lee
        .post(
            &world,
            "/rules/new",
            &[("add_name", "shared_link"), ("add_text", &text), ("do", "open")],
        )
        .await;
    page.says(200, "It could be proposed");
    assert!(page.body.contains("value=\"shared_link.rules\"") && page.body.contains("value=\"default.rules\""));
    let files = [("file", "links.rules"), ("text", text.as_str())];
    let with = |more: &[(&'static str, &'static str)]| [files.as_slice(), more].concat();
    lee.post(&world, "/rules/new", &with(&[("do", "test")]))
        .await
        .says(200, "shared_link_fires");
    lee.post(&world, "/rules/new", &with(&[("do", "backtest"), ("days", "7")]))
        .await
        .says(200, "0 would be different");
    lee.post(&world, "/rules/new", &with(&[("do", "backtest"), ("days", "0")]))
        .await
        .says(422, "Not accepted");
    lee.post(&world, "/rules/new", &with(&[("do", "propose"), ("note", " ")]))
        .await
        .says(422, "Not accepted");
    let change = proposed(&world, &lee, &text, "waves of links").await;
    // An engineer may stop what they may not approve.
    let engineer = Person::join(&world, "eng", Role::Engineer).await;
    let page = engineer.get(&world, &change).await;
    page.says(200, "waves of links");
    assert!(page.body.contains("value=\"reject\"") && !page.body.contains("value=\"approve\""));

    // Who proposed it sees no button to approve it, and is refused without one.
    let page = lee.get(&world, &change).await;
    page.says(200, "waves of links");
    page.says(200, "somebody else has to approve it");
    assert!(!page.body.contains("value=\"approve\""));
    assert!(page.body.contains("class=\"diff-new\""), "every line of it is new");
    lee.post(&world, &change, &[("do", "approve")])
        .await
        .says(422, "cannot approve it");
    lee.post(&world, &change, &[("do", "backtest"), ("days", "7")])
        .await
        .leads_to();
    lee.get(&world, &change).await.says(200, "Held against the past");
    lee.post(&world, &change, &[("do", "shadow")]).await.leads_to();
    lee.get(&world, "/rules").await.says(200, "in shadow Version 2");
    lee.post(&world, &change, &[("do", "stop_shadow")]).await.leads_to();

    kim.post(&world, &change, &[("do", "approve"), ("note", "as agreed")])
        .await
        .leads_to();
    kim.get(&world, &change)
        .await
        .says(200, "A second person approved it, and it counts.");
    kim.get(&world, "/rules").await.says(200, "Version 2 counts");
    kim.post(&world, &change, &[("do", "approve")])
        .await
        .says(422, "decided already: Live");

    // Three accounts post one link, one of them young: a case waits in the new queue, and the page says why.
    for (idx, age_h) in [(1, 2_u64), (2, 9_000), (3, 9_000)] {
        post_link(&world, idx, age_h).await;
    }
    let desk = lee.get(&world, "/desk?queue=links").await;
    desk.says(200, "post-3");
    let case = desk
        .body
        .split("href=\"/cases/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let page = lee.get(&world, &format!("/cases/{case}")).await;
    page.says(200, "Why the rules said so Version 2");
    page.says(200, "shared_link decided 3 different accounts posted the same address");
    page.says(200, "within: 10min) 3");

    // One step back, with a reason.
    assert_eq!(
        kim.post(&world, "/rules/roll-back", &[]).await.leads_to(),
        "/rules/versions"
    );
    let page = kim.get(&world, &change).await;
    assert!(page.body.contains("name=\"from\" value=\"2\""), "{}", page.body);
    for _ in 0..2 {
        // Sent twice it is one step.
        let step = [("from", "2"), ("why", "too many")];
        kim.post(&world, "/rules/roll-back", &step).await.leads_to();
    }
    kim.get(&world, "/rules").await.says(200, "Version 1 counts");
    kim.get(&world, &change)
        .await
        .says(200, "another version took its place");
    kim.get(&world, "/rules/versions/2?against=1")
        .await
        .says(200, "Version 1 to 2");
}

async fn post_link(world: &World, idx: u64, age_h: u64) {
    let mut platform = PlatformFacts::default();
    platform.account.created_at = Some(world.clock.now().before(Duration::from_secs(age_h * 3_600)));
    let submission = Submission {
        id: format!("post-{idx}").parse().unwrap(),
        kind: ItemKind::Post,
        account: Some(format!("account-{idx}")),
        channel: None,
        audience: None,
        url: None,
        text: Some("look at https://a.example/1".to_owned()),
        report: None,
        platform,
        media: Vec::new(),
    };
    submit::submit_item(&world.app, &Actor::Operator, submission, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn mistakes_are_shown_in_place_and_nothing_is_lost() {
    let world = World::new().await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    let text = "rule young {\n  when: acount.age < 24h\n  then: case links\n  reason: \"<b>young</b>\"\n  owner: \"o\"\n  review: 2099-01-01\n  mode: live\n}\n";
    let fields = [("file", "links.rules"), ("text", text), ("note", "kept words")];
    for work in ["check", "test", "backtest", "propose"] {
        let page = lee
            .post(
                &world,
                "/rules/new",
                &[fields.as_slice(), &[("do", work), ("days", "7")]].concat(),
            )
            .await;
        let status = if matches!(work, "check" | "test") { 200 } else { 422 };
        page.says(status, "nothing is called `acount.age` links.rules:2:9");
        page.says(status, "2 | when: acount.age");
        let body = unescaped(&page.body);
        assert!(
            body.contains(" ".repeat(8).as_str()) && body.contains(" |         ^^^^^^^^^^"),
            "{body}"
        );
        assert!(
            body.contains("kept words") && body.contains("acount.age < 24h\n  then: case links"),
            "{work}"
        );
        assert!(!page.body.contains("<b>young"), "what people write is text");
    }
    // A test that fails is shown where it stands.
    let failing = text.replace("acount", "account") + "test t {\n  at 0s { account.age: 1h } -> nothing\n}\n";
    let page = lee
        .post(
            &world,
            "/rules/new",
            &[("file", "links.rules"), ("text", &failing), ("do", "test")],
        )
        .await;
    page.says(200, "It cannot be proposed yet");
    page.says(200, "`young` fired");
    page.says(200, "failed t links.rules:9");
    // A second file of one name is refused, and not dropped.
    let twice = [
        ("file", "links.rules"),
        ("text", "let a = 1"),
        ("file", "links.rules"),
        ("text", "let b = 2"),
        ("do", "check"),
    ];
    let page = lee.post(&world, "/rules/new", &twice).await;
    page.says(422, "have the name `links.rules` twice");
    assert!(page.body.contains("let a = 1") && page.body.contains("let b = 2"));
    // Names of files are bounded, and the error stands on the page.
    lee.post(
        &world,
        "/rules/new",
        &[("file", "../x.rules"), ("text", "rule"), ("do", "check")],
    )
    .await
    .says(422, "Not accepted");
}

#[tokio::test]
async fn nobody_writes_over_what_became_live_meanwhile() {
    let world = World::new().await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    let kim = Person::join(&world, "kim", Role::Lead).await;
    let text = written_by_form(&world, &lee).await;
    let change = proposed(&world, &lee, &text, "first").await;
    let other = proposed(&world, &lee, &text.replace("3 different", "Three different"), "second").await;
    kim.post(&world, &change, &[("do", "approve")]).await.leads_to();
    kim.get(&world, &other).await.says(200, "Version 2 counts by now");
    kim.post(&world, &other, &[("do", "approve")])
        .await
        .says(422, "Version 2 counts by now");
    let fields = [
        ("base", "1"),
        ("file", "links.rules"),
        ("text", &text),
        ("note", "n"),
        ("do", "propose"),
    ];
    let page = lee.post(&world, "/rules/new", &fields).await;
    page.says(422, "Version 2 became live while you wrote");
    assert_eq!(hidden(&page, "base"), "2");
    // Withdrawn by who proposed it, rejected by others.
    assert!(!kim.get(&world, &other).await.body.contains("value=\"withdraw\""));
    lee.post(&world, &other, &[("do", "withdraw")]).await.leads_to();
    lee.get(&world, "/rules/changes")
        .await
        .says(200, "No change is under way");
    lee.get(&world, "/rules/changes?state=all")
        .await
        .says(200, "second Withdrawn");
    lee.post(
        &world,
        "/rules/new",
        &[
            ("file", "links.rules"),
            ("text", &text),
            ("note", "n"),
            ("do", "propose"),
        ],
    )
    .await
    .says(422, "Nothing is different from the rules that count.");
}

#[tokio::test]
async fn the_form_names_its_errors_and_carries_what_stood_in_the_editor() {
    let world = World::new().await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    let mut fields = NEWCOMERS.to_vec();
    fields.retain(|(name, _)| !matches!(*name, "accounts" | "queue"));
    fields.extend([("accounts", "1"), ("queue", "")]);
    let page = lee.post(&world, "/rules/form", &fields).await;
    page.says(422, "Not accepted: are 2 to 50");
    assert!(page.body.contains("id=\"accounts-error\"") && page.body.contains("id=\"queue-error\""));
    assert!(page.body.contains("value=\"shared_link\""), "what was filled in stays");
    // Every shape has a form.
    for shape in moderation::policy::form::SHAPES {
        let page = lee.get(&world, &format!("/rules/form?shape={shape}")).await;
        page.says(200, "Show the text");
        assert!(page.body.contains(&format!("name=\"shape\" value=\"{shape}\"")));
    }
    let mine = "list kept = [\"a\"]\n";
    let page = lee
        .post(
            &world,
            "/rules/new",
            &[("file", "mine.rules"), ("text", mine), ("do", "form")],
        )
        .await;
    assert_eq!(hidden(&page, "file"), "mine.rules");
    let mut fields = NEWCOMERS.to_vec();
    fields.extend([("file", "mine.rules"), ("text", mine)]);
    let page = lee.post(&world, "/rules/form", &fields).await;
    page.says(200, "Add to the editor");
    assert_eq!(hidden(&page, "text"), mine);
}

#[tokio::test]
async fn who_may_not_change_rules_sees_them_and_no_buttons() {
    let world = World::new().await;
    let mo = Person::join(&world, "mo", Role::Moderator).await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    let text = written_by_form(&world, &lee).await;
    let change = proposed(&world, &lee, &text, "waves").await;
    for path in [
        "/rules",
        "/rules/rule/reported",
        "/rules/changes",
        &change,
        "/rules/versions",
        "/rules/versions/1",
        "/rules/lists",
        "/rules/labels",
    ] {
        let page = mo.get(&world, path).await;
        page.says(200, "Rules");
        for not_for_them in ["/rules/new", "/rules/form", "method=\"post\" action=\"/rules"] {
            assert!(!page.body.contains(not_for_them), "{path}: {not_for_them}");
        }
    }
    for path in ["/rules/new", "/rules/form"] {
        assert_eq!(mo.get(&world, path).await.status.as_u16(), 403, "{path}");
    }
    let fields = [
        ("name", "hosts"),
        ("owner", "o"),
        ("do", "approve"),
        ("why", "w"),
        ("on", "account"),
        ("subject", "a"),
        ("label", "l"),
        ("reason", "r"),
    ];
    for path in [
        "/rules/new",
        "/rules/form",
        &change,
        "/rules/roll-back",
        "/rules/lists",
        "/rules/labels",
    ] {
        assert_eq!(mo.post(&world, path, &fields).await.status.as_u16(), 403, "{path}");
    }
    for path in [
        "/rules/rule/none",
        "/rules/changes/chg_1",
        "/rules/versions/99",
        "/rules/versions/x",
        "/rules/lists/none",
    ] {
        assert_eq!(mo.get(&world, path).await.status.as_u16(), 404, "{path}");
    }
}

#[tokio::test]
async fn lists_are_made_filled_and_ended() {
    let world = World::new().await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    lee.post(&world, "/rules/lists", &[("name", "Bad Hosts"), ("owner", "o")])
        .await
        .says(422, "Not accepted");
    let made = lee
        .post(
            &world,
            "/rules/lists",
            &[("name", "bad_hosts"), ("about", "seen before"), ("owner", "o")],
        )
        .await;
    let list = made.leads_to().to_owned();
    assert_eq!(list, "/rules/lists/bad_hosts");
    let upload = format!("{list}/upload");
    lee.upload(&world, &upload, &[("entries", "", b"")])
        .await
        .says(422, "at least one entry");
    lee.upload(&world, &upload, &[("entries", "", b"x"), ("until", "", b"soon")])
        .await
        .says(422, "Not accepted");
    lee.upload(
        &world,
        &upload,
        &[("entries", "", b"x"), ("file", "a.txt", b"\xff\xfe\x00")],
    )
    .await
    .says(422, "not a text file");
    let parts: [(&str, &str, &[u8]); 3] = [
        ("entries", "", b"a.example\n# no entry\n<b>.example\n"),
        ("until", "", b"2099-01-02"),
        ("file", "more.txt", b"b.example\r\n"),
    ];
    lee.upload(&world, &upload, &parts).await.leads_to();
    let page = lee.get(&world, &list).await;
    page.says(200, "3 entries");
    page.says(200, "2099-01-02 00:00 UTC");
    assert!(!page.body.contains("<b>.example"));
    lee.post(&world, &list, &[("do", "remove"), ("key", "a.example")])
        .await
        .leads_to();
    lee.post(
        &world,
        &list,
        &[("do", "until"), ("key", "b.example"), ("until", "2099-03-03")],
    )
    .await
    .leads_to();
    let page = lee.get(&world, &list).await;
    page.says(200, "2 entries");
    page.says(200, "2099-03-03");
    lee.get(&world, "/rules/lists")
        .await
        .says(200, "bad_hosts no live rule asks it");
    lee.post(&world, &list, &[("do", "delete"), ("confirm", "no")])
        .await
        .says(422, "not the name of the list");
    assert_eq!(
        lee.post(&world, &list, &[("do", "delete"), ("confirm", "bad_hosts")])
            .await
            .leads_to(),
        "/rules/lists"
    );
    assert_eq!(lee.get(&world, &list).await.status.as_u16(), 404);
}

#[tokio::test]
async fn labels_are_set_and_removed() {
    let world = World::new().await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    let label = [
        ("do", "set"),
        ("on", "account"),
        ("subject", "magpie <1>"),
        ("label", "spammer"),
        ("reason", "floods"),
    ];
    let with = |more: (&'static str, &'static str)| [label.as_slice(), &[more]].concat();
    lee.post(&world, "/rules/labels", &with(("until", "2001-01-01")))
        .await
        .says(422, "Not accepted");
    lee.post(&world, "/rules/labels", &with(("until", "2099-01-01")))
        .await
        .leads_to();
    lee.get(&world, "/rules/labels").await.says(200, "spammer floods");
    lee.get(&world, "/rules/labels?label=other")
        .await
        .says(200, "No labels");
    let gone = [
        ("do", "remove"),
        ("on", "account"),
        ("subject", "magpie <1>"),
        ("label", "spammer"),
    ];
    lee.post(&world, "/rules/labels", &gone).await.leads_to();
    lee.get(&world, "/rules/labels").await.says(200, "No labels");
    assert_eq!(lee.post(&world, "/rules/labels", &gone).await.status.as_u16(), 404);
}
