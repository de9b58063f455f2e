//! What answers of which everything is known come to.

use super::*;
use crate::model::{Chance, DecisionId, GoldenId, ReviewId, UserId};
use crate::quality::reviews::{ReviewState, Said};

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);

struct Desk {
    chance: Chance,
    answered: Vec<Review>,
}

const ALLOW: Answer = Answer {
    outcome: Outcome::Allow,
    policy: None,
};

fn against(policy: PolicyCode) -> Answer {
    Answer {
        outcome: Outcome::Restrict,
        policy: Some(policy),
    }
}

impl Desk {
    fn new() -> Self {
        Self {
            chance: Chance::seeded(4),
            answered: Vec::new(),
        }
    }

    /// So many decisions of a kind, answered alike, and settled if a truth is given.
    fn add(&mut self, n: usize, stratum: Stratum, ppm: u32, pair: (Answer, Answer), truth: Option<Answer>, ago: i64) {
        let user = |seed| UserId::fresh(NOW, &Chance::seeded(seed));
        let at = Timestamp::from_unix_ms(NOW.unix_ms() - ago);
        for _ in 0..n {
            let said = |by, answer| Said {
                by: user(by),
                answer,
                reason: "why".to_owned(),
                at,
            };
            let second = said(2, pair.1);
            let asks = Asks::Again {
                decision: DecisionId::fresh(at, &self.chance),
                stratum,
                ppm,
            };
            let author = match stratum.is_of_a_person() {
                true => Author::Person(user(1)),
                false => Author::Rule("a_rule".to_owned()),
            };
            self.answered.push(Review {
                id: ReviewId::fresh(at, &self.chance),
                asks,
                item: "post".parse().unwrap(),
                revision: 1,
                queue: None,
                language: Some("de".to_owned()),
                first: pair.0,
                first_author: author,
                first_at: at,
                drawn_at: at,
                state: match truth {
                    Some(truth) => ReviewState::Settled {
                        second,
                        settled: said(3, truth),
                    },
                    None => ReviewState::Answered(second),
                },
            });
        }
    }

    fn figures(&self) -> Figures {
        Figures::of(&self.answered, NOW)
    }
}

const TERROR: PolicyCode = PolicyCode::TerroristContent;

#[test]
fn agreement_is_that_of_the_known_table() {
    let mut desk = Desk::new();
    let (restrict, rule) = (Stratum::PersonRestrict, Stratum::RuleRestrict);
    desk.add(20, restrict, 50_000, (against(TERROR), against(TERROR)), None, 0);
    desk.add(5, restrict, 50_000, (against(TERROR), ALLOW), None, 0);
    desk.add(10, Stratum::PersonAllow, 50_000, (ALLOW, against(TERROR)), None, 0);
    desk.add(15, Stratum::PersonAllow, 50_000, (ALLOW, ALLOW), None, 0);
    // What a rule said first is no agreement between people.
    desk.add(40, rule, 30_000, (against(TERROR), ALLOW), None, 0);
    let figures = desk.figures();
    let [all, policy, language] = &figures.agreement[..] else {
        panic!("{:?}", figures.agreement)
    };
    assert_eq!((&all.of, all.n), (&Group::All, 50));
    let said = all.said.unwrap();
    assert_eq!((said.same.hits, said.same.n), (35, 50));
    let kappa = said.kappa.unwrap();
    assert!((kappa.value - 0.4).abs() < 1e-12, "{kappa:?}");
    let interval = kappa.interval.unwrap();
    assert!(
        interval.low < 0.2 && interval.high > 0.55 && interval.high < 0.75,
        "{interval:?}"
    );
    assert!((said.alpha.unwrap().value - 0.3987).abs() < 0.01);
    // One of the two named the policy 35 times; whether it is the policy is asked of all 50.
    assert_eq!((&policy.of, policy.n), (&Group::Policy("terrorist_content"), 35));
    assert!((policy.said.unwrap().kappa.unwrap().value - 0.4).abs() < 1e-12);
    assert_eq!(language.of, Group::Language("de".to_owned()));
    assert_eq!(figures.n_disputed, 55);
    assert_eq!(figures, desk.figures(), "the same answers say the same");
}

#[test]
fn few_answers_say_nothing_and_one_answer_alone_no_agreement() {
    let mut desk = Desk::new();
    desk.add(9, Stratum::PersonAllow, 50_000, (ALLOW, ALLOW), None, 0);
    let few = desk.figures();
    assert_eq!((few.agreement[0].n, few.agreement[0].said), (9, None));
    assert!(few.missed.is_none() && few.weeks.iter().all(|week| week.same.is_none()));
    desk.add(1, Stratum::PersonAllow, 50_000, (ALLOW, ALLOW), None, 0);
    let said = desk.figures().agreement[0].said.unwrap();
    assert_eq!(said.alpha, Err(Undefined::OneCategory));
    assert_eq!(said.kappa, Err(Undefined::OneCategory));
    assert_eq!(said.same.value(), 1.0);
}

