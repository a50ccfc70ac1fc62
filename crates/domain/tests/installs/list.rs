//! List (contract 10.1, 10.11, 10.12) and what is forgotten.

use cholla_domain::directory::access::InstallCaller;
use cholla_domain::directory::credential::InstallRights;
use cholla_domain::directory::install::Channel;
use cholla_domain::id::{AccountId, InstallId};
use cholla_domain::installs::{CreatedRange, InstallError, ListRequest, Status, list, retrieve};
use cholla_domain::list::PageLimit;
use cholla_testkit::directory_world::{BEGINNING, DirectoryWorld};

use super::{KEY, LIVE, TEST, on, own, uninstall, world};

/// Six installs, one a second but the last two, with the digits 1 to 6: of `app` on shop, `foreign` on shop, `app` on dev, `draft` on shop,
/// `app` on stranger, `rak.app` on shop. Then one of `app` in live mode on shop, with the digit 7.
fn listed() -> (DirectoryWorld, Vec<InstallId>) {
    let mut world = world();
    let mut ids = Vec::new();
    for (app, account, mode, pass) in [
        ("app", "shop", TEST, 0),
        ("foreign", "shop", TEST, 1),
        ("app", "dev", TEST, 1),
        ("draft", "shop", TEST, 1),
        ("app", "stranger", TEST, 1),
        ("rak.app", "shop", TEST, 0),
        ("app", "shop", LIVE, 1),
    ] {
        world.pass(pass);
        ids.push(world.install(app, account, mode));
    }
    (world, ids)
}

/// The digits of a page, newest first, and a plus where there is more.
fn page(world: &DirectoryWorld, ids: &[InstallId], caller: &InstallCaller, request: &ListRequest) -> String {
    match list(&world.directory, caller, request, world.now) {
        Ok(page) => {
            let digit = |id| ids.iter().position(|own| *own == id).map_or(0, |at| at + 1).to_string();
            let digits: String = page.installs.iter().map(|view| digit(view.id)).collect();
            format!("{digits}{}", if page.has_more { "+" } else { "" })
        }
        Err(error) => format!("{error:?}"),
    }
}

#[test]
fn rule_10_1_and_10_11_and_12_1_to_12_3_each_caller_sees_its_own() {
    let (world, ids) = listed();
    let check = |caller: InstallCaller, app: Option<&str>, account: Option<&str>, expected: &str| {
        let request =
            ListRequest { app: app.map(str::to_owned), account: account.map(str::to_owned), ..ListRequest::default() };
        assert_eq!(page(&world, &ids, &caller, &request), expected, "{caller:?} {app:?} {account:?}");
    };
    check(own("shop", TEST), None, None, "6421");
    check(own("shop", LIVE), None, None, "7");
    check(own("shop", TEST), Some("app"), None, "1");
    check(own("shop", TEST), Some("app"), Some("shop"), "1");
    check(own("shop", TEST), Some("no.such.app"), None, "");
    check(own("dev", TEST), None, None, "3");
    check(own("dev", TEST), Some("app"), None, "531");
    check(own("dev", LIVE), Some("app"), None, "7");
    check(own("dev", TEST), Some("app"), Some("stranger"), "5");
    check(own("dev", TEST), Some("app"), Some("no such account"), "");
    check(own("dev", TEST), Some("app"), Some("rival"), "");
    check(own("dev", TEST), Some("foreign"), None, "");
    check(on("shop", "dev", TEST), None, None, "641");
    check(on("shop", "dev", TEST), Some("app"), None, "1");
    check(on("shop", "dev", TEST), Some("app"), Some("shop"), "1");
    check(on("shop", "dev", TEST), Some("foreign"), None, "");
    check(on("stranger", "dev", TEST), None, None, "5");
}

#[test]
fn rule_18_16_an_account_is_the_one_acted_on() {
    let (world, ids) = listed();
    for (caller, app, account) in [
        (own("shop", TEST), None, "dev"),
        (own("shop", TEST), Some("app".to_owned()), "dev"),
        (own("shop", TEST), Some("no.such.app".to_owned()), "no such account"),
        (on("shop", "dev", TEST), None, "stranger"),
        (on("shop", "dev", TEST), Some("app".to_owned()), "dev"),
    ] {
        let request = ListRequest { app, account: Some(account.to_owned()), ..ListRequest::default() };
        assert_eq!(page(&world, &ids, &caller, &request), "AccountNotActedOn", "{caller:?} {account}");
    }
}

