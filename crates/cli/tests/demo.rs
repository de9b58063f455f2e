//! The demonstration comes up with something on every page, and its story goes as it says.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use common::seawall;
use serde_json::Value;

struct Demo {
    child: Child,
    found: Value,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(more: &[&str]) -> Demo {
    let any_port = ["--listen", "127.0.0.1:0", "--platform-listen", "127.0.0.1:0", "--json"];
    let mut child = seawall()
        .arg("demo")
        .args(any_port)
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let found = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
    Demo { child, found }
}

impl Demo {
    fn stop(mut self) -> String {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        let mut talk = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
        talk
    }

    fn text(&self, key: &str) -> &str {
        self.found[key].as_str().unwrap()
    }
}

/// Head and body of the answer.
fn get(url: &str, headers: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.to_ascii_lowercase()
            .lines()
            .map(|line| format!("{line}\n"))
            .collect(),
        body.to_owned(),
    )
}

#[test]
fn every_page_has_something_to_show() {
    let demo = start(&[]);
    let api = |path: &str| -> Vec<Value> {
        let key = format!("Authorization: Bearer {}\r\n", demo.text("api_key"));
        let (head, body) = get(&format!("{}/api/v1/{path}", demo.text("console")), &key);
        assert!(head.starts_with("http/1.1 200 "), "{path}: {head}");
        // The answer may come in chunks; the JSON is one object.
        let json = &body[body.find('{').unwrap()..=body.rfind('}').unwrap()];
        serde_json::from_str::<Value>(json).unwrap()["rows"]
            .as_array()
            .unwrap()
            .clone()
    };
    let queues: Vec<Value> = api("cases?limit=100")
        .iter()
        .map(|case| case["queue"].clone())
        .collect();
    for queue in ["escalated", "matches", "reported", "unscanned", "leads"] {
        assert!(queues.iter().any(|found| found == queue), "no case in {queue}");
    }
    let states: Vec<Value> = api("actions?limit=100")
        .iter()
        .map(|action| action["state"].clone())
        .collect();
    for state in ["confirmed", "refused", "dead", "retrying"] {
        assert!(
            states.iter().any(|found| found == state),
            "no action is {state}: {states:?}"
        );
    }
    let confirmed: Vec<Value> = api("banks").iter().map(|bank| bank["confirmed"].clone()).collect();
    assert!(confirmed.contains(&Value::Bool(true)) && confirmed.contains(&Value::Bool(false)));

    // One click signs in: the stand-in sets the cookie that the console reads.
    let (head, _) = get(demo.text("sign_in"), "");
    assert!(
        head.contains(&format!("location: {}/desk\n", demo.text("console"))),
        "{head}"
    );
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(
        cookie.contains("httponly") && cookie.contains("samesite=lax"),
        "{cookie}"
    );
    // Cookies are cased; the head above is not.
    let (_, again) = (0, raw_cookie(demo.text("sign_in")));
    let (head, body) = get(
        &format!("{}/desk", demo.text("console")),
        &format!("Cookie: {again}\r\n"),
    );
    assert!(
        head.starts_with("http/1.1 200 ") && body.contains("post-2119"),
        "{head}"
    );
    let wrong = demo.text("sign_in").rsplit_once('/').unwrap().0.to_owned() + "/guess";
    assert!(get(&wrong, "").0.starts_with("http/1.1 404 "));
    let (_, page) = get(demo.text("platform"), "");
    assert!(page.contains("already_done") && page.contains("refused") && page.contains("gone"));

    let talk = demo.stop();
    assert!(!talk.contains("went otherwise"), "{talk}");
}

fn raw_cookie(url: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let line = answer
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("set-cookie: "))
        .unwrap();
    line["set-cookie: ".len()..].split(';').next().unwrap().to_owned()
}

#[test]
fn data_that_are_kept_are_shown_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("kept");
    let first = start(&["--data", folder.to_str().unwrap()]);
    let password = first.text("password").to_owned();
    first.stop();
    let second = start(&["--data", folder.to_str().unwrap()]);
    assert_eq!(second.text("password"), password);
    second.stop();
}

#[test]
fn it_listens_on_this_machine_alone() {
    let ran = common::run(seawall().args(["demo", "--listen", "0.0.0.0:0"]));
    assert!(ran.code == 2 && ran.err.contains("this machine alone"), "{ran:?}");
}

#[test]
fn the_platform_stands_alone_too() {
    let args = [
        "demo-platform",
        "--listen",
        "127.0.0.1:0",
        "--secret",
        "a secret of sixteen",
    ];
    let mut child = seawall().args(args).stdout(Stdio::piped()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut url)
        .unwrap();
    let (head, body) = get(&format!("{}/orders", url.trim_end()), "");
    assert!(head.starts_with("http/1.1 200 ") && body == "[]", "{head}{body}");
    child.kill().unwrap();
    child.wait().unwrap();
}
