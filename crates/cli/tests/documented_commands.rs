//! Every command of `cholla` that the documentation shows, run against a server with the demo world, page by page and in order.
//!
//! Of the blocks that are marked as `sh`, the lines that run `cholla` are run, and those that set variables for them; of blocks marked as
//! `console`, the lines behind `$`. A remark above a block says what is different about it:
//!
//! | Remark | Meaning |
//! | --- | --- |
//! | `<!-- exit 1 -->` | the last command ends with this code |
//! | `<!-- not run: REASON -->` | nothing of it is run |

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod server;
}

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::server::Server;

/// Blocks with commands that are not run. One more is a decision, made here too.
const NOT_RUN: usize = 6;
/// Places of a real machine, and where they are in a test.
const PLACES: [(&str, &str); 2] = [("/etc/", "./etc/"), ("~/", "./")];
/// What the examples find in the directory that they run in.
const FILES: [(&str, &str); 7] = [
    (
        "stripe-app.json",
        "{\n  \"id\": \"com.example.shop\",\n  \"version\": \"1.0.0\",\n  \"name\": \"Shop\",\n  \"permissions\": [],\n  \"stripe_api_access_type\": \"restricted_api_key\",\n  \"allowed_redirect_uris\": [\"https://shop.example/callback\"]\n}\n",
    ),
    ("token.txt", "a refresh token\n"),
    ("new.txt", "a newer refresh token\n"),
    ("platform.toml", "[[accounts]]\nid = \"acct_florist\"\nname = \"The Florist\"\n"),
    ("etc/bash_completion.d/README", ""),
    (".config/fish/completions/README", ""),
    (".zfunc/README", ""),
];

/// A block of a page: its commands, each with the line it begins at.
#[derive(Debug, Default, PartialEq)]
struct Block {
    commands: Vec<(usize, String)>,
    exit: i32,
    is_run: bool,
}

/// The blocks of a page that hold commands of ours.
fn blocks(page: &str) -> Vec<Block> {
    let (mut found, mut open, mut remark) = (Vec::new(), None::<(Block, bool)>, String::new());
    let mut continued = None::<(usize, String)>;
    for (number, line) in page.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        if let Some((block, is_session)) = &mut open {
            if line.trim_end() == "```" {
                found.extend(open.take().map(|(block, _)| block).filter(|block| !block.commands.is_empty()));
                remark.clear();
                continue;
            }
            let text = if *is_session { line.strip_prefix("$ ").unwrap_or_default() } else { line };
            let (start, so_far) = continued.take().unwrap_or((number, String::new()));
            let whole = so_far + text;
            match whole.strip_suffix('\\') {
                Some(first) => continued = Some((start, first.to_owned())),
                None if is_ours(&whole) => block.commands.push((start, whole)),
                None => {}
            }
        } else if matches!(line.trim_end(), "```sh" | "```console") {
            let exit = remark.strip_prefix("<!-- exit ").and_then(|rest| rest.strip_suffix(" -->"));
            let is_run = !remark.starts_with("<!-- not run: ");
            let block = Block { commands: Vec::new(), exit: exit.map_or(0, |code| code.parse().unwrap()), is_run };
            open = Some((block, line.starts_with("```console")));
        } else if !line.trim().is_empty() {
            line.trim().clone_into(&mut remark);
        }
    }
    found
}

