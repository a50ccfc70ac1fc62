//! Changes of the directory, one after another: a developer refreshes the tokens of one install again and again.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::directory::Keys;
use crate::measurement::as_f64;
use crate::process::Process;
use crate::response::{self, Arrived};

/// Refreshes before those that count.
const WARM_UP: u32 = 20;
/// An app of OAuth, its owner, and the first account that has installed it, in every directory of the benchmark.
const APP: &str = "com.example.app00000002";
const OWNER: u32 = 2;
const ACCOUNT: &str = "acct_00000001";

/// What refreshes have shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refreshes {
    /// How many a second.
    pub(crate) per_second: f64,
    /// CPU time of the server for each, in microseconds.
    pub(crate) cpu_us: f64,
}

/// Refreshes for `length`.
///
/// # Errors
/// When an answer is not what it should be.
pub(crate) fn measure_refreshes(process: &Process, length: Duration) -> Result<Refreshes> {
    let mut client = Client::open(process.address)?;
    let created = client.post("/v1/apps/installs", ACCOUNT, &format!("app={APP}"))?;
    let code = created["auth_code"].as_str().context("no code")?.to_owned();
    let mut tokens = client.post("/v1/oauth/token", "", &format!("grant_type=authorization_code&code={code}"))?;
    let mut refresh = |client: &mut Client| {
        let token = tokens["refresh_token"].as_str().context("no refresh token")?;
        tokens = client.post("/v1/oauth/token", "", &format!("grant_type=refresh_token&refresh_token={token}"))?;
        Ok::<_, anyhow::Error>(())
    };
    for _ in 0..WARM_UP {
        refresh(&mut client)?;
    }
    let (cpu_before, start) = (process.cpu_time()?, Instant::now());
    let mut count = 0;
    while start.elapsed() < length {
        refresh(&mut client)?;
        count += 1;
    }
    let (cpu, took) = (process.cpu_time()?.saturating_sub(cpu_before), start.elapsed());
    let count = as_f64(count);
    Ok(Refreshes { per_second: count / took.as_secs_f64(), cpu_us: cpu.as_secs_f64() * 1e6 / count })
}

/// One connection that waits for each answer.
struct Client {
    stream: TcpStream,
    key: String,
    answer: Vec<u8>,
}

impl Client {
    fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, key: format!("{}{OWNER:08}", Keys::Secret.prefix()), answer: vec![0; 16 * 1024] })
    }

    /// Posts a form, on an account if one is named.
    fn post(&mut self, path: &str, account: &str, body: &str) -> Result<Value> {
        let named = if account.is_empty() { String::new() } else { format!("Stripe-Account: {account}\r\n") };
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n{named}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            self.key,
            body.len()
        );
        self.stream.write_all(request.as_bytes())?;
        let mut filled = 0;
        loop {
            let more = self.stream.read(&mut self.answer[filled..])?;
            ensure!(more > 0, "the server closed the connection");
            filled += more;
            match response::read(&self.answer[..filled]) {
                Arrived::Part => {}
                Arrived::Foreign => bail!("no HTTP"),
                Arrived::Whole { status, length } => {
                    let answer = String::from_utf8_lossy(&self.answer[..length]);
                    ensure!(status == 200, "{path}: {answer}");
                    let (_, body) = answer.split_once("\r\n\r\n").context("an answer without a body")?;
                    return Ok(serde_json::from_str(body)?);
                }
            }
        }
    }
}
