//! `seawall doctor`: is everything as it should be, and what is to be done where it is not?
//!
//! Each check is a function that looks at one thing and says what it saw. Nothing is made; the tables of a store that is there are
//! brought up to date, as `serve` would.

mod mail;
mod provider;

use std::path::{Path, PathBuf};

use anyhow::Context;
use bytes::Bytes;
use image::{ExtendedColorType, ImageEncoder};
use media::av::{AvHost, INSTALL_HINT};
use media::{JailRequirement, MediaHost, Want, WorkerCommand, jail};
use moderation::model::{Clock, SystemClock, Timestamp};
use serde::Serialize;
use signal::pdq;

use super::{app, conformance};
use crate::args::Doctor;
use crate::config::{Loaded, Secret, settings, video};
use crate::exit::{BadUsage, Exit};
use crate::output;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// As it should be.
    Ok,
    /// Works, but worth a look.
    Warning,
    /// Wrong: the exit code is 1.
    Wrong,
}

/// What a check saw.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    check: String,
    status: Status,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

pub(super) fn ok(check: &str, detail: impl Into<String>) -> Finding {
    Finding {
        check: check.to_owned(),
        status: Status::Ok,
        detail: detail.into(),
        advice: None,
    }
}

pub(super) fn warning(check: &str, detail: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding {
        check: check.to_owned(),
        status: Status::Warning,
        detail: detail.into(),
        advice: Some(advice.into()),
    }
}

pub(super) fn wrong(check: &str, detail: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding {
        check: check.to_owned(),
        status: Status::Wrong,
        detail: detail.into(),
        advice: Some(advice.into()),
    }
}

/// Checks everything; [`Exit::Failure`] if something is wrong.
pub async fn run(args: Doctor, config_file: Option<&Path>) -> anyhow::Result<Exit> {
    if let Some(url) = &args.webhook {
        let secret = receiver_secret(&args, config_file)?;
        let findings = conformance::run(url, secret.reveal()).await?;
        return report(&findings, args.json);
    }
    let mut findings = Vec::new();
    match app::load_config(config_file) {
        Ok(loaded) => {
            findings.push(check_config(&loaded));
            findings.extend(check_clock(SystemClock.now()));
            findings.extend(check_store(&loaded).await);
            findings.extend(check_jail(loaded.config.media.allow_weak_jail));
            findings.push(check_decoder(&loaded).await);
            findings.push(check_av_worker(&loaded).await);
            findings.extend(check_http(&loaded).await);
            findings.extend(check_webhook(&loaded));
            findings.extend(mail::check(&loaded).await);
            findings.extend(provider::check(&loaded).await);
        }
        Err(error) => {
            findings.push(wrong(
                "config",
                format!("{error:#}"),
                "correct the file or the variable; docs/seawall.sample.toml names every key",
            ));
            findings.extend(check_clock(SystemClock.now()));
            findings.extend(check_jail(false));
        }
    }
    report(&findings, args.json)
}

/// The secret that a receiver is tried with: of the file that was named, or of the configuration.
fn receiver_secret(args: &Doctor, config_file: Option<&Path>) -> anyhow::Result<Secret> {
    if let Some(path) = &args.webhook_secret_file {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        return Ok(Secret::new(text.trim()));
    }
    let loaded = app::load_config(config_file)?;
    let secret = settings::webhook_secret(&loaded.config)?;
    let missing =
        || BadUsage("name the secret: --webhook-secret-file, or webhook.secret_file of the configuration".to_owned());
    secret.ok_or_else(|| missing().into())
}

/// Prints the findings; [`Exit::Failure`] if something is wrong.
fn report(findings: &[Finding], as_json: bool) -> anyhow::Result<Exit> {
    for finding in findings {
        if as_json {
            output::json(finding)?;
        } else {
            print_text(finding)?;
        }
    }
    let n_wrong = findings
        .iter()
        .filter(|finding| finding.status == Status::Wrong)
        .count();
    if !as_json {
        output::talk(&if n_wrong == 0 {
            "nothing is wrong".to_owned()
        } else {
            format!("{n_wrong} things are wrong")
        });
    }
    Ok(if n_wrong == 0 { Exit::Success } else { Exit::Failure })
}

