//! What waits for a second person, through the API: who sees it, who says yes or no, and who never does.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use expect_test::expect;
use moderation::access::secrets;
use moderation::flows::access::{self, Proof};
use moderation::flows::proposals::{Chosen, Settled, decide_or_propose, decide_together};
use moderation::model::{
    Actor, CaseId, Clock, Judgement, Notice, PolicyCode, QueueSet, Role, Scope, TwoPersonSettings,
};
use moderation::{DeskSettings, Settings};
use serde_json::{Value, json};

use crate::world::{Answer, KNOWN, World, pdq};

const PASSWORD: &str = "three quiet harbour lights";
const SCOPES: &[Scope] = &[Scope::CasesRead, Scope::ProposalsDecide];

/// A server where nobody restricts as hate speech alone, and decisions can be undone for a minute.
async fn with_two() -> World {
    World::new().await.changed(|app| {
        app.settings = Arc::new(Settings {
            two_person: TwoPersonSettings {
                policies: vec![PolicyCode::HateSpeech],
                ..TwoPersonSettings::default()
            },
            desk: DeskSettings {
                undo: Duration::from_secs(60),
                ..DeskSettings::default()
            },
            ..Settings::default()
        });
    })
}

/// Somebody with a token: who they are, signed in, and the token's secret.
async fn join(world: &World, name: &str, role: Role, scopes: &[Scope]) -> (Actor, String) {
    let invite = access::invite_user(&world.app, &Actor::Operator, name, role.into())
        .await
        .unwrap();
    let view = access::open_invite(&world.app, &invite.token).await.unwrap();
    let code = secrets::totp_code(&view.totp_secret_base32, world.clock.now()).unwrap();
    let signed_in = access::accept_invite(&world.app, &invite.token, PASSWORD, &code)
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(60));
    let code = secrets::totp_code(&view.totp_secret_base32, world.clock.now()).unwrap();
    let proof = Proof::Typed {
        password: PASSWORD,
        code: &code,
    };
    let lifetime = Duration::from_secs(24 * 3_600);
    let token = access::create_token(&world.app, &signed_in.session, &proof, "script", scopes, lifetime)
        .await
        .unwrap();
    (access::actor_of(&signed_in.session.user), token.secret)
}

async fn cases(world: &World, n: usize) -> Vec<(String, CaseId)> {
    let key = world.key(&[Scope::ItemsWrite]).await;
    world.entry(world.bank("unsure", false).await, pdq(KNOWN)).await;
    let mut made = Vec::new();
    for at in 0..n {
        let id = format!("post-{at}");
        let media = json!([{"name": "a", "signals": [{"type": "pdq", "value": KNOWN}]}]);
        let body = json!({"id": id, "kind": "post", "text": "a harbour", "media": media});
        let answer = world.post(&key, "/api/v1/items", body).await;
        made.push((id, answer.text("case").parse().unwrap()));
    }
    made
}

fn hate() -> Judgement {
    Judgement::restrict(1, PolicyCode::HateSpeech, "It calls for hatred.")
}

async fn propose(world: &World, who: &Actor, case: CaseId) -> String {
    match decide_or_propose(&world.app, who, case, None, hate()).await.unwrap() {
        Settled::Proposed(id) => id.to_string(),
        Settled::Decided(id) => panic!("{id} was decided alone"),
    }
}

async fn propose_together(world: &World, who: &Actor, cases: &[(String, CaseId)]) -> String {
    let chosen = cases.iter().map(|(id, _)| Chosen {
        item: id.parse().unwrap(),
        revision: 1,
        seen: None,
        notice: Some(Notice {
            language: "en".to_owned(),
            text: format!("Your post {id} is no longer available."),
        }),
    });
    let together = decide_together(&world.app, who, chosen.collect(), hate())
        .await
        .unwrap();
    together.id.to_string()
}

async fn say(world: &World, token: &str, id: &str, body: Value) -> Answer {
    world
        .json(Method::POST, token, &format!("/api/v1/proposals/{id}/decision"), body)
        .await
}

