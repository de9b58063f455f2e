//! The configuration, from text and variables to values and errors.

use std::path::Path;

use expect_test::{Expect, expect};
use moderation::access::provider::LocalSignIn;
use moderation::actions::rechecks::HowRechecked;
use moderation::model::{PolicyCode, StrikeSettings};

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    parse(Path::new("seawall.toml"), text, &environment(variables)).map(|(config, _)| config)
}

fn check_error(text: &str, variables: &[(&str, &str)], expected: Expect) {
    let error = read(text, variables).expect_err("should be refused");
    expected.assert_eq(&format!("{:#}\n", anyhow::Error::new(error)));
}

#[test]
fn nothing_is_a_configuration() {
    let config = read("", &[]).unwrap();
    assert_eq!(config, Config::default());
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8410");
}

#[test]
fn a_variable_goes_before_the_file_and_is_read_as_the_kind_its_key_takes() {
    let file = "[media]\nworkers = 3\n[webhook]\nurl = \"https://a.example/\"\nsecret = \"0123456789abcdef\"\n";
    let variables = [
        ("SEAWALL_MEDIA_WORKERS", "2"),
        ("SEAWALL_MEDIA_ALLOW_WEAK_JAIL", "true"),
        ("SEAWALL_WEBHOOK_SECRET", "1234567890123456"),
        ("SEAWALL_FETCH_HOSTS", "a.example, b.example:8443"),
        ("SEAWALL_LOG_FORMAT", "json"),
        ("SEAWALL_SERVICE_HOST", "10.0.0.7"),
        ("SEAWALL_TEST_POSTGRES", "left alone"),
    ];
    let config = read(file, &variables).unwrap();
    assert_eq!((config.media.workers, config.media.allow_weak_jail), (2, true));
    assert_eq!(config.webhook.url.as_deref(), Some("https://a.example/"));
    assert_eq!(config.webhook.secret, Some(Secret::new("1234567890123456")));
    assert_eq!(config.fetch.hosts, ["a.example", "b.example:8443"]);
    assert_eq!(config.log.format, sections::LogFormat::Json);
}

