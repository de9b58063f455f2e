//! Coming in through a real identity provider, in a real browser: `oidc-provider`, which is certified for OpenID Connect,
//! stands in for the company's. It runs from `tests/provider`, where `scripts/setup.sh test` installs it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use moderation::access::secrets;
use moderation::model::{Clock, SystemClock};

use crate::checks::check;
use crate::stage::{Running, Server, keep};
use crate::webdriver::Browser;

/// The provider.
struct Provider {
    _program: Running,
    issuer: String,
}

/// The address of a provider that will be started at it.
fn place() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Provider {
    fn start(port: u16, seawall: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/provider");
        assert!(
            folder.join("node_modules").is_dir(),
            "the identity provider is not installed: run scripts/setup.sh test"
        );
        let own_node = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/bin/node");
        let node = if own_node.exists() { own_node } else { "node".into() };
        let mut child = Command::new(node)
            .arg(folder.join("provider.mjs"))
            .arg(port.to_string())
            .arg(seawall)
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node.js runs: scripts/setup.sh test installs it");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let program = Running(child);
        assert!(
            lines.any(|line| line.unwrap() == "ready"),
            "the identity provider ended at once"
        );
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            _program: program,
            issuer: format!("http://127.0.0.1:{port}"),
        }
    }

    /// Signs in on the provider's own pages.
    fn sign_in(&self, browser: &Browser, name: &str) {
        assert!(browser.url().starts_with(&self.issuer), "{}", browser.url());
        browser.fill("[name=login]", name);
        browser.fill("[name=password]", "any");
        browser.follow("button[type=submit]");
        // It asks once whether Seawall may know who somebody is.
        if browser.url().starts_with(&self.issuer) {
            browser.follow("button[type=submit]");
        }
    }
}

#[test]
fn somebody_comes_in_through_a_real_provider_and_goes_again() {
    let port = place();
    let config = format!(
        "[oidc]\nissuer = \"http://127.0.0.1:{port}\"\nclient_id = \"seawall\"\n\
         client_secret = \"only for the tests: + and % are encoded\"\nname = \"Harbour Inc\"\nmake_people = true\n\
         local_sign_in = \"admins\"\nroles = {{ seawall-desk = [\"moderator\"], seawall-admins = [\"admin\"] }}\n"
    );
    let server = Server::start_with(&config);
    let mut browser = Browser::open(false);

    // Down: the page says so, and the form is there for admins.
    browser.go(&server.page("/sign-in?next=/account"));
    check(&browser, "the sign-in page with a provider");
    keep("provider-1-sign-in", &browser.screenshot());
    browser.follow("a.button.primary");
    assert!(browser.text(".problem-box").contains("does not answer just now"));
    assert!(browser.is_seen("#password"));
    keep("provider-2-down", &browser.screenshot());
    let complaints = browser.complaints();
    assert!(
        complaints.iter().all(|said| said.contains("a status of 503")),
        "{complaints:?}"
    );

    let provider = Provider::start(port, server.page("").trim_end_matches('/'));
    // What failed is not asked again for some seconds.
    std::thread::sleep(Duration::from_secs(6));
    browser.go(&server.page("/sign-in?next=/account"));
    browser.follow("a.button.primary");
    provider.sign_in(&browser, "amal");

    // It asked for no second factor: a code of our own, with an authenticator that is set up now.
    assert_eq!(browser.url(), server.page("/sign-in/code"));
    check(&browser, "the code after the provider");
    keep("provider-3-code", &browser.screenshot());
    browser.resize(390, 844);
    keep("provider-3-code-narrow", &browser.screenshot());
    browser.resize(1280, 860);
    let secret = browser.attribute("#secret", "value").unwrap();
    browser.fill("#code", &secrets::totp_code(&secret, SystemClock.now()).unwrap());
    browser.follow("main form button.primary");
    assert_eq!(browser.url(), server.page("/account"));
    assert!(browser.text("main").contains("You can sign in with Harbour Inc"));
    assert!(browser.text(".head-facts").contains("amal"));
    check(&browser, "the account of somebody without a password");
    keep("provider-4-account", &browser.screenshot());

    // A fresh sign-in there takes the place of a password: the provider asks anew, though it knows them.
    browser.follow("a[href='/account/prove']");
    provider.sign_in(&browser, "amal");
    assert_eq!(browser.url(), server.page("/account"));
    assert!(browser.text("main").contains("You have just proved that it is you"));
    browser.fill("#name", "script");
    browser.click("[name=scope][value='items:read']");
    // The provider asked for no second factor: the code of the authenticator here is asked for. Each is good once.
    let next = SystemClock.now().after(Duration::from_secs(30));
    let code = secrets::totp_code(&secret, next).unwrap();
    browser.fill("form[action='/account/tokens'] [name=code]", &code);
    browser.follow("form[action='/account/tokens'] button[type=submit]");
    assert!(browser.attribute("#secret", "value").unwrap().starts_with("sw_"));

    // Out here, and by the link out there.
    browser.go(&server.page("/account"));
    browser.click(".me");
    browser.follow(".profile form[action='/sign-out'] button");
    assert!(
        browser
            .text("main")
            .contains("You may still be signed in at Harbour Inc")
    );
    // Not checked like other pages: the one link that leads away is what it is for.
    keep("provider-5-signed-out", &browser.screenshot());
    browser.follow("main a.button.primary");
    assert!(browser.url().starts_with(&provider.issuer), "{}", browser.url());
    browser.follow("button[name=logout]");
    assert_eq!(browser.url().split('?').next().unwrap(), server.page("/sign-in"));

    // In again; then out at the provider alone, which tells Seawall behind the browser's back.
    browser.follow("a.button.primary");
    provider.sign_in(&browser, "amal");
    std::thread::sleep(Duration::from_secs(30));
    let later = SystemClock.now().after(Duration::from_secs(30));
    browser.fill("#code", &secrets::totp_code(&secret, later).unwrap());
    browser.follow("main form button.primary");
    assert_eq!(browser.url(), server.page("/desk"));
    browser.go(&format!("{}/session/end", provider.issuer));
    browser.follow("button[name=logout]");
    browser.wait("the end of the session", |browser| {
        browser.go(&server.page("/desk"));
        browser.url().contains("/sign-in")
    });

    // Somebody whom the provider knows and no group lets in.
    browser.go(&server.page("/sign-in"));
    browser.follow("a.button.primary");
    provider.sign_in(&browser, "mallory");
    assert!(browser.text(".problem-box").contains("You were not let in"));
    check(&browser, "somebody who is not let in");
    keep("provider-6-refused", &browser.screenshot());
    browser.prefer("dark");
    browser.go(&server.page("/sign-in"));
    keep("provider-7-dark", &browser.screenshot());
}
