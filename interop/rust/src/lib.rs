//! The server under test, as `cargo xtask interop` describes it in the environment, its clock, and a proxy that loses answers.

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A variable that `cargo xtask interop` sets.
fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run this suite by `cargo xtask interop rust`"))
}

/// The base URL of the API.
pub fn url() -> String {
    variable("CHOLLA_URL")
}

/// `http://HOST:PORT` as `HOST:PORT`.
fn address(url: &str) -> String {
    url.trim_start_matches("http://").trim_end_matches('/').to_owned()
}

/// The server's time in Unix seconds.
pub async fn now() -> i64 {
    clock("GET", "").await
}

/// Moves the server's clock forward, such as by "2h".
pub async fn advance(duration: &str) {
    clock("POST", &format!("{{\"advance\": \"{duration}\"}}")).await;
}

async fn clock(method: &str, body: &str) -> i64 {
    let (admin, token) = (address(&variable("CHOLLA_ADMIN_URL")), variable("CHOLLA_ADMIN_TOKEN"));
    let request = format!(
        "{method} /dev/clock HTTP/1.1\r\nHost: {admin}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(&admin).await.expect("the admin listener accepts");
    stream.write_all(request.as_bytes()).await.expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the answer is text");
    let (_, now) = answer.split_once("\"now\":").unwrap_or_else(|| panic!("the clock answered {answer}"));
    let now = now.trim_start();
    let digits = now.find(|character: char| !character.is_ascii_digit()).unwrap_or(now.len());
    now[..digits].parse().expect("the time is a number")
}

/// Stands before the server: counts the requests and loses the first answers.
pub struct LossyProxy {
    /// Where it listens.
    pub url: String,
    requests: Arc<AtomicUsize>,
}

impl LossyProxy {
    /// Starts one that loses the first `lost` answers. It expects one request a connection, as this library sends them.
    pub async fn start(lost: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let request = message(&mut client).await;
                let mut server = TcpStream::connect(address(&self::url())).await.expect("the server accepts");
                server.write_all(&request).await.expect("the request is sent");
                let answer = message(&mut server).await;
                if counter.fetch_add(1, Ordering::SeqCst) >= lost {
                    client.write_all(&answer).await.expect("the client still listens");
                }
            }
        });
        Self { url, requests }
    }

    /// The requests seen so far.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// One HTTP/1.1 message whose length its head tells.
async fn message(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let read = stream.read_buf(&mut bytes).await.expect("the peer keeps its word");
        assert_ne!(read, 0, "the peer stopped within a message");
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length = length.map_or(0, |length| length.trim().parse::<usize>().expect("a length is a number"));
        if bytes.len() >= end + 4 + length {
            return bytes;
        }
    }
}