fn states(answer: &Answer) -> Vec<String> {
    let items = answer.json()["items"].as_array().unwrap().clone();
    items
        .iter()
        .map(|item| item["state"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_persons_program_approves_what_a_colleague_proposed() {
    let world = with_two().await;
    let (amal, of_amal) = join(&world, "amal", Role::Moderator, SCOPES).await;
    let (_, of_ben) = join(&world, "ben", Role::Lead, SCOPES).await;
    let made = cases(&world, 3).await;
    let id = propose_together(&world, &amal, &made).await;

    let listed = world.get(&of_ben, "/api/v1/proposals?state=waiting").await;
    assert_eq!(listed.json()["rows"][0]["id"], json!(id), "{}", listed.body);
    assert_eq!(
        world.get(&of_ben, "/api/v1/proposals?state=approved").await.json()["rows"],
        json!([])
    );
    let path = format!("/api/v1/proposals/{id}");
    let (seen_by_ben, seen_by_amal) = (world.get(&of_ben, &path).await, world.get(&of_amal, &path).await);
    assert_eq!(seen_by_ben.json()["may_end"], json!(true));
    assert_eq!(
        (&seen_by_amal.json()["may_end"], &seen_by_amal.json()["own"]),
        (&json!(false), &json!(true))
    );
    assert!(
        !seen_by_ben.body.contains(&amal.to_string()),
        "who proposed it is not told"
    );
    assert_eq!(seen_by_ben.json()["judgement"]["policy"], "hate_speech");
    assert_eq!(
        seen_by_ben.json()["items"][2]["notice"]["text"],
        "Your post post-2 is no longer available."
    );

    // What is misspelt is not approved by mistake.
    let wrong = say(
        &world,
        &of_ben,
        &id,
        json!({"decision": "approve", "leave_out": ["post-1", "post-11"]}),
    )
    .await;
    assert_eq!(wrong.problem(), "422 invalid-field leave_out[1]");
    let all = json!({"decision": "approve", "leave_out": ["post-0", "post-1", "post-2"]});
    assert_eq!(
        say(&world, &of_ben, &id, all).await.problem(),
        "422 invalid-field leave_out"
    );
    let done = say(
        &world,
        &of_ben,
        &id,
        json!({"decision": "approve", "leave_out": ["post-1"], "note": "but one"}),
    )
    .await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    assert_eq!(
        (&done.json()["state"], &done.json()["note"]),
        (&json!("approved"), &json!("but one"))
    );
    assert_eq!(states(&done), ["decided", "excluded", "decided"]);
    let again = say(&world, &of_ben, &id, json!({"decision": "reject", "note": "no"})).await;
    assert_eq!(again.problem(), "409 conflict");

    // The log says which token of which person it was.
    let key = world.key(&[Scope::EventsRead]).await;
    let events = world.get(&key, "/api/v1/events?limit=200").await.json();
    let rows = events["rows"].as_array().unwrap();
    let approved = rows.iter().find(|row| row["kind"] == "proposal.approved").unwrap();
    assert!(approved.to_string().contains("key_"), "{approved}");

    // Who approved it takes all of it back.
    let undone = say(&world, &of_ben, &id, json!({"decision": "undo"})).await;
    assert_eq!(states(&undone), ["undone", "excluded", "undone"], "{}", undone.body);
}

#[tokio::test]
async fn nobody_is_their_own_second_person_through_a_program() {
    let world = with_two().await;
    let (lead, token) = join(&world, "lead", Role::Lead, SCOPES).await;
    let made = cases(&world, 1).await;
    let id = propose(&world, &lead, made[0].1).await;
    for decision in ["approve", "reject"] {
        let refused = say(&world, &token, &id, json!({"decision": decision, "note": "mine"})).await;
        refused.check(expect![[r#"
            409 Conflict
            {
              "detail": "Whoever proposed something cannot be its second person.",
              "remedy": "Have somebody else say yes or no to it, or withdraw it.",
              "status": 409,
              "title": "The request contradicts what there is",
              "type": "/problems/conflict"
            }
        "#]]);
    }
    let (_, other) = join(&world, "other", Role::Lead, SCOPES).await;
    let not_theirs = say(&world, &other, &id, json!({"decision": "withdraw"})).await;
    assert_eq!(not_theirs.problem(), "409 conflict");
    let taken_back = say(&world, &token, &id, json!({"decision": "withdraw"})).await;
    assert_eq!(taken_back.json()["state"], "withdrawn", "{}", taken_back.body);
    assert_eq!(states(&taken_back), ["dropped"]);
}

#[tokio::test]
async fn only_a_persons_token_with_the_scope_says_yes_or_no() {
    let world = with_two().await;
    let (amal, _) = join(&world, "amal", Role::Moderator, SCOPES).await;
    let made = cases(&world, 1).await;
    let id = propose(&world, &amal, made[0].1).await;
    let yes = || json!({"decision": "approve"});

    // A program's key opens it with no scope at all, and cannot have the one that does.
    let full = world.full_key().await;
    assert_eq!(say(&world, &full, &id, yes()).await.problem(), "403 forbidden");
    let refused = access::create_key(&world.app, &Actor::Operator, "robot", vec![Scope::ProposalsDecide]).await;
    assert!(refused.is_err());

    let (_, reads) = join(&world, "reads", Role::Lead, &[Scope::CasesRead]).await;
    assert_eq!(say(&world, &reads, &id, yes()).await.problem(), "403 forbidden");
    let (_, blind) = join(&world, "blind", Role::Lead, &[Scope::ProposalsDecide]).await;
    assert_eq!(say(&world, &blind, &id, yes()).await.problem(), "403 forbidden");
    let (_, moderator) = join(&world, "mod", Role::Moderator, SCOPES).await;
    assert_eq!(say(&world, &moderator, &id, yes()).await.problem(), "403 forbidden");
    let (_, lead) = join(&world, "lead", Role::Lead, SCOPES).await;
    let no_reason = say(&world, &lead, &id, json!({"decision": "reject"})).await;
    assert_eq!(no_reason.problem(), "422 invalid-field note");
    let no_sense = say(
        &world,
        &lead,
        &id,
        json!({"decision": "reject", "note": "x", "leave_out": ["post-0"]}),
    )
    .await;
    assert_eq!(no_sense.problem(), "422 invalid-field leave_out");
    let rejected = say(
        &world,
        &lead,
        &id,
        json!({"decision": "reject", "note": "It is satire."}),
    )
    .await;
    assert_eq!(rejected.json()["state"], "rejected", "{}", rejected.body);
}

#[tokio::test]
async fn what_lies_in_other_queues_is_not_there() {
    let world = with_two().await;
    let (amal, _) = join(&world, "amal", Role::Moderator, SCOPES).await;
    let (lead, token) = join(&world, "lead", Role::Lead, SCOPES).await;
    let made = cases(&world, 1).await;
    let id = propose(&world, &amal, made[0].1).await;
    let queues: QueueSet = "reported".parse().unwrap();
    access::change_queues(&world.app, &Actor::Operator, lead.user().unwrap(), queues)
        .await
        .unwrap();
    assert_eq!(world.get(&token, "/api/v1/proposals").await.json()["rows"], json!([]));
    let path = format!("/api/v1/proposals/{id}");
    assert_eq!(world.get(&token, &path).await.problem(), "404 not-found");
    for decision in ["approve", "reject", "withdraw", "undo"] {
        let answer = say(&world, &token, &id, json!({"decision": decision, "note": "x"})).await;
        assert_eq!(answer.problem(), "404 not-found", "{decision}");
    }
    // A list is whole by pages, and a cursor is one of its own.
    let key = world.key(&[Scope::CasesRead]).await;
    assert_eq!(
        world.get(&key, "/api/v1/proposals?limit=1").await.json()["rows"][0]["own"],
        json!(false)
    );
    assert_eq!(
        world.get(&key, "/api/v1/proposals?cursor=x").await.problem(),
        "422 invalid-field cursor"
    );
}

#[tokio::test]
async fn what_waits_for_a_second_person_is_measured() {
    let world = with_two().await;
    let (amal, _) = join(&world, "amal", Role::Moderator, SCOPES).await;
    let made = cases(&world, 2).await;
    let gauge = async |name: &str| {
        let text = world.get("", "/metrics").await.body;
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(gauge("seawall_proposals_waiting").await, "0");
    for (_, case) in made {
        propose(&world, &amal, case).await;
        world.clock.advance(Duration::from_secs(30));
    }
    assert_eq!(gauge("seawall_proposals_waiting").await, "2");
    assert_eq!(gauge("seawall_oldest_waiting_proposal_seconds").await, "60");
}
