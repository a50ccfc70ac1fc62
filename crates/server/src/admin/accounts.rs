//! Accounts, their connections and their users.

use cholla_domain::directory::account::{Account, User};
use cholla_domain::id::{AccountId, UserId};
use cholla_domain::operator::{
    OperatorError, add_user, connect, create_account, disconnect, offboard_user, rename_account,
};
use http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call, cursor, page};
use super::route::{AFTER, Gives, Kind, LIMIT, Outcome, Route, Shape, member};

const ACCOUNT: Shape = Shape {
    name: "account",
    about: "An account: an app developer, an installing merchant, or both.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["account"]), "Always `account`."),
        member("id", Kind::Text, "Its id."),
        member("name", Kind::Text, "Its name, for people.").nullable(),
        member("connected_to", Kind::Texts, "Developers who may install their own apps here (contract 12.6)."),
        member("made_up", Kind::Flag, "Whether dev mode made it up."),
        member("created", Kind::Time, "When it was created."),
    ],
};

const USER: Shape = Shape {
    name: "user",
    about: "A listed user of an account. Users that are named on the wire need not be listed.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["user"]), "Always `user`."),
        member("id", Kind::Text, "The user's id."),
        member("account", Kind::Text, "The account."),
        member("added", Kind::Time, "When the user was listed."),
    ],
};

const OFFBOARDED: Shape = Shape {
    name: "offboarding",
    about: "A user who was offboarded.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["offboarding"]), "Always `offboarding`."),
        member("account", Kind::Text, "The account."),
        member("erasure", Kind::Text, "The erasure, which is finished once it has a receipt."),
        member("keys_revoked", Kind::Integer, "How many embedded keys of the user were revoked."),
    ],
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        name: "accounts.list",
        method: Method::GET,
        path: "/v1/accounts",
        about: "All accounts, in the order of their ids.",
        takes: &[LIMIT, AFTER],
        gives: Gives::Page(&ACCOUNT),
        answer: |call| Box::pin(async { list(call) }),
    },
    Route {
        name: "accounts.create",
        method: Method::POST,
        path: "/v1/accounts",
        about: "Creates an account. One that is there under that name stays as it is.",
        takes: &[
            member("id", Kind::Text, "`acct_` and letters, digits or `_`.").required(),
            member("name", Kind::Text, "Its name, for people."),
        ],
        gives: Gives::One(&ACCOUNT),
        answer: |call| Box::pin(create(call)),
    },
    Route {
        name: "accounts.show",
        method: Method::GET,
        path: "/v1/accounts/{account}",
        about: "One account.",
        takes: &[],
        gives: Gives::One(&ACCOUNT),
        answer: |call| Box::pin(async { show(call) }),
    },
    Route {
        name: "accounts.rename",
        method: Method::POST,
        path: "/v1/accounts/{account}",
        about: "Gives an account another name, or none.",
        takes: &[member("name", Kind::Text, "Its name; null for none.").required().nullable()],
        gives: Gives::One(&ACCOUNT),
        answer: |call| Box::pin(rename(call)),
    },
    Route {
        name: "accounts.connect",
        method: Method::POST,
        path: "/v1/accounts/{account}/connect",
        about: "Connects an account to a developer, who may install its own apps there from now on (contract 12.6).",
        takes: &[member("developer", Kind::Text, "The developer's account.").required()],
        gives: Gives::One(&ACCOUNT),
        answer: |call| Box::pin(connected(call, connect)),
    },
    Route {
        name: "accounts.disconnect",
        method: Method::POST,
        path: "/v1/accounts/{account}/disconnect",
        about: "Ends a connection. Installs stay.",
        takes: &[member("developer", Kind::Text, "The developer's account.").required()],
        gives: Gives::One(&ACCOUNT),
        answer: |call| Box::pin(connected(call, disconnect)),
    },
    Route {
        name: "users.list",
        method: Method::GET,
        path: "/v1/accounts/{account}/users",
        about: "The listed users of an account, in the order of their ids.",
        takes: &[LIMIT, AFTER],
        gives: Gives::Page(&USER),
        answer: |call| Box::pin(async { users(call) }),
    },
    Route {
        name: "users.add",
        method: Method::POST,
        path: "/v1/accounts/{account}/users",
        about: "Lists a user of an account. One that is listed stays as it is.",
        takes: &[member("id", Kind::Text, "The user's id.").required()],
        gives: Gives::One(&USER),
        answer: |call| Box::pin(add(call)),
    },
    Route {
        name: "users.offboard",
        method: Method::POST,
        path: "/v1/accounts/{account}/users/offboard",
        about: "Offboards a user, listed or not: revokes the user's embedded keys in the account and erases all of the user's scopes there, \
                over all apps and both modes. Stop signing embedded keys of your own for the user before.",
        takes: &[member("user", Kind::Text, "The user's id.").required()],
        gives: Gives::One(&OFFBOARDED),
        answer: |call| Box::pin(offboard(call)),
    },
];

