//! Several measures in one decision: each ordered once in its own words, ended at its time, lifted when it is not named any more, shared by the items of an account.

use std::sync::Arc;
use std::time::Duration;

use moderation::flows::cases::{CaseError, decide_case, open_case, undo_decision};
use moderation::flows::rules::end_restrictions;
use moderation::model::{
    Assessment, CaseId, DecisionId, Judgement, Lasts, Measure, MeasureSettings, Outcome, PolicyCode, Restricted,
    Stands, TwoPersonSettings,
};
use moderation::{DeskSettings, Settings, views};

use super::world::{World, hash_of};

pub const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The same world, whose platform has labels and services, and where decisions can be undone.
pub fn with_measures(mut world: World) -> World {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    world.app.settings = Arc::new(Settings {
        desk: DeskSettings::default(),
        measures: MeasureSettings {
            labels: words(&["graphic", "context"]),
            services: words(&["live", "upload"]),
            ..MeasureSettings::default()
        },
        // Who has to agree is another story: see `proposals`.
        two_person: TwoPersonSettings {
            measures: Vec::new(),
            ..TwoPersonSettings::default()
        },
        ..(*world.app.settings).clone()
    });
    world
}

pub async fn case_of(world: &World, item: &str) -> CaseId {
    let banks = views::bank_by_name(&world.app, &world.admin, "unsure").await.unwrap();
    if banks.is_none() {
        let bank = world.bank("unsure", false).await;
        world.entry(bank, hash_of(2)).await;
    }
    world.submit(item, hash_of(2)).await.case.unwrap()
}

pub async fn again(world: &World, item: &str) -> CaseId {
    open_case(&world.app, &world.moderator, &item.parse().unwrap(), "look again")
        .await
        .unwrap()
}

pub fn judgement(outcome: Outcome, measures: &[Measure]) -> Judgement {
    Judgement {
        revision: 1,
        outcome,
        policy: (outcome == Outcome::Restrict).then_some(PolicyCode::HateSpeech),
        measures: measures.to_vec(),
        reason: "because".to_owned(),
        assessment: Some(Assessment::no_purpose()),
        notice: None,
    }
}

pub async fn restrict(world: &World, case: CaseId, measures: &[Measure]) -> DecisionId {
    let judgement = judgement(Outcome::Restrict, measures);
    decide_case(&world.app, &world.moderator, case, judgement)
        .await
        .unwrap()
}

pub async fn allow(world: &World, case: CaseId) -> DecisionId {
    decide_case(&world.app, &world.moderator, case, judgement(Outcome::Allow, &[]))
        .await
        .unwrap()
}

/// What the platform heard about an item since `from`: the words of the orders, with what they say beside.
pub async fn heard(world: &World, item: &str, from: usize) -> Vec<String> {
    world.clock.advance(Duration::from_secs(20));
    world.deliver().await;
    let heard = world.platform.heard().into_iter().filter(|heard| heard.item == item);
    let said = heard.skip(from).map(|heard| {
        let body: serde_json::Value = serde_json::from_str(&heard.body).unwrap();
        let scope = ["countries", "label", "service"].map(|name| body.get(name));
        let scope: String = scope.iter().flatten().map(|scope| format!(" {scope}")).collect();
        let until = if body["until"].is_null() { "" } else { " until" };
        format!("{}{scope}{until}", heard.kind)
    });
    said.collect()
}

pub async fn stands(world: &World, case: CaseId) -> Vec<Stands> {
    let view = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    view.stands
}

pub fn open(what: Restricted) -> Measure {
    Measure::new(what, Lasts::Open)
}

pub fn scoped(what: Restricted, scope: &str) -> Measure {
    Measure::scoped(what, scope, Lasts::Open)
}