#[test]
fn rule_10_12_and_12_8_filters_are_combined() {
    let (mut world, ids) = listed();
    world.upload("rak.app", &["secret_write", "event_read"]);
    world.release("rak.app");
    let first = BEGINNING.as_unix();
    let check = |request: ListRequest, expected: &str| {
        assert_eq!(page(&world, &ids, &own("shop", TEST), &request), expected, "{request:?}");
    };
    let all = ListRequest::default;
    check(ListRequest { approval_required: Some(true), ..all() }, "6");
    check(ListRequest { approval_required: Some(false), ..all() }, "421");
    check(ListRequest { channel: Some(Channel::Testing), ..all() }, "4");
    check(ListRequest { channel: Some(Channel::Testing), app: Some("app".to_owned()), ..all() }, "");
    check(ListRequest { channel: Some(Channel::Public), approval_required: Some(false), ..all() }, "21");
    check(ListRequest { created_by: Some("dev".to_owned()), ..all() }, "");
    for status in Status::ALL {
        check(ListRequest { status: Some(status), ..all() }, if status == Status::Installed { "6421" } else { "" });
    }
    let created = |created| ListRequest { created, ..all() };
    check(created(CreatedRange::at(first + 1)), "2");
    check(created(CreatedRange::after(first + 1)), "64");
    check(created(CreatedRange::from(first + 1)), "642");
    check(created(CreatedRange::before(first + 1)), "1");
    check(created(CreatedRange::until(first + 1)), "21");
    check(created(CreatedRange::after(first).and(CreatedRange::before(first + 4))), "42");
    check(created(CreatedRange::after(first + 4).and(CreatedRange::before(first + 1))), "");
    for nothing in [CreatedRange::after(i64::MAX), CreatedRange::before(i64::MIN), CreatedRange::from(i64::MAX)] {
        check(created(nothing), "");
    }
    check(created(CreatedRange::until(i64::MAX).and(CreatedRange::from(i64::MIN))), "6421");
    check(ListRequest { created: CreatedRange::at(first), limit: PageLimit::clamp(0), ..all() }, "1");
}

#[test]
fn rule_10_11_and_18_2_cursors_cut_pages() {
    let (world, ids) = listed();
    let id = |digit: Option<usize>| digit.map(|digit| ids.get(digit - 1).map_or("x".to_owned(), ToString::to_string));
    let check = |after: Option<usize>, before: Option<usize>, limit: i64, expected: &str| {
        let request = ListRequest {
            limit: PageLimit::clamp(limit),
            starting_after: id(after),
            ending_before: id(before),
            ..ListRequest::default()
        };
        let actual = page(&world, &ids, &own("shop", TEST), &request);
        assert_eq!(actual, expected, "after {after:?} before {before:?} limit {limit}");
    };
    check(None, None, 2, "64+");
    check(None, None, 0, "6+");
    check(None, None, -3, "6+");
    check(None, None, 4, "6421");
    check(None, None, i64::MAX, "6421");
    check(Some(6), None, 2, "42+");
    check(Some(4), None, 2, "21");
    check(Some(1), None, 2, "");
    check(None, Some(1), 2, "42+");
    check(None, Some(2), 2, "64");
    check(None, Some(6), 2, "");
    // Of another account, of the other mode, nowhere.
    for unknown in [3, 7, 99] {
        check(Some(unknown), None, 2, "UnknownCursor(StartingAfter)");
        check(None, Some(unknown), 2, "UnknownCursor(EndingBefore)");
    }
    check(Some(99), Some(99), 2, "UnknownCursor(StartingAfter)");
    check(Some(2), Some(99), 2, "UnknownCursor(EndingBefore)");
    check(Some(2), Some(1), 2, "BothCursors");
}

#[test]
fn rule_10_11_a_cursor_stands_in_the_list_without_filters() {
    let (world, ids) = listed();
    let check = |caller: InstallCaller, app: Option<&str>, channel, cursor: usize, expected: &str| {
        let request = ListRequest {
            app: app.map(str::to_owned),
            channel,
            starting_after: Some(ids[cursor - 1].to_string()),
            ..ListRequest::default()
        };
        assert_eq!(page(&world, &ids, &caller, &request), expected, "{caller:?} {app:?} after {cursor}");
    };
    let public = Some(Channel::Public);
    check(own("shop", TEST), None, public, 4, "21");
    check(own("shop", TEST), Some("app"), None, 4, "1");
    check(on("shop", "dev", TEST), Some("app"), None, 6, "1");
    check(on("shop", "dev", TEST), None, None, 2, "UnknownCursor(StartingAfter)");
    check(own("dev", TEST), Some("app"), None, 5, "31");
    check(own("dev", TEST), Some("app"), None, 4, "UnknownCursor(StartingAfter)");
    check(own("dev", TEST), Some("no.such.app"), None, 3, "");
}

