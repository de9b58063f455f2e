//! What the commands about a store share: the configuration, the log, and the store opened for a person at a shell.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use media::av::AvHost;
use media::{HostSettings, JailRequirement, MediaHost, WorkerCommand};
use moderation::model::{Chance, SystemClock};
use moderation::store::Store;
use moderation::{Parts, Seawall};

use crate::config::{self, Config, Loaded, Secret, settings, video};
use crate::offline::hasher::explain;

/// Reads the configuration as `--config` and the environment say.
pub fn load_config(named: Option<&Path>) -> anyhow::Result<Loaded> {
    Ok(config::load(named, std::env::vars_os())?)
}

/// The store's address as the configuration says.
pub fn store_url(loaded: &Loaded) -> Secret {
    settings::store_url(&loaded.config, std::env::vars_os())
}

/// The folder of the index as the configuration says.
pub fn index_folder(loaded: &Loaded) -> PathBuf {
    settings::index_folder(&loaded.config, &store_url(loaded), std::env::vars_os())
}

/// Opens the store, and makes the folder of an embedded one if it is missing: readable by its owner alone.
pub async fn open_store(url: &Secret) -> anyhow::Result<Store> {
    if let Some(file) = settings::store_file(url) {
        make_private_folder(file.parent())?;
    }
    let shown = shown_url(url);
    Store::open(url.reveal())
        .await
        .with_context(|| format!("cannot open the store {shown}"))
}

/// The store's address without user, password and parameters.
pub fn shown_url(url: &Secret) -> String {
    if settings::store_file(url).is_some() {
        return url.reveal().split('?').next().unwrap_or_default().to_owned();
    }
    let (scheme, rest) = url.reveal().split_once("://").unwrap_or(("", url.reveal()));
    let rest = rest.split('?').next().unwrap_or_default();
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{host}")
}

/// The console's path of an invitation.
pub fn invite_path(token: &str) -> String {
    format!("/invite/{token}")
}

/// Makes the folder and those above it. What is there is left as it is.
pub fn make_private_folder(folder: Option<&Path>) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    match folder {
        Some(folder) if !folder.as_os_str().is_empty() => {
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
            made.with_context(|| format!("cannot make the folder `{}`", folder.display()))
        }
        Some(_) | None => Ok(()),
    }
}

/// All that flows need, for a command that decodes nothing: one worker, whatever the jail.
pub async fn open_for_upkeep(config_file: Option<&Path>) -> anyhow::Result<(Seawall, Loaded)> {
    let loaded = load_config(config_file)?;
    let store = open_store(&store_url(&loaded)).await?;
    let worker = WorkerCommand::this_executable().context("cannot find the program that is running")?;
    let host = HostSettings {
        workers: 1,
        jail: JailRequirement::BestEffort,
        ..HostSettings::new(worker)
    };
    let media = MediaHost::start(host).await.map_err(explain)?;
    let app = Seawall::open_for_upkeep(parts(&loaded.config, store, media)?)?;
    Ok((app, loaded))
}

/// Joins store and media host with the machine's clock and chance to what flows are made of.
pub fn parts(config: &Config, store: Store, media: MediaHost) -> anyhow::Result<Parts> {
    Ok(Parts {
        store,
        clock: Arc::new(SystemClock),
        chance: Arc::new(Chance::from_system().context("the system gives no randomness")?),
        media: Arc::new(media),
        av: None,
        settings: settings::flows(config)?,
        index_folder: None,
    })
}

/// The host of videos and sounds. None, with the reason in the log, where its program is missing or cannot be locked in: videos are unscanned then.
pub async fn av_host(config: &Config, allow_weak_jail: bool) -> anyhow::Result<Option<AvHost>> {
    let worker = match video::worker(config) {
        Ok(worker) => worker,
        Err(error) => {
            tracing::warn!("{error}; they will be unscanned");
            return Ok(None);
        }
    };
    let host = AvHost::new(video::host(config, worker, allow_weak_jail)).map_err(explain)?;
    match host.try_worker().await {
        Ok(_) => Ok(Some(host)),
        Err(error) => {
            let error = explain(error);
            tracing::warn!("videos and sounds cannot be decoded and will be unscanned: {error:#}");
            Ok(None)
        }
    }
}

/// Ends what [`open_for_upkeep`] began.
pub async fn close(app: Seawall) {
    app.media.shutdown().await;
    app.store.close().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let shown = |url: &str| shown_url(&Secret::new(url));
        assert_eq!(
            shown("postgres://u:p%40ss@db:5432/s?sslmode=require"),
            "postgres://db:5432/s"
        );
        assert_eq!(shown("postgres://db/s"), "postgres://db/s");
        assert_eq!(shown("postgres://u:p@ss@db/s?password=x"), "postgres://db/s");
        assert_eq!(
            shown("sqlite:///var/lib/seawall.db?mode=rwc"),
            "sqlite:///var/lib/seawall.db"
        );
    }
}