fn print_text(finding: &Finding) -> anyhow::Result<()> {
    let word = match finding.status {
        Status::Ok => "ok     ",
        Status::Warning => "warning",
        Status::Wrong => "WRONG  ",
    };
    output::line(&format!(
        "{word}  {}: {}",
        finding.check,
        output::printable(&finding.detail)
    ))?;
    match &finding.advice {
        Some(advice) => output::line(&format!("         do: {}", output::printable(advice))),
        None => Ok(()),
    }
}

/// Whether videos and sounds can be decoded, in a jail.
async fn check_av_worker(loaded: &Loaded) -> Finding {
    let check = "videos";
    let worker = match video::worker(&loaded.config) {
        Ok(worker) => worker,
        Err(error) => {
            let detail = format!(
                "there is no {}: videos and sounds are unscanned",
                error.program.display()
            );
            return warning(check, detail, INSTALL_HINT);
        }
    };
    let program = worker.program.display().to_string();
    let tried = match AvHost::new(video::host(&loaded.config, worker, false)) {
        Ok(host) => host.try_worker().await,
        Err(error) => Err(error),
    };
    match tried {
        Ok(missing) if missing.is_empty() => ok(check, format!("{program} starts and is locked in")),
        Ok(missing) => {
            let missing: Vec<&str> = missing.iter().map(|part| part.name()).collect();
            warning(
                check,
                format!("{program} starts; its jail lacks {}", missing.join(", ")),
                "a newer kernel, or a container that allows what is missing",
            )
        }
        Err(error) => wrong(
            check,
            format!("{program}: {error}"),
            "build it anew from the same source as `seawall`, with `cargo build --release -p av`",
        ),
    }
}

fn check_config(loaded: &Loaded) -> Finding {
    let file = match &loaded.file {
        Some(file) => format!("read {}", file.display()),
        None => "no file: the defaults hold".to_owned(),
    };
    let variables = match loaded.variables.as_slice() {
        [] => String::new(),
        names => format!("; before it go {}", names.join(", ")),
    };
    ok("config", file + &variables)
}

/// When this was written. A clock before it is wrong.
const KNOWN_PAST: Timestamp = Timestamp::from_unix_ms(1_790_000_000_000);
/// A clock after this is wrong: 2100-01-01.
const KNOWN_FUTURE: Timestamp = Timestamp::from_unix_ms(4_102_444_800_000);

fn check_clock(now: Timestamp) -> Option<Finding> {
    let sane = KNOWN_PAST < now && now < KNOWN_FUTURE;
    if sane {
        return Some(ok("clock", format!("it is {now}")));
    }
    let advice = "set the machine's clock (chrony or systemd-timesyncd): signatures, one-time codes and the event log carry its time";
    Some(wrong("clock", format!("it is said to be {now}"), advice))
}

/// Below this much free space, SQLite may soon be unable to write.
const FREE_BYTES_MIN: u64 = 1 << 30;

async fn check_store(loaded: &Loaded) -> Vec<Finding> {
    let url = app::store_url(loaded);
    let shown = app::shown_url(&url);
    let mut findings = Vec::new();
    if let Some(file) = settings::store_file(&url).filter(|file| !file.exists()) {
        // Not made here: it would belong to whoever asks the doctor, who may not be who serves.
        findings.push(check_place(&file));
        findings.extend(check_space(&file));
        return findings;
    }
    match app::open_store(&url).await {
        Ok(store) => {
            // A transaction takes the write lock of an embedded store, which fails on a file or folder that is read-only.
            let begun = store.begin("doctor").await.map(drop);
            findings.push(match begun {
                Ok(()) => ok("store", format!("{shown} opens, its tables are up to date, and it can be written")),
                Err(error) => wrong(
                    "store",
                    format!("{shown} opens but cannot be written: {:#}", anyhow::Error::new(error)),
                    "let the user that runs Seawall write the file and its folder, and see that no other program holds the file",
                ),
            });
            store.close().await;
        }
        Err(error) => {
            let advice =
                "check store.url, that the folder or server is there, and that the user that runs Seawall may use it";
            findings.push(wrong("store", format!("{error:#}"), advice));
        }
    }
    if let Some(file) = settings::store_file(&url) {
        findings.extend(check_space(&file));
        findings.extend(check_permissions(&file));
    }
    findings
}

