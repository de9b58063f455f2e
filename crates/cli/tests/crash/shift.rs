//! Eight people share the work: they take the next case, renew it, leave it, release it, escalate it, decide it, all at once, while the server is stopped
//! twice and killed once. In the end each case was decided, and by one decision.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cli::demo::canvas::Dice;
use moderation::model::{Actor, CaseState, PageRequest};
use moderation::views;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::ledger::Ledger;
use crate::server::{Browser, World};

/// How long nothing new may be decided before the shift is over: what is left is held by somebody whose answer was lost.
const QUIET: Duration = Duration::from_secs(3);

/// What came of a form.
struct Sent {
    status: u16,
    leads_to: String,
    flash: String,
}

struct Person {
    url: String,
    browser: Browser,
    client: reqwest::Client,
    dice: Dice,
}

/// Makes so many cases and has them decided.
pub async fn work_through(store_url: &str, n_cases: usize) {
    let mut world = World::prepare(store_url).await;
    world.start_server().await;
    let ledger = Arc::new(Ledger::default());
    let cases = submit(&world, &ledger, n_cases).await;
    let (stop, n_decided) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let people: Vec<Browser> = world.people.clone();
    let mut working = Vec::new();
    for (number, browser) in people.iter().enumerate() {
        let person = Person::of(&world, browser, 500 + number as u64);
        working.push(tokio::spawn(person.work(
            ledger.clone(),
            stop.clone(),
            n_decided.clone(),
        )));
    }
    for (share, is_kill) in [(1, false), (2, true), (3, false)] {
        let started = Instant::now();
        while n_decided.load(Ordering::SeqCst) < n_cases * share / 4 {
            assert!(started.elapsed() < Duration::from_secs(120), "nobody gets on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        match is_kill {
            true => world.kill_server().await,
            false => world.stop_server().await,
        }
        world.start_server().await;
    }
    let (mut n_seen, mut since) = (0, Instant::now());
    while since.elapsed() < QUIET {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let n = n_decided.load(Ordering::SeqCst);
        if n != n_seen {
            (n_seen, since) = (n, Instant::now());
        }
    }
    stop.store(true, Ordering::SeqCst);
    for task in working {
        task.await.unwrap();
    }
    // Whoever holds what is left decides it; all others are refused.
    for case in &cases {
        for (number, browser) in people.iter().enumerate() {
            let person = Person::of(&world, browser, number as u64);
            if person.decide(case, &ledger).await == Some(true) {
                break;
            }
        }
    }
    world.wait_until_delivered(Duration::from_secs(60)).await;
    world.stop_server().await;
    world.verify("after the shift");
    check(&world, &cases).await;
    let told = ledger.hold_against(&world).await;
    eprintln!("a shift of {n_cases} cases: {told}");
}

/// Items that match, each with a case.
async fn submit(world: &World, ledger: &Ledger, n_cases: usize) -> Vec<String> {
    let client = client();
    let mut cases = Vec::new();
    for place in 0..n_cases {
        let hashes = if place % 2 == 0 {
            &world.confirmed
        } else {
            &world.unconfirmed
        };
        let hash = hashes[place % hashes.len()];
        let id = format!("shift-{place}");
        let media = json!({"name": "a.png", "signals": [{"type": "pdq", "value": hash.to_string(), "quality": 100}]});
        let body = json!({"id": id, "kind": "post", "account": "user-1", "media": [media]}).to_string();
        let request = client
            .post(format!("{}/api/v1/items", world.url))
            .bearer_auth(&world.api_key);
        let request = request.header("content-type", "application/json").body(body);
        let answer = request.send().await.unwrap();
        let verdict: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        ledger.note_verdict(&id, &verdict);
        cases.push(
            verdict["case"]
                .as_str()
                .unwrap_or_else(|| panic!("{verdict}"))
                .to_owned(),
        );
    }
    cases
}

/// Each case is closed, and the log has one decision of it.
async fn check(world: &World, cases: &[String]) {
    let app = world.open().await;
    let mut n_decided: HashMap<String, usize> = HashMap::new();
    let mut request = PageRequest {
        cursor: None,
        limit: PageRequest::LIMIT_MAX,
    };
    loop {
        let page = views::list_events(&app, &Actor::Operator, &request).await.unwrap();
        for event in page.rows.into_iter().filter(|event| event.kind == "case.decided") {
            *n_decided.entry(event.subject).or_default() += 1;
        }
        match page.next {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    for case in cases {
        assert_eq!(n_decided.get(case), Some(&1), "{case}");
        let view = views::case(&app, &Actor::Operator, case.parse().unwrap())
            .await
            .unwrap()
            .unwrap();
        assert!(matches!(view.case.state, CaseState::Closed { .. }), "{case}");
        assert_eq!(view.decisions.len(), 2, "{case}");
    }
    app.media.shutdown().await;
    app.store.close().await;
}

impl Person {
    fn of(world: &World, browser: &Browser, seed: u64) -> Self {
        Self {
            url: world.url.clone(),
            browser: browser.clone(),
            client: client(),
            dice: Dice::new(seed),
        }
    }

    async fn work(mut self, ledger: Arc<Ledger>, stop: Arc<AtomicBool>, n_decided: Arc<AtomicUsize>) {
        while !stop.load(Ordering::SeqCst) {
            let next = self.post("/desk/next", "").await;
            let case = next.as_ref().and_then(|sent| sent.leads_to.strip_prefix("/cases/"));
            let Some(case) = case.map(str::to_owned) else {
                tokio::time::sleep(Duration::from_millis(30)).await;
                continue;
            };
            match self.dice.below(8) {
                0 => {
                    self.post(&format!("/cases/{case}/release"), "").await;
                    continue;
                }
                1 => {
                    let sent = self.post(&format!("/cases/{case}/escalate"), "&reason=hard").await;
                    // One that was escalated before is theirs still.
                    if !sent.is_some_and(|sent| sent.flash.starts_with("problem.same_queue")) {
                        continue;
                    }
                }
                2 => self.renew_or_leave(&case, "renew").await,
                // The page is loaded anew: its case is still theirs.
                3 => self.renew_or_leave(&case, "leave").await,
                _ => {}
            }
            if self.decide(&case, &ledger).await == Some(true) {
                n_decided.fetch_add(1, Ordering::SeqCst);
                // A page that is left late gives back nothing.
                if let Some(sent) = self.post(&format!("/cases/{case}/leave"), "").await {
                    assert!(matches!(sent.status, 409 | 503), "{case}: {}", sent.status);
                }
            }
        }
    }

    async fn renew_or_leave(&self, case: &str, what: &str) {
        if let Some(sent) = self.post(&format!("/cases/{case}/{what}"), "").await {
            assert!(matches!(sent.status, 204 | 503), "{case} {what}: {}", sent.status);
        }
    }

    /// Whether it was decided; nothing if no answer came.
    async fn decide(&self, case: &str, ledger: &Ledger) -> Option<bool> {
        let restrict = case.bytes().next_back().is_some_and(|digit| digit % 2 == 0);
        let outcome = if restrict { "restrict" } else { "allow" };
        let form =
            format!("&revision=1&outcome={outcome}&policy=terrorist_content&purpose=none&reason=a+shift&then=stay");
        let sent = self.post(&format!("/cases/{case}/decide"), &form).await?;
        match sent.status {
            303 if sent.flash.starts_with("flash.decided_") => {
                ledger.note_decision(case, outcome);
                Some(true)
            }
            303 if sent.flash.starts_with("problem.already_closed") || sent.flash.starts_with("problem.held") => {
                Some(false)
            }
            503 => None,
            status => panic!("{case}: {status} {}", sent.flash),
        }
    }

    async fn post(&self, path: &str, fields: &str) -> Option<Sent> {
        let request = self
            .client
            .post(format!("{}{path}", self.url))
            .header("cookie", &self.browser.cookie);
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", &self.url)
            .body(format!("csrf={}{fields}", self.browser.csrf));
        let answer = request.send().await.ok()?;
        let header = |name: &str| {
            let values = answer.headers().get_all(name).iter();
            values
                .filter_map(|value| value.to_str().ok())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let flash = header("set-cookie")
            .into_iter()
            .find_map(|cookie| cookie.strip_prefix("seawall_flash=").map(str::to_owned));
        Some(Sent {
            status: answer.status().as_u16(),
            leads_to: header("location").concat(),
            flash: flash.unwrap_or_default(),
        })
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .timeout(Duration::from_secs(10))
        .redirect(Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}
