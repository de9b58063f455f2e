//! What people may, by their roles, and what they reach, by their queues.

use moderation::flows::access::{self, AccessError, change_queues, end_all_sessions};
use moderation::flows::banks::{self, BankError};
use moderation::flows::cases::{self, CaseError};
use moderation::flows::comments;
use moderation::flows::leases;
use moderation::flows::proposals::{self, ProposalError};
use moderation::flows::quality::{self, QualityError};
use moderation::flows::reveal::{self, ClearPicture};
use moderation::flows::rules::{self, NewChange, RulesError};
use moderation::flows::shifts::{self, ShiftError};
use moderation::flows::submit::{self, SubmitError};
use moderation::flows::turn;
use moderation::flows::wishes::{WishError, set_wishes};
use moderation::flows::{actions, actions::ActionError};
use moderation::model::{
    ActionId, Actor, CaseId, Chance, ChangeId, CommentId, EntryId, ItemId, Judgement, KeyId, MediaId, NewBank, Outcome,
    PageRequest, ProposalId, Queue, QueueSet, ReviewId, Right, Role, Scope, Timestamp, Token, UserId,
};
use moderation::quality::reviews::Answer;
use moderation::quality::strata::Stratum;
use moderation::routing::Skills;
use moderation::views::{self, CaseFilter, ViewError};

use super::world::{World, given, hash_of, item};

const ALLOWED: Answer = Answer {
    outcome: Outcome::Allow,
    policy: None,
};

fn unseen<T>(result: &Result<T, ViewError>) -> bool {
    matches!(result, Err(ViewError::Denied(_)))
}

