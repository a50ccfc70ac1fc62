//! `cholla webhooks listen`: events of a server, here, for as long as this command runs.

use std::net::SocketAddr;

use serde_json::json;
use ureq::http::Uri;

use super::create::{self, Created};
use super::receiver::{Forwarded, Receiver};
use crate::admin::{Admin, path};
use crate::args::webhooks::ListenArgs;
use crate::output::{self, Exit, Failure, printable};
use crate::{runtime, shown};

/// Receives until a signal ends it, then deletes the endpoint.
///
/// # Errors
/// When a flag is wrong, nobody can listen there, the server cannot be reached or refuses, or the endpoint could not be deleted.
pub(super) fn run(args: &ListenArgs) -> Result<(), Failure> {
    check(args)?;
    let admin = Admin::open(&args.admin)?;
    runtime::build()?.block_on(async {
        // Caught before the endpoint is there, so that no signal leaves it behind.
        let signals = runtime::Signals::catch()?;
        let json = args.admin.json;
        let receiver = Receiver::bind(args.listen, args.forward_to.clone(), move |event| tell(event, json)).await;
        let unheard = |error: std::io::Error| unheard(args.listen, &error);
        let receiver = receiver.map_err(unheard)?;
        let address = receiver.address().map_err(unheard)?;
        let created: Created = create::endpoint(&admin, &format!("http://{address}/"), &args.subscription)?.decode()?;
        let announced = announce(&created, args, address);
        if announced.is_ok() {
            tokio::select! {
                () = receiver.serve() => {}
                () = signals.first() => {}
            }
        }
        announced.and(delete(&admin, &created))
    })
}

/// Where to receive and where to forward are places.
fn check(args: &ListenArgs) -> Result<(), Failure> {
    if args.listen.ip().is_unspecified() {
        let help = "Name an address of this machine that the server can reach, such as 127.0.0.1:0.";
        return Err(Failure::usage("--listen names every address, and the server needs one", help));
    }
    let to = args.forward_to.parse::<Uri>().ok();
    let is_url = |uri: &Uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"));
    if to.is_some_and(|uri| is_url(&uri)) {
        Ok(())
    } else {
        Err(Failure::usage("--forward-to is no URL", "Use one such as http://127.0.0.1:4242/webhook."))
    }
}

fn unheard(address: SocketAddr, error: &std::io::Error) -> Failure {
    let message = format!("nobody can listen on {address}: {error}");
    Failure::new(Exit::Refused, message, "Name another address with --listen; port 0 is a free one.")
}

fn announce(created: &Created, args: &ListenArgs, address: SocketAddr) -> Result<(), Failure> {
    let (id, to) = (printable(&created.id), printable(&args.forward_to));
    shown::print(&created.secret, &format!("The signing secret of {id}, on http://{address}/ until Ctrl-C:"))?;
    output::remark(&format!("Forwarding to {to}."));
    Ok(())
}

/// One line an event: its type, its id, and the status of the answer.
fn tell(event: &Forwarded, json: bool) {
    let Forwarded { kind, id, status } = event;
    let line = if json {
        format!("{}\n", json!({"type": kind, "id": id, "status": status}))
    } else {
        let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        format!("{}  {}  {status}\n", printable(kind), printable(id))
    };
    // Who closed standard output still gets the events at the address they are forwarded to.
    let _ = output::bytes(line.as_bytes());
}

fn delete(admin: &Admin, created: &Created) -> Result<(), Failure> {
    let id = printable(&created.id);
    match admin.delete(&path(&["webhooks", &created.id])) {
        Ok(_) => {
            output::remark(&format!("{id} is deleted."));
            Ok(())
        }
        Err(failure) => Err(Failure {
            message: format!("{id} could not be deleted: {}", failure.message),
            help: Some(format!("Delete it once the server can be reached: `cholla webhooks delete {id}`.")),
            verbatim: None,
            ..failure
        }),
    }
}
