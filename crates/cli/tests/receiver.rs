//! `seawall doctor --webhook` against the receiver of the examples, and against one that believes everything.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use common::{Ran, folder, run, seawall};

const SECRET: &str = "a secret of these tests";

/// A program that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn doctor(url: &str, secret: &str) -> Ran {
    let dir = folder(&[("secret", secret.as_bytes())]);
    let mut command = seawall();
    command.current_dir(dir.path());
    run(command.args(["doctor", "--json", "--webhook", url, "--webhook-secret-file", "secret"]))
}

/// The names of the checks that ended so.
fn named(ran: &Ran, status: &str) -> Vec<String> {
    let lines = ran.json().into_iter().filter(|line| line["status"] == status);
    lines.map(|line| line["check"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_receiver_of_the_examples_does_as_it_should() {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/receiver/receiver.py");
    let mut child = Command::new("python3")
        .args([program, "0"])
        .env("SEAWALL_SECRET", SECRET)
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs (scripts/setup.sh test installs it)");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let _running = Running(child);
    let url = line.trim().strip_prefix("listening on ").unwrap();
    let ran = doctor(url, SECRET);
    assert_eq!(named(&ran, "wrong"), Vec::<String>::new(), "{ran:?}");
    assert_eq!(named(&ran, "warning"), Vec::<String>::new(), "{ran:?}");
    assert_eq!(ran.code, 0);
    let said = ran.json();
    let detail = |check: &str| said.iter().find(|line| line["check"] == check).unwrap()["detail"].clone();
    assert_eq!(detail("repeated key"), "the second time answered already_done");
    assert_eq!(detail("unknown kind"), "answered refused");

    // With another secret nothing is taken, and that is wrong.
    let ran = doctor(url, "another secret than theirs");
    assert_eq!(ran.code, 1);
    assert!(named(&ran, "wrong").contains(&"restrict".to_owned()), "{ran:?}");
}

#[test]
fn a_receiver_that_believes_everything_is_told_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut length = 0;
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap_or(0) < 3 {
                    break;
                }
                if let Some((name, value)) = line.split_once(": ")
                    && name.eq_ignore_ascii_case("content-length")
                {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            let _ = stream.read_exact(&mut body);
            let answer = r#"{"answer":"done"}"#;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                answer.len()
            );
            let _ = stream.get_mut().write_all(format!("{head}{answer}").as_bytes());
        }
    });
    let ran = doctor(&url, SECRET);
    assert_eq!(ran.code, 1);
    let unsigned = [
        "no signature",
        "wrong secret",
        "wrong code",
        "old time",
        "future time",
        "altered body",
    ];
    let wrong = named(&ran, "wrong");
    for check in unsigned.iter().chain(&["unknown kind", "malformed signature"]) {
        assert!(wrong.contains(&(*check).to_owned()), "{check}: {ran:?}");
    }
    assert_eq!(
        named(&ran, "warning"),
        ["repeated key", "twice at once", "re-check"],
        "{ran:?}"
    );
}

#[test]
fn without_a_secret_nothing_is_tried() {
    let dir = folder(&[]);
    let mut command = seawall();
    let ran = run(command
        .current_dir(dir.path())
        .args(["doctor", "--webhook", "http://127.0.0.1:9/"]));
    assert_eq!(ran.code, 2, "{ran:?}");
    let nobody = doctor("http://127.0.0.1:9/", SECRET);
    assert_eq!(nobody.code, 1);
    assert_eq!(named(&nobody, "wrong"), ["reached"]);
}
