//! Working on cases: taken, decided, escalated, by two people who get in each other's way.

use std::time::Duration;

use moderation::flows::rules::{self, NewChange};
use moderation::model::{Assessment, ItemId, Notice, Outcome, Purpose, RabatFactor, Role, RuleFile};
use moderation::views;

use crate::people::{Person, submit};
use crate::world::{KNOWN, World, pdq};

async fn world_with_case() -> (World, Person, Person, String) {
    let world = World::new().await;
    let bank = world.bank("known", false).await;
    world.entry(bank, pdq(KNOWN)).await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let ben = Person::join(&world, "ben", Role::Moderator).await;
    let case = submit(&world, "post-1", pdq(KNOWN), |_| {}).await;
    (world, amal, ben, format!("/cases/{case}"))
}

async fn outcome(world: &World, person: &Person, item: &str) -> (Outcome, String) {
    let item: ItemId = item.parse().unwrap();
    let view = views::item(&world.app, &person.actor, &item).await.unwrap().unwrap();
    let last = view.decisions.last().unwrap();
    (last.decision.outcome, last.decision.reason.clone())
}

#[tokio::test]
async fn a_case_shows_what_is_known_and_is_decided() {
    let (world, amal, ben, case) = world_with_case().await;
    amal.get(&world, "/desk")
        .await
        .says(200, "post-1 Post · magpie 0 0 bits apart Match known");
    let page = amal.get(&world, &case).await;
    page.says(200, "0 bits apart");
    page.says(200, "in known not confirmed");
    page.says(200, "No preview: the platform sent signals, not the file.");
    assert!(page.body.contains("0 of 256 bits differ; the threshold is 31.") || page.words().contains("threshold is"));

    // Taking the next case holds it; a colleague cannot decide it meanwhile.
    assert_eq!(amal.post(&world, "/desk/next", &[]).await.leads_to(), case);
    amal.get(&world, &case).await.says(200, "You hold this case until");
    let seen_by_ben = ben.get(&world, &case).await;
    seen_by_ben.says(200, "amal holds this case until");
    assert!(!seen_by_ben.body.contains("data-decide") && !seen_by_ben.body.contains("/escalate"));
    let judgement = [("outcome", "allow"), ("reason", "a harbour"), ("revision", "1")];
    let refused = ben.post(&world, &format!("{case}/decide"), &judgement).await;
    assert_eq!(refused.leads_to(), case);
    let flash = format!(
        "{}; seawall_flash={}",
        ben.cookie,
        refused.cookie("seawall_flash").unwrap().split(';').next().unwrap()
    );
    let page = crate::people::get(&world, &case, &[("cookie", &flash)]).await;
    page.says(200, "A colleague holds this case until");
    assert!(
        page.cookie("seawall_flash").unwrap().starts_with(';'),
        "it is said once"
    );
    assert_eq!(
        ben.post(&world, "/desk/next", &[]).await.leads_to(),
        "/desk",
        "no other case is free"
    );

    // What is missing is said beside what was filled in.
    let decide = format!("{case}/decide");
    let page = amal
        .post(&world, &decide, &[("reason", "Shows <how> to."), ("revision", "1")])
        .await;
    page.says(422, "Choose what should happen.");
    assert!(page.body.contains("Shows &#60;how&#62; to.</textarea>"));
    let page = amal
        .post(
            &world,
            &decide,
            &[("outcome", "restrict"), ("reason", " "), ("revision", "1")],
        )
        .await;
    page.says(422, "Choose the policy that it breaks.");
    amal.post(
        &world,
        &decide,
        &[("outcome", "review"), ("reason", "x"), ("revision", "1")],
    )
    .await
    .says(422, "Choose what should happen.");
    assert_eq!(
        outcome(&world, &amal, "post-1").await.0,
        Outcome::Review,
        "nothing was decided so far"
    );

    let fields = [
        ("outcome", "restrict"),
        ("policy", "violent_extremism"),
        ("purpose", "none"),
        ("reason", " Shows how to.\r\nIn steps. "),
        ("revision", "1"),
    ];
    amal.post(&world, &decide, &[fields[0], fields[1], fields[3], fields[4]])
        .await
        .says(422, "Say for which purpose it is spread before you restrict it.");
    let done = amal.post(&world, &decide, &fields).await;
    assert_eq!(done.leads_to(), "/desk");
    assert!(
        done.cookie("seawall_flash")
            .unwrap()
            .starts_with("flash.decided_restrict=post-1&undo=case_")
    );
    assert_eq!(
        outcome(&world, &amal, "post-1").await,
        (Outcome::Restrict, "Shows how to.\nIn steps.".to_owned())
    );
    amal.get(&world, "/actions?state=waiting")
        .await
        .says(200, "Restrict post-1");
    amal.get(&world, &case).await.says(200, "A closed case stays closed.");
    let late = ben.post(&world, &decide, &fields).await;
    assert!(
        late.cookie("seawall_flash")
            .unwrap()
            .starts_with("problem.already_closed=")
    );
    amal.get(&world, "/desk?state=closed").await.says(200, "post-1");
}