#[test]
fn what_was_rarely_drawn_counts_for_all_that_was_not() {
    let mut desk = Desk::new();
    // Of what people let go, one in twenty is drawn and a tenth is wrong; of what rules let go, one in 2,000, and a hundredth is.
    desk.add(90, Stratum::PersonAllow, 50_000, (ALLOW, ALLOW), None, 0);
    desk.add(
        10,
        Stratum::PersonAllow,
        50_000,
        (ALLOW, against(TERROR)),
        Some(against(TERROR)),
        0,
    );
    desk.add(99, Stratum::RuleAllow, 500, (ALLOW, ALLOW), None, 0);
    desk.add(
        1,
        Stratum::RuleAllow,
        500,
        (ALLOW, against(TERROR)),
        Some(against(TERROR)),
        0,
    );
    // Where the second was wrong, the first was right; what nobody settled counts as neither.
    desk.add(
        10,
        Stratum::PersonRestrict,
        50_000,
        (against(TERROR), ALLOW),
        Some(against(TERROR)),
        0,
    );
    desk.add(7, Stratum::PersonRestrict, 50_000, (against(TERROR), ALLOW), None, 0);
    let figures = desk.figures();
    let of = |stratum| figures.errors.iter().find(|rate| rate.stratum == stratum).unwrap();
    assert_eq!(of(Stratum::PersonAllow).wrong.unwrap().hits, 10);
    assert_eq!(of(Stratum::RuleAllow).wrong.unwrap().hits, 1);
    assert_eq!(
        (
            of(Stratum::PersonRestrict).n,
            of(Stratum::PersonRestrict).wrong.unwrap().hits
        ),
        (10, 0)
    );
    assert_eq!(of(Stratum::RuleRestrict).wrong, None);
    // 2,000 of which 200, and 200,000 of which 2,000.
    let missed = figures.missed.unwrap();
    assert!((missed.figure.value - 2_200.0 / 202_000.0).abs() < 1e-12, "{missed:?}");
    let interval = missed.figure.interval.unwrap();
    assert!(
        interval.low < missed.figure.value && missed.figure.value < interval.high,
        "{interval:?}"
    );
    let overdone = figures.overdone.unwrap();
    assert_eq!((overdone.figure.value, overdone.figure.interval), (0.0, None));
}

#[test]
fn another_policy_is_a_difference_and_no_wrong_outcome() {
    let mut desk = Desk::new();
    let other = against(PolicyCode::HateSpeech);
    desk.add(12, Stratum::PersonRestrict, 50_000, (against(TERROR), other), None, 0);
    let figures = desk.figures();
    assert_eq!(figures.agreement[0].said.unwrap().same.hits, 0);
    assert_eq!(figures.errors[0].wrong.unwrap().hits, 0);
    assert_eq!(figures.n_disputed, 12);
}

#[test]
fn golden_answers_are_no_agreement() {
    let mut desk = Desk::new();
    desk.add(20, Stratum::PersonAllow, 50_000, (ALLOW, ALLOW), None, 0);
    for review in &mut desk.answered {
        let golden = GoldenId::fresh(NOW, &desk.chance);
        review.asks = Asks::Golden { golden };
    }
    assert_eq!(desk.figures().agreement[0].n, 0);
}

#[test]
fn weeks_begin_on_monday_and_show_the_drift() {
    // 2026-11-18 is a Wednesday.
    assert_eq!(week_of(NOW).to_string(), "2026-11-16T00:00:00.000Z");
    assert_eq!(week_of(week_of(NOW)), week_of(NOW));
    let mut desk = Desk::new();
    desk.add(20, Stratum::PersonAllow, 50_000, (ALLOW, ALLOW), None, 14 * 86_400_000);
    desk.add(10, Stratum::PersonAllow, 50_000, (ALLOW, against(TERROR)), None, 0);
    desk.add(30, Stratum::PersonAllow, 50_000, (ALLOW, ALLOW), None, 0);
    let weeks = desk.figures().weeks;
    assert_eq!(weeks.len(), 12);
    assert_eq!(weeks[9].same.map(|share| share.value()), Some(1.0));
    assert_eq!((weeks[10].n, weeks[10].same), (0, None));
    assert_eq!(weeks[11].same.map(|share| share.value()), Some(0.75));
}

#[test]
fn a_rule_is_as_precise_as_blind_answers_say() {
    let mut desk = Desk::new();
    let rule = Stratum::RuleRestrict;
    desk.add(18, rule, 30_000, (against(TERROR), against(TERROR)), None, 0);
    desk.add(2, rule, 30_000, (against(TERROR), ALLOW), Some(ALLOW), 0);
    let figures = desk.figures();
    let right = figures.rules[0].right.unwrap();
    assert_eq!(
        (figures.rules[0].name.as_str(), right.hits, right.n),
        ("a_rule", 18, 20)
    );
}
