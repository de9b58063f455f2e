//! Files that are named by their address: what is fetched, and everything that must not be.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use moderation::model::Scope;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use web::WebSettings;
use web::fetch::{ResolveHost, SystemResolver};

use crate::world::{Names, PICTURE, World};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A server that answers every request with what `answer` makes of its path, and remembers the heads it was sent.
struct Origin {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    n_connections: Arc<AtomicUsize>,
}

impl Origin {
    async fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start_at(LOOPBACK, 0, answer).await
    }

    async fn start_at(ip: IpAddr, port: u16, answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((ip, port)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heads, n_connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (kept, counted, answer) = (heads.clone(), n_connections.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (kept, answer) = (kept.clone(), answer.clone());
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        match stream.read_u8().await {
                            Ok(byte) => head.push(byte),
                            Err(_) => return,
                        }
                    }
                    let head = String::from_utf8(head).unwrap();
                    let path = head.split(' ').nth(1).unwrap().to_owned();
                    kept.lock().unwrap().push(head);
                    let bytes = answer(&path);
                    let never_ends = bytes.is_empty();
                    let _ = stream.write_all(&bytes).await;
                    if never_ends {
                        tokio::time::sleep(Duration::from_secs(60)).await;
                    }
                });
            }
        });
        Self {
            address,
            heads,
            n_connections,
        }
    }

    fn n_connections(&self) -> usize {
        self.n_connections.load(Ordering::SeqCst)
    }

    fn port(&self) -> u16 {
        self.address.port()
    }
}

fn ok(body: &[u8]) -> Vec<u8> {
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    answer
}

fn redirect(to: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into_bytes()
}

fn allow(settings: &mut WebSettings, hosts: &[String], allow_loopback: bool) {
    settings.fetch.hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
    settings.fetch.allow_loopback = allow_loopback;
}

/// What became of one file.
async fn fetch(world: &World, url: &str) -> Value {
    let key = world.key(&[Scope::ItemsWrite]).await;
    let item = json!({"id": "1", "kind": "image", "media": [{"name": "a.jpg", "url": url}]});
    let answer = world.post(&key, "/api/v1/check", item).await;
    answer.json()["media"][0].clone()
}

async fn reason(world: &World, url: &str) -> String {
    let media = fetch(world, url).await;
    assert_eq!(media["status"], "unscanned", "{url}: {media}");
    media["reason"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_file_is_fetched_from_a_listed_host_without_telling_it_anything() {
    let origin = Origin::start(|_| ok(PICTURE)).await;
    let host = format!("media.example:{}", origin.port());
    let names = Names(vec![("media.example", vec![LOOPBACK])]);
    let world = World::resolving(Arc::new(names), |settings| {
        allow(settings, std::slice::from_ref(&host), true)
    })
    .await;
    let media = fetch(&world, &format!("http://{host}/a.jpg?x=1#part")).await;
    assert_eq!(
        (&media["status"], &media["signals"][0]["type"]),
        (&json!("scanned"), &json!("pdq")),
        "{media}"
    );
    let heads = origin.heads.lock().unwrap().clone();
    assert_eq!(heads.len(), 1);
    let mut lines: Vec<&str> = heads[0].trim().lines().collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "GET /a.jpg?x=1 HTTP/1.1",
            "accept: */*",
            &format!("host: {host}"),
            "user-agent: seawall/0.1.0"
        ]
    );
}

#[tokio::test]
async fn hosts_that_were_not_listed_are_never_asked() {
    let origin = Origin::start(|_| ok(PICTURE)).await;
    let listed = [format!("media.example:{}", origin.port())];
    let names = Names(vec![
        ("media.example", vec![LOOPBACK]),
        ("evil.example", vec![LOOPBACK]),
    ]);
    let world = World::resolving(Arc::new(names), |settings| allow(settings, &listed, true)).await;
    let port = origin.port();
    for (url, expected) in [
        (format!("http://evil.example:{port}/"), "fetch_host_not_allowed"),
        (format!("http://127.0.0.1:{port}/"), "fetch_host_not_allowed"),
        (format!("http://x.media.example:{port}/"), "fetch_host_not_allowed"),
        (
            format!("http://media.example@evil.example:{port}/"),
            "fetch_credentials",
        ),
        (format!("http://u:p@media.example:{port}/"), "fetch_credentials"),
        ("http://media.example/".to_owned(), "fetch_host_not_allowed"),
        ("file:///etc/passwd".to_owned(), "fetch_bad_url"),
        (format!("ftp://media.example:{port}/"), "fetch_bad_url"),
        ("data:image/png;base64,aGVsbG8=".to_owned(), "fetch_bad_url"),
        ("//media.example/".to_owned(), "fetch_bad_url"),
        ("http://".to_owned(), "fetch_bad_url"),
    ] {
        assert_eq!(reason(&world, &url).await, expected, "{url}");
    }
    assert_eq!(origin.n_connections(), 0);
}

