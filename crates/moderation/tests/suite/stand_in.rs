//! A platform that behaves badly, as its items say: it fails, is slow, lies, is down. It counts what it carried out under which key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use moderation::actions::backoff::Backoff;
use moderation::actions::webhook::{Webhook, WebhookSettings, signature};
use moderation::model::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::world::{SECRET, is_whole};

/// How long Seawall waits for an answer.
const TIMEOUT: Duration = Duration::from_millis(150);

/// How the platform behaves about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Fine,
    /// The first attempts fail, whether or not it carried the order out.
    Fails {
        times: u32,
        after_doing: bool,
    },
    /// It carries the order out, and answers too late the first time.
    Slow,
    /// It says that it is done, and did nothing: under the first key only, or always.
    Lies {
        always: bool,
    },
    /// It answers no question.
    Silent,
    Refuses,
}

#[derive(Default)]
struct State {
    modes: HashMap<String, Mode>,
    down: bool,
    n_heard: HashMap<String, u32>,
    /// What was said to a key, so that a repeat is known.
    settled: HashMap<String, &'static str>,
    carried_out: HashMap<String, u32>,
    keys: HashMap<String, Vec<String>>,
    restricted: HashMap<(String, String), bool>,
    alarms: Vec<String>,
    questions: Vec<String>,
}

pub struct StandIn {
    pub address: String,
    state: Mutex<State>,
}