/// The folder that a file is in, or the nearest above that exists.
fn existing_folder(file: &Path) -> PathBuf {
    let above = file.ancestors().skip(1).find(|folder| folder.is_dir());
    above.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Whether a store that is not there yet can be made.
fn check_place(file: &Path) -> Finding {
    use nix::unistd::AccessFlags;
    let folder = existing_folder(file);
    match nix::unistd::access(&folder, AccessFlags::W_OK | AccessFlags::X_OK) {
        Ok(()) => ok(
            "store",
            format!("{} does not exist yet; `serve` makes it", file.display()),
        ),
        Err(error) => wrong(
            "store",
            format!(
                "{} does not exist, and cannot be made in {}: {error}",
                file.display(),
                folder.display()
            ),
            "let the user that runs Seawall write that folder, or set store.url",
        ),
    }
}

fn check_space(file: &Path) -> Option<Finding> {
    let folder = existing_folder(file);
    let stat = nix::sys::statvfs::statvfs(&folder).ok()?;
    let free = stat.blocks_available().saturating_mul(stat.fragment_size());
    let detail = format!("{} MiB free for {}", free >> 20, file.display());
    Some(match free >= FREE_BYTES_MIN {
        true => ok("disk", detail),
        false => warning(
            "disk",
            detail,
            "free some space, or move the store: a full disk stops every submission",
        ),
    })
}

/// Others on the machine must not read what was posted and who decided.
fn check_permissions(file: &Path) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| {
        std::fs::metadata(path)
            .map(|metadata| metadata.permissions().mode())
            .ok()
    };
    let (of_file, of_folder) = (mode(file)?, mode(file.parent()?).unwrap_or(0));
    let open = of_file & 0o004 != 0 && of_folder & 0o001 != 0;
    open.then(|| {
        let detail = format!("every user of this machine can read {}", file.display());
        warning("store permissions", detail, format!("chmod o-rwx {}", file.display()))
    })
}

fn check_jail(weak_is_allowed: bool) -> Vec<Finding> {
    let report = jail::probe();
    let checks = report.checks.iter().cloned();
    checks
        .map(|check| {
            let name = format!("jail {}", check.part.name());
            let advice = check.advice.unwrap_or("use a kernel that has it");
            match (check.works, weak_is_allowed || report.covers(check.part)) {
                (true, _) => ok(&name, check.detail),
                (false, true) => warning(&name, check.detail, advice),
                (false, false) => wrong(
                    &name,
                    check.detail,
                    format!("{advice}; `serve` does not start without it, unless media.allow_weak_jail says so"),
                ),
            }
        })
        .collect()
}

/// Decodes a picture in a worker and compares the hash with that of the pixels.
async fn check_decoder(loaded: &Loaded) -> Finding {
    let failed = |detail: String| {
        wrong(
            "decoder",
            detail,
            "see the findings about the jail; if they are well, this is a fault of Seawall: please report it",
        )
    };
    let picture = crate::demo::pictures::draw(1).image;
    let (width, height) = picture.dimensions();
    let mut file = Vec::new();
    if let Err(error) =
        image::codecs::png::PngEncoder::new(&mut file).write_image(&picture, width, height, ExtendedColorType::Rgb8)
    {
        return failed(format!("cannot make the picture to try: {error}"));
    }
    let expected = match pdq::RgbImage::new(width, height, picture.as_raw()) {
        Ok(pixels) => pdq::hash_rgb(pixels),
        Err(error) => return failed(format!("cannot hash the picture to try: {error}")),
    };
    let worker = match WorkerCommand::this_executable() {
        Ok(worker) => worker,
        Err(error) => return failed(format!("cannot find the program that is running: {error}")),
    };
    let mut host_settings = settings::media_host(&loaded.config, worker, false);
    (host_settings.workers, host_settings.jail) = (1, JailRequirement::BestEffort);
    let host = match MediaHost::start(host_settings).await {
        Ok(host) => host,
        Err(error) => return failed(format!("{:#}", anyhow::Error::new(error))),
    };
    let scanned = host.scan(Bytes::from(file), Want::SignalsAndPreviews).await;
    host.shutdown().await;
    match scanned {
        Ok(scan) if scan.frames.first().map(|frame| frame.pdq) == Some(expected) => {
            ok("decoder", "a worker decoded a picture and hashed it as it should")
        }
        Ok(_) => failed("a worker decoded a picture but hashed it wrongly".to_owned()),
        Err(error) => failed(format!("a worker could not decode a picture: {error}")),
    }
}

