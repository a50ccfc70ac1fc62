use super::*;

const LEGAL: &str = "[api]\ntls = \"off\"\n";

/// `expected` are the lines of the error, without the file's name; none: the file is legal.
fn check(text: &str, expected: &[&str]) {
    let actual = Config::parse("c.toml", text, Path::new("")).err().map(|error| error.to_string()).unwrap_or_default();
    let expected: Vec<_> = expected.iter().map(|line| format!("c.toml:{line}")).collect();
    assert_eq!(actual, expected.join("\n"), "\n{text}");
}

fn parse(text: &str) -> Config {
    Config::parse("c.toml", text, Path::new("/etc/cholla")).unwrap()
}

#[test]
fn the_defaults() {
    let expected = Config {
        data_dir: "/etc/cholla/data".into(),
        root_key_file: "/etc/cholla/root.key".into(),
        platform_file: None,
        grace_seconds: 30 * 86_400,
        consent_url: None,
        embedded_keys: None,
        cache_bytes: 67_108_864,
        drain_seconds: 30,
        sweep_seconds: 60,
        payload_guard: false,
        api: ApiConfig {
            listen: "127.0.0.1:12112".parse().unwrap(),
            tls: TlsConfig::Off,
            connections_max: 4_096,
            cors_allowed_origins: None,
        },
        admin: AdminConfig { listen: "127.0.0.1:12113".parse().unwrap(), token_file: "/etc/cholla/admin.token".into() },
        webhooks: WebhooksConfig::default(),
        limits: LimitsConfig {
            per_credential: Some(Rate { per_second: 1_000, burst: 2_000 }),
            per_account: Some(Rate { per_second: 500, burst: 1_000 }),
        },
        log: LogConfig { level: "info", format: LogFormat::Json },
    };
    assert_eq!(parse(LEGAL), expected);
}

#[test]
fn every_setting() {
    let text = r#"
        data_dir = "/var/lib/cholla"
        root_key_file = "../keys/root"
        platform_file = "p.toml"
        grace = "7d"
        consent_url = "https://dashboard.example/install?lang=de"
        cache_bytes = 0
        drain_seconds = 0
        sweep_seconds = 86_400
        payload_guard = true
        [embedded_keys]
        issuer = "https://dashboard.example"
        audience = "cholla"
        jwks_file = "keys/platform.json"
        [api]
        listen = "[::]:443"
        tls = { certificate = "c.pem", key = "/k.pem" }
        connections_max = 1_000_000
        cors_allowed_origins = ["https://dashboard.example:8443", "null"]
        [admin]
        listen = "10.0.0.1:9000"
        token_file = "t"
        [webhooks]
        allowed_private_networks = ["10.0.0.0/8", "fd00::/8"]
        allow_plain_http = true
        ca_file = "ca.pem"
        [limits]
        per_credential_per_second = 0
        per_credential_burst = 5
        per_account_per_second = 1_000_000
        per_account_burst = 1
        [log]
        level = "debug"
        format = "text"
    "#;
    let expected = Config {
        data_dir: "/var/lib/cholla".into(),
        root_key_file: "/etc/cholla/../keys/root".into(),
        platform_file: Some("/etc/cholla/p.toml".into()),
        grace_seconds: 7 * 86_400,
        consent_url: Some("https://dashboard.example/install?lang=de".into()),
        embedded_keys: Some(EmbeddedKeysConfig {
            issuer: "https://dashboard.example".into(),
            audience: "cholla".into(),
            jwks_file: "/etc/cholla/keys/platform.json".into(),
        }),
        cache_bytes: 0,
        drain_seconds: 0,
        sweep_seconds: 86_400,
        payload_guard: true,
        api: ApiConfig {
            listen: "[::]:443".parse().unwrap(),
            tls: TlsConfig::Files { certificate: "/etc/cholla/c.pem".into(), key: "/k.pem".into() },
            connections_max: 1_000_000,
            cors_allowed_origins: Some(vec!["https://dashboard.example:8443".into(), "null".into()]),
        },
        admin: AdminConfig { listen: "10.0.0.1:9000".parse().unwrap(), token_file: "/etc/cholla/t".into() },
        webhooks: WebhooksConfig {
            allowed_private_networks: ["10.0.0.0/8", "fd00::/8"].map(|text| Network::parse(text).unwrap()).to_vec(),
            allow_plain_http: true,
            ca_file: Some("/etc/cholla/ca.pem".into()),
        },
        limits: LimitsConfig { per_credential: None, per_account: Some(Rate { per_second: 1_000_000, burst: 1 }) },
        log: LogConfig { level: "debug", format: LogFormat::Text },
    };
    assert_eq!(parse(text), expected);
}