#[tokio::test]
async fn a_listed_host_at_a_private_address_is_never_asked() {
    let origin = Origin::start(|_| ok(PICTURE)).await;
    let port = origin.port();
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let names = Names(vec![
        ("inside.example", vec![LOOPBACK]),
        ("mixed.example", vec![ip("1.1.1.1"), LOOPBACK]),
        ("metadata.example", vec![ip("169.254.169.254")]),
        ("mapped.example", vec![ip("::ffff:127.0.0.1")]),
        ("six.example", vec![ip("::1")]),
        ("nowhere.example", vec![]),
    ]);
    let listed: Vec<String> = [
        "*.example",
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "localhost",
    ]
    .iter()
    .map(|host| format!("{host}:{port}"))
    .collect();
    let world = World::resolving(Arc::new(names), |settings| allow(settings, &listed, false)).await;
    for host in [
        "inside.example",
        "mixed.example",
        "metadata.example",
        "mapped.example",
        "six.example",
    ] {
        assert_eq!(
            reason(&world, &format!("http://{host}:{port}/")).await,
            "fetch_address_refused",
            "{host}"
        );
    }
    for literal in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:7f00:1]",
        "169.254.169.254",
    ] {
        assert_eq!(
            reason(&world, &format!("http://{literal}:{port}/")).await,
            "fetch_address_refused",
            "{literal}"
        );
    }
    assert_eq!(
        reason(&world, &format!("http://nowhere.example:{port}/")).await,
        "fetch_unresolved"
    );
    assert_eq!(
        reason(&world, &format!("http://unknown.example:{port}/")).await,
        "fetch_unresolved"
    );
    assert_eq!(origin.n_connections(), 0);

    let world = World::resolving(Arc::new(SystemResolver), |settings| allow(settings, &listed, false)).await;
    assert_eq!(
        reason(&world, &format!("http://localhost:{port}/")).await,
        "fetch_address_refused"
    );
    assert_eq!(origin.n_connections(), 0);
}

#[tokio::test]
async fn a_redirect_is_checked_from_the_beginning() {
    let secret = Origin::start(|_| ok(PICTURE)).await;
    let secret_port = secret.port();
    let front = Origin::start(move |path| match path {
        "/inside" => redirect(&format!("http://secret.example:{secret_port}/")),
        "/literal" => redirect(&format!("http://127.0.0.1:{secret_port}/")),
        "/private" => redirect("http://10.0.0.1/"),
        "/file" => redirect("file:///etc/passwd"),
        "/nowhere" => redirect(""),
        "/loop" => redirect("/loop"),
        "/name" => redirect(&format!("http://u:p@front.example:{secret_port}/")),
        "/a" => redirect("/b"),
        "/b" => redirect("b/c"),
        _ => ok(PICTURE),
    })
    .await;
    let listed = [format!("front.example:{}", front.port()), "10.0.0.1".to_owned()];
    let names = Names(vec![
        ("front.example", vec![LOOPBACK]),
        ("secret.example", vec![LOOPBACK]),
    ]);
    let world = World::resolving(Arc::new(names), |settings| allow(settings, &listed, true)).await;
    let base = format!("http://front.example:{}", front.port());
    for (path, expected) in [
        ("/inside", "fetch_host_not_allowed"),
        ("/literal", "fetch_host_not_allowed"),
        ("/private", "fetch_address_refused"),
        ("/file", "fetch_bad_url"),
        ("/loop", "fetch_too_many_redirects"),
        ("/name", "fetch_credentials"),
    ] {
        assert_eq!(reason(&world, &format!("{base}{path}")).await, expected, "{path}");
    }
    assert_eq!(secret.n_connections(), 0);
    assert_eq!(fetch(&world, &format!("{base}/a")).await["status"], "scanned");
}

/// Answers with another address each time.
struct Rebinding {
    n: AtomicUsize,
    addresses: Vec<IpAddr>,
}

impl ResolveHost for Rebinding {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, std::io::Result<Vec<IpAddr>>> {
        let n = self.n.fetch_add(1, Ordering::SeqCst);
        let address = self.addresses[n % self.addresses.len()];
        Box::pin(async move { Ok(vec![address]) })
    }
}

