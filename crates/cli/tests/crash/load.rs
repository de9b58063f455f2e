//! The load: programs that submit, and a person who decides, all at once and without regard for the server's health.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cli::demo::canvas::Dice;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use signal::Pdq;
use tokio::task::JoinHandle;

use crate::ledger::Ledger;
use crate::server::{Browser, World, any_hash, any_png};

/// How many programs submit at once.
const SUBMITTERS: u64 = 3;
/// How many windows the person decides in at once. Each has cases of its own.
const WINDOWS: usize = 2;

/// Tasks that go on until they are told to stop.
pub struct Load(Vec<JoinHandle<()>>);

impl Load {
    /// Starts them all.
    pub fn start(world: &World, ledger: &Arc<Ledger>, stop: &Arc<AtomicBool>) -> Self {
        let submitter = |number| Submitter {
            url: world.url.clone(),
            key: world.api_key.clone(),
            confirmed: world.confirmed.clone(),
            unconfirmed: world.unconfirmed.clone(),
            client: client(),
            dice: Dice::new(1_000 + number),
            number,
        };
        let mut tasks: Vec<JoinHandle<()>> = (0..SUBMITTERS)
            .map(|number| tokio::spawn(submitter(number).run(ledger.clone(), stop.clone())))
            .collect();
        for window in 0..WINDOWS {
            let decider = Decider {
                url: world.url.clone(),
                key: world.api_key.clone(),
                browser: world.browser.clone(),
                client: client(),
                window,
            };
            tasks.push(tokio::spawn(decider.run(ledger.clone(), stop.clone())));
        }
        Self(tasks)
    }

    /// Waits until they have stopped.
    pub async fn join(self) {
        for task in self.0 {
            task.await.unwrap();
        }
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

struct Submitter {
    url: String,
    key: String,
    confirmed: Vec<Pdq>,
    unconfirmed: Vec<Pdq>,
    client: reqwest::Client,
    dice: Dice,
    number: u64,
}

impl Submitter {
    async fn run(mut self, ledger: Arc<Ledger>, stop: Arc<AtomicBool>) {
        for place in 0.. {
            let id = format!("post-{}-{place}", self.number);
            let body = self.item(&id, place).to_string();
            // Submitted until it is answered, as a platform would: each retry is the same request.
            loop {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                match self.submit(&id, &body).await {
                    Some(verdict) => {
                        ledger.note_verdict(&id, &verdict);
                        break;
                    }
                    None => tokio::time::sleep(Duration::from_millis(30)).await,
                }
            }
        }
    }

    fn item(&mut self, id: &str, place: u64) -> Value {
        let near = |dice: &mut Dice, hashes: &[Pdq]| {
            let mut words = dice.pick(hashes).words();
            (0..dice.below(30)).for_each(|_| words[dice.below(4)] ^= 1 << dice.below(64));
            Pdq::from_words(words)
        };
        let hash = match place % 5 {
            0 | 1 => near(&mut self.dice, &self.confirmed),
            2 => near(&mut self.dice, &self.unconfirmed),
            _ => any_hash(&mut self.dice),
        };
        let media = match place % 5 {
            3 => json!({"name": "a.png", "data_base64": STANDARD.encode(any_png(place as u32))}),
            4 if place.is_multiple_of(2) => json!({"name": "a.png", "data_base64": STANDARD.encode(&any_png(1)[..50])}),
            _ => json!({"name": "a.png", "signals": [{"type": "pdq", "value": hash.to_string(), "quality": 100}]}),
        };
        json!({"id": id, "kind": "post", "account": format!("user-{}", self.number), "media": [media]})
    }

    /// The verdict, if one came back. A refusal is a fault of the test or of the server; silence is what a killed server answers.
    async fn submit(&self, id: &str, body: &str) -> Option<Value> {
        let request = self
            .client
            .post(format!("{}/api/v1/items", self.url))
            .bearer_auth(&self.key);
        let request = request
            .header("content-type", "application/json")
            .header("idempotency-key", id)
            .body(body.to_owned());
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.ok()?;
        match status {
            200 => Some(serde_json::from_slice(&bytes).unwrap()),
            503 => None,
            _ => panic!("{id}: {status} {}", String::from_utf8_lossy(&bytes)),
        }
    }
}

struct Decider {
    url: String,
    key: String,
    browser: Browser,
    client: reqwest::Client,
    window: usize,
}

impl Decider {
    async fn run(self, ledger: Arc<Ledger>, stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::SeqCst) {
            let cases = self.open_cases().await.unwrap_or_default();
            if cases.is_empty() {
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
            for case in cases {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                self.decide(&case, &ledger).await;
            }
        }
    }

    /// This window's cases: those whose id ends in the right kind of letter.
    async fn open_cases(&self) -> Option<Vec<String>> {
        let url = format!("{}/api/v1/cases?state=open&limit=50", self.url);
        let answer = self.client.get(url).bearer_auth(&self.key).send().await.ok()?;
        let page: Value = serde_json::from_slice(&answer.bytes().await.ok()?).ok()?;
        let ids = page["rows"].as_array()?.iter().filter_map(|case| case["id"].as_str());
        let mine = |id: &&str| {
            id.bytes()
                .last()
                .is_some_and(|last| last as usize % WINDOWS == self.window)
        };
        Some(ids.filter(mine).map(str::to_owned).collect())
    }

    async fn decide(&self, case: &str, ledger: &Ledger) {
        let restrict = case.bytes().rev().nth(1).is_some_and(|digit| digit % 2 == 0);
        let outcome = if restrict { "restrict" } else { "allow" };
        let Browser { cookie, csrf } = &self.browser;
        let form = format!(
            "csrf={csrf}&revision=1&outcome={outcome}&policy=terrorist_content&purpose=none&reason=crash+test&then=stay"
        );
        let request = self
            .client
            .post(format!("{}/cases/{case}/decide", self.url))
            .header("cookie", cookie);
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .header("origin", &self.url)
            .body(form);
        let Ok(answer) = request.send().await else { return };
        let status = answer.status().as_u16();
        let flashes = answer
            .headers()
            .get_all("set-cookie")
            .iter()
            .filter_map(|value| value.to_str().ok());
        let flash = flashes
            .filter(|cookie| cookie.starts_with("seawall_flash="))
            .collect::<String>();
        match status {
            303 if flash.starts_with("seawall_flash=flash.decided_") => ledger.note_decision(case, outcome),
            // It was decided before the server was killed, but the answer never came.
            303 if flash.starts_with("seawall_flash=problem.already_closed") => {}
            503 => {}
            _ => panic!("{case}: {status} {flash} {}", answer.text().await.unwrap_or_default()),
        }
    }
}
