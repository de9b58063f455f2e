//! Who holds a case while its page is open, why it stands where it stands, and who is on shift.

use moderation::model::{Case, Role};

use crate::people::{Person, submit};
use crate::world::{KNOWN, World, pdq};

const PREFS: &str = "lang=en&zone=Asia/Kathmandu";

async fn world_with_case() -> (World, Person, Person, String) {
    let world = World::new().await;
    let bank = world.bank("known", false).await;
    world.entry(bank, pdq(KNOWN)).await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let lead = Person::join(&world, "lina", Role::Lead).await;
    let case = submit(&world, "post-1", pdq(KNOWN), |_| {}).await;
    (world, amal, lead, format!("/cases/{case}"))
}

#[tokio::test]
async fn an_open_page_keeps_its_case_and_one_that_is_left_gives_it_back() {
    let (world, amal, lead, case) = world_with_case().await;
    let (renew, leave) = (format!("{case}/renew"), format!("{case}/leave"));
    assert_eq!(amal.post(&world, &renew, &[]).await.status, 409, "nobody holds it");
    let free = amal.get(&world, &case).await;
    assert!(!free.body.contains("data-renew"), "what is not held is not renewed");
    assert!(free.header("content-security-policy").contains("connect-src 'self'"));
    amal.post(&world, &format!("{case}/take"), &[]).await;
    let page = amal.get(&world, &case).await;
    assert!(
        page.body
            .contains(&format!("data-renew=\"{renew}\" data-leave=\"{leave}\""))
    );
    page.says(200, "Why it stands here");
    page.says(200, "0 cases come before it.");
    page.says(200, "a default: nobody decided such a case yet");

    for _ in 0..3 {
        world.clock.advance(Case::LEASE / 2);
        assert_eq!(amal.post(&world, &renew, &[]).await.status, 204);
    }
    assert_eq!(lead.post(&world, &renew, &[]).await.status, 409);
    assert_eq!(lead.post(&world, &leave, &[]).await.status, 409);
    assert_eq!(amal.post(&world, &leave, &[]).await.status, 204);
    assert_eq!(
        lead.post(&world, "/desk/next", &[]).await.leads_to(),
        "/desk",
        "it may only be loaded anew"
    );
    world.clock.advance(Case::LEAVE);
    assert_eq!(lead.post(&world, "/desk/next", &[]).await.leads_to(), case);
    // A page that is late gives back nothing that was decided.
    let judgement = [
        ("outcome", "allow"),
        ("reason", "a harbour"),
        ("revision", "1"),
        ("then", "stay"),
    ];
    lead.post(&world, &format!("{case}/decide"), &judgement).await;
    assert_eq!(lead.post(&world, &leave, &[]).await.status, 409);
    lead.get(&world, &case).await.says(200, "A closed case stays closed.");
    // Without the session's token nothing happens.
    let forged = crate::people::post(&world, &renew, &[("cookie", &amal.cookie)], &[("csrf", "x")]).await;
    assert_eq!(forged.status, 403);
}

#[tokio::test]
async fn a_lead_takes_a_case_over_and_its_holder_reads_why() {
    let (world, amal, lead, case) = world_with_case().await;
    let take_over = format!("{case}/take-over");
    amal.post(&world, &format!("{case}/take"), &[]).await;
    assert!(!amal.get(&world, &case).await.body.contains("/take-over"));
    let page = lead.get(&world, &case).await;
    page.says(200, "Why do you take it over?");
    lead.post(&world, &take_over, &[("note", "  ")])
        .await
        .says(422, "Write why");
    assert_eq!(amal.post(&world, &take_over, &[("note", "mine")]).await.status, 403);
    assert_eq!(
        lead.post(&world, &take_over, &[("note", "a <call> came")])
            .await
            .leads_to(),
        case
    );
    lead.get(&world, &case).await.says(200, "You hold this case until");
    let seen = amal.get(&world, &case).await;
    seen.says(200, "They took it over: a &#60;call&#62; came");
    assert!(!seen.body.contains("<call>"));
    let judgement = [("outcome", "allow"), ("reason", "a harbour"), ("revision", "1")];
    let refused = amal.post(&world, &format!("{case}/decide"), &judgement).await;
    assert!(
        refused
            .cookie("seawall_flash")
            .unwrap()
            .starts_with("problem.taken_over=a+%3Ccall%3E+came")
    );
}