/// Role by role, each flow and view refuses exactly those whose roles lack its right.
pub async fn every_flow_asks_for_its_right(world: World) {
    let app = &world.app;
    let at = Timestamp::from_unix_ms(5);
    let chance = Chance::seeded(5);
    let (case, change) = (CaseId::fresh(at, &chance), ChangeId::fresh(at, &chance));
    let (action, media) = (ActionId::fresh(at, &chance), MediaId::fresh(at, &chance));
    let (user, entry) = (UserId::fresh(at, &chance), EntryId::fresh(at, &chance));
    let review = ReviewId::fresh(at, &chance);
    let proposal = ProposalId::fresh(at, &chance);
    let note = CommentId::fresh(at, &chance);
    let page = PageRequest::first();
    for role in Role::ALL {
        let who = &Actor::person(user, role.into());
        let new_bank = || NewBank {
            name: String::new(),
            description: String::new(),
            confirmed: false,
        };
        let new_change = || NewChange {
            files: Vec::new(),
            note: String::new(),
        };
        let new_item = item("probe", vec![given(hash_of(3))]);
        let judgement = Judgement::allow(1, "why");
        let rules_denied = |result: Result<(), RulesError>| matches!(result, Err(RulesError::Denied(_)));
        let case_denied = |error: Option<CaseError>| matches!(error, Some(CaseError::Denied(_)));
        let proposal_denied = |error: Option<ProposalError>| matches!(error, Some(ProposalError::Denied(_)));
        let quality_denied = |error: Option<QualityError>| matches!(error, Some(QualityError::Denied(_)));
        let access_denied = |error: Option<AccessError>| matches!(error, Some(AccessError::Denied(_)));
        let denied = [
            (Right::ReadItems, unseen(&views::list_items(app, who, &page).await)),
            (Right::ReadItems, unseen(&views::list_decisions(app, who, &page).await)),
            (
                Right::ReadItems,
                unseen(&views::list_actions(app, who, None, &page).await),
            ),
            (
                Right::ReadItems,
                unseen(&views::list_streams(app, who, None, &page).await),
            ),
            (
                Right::ReadItems,
                moderation::flows::scans::running_scans(app, who, None).is_err(),
            ),
            (Right::ReadCases, unseen(&views::desk(app, who).await)),
            (Right::ReadCases, unseen(&views::case(app, who, case).await)),
            (
                Right::ReadCases,
                unseen(&views::list_cases(app, who, CaseFilter::default(), &page).await),
            ),
            (
                Right::ReadCases,
                unseen(&views::blurred_media_preview(app, who, media).await),
            ),
            (
                Right::RevealMedia,
                unseen(&reveal::reveal_media(app, who, media, ClearPicture::Small).await),
            ),
            (
                Right::RevealMedia,
                unseen(&reveal::reveal_strip_picture(app, who, media, 0).await),
            ),
            (
                Right::RevealMedia,
                unseen(&reveal::reveal_entry(app, who, entry, ClearPicture::Small).await),
            ),
            (
                Right::RevealMedia,
                unseen(&reveal::reveal_entry_strip_picture(app, who, entry, 0).await),
            ),
            (Right::ReadCases, unseen(&views::entry_strip(app, who, entry).await)),
            (Right::ReadItems, unseen(&views::count_actions(app, who).await)),
            (
                Right::DecideCases,
                case_denied(cases::take_case(app, who, case).await.err()),
            ),
            (
                Right::DecideCases,
                case_denied(cases::take_next_case(app, who, None).await.err()),
            ),
            (
                Right::DecideCases,
                case_denied(comments::comment_on_case(app, who, case, "why").await.err()),
            ),
            (
                Right::DecideCases,
                case_denied(comments::take_comment_back(app, who, case, note).await.err()),
            ),
            (
                Right::DecideCases,
                case_denied(turn::take_next(app, who, None).await.err()),
            ),
            (
                Right::DecideCases,
                case_denied(cases::release_case(app, who, case).await.err()),
            ),
            (
                Right::DecideCases,
                case_denied(cases::escalate_case(app, who, case, "why".to_owned()).await.err()),
            ),
            (
                Right::DecideCases,
                case_denied(cases::decide_case(app, who, case, judgement).await.err()),
            ),
            (Right::ReadBanks, unseen(&views::list_banks(app, who, &page).await)),
            (
                Right::WriteBanks,
                matches!(
                    banks::create_bank(app, who, new_bank(), None).await,
                    Err(BankError::Denied(_))
                ),
            ),
            (
                Right::RetryActions,
                matches!(
                    actions::retry_action(app, who, action).await,
                    Err(ActionError::Denied(_))
                ),
            ),
            (Right::ReadEvents, unseen(&views::list_events(app, who, &page).await)),
            (
                Right::ReadEvents,
                unseen(&views::list_newest_events(app, who, &page).await),
            ),
            (Right::ReadRules, unseen(&views::rules(app, who).await)),
            (
                Right::ProposeRules,
                rules_denied(rules::propose(app, who, new_change()).await.map(drop)),
            ),
            (
                Right::ApproveRules,
                rules_denied(rules::approve(app, who, change, "").await.map(drop)),
            ),
            (
                Right::StopRules,
                rules_denied(rules::reject(app, who, change, "").await.map(drop)),
            ),
            (
                Right::SubmitItems,
                matches!(
                    submit::check_item(app, who, new_item).await,
                    Err(SubmitError::Denied(_))
                ),
            ),
            (
                Right::DecideCases,
                case_denied(
                    proposals::decide_or_propose(app, who, case, None, Judgement::allow(1, "why"))
                        .await
                        .err(),
                ),
            ),
            (
                Right::DecideCases,
                proposal_denied(
                    proposals::decide_together(app, who, Vec::new(), Judgement::allow(1, "why"))
                        .await
                        .err(),
                ),
            ),
            (
                Right::DecideCases,
                proposal_denied(proposals::withdraw_proposal(app, who, proposal).await.err()),
            ),
            (
                Right::DecideCases,
                proposal_denied(proposals::undo_proposal(app, who, proposal).await.err()),
            ),
            (Right::DecideCases, unseen(&views::basket(app, who, &[]).await)),
            (
                Right::ApproveProposals,
                proposal_denied(proposals::approve_proposal(app, who, proposal, &[], "").await.err()),
            ),
            (
                Right::ApproveProposals,
                proposal_denied(proposals::reject_proposal(app, who, proposal, "why").await.err()),
            ),
            (Right::ApproveProposals, unseen(&views::n_proposals(app, who).await)),
            (Right::ReadCases, unseen(&views::list_proposals(app, who, true).await)),
            (
                Right::ReadCases,
                unseen(&views::page_of_proposals(app, who, None, &page).await),
            ),
            (
                Right::DecideCases,
                matches!(set_wishes(app, who, &[]).await, Err(WishError::Denied(_))),
            ),
            (Right::ReadCases, unseen(&views::proposal(app, who, proposal).await)),
            (Right::ReadCases, unseen(&views::cluster(app, who, case).await)),
            (
                Right::TakeOverCases,
                case_denied(leases::take_over_case(app, who, case, "why".to_owned()).await.err()),
            ),
            (
                Right::DecideCases,
                case_denied(leases::renew_case(app, who, case).await.err()),
            ),
            (
                Right::DecideCases,
                case_denied(leases::leave_case(app, who, case).await.err()),
            ),
            (Right::PlanShifts, unseen(&views::coverage(app, who).await)),
            (
                Right::PlanShifts,
                matches!(
                    shifts::set_skills(app, who, user, &Skills::default()).await,
                    Err(ShiftError::Denied(_))
                ),
            ),
            (Right::ReadCases, unseen(&views::uncovered(app, who).await)),
            (Right::ReadWorkload, unseen(&views::workload(app, who).await)),
            (Right::ReadQuality, unseen(&views::quality(app, who).await)),
            (Right::SettleReviews, unseen(&views::disputes(app, who).await)),
            (Right::SettleReviews, unseen(&views::dispute(app, who, review).await)),
            (Right::DecideCases, unseen(&views::blind_review(app, who, review).await)),
            (
                Right::DecideCases,
                quality_denied(quality::take_review(app, who).await.err()),
            ),
            (
                Right::DecideCases,
                quality_denied(quality::answer_review(app, who, review, ALLOWED, "why").await.err()),
            ),
            (
                Right::SettleReviews,
                quality_denied(quality::settle_review(app, who, review, ALLOWED, "why").await.err()),
            ),
            (
                Right::SettleReviews,
                quality_denied(quality::make_golden(app, who, case, ALLOWED, "why").await.err()),
            ),
            (
                Right::SettleReviews,
                quality_denied(quality::set_share(app, who, Stratum::RuleAllow, 2_000_000).await.err()),
            ),
            (Right::ManageAccess, unseen(&views::list_users(app, who).await)),
            (Right::ManageAccess, unseen(&views::list_keys(app, who).await)),
            (
                Right::ManageAccess,
                access_denied(
                    change_queues(app, who, UserId::fresh(at, &chance), QueueSet::All)
                        .await
                        .err(),
                ),
            ),
            (
                Right::ManageAccess,
                access_denied(end_all_sessions(app, who, UserId::fresh(at, &chance)).await.err()),
            ),
            (
                Right::ManageAccess,
                access_denied(access::reinvite_user(app, who, UserId::fresh(at, &chance)).await.err()),
            ),
        ];
        for (n, (right, is_denied)) in denied.into_iter().enumerate() {
            assert_eq!(is_denied, !role.rights().contains(&right), "{role}: {right} (line {n})");
        }
    }
}

