//! What the configuration means to the parts of Seawall: the one place where keys become settings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use media::{HostSettings, JailRequirement, Limits, WorkerCommand};

use moderation::actions::backoff::Backoff;
use moderation::actions::probe::ProbeSettings;
use moderation::actions::rechecks::{HowRechecked, RecheckSettings};
use moderation::actions::webhook::WebhookSettings;
use moderation::matching::MatchSettings;
use moderation::{DeskSettings, Settings};
use web::fetch::HostPattern;
use web::{HmaAccess, HmaSettings, HmaSignalType, MetricsAccess, RateLimit, WebLimits, WebSettings};

use super::sections::{Config, check_secret};
use super::{ConfigError, Secret, video};

/// So many of the largest videos have room among the temporary files.
const UPLOADS_AT_ONCE: u64 = 4;

/// The address of the store; the default one if the configuration names none. May hold a password.
pub fn store_url(config: &Config, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Secret {
    match &config.store.url {
        Some(url) => url.clone(),
        None => Secret::new(format!(
            "sqlite://{}",
            default_data_dir(environment).join("seawall.db").display()
        )),
    }
}

/// The folder of the index: where the configuration says, or beside an embedded store, or where users keep their data.
pub fn index_folder(
    config: &Config,
    url: &Secret,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> PathBuf {
    match (&config.store.index_dir, store_file(url)) {
        (Some(folder), _) => folder.clone(),
        (None, Some(file)) => file.with_extension("index"),
        (None, None) => default_data_dir(environment).join("seawall.index"),
    }
}

/// The file of an embedded store; none for a server.
pub fn store_file(url: &Secret) -> Option<PathBuf> {
    let rest = url.reveal().strip_prefix("sqlite:")?;
    let path = rest
        .strip_prefix("//")
        .unwrap_or(rest)
        .split('?')
        .next()
        .unwrap_or_default();
    Some(PathBuf::from(path))
}

/// Where data are kept for a user who did not say where: the place that the XDG base directory specification names.
fn default_data_dir(environment: impl IntoIterator<Item = (OsString, OsString)>) -> PathBuf {
    let (mut data_home, mut home) = (None, None);
    for (name, value) in environment {
        let path = PathBuf::from(value);
        match name.to_str() {
            Some("XDG_DATA_HOME") if path.is_absolute() => data_home = Some(path),
            Some("HOME") if path.is_absolute() && path != Path::new("/") => home = Some(path),
            _ => {}
        }
    }
    match data_home.or(home.map(|home| home.join(".local/share"))) {
        Some(shared) => shared.join("seawall"),
        None => PathBuf::from(".seawall"),
    }
}

/// How the media host runs its workers.
pub fn media_host(config: &Config, worker: WorkerCommand, allow_weak_jail: bool) -> HostSettings {
    let media = &config.media;
    let mut settings = HostSettings::new(worker);
    if media.workers > 0 {
        settings.workers = media.workers;
    }
    settings.jobs_per_worker = media.files_per_worker;
    settings.limits = Limits {
        bytes_max: media.bytes_max,
        pixels_max: media.pixels_max,
        side_max: media.side_max,
        frames_max: media.frames_max,
        time_ms_max: media.time_ms_max,
        memory_bytes_max: media.memory_bytes_max,
        queue_max: media.queue_max,
        ..Limits::default()
    };
    if media.allow_weak_jail || allow_weak_jail {
        settings.jail = JailRequirement::BestEffort;
    }
    settings
}

/// What flows go by.
pub fn flows(config: &Config) -> Result<Settings, ConfigError> {
    let (webhook, matching) = (&config.webhook, &config.matching);
    // The check of the configuration asks for a secret where there is an address.
    let webhook = match (&webhook.url, webhook_secret(config)?) {
        (Some(url), Some(secret)) => Some(WebhookSettings {
            url: url.clone(),
            secret: secret.reveal().to_owned(),
            timeout: Duration::from_millis(webhook.timeout_ms),
            backoff: Backoff {
                first: Duration::from_millis(webhook.backoff_first_ms),
                max: Duration::from_millis(webhook.backoff_max_ms),
                give_up_after: Duration::from_secs(webhook.give_up_after_s),
            },
        }),
        (Some(_) | None, _) => None,
    };
    Ok(Settings {
        webhook,
        provider: config.oidc.settings()?,
        matching: MatchSettings {
            match_distance_bits: matching.match_distance_bits,
            lead_distance_bits: matching.lead_distance_bits,
            quality_min: matching.quality_min,
            matches_max: matching.matches_max,
            benign_sample: matching.benign_sample,
        },
        media_per_item_max: matching.media_per_item_max,
        recordings: video::recordings(config),
        care: config.care.settings(),
        streams: video::streams(config),
        desk: DeskSettings {
            undo: Duration::from_secs(config.desk.undo_seconds),
            delay_policies: config.desk.delayed()?,
            delay_max: Duration::from_secs(config.desk.delay_max_s),
            run: Duration::from_secs(u64::from(config.desk.run_hours) * 3_600),
            second_opinions: f64::from(config.desk.second_opinions_percent) / 100.0,
        },
        measures: config.measures.settings()?,
        mail: config.mail.settings(public_url(config))?,
        rechecks: rechecks(config),
        strikes: config.strikes.settings(),
        routing: config.routing.settings()?,
        two_person: config.two_person.settings()?,
    })
}

/// How it is found out whether what the platform confirmed is so.
fn rechecks(config: &Config) -> RecheckSettings {
    let webhook = &config.webhook;
    let how = match (&webhook.probe_url, webhook.recheck_ask) {
        (Some(url), _) => HowRechecked::Probe(ProbeSettings {
            url: url.clone(),
            timeout: Duration::from_millis(webhook.timeout_ms),
            allow_private: webhook.probe_private,
        }),
        (None, true) => HowRechecked::Ask,
        (None, false) => HowRechecked::Not,
    };
    let after = webhook.recheck_after_s.iter().copied().map(Duration::from_secs);
    RecheckSettings {
        how,
        after: after.collect(),
    }
}

/// What the HTTP side goes by.
pub fn web(config: &Config) -> Result<WebSettings, ConfigError> {
    let http = &config.http;
    let mut settings = WebSettings::new(public_url(config));
    settings.trusted_proxies = http.trusted_proxies.clone();
    settings.time_zone = config.console.zone()?;
    if http.metrics_for_everyone {
        settings.metrics = MetricsAccess::Everyone;
    }
    settings.limits = WebLimits {
        connections_max: http.connections_max,
        connections_per_address_max: http.connections_per_address_max,
        body_bytes_max: http.body_bytes_max,
        bodies_bytes_max: http.bodies_bytes_max,
        upload_bytes_max: usize::try_from(config.video.bytes_max).unwrap_or(usize::MAX),
        uploads_bytes_max: usize::try_from(config.video.bytes_max.saturating_mul(UPLOADS_AT_ONCE))
            .unwrap_or(usize::MAX),
        requests_at_once_max: http.requests_at_once_max,
        rate_per_key: RateLimit {
            per_second: http.key_calls_per_second,
            burst: http.key_calls_burst,
        },
        rate_per_address: RateLimit {
            per_second: http.address_calls_per_second,
            burst: http.address_calls_burst,
        },
        drain_time_max: Duration::from_secs(http.drain_s),
        ..WebLimits::default()
    };
    for host in &config.fetch.hosts {
        let parsed: Result<HostPattern, _> = host.parse();
        let pattern = parsed.map_err(|error| ConfigError::Senseless {
            key: "fetch.hosts",
            what: error.to_string(),
        })?;
        settings.fetch.hosts.push(pattern);
    }
    settings.fetch.bytes_max = config.media.bytes_max;
    if config.hma.enabled {
        settings.hma = Some(hma(config)?);
    }
    Ok(settings)
}

/// What the paths of HMA go by.
fn hma(config: &Config) -> Result<HmaSettings, ConfigError> {
    let mut settings = HmaSettings::new();
    if config.hma.open_access {
        settings.access = HmaAccess::OpenOnLoopback;
    }
    settings.signal_types.clear();
    for name in &config.hma.signal_types {
        let parsed: Result<HmaSignalType, _> = name.parse();
        let signal_type = parsed.map_err(|error| ConfigError::Senseless {
            key: "hma.signal_types",
            what: error.to_string(),
        })?;
        if !settings.signal_types.contains(&signal_type) {
            settings.signal_types.push(signal_type);
        }
    }
    Ok(settings)
}

/// The secret that actions are signed with, from its file if it is kept there.
pub fn webhook_secret(config: &Config) -> Result<Option<Secret>, ConfigError> {
    let key = "webhook.secret_file";
    match (&config.webhook.secret, &config.webhook.secret_file) {
        (Some(secret), _) => Ok(Some(secret.clone())),
        (None, None) => Ok(None),
        (None, Some(path)) => {
            let read = std::fs::read_to_string(path);
            let text = read.map_err(|source| ConfigError::SecretFile {
                key,
                path: path.clone(),
                source,
            })?;
            let secret = Secret::new(text.trim());
            check_secret(&secret, key)?;
            Ok(Some(secret))
        }
    }
}

/// How Seawall is reached from outside, without a slash at the end.
pub fn public_url(config: &Config) -> String {
    match &config.http.public_url {
        Some(url) => url.clone(),
        None => format!("http://{}", config.http.listen),
    }
}