#[tokio::test]
async fn a_name_that_changes_its_address_gains_nothing() {
    let first = Origin::start(|_| ok(PICTURE)).await;
    let other_ip: IpAddr = "127.0.0.2".parse().unwrap();
    let second = Origin::start_at(other_ip, first.port(), |_| ok(b"inside")).await;
    let listed = [format!("rebind.example:{}", first.port())];
    let url = format!("http://rebind.example:{}/", first.port());

    // Looked up once for each request, and the connection goes to what was looked up.
    let resolver = Arc::new(Rebinding {
        n: AtomicUsize::new(0),
        addresses: vec![LOOPBACK, other_ip],
    });
    let world = World::resolving(resolver.clone(), |settings| allow(settings, &listed, true)).await;
    assert_eq!(fetch(&world, &url).await["status"], "scanned");
    assert_eq!(
        (
            resolver.n.load(Ordering::SeqCst),
            first.n_connections(),
            second.n_connections()
        ),
        (1, 1, 0)
    );

    // The second look-up, for the second request, is checked anew although the first one passed.
    let resolver = Arc::new(Rebinding {
        n: AtomicUsize::new(0),
        addresses: vec![LOOPBACK, "10.0.0.1".parse().unwrap()],
    });
    let world = World::resolving(resolver, |settings| allow(settings, &listed, true)).await;
    assert_eq!(fetch(&world, &url).await["status"], "scanned");
    assert_eq!(reason(&world, &url).await, "fetch_address_refused");
}

#[tokio::test]
async fn what_a_host_sends_has_limits() {
    let origin = Origin::start(|path| match path {
        "/missing" => b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec(),
        "/part" => b"HTTP/1.1 206 Partial Content\r\ncontent-length: 1\r\n\r\nx".to_vec(),
        "/claims" => b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nx".to_vec(),
        "/endless" => {
            let mut answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
            for _ in 0..300 {
                answer.extend(b"1000\r\n");
                answer.extend([b'x'; 0x1000]);
                answer.extend(b"\r\n");
            }
            answer
        }
        "/cut" => b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx".to_vec(),
        "/nonsense" => b"SSH-2.0-OpenSSH\r\n".to_vec(),
        _ => Vec::new(),
    })
    .await;
    let host = format!("127.0.0.1:{}", origin.port());
    let world = World::with(|settings| {
        allow(settings, std::slice::from_ref(&host), true);
        settings.fetch.bytes_max = 1 << 20;
        settings.fetch.time_max = Duration::from_millis(500);
    })
    .await;
    for (path, expected) in [
        ("/missing", "fetch_status"),
        ("/part", "fetch_status"),
        ("/claims", "fetch_too_large"),
        ("/endless", "fetch_too_large"),
        ("/cut", "fetch_connection"),
        ("/nonsense", "fetch_connection"),
        ("/silence", "fetch_time_limit"),
    ] {
        assert_eq!(
            reason(&world, &format!("http://{host}{path}")).await,
            expected,
            "{path}"
        );
    }
    drop(origin);
}

#[tokio::test]
async fn who_may_not_submit_has_nothing_fetched() {
    let origin = Origin::start(|_| ok(PICTURE)).await;
    let host = format!("127.0.0.1:{}", origin.port());
    let world = World::with(|settings| allow(settings, std::slice::from_ref(&host), true)).await;
    let key = world.key(&[Scope::ItemsRead]).await;
    let item = json!({"id": "1", "kind": "image", "media": [{"name": "a.jpg", "url": format!("http://{host}/")}]});
    assert_eq!(world.post(&key, "/api/v1/check", item).await.problem(), "403 forbidden");
    assert_eq!(origin.n_connections(), 0);
}

#[tokio::test]
async fn fetched_files_share_the_memory_of_bodies() {
    let origin = Origin::start(|_| ok(PICTURE)).await;
    let host = format!("127.0.0.1:{}", origin.port());
    let world = World::with(|settings| {
        allow(settings, std::slice::from_ref(&host), true);
        settings.limits.bodies_bytes_max = 4 << 10;
    })
    .await;
    let key = world.key(&[Scope::ItemsWrite]).await;
    let item = json!({"id": "1", "kind": "image", "media": [{"name": "a.jpg", "url": format!("http://{host}/")}]});
    assert_eq!(world.post(&key, "/api/v1/check", item).await.problem(), "503 busy");
}