impl StandIn {
    pub async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let platform = Arc::new(Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            state: Mutex::default(),
        });
        let serving = platform.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let platform = serving.clone();
                tokio::spawn(async move { platform.serve(stream).await });
            }
        });
        platform
    }

    /// Seawall's side of it.
    pub fn webhook(&self) -> Arc<Webhook> {
        let settings = WebhookSettings {
            url: format!("{}/hook", self.address),
            secret: SECRET.to_owned(),
            timeout: TIMEOUT,
            backoff: Backoff {
                first: Duration::from_secs(2),
                max: Duration::from_secs(60),
                give_up_after: Duration::from_secs(3_600),
            },
        };
        Arc::new(Webhook::new(settings).unwrap())
    }

    pub fn behave(&self, item: &str, mode: Mode) {
        self.state.lock().unwrap().modes.insert(item.to_owned(), mode);
    }

    pub fn set_down(&self, down: bool) {
        self.state.lock().unwrap().down = down;
    }

    pub fn is_restricted(&self, item: &str) -> bool {
        let state = self.state.lock().unwrap();
        state.restricted.get(&(item.to_owned(), "item".to_owned())) == Some(&true)
    }

    /// Somebody at the platform changes it, whatever was ordered.
    pub fn set_restricted(&self, item: &str, restricted: bool) {
        let mut state = self.state.lock().unwrap();
        state
            .restricted
            .insert((item.to_owned(), "item".to_owned()), restricted);
    }

    /// How often each order was carried out, whatever the keys it came under.
    pub fn carried_out(&self) -> HashMap<String, u32> {
        let state = self.state.lock().unwrap();
        let mut by_order: HashMap<String, u32> = HashMap::new();
        for (key, n) in &state.carried_out {
            *by_order.entry(key.split('.').next().unwrap().to_owned()).or_default() += n;
        }
        by_order
    }

    /// The keys under which orders about an item came.
    pub fn keys(&self, item: &str) -> Vec<String> {
        self.state.lock().unwrap().keys.get(item).cloned().unwrap_or_default()
    }

    /// The items that it was told are in doubt.
    pub fn alarms(&self) -> Vec<String> {
        self.state.lock().unwrap().alarms.clone()
    }

    /// The items that it was asked about.
    pub fn questions(&self) -> Vec<String> {
        self.state.lock().unwrap().questions.clone()
    }

    async fn serve(&self, mut stream: TcpStream) {
        let mut request = Vec::new();
        let mut chunk = [0; 4096];
        while !is_whole(&request) {
            let n = stream.read(&mut chunk).await.unwrap_or(0);
            if n == 0 {
                return;
            }
            request.extend_from_slice(&chunk[..n]);
        }
        let text = String::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let (status, answer, late) = match head.starts_with("GET ") {
            true => self.show(head),
            false => self.answer(head, body),
        };
        if late {
            tokio::time::sleep(TIMEOUT * 2).await;
        }
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            answer.len()
        );
        let _ = stream.write_all(format!("{head}{answer}").as_bytes()).await;
    }

    /// What a user of the platform sees of an item.
    fn show(&self, head: &str) -> (u16, String, bool) {
        let path = head.split(' ').nth(1).unwrap();
        let item = path.strip_prefix("/see/").unwrap();
        self.state.lock().unwrap().questions.push(item.to_owned());
        let status = if self.is_restricted(item) { 404 } else { 200 };
        (status, String::new(), false)
    }

    fn answer(&self, head: &str, body: &str) -> (u16, String, bool) {
        let header = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            let mut named = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
            named.next().map(|(_, value)| value.to_owned()).unwrap()
        };
        let sent = header("seawall-signature");
        let seconds: i64 = sent[2..].split(',').next().unwrap().parse().unwrap();
        let right = signature(SECRET, Timestamp::from_unix_ms(seconds * 1_000), body.as_bytes());
        assert_eq!(sent, right);
        let json: Value = serde_json::from_str(body).unwrap();
        let field = |name: &str| json[name].as_str().unwrap().to_owned();
        let (key, item) = (field("id"), field("item"));
        assert_eq!(key, header("idempotency-key"));
        let mut state = self.state.lock().unwrap();
        if state.down {
            return (503, String::new(), false);
        }
        let mode = state.modes.get(&item).copied().unwrap_or(Mode::Fine);
        match field("kind").as_str() {
            "action.recheck" => {
                state.questions.push(item.clone());
                if mode == Mode::Silent {
                    return (200, r#"{"answer":"refused"}"#.to_owned(), false);
                }
                let is_restricted = state.restricted.get(&(item, field("what"))) == Some(&true);
                let word = if is_restricted { "restricted" } else { "available" };
                (200, format!(r#"{{"state":"{word}"}}"#), false)
            }
            "action.doubtful" => {
                state.alarms.push(item);
                (204, String::new(), false)
            }
            kind => state.obey(mode, kind, &item, &key),
        }
    }
}

impl State {
    fn obey(&mut self, mode: Mode, kind: &str, item: &str, key: &str) -> (u16, String, bool) {
        let said = |word: &str| format!(r#"{{"answer":"{word}"}}"#);
        let keys = self.keys.entry(item.to_owned()).or_default();
        if !keys.contains(&key.to_owned()) {
            keys.push(key.to_owned());
        }
        let is_first_key = keys[0] == key;
        let n_heard = self.n_heard.entry(key.to_owned()).or_default();
        *n_heard += 1;
        let n_heard = *n_heard;
        if let Some(word) = self.settled.get(key) {
            return (200, said(word), false);
        }
        match mode {
            Mode::Fails { times, after_doing } if n_heard <= times => {
                if after_doing {
                    self.carry_out(kind, item, key);
                }
                (500, String::new(), false)
            }
            Mode::Slow => {
                self.carry_out(kind, item, key);
                (200, said("done"), true)
            }
            Mode::Lies { always } if always || is_first_key => {
                self.settled.insert(key.to_owned(), "already_done");
                (200, said("done"), false)
            }
            Mode::Refuses => {
                self.settled.insert(key.to_owned(), "refused");
                (200, said("refused"), false)
            }
            Mode::Fine | Mode::Fails { .. } | Mode::Lies { .. } | Mode::Silent => {
                self.carry_out(kind, item, key);
                (200, said("done"), false)
            }
        }
    }

    fn carry_out(&mut self, kind: &str, item: &str, key: &str) {
        let (verb, what) = kind.split_once('_').unwrap_or((kind, "item"));
        self.settled.insert(key.to_owned(), "already_done");
        *self.carried_out.entry(key.to_owned()).or_default() += 1;
        self.restricted
            .insert((item.to_owned(), what.to_owned()), verb == "restrict");
    }
}