#[test]
fn rule_10_11_what_ended_marks_its_place_for_a_day() {
    let (mut world, ids) = listed();
    for digit in [4, 5] {
        let (caller, id) = (if digit == 4 { "shop" } else { "stranger" }, ids[digit - 1].to_string());
        uninstall(&mut world, &own(caller, TEST), &id);
    }
    let check = |world: &DirectoryWorld, caller: InstallCaller, app: Option<&str>, cursor: usize, expected: &str| {
        let request = ListRequest {
            app: app.map(str::to_owned),
            ending_before: Some(ids[cursor - 1].to_string()),
            ..ListRequest::default()
        };
        assert_eq!(page(world, &ids, &caller, &request), expected, "{caller:?} before {cursor}");
    };
    let unknown = "UnknownCursor(EndingBefore)";
    check(&world, own("shop", TEST), None, 4, "6");
    check(&world, on("shop", "dev", TEST), None, 4, "6");
    check(&world, own("shop", TEST), None, 5, unknown);
    check(&world, own("dev", TEST), Some("app"), 5, "");
    world.pass(24 * 60 * 60 - 1);
    check(&world, own("shop", TEST), None, 4, "6");
    world.pass(1);
    check(&world, own("shop", TEST), None, 4, unknown);
}

#[test]
fn rule_10_11_people_page_and_uninstall_in_one_loop() {
    let mut world = world();
    world.account("hub");
    for number in 0..25 {
        world.published(&format!("app.{number}"), "dev", &[]);
        world.install(&format!("app.{number}"), "hub", TEST);
    }
    let mut seen = 0;
    let mut request = ListRequest { limit: PageLimit::clamp(10), ..ListRequest::default() };
    loop {
        let page = list(&world.directory, &own("hub", TEST), &request, world.now).expect("the cursor is known");
        for install in &page.installs {
            uninstall(&mut world, &own("hub", TEST), &install.id.to_string());
            seen += 1;
        }
        if !page.has_more {
            break;
        }
        request.starting_after = page.installs.last().map(|install| install.id.to_string());
    }
    assert_eq!((seen, world.directory.installs().count()), (25, 0));
}

#[test]
fn rule_12_4_and_12_5_and_12_9_and_18_12_rights() {
    let (world, ids) = listed();
    let account = || AccountId::new("shop");
    let restricted = |read, write| InstallCaller::Own {
        account: account(),
        livemode: TEST,
        rights: InstallRights { read, write },
        key: KEY,
    };
    let missing = Err(InstallError::RightMissing(cholla_domain::installs::Right::Read));
    for (caller, reads) in [
        (restricted(false, false), false),
        (restricted(true, false), true),
        (restricted(false, true), true),
        (InstallCaller::App { account: account(), livemode: TEST }, false),
    ] {
        let listed = list(&world.directory, &caller, &ListRequest::default(), world.now).map(|_| ());
        let retrieved = retrieve(&world.directory, &caller, &ids[0].to_string()).map(|_| ());
        assert_eq!(listed, if reads { Ok(()) } else { missing.clone() }, "{caller:?}");
        assert_eq!(retrieved, if reads { Ok(()) } else { missing.clone() }, "{caller:?}");
    }
}

#[test]
fn rule_10_3_and_12_7_and_18_1_retrieve() {
    let (world, ids) = listed();
    let check = |caller: InstallCaller, id: &str, found: bool| {
        let actual = retrieve(&world.directory, &caller, id).map(|view| view.id.to_string());
        let expected = if found { Ok(id.to_owned()) } else { Err(InstallError::NotFound) };
        assert_eq!(actual, expected, "{caller:?} {id}");
    };
    let id = |digit: usize| ids[digit - 1].to_string();
    check(own("shop", TEST), &id(1), true);
    check(own("shop", TEST), &id(2), true);
    check(own("dev", TEST), &id(1), true);
    check(own("dev", TEST), &id(2), false);
    check(on("shop", "dev", TEST), &id(1), true);
    check(on("shop", "dev", TEST), &id(2), false);
    check(on("shop", "dev", TEST), &id(5), false);
    check(own("shop", LIVE), &id(1), false);
    check(own("shop", TEST), &id(7), false);
    check(own("shop", TEST), "appinst_test_x", false);
    check(own("shop", TEST), "", false);
}