/// The file that `init` writes says what the defaults are, and names the files that `init` makes.
#[test]
fn the_template_reads_back() {
    let template = Config::template();
    let mut expected = parse(LEGAL);
    expected.api.tls =
        TlsConfig::Files { certificate: "/etc/cholla/tls/server.pem".into(), key: "/etc/cholla/tls/server.key".into() };
    assert_eq!(parse(&template), expected);
    // With every setting that is commented out switched on, it is still the same; but that there is no platform file cannot be written.
    let is_setting = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    let switched_on: Vec<_> =
        template.lines().map(|line| line.strip_prefix("# ").filter(|rest| is_setting(rest)).unwrap_or(line)).collect();
    let switched_on = switched_on.join("\n");
    assert_eq!(parse(&switched_on), Config { platform_file: Some("/etc/cholla/platform.toml".into()), ..expected });
    for setting in [
        "cache_bytes = 67108864",
        "connections_max = 4096",
        "cors_allowed_origins",
        "level",
        "format",
        "drain_seconds",
        "grace",
    ] {
        assert!(switched_on.lines().any(|line| line.starts_with(setting)), "{setting}");
    }
}

#[test]
fn faults_name_their_line() {
    let tls = "give `{ certificate = \"…\", key = \"…\" }`, or `\"off\"` behind a proxy that ends TLS";
    check("", &[&format!("1: `tls` is missing in [api]; {tls}")]);
    check("\n[api]\n", &[&format!("2: `tls` is missing in [api]; {tls}")]);
    check("[api]\ntls = \"on\"\n", &[&format!("2: unknown `tls` `on`; {tls}")]);
    check("[api]\ntls = false\n", &["2: `tls` holds a boolean; make it a string"]);
    check(
        "[api]\ntls = { certificate = \"c\", keys = \"\" }\n",
        &[
            "2: unknown key `keys` in `tls`; remove it or use one of `certificate`, `key`",
            "2: `key` is missing in `tls`; add it",
        ],
    );
    check(
        "api = 1\n",
        &["1: `api` holds an integer; make it a table", &format!("1: `tls` is missing in [api]; {tls}")],
    );
    check(
        &format!("data = \"x\"\n{LEGAL}"),
        &[
            "1: unknown key `data` in the file; remove it or use one of `data_dir`, `root_key_file`, `platform_file`, `grace`, \
           `consent_url`, `embedded_keys`, `cache_bytes`, `drain_seconds`, `sweep_seconds`, `payload_guard`, `api`, `admin`, `webhooks`, `limits`, `log`",
        ],
    );
    check(
        &format!("{LEGAL}port = 1\n[admin]\ntoken = \"\"\n[log]\nfile = \"\"\n"),
        &[
            "3: unknown key `port` in [api]; remove it or use one of `listen`, `tls`, `connections_max`, `cors_allowed_origins`",
            "5: unknown key `token` in [admin]; remove it or use one of `listen`, `token_file`",
            "7: unknown key `file` in [log]; remove it or use one of `level`, `format`",
        ],
    );
    check(&format!("data_dir = \"\"\n{LEGAL}"), &["1: `data_dir` holds an empty string; give it a value or remove it"]);
    check("data_dir = \n", &["1: string values must be quoted, expected literal string; correct the TOML there"]);
}

#[test]
fn values_out_of_range() {
    for (setting, range) in [
        ("cache_bytes = -1", "0 to 1099511627776"),
        ("cache_bytes = 1099511627777", "0 to 1099511627776"),
        ("cache_bytes = 99999999999999999999999", "0 to 1099511627776"),
        ("drain_seconds = 3601", "0 to 3600"),
        ("sweep_seconds = 0", "1 to 86400"),
        ("sweep_seconds = 86401", "1 to 86400"),
    ] {
        let key = setting.split(' ').next().unwrap();
        check(&format!("{setting}\n{LEGAL}"), &[&format!("1: `{key}` is out of range; give a number from {range}")]);
    }
    check(
        &format!("{LEGAL}connections_max = 0\n"),
        &["3: `connections_max` is out of range; give a number from 1 to 1000000"],
    );
    for (setting, range) in [
        ("per_credential_per_second = 1000001", "0 to 1000000"),
        ("per_credential_burst = 0", "1 to 1000000"),
        ("per_account_per_second = -1", "0 to 1000000"),
        ("per_account_burst = 1000001", "1 to 1000000"),
    ] {
        let key = setting.split(' ').next().unwrap();
        let expected = format!("4: `{key}` is out of range; give a number from {range}");
        check(&format!("{LEGAL}[limits]\n{setting}\n"), &[&expected]);
    }
    let wanted = "1: `payload_guard` holds a string; make it `true` or `false`";
    check(&format!("payload_guard = \"on\"\n{LEGAL}"), &[wanted]);
    check(&format!("cache_bytes = \"1\"\n{LEGAL}"), &["1: `cache_bytes` holds a string; make it a whole number"]);
    check(&format!("cache_bytes = 1.5\n{LEGAL}"), &["1: `cache_bytes` holds a float; make it a whole number"]);
    check(
        &format!("{LEGAL}[log]\nlevel = \"all\"\n"),
        &["4: unknown `level` `all`; use one of `error`, `warn`, `info`, `debug`, `trace`"],
    );
    check(&format!("{LEGAL}[log]\nformat = \"xml\"\n"), &["4: unknown `format` `xml`; use one of `json`, `text`"]);
}

