//! The official clients: what each needs, how its package client fetches it, and how its suite runs.
//!
//! Fetched packages lie in `interop/.clients/CLIENT`, which is ignored; versions and locks lie beside the suite and are committed.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that a client needs.
pub(crate) struct Tool {
    /// Program and arguments: it is there where this succeeds.
    pub(crate) probe: &'static [&'static str],
    /// The least version, read from what the probe prints; `(0, 0)` for any.
    pub(crate) version_min: (u32, u32),
    /// Debian's name of it, for the message where it is missing.
    pub(crate) install: &'static str,
}

/// Where a client's suite and its fetched packages lie.
pub(crate) struct Folders {
    /// `interop/CLIENT`.
    pub(crate) suite: PathBuf,
    /// `interop/.clients/CLIENT`.
    pub(crate) fetched: PathBuf,
}

/// One client.
pub(crate) struct Client {
    /// Its name on the command line, and its folder.
    pub(crate) name: &'static str,
    pub(crate) tools: &'static [Tool],
    /// The files beside the suite that say what to fetch; copied beside what was fetched, as the sign that it was.
    pub(crate) locks: &'static [&'static str],
    /// The commands that fetch it; none where running the suite does so.
    pub(crate) fetch: fn(&Folders) -> Vec<Command>,
    /// The commands that run the suite.
    pub(crate) run: fn(&Folders) -> Vec<Command>,
}

const PYTHON: Tool = Tool { probe: &["python3", "--version"], version_min: (3, 9), install: "python3" };
const VENV: Tool =
    Tool { probe: &["python3", "-c", "import ensurepip, venv"], version_min: (0, 0), install: "python3-venv" };
const NODE: Tool = Tool { probe: &["node", "--version"], version_min: (18, 0), install: "nodejs (18 or newer)" };
const NPM: Tool = Tool { probe: &["npm", "--version"], version_min: (0, 0), install: "npm" };
const GO: Tool = Tool { probe: &["go", "version"], version_min: (1, 24), install: "golang-go (1.24 or newer)" };
const JDK: Tool = Tool { probe: &["javac", "-version"], version_min: (17, 0), install: "default-jdk (17 or newer)" };
const MAVEN: Tool = Tool { probe: &["mvn", "--version"], version_min: (0, 0), install: "maven" };
const CC: Tool = Tool { probe: &["cc", "--version"], version_min: (0, 0), install: "build-essential" };
const CHROMIUM: Tool = Tool { probe: &["chromium", "--version"], version_min: (0, 0), install: "chromium" };
// It has no option that only tells of itself.
const CERTUTIL: Tool =
    Tool { probe: &["sh", "-c", "command -v certutil"], version_min: (0, 0), install: "libnss3-tools" };
const CURL: Tool = Tool { probe: &["curl", "--version"], version_min: (7, 49), install: "curl" };

/// All clients, in the order in which they run: the quickest first.
pub(crate) const ALL: [Client; 8] = [
    Client { name: "curl", tools: &[PYTHON, CURL], locks: &[], fetch: nothing, run: unittest },
    Client {
        name: "python",
        tools: &[PYTHON, VENV],
        locks: &["requirements.txt"],
        fetch: fetch_python,
        run: run_python,
    },
    Client {
        name: "node",
        tools: &[NODE, NPM],
        locks: &[".npmrc", "package.json", "package-lock.json"],
        fetch: |folders| vec![npm(folders, "ci")],
        run: run_node,
    },
    Client {
        name: "stripe-cli",
        tools: &[PYTHON, NODE, NPM],
        locks: &[".npmrc", "package.json", "package-lock.json"],
        // Not `npm ci`: the package has one optional dependency a platform, and a lock only knows those of the one that made it.
        fetch: |folders| vec![npm(folders, "install")],
        run: unittest,
    },
    Client {
        name: "browser",
        // The browser trusts the server's authority by what certutil writes; Python verifies a signature, as a backend does.
        tools: &[NODE, NPM, CHROMIUM, CERTUTIL, PYTHON, VENV],
        locks: &[".npmrc", "package.json", "package-lock.json", "requirements.txt"],
        fetch: |folders| fetch_python(folders).into_iter().chain([npm(folders, "ci")]).collect(),
        run: |folders| vec![command(&folders.suite, "node", &["--test", "extension.test.mjs"])],
    },
    Client { name: "java", tools: &[JDK, MAVEN], locks: &["pom.xml"], fetch: fetch_java, run: run_java },
    Client { name: "go", tools: &[GO], locks: &[], fetch: nothing, run: run_go },
    Client { name: "rust", tools: &[CC], locks: &[], fetch: nothing, run: run_rust },
];