pub async fn cases_of_other_queues_are_not_there(world: World) {
    let app = &world.app;
    let (known, doubted) = (world.bank("known", true).await, world.bank("doubted", false).await);
    world.entry(known, hash_of(1)).await;
    world.entry(doubted, hash_of(2)).await;
    let hidden = world.submit("hidden", hash_of(1)).await;
    let free = world.submit("free", hash_of(9)).await;
    assert_eq!(free.case, None);
    let (case, media) = (hidden.case.unwrap(), hidden.media[0].id.unwrap());
    let view = views::case(app, &Actor::Operator, case).await.unwrap().unwrap();
    assert_eq!(view.case.queue, Queue::Matches);

    let (amal, _, _) = world.join("amal", Role::Lead).await;
    let set = |text: &str| text.parse::<QueueSet>().unwrap();
    let with = |queues: &str| Actor::Person {
        user: amal,
        roles: Role::Lead.into(),
        queues: set(queues),
        token: None,
    };
    let all = PageRequest::first();
    let hidden_item: ItemId = "hidden".parse().unwrap();
    let (other, own) = (with("leads reported"), with("matches"));
    for (who, sees) in [(&other, false), (&with(""), false), (&own, true), (&with("*"), true)] {
        let listed = views::list_cases(app, who, CaseFilter::default(), &all).await.unwrap();
        assert_eq!(listed.rows.iter().any(|row| row.case.id == case), sees);
        let of_queue = CaseFilter {
            queue: Some(Queue::Matches),
            open: None,
        };
        let listed = views::list_cases(app, who, of_queue, &all).await.unwrap();
        assert_eq!(listed.rows.is_empty(), !sees, "asking for the queue opens nothing");
        assert_eq!(views::case(app, who, case).await.unwrap().is_some(), sees);
        let desk = views::desk(app, who).await.unwrap();
        assert_eq!(desk.queues.iter().any(|count| count.queue == Queue::Matches), sees);
        assert_eq!(views::item(app, who, &hidden_item).await.unwrap().is_some(), sees);
        assert_eq!(views::verdict(app, who, &hidden_item).await.unwrap().is_some(), sees);
        let items = views::list_items(app, who, &all).await.unwrap();
        assert_eq!(items.rows.iter().any(|row| row.item.id == hidden_item), sees);
        let decisions = views::list_decisions(app, who, &all).await.unwrap();
        assert_eq!(decisions.rows.iter().any(|decision| decision.item == hidden_item), sees);
        assert!(decisions.rows.iter().any(|decision| decision.item.as_str() == "free"));
        let decision = hidden.decision.unwrap();
        assert_eq!(views::decision(app, who, decision).await.unwrap().is_some(), sees);
        assert_eq!(views::explain(app, who, decision).await.unwrap().is_some(), sees);
        // A page is as long as was asked for, and says that there is more only if they can see it.
        let one = PageRequest { limit: 1, cursor: None };
        let first = views::list_decisions(app, who, &one).await.unwrap();
        assert_eq!((first.rows.len(), first.next.is_some()), (1, sees));
        let ordered = views::list_actions(app, who, None, &one).await.unwrap();
        assert_eq!((ordered.rows.is_empty(), ordered.next), (!sees, None));
        let counted = views::count_actions(app, who).await.unwrap();
        assert_eq!(
            (counted.n_waiting, desk.n_waiting_actions),
            (i64::from(sees), i64::from(sees))
        );
        let action = views::list_actions(app, &Actor::Operator, None, &all)
            .await
            .unwrap()
            .rows[0]
            .id;
        assert_eq!(views::action(app, who, action).await.unwrap().is_some(), sees);
        assert_eq!(
            matches!(
                actions::retry_action(app, who, action).await,
                Err(ActionError::NotFound)
            ),
            !sees
        );
        // There is no picture of a hash; what must not be reached is not found before that is asked.
        assert!(
            reveal::reveal_media(app, who, media, ClearPicture::Small)
                .await
                .unwrap()
                .is_none()
        );
        assert!(views::item(app, who, &"free".parse().unwrap()).await.unwrap().is_some());
    }
    let judgement = || Judgement::allow(1, "a harbour");
    assert!(matches!(
        cases::take_case(app, &other, case).await,
        Err(CaseError::NotFound)
    ));
    assert!(matches!(
        cases::release_case(app, &other, case).await,
        Err(CaseError::NotFound)
    ));
    let escalated = cases::escalate_case(app, &other, case, "hard".to_owned()).await;
    assert!(matches!(escalated, Err(CaseError::NotFound)));
    let decided = cases::decide_case(app, &other, case, judgement()).await;
    assert!(matches!(decided, Err(CaseError::NotFound)));
    assert_eq!(cases::take_next_case(app, &other, None).await.unwrap(), None);
    assert_eq!(
        cases::take_next_case(app, &other, Some(Queue::Matches)).await.unwrap(),
        None
    );
    assert_eq!(cases::take_next_case(app, &own, None).await.unwrap(), Some(case));
    // What is escalated leaves the queues of who escalated it.
    cases::escalate_case(app, &own, case, "hard".to_owned()).await.unwrap();
    assert!(views::case(app, &own, case).await.unwrap().is_none());
    assert!(
        cases::decide_case(app, &with("escalated"), case, judgement())
            .await
            .is_ok()
    );

    // The set is kept with the person, and counts from their next request on.
    change_queues(app, &Actor::Operator, amal, set("leads")).await.unwrap();
    let users = views::list_users(app, &Actor::Operator).await.unwrap();
    assert_eq!(users[0].queues, set("leads"));
    assert_eq!(access::actor_of(&users[0]).queues(), &set("leads"));
}

