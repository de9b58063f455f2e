//! The commands about a store, on a real one.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Home, Ran, pdq, picture};
use serde_json::json;

#[test]
fn a_key_is_shown_once_and_can_be_revoked() {
    let home = Home::new("");
    let made = home
        .ok(&[
            "key",
            "create",
            "platform",
            "--scope",
            "items:write,items:read",
            "--json",
        ])
        .json()
        .remove(0);
    assert_eq!(made["scopes"], json!(["items:write", "items:read"]));
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("sw_"));
    let plain = home.ok(&["key", "create", "second", "--scope", "banks:read"]);
    assert!(
        plain.out.starts_with("sw_") && plain.out.lines().count() == 1,
        "{plain:?}"
    );

    let listed = home.ok(&["key", "list", "--json"]);
    assert_eq!(listed.json().len(), 2);
    assert!(!listed.out.contains(secret) && !home.ok(&["key", "list"]).out.contains("sw_"));
    let id = made["id"].as_str().unwrap();
    let revoked = home.ok(&["key", "revoke", id, "--json"]).json().remove(0);
    assert!(revoked["revoked_at"].is_string() && revoked["id"] == id);
    assert_eq!(home.run(&["key", "revoke", "nonsense"]).code, 2);
    assert_eq!(home.run(&["key", "create", "k", "--scope", "everything"]).code, 2);
    // A well-formed id of no key.
    assert_eq!(home.run(&["key", "revoke", "key_00000000000000000000000000"]).code, 1);
}

#[test]
fn people_are_invited_reset_disabled_and_listed() {
    let home = Home::new("[http]\npublic_url = \"https://seawall.example\"\n");
    let link = home.ok(&["user", "add", "amal", "--role", "lead"]).out;
    assert!(link.starts_with("https://seawall.example/invite/"), "{link}");
    let again = home.run(&["user", "add", "amal"]);
    assert!(again.code == 1 && again.err.contains("name"), "{again:?}");
    let reset = home.ok(&["user", "reset", "amal", "--json"]).json().remove(0);
    assert!(reset["name"] == "amal" && reset["link"] != link.trim(), "{reset}");
    home.ok(&["user", "add", "chief", "--role", "admin"]);
    let disabled = home.ok(&["user", "disable", "amal", "--json"]).json().remove(0);
    assert_eq!(
        (&disabled["state"], &disabled["role"]),
        (&json!("disabled"), &json!("lead"))
    );
    home.ok(&["user", "enable", "amal"]);
    let names: Vec<String> = home
        .ok(&["user", "list", "--json"])
        .json()
        .iter()
        .map(|user| format!("{} {}", user["name"], user["state"]))
        .collect();
    assert_eq!(names, [r#""amal" "invited""#, r#""chief" "invited""#]);
    assert_eq!(home.run(&["user", "reset", "nobody"]).code, 1);
    // An administrator who never came is none that could be missed; the last who came stays, as the store's suite proves.
    home.ok(&["user", "disable", "chief"]);
    assert_eq!(home.run(&["user", "add", "x", "--role", "king"]).code, 2);
}

#[test]
fn a_bank_goes_in_and_comes_out_again() {
    let home = Home::new("");
    let (one, two) = (pdq(&picture(1)).hash, pdq(&picture(2)).hash);
    let file = home.dir.path().join("bank.csv");
    let text = format!(
        "type,value,quality,name,labels\npdq,{one},100,one,a;b\nmd5,{},,one,a;b\npdq,{two},90,two,\n",
        "0".repeat(32)
    );
    std::fs::write(&file, format!("{text}pdq,xyz,,three,\n")).unwrap();

    let missing = home.run(&["bank", "import", "bank.csv", "--bank", "known"]);
    assert!(
        missing.code == 1 && missing.err.contains("--create makes it"),
        "{missing:?}"
    );
    let import =
        |more: &[&str]| home.run(&[&["bank", "import", "bank.csv", "--bank", "known", "--json"], more].concat());
    let first = import(&["--create", "--confirmed"]);
    assert_eq!(first.code, 1, "a line does not read: {first:?}");
    let summary = first.json().remove(0);
    assert_eq!(
        (&summary["created"], &summary["added"], &summary["already_present"]),
        (&json!(true), &json!(2), &json!(0))
    );
    assert_eq!(summary["errors"][0]["line"], 5);
    let second = import(&[]).json().remove(0);
    assert_eq!(
        (&second["created"], &second["added"], &second["already_present"]),
        (&json!(false), &json!(0), &json!(2))
    );

    let banks = home.ok(&["bank", "list", "--json"]).json();
    assert_eq!(
        (&banks[0]["name"], &banks[0]["confirmed"], &banks[0]["entries"]),
        (&json!("known"), &json!(true), &json!(2))
    );
    let exported = home.ok(&["bank", "export", "--bank", "known"]).out;
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&exported), sorted(&text));
    home.ok(&["bank", "export", "--bank", "known", "--out", "out.csv"]);
    assert_eq!(
        home.run(&["bank", "export", "--bank", "known", "--out", "out.csv"])
            .code,
        1,
        "an existing file stays"
    );
    assert_eq!(home.run(&["bank", "export", "--bank", "unknown"]).code, 1);

    // What was not confirmed is not confirmed by the way.
    home.run(&["bank", "import", "bank.csv", "--bank", "loose", "--create"]);
    let confirm = home.run(&[
        "bank",
        "import",
        "bank.csv",
        "--bank",
        "loose",
        "--create",
        "--confirmed",
    ]);
    assert!(
        confirm.code == 1 && confirm.err.contains("not confirmed"),
        "{confirm:?}"
    );
}

