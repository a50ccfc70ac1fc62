//! The published vectors, computed by the second implementation from fixed keys and nonces.

use std::fmt::Write;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::reference::{self, Columns, Key, Nonce, Tag};

/// Where the vectors are kept.
pub(crate) const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/sealed-v1.json");

/// 32 bytes that nobody chose.
fn bytes(what: &str) -> Key {
    Sha256::digest(format!("cholla sealed-v1 vector: {what}")).into()
}

fn nonce(what: &str) -> Nonce {
    let bytes = bytes(&format!("nonce of {what}"));
    *bytes.first_chunk().expect("12 is less than 32")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes any text");
    }
    text
}

/// The namespaces of the vectors: neighbours in every part.
const NAMESPACES: [(&str, &str, bool); 4] = [
    ("acct_1CholladevPlatform", "acct_1TheCactusPractice", true),
    ("acct_1CholladevPlatform", "acct_1TheCactusPractice", false),
    ("acct_1CholladevPlatform", "acct_1CholladevPlatform", false),
    ("acct_1TheCactusPractice", "acct_1CholladevPlatform", false),
];

/// User, name, payload, `created_at`, `expires_at`.
type Row = (Option<&'static str>, &'static str, &'static str, i64, Option<i64>);

const RECORDS: [Row; 6] = [
    (None, "my-api-key", "secret_key_xxxxxx", 1_790_000_000, None),
    (None, "my-api-key", "secret_key_xxxxxx", 1_790_000_000, Some(1_790_003_600)),
    (Some("usr_1"), "my-api-key", "secret_key_xxxxxx", 1_790_000_000, None),
    (Some("usr_🌵"), "null", "null", 0, Some(i64::MAX)),
    (Some("\u{1}"), "\u{0301} ", "\r\n\u{feff}\u{10ffff}", i64::MIN, Some(-1)),
    (None, "p", "1", 1_790_000_000, Some(0)),
];

/// Everything.
pub(crate) fn generate() -> Value {
    let (root, instance) = (bytes("root key"), bytes("instance key"));
    json!({
        "format": "cholla sealed-v1",
        "root_key_file": format!("cholla-root-key-v1 {}", hex(&root)),
        "root_key_id": hex(&reference::root_key_id(&root)),
        "instance": instance_vectors(&root, &instance),
        "namespaces": NAMESPACES.map(|namespace| namespace_vectors(&root, &instance, namespace)),
        "refused_records": refused_records(),
        "refused_entries": refused_entries(&instance),
        "refused_wrapped_keys": refused_wrapped_keys(&root, &instance),
        "signatures": signatures(),
    })
}

/// Kind, context, plaintext.
const ENTRIES: [(u8, &[u8], &[u8]); 5] = [
    (0, b"", b""),
    (1, &[7; 16], br#"{"account":"acct_1TheCactusPractice"}"#),
    (2, &[7; 16], br#"{"account":"acct_1TheCactusPractice"}"#),
    (255, &[9; 40], b"the longest context in use"),
    (3, &[0; 41], &[0, 255]),
];

fn entry_nonce(n: usize) -> Nonce {
    nonce(&format!("entry {n}"))
}

fn instance_vectors(root: &Key, instance: &Key) -> Value {
    let credentials = ["sk_test_4eC39HqLyjWDarjtT1zdp7dc", "", "é"];
    let texts = [("account", 16), ("account", 17), ("acc", 16), ("", 1), ("", 0)];
    let record_tags: [(u8, &[&[u8]]); 6] =
        [(0, &[]), (1, &[]), (1, &[b""]), (1, &[b"ab", b"c"]), (1, &[b"a", b"bc"]), (255, &[b"acct_1", &[0, 255]])];
    let receipts = ["", "header.payload", "é 🌵"];
    let wrapped = reference::wrap(root, nonce("instance key"), [0; 16], instance);
    json!({
        "key": hex(instance),
        "tag": hex(&[0; 16]),
        "wrapped": hex(&wrapped),
        "wrapped_id": hex(&reference::key_id(&wrapped)),
        "credentials": credentials.map(|credential| json!({
            "credential": credential,
            "hash": hex(&reference::credential_hash(instance, credential.as_bytes())),
        })),
        "texts": texts.map(|(label, length)| json!({
            "label": label, "length": length, "text": reference::text(instance, label, length),
        })),
        "record_tags": record_tags.map(|(kind, fields)| {
            let fields: Vec<_> = fields.iter().map(|field| field.to_vec()).collect();
            json!({
                "kind": kind,
                "fields": fields.iter().map(|field| hex(field)).collect::<Vec<_>>(),
                "tag": hex(&reference::record_tag(instance, kind, &fields)),
            })
        }),
        "entries": ENTRIES.iter().enumerate().map(|(n, (kind, context, plaintext))| json!({
            "kind": kind,
            "context": hex(context),
            "plaintext": hex(plaintext),
            "associated_data": hex(&reference::entry_associated_data(*kind, context)),
            "sealed": hex(&reference::seal_entry(instance, *kind, context, entry_nonce(n), plaintext)),
        })).collect::<Vec<_>>(),
        "receipt_public_key": hex(&reference::receipt_public_key(instance)),
        "receipts": receipts.map(|message| json!({
            "message": message, "signature": hex(&reference::sign_receipt(instance, message.as_bytes())),
        })),
    })
}

/// What opening must refuse: the second entry under another address or with other bytes, each with what is wrong with it.
fn refused_entries(instance: &Key) -> Vec<Value> {
    let (kind, context, plaintext) = ENTRIES[1];
    let sealed = reference::seal_entry(instance, kind, context, entry_nonce(1), plaintext);
    let flipped = |at: usize| {
        let mut sealed = sealed.clone();
        sealed[at] ^= 1;
        sealed
    };
    [
        ("nothing", kind, context, Vec::new()),
        ("a version byte alone", kind, context, sealed[..1].to_vec()),
        ("cut off before its tag", kind, context, sealed[..sealed.len() - 16].to_vec()),
        ("a byte more", kind, context, [sealed.clone(), vec![0]].concat()),
        ("a version that does not exist", kind, context, [vec![2], sealed[1..].to_vec()].concat()),
        ("a flipped bit in the nonce", kind, context, flipped(1)),
        ("a flipped bit in the ciphertext", kind, context, flipped(13)),
        ("a flipped bit in the tag", kind, context, flipped(sealed.len() - 1)),
        ("of another kind", kind + 1, context, sealed.clone()),
        ("in another context", kind, &[8; 16], sealed.clone()),
        ("without its context", kind, b"", sealed.clone()),
        ("in a longer context", kind, &[7; 17], sealed.clone()),
    ]
    .into_iter()
    .map(|(why, kind, context, sealed)| {
        json!({ "why": why, "kind": kind, "context": hex(context), "sealed": hex(&sealed) })
    })
    .collect()
}

/// A namespace's canonical encoding, tag and key.
fn keys(instance: &Key, (developer, account, live): (&str, &str, bool)) -> (Vec<u8>, Tag, Key) {
    let canonical = reference::namespace(developer, account, live);
    let tag = reference::namespace_tag(instance, &canonical);
    let key = bytes(&format!("key of namespace {}", hex(&canonical)));
    (canonical, tag, key)
}

fn namespace_vectors(root: &Key, instance: &Key, namespace: (&str, &str, bool)) -> Value {
    let (canonical, tag, key) = keys(instance, namespace);
    let wrapped = reference::wrap(root, nonce(&hex(&key)), tag, &key);
    let users = [None, Some("usr_1"), Some("usr_2"), Some("\u{0}"), Some("usr_🌵")];
    let idempotency = [(None, "k"), (Some("k"), "k"), (Some("usr_1"), "5b5ab5b4-0f5a-4b3c"), (None, "é")];
    let fingerprints: [&[&[u8]]; 6] = [&[], &[b""], &[b"", b""], &[b"ab", b"c"], &[b"a", b"bc"], &[b"set", &[0, 255]]];
    json!({
        "developer": namespace.0,
        "account": namespace.1,
        "livemode": namespace.2,
        "canonical": hex(&canonical),
        "tag": hex(&tag),
        "key": hex(&key),
        "wrapped": hex(&wrapped),
        "wrapped_id": hex(&reference::key_id(&wrapped)),
        "scopes": users.map(|user| json!({
            "user": user, "tag": hex(&reference::scope_tag(&key, &canonical, user)),
        })),
        "idempotency": idempotency.map(|(user, text)| json!({
            "user": user, "key": text, "tag": hex(&reference::idempotency_tag(&key, &canonical, user, text)),
        })),
        "fingerprints": fingerprints.map(|fields| {
            let fields: Vec<_> = fields.iter().map(|field| field.to_vec()).collect();
            json!({
                "fields": fields.iter().map(|field| hex(field)).collect::<Vec<_>>(),
                "fingerprint": hex(&reference::fingerprint(&key, &canonical, &fields)),
            })
        }),
        "records": RECORDS.iter().enumerate().map(|(n, row)| record(&key, &canonical, n, row)).collect::<Vec<_>>(),
    })
}

fn columns(key: &Key, canonical: &[u8], n: usize, &(user, name, _, created_at, expires_at): &Row) -> Columns {
    let scope_tag = reference::scope_tag(key, canonical, user);
    let seed = bytes(&format!("id and version of record {n} in {}", hex(canonical)));
    Columns {
        scope_tag,
        name_tag: reference::name_tag(key, canonical, scope_tag, name),
        id: hex(&seed[..15]),
        version: *seed.last_chunk().expect("16 is less than 32"),
        created_at,
        expires_at,
    }
}

fn record(key: &Key, canonical: &[u8], n: usize, row: &Row) -> Value {
    let columns = columns(key, canonical, n, row);
    let &(user, name, payload, ..) = row;
    let plaintext = reference::record_plaintext(user, name, payload);
    let nonce = nonce(&format!("record {n} in {}", hex(canonical)));
    let sealed = reference::seal_record(key, canonical, &columns, nonce, &plaintext);
    let mut value = row_value(&columns, &sealed);
    value["user"] = json!(user);
    value["name"] = json!(name);
    value["payload"] = json!(payload);
    value["associated_data"] = json!(hex(&reference::record_associated_data(canonical, &columns)));
    value["plaintext"] = json!(hex(&plaintext));
    value
}

fn row_value(columns: &Columns, sealed: &[u8]) -> Value {
    json!({
        "scope_tag": hex(&columns.scope_tag),
        "name_tag": hex(&columns.name_tag),
        "id": format!("appsecret_{}", columns.id),
        "version": hex(&columns.version),
        "created_at": columns.created_at,
        "expires_at": columns.expires_at,
        "sealed": hex(sealed),
    })
}

/// What opening must refuse: rows of the first namespace, each with what is wrong with it.
fn refused_records() -> Vec<Value> {
    let (canonical, _, key) = keys(&bytes("instance key"), NAMESPACES[0]);
    let (columns, neighbour) = (columns(&key, &canonical, 1, &RECORDS[1]), columns(&key, &canonical, 2, &RECORDS[2]));
    let (user, name, payload, ..) = RECORDS[1];
    let nonce = nonce("refused record");
    let seal = |plaintext: &[u8]| reference::seal_record(&key, &canonical, &columns, nonce, plaintext);
    let sealed = seal(&reference::record_plaintext(user, name, payload));
    let flipped = |at: usize| {
        let mut sealed = sealed.clone();
        sealed[at] ^= 1;
        sealed
    };
    let other_bytes = [
        ("an empty record", Vec::new()),
        ("a version byte alone", sealed[..1].to_vec()),
        ("a record cut off before its tag", sealed[..sealed.len() - 16].to_vec()),
        ("a record with a byte more", [sealed.clone(), vec![0]].concat()),
        ("a version that does not exist", [vec![2], sealed[1..].to_vec()].concat()),
        ("a flipped bit in the nonce", flipped(1)),
        ("a flipped bit in the ciphertext", flipped(13)),
        ("a flipped bit in the tag", flipped(sealed.len() - 1)),
        ("sealed well, but without a name", seal(b"\0\0\0\0\0payload")),
        ("sealed well, but without a payload", seal(b"\0\0\0\x01a\0")),
        ("sealed well, but with an unknown kind of scope", seal(b"\0\0\0\x01a\x02payload")),
        ("sealed well, but with a length beyond the end", seal(b"\xff\xff\xff\xffa\0payload")),
        ("sealed well, but not UTF-8", seal(b"\0\0\0\x01a\0\xff")),
        ("sealed well, but with a zero character", seal(b"\0\0\0\x01a\0\0")),
    ];
    let other_columns = [
        ("moved to another scope", Columns { scope_tag: neighbour.scope_tag, ..columns.clone() }),
        ("moved to another name", Columns { name_tag: neighbour.name_tag, ..columns.clone() }),
        (
            "scope and name exchanged",
            Columns { scope_tag: columns.name_tag, name_tag: columns.scope_tag, ..columns.clone() },
        ),
        ("under another id", Columns { id: neighbour.id.clone(), ..columns.clone() }),
        ("under another version", Columns { version: neighbour.version, ..columns.clone() }),
        ("created a second later", Columns { created_at: columns.created_at + 1, ..columns.clone() }),
        ("expiring a second later", Columns { expires_at: columns.expires_at.map(|at| at + 1), ..columns.clone() }),
        ("never expiring", Columns { expires_at: None, ..columns.clone() }),
    ];
    let refused = |why: &str, mut row: Value| {
        row["why"] = json!(why);
        row
    };
    let bytes = other_bytes.iter().map(|(why, bytes)| refused(why, row_value(&columns, bytes)));
    let rows = other_columns.iter().map(|(why, columns)| refused(why, row_value(columns, &sealed)));
    bytes.chain(rows).collect()
}

/// What unwrapping must refuse, in the place of the first namespace's wrapped key; `needs` is there where the root key is the wrong one.
fn refused_wrapped_keys(root: &Key, instance: &Key) -> Vec<Value> {
    let (_, tag, key) = keys(instance, NAMESPACES[0]);
    let (_, other_tag, _) = keys(instance, NAMESPACES[1]);
    let other_root = bytes("another root key");
    let nonce = nonce("refused wrapped key");
    let wrapped = reference::wrap(root, nonce, tag, &key);
    let flipped = |at: usize| {
        let mut wrapped = wrapped.clone();
        wrapped[at] ^= 1;
        wrapped
    };
    let mut flipped_id = reference::root_key_id(root);
    flipped_id[0] ^= 1;
    [
        ("nothing", Vec::new(), None),
        ("cut off", wrapped[..wrapped.len() - 1].to_vec(), None),
        ("a byte more", [wrapped.clone(), vec![0]].concat(), None),
        ("a version that does not exist", [vec![2], wrapped[1..].to_vec()].concat(), None),
        ("a flipped bit in the root key id", flipped(1), Some(flipped_id)),
        ("a flipped bit in the nonce", flipped(5), None),
        ("a flipped bit in the ciphertext", flipped(17), None),
        ("a flipped bit in the tag", flipped(64), None),
        ("wrapped for another namespace", reference::wrap(root, nonce, other_tag, &key), None),
        ("wrapped for the installation", reference::wrap(root, nonce, [0; 16], &key), None),
        (
            "wrapped by another root key",
            reference::wrap(&other_root, nonce, tag, &key),
            Some(reference::root_key_id(&other_root)),
        ),
    ]
    .into_iter()
    .map(|(why, wrapped, needs)| json!({ "why": why, "wrapped": hex(&wrapped), "needs": needs.map(|id| hex(&id)) }))
    .collect()
}

fn signatures() -> Value {
    let cases = [
        ("absec_aVerySecretSecret", r#"{"user_id":"usr_1","account_id":"acct_1"}"#),
        ("absec_aVerySecretSecret", ""),
        ("absec_aVerySecretSecret", "é 🌵"),
        ("whsec_anotherVerySecretSecret", r#"{"id":"evt_1","object":"event"}"#),
    ];
    json!(cases.map(|(secret, text)| {
        let signature = reference::hmac(secret.as_bytes(), format!("1790000000.{text}").as_bytes());
        json!({ "secret": secret, "timestamp": 1_790_000_000, "text": text, "signature": hex(&signature) })
    }))
}
