use std::net::IpAddr;

use cholla_domain::time::Clock;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock::ServerClock;
use crate::tls;
use crate::webhooks::address::Network;

use super::*;

const BODY: &[u8] = br#"{"id":"evt_1"}"#;

/// What an endpoint does once it has read a request.
#[derive(Clone, Copy, Debug)]
enum Endpoint {
    /// Writes this and leaves.
    Says(&'static str),
    /// Writes this and stays silent. From then on time is paused, so that it passes only where everyone waits.
    Stalls(&'static str),
    /// Writes this, and then letters for as long as somebody reads.
    GoesOn(&'static str),
}

impl Endpoint {
    /// Answers one request, and says what it was once the client has left.
    async fn serve(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
        let mut request = Vec::new();
        while !request.ends_with(BODY) {
            if stream.read_buf(&mut request).await.unwrap_or_default() == 0 {
                return String::new();
            }
        }
        match self {
            Self::Says(answer) => {
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
            Self::Stalls(answer) => {
                let _ = stream.write_all(answer.as_bytes()).await;
                tokio::time::pause();
                let _ = stream.read_to_end(&mut Vec::new()).await;
            }
            Self::GoesOn(answer) => {
                let _ = stream.write_all(answer.as_bytes()).await;
                while stream.write_all(&[b'a'; 4_096]).await.is_ok() {}
            }
        }
        String::from_utf8(request).unwrap()
    }

    async fn listen(self) -> (u16, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (port, tokio::spawn(async move { self.serve(listener.accept().await.unwrap().0).await }))
    }
}

fn public(networks: &[&str], allow_plain_http: bool) -> Reach {
    let allowed_private_networks = networks.iter().map(|text| Network::parse(text).unwrap()).collect();
    Reach::Public { allowed_private_networks, allow_plain_http }
}

async fn post(client: &Client, url: &str) -> Result<(), Failure> {
    client.post(url, HeaderValue::from_static("t=1,v1=00"), Bytes::from_static(BODY)).await
}

#[tokio::test]
async fn rule_17_5_a_delivery_is_a_post_of_the_signed_bytes() {
    let (port, endpoint) = Endpoint::Says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").listen().await;
    let client = Client::new(Reach::Everywhere, None).unwrap();
    assert_eq!(post(&client, &format!("http://127.0.0.1:{port}/hook?a=b%20c")).await, Ok(()));
    let expected = format!(
        "POST /hook?a=b%20c HTTP/1.1\r\n\
         host: 127.0.0.1:{port}\r\n\
         content-type: application/json; charset=utf-8\r\n\
         stripe-signature: t=1,v1=00\r\n\
         user-agent: Cholla/{}\r\n\
         connection: close\r\n\
         content-length: 14\r\n\r\n{{\"id\":\"evt_1\"}}",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(endpoint.await.unwrap(), expected);
}

#[tokio::test]
async fn rule_17_6_success_is_2xx_within_10_seconds() {
    use Endpoint::{GoesOn, Says, Stalls};
    use Failure::{NoAnswer, Status, TooSlow};
    for (endpoint, expected) in [
        (Says("HTTP/1.1 200 OK\r\n\r\n"), Ok(())),
        (Says("HTTP/1.0 200 OK\r\n\r\n"), Ok(())),
        (Says("HTTP/1.1 204 No Content\r\n\r\n"), Ok(())),
        (Says("HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n"), Ok(())),
        (Says("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n"), Ok(())),
        (Says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut short"), Ok(())),
        (Says("HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\n\r\n"), Err(Status(301))),
        (Says("HTTP/1.1 307 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), Err(Status(307))),
        (Says("HTTP/1.1 304 Not Modified\r\n\r\n"), Err(Status(304))),
        (Says("HTTP/1.1 404 Not Found\r\n\r\n"), Err(Status(404))),
        (Says("HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno"), Err(Status(500))),
        (Says(""), Err(NoAnswer)),
        (Says("HTTP/1.1 200"), Err(NoAnswer)),
        (Says("220 mail.example ESMTP\r\n"), Err(NoAnswer)),
        (GoesOn("HTTP/1.1 200 OK\r\nA: "), Err(NoAnswer)),
        (GoesOn("HTTP/1.1 200 OK\r\n\r\n"), Ok(())),
        (GoesOn("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"), Ok(())),
        (GoesOn("HTTP/1.1 500 Oh\r\n\r\n"), Err(Status(500))),
        (Stalls(""), Err(TooSlow)),
        (Stalls("HTTP/1.1 200 OK\r\n"), Err(TooSlow)),
        (Stalls("HTTP/1.1 100 Continue\r\n\r\n"), Err(TooSlow)),
        (Stalls("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"), Ok(())),
        (Stalls("HTTP/1.1 500 Oh\r\nContent-Length: 1\r\n\r\n"), Err(Status(500))),
    ] {
        let (port, served) = endpoint.listen().await;
        let client = Client::new(Reach::Everywhere, None).unwrap();
        assert_eq!(post(&client, &format!("http://127.0.0.1:{port}/")).await, expected, "{endpoint:?}");
        // The client has left: the endpoint sees it, and whatever it was doing ends.
        assert!(served.await.unwrap().starts_with("POST / HTTP/1.1\r\n"), "{endpoint:?}");
        if matches!(endpoint, Stalls(_)) {
            tokio::time::resume();
        }
    }
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client = Client::new(Reach::Everywhere, None).unwrap();
    assert_eq!(post(&client, &format!("http://127.0.0.1:{port}/")).await, Err(Failure::Unreachable));
    assert_eq!(post(&client, "http://user@127.0.0.1/").await, Err(Failure::Url(TargetError::Host)));
}

/// Where the system gives a name several addresses, one that nobody answers at is no reason to give up.
#[tokio::test]
async fn a_name_of_this_machine() {
    let (port, _endpoint) = Endpoint::Says("HTTP/1.1 200 OK\r\n\r\n").listen().await;
    let client = Client::new(Reach::Everywhere, None).unwrap();
    assert_eq!(post(&client, &format!("http://localhost:{port}/")).await, Ok(()));
}

#[tokio::test]
async fn production_stays_out_of_private_networks() {
    for (reach, host, expected) in [
        (public(&[], false), "127.0.0.1", Err(Failure::PlainHttp)),
        (public(&["127.0.0.0/8"], false), "127.0.0.1", Err(Failure::PlainHttp)),
        (public(&[], true), "127.0.0.1", Err(Failure::Forbidden)),
        (public(&[], true), "localhost", Err(Failure::Forbidden)),
        (public(&[], true), "[::ffff:127.0.0.1]", Err(Failure::Forbidden)),
        (public(&["10.0.0.0/8"], true), "127.0.0.1", Err(Failure::Forbidden)),
        (public(&["127.0.0.1/32"], true), "127.0.0.1", Ok(())),
        (public(&["127.0.0.1/32"], true), "localhost", Ok(())),
        (public(&["127.0.0.1/32"], true), "[::ffff:127.0.0.1]", Ok(())),
    ] {
        let (port, endpoint) = Endpoint::Says("HTTP/1.1 200 OK\r\n\r\n").listen().await;
        let client = Client::new(reach.clone(), None).unwrap();
        assert_eq!(post(&client, &format!("http://{host}:{port}/")).await, expected, "{host} with {reach:?}");
        endpoint.abort();
    }
}

#[test]
fn every_address_of_a_name_is_judged() {
    for (addresses, expected) in [
        (&[][..], Err(Failure::Unresolved)),
        (&["127.0.0.1", "::1", "169.254.169.254"], Err(Failure::Forbidden)),
        (&["10.0.0.1", "8.8.8.8", "192.168.0.1", "2606:4700::1"], Ok(vec!["8.8.8.8", "2606:4700::1"])),
    ] {
        let client = Client::new(public(&[], true), None).unwrap();
        let socket = |text: &&str| SocketAddr::new(text.parse::<IpAddr>().unwrap(), 80);
        let allowed = client.allowed(addresses.iter().map(socket).collect());
        assert_eq!(allowed, expected.map(|texts| texts.iter().map(socket).collect()), "{addresses:?}");
    }
}

#[tokio::test]
async fn tls_is_verified() {
    let now = ServerClock::default().now();
    let home = tempfile::tempdir().unwrap();
    let authority = |name: &str, identity: &tls::Identity| {
        let path = home.path().join(name);
        std::fs::write(&path, &identity.authority).unwrap();
        path
    };
    let own = tls::generate(tls::local_names(), now).unwrap();
    let elsewhere = tls::generate(vec!["example.com".to_owned()], now).unwrap();
    let (own_authority, other_authority) = (authority("own.pem", &own), authority("other.pem", &elsewhere));
    for (identity, trusted, host, expected) in [
        (&own, Some(&own_authority), "127.0.0.1", Ok(())),
        (&own, Some(&own_authority), "localhost", Ok(())),
        (&own, Some(&other_authority), "127.0.0.1", Err("its certificate is not valid")),
        (&own, None, "127.0.0.1", Err("its certificate is of an authority that this system does not trust")),
        (&elsewhere, Some(&other_authority), "127.0.0.1", Err("its certificate is for another host")),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = identity.acceptor().unwrap();
        let endpoint = tokio::spawn(async move {
            let accepted = acceptor.accept(listener.accept().await.unwrap().0).await;
            let answer = Endpoint::Says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            if let Ok(stream) = accepted { answer.serve(stream).await } else { String::new() }
        });
        let client = Client::new(public(&["127.0.0.0/8"], false), trusted.map(std::path::PathBuf::as_path)).unwrap();
        match (post(&client, &format!("https://{host}:{port}/")).await, expected) {
            (Ok(()), Ok(())) => assert!(endpoint.await.unwrap().ends_with("evt_1\"}"), "{host}"),
            (Err(Failure::Tls(reason)), Err(expected)) => assert_eq!(reason, expected, "{host}"),
            (posted, _) => panic!("{host} with {trusted:?}: {posted:?}"),
        }
    }
}

#[test]
fn authorities_come_from_a_readable_file() {
    let home = tempfile::tempdir().unwrap();
    for (name, contents) in [("none.pem", None), ("broken.pem", Some("-----BEGIN CERTIFICATE-----\nAAAA\n"))] {
        let path = home.path().join(name);
        if let Some(contents) = contents {
            std::fs::write(&path, contents).unwrap();
        }
        let refused = Client::new(Reach::Everywhere, Some(&path)).map(|_| ());
        assert!(matches!(refused, Err(TlsError::Pem { .. })), "{name}: {refused:?}");
    }
}