pub async fn sending_an_item_again_opens_no_other_queue(world: World) {
    let app = &world.app;
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    let hidden = world.submit("hidden", hash_of(1)).await;
    assert!(hidden.case.is_some());
    let amal = UserId::fresh(Timestamp::from_unix_ms(7), &Chance::seeded(7));
    let with = |queues: &str| Actor::Person {
        user: amal,
        roles: Role::Lead.into(),
        queues: queues.parse().unwrap(),
        token: Some(Token {
            key: KeyId::fresh(Timestamp::from_unix_ms(8), &Chance::seeded(8)),
            scopes: vec![Scope::ItemsWrite],
        }),
    };
    for seed in [1, 2] {
        let submission = item("hidden", vec![given(hash_of(seed))]);
        let answer = submit::submit_item(app, &with("leads"), submission, None).await;
        assert!(matches!(answer, Err(SubmitError::Denied(_))), "{seed}");
    }
    let view = views::item(app, &Actor::Operator, &"hidden".parse().unwrap()).await;
    assert_eq!(view.unwrap().unwrap().item.revision, 1, "nothing was overwritten");
    for (queues, id) in [("matches", "hidden"), ("leads", "new")] {
        let submission = item(id, vec![given(hash_of(1))]);
        assert!(
            submit::submit_item(app, &with(queues), submission, None).await.is_ok(),
            "{id}"
        );
    }
}

