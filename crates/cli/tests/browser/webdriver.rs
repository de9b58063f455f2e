//! A browser that a test drives: the few commands of W3C WebDriver that the tests need, over chromedriver. Every failure
//! is a panic that says what was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The name under which WebDriver passes elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The longest that a test waits for a page to show something.
const PATIENCE: Duration = Duration::from_secs(20);

/// Keys that have no letter.
pub mod key {
    pub const TAB: &str = "\u{e004}";
    pub const ENTER: &str = "\u{e007}";
    pub const CONTROL: &str = "\u{e009}";
    pub const ESCAPE: &str = "\u{e00c}";
    pub const SPACE: &str = " ";
}

/// A running browser with one window.
pub struct Browser {
    port: u16,
    session: String,
    width: u32,
    height: u32,
    driver: Child,
    _profile: TempDir,
}

/// Something on the page.
#[derive(Clone)]
pub struct Element(String);

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the browser too; the driver is stopped in any case.
        let _ = request(self.port, "DELETE", &format!("/session/{}", self.session), None);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Browser {
    /// A fresh browser. Without scripts, pages are as for someone who has turned them off.
    pub fn open(with_scripts: bool) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is not installed: `make setup` installs it");
        let mut lines = BufReader::new(driver.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "chromedriver ended");
            if let Some(port) = line
                .trim()
                .strip_prefix("ChromeDriver was started successfully on port ")
            {
                break port.trim_end_matches('.').parse().unwrap();
            }
        };
        // Nobody reads the rest; a full pipe would block the driver.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));

        let profile = tempfile::tempdir().unwrap();
        let flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--lang=en",
        ];
        let mut args: Vec<String> = flags.map(str::to_owned).to_vec();
        args.push(format!("--user-data-dir={}", profile.path().display()));
        let scripts = if with_scripts { 1 } else { 2 };
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "args": args,
                "prefs": { "profile.managed_default_content_settings.javascript": scripts, "intl.accept_languages": "en" },
            },
        } } });
        let answer = request(port, "POST", "/session", Some(&wanted)).unwrap();
        let session = answer["sessionId"]
            .as_str()
            .unwrap_or_else(|| panic!("no session: {answer}"))
            .to_owned();
        let mut browser = Self {
            port,
            session,
            width: 0,
            height: 0,
            driver,
            _profile: profile,
        };
        browser.resize(1280, 860);
        browser
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        match request(
            self.port,
            method,
            &format!("/session/{}{path}", self.session),
            body.as_ref(),
        ) {
            Ok(value) => value,
            Err(error) => panic!("{method} {path} {body:?}: {error}"),
        }
    }

    /// A command of the browser's own protocol.
    #[track_caller]
    pub fn devtools(&self, command: &str, params: Value) -> Value {
        self.ask(
            "POST",
            "/goog/cdp/execute",
            Some(json!({ "cmd": command, "params": params })),
        )
    }

    /// Gives the page a window of this size.
    pub fn resize(&mut self, width: u32, height: u32) {
        (self.width, self.height) = (width, height);
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size);
    }

    /// Makes the system look light or dark.
    pub fn prefer(&self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", features);
        // Colours change by and by; what is looked at is what they end as.
        self.run("document.getAnimations().forEach((one) => one.finish())", &[]);
    }

    #[track_caller]
    pub fn go(&self, url: &str) {
        self.ask("POST", "/url", Some(json!({ "url": url })));
    }

    #[track_caller]
    pub fn url(&self) -> String {
        self.ask("GET", "/url", None).as_str().unwrap().to_owned()
    }

    /// The first element that the selector finds.
    #[track_caller]
    pub fn find(&self, css: &str) -> Element {
        self.try_find(css)
            .unwrap_or_else(|| panic!("no `{css}` on {}: {}", self.url(), self.text("body")))
    }

    #[track_caller]
    pub fn try_find(&self, css: &str) -> Option<Element> {
        let wanted = json!({ "using": "css selector", "value": css });
        let found = self.ask("POST", "/elements", Some(wanted));
        found
            .as_array()
            .unwrap()
            .first()
            .map(|element| Element(element[ELEMENT].as_str().unwrap().to_owned()))
    }

    #[track_caller]
    pub fn click(&self, css: &str) {
        let Element(id) = self.find(css);
        self.ask("POST", &format!("/element/{id}/click"), Some(json!({})));
    }

    /// Clicks on what leads to another page, and waits for that.
    #[track_caller]
    pub fn follow(&self, css: &str) {
        self.leave(|browser| browser.click(css));
    }

    /// Does what leads to another page, and waits until that is there.
    #[track_caller]
    pub fn leave(&self, act: impl FnOnce(&Self)) {
        self.run("document.body.isLeft = true", &[]);
        act(self);
        self.wait("another page", |browser| {
            browser.run(
                "return !document.body.isLeft && document.readyState === 'complete'",
                &[],
            ) == true
        });
    }

    /// Types into a field, or chooses a file.
    #[track_caller]
    pub fn fill(&self, css: &str, text: &str) {
        let Element(id) = self.find(css);
        self.ask("POST", &format!("/element/{id}/value"), Some(json!({ "text": text })));
    }

    /// The words that are seen.
    #[track_caller]
    pub fn text(&self, css: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": css });
        let id = self.ask("POST", "/element", Some(wanted))[ELEMENT]
            .as_str()
            .unwrap()
            .to_owned();
        // The marks that isolate directions are for the eye.
        self.ask("GET", &format!("/element/{id}/text"), None)
            .as_str()
            .unwrap()
            .replace(['\u{2068}', '\u{2069}'], "")
    }

    #[track_caller]
    pub fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let Element(id) = self.find(css);
        self.ask("GET", &format!("/element/{id}/attribute/{name}"), None)
            .as_str()
            .map(str::to_owned)
    }

    /// What a script returns. Works also where the page's own scripts are turned off.
    #[track_caller]
    pub fn run(&self, script: &str, args: &[Value]) -> Value {
        self.ask("POST", "/execute/sync", Some(json!({ "script": script, "args": args })))
    }

    /// Whether the element takes any room and can be seen.
    #[track_caller]
    pub fn is_seen(&self, css: &str) -> bool {
        let Some(Element(id)) = self.try_find(css) else {
            return false;
        };
        self.ask("GET", &format!("/element/{id}/displayed"), None)
            .as_bool()
            .unwrap()
    }

    /// Presses and lets go of each key, one after the other.
    #[track_caller]
    pub fn press(&self, keys: &[&str]) {
        let steps = keys.iter().flat_map(|key| [key_down(key), key_up(key)]).collect();
        self.act("key", "keyboard", steps);
    }

    /// Presses a key while another is held.
    #[track_caller]
    pub fn press_with(&self, held: &str, key: &str) {
        self.act(
            "key",
            "keyboard",
            vec![key_down(held), key_down(key), key_up(key), key_up(held)],
        );
    }

    /// Holds a key until [`Browser::let_go`].
    #[track_caller]
    pub fn hold_key(&self, key: &str) {
        self.act("key", "keyboard", vec![key_down(key)]);
    }

    /// Holds the mouse or a finger on an element until [`Browser::let_go`].
    #[track_caller]
    pub fn hold_pointer(&self, kind: &str, css: &str) {
        let Element(id) = self.find(css);
        self.run(
            "arguments[0].scrollIntoView({block: 'center'})",
            &[json!({ ELEMENT: id })],
        );
        let steps = json!([
            { "type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": { ELEMENT: id } },
            { "type": "pointerDown", "button": 0 },
        ]);
        let source = json!({ "type": "pointer", "id": kind, "parameters": { "pointerType": kind }, "actions": steps });
        self.ask("POST", "/actions", Some(json!({ "actions": [source] })));
    }

    /// Lets go of everything that is held.
    #[track_caller]
    pub fn let_go(&self) {
        self.ask("DELETE", "/actions", None);
    }

    #[track_caller]
    fn act(&self, kind: &str, id: &str, steps: Vec<Value>) {
        self.ask(
            "POST",
            "/actions",
            Some(json!({ "actions": [{ "type": kind, "id": id, "actions": steps }] })),
        );
    }

    /// The element that has the focus, as a short description.
    #[track_caller]
    pub fn focused(&self) -> String {
        let script = "const e = document.activeElement; \
                      return e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') + (e.name ? '[' + e.name + '=' + e.value + ']' : '')";
        self.run(script, &[]).as_str().unwrap().to_owned()
    }

    /// Waits until `what` holds.
    #[track_caller]
    pub fn wait(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(
                start.elapsed() < PATIENCE,
                "not in time: {what}, on {}: {}",
                self.url(),
                self.text("body")
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// A picture of the whole page, up to a height that is still worth looking at.
    #[track_caller]
    pub fn screenshot(&self) -> Vec<u8> {
        const HEIGHT_MAX: f64 = 4_000.0;
        let size = self.devtools("Page.getLayoutMetrics", json!({}));
        let height = size["cssContentSize"]["height"]
            .as_f64()
            .unwrap()
            .clamp(f64::from(self.height), HEIGHT_MAX);
        let clip = json!({ "x": 0, "y": 0, "width": self.width, "height": height, "scale": 1 });
        let taken = self.devtools(
            "Page.captureScreenshot",
            json!({ "captureBeyondViewport": true, "clip": clip }),
        );
        decode_base64(taken["data"].as_str().unwrap())
    }

    /// A picture of what is in the window.
    #[track_caller]
    pub fn screenshot_of_window(&self) -> Vec<u8> {
        decode_base64(self.ask("GET", "/screenshot", None).as_str().unwrap())
    }

    /// What the browser complained about since the last call: refused styles, failed loads, errors in scripts.
    #[track_caller]
    pub fn complaints(&self) -> Vec<String> {
        let lines = self.ask("POST", "/se/log", Some(json!({ "type": "browser" })));
        let severe = lines
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line["level"] != "INFO" && line["level"] != "DEBUG");
        severe
            .map(|line| line["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

fn key_down(key: &str) -> Value {
    json!({ "type": "keyDown", "value": key })
}

fn key_up(key: &str) -> Value {
    json!({ "type": "keyUp", "value": key })
}

/// Sends one command and returns its value, or the driver's error.
fn request(port: u16, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(|e| e.to_string())?;
    stream
        .set_read_timeout(Some(Duration::from_secs(120)))
        .map_err(|e| e.to_string())?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body.as_bytes()))
        .map_err(|e| e.to_string())?;
    let mut reader = BufReader::new(stream);
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        reader.read_line(&mut line).map_err(|e| e.to_string())?;
        let header = line.trim().to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(|_| format!("bad header {header}"))?;
        }
        if header.is_empty() {
            break;
        }
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).map_err(|e| e.to_string())?;
    let answer: Value = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
    let value = answer["value"].clone();
    match value["error"].as_str() {
        Some(error) => Err(format!("{error}: {}", value["message"].as_str().unwrap_or_default())),
        None => Ok(value),
    }
}

fn decode_base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=')
        .collect();
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3);
    for four in digits.chunks(4) {
        let bits = four.iter().fold(0, |sum, byte| sum << 6 | digit(*byte)) << (6 * (4 - four.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..four.len()]);
    }
    bytes
}

#[test]
fn pictures_are_decoded_byte_for_byte() {
    assert_eq!(decode_base64("aGVsbG8gd29ybGQ="), b"hello world");
    assert_eq!(decode_base64("//79"), [0xff, 0xfe, 0xfd]);
    assert_eq!(decode_base64("aA=="), b"h");
}