#[tokio::test]
async fn a_decision_is_undone_from_the_next_page_while_there_is_time() {
    let (world, amal, ben, case) = world_with_case().await;
    let fields = [
        ("outcome", "restrict"),
        ("policy", "hate_speech"),
        ("reason", "slip"),
        ("revision", "1"),
    ];
    let done = amal.post(&world, &format!("{case}/decide"), &fields).await;
    let flash = done.cookie("seawall_flash").unwrap();
    let cookie = format!("{}; seawall_flash={}", amal.cookie, flash.split(';').next().unwrap());
    world.clock.advance(Duration::from_millis(2_500));
    let page = crate::people::get(&world, "/desk", &[("cookie", &cookie)]).await;
    page.says(200, "Undo (8 s left)");
    let form = page
        .body
        .split(&format!("action=\"{case}/undo\""))
        .nth(1)
        .expect("a form that needs no script");
    assert!(form.contains("data-key=\"z\""));
    let decision = form
        .split("name=\"decision\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();

    // Only who decided.
    let undo = format!("{case}/undo");
    ben.post(&world, &undo, &[("decision", decision)]).await.says(404, "");
    assert_eq!(outcome(&world, &amal, "post-1").await.0, Outcome::Restrict);
    let undone = amal.post(&world, &undo, &[("decision", decision)]).await;
    assert_eq!(undone.leads_to(), case);
    assert!(undone.cookie("seawall_flash").unwrap().starts_with("flash.undone="));
    assert_eq!(outcome(&world, &amal, "post-1").await.0, Outcome::Review);
    amal.get(&world, &case).await.says(200, "You hold this case until");
    amal.get(&world, &case).await.says(200, "Withdrawn");
    amal.get(&world, &case).await.says(200, "The decision was undone");

    // Too late is said, and no button offers it.
    let done = amal.post(&world, &format!("{case}/decide"), &fields).await;
    let flash = done.cookie("seawall_flash").unwrap();
    let cookie = format!("{}; seawall_flash={}", amal.cookie, flash.split(';').next().unwrap());
    let view = views::item(&world.app, &amal.actor, &"post-1".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let decision = view.decisions.last().unwrap().decision.id.to_string();
    world.clock.advance(Duration::from_secs(10));
    let page = crate::people::get(&world, "/desk", &[("cookie", &cookie)]).await;
    assert!(!page.body.contains("/undo\""));
    let late = amal.post(&world, &undo, &[("decision", &decision)]).await;
    assert!(
        late.cookie("seawall_flash")
            .unwrap()
            .starts_with("problem.too_late_to_undo=")
    );
}

#[tokio::test]
async fn a_decision_is_about_what_was_seen() {
    let (world, amal, _, case) = world_with_case().await;
    amal.post(&world, &format!("{case}/take"), &[]).await;
    // The platform submits other content while the page is open.
    submit(&world, "post-1", pdq(KNOWN), |submission| {
        submission.text = Some("other words".to_owned())
    })
    .await;
    let fields = [("outcome", "allow"), ("reason", "a harbour"), ("revision", "1")];
    let page = amal.post(&world, &format!("{case}/decide"), &fields).await;
    page.says(422, "The item changed while you had it open.");
    page.says(422, "other words");
    assert!(
        page.body.contains("name=\"revision\" value=\"2\""),
        "the next try is about what is shown now"
    );
}

#[tokio::test]
async fn a_hard_case_goes_to_a_lead_and_the_next_one_comes() {
    let (world, amal, ben, case) = world_with_case().await;
    let other = submit(&world, "post-2", pdq(KNOWN), |_| {}).await;
    amal.post(&world, &format!("{case}/escalate"), &[("reason", "")])
        .await
        .says(422, "Write why, in a sentence or two.");
    let done = amal
        .post(&world, &format!("{case}/escalate"), &[("reason", "Is this satire?")])
        .await;
    assert_eq!(done.leads_to(), format!("/cases/{other}"), "the next of the same queue");
    ben.get(&world, "/desk?queue=escalated")
        .await
        .says(200, "Is this satire?");
    let page = ben.get(&world, &case).await;
    page.says(200, "Is this satire?");
    assert!(!page.body.contains("id=\"escalate\""), "it is there already");
    let again = ben
        .post(&world, &format!("{case}/escalate"), &[("reason", "Me too")])
        .await;
    assert!(
        again
            .cookie("seawall_flash")
            .unwrap()
            .starts_with("problem.same_queue=")
    );
    let released = amal.post(&world, &format!("/cases/{other}/release"), &[]).await;
    assert_eq!(released.leads_to(), "/desk?queue=matches");
    assert_eq!(
        ben.post(&world, "/desk/next", &[("queue", "matches")]).await.leads_to(),
        format!("/cases/{other}")
    );
}

#[tokio::test]
async fn addresses_that_name_nothing_say_so() {
    let (world, amal, _, _) = world_with_case().await;
    for path in [
        "/cases/x",
        "/cases/case_00000000000000000000000000",
        "/item?id=nothing",
        "/item",
        "/banks/x",
        "/entries/x",
        "/media/x/small",
        "/media/med_00000000000000000000000000/original",
        "/settings/x",
    ] {
        amal.get(&world, path).await.says(404, "There is nothing here");
    }
    amal.get(&world, "/desk?cursor=nonsense")
        .await
        .says(400, "This request makes no sense");
    // A queue may have any name; this one is empty.
    amal.get(&world, "/desk?queue=nonsense").await.says(200, "Desk");
    amal.get(&world, "/item?id=post-1").await.says(200, "Matches Open");
}

#[tokio::test]
async fn a_part_that_is_restricted_is_confirmed_or_all_of_it_is_taken_down() {
    let world = World::new().await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    let kim = Person::join(&world, "kim", Role::Admin).await;
    let text = "rule wide { policy: other_terms when: item.kind == \"post\" then: restrict reach 2h, case wide reason: \"it is wide\" \
        owner: \"t\" review: 2030-01-01 mode: live }";
    let new = NewChange {
        files: vec![RuleFile {
            name: "wide.rules".to_owned(),
            text: text.to_owned(),
        }],
        note: "because".to_owned(),
    };
    let change = rules::propose(&world.app, &lee.actor, new).await.unwrap();
    rules::approve(&world.app, &kim.actor, change, "").await.unwrap();
    for (id, measures, kinds) in [
        ("part", vec!["reach"], vec!["restrict reach"]),
        ("whole", vec!["reach", "item"], vec!["restrict reach", "restrict item"]),
        (
            "other",
            vec!["account"],
            vec!["restrict reach", "restrict account", "restore reach"],
        ),
        // A program that says nothing of measures confirms what stands.
        ("unsaid", vec![], vec!["restrict reach"]),
    ] {
        let case = format!("/cases/{}", submit(&world, id, pdq(KNOWN), |_| {}).await);
        let page = amal.get(&world, &case).await;
        page.says(200, "What is done Its reach W");
        page.says(200, "Restrict its reach");
        let mut judgement = vec![
            ("outcome", "restrict"),
            ("policy", "hate_speech"),
            ("reason", "a wave"),
            ("revision", "1"),
            ("then", "stay"),
        ];
        if !measures.is_empty() {
            judgement.extend([("measures", "chosen"), ("lasts_reach", "stands")]);
        }
        judgement.extend(measures.iter().map(|measure| ("measure", *measure)));
        amal.post(&world, &format!("{case}/decide"), &judgement)
            .await
            .leads_to();
        let view = views::item(&world.app, &amal.actor, &id.parse().unwrap()).await;
        let actions = view.unwrap().unwrap().actions;
        let ordered = actions.iter().map(|action| format!("{} {}", action.kind, action.what));
        assert_eq!(ordered.collect::<Vec<_>>(), kinds);
    }
}

#[tokio::test]
async fn what_is_done_is_told_to_the_person_and_what_makes_no_sense_is_said() {
    let (world, amal, _, case) = world_with_case().await;
    amal.post(&world, &format!("{case}/take"), &[]).await;
    let draft = "Your post of";
    let fields = |more: &[(&'static str, &'static str)]| {
        let mut fields = vec![
            ("outcome", "restrict"),
            ("policy", "hate_speech"),
            ("reason", "It calls for harm."),
            ("revision", "1"),
            ("measures", "chosen"),
            ("notice_language", "en"),
            ("then", "stay"),
        ];
        fields.extend(more);
        fields
    };
    let decide = format!("{case}/decide");
    for (more, wrong) in [
        (&[][..], "Tick at least one thing that is done"),
        (
            &[("measure", "label")],
            "The platform does not take one of these measures.",
        ),
        (
            &[("measure", "nonsense")],
            "The platform does not take one of these measures.",
        ),
        (
            &[("measure", "countries"), ("scope_countries", "Germany")],
            "Name countries by their ISO codes",
        ),
        (
            &[("measure", "item"), ("measure", "countries"), ("scope_countries", "DE")],
            "Either everywhere or in some countries",
        ),
        (
            &[("measure", "account"), ("lasts_account", "1000000")],
            "cannot last so long",
        ),
        (
            &[("measure", "termination"), ("lasts_termination", "24")],
            "cannot last so long",
        ),
    ] {
        let page = amal.post(&world, &decide, &fields(more)).await;
        page.says(422, wrong);
    }
    let chosen = [
        ("measure", "countries"),
        ("scope_countries", "fr, de"),
        ("measure", "account"),
        ("lasts_account", "168"),
    ];
    amal.post(&world, &decide, &fields(&chosen)).await.leads_to();
    let page = amal.get(&world, &case).await;
    page.says(200, "Restrict in countries DE FR");
    let view = views::item(&world.app, &amal.actor, &"post-1".parse().unwrap()).await;
    let view = view.unwrap().unwrap();
    let decision = &view.decisions.last().unwrap().decision;
    let told = decision.facts["notice"]["text"].as_str().unwrap();
    for said in [
        draft,
        "no longer available in these countries: DE, FR.",
        "your account was suspended. This lasts until ",
        "Why: It calls for harm.",
    ] {
        assert!(told.contains(said), "{said}: {told}");
    }
    assert!(!told.contains("no longer available."), "{told}");
}

#[tokio::test]
async fn three_keys_decide_and_the_person_is_told_in_their_language() {
    let (world, amal, _, case) = world_with_case().await;
    amal.post(&world, &format!("{case}/take"), &[]).await;
    let page = amal.get(&world, &format!("{case}?notice=fr")).await;
    page.says(200, "En Français".trim_start_matches("En "));
    assert!(page.body.contains("Une personne l’a regardé et a décidé."));
    // What the keys 1, 0 and Enter send: all else is as the page had it.
    let fields = [
        ("outcome", "restrict"),
        ("policy", "terrorist_content"),
        ("purpose", "none"),
        ("reason", ""),
        ("assessment_note", ""),
        ("rabat_intent", ""),
        ("notice_language", "fr"),
        ("notice_terrorist_content", ""),
        ("revision", "1"),
    ];
    let done = amal.post(&world, &format!("{case}/decide"), &fields).await;
    assert_eq!(done.leads_to(), "/desk");
    let item: ItemId = "post-1".parse().unwrap();
    let view = views::item(&world.app, &amal.actor, &item).await.unwrap().unwrap();
    let decision = &view.decisions.last().unwrap().decision;
    assert_eq!(
        decision.reason,
        "It incites to terrorism, instructs, solicits, glorifies or threatens it."
    );
    let notice = Notice::of_facts(&decision.facts).unwrap();
    assert_eq!(notice.language, "fr");
    assert!(notice.text.contains("Cela incite au terrorisme"), "{}", notice.text);
    assert!(!notice.text.contains("amal"), "who decided is not told");
}

#[tokio::test]
async fn what_is_written_is_what_the_person_is_told() {
    let (world, amal, _, case) = world_with_case().await;
    let fields = [
        ("outcome", "restrict"),
        ("policy", "terrorist_content"),
        ("purpose", "journalism"),
        ("assessment_note", ""),
        ("reason", "A film of the group."),
        ("rabat_intent", "5"),
        ("notice_language", "en"),
        (
            "notice_terrorist_content",
            "We took your post down.\r\nObject if you like.",
        ),
        ("revision", "1"),
    ];
    let decide = format!("{case}/decide");
    let page = amal.post(&world, &decide, &fields).await;
    page.says(422, "Say why it is restricted all the same, or let it be.");
    assert!(
        page.body
            .contains("We took your post down.\nObject if you like.</textarea>"),
        "what was typed is kept"
    );
    assert!(page.body.contains("<option value=\"5\" selected>5</option>"));
    let mut fields = fields;
    fields[3] = ("assessment_note", "The report is made up.");
    let mut off = fields;
    off[5] = ("rabat_intent", "9");
    amal.post(&world, &decide, &off)
        .await
        .says(422, "A factor is weighed from 1 to 5.");
    assert_eq!(amal.post(&world, &decide, &fields).await.leads_to(), "/desk");
    let item: ItemId = "post-1".parse().unwrap();
    let view = views::item(&world.app, &amal.actor, &item).await.unwrap().unwrap();
    let facts = &view.decisions.last().unwrap().decision.facts;
    assert_eq!(
        Notice::of_facts(facts).unwrap().text,
        "We took your post down.\nObject if you like."
    );
    let assessment = Assessment::of_facts(facts).unwrap();
    assert_eq!(
        (assessment.purpose, assessment.rabat),
        (Purpose::Journalism, vec![(RabatFactor::Intent, 5)])
    );
}

#[tokio::test]
async fn a_case_is_commented_on_and_its_text_translated() {
    let (world, amal, ben, _) = world_with_case().await;
    let case = submit(&world, "post-2", pdq(KNOWN), |post| {
        post.text = Some("ujumbe".to_owned())
    })
    .await;
    let case = format!("/cases/{case}");
    let page = amal.get(&world, &case).await;
    page.says(200, "Nobody has written anything.");
    let wrong = amal
        .post(&world, &format!("{case}/comments"), &[("comment", " ")])
        .await;
    wrong.says(422, "Not accepted: must be 1 to 2000 characters");
    let sent = [("comment", "<b>Our</b> own channel, I think")];
    let done = amal.post(&world, &format!("{case}/comments"), &sent).await;
    assert_eq!(done.leads_to(), format!("{case}#comments"));
    let page = ben.get(&world, &case).await;
    page.says(200, "own channel, I think");
    assert!(
        !page.body.contains("<b>Our</b>") && !page.body.contains("take-back"),
        "escaped, and not ben's"
    );
    let page = amal.get(&world, &case).await;
    let take_back = page
        .body
        .split("action=\"")
        .find(|rest| rest.contains("/take-back\""))
        .unwrap();
    let take_back = take_back.split('"').next().unwrap();
    ben.post(&world, take_back, &[]).await.says(404, "");
    amal.post(&world, take_back, &[]).await.leads_to();
    ben.get(&world, &case).await.says(200, "Taken back.");

    let fields = [
        ("revision", "1"),
        ("translation-language", "fr"),
        ("translation-text", "<i>un message</i>"),
        ("do", "keep"),
    ];
    let address = format!("{case}/translation");
    assert_eq!(amal.post(&world, &address, &fields).await.leads_to(), case);
    let page = ben.get(&world, &case).await;
    page.says(200, "In fr");
    page.says(200, "un message");
    assert!(!page.body.contains("<i>un"));
    ben.get(&world, "/item?id=post-2").await.says(200, "un message");
    let wrong = [
        ("revision", "1"),
        ("translation-language", "f r"),
        ("translation-text", "x"),
    ];
    amal.post(&world, &address, &wrong)
        .await
        .says(422, "must be a language tag");
    let late = [
        ("revision", "2"),
        ("translation-language", "de"),
        ("translation-text", "x"),
    ];
    assert_eq!(amal.post(&world, &address, &late).await.leads_to(), case);
    let gone = [("revision", "1"), ("translation-language", "fr"), ("do", "remove")];
    amal.post(&world, &address, &gone).await.leads_to();
    assert!(!ben.get(&world, &case).await.body.contains("un message"));
}

#[tokio::test]
async fn a_draft_of_measures_that_were_changed_is_nobodys_own_words() {
    let (world, amal, _, case) = world_with_case().await;
    let decide = format!("{case}/decide");
    let fixed = [
        ("outcome", "restrict"),
        ("policy", "hate_speech"),
        ("reason", ""),
        ("revision", "1"),
        ("measures", "chosen"),
        ("notice_language", "en"),
    ];
    // The form comes back, with a draft of what was chosen, because something else was wrong.
    let mut first = fixed.to_vec();
    first.extend([
        ("measure", "reach"),
        ("measure", "countries"),
        ("scope_countries", "Germany"),
    ]);
    let page = amal.post(&world, &decide, &first).await;
    page.says(422, "Name countries by their ISO codes");
    let mut second = fixed.to_vec();
    second[3] = ("revision", "2");
    second.extend([("measure", "reach")]);
    let page = amal.post(&world, &decide, &second).await;
    assert_eq!(page.status.as_u16(), 422);
    let field = |name: &str, from: &str, to: &str| {
        let (_, rest) = page.body.split_once(&format!("name=\"{name}\"")).unwrap();
        let (_, rest) = rest.split_once(from).unwrap();
        rest.split(to).next().unwrap().to_owned()
    };
    let drafted = field("notice_hate_speech", "\">", "</textarea>");
    assert!(drafted.contains("fewer people"), "{drafted}");
    let drafted = drafted
        .replace("&#39;", "'")
        .replace("&#34;", "\"")
        .replace('\n', "\r\n");
    let mark = field("drafted_hate_speech", "value=\"", "\"");
    // Then other measures are chosen, twice; what stands in the field is of the first choice.
    let mut last = fixed.to_vec();
    last.extend([
        ("measure", "comments"),
        ("notice_hate_speech", drafted.as_str()),
        ("drafted_hate_speech", mark.as_str()),
    ]);
    amal.post(&world, &decide, &last).await.leads_to();
    let view = views::item(&world.app, &amal.actor, &"post-1".parse().unwrap()).await;
    let view = view.unwrap().unwrap();
    let told = view.decisions.last().unwrap().decision.facts["notice"]["text"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(!told.contains("fewer people"), "{told}");
    assert!(told.contains("omment"), "{told}");
}
