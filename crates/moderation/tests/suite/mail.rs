//! People are woken by e-mail, over a real mail server: of what is due, of what is overdue, of shifts that nobody has; once each, and also where it is down at first.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use moderation::actions::mail::{MailSettings, Mailer};
use moderation::flows::cases::decide_case;
use moderation::flows::mail::mail_due;
use moderation::model::{Judgement, PageRequest, PolicyCode, Queue};
use moderation::routing::QueueSettings;
use moderation::{Settings, views};

use super::world::{World, hash_of};

/// aiosmtpd, which prints what it takes.
struct MailServer {
    process: Child,
    port: u16,
    lines: Arc<Mutex<Vec<String>>>,
}

const PRINTS: &str = "
import sys
from aiosmtpd.controller import Controller
class Printer:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith('gone@'):
            return '550 no such mailbox'
        envelope.rcpt_tos.append(address)
        return '250 yes'
    async def handle_DATA(self, server, session, envelope):
        print('TO ' + ' '.join(envelope.rcpt_tos), flush=True)
        print(envelope.content.decode(), flush=True)
        print('END', flush=True)
        return '250 taken'
controller = Controller(Printer(), hostname='127.0.0.1', port=int(sys.argv[1]))
controller.start()
print('READY', flush=True)
sys.stdin.read()
";

impl MailServer {
    fn start(port: u16) -> Self {
        let mut process = Command::new("/usr/bin/python3")
            .args(["-c", PRINTS, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 of Debian");
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, out) = (lines.clone(), process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        let server = Self { process, port, lines };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "aiosmtpd (python3-aiosmtpd of Debian) does not start"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// What it took: each letter whole, with whom it went to.
    fn letters(&self) -> Vec<String> {
        let text = self.lines.lock().unwrap().join("\n");
        let letters = text
            .split("\nEND")
            .map(|letter| letter.trim_start_matches("READY").trim().to_owned());
        letters.filter(|letter| letter.starts_with("TO ")).collect()
    }

    /// The same, once there are so many: it prints after it answered.
    fn letters_once_there_are(&self, n: usize) -> Vec<String> {
        let began = Instant::now();
        while self.letters().len() < n && began.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.letters()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The same world, where cases are due after an hour and people are woken by mail.
fn with_mail(mut world: World, port: u16) -> World {
    let mail = MailSettings {
        url: format!("smtp://127.0.0.1:{port}"),
        from: "Seawall <seawall@platform.example.org>".to_owned(),
        to: vec!["gone@example.org".to_owned(), "duty@example.org".to_owned()],
        timeout: Duration::from_secs(10),
        console: "https://seawall.example.org".to_owned(),
    };
    let mut routing = world.app.settings.routing.clone();
    let matches = QueueSettings {
        due: Some(Duration::from_secs(3_600)),
        warn_before: vec![Duration::from_secs(900)],
        ..QueueSettings::default()
    };
    routing.queues.insert(Queue::Matches, matches);
    world.app.mailer = Some(Arc::new(Mailer::new(&mail).unwrap()));
    world.app.settings = Arc::new(Settings {
        routing,
        mail: Some(mail),
        ..(*world.app.settings).clone()
    });
    world
}

pub async fn people_are_woken_by_mail_once_each_time(world: World) {
    let port = free_port();
    let world = with_mail(world, port);
    let bank = world.bank("unsure", false).await;
    world.entry(bank, hash_of(2)).await;
    let slow = world.submit("slow", hash_of(2)).await.case.unwrap();
    let quick = world.submit("quick", hash_of(2)).await.case.unwrap();
    let judgement = Judgement::restrict(1, PolicyCode::HateSpeech, "because");
    decide_case(&world.app, &world.moderator, quick, judgement)
        .await
        .unwrap();

    // The mail server is down when it is time: the letter waits, and is sent once it is back.
    world.clock.advance(Duration::from_secs(46 * 60));
    assert_eq!(mail_due(&world.app, "mailer").await.unwrap(), 1);
    let server = MailServer::start(port);
    assert_eq!(server.port, port);
    assert_eq!(mail_due(&world.app, "mailer").await.unwrap(), 0, "not again at once");
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(mail_due(&world.app, "mailer").await.unwrap(), 1);
    assert_eq!(mail_due(&world.app, "mailer").await.unwrap(), 0);
    // One address is no more: the other is written to all the same, and once.
    let letters = server.letters_once_there_are(1);
    assert_eq!(letters.len(), 1, "{letters:?}");
    let letter = &letters[0];
    for said in [
        "TO duty@example.org",
        "Subject: Due soon: a case in matches",
        &format!("https://seawall.example.org/cases/{slow}"),
        "Auto-Submitted: auto-generated",
        "Nobody holds it.",
    ] {
        assert!(letter.contains(said), "{said}: {letter}");
    }
    // Nothing of the item, nor of who posted it.
    assert!(
        !letter.contains("account-7") && !letter.contains("a post") && !letter.contains("slow"),
        "{letter}"
    );

    world.clock.advance(Duration::from_secs(15 * 60));
    assert_eq!(mail_due(&world.app, "mailer").await.unwrap(), 1);
    let letters = server.letters_once_there_are(2);
    assert_eq!(letters.len(), 2);
    assert!(
        letters[1].contains("Subject: Overdue: a case in matches"),
        "{}",
        letters[1]
    );
    let log = views::list_events(&world.app, &world.admin, &PageRequest::first())
        .await
        .unwrap();
    assert_eq!(log.rows.iter().filter(|event| event.kind == "mail.sent").count(), 2);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn the_mail_server_is_tried_without_a_letter(_: World) {
    let port = free_port();
    let mailer = |url: String| {
        let settings = MailSettings {
            url,
            from: "seawall@platform.example.org".to_owned(),
            to: vec!["duty@example.org".to_owned()],
            timeout: Duration::from_secs(10),
            console: "https://seawall.example.org".to_owned(),
        };
        Mailer::new(&settings).unwrap()
    };
    let plain = mailer(format!("smtp://127.0.0.1:{port}"));
    let down = plain.try_server().await.unwrap_err();
    assert_eq!(down, "the mail server could not be reached");
    let server = MailServer::start(port);
    plain.try_server().await.unwrap();
    // It offers neither TLS nor names and passwords: who is set up to use them is told.
    for url in [
        "smtp://127.0.0.1:{port}?tls=required",
        "smtp://amal:secret@127.0.0.1:{port}",
    ] {
        let error = mailer(url.replace("{port}", &port.to_string()))
            .try_server()
            .await
            .unwrap_err();
        assert!(!error.contains("secret") && !error.contains("amal"), "{error}");
    }
    assert_eq!(server.letters(), Vec::<String>::new());
}