/// Whether the line runs `cholla`, or sets a variable for lines that do.
fn is_ours(line: &str) -> bool {
    let line = line.trim_start();
    let starts = |text: &str| text.trim_start().starts_with("cholla ");
    let nested = line.split_once("$(").is_some_and(|(before, rest)| !before.contains(' ') && starts(rest));
    let plain = line.strip_prefix("export ").is_some_and(|rest| !rest.contains("$("));
    let piped = line.split(" | ").any(starts);
    let repeated = line.strip_prefix("until ").is_some_and(starts);
    starts(line) || repeated || nested || plain || (piped && !line.starts_with('#'))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The pages, in the order of their names.
fn pages() -> Vec<PathBuf> {
    let listed = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = listed.filter(|path| path.extension().is_some_and(|kind| kind == "md")).collect();
    pages.push(root().join("README.md"));
    pages.sort_unstable();
    pages
}

/// Where the commands of a page run: a directory, a server, and the variables that earlier commands have set.
struct Session {
    home: tempfile::TempDir,
    server: Server,
}

impl Session {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in FILES {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let server = Server::start(home.path(), &[]);
        Self { home, server }
    }

    /// Runs one command in a shell of its own. Answers its exit code and what it printed.
    fn run(&self, command: &str) -> (i32, String) {
        let command = PLACES.iter().fold(command.to_owned(), |command, (real, ours)| command.replace(real, ours));
        let script = format!(
            "set -a; if [ -e .variables ]; then . ./.variables; fi; set -o pipefail\n{command}\nended=$?; export -p > .variables; exit $ended\n"
        );
        let program = Path::new(env!("CARGO_BIN_EXE_cholla")).parent().unwrap();
        let admin = &self.server.ready["admin"];
        let output = Command::new("timeout")
            .args(["60", "bash", "-c", &script])
            .current_dir(self.home.path())
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", program.display()))
            .env("HOME", self.home.path())
            .env("CHOLLA_API_BASE", self.server.http())
            .env("CHOLLA_ADMIN_BASE", admin["url"].as_str().unwrap())
            .env("CHOLLA_ADMIN_TOKEN", admin["token"].as_str().unwrap())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout) + &text(&output.stderr))
    }
}

#[test]
fn every_documented_command_does_what_the_page_says() {
    let (mut ran, mut left, mut wrong) = (0, 0, Vec::new());
    for page in pages() {
        let blocks = blocks(&fs::read_to_string(&page).unwrap());
        left += blocks.iter().filter(|block| !block.is_run).count();
        let run: Vec<_> = blocks.into_iter().filter(|block| block.is_run).collect();
        if run.is_empty() {
            continue;
        }
        let session = Session::start();
        for block in run {
            let last = block.commands.len() - 1;
            for (index, (line, command)) in block.commands.iter().enumerate() {
                let (exit, said) = session.run(command);
                let expected = if index == last { block.exit } else { 0 };
                ran += 1;
                if exit != expected {
                    let page = page.file_name().unwrap_or_default().to_string_lossy();
                    wrong.push(format!("{page}:{line}: {command}\nexit {exit}, not {expected}\n{said}"));
                }
            }
        }
        assert!(session.server.stop().success());
    }
    assert!(wrong.is_empty(), "{} of {ran} commands:\n\n{}", wrong.len(), wrong.join("\n"));
    assert!(ran >= 60, "{ran} commands were found: the pages are marked otherwise than this test expects");
    assert_eq!(left, NOT_RUN, "blocks that are not run");
}

#[test]
fn commands_are_found_in_pages() {
    let command = |line, text: &str| (line, text.to_owned());
    for (page, expected) in [
        ("```sh\nls\ncurl x\n```\n", vec![]),
        ("```text\n$ cholla dev\n```\n", vec![]),
        (
            "<!-- not run: it serves until it is stopped -->\n\n```sh\ncholla dev\n```\n```sh\ncholla --version\n```\n",
            vec![
                Block { commands: vec![command(4, "cholla dev")], exit: 0, is_run: false },
                Block { commands: vec![command(7, "cholla --version")], exit: 0, is_run: true },
            ],
        ),
        (
            "<!-- exit 1 -->\n```sh\nexport A=1\nexport B=$(jq . x)\nC=$(cholla keys list)\necho a | cholla b\ncholla \\\n  d\n# cholla e\n```\n",
            vec![Block {
                commands: vec![
                    command(3, "export A=1"),
                    command(5, "C=$(cholla keys list)"),
                    command(6, "echo a | cholla b"),
                    command(7, "cholla   d"),
                ],
                exit: 1,
                is_run: true,
            }],
        ),
        (
            "```console\n$ cholla apps list\nNo apps.\n```\n",
            vec![Block { commands: vec![command(2, "cholla apps list")], exit: 0, is_run: true }],
        ),
    ] {
        assert_eq!(blocks(page), expected, "{page}");
    }
}
