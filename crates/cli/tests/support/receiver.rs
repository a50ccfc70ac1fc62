//! A webhook receiver: takes what it is sent, on one address for as long as the test lasts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// One delivery.
#[derive(Clone)]
pub(crate) struct Delivered {
    /// `Stripe-Signature`.
    pub(crate) signature: String,
    /// The bytes that were signed.
    pub(crate) body: String,
}

/// A listening receiver. It ends with the process.
pub(crate) struct Receiver {
    pub(crate) url: String,
    delivered: Arc<Mutex<Vec<Delivered>>>,
}

impl Receiver {
    /// Listens; answers each delivery with the status that `judge` says of it and of those before, or not at all.
    pub(crate) fn start(judge: impl Fn(&Delivered, &[Delivered]) -> Option<u16> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let delivered = Arc::new(Mutex::new(Vec::new()));
        let (own, judge) = (Arc::clone(&delivered), Arc::new(judge));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (own, judge, stream) = (Arc::clone(&own), Arc::clone(&judge), stream.unwrap());
                thread::spawn(move || serve(&stream, &own, &*judge));
            }
        });
        Self { url, delivered }
    }

    /// Everything that came so far, in its order.
    pub(crate) fn delivered(&self) -> Vec<Delivered> {
        self.delivered.lock().unwrap().clone()
    }
}

/// Answers on one connection until the other side goes away, which a server that is killed does in the middle of anything.
fn serve(
    stream: &TcpStream,
    delivered: &Mutex<Vec<Delivered>>,
    judge: &dyn Fn(&Delivered, &[Delivered]) -> Option<u16>,
) {
    let mut reader = BufReader::new(stream);
    while let Some(own) = read(&mut reader) {
        let status = {
            let mut all = delivered.lock().unwrap();
            let status = judge(&own, &all);
            all.push(own);
            status
        };
        let Some(status) = status else {
            // Until the other side has had enough.
            let _ = reader.read_to_end(&mut Vec::new());
            return;
        };
        if (&*stream).write_all(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n").as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Delivered> {
    let (mut signature, mut length, mut line) = (String::new(), 0, String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            if line.trim_end().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "stripe-signature" => value.clone_into(&mut signature),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Delivered { signature, body: String::from_utf8(body).ok()? })
}