#[tokio::test]
async fn shifts_and_skills_are_planned_on_a_page() {
    let (world, amal, lead, _) = world_with_case().await;
    assert_eq!(amal.get(&world, "/coverage").await.status, 403);
    let page = lead.get(&world, "/coverage").await;
    page.says(200, "No shift was planned yet.");
    let user = amal.actor.user().unwrap().to_string();
    let shift = |from, until| {
        [
            ("user", user.as_str()),
            ("day", "0"),
            ("day", "4"),
            ("from", from),
            ("until", until),
        ]
    };
    lead.post(&world, "/coverage/shifts", &shift("noon", "18:00"))
        .await
        .says(422, "Give two times of day");
    lead.post(
        &world,
        "/coverage/shifts",
        &[("user", &user), ("from", "08:00"), ("until", "16:00")],
    )
    .await
    .says(422, "Choose at least one day.");
    assert_eq!(
        amal.post(&world, "/coverage/shifts", &shift("08:00", "16:00"))
            .await
            .status,
        403
    );
    lead.post(&world, "/coverage/shifts", &shift("20:00", "06:00"))
        .await
        .leads_to();
    let page = lead.get(&world, "/coverage").await;
    page.says(200, "amal Mon · Fri 20:00 06:00");
    let (_, rest) = page.body.split_once("/coverage/shifts/shift_").unwrap();
    let remove = format!("/coverage/shifts/shift_{}", rest.split('"').next().unwrap());
    lead.post(&world, &remove, &[]).await.leads_to();
    lead.get(&world, "/coverage")
        .await
        .says(200, "No shift was planned yet.");
    assert_eq!(lead.post(&world, &remove, &[]).await.status, 404);

    let skills = format!("/coverage/people/{user}");
    lead.post(&world, &skills, &[("languages", "a'b")])
        .await
        .says(422, "Nothing was saved");
    lead.post(
        &world,
        &skills,
        &[("languages", "ar, en"), ("work", ""), ("skills", "legal")],
    )
    .await
    .leads_to();
    let page = lead.get(&world, "/coverage").await;
    assert!(page.body.contains("value=\"ar en\"") && page.body.contains("value=\"legal\""));
    assert_eq!(amal.post(&world, &skills, &[("skills", "legal")]).await.status, 403);
}

#[tokio::test]
async fn times_are_told_in_the_time_zone_of_who_reads_them() {
    let (world, amal, lead, case) = world_with_case().await;
    lead.get(&world, "/log").await.says(200, "2026-11-18 11:06 UTC");
    let chosen = lead
        .post(
            &world,
            "/preferences",
            &[("zone", "Asia/Kathmandu"), ("back", "/preferences")],
        )
        .await;
    let cookie = chosen.cookie("seawall_prefs").unwrap();
    assert!(cookie.contains("zone=Asia/Kathmandu"), "{cookie}");
    let with = |prefs: &str| format!("{}; seawall_prefs={prefs}", lead.cookie);
    let page = async |prefs: &str, path: &str| crate::people::get(&world, path, &[("cookie", &with(prefs))]).await;
    page(PREFS, "/log").await.says(200, "2026-11-18 16:51 UTC+5:45");
    page(PREFS, "/preferences")
        .await
        .says(200, "now it is 2026-11-18 16:51 UTC+5:45");
    amal.post(&world, &format!("{case}/take"), &[]).await;
    page(PREFS, &case)
        .await
        .says(200, "holds this case until 17:06 UTC+5:45.");
    // What is no zone changes nothing, in the cookie or in the form.
    page("lang=en&zone=Mars/Olympus", "/log")
        .await
        .says(200, "2026-11-18 11:06 UTC");
    let nonsense = lead
        .post(
            &world,
            "/preferences",
            &[("zone", "<script>"), ("back", "/preferences")],
        )
        .await;
    assert!(nonsense.cookie("seawall_prefs").unwrap().contains("zone=default"));

    // A shift is meant by the clocks of who plans it, and read by those of who looks.
    let user = amal.actor.user().unwrap().to_string();
    let shift = [
        ("user", user.as_str()),
        ("day", "0"),
        ("from", "00:30"),
        ("until", "08:30"),
        ("zone", "Asia/Kathmandu"),
    ];
    lead.post(&world, "/coverage/shifts", &shift).await.leads_to();
    let coverage = page(PREFS, "/coverage").await;
    coverage.says(200, "All times are in Asia/Kathmandu.");
    coverage.says(200, "amal Mon 00:30 08:30 Remove");
    lead.get(&world, "/coverage")
        .await
        .says(200, "amal Sun 18:45 02:45 by the clocks of Asia/Kathmandu");
}

#[tokio::test]
async fn a_person_says_to_themselves_what_they_do_not_want_to_be_given() {
    let (world, amal, lead, _) = world_with_case().await;
    amal.get(&world, "/exposure")
        .await
        .says(200, "What I do not want to be given");
    let saved = amal
        .post(
            &world,
            "/exposure/wishes",
            &[("not", "graphic_violence"), ("not", "hate_speech")],
        )
        .await;
    assert_eq!(saved.leads_to(), "/exposure");
    let ticked = |page: &crate::world::Answer| {
        page.body.matches("name=\"not\"").count() - page.body.matches(" checked><span>").count()
    };
    assert_eq!(ticked(&amal.get(&world, "/exposure").await), 4);
    assert_eq!(ticked(&lead.get(&world, "/exposure").await), 6, "only they see it");
    for path in ["/coverage", "/workload", "/log"] {
        let page = lead.get(&world, path).await;
        assert!(!page.words().contains("Graphic violence"), "{path}");
    }
    assert_eq!(
        amal.post(&world, "/exposure/wishes", &[("not", "cats")]).await.status,
        400
    );
    amal.post(&world, "/exposure/wishes", &[]).await.leads_to();
    assert_eq!(ticked(&amal.get(&world, "/exposure").await), 6);
}