fn account(account: &Account) -> Value {
    json!({
        "object": "account",
        "id": account.id.as_str(),
        "name": account.name,
        "connected_to": account.connected_to.iter().map(AccountId::as_str).collect::<Vec<_>>(),
        "made_up": account.made_up,
        "created": account.created_at.as_unix(),
    })
}

fn user(user: &User) -> Value {
    json!({
        "object": "user",
        "id": user.id.as_str(),
        "account": user.account.as_str(),
        "added": user.added_at.as_unix(),
    })
}

fn list(call: &Call) -> Outcome {
    call.read(|directory| {
        let after = cursor(&call.given, |id| directory.account(&AccountId::new(id)))?;
        Ok(page(directory.accounts(), |own| &own.id, after, &call.given, account))
    })
}

async fn create(call: &Call) -> Outcome {
    let (id, name) = (AccountId::new(call.given.required("id")), call.given.text("name").map(str::to_owned));
    let created = call.change(move |ctx, by| create_account(ctx, by, &id, name.as_deref())).await?;
    Ok(Answer::One(account(&created)))
}

fn show(call: &Call) -> Outcome {
    let id = call.account();
    call.read(|directory| match directory.account(&id) {
        Some(found) => Ok(Answer::One(account(found))),
        None => Err(OperatorError::NoAccount(id.clone()).into()),
    })
}

async fn rename(call: &Call) -> Outcome {
    let (id, name) = (call.account(), call.given.text("name").map(str::to_owned));
    let renamed = call.change(move |ctx, by| rename_account(ctx, by, &id, name.as_deref())).await?;
    Ok(Answer::One(account(&renamed)))
}

/// A change of a connection between two accounts.
type Connecting = fn(
    &cholla_domain::directory::decision::Context<'_>,
    &str,
    &AccountId,
    &AccountId,
) -> Result<cholla_domain::directory::decision::Decision<Account>, OperatorError>;

async fn connected(call: &Call, decide: Connecting) -> Outcome {
    let (id, developer) = (call.account(), AccountId::new(call.given.required("developer")));
    let changed = call.change(move |ctx, by| decide(ctx, by, &id, &developer)).await?;
    Ok(Answer::One(account(&changed)))
}

fn users(call: &Call) -> Outcome {
    let id = call.account();
    call.read(|directory| {
        if directory.account(&id).is_none() {
            return Err(OperatorError::NoAccount(id.clone()).into());
        }
        let after = cursor(&call.given, |user| directory.user(&id, &UserId::new(user)))?;
        Ok(page(directory.users(&id), |own| &own.id, after, &call.given, user))
    })
}

async fn add(call: &Call) -> Outcome {
    let (id, new) = (call.account(), UserId::new(call.given.required("id")));
    let added = call.change(move |ctx, by| add_user(ctx, by, &id, &new)).await?;
    Ok(Answer::One(user(&added)))
}

async fn offboard(call: &Call) -> Outcome {
    let (id, user) = (call.account(), UserId::new(call.given.required("user")));
    let of = id.clone();
    let offboarded = call.change(move |ctx, by| offboard_user(ctx, by, &of, &user)).await?;
    Ok(Answer::One(json!({
        "object": "offboarding",
        "account": id.as_str(),
        "erasure": offboarded.erasure.to_string(),
        "keys_revoked": offboarded.keys_revoked,
    })))
}