pub async fn who_holds_a_case_keeps_it_when_it_moves(world: World) {
    let app = &world.app;
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    let person = |seed: i64| Actor::Person {
        user: UserId::fresh(Timestamp::from_unix_ms(seed), &Chance::seeded(7)),
        roles: Role::Moderator.into(),
        queues: "reported".parse().unwrap(),
        token: None,
    };
    let (holder, colleague) = (person(7), person(8));
    let judgement = |revision| Judgement::allow(revision, "a harbour");
    for id in ["decided", "left"] {
        let mut reported = item(id, vec![given(hash_of(2))]);
        reported.report = Some("spam".to_owned());
        let first = submit::submit_item(app, &Actor::Operator, reported, None)
            .await
            .unwrap();
        let before = first.verdict.case.unwrap();
        cases::take_case(app, &holder, before).await.unwrap();
        let moved = world.submit(id, hash_of(1)).await.case.unwrap();
        assert_eq!(moved, before);
        let view = views::case(app, &holder, moved).await.unwrap().unwrap();
        assert_eq!(view.case.queue, Queue::Matches);
        assert!(views::case(app, &colleague, moved).await.unwrap().is_none());
        let refused = cases::decide_case(app, &colleague, moved, judgement(2)).await;
        assert!(matches!(refused, Err(CaseError::NotFound)));
        if id == "decided" {
            cases::decide_case(app, &holder, moved, judgement(2)).await.unwrap();
            continue;
        }
        world.clock.advance(moderation::model::Case::LEASE);
        assert!(
            views::case(app, &holder, moved).await.unwrap().is_none(),
            "its time is over"
        );
        let late = cases::decide_case(app, &holder, moved, judgement(2)).await;
        assert!(matches!(late, Err(CaseError::NotFound)));
    }
}