fn command(folder: &Path, program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).args(arguments);
    command
}

fn nothing(_: &Folders) -> Vec<Command> {
    Vec::new()
}

fn unittest(folders: &Folders) -> Vec<Command> {
    vec![command(&folders.suite, "python3", &["-m", "unittest", "--verbose"])]
}

fn fetch_python(folders: &Folders) -> Vec<Command> {
    let pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--requirement", "requirements.txt"];
    vec![
        command(&folders.fetched, "python3", &["-m", "venv", "."]),
        command(&folders.fetched, folders.fetched.join("bin/python"), &pip),
    ]
}

fn run_python(folders: &Folders) -> Vec<Command> {
    // The libraries pool their connections and leave closing them to the end of the process.
    let mut run = command(&folders.suite, folders.fetched.join("bin/python"), &["-W", "ignore::ResourceWarning"]);
    // In this order: the last one moves the clock by months.
    run.args(["-m", "unittest", "--verbose", "test_secrets", "test_scopes", "test_installs", "test_oauth"]);
    run.args(["test_events", "test_grace"]);
    vec![run]
}

fn run_node(folders: &Folders) -> Vec<Command> {
    // One after another, and the one last that moves the clock by months.
    let suites = ["current", "legacy", "scopes", "installs", "oauth", "events", "grace"];
    suites.map(|suite| command(&folders.suite, "node", &["--test", &format!("{suite}.test.mjs")])).into()
}

fn npm(folders: &Folders, subcommand: &str) -> Command {
    command(&folders.fetched, "npm", &[subcommand, "--no-progress"])
}

fn fetch_java(folders: &Folders) -> Vec<Command> {
    vec![command(
        &folders.fetched,
        "mvn",
        &["--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory=lib"],
    )]
}

fn run_java(folders: &Folders) -> Vec<Command> {
    let libraries = folders.fetched.join("lib/*");
    let classes = folders.fetched.join("classes");
    let mut compile =
        command(&folders.suite.join("src"), "javac", &["-Xlint:all", "-Werror", "-encoding", "UTF-8", "-cp"]);
    compile.arg(&libraries).arg("-d").arg(&classes);
    compile.args(["Check.java", "Server.java", "LossyClient.java"]);
    compile.args(["Secrets.java", "SecretsTest.java", "InstallsTest.java"]);
    let mut path = classes.into_os_string();
    path.push(":");
    path.push(&libraries);
    let mut run = command(&folders.suite, "java", &["-cp"]);
    // The library keeps its telemetry there; the user's own folder stays untouched.
    run.arg(path).arg("SecretsTest").env("XDG_CONFIG_HOME", folders.fetched.join("home"));
    vec![compile, run]
}

fn run_go(folders: &Folders) -> Vec<Command> {
    vec![
        command(&folders.suite, "go", &["vet", "./..."]),
        command(&folders.suite, "go", &["test", "-count=1", "-v", "./..."]),
    ]
}

fn run_rust(folders: &Folders) -> Vec<Command> {
    let mut test = command(&folders.suite, "cargo", &["test", "--locked"]);
    test.env("CARGO_TARGET_DIR", &folders.fetched);
    vec![test]
}