#[test]
fn rule_14_5_grace() {
    for (text, seconds) in [("0", 0), ("0s", 0), ("90s", 90), ("30d", 2_592_000), ("1h", 3_600)] {
        assert_eq!(parse(&format!("grace = \"{text}\"\n{LEGAL}")).grace_seconds, seconds, "{text}");
    }
    let wanted = "1: `grace` is not a duration; write a whole number and s, m, h or d, such as `30d`, or `0`";
    for text in ["30", "1w", "-1d", "forever", "00"] {
        check(&format!("grace = \"{text}\"\n{LEGAL}"), &[wanted]);
    }
    check(&format!("grace = 0\n{LEGAL}"), &["1: `grace` holds an integer; make it a string"]);
    check(&format!("grace = \"\"\n{LEGAL}"), &["1: `grace` holds an empty string; give it a value or remove it"]);
}

#[test]
fn rule_15_11_the_page_of_consent() {
    for url in ["https://p.example/install", "http://localhost:3000", "https://p.example/?a=b"] {
        assert_eq!(parse(&format!("consent_url = \"{url}\"\n{LEGAL}")).consent_url.as_deref(), Some(url));
    }
    let wanted = "1: `consent_url` is no absolute http or https URL without a fragment; correct it";
    for url in ["p.example", "/install", "ftp://p.example", "https://p.example/#install", "https://"] {
        check(&format!("consent_url = \"{url}\"\n{LEGAL}"), &[wanted]);
    }
}

#[test]
fn rule_5_5_embedded_keys_of_the_platform() {
    check(
        &format!("{LEGAL}[embedded_keys]\nkey = \"x\"\n"),
        &[
            "3: `issuer` is missing in [embedded_keys]; add it",
            "3: `audience` is missing in [embedded_keys]; add it",
            "3: `jwks_file` is missing in [embedded_keys]; add it",
            "4: unknown key `key` in [embedded_keys]; remove it or use one of `issuer`, `audience`, `jwks_file`",
        ],
    );
    check(
        &format!("embedded_keys = 1\n{LEGAL}"),
        &[
            "1: `embedded_keys` holds an integer; make it a table",
            "1: `issuer` is missing in [embedded_keys]; add it",
            "1: `audience` is missing in [embedded_keys]; add it",
            "1: `jwks_file` is missing in [embedded_keys]; add it",
        ],
    );
}

#[test]
fn addresses() {
    let wanted = "write an IP address and a port, such as `127.0.0.1:12112`, or `0.0.0.0:443` for all interfaces";
    for address in ["localhost:80", "127.0.0.1", ":12111", "http://127.0.0.1:1", "127.0.0.1:65536"] {
        check(
            &format!("{LEGAL}listen = \"{address}\"\n"),
            &[&format!("3: `listen` is not an address: `{address}`; {wanted}")],
        );
    }
    check(&format!("{LEGAL}listen = 443\n"), &["3: `listen` holds an integer; make it a string"]);
    check(
        &format!("{LEGAL}listen = \"127.0.0.1:12113\"\n[admin]\n"),
        &["4: [api] and [admin] listen on one address; give one another port"],
    );
    check(&format!("{LEGAL}listen = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n"), &[]);
}

#[test]
fn rule_7_3_origins() {
    let check = |origins: &str, fault: Option<&str>| {
        let wanted = "write `https://HOST` or `https://HOST:PORT` in lower case, `null`, or `*` alone for all";
        let expected = fault.map(|origin| format!("3: not an origin: `{origin}`; {wanted}"));
        check(&format!("{LEGAL}cors_allowed_origins = [{origins}]\n"), expected.as_deref().as_slice());
    };
    for legal in
        ["", "\"*\"", "\"null\"", "\"https://a.example\", \"http://localhost:3000\"", "\"chrome-extension://abc\""]
    {
        check(legal, None);
    }
    for illegal in [
        "https://a.example/",
        "https://a.example/path",
        "https://A.example",
        "a.example",
        "https://",
        "https://*.example",
    ] {
        check(&format!("\"{illegal}\""), Some(illegal));
    }
    check("\"*\", \"null\"", Some("*"));
    assert_eq!(parse(&format!("{LEGAL}cors_allowed_origins = []\n")).api.cors_allowed_origins, Some(vec![]));
    assert_eq!(parse(&format!("{LEGAL}cors_allowed_origins = [\"*\"]\n")).api.cors_allowed_origins, None);
}

#[test]
fn a_file_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cholla.toml");
    assert_eq!(
        Config::read(&path).unwrap_err().to_string(),
        format!(
            "{}: cannot be read (No such file or directory (os error 2)); name a file that exists and that this user may read",
            path.display()
        )
    );
    std::fs::write(&path, LEGAL).unwrap();
    assert_eq!(Config::read(&path).unwrap().data_dir, folder.path().join("data"));
}
