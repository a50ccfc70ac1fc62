//! `cholla receipts`: whether an erasure's receipt is to be believed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use cholla_server::receipts::{ReceiptError, verify_receipt};
use cholla_wire::client::Form;
use serde_json::Value;

use crate::admin::{Admin, Success, path};
use crate::args::admin::AdminArgs;
use crate::args::oversight::{ReceiptsCommand, VerifyArgs};
use crate::input::STANDARD_INPUT;
use crate::output::{self, Exit, Failure, printable};

/// Bytes of a receipt, or of public keys, that are read.
const RECEIPT_BYTES_MAX: u64 = 64 * 1024;

/// Runs one command on receipts.
///
/// # Errors
/// When a file cannot be read, the server cannot be reached, or the receipt is not to be believed.
pub(crate) fn run(command: &ReceiptsCommand) -> Result<(), Failure> {
    match command {
        ReceiptsCommand::Verify(args) => verify(args),
        ReceiptsCommand::Keys(args) => output::bytes(keys(&args.admin)?.bytes()),
    }
}

fn keys(args: &AdminArgs) -> Result<Success, Failure> {
    Admin::open(args)?.get(&path(&["receipts", "jwks"]), &Form::default())
}

fn verify(args: &VerifyArgs) -> Result<(), Failure> {
    let receipt = read(&args.file)?;
    let keys = match &args.jwks {
        Some(file) => read(file)?,
        None => String::from_utf8_lossy(keys(&args.admin)?.bytes()).into_owned(),
    };
    let said = verify_receipt(&receipt, &keys).map_err(|error| doubtful(&error))?;
    if args.admin.json {
        return output::bytes(format!("{said}\n").as_bytes());
    }
    output::bytes(b"The signature is valid. The receipt says:\n")?;
    let lines = match serde_json::from_str(&said) {
        Ok(Value::Object(members)) => members.iter().map(|(name, value)| format!("{name}: {value}")).collect(),
        _ => vec![said],
    };
    for line in lines {
        output::bytes(format!("{}\n", printable(&line)).as_bytes())?;
    }
    Ok(())
}

fn doubtful(error: &ReceiptError) -> Failure {
    let help = match error {
        ReceiptError::Keys(_) => "Give the keys as `cholla receipts keys` printed them.",
        _ => {
            "Check that the file holds the receipt and nothing else, and that the keys are those of the server that made it."
        }
    };
    Failure::new(Exit::Refused, error.to_string(), help)
}

/// The text of a file, or of standard input.
fn read(file: &Path) -> Result<String, Failure> {
    let read_all = |input: &mut dyn Read| {
        let mut text = String::new();
        input.take(RECEIPT_BYTES_MAX).read_to_string(&mut text).map(|_| text)
    };
    let text = if file == Path::new(STANDARD_INPUT) {
        read_all(&mut io::stdin().lock())
    } else {
        File::open(file).and_then(|mut file| read_all(&mut file))
    };
    text.map_err(|error| {
        let message = format!("{} cannot be read: {error}", file.display());
        Failure::usage(message, "Name a text file that exists and that you may read.")
    })
}