#[test]
fn a_killed_import_goes_on_when_it_is_repeated() {
    let home = Home::new("");
    let rows = |range: std::ops::Range<usize>| range.map(|n| format!("md5,{n:032x},,\n")).collect::<String>();
    // More than is imported at a time, and then silence.
    let n_first = moderation::banks::IMPORT_MAX;
    let mut import = home
        .command(&["bank", "import", "-", "--bank", "known", "--create"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = import.stdin.take().unwrap();
    stdin.write_all(rows(0..n_first + 500).as_bytes()).unwrap();
    let started = Instant::now();
    let n_entries = || {
        let banks = home.ok(&["bank", "list", "--json"]).json();
        banks.first().map_or(0, |bank| bank["entries"].as_u64().unwrap())
    };
    while n_entries() == 0 {
        assert!(started.elapsed() < Duration::from_secs(120), "nothing came in");
    }
    import.kill().unwrap();
    import.wait().unwrap();
    assert_eq!(n_entries(), n_first as u64, "a part is in the bank or is not");

    let file = home.dir.path().join("bank.csv");
    let n_lines = n_first + 1_000;
    std::fs::write(&file, format!("{}md5,xyz,,\n{}", rows(0..n_lines), rows(0..1))).unwrap();
    let again = home.run(&["bank", "import", "bank.csv", "--bank", "known", "--json"]);
    let summary = again.json().remove(0);
    assert_eq!(
        (&summary["added"], &summary["already_present"]),
        (&json!(1_000), &json!(n_first + 1))
    );
    assert_eq!(
        (&summary["n_errors"], &summary["errors"][0]["line"]),
        (&json!(1), &json!(n_lines + 1))
    );
    home.ok(&["verify"]);
}

#[test]
fn a_backup_is_whole_and_restores_into_an_empty_store_only() {
    let home = Home::new("");
    home.ok(&["key", "create", "platform", "--scope", "items:read"]);
    home.ok(&["user", "add", "amal"]);
    let verified = home.ok(&["verify", "--json"]).json().remove(0);
    assert_eq!((&verified["events"], &verified["faults"]), (&json!(2), &json!([])));
    home.ok(&["backup", "backup.gz"]);
    assert_eq!(home.run(&["backup", "backup.gz"]).code, 1, "an existing backup stays");
    home.ok(&["backup", "backup.gz", "--force"]);
    let to_stdout = home.command(&["backup", "-", "--json"]).output().unwrap();
    assert!(
        to_stdout.status.success() && to_stdout.stdout.starts_with(&[0x1f, 0x8b]),
        "gzip, and nothing before it"
    );

    let other = Home::new("");
    let file = home.dir.path().join("backup.gz");
    let file = file.to_str().unwrap();
    other.ok(&["restore", file]);
    assert_eq!(other.ok(&["verify", "--json"]).json().remove(0), verified);
    let twice = other.run(&["restore", file]);
    assert!(twice.code == 1 && twice.err.contains("not empty"), "{twice:?}");

    let cut = Home::new("");
    let bytes = std::fs::read(file).unwrap();
    std::fs::write(cut.dir.path().join("cut.gz"), &bytes[..bytes.len() - 30]).unwrap();
    assert_eq!(cut.run(&["restore", "cut.gz"]).code, 1);
    assert_eq!(
        cut.ok(&["verify", "--json"]).json()[0]["events"],
        0,
        "nothing is half restored"
    );
}

#[test]
fn doctor_says_what_is_wrong_and_what_to_do() {
    let status = |ran: &Ran, check: &str| {
        let lines = ran.json();
        let line = lines
            .iter()
            .find(|line| line["check"] == check)
            .unwrap_or_else(|| panic!("no check {check}: {ran:?}"));
        assert_eq!(
            line["advice"].is_null(),
            line["status"] == "ok",
            "advice for what is not well, and for nothing else: {line}"
        );
        line["status"].as_str().unwrap().to_owned()
    };
    let well = Home::new(
        "[http]\nlisten = \"127.0.0.1:0\"\n[webhook]\nurl = \"https://a.example/hook?key=hunter2\"\nsecret = \"hunter2hunter2hunter2hunter2hunter2\"\n",
    );
    std::fs::create_dir(well.dir.path().join("store")).unwrap();
    let ran = well.ok(&["doctor", "--json"]);
    for check in [
        "config",
        "clock",
        "store",
        "disk",
        "jail seccomp",
        "decoder",
        "listen",
        "webhook",
    ] {
        assert_eq!(status(&ran, check), "ok", "{check}: {ran:?}");
    }
    assert!(!ran.out.contains("hunter2"), "secrets stay secret");
    assert!(
        !well.dir.path().join("store/seawall.db").exists(),
        "the doctor makes no store"
    );
    assert!(well.ok(&["doctor"]).err.contains("nothing is wrong"));

    let silent = Home::new("[http]\nlisten = \"203.0.113.7:80\"\n");
    std::fs::create_dir(silent.dir.path().join("store")).unwrap();
    std::fs::write(
        silent.dir.path().join("store/seawall.db"),
        "no database, whatever its name says",
    )
    .unwrap();
    let asked = Instant::now();
    let ran = silent.run(&["doctor", "--json"]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        [status(&ran, "store"), status(&ran, "listen"), status(&ran, "webhook")],
        ["wrong", "wrong", "warning"]
    );

    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "what cannot work is not waited for: {:?}",
        asked.elapsed()
    );

    let misspelt = Home::new("[http]\nlstien = \"127.0.0.1:1\"\n");
    let ran = misspelt.run(&["doctor", "--json"]);
    assert_eq!((ran.code, status(&ran, "config")), (1, "wrong".to_owned()));
    assert_eq!(
        misspelt.run(&["bank", "list"]).code,
        2,
        "every other command refuses such a configuration"
    );
}

/// A mail server that takes nobody's letters: what it was told, line by line.
fn mail_server() -> (u16, std::sync::mpsc::Receiver<String>) {
    use std::io::{BufRead, BufReader, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (told, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 here\r\n").unwrap();
        for line in BufReader::new(stream.try_clone().unwrap())
            .lines()
            .map_while(Result::ok)
        {
            let word = line.split(' ').next().unwrap_or_default().to_uppercase();
            let _ = told.send(word.clone());
            let answer: &[u8] = match word.as_str() {
                "EHLO" | "NOOP" => b"250 yes\r\n",
                "QUIT" => b"221 bye\r\n",
                _ => b"502 no\r\n",
            };
            if stream.write_all(answer).is_err() {
                break;
            }
        }
    });
    (port, lines)
}

#[test]
fn doctor_tries_the_mail_server_and_sends_nothing() {
    let home = |port: u16| {
        Home::new(&format!(
            "[http]\nlisten = \"127.0.0.1:0\"\n[mail]\nsmtp = \"smtp://127.0.0.1:{port}\"\nfrom = \"a@example.org\"\nto = [\"b@example.org\"]\n"
        ))
    };
    let finding = |ran: &Ran| {
        let lines = ran.json();
        let line = lines.iter().find(|line| line["check"] == "mail").unwrap().clone();
        (
            line["status"].as_str().unwrap().to_owned(),
            line["detail"].as_str().unwrap().to_owned(),
        )
    };
    let (port, lines) = mail_server();
    let ran = home(port).run(&["doctor", "--json"]);
    assert_eq!(finding(&ran).0, "ok", "{ran:?}");
    let told: Vec<String> = lines.try_iter().collect();
    assert!(
        told.contains(&"EHLO".to_owned()) && told.contains(&"NOOP".to_owned()),
        "{told:?}"
    );
    assert!(
        !told
            .iter()
            .any(|word| ["MAIL", "RCPT", "DATA"].contains(&word.as_str())),
        "{told:?}"
    );

    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let ran = home(closed).run(&["doctor", "--json"]);
    assert_eq!(ran.code, 1);
    assert_eq!(
        finding(&ran),
        ("wrong".to_owned(), "the mail server could not be reached".to_owned())
    );
    assert!(!ran.out.contains("b@example.org"), "nobody's address is printed");
}

/// A running server, ended when dropped.
struct Server {
    child: Child,
    address: String,
    link: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(home: &Home) -> Server {
    serve_as(home, None)
}

/// Serves from a program's copy, if there is one.
fn serve_as(home: &Home, program: Option<&Path>) -> Server {
    let mut command = home.command(&["serve"]);
    if let Some(program) = program {
        command = Command::new(program);
        command.arg("--config").arg(home.config()).arg("serve");
    }
    start(command)
}

fn start(mut command: Command) -> Server {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (mut link, mut seen) = (String::new(), Vec::new());
    let address = loop {
        let Some(Ok(line)) = lines.next() else {
            panic!("it ended: {seen:?}")
        };
        if line.trim_start().starts_with("http://") {
            link = line.trim().to_owned();
        }
        if let Some((_, rest)) = line.split_once("listening on http://") {
            break rest.split(',').next().unwrap().to_owned();
        }
        seen.push(line);
    };
    std::thread::spawn(move || lines.for_each(drop));
    Server { child, address, link }
}

fn get(address: &str, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    exchange(address, request.as_bytes())
}

/// Sends a request and reads all of the answer.
fn exchange(address: &str, request: &[u8]) -> String {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn serve_invites_the_first_user_and_ends_in_good_order() {
    let home = Home::new("[http]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://seawall.test\"\n");
    let mut server = serve(&home);
    assert!(get(&server.address, "/healthz").starts_with("HTTP/1.1 200 "));
    assert!(get(&server.address, "/readyz").starts_with("HTTP/1.1 200 "));
    let path = server.link.strip_prefix("http://seawall.test").unwrap().to_owned();
    assert!(
        get(&server.address, &path).starts_with("HTTP/1.1 200 "),
        "the link opens: {path}"
    );

    // Another command works beside the server, on the same store.
    home.ok(&["user", "list"]);
    let taken = home.run(&["serve", "--listen", &server.address]);
    assert!(
        taken.code == 1 && taken.err.contains("another program listens on"),
        "{taken:?}"
    );

    let pid = nix::unistd::Pid::from_raw(i32::try_from(server.child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    let asked = Instant::now();
    let status = server.child.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "nothing was under way: {:?}",
        asked.elapsed()
    );
    home.ok(&["verify"]);
}

#[test]
fn a_server_outlives_the_file_it_was_started_from() {
    let home = Home::new("[http]\nlisten = \"127.0.0.1:0\"\n[media]\nworkers = 1\nfiles_per_worker = 1\n");
    let program = home.dir.path().join("seawall");
    std::fs::copy(env!("CARGO_BIN_EXE_seawall"), &program).unwrap();
    let secret = home.ok(&["key", "create", "platform", "--scope", "items:write"]).out;
    let server = serve_as(&home, Some(&program));
    // An upgrade puts another file in its place. Each file is decoded by a worker that is started anew.
    std::fs::remove_file(&program).unwrap();
    std::fs::write(&program, "not even a program").unwrap();
    let png = common::png(&picture(1));
    for n in 0..3 {
        let boundary = "a-boundary";
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"item\"\r\n\r\n{{\"id\":\"post-{n}\",\"kind\":\"post\"}}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"a.png\"; filename=\"a.png\"\r\n\r\n"
        )
        .into_bytes();
        body.extend(&png);
        body.extend(format!("\r\n--{boundary}--\r\n").bytes());
        let head = format!(
            "POST /api/v1/items HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Content-Type: multipart/form-data; boundary={boundary}\r\nContent-Length: {}\r\n\r\n",
            server.address,
            secret.trim(),
            body.len()
        );
        let answer = exchange(&server.address, &[head.as_bytes(), &body].concat());
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.contains(r#""status":"scanned""#),
            "{n}: {answer}"
        );
    }
}

#[test]
fn serve_refuses_what_makes_no_sense() {
    let home = Home::new("[webhook]\nurl = \"https://a.example\"\n");
    let ran = home.run(&["serve"]);
    assert!(ran.code == 2 && ran.err.contains("webhook.secret_file"), "{ran:?}");
    let level = Home::new("[log]\nlevel = \"loud=very\"\n");
    assert_eq!(level.run(&["serve"]).code, 2);
}

#[test]
fn the_development_mode_of_hma_listens_on_this_machine_alone() {
    let home = Home::new("");
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8410"] {
        let ran = home.run(&["serve", "--hma-dev", "--listen", address]);
        assert!(
            ran.code == 2 && ran.err.contains("this machine alone"),
            "{address}: {ran:?}"
        );
    }
    // The address may stand in the configuration as well.
    let everywhere = Home::new("[http]\nlisten = \"0.0.0.0:0\"\n");
    assert_eq!(everywhere.run(&["serve", "--hma-dev"]).code, 2);
}

#[test]
fn open_access_is_refused_where_other_machines_could_come() {
    let home = Home::new("[hma]\nenabled = true\nopen_access = true\n\n[http]\nlisten = \"0.0.0.0:0\"\n");
    let ran = home.run(&["serve"]);
    assert!(ran.code == 2 && ran.err.contains("hma.open_access"), "{ran:?}");
    // Nor can an argument bring it about.
    let home = Home::new("[hma]\nenabled = true\nopen_access = true\n");
    let ran = home.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert!(ran.code == 2 && ran.err.contains("hma.open_access"), "{ran:?}");
}

#[test]
fn the_development_mode_of_hma_keeps_away_from_the_store() {
    let home = Home::new("");
    let server = start(home.command(&["serve", "--hma-dev", "--listen", "127.0.0.1:0"]));
    let send = |method: &str, path: &str, body: &str| {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            server.address,
            body.len()
        );
        exchange(&server.address, head.as_bytes())
    };
    let made = send("POST", "/c/banks", r#"{"name": "A"}"#);
    assert!(made.starts_with("HTTP/1.1 201 "), "{made}");
    let reset = send("POST", "/dev/factory_reset", "");
    assert!(reset.starts_with("HTTP/1.1 302 "), "{reset}");
    let banks = send("GET", "/c/banks", "");
    assert!(
        banks.starts_with("HTTP/1.1 200 ") && banks.ends_with("\r\n\r\n[]"),
        "{banks}"
    );
    let listed = home.ok(&["bank", "list", "--json"]).out;
    assert_eq!(listed.trim(), "", "nothing of it is in the configured store");
}
