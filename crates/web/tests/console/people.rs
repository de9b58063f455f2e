//! People with a browser: they hold cookies, and send forms from pages.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use moderation::access::secrets;
use moderation::flows::access;
use moderation::flows::submit::{self, NewContent, NewMedia, Submission};
use moderation::model::{Actor, CaseId, Clock, ItemKind, Role};
use moderation::signal::Signal;

use crate::world::{Answer, World, form};

/// The password of everyone.
pub const PASSWORD: &str = "three quiet harbour lights";

/// Someone who is signed in.
pub struct Person {
    /// What their browser sends in `Cookie`.
    pub cookie: String,
    /// What their forms carry.
    pub csrf: String,
    /// Who they are to the flows.
    pub actor: Actor,
    /// The seed of their one-time codes.
    pub totp_secret: String,
}

impl Person {
    /// Someone who has just accepted an invitation.
    pub async fn join(world: &World, name: &str, role: Role) -> Self {
        let invite = access::invite_user(&world.app, &Actor::Operator, name, role.into())
            .await
            .unwrap();
        let view = access::open_invite(&world.app, &invite.token).await.unwrap();
        let code = secrets::totp_code(&view.totp_secret_base32, world.clock.now()).unwrap();
        let signed_in = access::accept_invite(&world.app, &invite.token, PASSWORD, &code)
            .await
            .unwrap();
        Self {
            cookie: format!("seawall_session={}", signed_in.session_token),
            csrf: signed_in.session.csrf_token.clone(),
            actor: access::actor_of(&signed_in.session.user),
            totp_secret: view.totp_secret_base32,
        }
    }

    /// A page.
    pub async fn get(&self, world: &World, path: &str) -> Answer {
        get(world, path, &[("cookie", &self.cookie)]).await
    }

    /// A form, with the token of the session.
    pub async fn post(&self, world: &World, path: &str, fields: &[(&str, &str)]) -> Answer {
        let fields: Vec<(&str, &str)> = [("csrf", self.csrf.as_str())]
            .into_iter()
            .chain(fields.iter().copied())
            .collect();
        post(
            world,
            path,
            &[("cookie", &self.cookie), ("sec-fetch-site", "same-origin")],
            &fields,
        )
        .await
    }

    /// A form with files, with the token of the session. Each part is its name, its file name (none if empty), its bytes.
    pub async fn upload(&self, world: &World, path: &str, parts: &[(&str, &str, &[u8])]) -> Answer {
        let parts: Vec<(&str, &str, &[u8])> = [("csrf", "", self.csrf.as_bytes())]
            .into_iter()
            .chain(parts.iter().copied())
            .collect();
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("cookie", &self.cookie)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "multipart/form-data; boundary=end")
            .body(Body::from(form("end", &parts)))
            .unwrap();
        world.send(request).await
    }
}

/// A page for whoever these headers say.
pub async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::empty()).unwrap()).await
}

/// A form from whoever these headers say.
pub async fn post(world: &World, path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let mut request = Request::builder().method(Method::POST).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    world.send(request.body(Body::from(body)).unwrap()).await
}

/// Submits a post with one picture, and returns the case that it opens.
pub async fn submit(world: &World, id: &str, signal: Signal, change: impl FnOnce(&mut Submission)) -> CaseId {
    let mut submission = Submission {
        id: id.parse().unwrap(),
        kind: ItemKind::Post,
        account: Some("magpie".to_owned()),
        channel: None,
        audience: None,
        url: None,
        text: None,
        report: None,
        platform: moderation::model::PlatformFacts::default(),
        media: vec![NewMedia {
            transcript: Vec::new(),
            name: "a.jpg".to_owned(),
            content: NewContent::Signals(vec![signal]),
        }],
    };
    change(&mut submission);
    let submitted = submit::submit_item(&world.app, &Actor::Operator, submission, None)
        .await
        .unwrap();
    submitted.verdict.case.expect("no case was opened")
}

impl Answer {
    /// The words that someone reads: without tags, without the marks that isolate directions.
    pub fn words(&self) -> String {
        let mut words = String::new();
        for piece in self.body.split('<') {
            words.push_str(piece.split_once('>').map_or(piece, |(_, text)| text));
            words.push(' ');
        }
        let words = words
            .replace(['\u{2068}', '\u{2069}'], "")
            .replace("&#39;", "'")
            .replace("&#34;", "\"");
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Where the answer leads, after a form was taken.
    #[track_caller]
    pub fn leads_to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.words());
        self.header("location")
    }

    /// The page shows these words, with this status.
    #[track_caller]
    pub fn says(&self, status: u16, expected: &str) {
        let words = self.words();
        assert_eq!(self.status.as_u16(), status, "{words}");
        assert!(words.contains(expected), "`{expected}` is not in: {words}");
    }

    /// What the browser is told to keep under a name.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let lines = self
            .headers
            .get_all("set-cookie")
            .iter()
            .map(|line| line.to_str().unwrap());
        let mut values = lines.filter_map(|line| line.split_once('=').filter(|(found, _)| *found == name));
        values.next().map(|(_, rest)| rest.to_owned())
    }
}
