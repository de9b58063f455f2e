//! What keeps a person's session theirs, and the platform's text harmless.

use axum::http::StatusCode;
use moderation::model::Role;

use crate::people::{Person, get, post, submit};
use crate::world::{KNOWN, World, pdq};

/// Every form of the console.
const FORMS: [&str; 72] = [
    "/cases/x/comments",
    "/cases/x/comments/x/take-back",
    "/cases/x/translation",
    "/sign-in",
    "/sign-out",
    "/invite/x",
    "/preferences",
    "/desk/next",
    "/cases/x/take",
    "/cases/x/release",
    "/cases/x/escalate",
    "/cases/x/decide",
    "/cases/x/undo",
    "/cases/x/renew",
    "/cases/x/leave",
    "/cases/x/take-over",
    "/coverage/shifts",
    "/coverage/shifts/x/remove",
    "/coverage/people/x",
    "/banks",
    "/banks/x/crops",
    "/entries/x/incident",
    "/banks/x",
    "/banks/x/enabled",
    "/banks/x/confirm",
    "/banks/x/unconfirm",
    "/banks/x/add-hash",
    "/banks/x/add-file",
    "/banks/x/import",
    "/entries/x/state",
    "/actions/x/retry",
    "/settings/users",
    "/settings/users/x/role",
    "/settings/users/x/queues",
    "/settings/users/x/sessions",
    "/settings/users/x/tokens/x/revoke",
    "/settings/users/x/disabled",
    "/quality/shares",
    "/quality/reviews",
    "/quality/reviews/x",
    "/quality/disputes/x",
    "/quality/golden",
    "/quality/golden/x/retire",
    "/sign-in/code",
    "/account/identity",
    "/account/identity/remove",
    "/settings/users/x/identity",
    "/settings/users/x/identity/remove",
    "/account/sessions",
    "/account/password",
    "/account/recovery",
    "/account/tokens",
    "/account/tokens/x/revoke",
    "/settings/users/x/reset",
    "/settings/keys",
    "/settings/keys/x/revoke",
    "/rules/alarms/x/seen",
    "/rules/changes/x",
    "/rules/roll-back",
    "/rules/lists",
    "/rules/lists/x",
    "/rules/labels",
    "/rules/new",
    "/rules/form",
    "/rules/lists/x/upload",
    "/item/case",
    "/search/keep",
    "/search/picture",
    "/basket",
    "/basket/decide",
    "/proposals/x",
    "/exposure/wishes",
];

/// Forms of those who are not signed in: they prove themselves by a secret.
const OPEN_FORMS: [&str; 3] = ["/sign-in", "/sign-in/code", "/invite/x"];

#[tokio::test]
async fn no_other_site_sends_a_form() {
    let source = include_str!("../../src/console/mod.rs");
    let n_forms = source.matches("post(").count();
    assert_eq!(n_forms, FORMS.len(), "a form of the console is not in this test");
    let world = World::new().await;
    let ben = Person::join(&world, "ben", Role::Admin).await;
    let before = moderation::flows::verify::verify_store(&world.app)
        .await
        .unwrap()
        .n_events;
    for path in FORMS {
        for from in [
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.example"),
            ("x-nothing", ""),
        ] {
            let answer = post(&world, path, &[("cookie", &ben.cookie), from], &[("csrf", &ben.csrf)]).await;
            answer.says(403, "This form could not be trusted");
        }
    }
    let after = moderation::flows::verify::verify_store(&world.app)
        .await
        .unwrap()
        .n_events;
    assert_eq!(before, after, "something was done");
}

#[tokio::test]
async fn no_form_is_taken_without_the_token_of_its_session() {
    let world = World::new().await;
    let ben = Person::join(&world, "ben", Role::Admin).await;
    let amal = Person::join(&world, "amal", Role::Admin).await;
    let short = &ben.csrf[..ben.csrf.len() - 1];
    for path in FORMS.into_iter().filter(|path| !OPEN_FORMS.contains(path)) {
        for token in ["", short, amal.csrf.as_str()] {
            let headers = [("cookie", ben.cookie.as_str()), ("sec-fetch-site", "same-origin")];
            let answer = if path.ends_with("-file")
                || path.ends_with("/import")
                || path.ends_with("/upload")
                || path.ends_with("/picture")
            {
                Person {
                    csrf: token.to_owned(),
                    ..clone(&ben)
                }
                .upload(&world, path, &[("file", "a.csv", b"x")])
                .await
            } else {
                post(&world, path, &headers, &[("csrf", token)]).await
            };
            answer.says(403, "This form could not be trusted");
        }
    }
}

fn clone(person: &Person) -> Person {
    Person {
        cookie: person.cookie.clone(),
        csrf: person.csrf.clone(),
        actor: person.actor.clone(),
        totp_secret: person.totp_secret.clone(),
    }
}

