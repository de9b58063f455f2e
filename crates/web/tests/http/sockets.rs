//! Clients that behave badly, on real sockets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use moderation::model::Scope;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use web::{ServeError, WebSettings};

use crate::world::World;

struct Server {
    world: World,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    served: JoinHandle<Result<(), ServeError>>,
}

impl Server {
    async fn start(change: impl FnOnce(&mut WebSettings)) -> Self {
        let world = World::with(change).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let served = tokio::spawn(web::serve_state(world.state.clone(), listener, stopped));
        Self {
            world,
            address,
            stop,
            served,
        }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// Waits until the metrics have this line. The request for them is one that is under way, too.
    async fn until(&self, line: &str) {
        let seen = timeout(Duration::from_secs(20), async {
            while !self
                .world
                .get("", "/metrics")
                .await
                .body
                .lines()
                .any(|found| found == line)
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        seen.await.unwrap_or_else(|_| panic!("{line} never came"));
    }

    /// One whole request on a connection of its own; how long it took.
    async fn quick(&self) -> Duration {
        let start = Instant::now();
        let mut client = self.connect().await;
        client
            .send("GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .await;
        assert!(client.read_to_end().await.starts_with("HTTP/1.1 200"));
        start.elapsed()
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Everything until the server closes the connection.
    async fn read_to_end(&mut self) -> String {
        let mut bytes = Vec::new();
        let read = timeout(Duration::from_secs(20), async {
            let mut buffer = [0; 4096];
            // A reset after the answer is an end too.
            while let Ok(n @ 1..) = self.0.read(&mut buffer).await {
                bytes.extend(&buffer[..n]);
            }
        });
        read.await.expect("the server closes the connection");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// One answer whose body has a stated length.
    async fn read_answer(&mut self) -> String {
        let mut text = String::new();
        loop {
            text.push(char::from(self.0.read_u8().await.unwrap()));
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |n| n.parse().unwrap());
                if body.len() >= length {
                    return text;
                }
            }
        }
    }
}

#[tokio::test]
async fn clients_that_send_ten_bytes_and_wait_delay_nobody() {
    let server = Server::start(|settings| {
        settings.limits.body_idle_max = Duration::from_secs(5);
        settings.limits.requests_at_once_max = 1;
    })
    .await;
    let key = server.world.key(&[Scope::ItemsWrite]).await;
    let start = Instant::now();
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut client = server.connect().await;
        let head = "content-type: application/json\r\ncontent-length: 1000000";
        client
            .send(&format!(
                "POST /api/v1/items HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\n{head}\r\n\r\n{{\"id\":\"abc"
            ))
            .await;
        slow.push(client);
    }
    for n in 0..20 {
        let mut client = server.connect().await;
        let body = format!("{{\"id\":\"{n}\",\"kind\":\"post\"}}");
        let head = format!("content-type: application/json\r\ncontent-length: {}", body.len());
        client
            .send(&format!(
                "POST /api/v1/items HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\n{head}\r\n\r\n{body}"
            ))
            .await;
        assert!(client.read_answer().await.starts_with("HTTP/1.1 200"));
    }
    let took = start.elapsed();
    assert!(
        took < Duration::from_millis(4_500),
        "twenty submissions took {took:?} beside fifty clients that wait"
    );
    for client in &mut slow {
        let answer = client.read_to_end().await;
        assert!(
            answer.starts_with("HTTP/1.1 408") && answer.contains("/problems/slow-body"),
            "{answer}"
        );
    }
}

/// The memory for bodies is the platform's intake: strangers must not be able to fill it.
#[tokio::test]
async fn of_a_stranger_no_upload_and_no_long_form_is_read() {
    let server = Server::start(|settings| settings.limits.body_idle_max = Duration::from_secs(60)).await;
    let asked = |path: &str, n_bytes: usize| {
        format!("POST {path} HTTP/1.1\r\nhost: a\r\norigin: http://a\r\ncontent-length: {n_bytes}\r\n\r\n")
    };
    for (path, status) in [
        ("/banks/x/import", "HTTP/1.1 303"),
        ("/banks/x/add-file", "HTTP/1.1 303"),
        ("/sign-in", "HTTP/1.1 413"),
        ("/banks", "HTTP/1.1 413"),
    ] {
        let mut client = server.connect().await;
        client.send(&asked(path, 200_000)).await;
        let answer = timeout(Duration::from_secs(10), client.read_answer()).await;
        let answer = answer.unwrap_or_else(|_| panic!("{path}: the body is waited for"));
        assert!(answer.starts_with(status), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_head_that_never_ends_and_a_connection_that_never_asks_are_closed() {
    let server = Server::start(|settings| settings.limits.head_time_max = Duration::from_millis(300)).await;
    let mut silent = server.connect().await;
    let mut cut = server.connect().await;
    cut.send("GET /healthz HTTP/1.1\r\nhost: ").await;
    let mut idle = server.connect().await;
    idle.send("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(idle.read_answer().await.ends_with("alive\n"));
    let start = Instant::now();
    for client in [&mut silent, &mut cut, &mut idle] {
        let end = client.read_to_end().await;
        assert!(end.is_empty() || end.starts_with("HTTP/1.1 408"), "{end}");
    }
    assert!(start.elapsed() < Duration::from_secs(3));
    let mut huge = server.connect().await;
    huge.send(&format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
        "x".repeat(100_000)
    ))
    .await;
    assert!(huge.read_to_end().await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn an_address_has_only_so_many_connections() {
    let server = Server::start(|settings| settings.limits.connections_per_address_max = 3).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut client = server.connect().await;
        client.send("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await;
        client.read_answer().await;
        open.push(client);
    }
    let mut refused = server.connect().await;
    assert_eq!(refused.read_to_end().await, "");
    drop(open.pop());
    server.until("seawall_http_connections 2").await;
    server.quick().await;
}

#[tokio::test]
async fn the_last_connection_is_waited_for_not_refused() {
    let server = Server::start(|settings| settings.limits.connections_max = 1).await;
    let mut first = server.connect().await;
    first.send("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await;
    first.read_answer().await;
    let (_, took) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            drop(first);
        },
        server.quick()
    );
    assert!(took >= Duration::from_millis(250), "{took:?}");
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    let server = Server::start(|settings| settings.limits.write_idle_max = Duration::from_millis(300)).await;
    let mut client = server.connect().await;
    // Far more answers than the buffers of both sides hold.
    let request = "GET /api/openapi.json HTTP/1.1\r\nhost: a\r\n\r\n".repeat(300);
    client.send(&request).await;
    let mut first = [0; 15];
    client.0.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    server.until("seawall_http_connections 0").await;
    let rest = client.read_to_end().await;
    assert!(
        rest.matches("HTTP/1.1 200 OK").count() < 299,
        "it was given up in the middle"
    );
}

#[tokio::test]
async fn requests_under_way_are_finished_when_the_server_stops() {
    let server = Server::start(|settings| settings.limits.drain_time_max = Duration::from_secs(10)).await;
    let key = server.world.key(&[Scope::ItemsWrite]).await;
    let mut idle = server.connect().await;
    idle.send("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await;
    idle.read_answer().await;
    let mut busy = server.connect().await;
    let body = "{\"id\":\"1\",\"kind\":\"post\"}";
    let head = format!("content-type: application/json\r\ncontent-length: {}", body.len());
    busy.send(&format!(
        "POST /api/v1/items HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\n{head}\r\n\r\n{{"
    ))
    .await;
    server.until("seawall_http_requests_under_way 2").await;

    server.stop.send(true).unwrap();
    assert_eq!(idle.read_to_end().await, "", "who asks nothing is not waited for");
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "nobody new is let in"
    );
    busy.send(&body[1..]).await;
    let answer = busy.read_to_end().await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("\"outcome\":\"allow\""),
        "{answer}"
    );
    timeout(Duration::from_secs(5), server.served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn the_end_is_not_put_off_for_ever() {
    let server = Server::start(|settings| settings.limits.drain_time_max = Duration::from_millis(300)).await;
    let key = server.world.key(&[Scope::ItemsWrite]).await;
    let mut slow = server.connect().await;
    let head = "content-type: application/json\r\ncontent-length: 1000";
    slow.send(&format!(
        "POST /api/v1/items HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\n{head}\r\n\r\n{{"
    ))
    .await;
    server.until("seawall_http_requests_under_way 2").await;
    server.stop.send(true).unwrap();
    timeout(Duration::from_secs(3), server.served)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(slow.read_to_end().await, "");
}
