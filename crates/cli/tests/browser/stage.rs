//! What the browser looks at: the demonstration, or a fresh server with a platform of the test's own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cli::demo::files::Edit;
use cli::demo::pictures;
use serde_json::Value;

use crate::common::{Home, seawall};
use crate::webdriver::Browser;

/// A program that ends with the test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The demonstration.
pub struct Demo {
    _program: Running,
    found: Value,
}

impl Demo {
    /// Starts it and waits until its story is told.
    pub fn start() -> Self {
        let any_port = [
            "demo",
            "--listen",
            "127.0.0.1:0",
            "--platform-listen",
            "127.0.0.1:0",
            "--json",
        ];
        let mut child = seawall()
            .args(any_port)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let program = Running(child);
        let found =
            serde_json::from_str(&line).unwrap_or_else(|e| panic!("the demonstration did not start: {e}: {line}"));
        Self {
            _program: program,
            found,
        }
    }

    /// A page of the console.
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.found["console"].as_str().unwrap())
    }

    /// Signs the browser in.
    pub fn enter(&self, browser: &Browser) {
        browser.go(self.found["sign_in"].as_str().unwrap());
        assert_eq!(browser.url(), self.page("/desk"));
    }
}

/// A fresh server with nothing in it, and a platform that obeys it.
pub struct Server {
    _program: Running,
    url: String,
    /// The link that it printed on its first start.
    pub first_link: String,
    /// The platform.
    pub platform: Platform,
    _home: Home,
}

impl Server {
    /// Starts it.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts it with more in its configuration.
    pub fn start_with(more: &str) -> Self {
        let platform = Platform::start();
        let webhook = format!(
            "[webhook]\nurl = \"http://{}/orders\"\nsecret = \"only for this test\"\nbackoff_first_ms = 200\n{more}",
            platform.address
        );
        let home = Home::new(&webhook);
        // A port that is free now; the address is part of every link, so it is chosen before.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = home.command(&["serve", "--listen", &address.to_string()]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let program = Running(child);
        let (mut first_link, mut said) = (None, String::new());
        while !said.contains("listening on") {
            let mut line = String::new();
            assert!(talk.read_line(&mut line).unwrap() > 0, "the server ended: {said}");
            if line.contains("/invite/") {
                first_link = Some(line.trim().to_owned());
            }
            said.push_str(&line);
        }
        std::thread::spawn(move || std::io::copy(&mut talk, &mut std::io::sink()));
        let first_link = first_link.unwrap_or_else(|| panic!("no link: {said}"));
        Self {
            _program: program,
            url: format!("http://{address}"),
            first_link,
            platform,
            _home: home,
        }
    }

    /// A page of the console.
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Submits a post without files, as a platform does, and returns the verdict.
    pub fn submit_post(&self, key: &str, post: &Value) -> Value {
        self.call(key, "application/json", post.to_string().as_bytes())
    }

    /// Submits a post with one picture, as a platform does, and returns the verdict.
    pub fn submit(&self, key: &str, item: &str, picture: &[u8]) -> Value {
        let boundary = "end-of-part";
        let about =
            serde_json::json!({ "id": item, "kind": "post", "account": "magpie", "text": "Look <b>what</b> I found" });
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"item\"\r\nContent-Type: application/json\r\n\r\n{about}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"a.jpg\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(picture);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        self.call(key, &format!("multipart/form-data; boundary={boundary}"), &body)
    }

    fn call(&self, key: &str, kind: &str, body: &[u8]) -> Value {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /api/v1/items HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap_or_else(|e| panic!("{e}: {answer}"))
    }
}

/// A platform that notes each order and says that it is done.
pub struct Platform {
    address: std::net::SocketAddr,
    orders: Arc<Mutex<Vec<Value>>>,
}

impl Platform {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let orders: Arc<Mutex<Vec<Value>>> = Arc::default();
        let noted = orders.clone();
        // Ends with the test program.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                answer(stream, &noted);
            }
        });
        Self { address, orders }
    }

    /// What was ordered so far: item and kind.
    pub fn orders(&self) -> Vec<(String, String)> {
        let orders = self.orders.lock().unwrap();
        let text = |order: &Value, field: &str| order[field].as_str().unwrap_or_default().to_owned();
        orders
            .iter()
            .map(|order| (text(order, "item"), text(order, "kind")))
            .collect()
    }
}

fn answer(stream: TcpStream, noted: &Mutex<Vec<Value>>) {
    let mut reader = BufReader::new(stream);
    let (mut length, mut signed, mut line) = (0, false, String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        signed |= header.starts_with("seawall-signature: t=");
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() || !signed {
        return;
    }
    if let Ok(order) = serde_json::from_slice(&body) {
        noted.lock().unwrap().push(order);
    }
    let said = "{\"answer\":\"done\"}";
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        said.len()
    );
    let _ = reader.get_mut().write_all(format!("{head}{said}").as_bytes());
}

/// Writes a picture of a page where people look for it.
pub fn keep(name: &str, png: &[u8]) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .unwrap()
        .join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
}

/// A picture of the demonstration's, as a bank knows it, and as someone posts it again.
pub fn pictures() -> (Vec<u8>, Vec<u8>) {
    let picture = pictures::draw(0).image;
    (
        Edit::None.file(&picture).unwrap(),
        Edit::Recompress(35).file(&picture).unwrap(),
    )
}