#[tokio::test]
async fn strangers_are_sent_to_sign_in_and_see_nothing() {
    let world = World::new().await;
    for path in [
        "/",
        "/desk",
        "/items",
        "/banks",
        "/actions",
        "/log",
        "/settings/users",
        "/preferences",
        "/help",
    ] {
        let answer = get(&world, path, &[]).await;
        assert!(answer.leads_to().starts_with("/sign-in"), "{path}");
        assert!(answer.body.is_empty(), "{path}");
    }
    let answer = get(
        &world,
        "/media/med_00000000000000000000000000/small",
        &[("cookie", "seawall_session=guess")],
    )
    .await;
    assert!(answer.leads_to().starts_with("/sign-in"));
    get(&world, "/no/such/page", &[])
        .await
        .says(404, "There is nothing here");
    for path in FORMS
        .into_iter()
        .filter(|path| !OPEN_FORMS.contains(path) && *path != "/preferences")
    {
        let answer = post(&world, path, &[("sec-fetch-site", "same-origin")], &[("csrf", "")]).await;
        assert_eq!(answer.leads_to(), "/sign-in", "{path}: a form is not come back to");
    }
}

#[tokio::test]
async fn every_answer_carries_what_browsers_must_keep_to() {
    let world = World::new().await;
    let ben = Person::join(&world, "ben", Role::Admin).await;
    let answers = [
        get(&world, "/sign-in", &[]).await,
        ben.get(&world, "/desk").await,
        ben.get(&world, "/no/such/page").await,
        ben.get(&world, "/cases/case_00000000000000000000000000").await,
        ben.post(&world, "/desk/next", &[]).await,
    ];
    for answer in &answers {
        let policy = answer.header("content-security-policy");
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("data:"), "{policy}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert!(answer.header("permissions-policy").contains("camera=()"));
        assert_eq!(answer.header("strict-transport-security"), "", "no TLS here");
    }
    // Files are kept for ever, under a name that changes with them.
    let page = &answers[0].body;
    let style = page
        .split("href=\"")
        .find_map(|rest| rest.split('"').next().filter(|url| url.ends_with(".css")))
        .unwrap();
    let answer = get(&world, style, &[]).await;
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    assert!(answer.header("content-type").starts_with("text/css"));
}

#[tokio::test]
async fn over_https_cookies_are_secure_and_bound_to_the_host() {
    let world = World::with(|settings| settings.public_url = "https://seawall.example.org".to_owned()).await;
    let headers = [("origin", "https://seawall.example.org")];
    let answer = post(
        &world,
        "/preferences",
        &headers,
        &[("theme", "dark"), ("back", "/sign-in")],
    )
    .await;
    let cookie = answer.cookie("__Host-seawall_prefs").unwrap();
    assert!(
        cookie.contains("theme=dark") && cookie.ends_with("; Secure") && cookie.contains("; Path=/; HttpOnly"),
        "{cookie}"
    );
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
    // A neighbour's cookie without the prefix counts for nothing.
    let ben = Person::join(&world, "ben", Role::Admin).await;
    assert!(ben.get(&world, "/desk").await.leads_to().starts_with("/sign-in"));
    let bound = ben.cookie.replace("seawall_session", "__Host-seawall_session");
    get(&world, "/desk", &[("cookie", &bound)])
        .await
        .says(200, "Nothing waits here");
}

#[tokio::test]
async fn what_the_platform_sends_is_text_and_nothing_else() {
    let world = World::new().await;
    let ben = Person::join(&world, "ben", Role::Lead).await;
    let bank = world.bank("<i>bank</i>", false).await;
    world.entry(bank, pdq(KNOWN)).await;
    let evil = "\"><script src=//evil.example></script><img src=x onerror=alert(1)>";
    let case = submit(&world, &format!("post-1{evil}"), pdq(KNOWN), |submission| {
        submission.account = Some(evil.to_owned());
        submission.channel = Some(evil.to_owned());
        submission.text = Some(format!("{evil} https://evil.example/look javascript:alert(1)"));
        submission.url = Some("javascript:alert(1)//https://evil.example".to_owned());
        submission.report = Some(evil.to_owned());
        submission.media[0].name = evil.to_owned();
    })
    .await;
    let item = ben.get(&world, "/items").await;
    let item = item
        .body
        .split("href=\"/item?id=")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    for path in [
        "/desk".to_owned(),
        format!("/cases/{case}"),
        "/items".to_owned(),
        format!("/item?id={item}"),
        "/log".to_owned(),
    ] {
        let page = ben.get(&world, &path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.body.contains("post-1"), "{path}");
        let lower = page.body.to_lowercase();
        for sign in [
            "<script src=//evil",
            "<img src=x",
            "onerror=alert(1)>",
            "<i>bank",
            "href=\"javascript",
            "href=\"https://evil",
        ] {
            assert!(!lower.contains(sign), "{path} has {sign}");
        }
    }
}

/// A clear picture that is loaded is in the log as seen, so a browser must load none before someone uncovers it: it is not
/// laid out, and a lazy picture that is not laid out is not loaded.
#[test]
fn no_page_loads_a_clear_picture_by_itself() {
    let evidence = include_str!("../../templates/parts/evidence.html");
    let clear: Vec<&str> = evidence
        .split("<img class=\"clear")
        .skip(1)
        .map(|rest| rest.split('>').next().unwrap())
        .collect();
    assert_eq!(clear.len(), 2);
    assert!(clear.iter().all(|tag| tag.contains("loading=\"lazy\"")), "{clear:?}");
    let style = include_str!("../../static/pages.css");
    assert!(style.contains(".pic .clear { display: none;"));
    let script = include_str!("../../static/console.js");
    assert!(
        !script.contains(".clear") && !script.contains("loading"),
        "the script loads none either"
    );
}