async fn check_http(loaded: &Loaded) -> Vec<Finding> {
    let http = &loaded.config.http;
    let mut findings = Vec::new();
    let public_url = settings::public_url(&loaded.config);
    findings.push(match tokio::net::TcpListener::bind(http.listen).await {
        Ok(_) => ok("listen", format!("{} is free", http.listen)),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => warning(
            "listen",
            format!("{} is in use", http.listen),
            "nothing, if Seawall is running there; else set http.listen",
        ),
        Err(error) => wrong(
            "listen",
            format!("cannot listen on {}: {error}", http.listen),
            "set http.listen to an address of this machine",
        ),
    });
    let plain_to_outside = !http.listen.ip().is_loopback() && !public_url.starts_with("https://");
    if plain_to_outside {
        let detail = format!("{} is reached from other machines, as {public_url}", http.listen);
        findings.push(warning("tls", detail, "put a proxy that speaks TLS in front and set http.public_url to https://…: passwords and posts travel in the clear"));
    }
    if http.body_bytes_max < loaded.config.media.bytes_max {
        let detail = format!(
            "http.body_bytes_max is {}, media.bytes_max {}",
            http.body_bytes_max, loaded.config.media.bytes_max
        );
        findings.push(warning(
            "body size",
            detail,
            "raise http.body_bytes_max, or the largest files cannot be uploaded",
        ));
    }
    findings
}

fn check_webhook(loaded: &Loaded) -> Vec<Finding> {
    let webhook = &loaded.config.webhook;
    let Some(url) = &webhook.url else {
        let advice = "set webhook.url and webhook.secret_file, so that the platform is told of decisions";
        return vec![warning("webhook", "no webhook.url: orders wait in the store", advice)];
    };
    let secret = match settings::webhook_secret(&loaded.config) {
        Ok(secret) => secret,
        Err(error) => {
            return vec![wrong(
                "webhook",
                format!("{:#}", anyhow::Error::new(error)),
                "let the user that runs Seawall read the file",
            )];
        }
    };
    let host = shown_host(url);
    let mut findings = vec![ok("webhook", format!("orders go to {host}, signed"))];
    let plain = url.starts_with("http://")
        && !["127.0.0.1", "localhost", "[::1]"]
            .iter()
            .any(|local| host.starts_with(local));
    if plain {
        findings.push(warning(
            "webhook tls",
            format!("orders go to {host} unencrypted"),
            "use https://, unless the network between is your own",
        ));
    }
    if secret.is_some_and(|secret| secret.reveal().len() < 32) {
        findings.push(warning(
            "webhook secret",
            "the secret has fewer than 32 characters",
            "make one with `openssl rand -hex 32`",
        ));
    }
    findings
}

/// Host and port of an address, without what may be secret around it.
fn shown_host(url: &str) -> String {
    let shown = app::shown_url(&Secret::new(url));
    shown
        .split_once("://")
        .map_or("", |(_, rest)| rest)
        .split('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_stands_at_the_epoch_is_noticed() {
        assert_eq!(check_clock(Timestamp::from_unix_ms(0)).unwrap().status, Status::Wrong);
        assert_eq!(check_clock(KNOWN_FUTURE).unwrap().status, Status::Wrong);
        assert_eq!(
            check_clock(Timestamp::from_unix_ms(1_795_226_786_000)).unwrap().status,
            Status::Ok
        );
    }

    #[test]
    fn an_address_is_shown_by_its_host_alone() {
        assert_eq!(
            shown_host("https://user:hunter2@hooks.example:8443/a?key=hunter2"),
            "hooks.example:8443"
        );
        assert_eq!(shown_host("http://127.0.0.1:1"), "127.0.0.1:1");
    }
}