pub async fn a_decision_says_all_that_shall_be_so(world: World) {
    let world = with_measures(world);
    let case = case_of(&world, "a").await;
    let suspended = Measure::new(Restricted::Account, Lasts::For(DAY * 7));
    let measures = [
        suspended.clone(),
        scoped(Restricted::Countries, "fr de"),
        scoped(Restricted::Label, "graphic"),
        open(Restricted::Warning),
        scoped(Restricted::Service, "live"),
    ];
    restrict(&world, case, &measures).await;
    let first = [
        "add_label \"graphic\"",
        "restrict_account until",
        "restrict_countries [\"DE\",\"FR\"]",
        "restrict_service \"live\"",
        "warn_account",
    ];
    let mut told = heard(&world, "a", 0).await;
    told.sort();
    assert_eq!(told, first);

    // The account stays suspended until its time, one label gives way to another, the countries are others; all else is lifted.
    let case = again(&world, "a").await;
    let kept = Measure::new(Restricted::Account, Lasts::AsItStands);
    let measures = [
        kept,
        scoped(Restricted::Label, "context"),
        scoped(Restricted::Countries, "at"),
    ];
    restrict(&world, case, &measures).await;
    let mut second = heard(&world, "a", first.len()).await;
    second.sort();
    let expected = [
        "add_label \"context\"",
        "remove_label \"graphic\"",
        "restore_service \"live\"",
        "restrict_countries [\"AT\"]",
    ];
    assert_eq!(second, expected, "a warning is taken back with what it warned of alone");
    let order = world.platform.kinds_for("a");
    let place = |kind: &str| order.iter().rposition(|heard| heard == kind).unwrap();
    assert!(place("remove_label") < place("add_label"), "{order:?}");
    let now: Vec<Restricted> = stands(&world, case).await.iter().map(|stands| stands.what).collect();
    assert_eq!(now.len(), 4, "{now:?}");

    // A longer time is told anew; the same again is not.
    let n = first.len() + expected.len();
    let case = again(&world, "a").await;
    restrict(&world, case, &[Measure::new(Restricted::Account, Lasts::For(DAY * 30))]).await;
    let told = heard(&world, "a", n).await;
    assert_eq!(
        told.iter().filter(|said| *said == "restrict_account until").count(),
        1,
        "{told:?}"
    );
    let case = again(&world, "a").await;
    restrict(&world, case, &[]).await;
    assert_eq!(heard(&world, "a", n + told.len()).await, Vec::<String>::new());
    let case = again(&world, "a").await;
    allow(&world, case).await;
    let mut freed = heard(&world, "a", n + told.len()).await;
    freed.sort();
    assert_eq!(freed, ["restore_account", "withdraw_warning"]);
    assert_eq!(stands(&world, case).await, []);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_suspension_ends_by_itself_and_its_strike_stays(world: World) {
    let world = with_measures(world);
    let case = case_of(&world, "a").await;
    restrict(&world, case, &[Measure::new(Restricted::Account, Lasts::For(DAY * 7))]).await;
    assert_eq!(heard(&world, "a", 0).await, ["restrict_account until"]);
    world.clock.advance(DAY * 6);
    end_restrictions(&world.app).await.unwrap();
    assert_eq!(heard(&world, "a", 1).await, Vec::<String>::new());
    world.clock.advance(DAY);
    end_restrictions(&world.app).await.unwrap();
    end_restrictions(&world.app).await.unwrap();
    assert_eq!(heard(&world, "a", 1).await, ["restore_account"]);

    let view = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    let last = &view.decisions.last().unwrap().decision;
    assert_eq!(last.outcome, Outcome::Allow);
    assert!(!last.is_of_a_person(), "nobody took it back");
    assert!(
        !last.author.to_string().contains("usr_"),
        "a person is not named where a rule stands"
    );
    let past = views::account_history(&world.app, &world.moderator, "account-7").await;
    let past = past.unwrap();
    assert_eq!((past.weight, past.n_restricted, past.n_reversed), (2, 1, 0));
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn what_is_undone_puts_measures_and_their_ends_back(world: World) {
    let world = with_measures(world);
    let case = case_of(&world, "a").await;
    let measures = [
        Measure::new(Restricted::Account, Lasts::For(DAY * 7)),
        open(Restricted::Age),
    ];
    restrict(&world, case, &measures).await;
    assert_eq!(heard(&world, "a", 0).await.len(), 2);
    let before = stands(&world, case).await;

    let case = again(&world, "a").await;
    let measures = [
        Measure::new(Restricted::Account, Lasts::For(DAY * 90)),
        Measure::new(Restricted::Monetisation, Lasts::For(DAY)),
    ];
    let decision = restrict(&world, case, &measures).await;
    assert_ne!(stands(&world, case).await, before);
    undo_decision(&world.app, &world.moderator, case, decision)
        .await
        .unwrap();
    assert_eq!(stands(&world, case).await, before);
    assert_eq!(heard(&world, "a", 2).await, Vec::<String>::new());
    let view = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    let restricted = view.decisions.last().unwrap().decision.restricted();
    assert_eq!(restricted, [Restricted::Age, Restricted::Account]);

    // The end is the old one, and nothing is left of the one that was undone.
    world.clock.advance(DAY * 2);
    end_restrictions(&world.app).await.unwrap();
    assert_eq!(stands(&world, case).await, before);
    world.clock.advance(DAY * 6);
    end_restrictions(&world.app).await.unwrap();
    assert_eq!(heard(&world, "a", 2).await, ["restore_account"]);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn an_account_is_freed_with_the_last_item_that_restricts_it_so(world: World) {
    let world = with_measures(world);
    for (item, service) in [("a", "live"), ("b", "live"), ("c", "upload")] {
        let case = case_of(&world, item).await;
        let measures = [
            scoped(Restricted::Service, service),
            open(Restricted::Warning),
            open(Restricted::Termination),
        ];
        restrict(&world, case, &measures).await;
        assert_eq!(heard(&world, item, 0).await.len(), 3);
    }
    // Each warning is its own; `live` is closed by the second item still, the account by two others.
    let of_a = again(&world, "a").await;
    let decision = allow(&world, of_a).await;
    undo_decision(&world.app, &world.moderator, of_a, decision)
        .await
        .unwrap();
    assert_eq!(heard(&world, "a", 3).await, Vec::<String>::new());
    allow(&world, of_a).await;
    assert_eq!(heard(&world, "a", 3).await, ["withdraw_warning"]);

    let of_c = again(&world, "c").await;
    allow(&world, of_c).await;
    let mut freed = heard(&world, "c", 3).await;
    freed.sort();
    assert_eq!(freed, ["restore_service \"upload\"", "withdraw_warning"]);

    let of_b = again(&world, "b").await;
    allow(&world, of_b).await;
    let mut freed = heard(&world, "b", 3).await;
    freed.sort();
    let expected = ["reinstate_account", "restore_service \"live\"", "withdraw_warning"];
    assert_eq!(freed, expected);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn what_the_platform_cannot_do_is_not_decided(mut world: World) {
    let case = case_of(&world, "a").await;
    let offered = vec![Restricted::Item, Restricted::Account];
    world.app.settings = Arc::new(Settings {
        measures: MeasureSettings {
            offered,
            ..MeasureSettings::default()
        },
        ..(*world.app.settings).clone()
    });
    for measures in [
        vec![open(Restricted::Age)],
        vec![open(Restricted::Item), open(Restricted::Item)],
        vec![scoped(Restricted::Label, "graphic")],
        vec![Measure::new(Restricted::Account, Lasts::For(Duration::from_secs(1)))],
    ] {
        let judgement = judgement(Outcome::Restrict, &measures);
        let refused = decide_case(&world.app, &world.moderator, case, judgement).await;
        assert!(
            matches!(refused, Err(CaseError::Invalid { field: "measures", .. })),
            "{measures:?}: {refused:?}"
        );
    }
    let view = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    assert_eq!((view.actions.len(), view.decisions.len()), (0, 1));
    restrict(&world, case, &[open(Restricted::Item), open(Restricted::Account)]).await;
    assert_eq!(heard(&world, "a", 0).await, ["restrict", "restrict_account"]);
}

pub async fn a_confirm_goes_on_with_what_has_not_ended(world: World) {
    let world = with_measures(world);
    let case = case_of(&world, "a").await;
    let measures = [
        Measure::new(Restricted::Account, Lasts::For(DAY * 7)),
        open(Restricted::Age),
    ];
    restrict(&world, case, &measures).await;
    assert_eq!(heard(&world, "a", 0).await.len(), 2);

    // Its time is over, and nobody ended it yet. Who confirms what stands, or names it, is not kept waiting for that.
    world.clock.advance(DAY * 7);
    let case = again(&world, "a").await;
    let decision = restrict(&world, case, &[]).await;
    let view = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    let decided = view.decisions.iter().find(|view| view.decision.id == decision).unwrap();
    assert_eq!(decided.decision.restricted(), [Restricted::Age]);
    end_restrictions(&world.app).await.unwrap();
    assert_eq!(heard(&world, "a", 2).await, ["restore_account"]);

    let case = again(&world, "a").await;
    let measures = [Measure::new(Restricted::Reach, Lasts::For(DAY)), open(Restricted::Age)];
    restrict(&world, case, &measures).await;
    world.clock.advance(DAY);
    let case = again(&world, "a").await;
    let left = [
        Measure::new(Restricted::Reach, Lasts::AsItStands),
        Measure::new(Restricted::Age, Lasts::AsItStands),
    ];
    restrict(&world, case, &left).await;
    end_restrictions(&world.app).await.unwrap();
    let standing: Vec<Restricted> = stands(&world, case).await.iter().map(|stands| stands.what).collect();
    assert_eq!(standing, [Restricted::Age]);

    // Where nothing is left, nothing is confirmed: it would begin anew.
    let case = case_of(&world, "b").await;
    restrict(&world, case, &[Measure::new(Restricted::Reach, Lasts::For(DAY))]).await;
    world.clock.advance(DAY);
    let case = again(&world, "b").await;
    let refused = decide_case(&world.app, &world.moderator, case, judgement(Outcome::Restrict, &[])).await;
    assert!(
        matches!(refused, Err(CaseError::Invalid { field: "measures", .. })),
        "{refused:?}"
    );
    world.clock.advance(Duration::from_secs(20));
    world.deliver().await;
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_restore_that_failed_is_looked_at_again(world: World) {
    let world = with_measures(world);
    let case = case_of(&world, "a").await;
    restrict(&world, case, &[open(Restricted::Account)]).await;
    assert_eq!(heard(&world, "a", 0).await, ["restrict_account"]);
    let case = again(&world, "a").await;
    allow(&world, case).await;
    // It fails again and again, so that a while passes until it is tried once more.
    for _ in 0..7 {
        world.platform.will_answer(503, "");
        world.clock.advance(Duration::from_secs(60));
        world.deliver().await;
    }
    let tried = world.platform.heard();
    let n_tried = tried.iter().filter(|heard| heard.kind == "restore_account").count();
    assert!(n_tried > 4, "{n_tried}");

    // Meanwhile another item restricts the account: what was decided there holds.
    let other = case_of(&world, "b").await;
    restrict(&world, other, &[open(Restricted::Account)]).await;
    assert_eq!(heard(&world, "b", 0).await, ["restrict_account"]);
    world.clock.advance(Duration::from_secs(120));
    assert_eq!(
        heard(&world, "a", 1 + n_tried).await,
        Vec::<String>::new(),
        "not told again"
    );
    let view = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    let states: Vec<&str> = view.actions.iter().map(|action| action.state.as_str()).collect();
    assert!(states.contains(&"withdrawn"), "{states:?}");
    assert_eq!(stands(&world, case).await, []);

    // The last item that lets go frees it.
    let other = again(&world, "b").await;
    allow(&world, other).await;
    assert_eq!(heard(&world, "b", 1).await, ["restore_account"]);
    assert_eq!(world.faults().await, Vec::<String>::new());
}