#[test]
fn what_is_not_known_is_refused_with_its_place() {
    check_error(
        "[http]\nlstien = \"127.0.0.1:1\"\n",
        &[],
        expect![[r#"
        the configuration `seawall.toml` does not read: line 2: unknown field `lstien`, expected one of `listen`, `public_url`, `trusted_proxies`, `metrics_for_everyone`, `body_bytes_max`, `bodies_bytes_max`, `connections_max`, `connections_per_address_max`, `requests_at_once_max`, `key_calls_per_second`, `key_calls_burst`, `address_calls_per_second`, `address_calls_burst`, `drain_s`
    "#]],
    );
    check_error(
        "[htpp]\n",
        &[],
        expect![[r#"
            the configuration `seawall.toml` does not read: line 1: unknown field `htpp`, expected one of `store`, `http`, `console`, `oidc`, `media`, `video`, `care`, `matching`, `routing`, `webhook`, `mail`, `desk`, `measures`, `two_person`, `strikes`, `fetch`, `hma`, `log`
        "#]],
    );
    check_error(
        "[media]\nworkers = \"two\"\n",
        &[],
        expect![[r#"
        the configuration `seawall.toml` does not read: line 2: invalid type: string "two", expected usize
    "#]],
    );
    check_error(
        "",
        &[("SEAWALL_HTTP_LSTIEN", "x")],
        expect![[r#"
        the variable SEAWALL_HTTP_LSTIEN names no key of the section [http]
    "#]],
    );
    check_error(
        "",
        &[("SEAWALL_MEDIA_WORKERS", "two")],
        expect![[r#"
        the variable SEAWALL_MEDIA_WORKERS is not a whole number
    "#]],
    );
    check_error(
        "",
        &[("SEAWALL_HTTP_LISTEN", "everywhere")],
        expect![[r#"
        the variable SEAWALL_HTTP_LISTEN does not read: invalid socket address syntax
    "#]],
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    check_error(
        "[matching]\nmatch_distance_bits = 50\n",
        &[],
        expect![[r#"
        matching.match_distance_bits: must be at most matching.lead_distance_bits: a lead lies further away than a match
    "#]],
    );
    check_error(
        "[webhook]\nurl = \"https://a.example\"\n",
        &[],
        expect![[r#"
        webhook.secret_file: must be set where webhook.url is: orders are signed
    "#]],
    );
    check_error(
        "[webhook]\nsecret = \"short\"\n",
        &[],
        expect![[r#"
        webhook.secret: must have at least 16 characters
    "#]],
    );
    check_error(
        "[store]\nurl = \"mysql://root:hunter2@db\"\n",
        &[],
        expect![[r#"
        store.url: must begin with sqlite:// or postgres://
    "#]],
    );
    check_error(
        "[fetch]\nhosts = [\"https://a.example\"]\n",
        &[],
        expect![[r#"
        fetch.hosts: `https://a.example` is not a host such as `media.example.org`, `*.example.org` or `media.example.org:8443`
    "#]],
    );
}

#[test]
fn how_orders_are_checked_again_must_make_sense() {
    let webhook = "[webhook]\nurl = \"https://p.example/hook\"\nsecret = \"sixteen characters\"\n";
    let with = |line: &str| read(&format!("{webhook}{line}\n"), &[]);
    let good = with("probe_url = \"https://p.example/see/{item}\"").unwrap();
    assert!(matches!(
        settings::flows(&good).unwrap().rechecks.how,
        HowRechecked::Probe(_)
    ));
    let asked = with("recheck_ask = true").unwrap();
    assert!(matches!(
        settings::flows(&asked).unwrap().rechecks.how,
        HowRechecked::Ask
    ));
    for bad in [
        "probe_url = \"https://{item}.example/\"",
        "probe_url = \"https://p.example/\"",
        "probe_url = \"https://p.example/{item}\"\nrecheck_ask = true",
        "recheck_after_s = []",
        "recheck_after_s = [60, 60]",
        "[desk]\nundo_seconds = 601",
        "[desk]\ndelay_policies = [\"terrorist_content\"]\ndelay_max_s = 60",
        "[desk]\ndelay_policies = [\"no_such_policy\"]",
        "[measures]\noffered = [\"item\", \"shout\"]",
        "[measures]\noffered = [\"account\"]",
        "[mail]\nto = [\"a@example.org\"]",
        "[mail]\nsmtp = \"smtps://mail.example.org\"",
        "[measures]\nlabels = [\"Big Words\"]",
        "[desk]\nrun_hours = 0",
        "[console]\ntime_zone = \"Mars/Olympus\"",
        "[two_person]\nitems_over = 501",
        "[two_person]\npolicies = [\"no_such_policy\"]",
        "[two_person]\nlapse_hours = 0",
        "[two_person]\nmeasures = [\"shout\"]",
        "[strikes]\nhate_speech = { weight = 1, days = 0 }",
        "[strikes]\nsuspend_at = 9",
    ] {
        assert!(with(bad).is_err(), "{bad}");
    }
    let settings = settings::flows(
        &with("[strikes]\nhate_speech = { weight = 7, days = 3 }\n[desk]\ndelay_policies = [\"other_terms\"]").unwrap(),
    )
    .unwrap();
    assert!(
        settings
            .strikes
            .rules
            .iter()
            .any(|rule| rule.weight == 7 && rule.lasts.as_secs() == 3 * 86_400)
    );
    assert_eq!(settings.desk.delay_policies, [PolicyCode::OtherTerms]);
    let zoned = settings::web(&with("[console]\ntime_zone = \"Asia/Kathmandu\"").unwrap()).unwrap();
    assert_eq!(zoned.time_zone.name(), "Asia/Kathmandu");
    assert_eq!(settings::web(&Config::default()).unwrap().time_zone.name(), "UTC");
    let two = settings::flows(&with("[two_person]\nitems_over = 3\npolicies = [\"hate_speech\"]").unwrap()).unwrap();
    assert_eq!(two.two_person.policies, [PolicyCode::HateSpeech]);
    assert_eq!(
        (two.two_person.items_over, two.two_person.lapses_after.as_secs()),
        (3, 86_400)
    );
    assert_eq!(
        Config::default().two_person.settings().unwrap(),
        moderation::model::TwoPersonSettings::default()
    );
    assert_eq!(Config::default().strikes.settings(), StrikeSettings::default());
    let set = |times| read("", &[("SEAWALL_WEBHOOK_RECHECK_AFTER_S", times)]);
    assert_eq!(set("5, 10").unwrap().webhook.recheck_after_s, [5, 10]);
    assert!(set("5,x").is_err());
}

#[test]
fn the_identity_provider_must_make_sense() {
    let base = "[oidc]\nissuer = \"https://id.example/realms/a\"\nclient_id = \"seawall\"\nclient_secret = \"hunter2hunter2\"\n";
    let with = |line: &str| read(&format!("{base}{line}\n"), &[]);
    let good = with(
        "roles = { desk = [\"moderator\"], leads = [\"lead\", \"wellness_lead\"] }\nqueues = { desk = [\"matches\"] }\nmake_people = true\nlocal_sign_in = \"admins\"",
    )
    .unwrap();
    let provider = settings::flows(&good).unwrap().provider.unwrap();
    assert_eq!((provider.people.roles.len(), provider.people.queues.len()), (2, 1));
    assert_eq!(provider.local_sign_in, LocalSignIn::Admins);
    assert!(!format!("{provider:?} {good:?}").contains("hunter2"));
    assert!(settings::flows(&Config::default()).unwrap().provider.is_none());
    for bad in [
        "client_secret_file = \"/x\"",
        "roles = { desk = [\"king\"] }",
        "roles = { desk = [] }",
        "queues = { desk = [\"No Queue!\"] }",
        "make_people = true",
        "scopes = [\"profile\"]",
        "scopes = [\"openid profile\"]",
        "name = \"\"",
        "proof_s = 5",
        "timeout_ms = 0",
        "email_domains = [\"a@b\"]",
        "local_sign_in = \"some\"",
    ] {
        assert!(with(bad).is_err(), "{bad}");
    }
    for bad in [
        "[oidc]\nissuer = \"https://id.example\"\n",
        "[oidc]\nclient_id = \"seawall\"\n",
        "[oidc]\nissuer = \"http://id.example\"\nclient_id = \"seawall\"\n",
        "[oidc]\nissuer = \"https://id.example/?tenant=1\"\nclient_id = \"seawall\"\n",
        // Nobody would come in any more.
        "[oidc]\nlocal_sign_in = \"nobody\"\n",
    ] {
        assert!(read(bad, &[]).is_err(), "{bad}");
    }
    let by_variables = [
        ("SEAWALL_OIDC_ISSUER", "https://id.example"),
        ("SEAWALL_OIDC_CLIENT_ID", "seawall"),
        ("SEAWALL_OIDC_CLIENT_SECRET", "12345678"),
        ("SEAWALL_OIDC_LOCAL_SIGN_IN", "nobody"),
    ];
    let config = read("", &by_variables).unwrap();
    assert_eq!(config.oidc.client_secret, Some(Secret::new("12345678")));
}

#[test]
fn a_secret_is_never_printed() {
    let file = "[store]\nurl = \"postgres://u:hunter2@db/s\"\n[webhook]\nsecret = \"hunter2hunter2hunter2\"\n";
    let config = read(file, &[]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    for broken in [
        "[webhook]\nsecret = 777777\n",
        "[webhook]\nsecret = \"777777\n",
        "[webhook]\nsecret = [\"777777\"]\n",
    ] {
        let error = anyhow::Error::new(read(broken, &[]).unwrap_err());
        assert!(
            format!("{error:#}").contains("line 2") && !format!("{error:#} {error:?}").contains("777777"),
            "{error:?}"
        );
    }
}

#[test]
fn the_sample_names_every_key_with_its_default() {
    let sample = include_str!("../../../../docs/seawall.sample.toml");
    assert_eq!(
        read(sample, &[]).unwrap(),
        Config::default(),
        "the sample changes nothing as it stands"
    );

    // Each key stands in it, set or as a comment; uncommented, it still reads.
    let uncommented: Vec<&str> = sample
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line))
        .collect();
    let all: toml::Table = toml::from_str(&uncommented.join("\n")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema_json()).unwrap();
    for (section, reference) in schema["properties"].as_object().unwrap() {
        let name = reference["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        for key in schema["$defs"][name]["properties"].as_object().unwrap().keys() {
            assert!(
                all[section].get(key).is_some(),
                "[{section}] {key} is missing from docs/seawall.sample.toml"
            );
        }
    }
    let config: Config = all.try_into().unwrap();
    config.check().unwrap_err();
}

#[test]
fn a_store_is_found_where_users_keep_their_data() {
    let url = |variables| {
        settings::store_url(&Config::default(), environment(variables))
            .reveal()
            .to_owned()
    };
    assert_eq!(
        url(&[("XDG_DATA_HOME", "/data"), ("HOME", "/home/u")]),
        "sqlite:///data/seawall/seawall.db"
    );
    assert_eq!(
        url(&[("HOME", "/home/u")]),
        "sqlite:///home/u/.local/share/seawall/seawall.db"
    );
    assert_eq!(url(&[("HOME", "/")]), "sqlite://.seawall/seawall.db");
    let file = |url| settings::store_file(&Secret::new(url));
    assert_eq!(file("sqlite:///a/b.db?mode=rwc"), Some(PathBuf::from("/a/b.db")));
    assert_eq!(file("sqlite://b.db"), Some(PathBuf::from("b.db")));
    assert_eq!(file("postgres://h/d"), None);
}

#[test]
fn the_file_is_found_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.toml");
    std::fs::write(&path, "[log]\nlevel = \"debug\"\n").unwrap();
    let variables = [
        ("SEAWALL_CONFIG", path.to_str().unwrap()),
        ("SEAWALL_LOG_FORMAT", "json"),
    ];
    let loaded = load(None, environment(&variables)).unwrap();
    assert_eq!(
        (loaded.config.log.level.as_str(), loaded.file),
        ("debug", Some(path.clone()))
    );
    assert_eq!(loaded.variables, ["SEAWALL_LOG_FORMAT"]);
    let error = load(Some(&dir.path().join("none.toml")), environment(&variables)).unwrap_err();
    assert!(matches!(error, ConfigError::Read { .. }));
}

#[test]
fn open_access_is_refused_behind_a_proxy_that_is_not_named() {
    let file = |http: &str| format!("[http]\n{http}\n[hma]\nenabled = true\nopen_access = true\n");
    let is_taken = |http: &str| read(&file(http), &[]).is_ok();
    for own in [
        "http://localhost:8410",
        "http://127.0.0.1:8410",
        "http://[::1]:8410",
        "http://[::1]",
    ] {
        assert!(is_taken(&format!("public_url = \"{own}\"")), "{own}");
    }
    for other in [
        "https://seawall.example",
        "https://localhost.example:8410",
        "http://127.0.0.1.example",
    ] {
        assert!(!is_taken(&format!("public_url = \"{other}\"")), "{other}");
        let named = format!("public_url = \"{other}\"\ntrusted_proxies = [\"127.0.0.1\"]");
        assert!(is_taken(&named), "{other}");
    }
}
