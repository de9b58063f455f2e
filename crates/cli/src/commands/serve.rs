//! `seawall serve`: the server. Opens the store, starts the jail, delivers actions, follows the banks, serves HTTP.

use std::path::Path;

use anyhow::{Context, bail};
use media::{MediaHost, WorkerCommand};
use moderation::flows::{access, actions, follow, hma, hunts, mail, streams, upkeep};
use moderation::{Parts, Seawall};
use tokio::net::TcpListener;
use tokio::sync::watch;
use web::WebSettings;

use super::{app, log, stop};
use crate::args::Serve;
use crate::config::sections::Webhook;
use crate::config::{Config, Secret, settings};
use crate::exit::{BadUsage, Exit};
use crate::offline::hasher::explain;
use crate::output;

/// Serves until it is told to stop.
pub async fn run(args: Serve, config_file: Option<&Path>) -> anyhow::Result<Exit> {
    let mut loaded = app::load_config(config_file)?;
    if let Some(listen) = args.listen {
        loaded.config.http.listen = listen;
    }
    // Held until the end: dropping it deletes the folder.
    let dev_folder = match args.hma_dev {
        true => Some(make_dev(&mut loaded.config)?),
        false => None,
    };
    // What was asked for here goes before the file, and has to make sense with it.
    loaded.config.check()?;
    log::start(&loaded.config.log)?;

    // The port first: it is the likeliest thing to be wrong, and a second server must not touch the store of the first.
    let listener = bind(loaded.config.http.listen).await?;
    // With port 0 the system has chosen one only now.
    let address = listener.local_addr().context("cannot tell where it listens")?;
    loaded.config.http.listen = address;
    let config = &loaded.config;
    let mut web_settings = settings::web(config)?;
    if let (true, Some(hma)) = (args.hma_dev, &mut web_settings.hma) {
        hma.is_dev = true;
        web_settings.fetch.allow_unlisted_loopback = true;
    }
    let url = app::store_url(&loaded);
    let stopped = stop::on_signal()?;
    let store = app::open_store(&url).await?;
    let worker = WorkerCommand::this_executable().context("cannot find the program that is running")?;
    let media = MediaHost::start(settings::media_host(config, worker, args.jail.allow_weak_jail))
        .await
        .map_err(explain)?;
    let index_folder = app::index_folder(&loaded);
    app::make_private_folder(Some(&index_folder))?;
    let parts = Parts {
        av: app::av_host(config, args.jail.allow_weak_jail).await?,
        index_folder: Some(index_folder),
        ..app::parts(config, store, media)?
    };
    let app = Seawall::open(parts)
        .await
        .context("cannot start; `[store] index_dir` names another folder for the index")?;

    let file = loaded
        .file
        .as_ref()
        .map_or("none".to_owned(), |file| file.display().to_string());
    tracing::info!(config = file, variables = ?loaded.variables, store = app::shown_url(&url), "seawall {} starts", env!("CARGO_PKG_VERSION"));
    if args.hma_dev {
        output::talk(&format!(
            "\n  HMA's development mode: no keys, and everything is forgotten at the end. The base URL is\n\n    {}\n",
            web_settings.public_url
        ));
    } else {
        invite_the_first(&app, &web_settings).await?;
    }
    tracing::info!("listening on http://{address}, reached as {}", web_settings.public_url);

    serve_until(&app, web_settings, listener, stopped).await?;
    app::close(app).await;
    drop(dev_folder);
    tracing::info!("stopped");
    Ok(Exit::Success)
}

/// The most matches of one file in development mode: HMA tells all there are.
const DEV_MATCHES_MAX: usize = 10_000;

/// Turns a configuration into that of HMA's development mode, and makes the folder that it keeps everything in.
fn make_dev(config: &mut Config) -> anyhow::Result<tempfile::TempDir> {
    let address = config.http.listen;
    if !address.ip().is_loopback() {
        let what = format!(
            "{address}: HMA's development mode lets everyone do everything, so it listens on this machine alone"
        );
        return Err(BadUsage(what).into());
    }
    let folder = tempfile::Builder::new()
        .prefix("seawall-hma-dev-")
        .tempdir()
        .context("cannot make a folder for the data")?;
    let file = folder.path().join("seawall.db");
    config.store.url = Some(Secret::new(format!("sqlite://{}", file.display())));
    config.store.index_dir = None;
    config.webhook = Webhook::default();
    config.http.public_url = None;
    config.hma.enabled = true;
    config.hma.open_access = true;
    config.matching.matches_max = config.matching.matches_max.max(DEV_MATCHES_MAX);
    Ok(folder)
}

/// Listens, or says what to do.
pub async fn bind(address: std::net::SocketAddr) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            bail!("another program listens on {address}; --listen takes another address, and port 0 any free port")
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on {address}")),
    }
}

/// On the first start, prints the link that lets the administrator choose a password. It goes to standard error as plain text, never into a
/// line of the log.
async fn invite_the_first(app: &Seawall, settings: &WebSettings) -> anyhow::Result<()> {
    let Some(invite) = access::first_invite(app)
        .await
        .context("cannot invite the first user")?
    else {
        return Ok(());
    };
    output::talk(&format!(
        "\n  Nobody has signed in yet. Open this link once, until {}, to choose a password for `{}`:\n\n    {}{}\n",
        invite.expires_at,
        invite.name,
        settings.public_url,
        app::invite_path(&invite.token)
    ));
    Ok(())
}

/// Serves HTTP, delivers actions and follows the banks until `stopped` says so; then lets them finish.
pub async fn serve_until(
    app: &Seawall,
    settings: WebSettings,
    listener: TcpListener,
    stopped: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let (end, ended) = watch::channel(false);
    let mut deliverer = tokio::spawn(actions::run_worker(app.clone(), ended.clone()));
    let mut follower = tokio::spawn(follow::run_follower(app.clone(), ended.clone()));
    let mailer = tokio::spawn(mail::run_mailer(app.clone(), ended.clone()));
    let waker = tokio::spawn(hma::run_waker(app.clone(), ended.clone()));
    let hunter = tokio::spawn(hunts::run_hunter(app.clone(), ended.clone()));
    let keeper = tokio::spawn(streams::run_keeper(app.clone(), ended.clone()));
    let upkeep = tokio::spawn(upkeep::run_upkeep(app.clone(), ended));
    // A server that answers but delivers nothing, or matches against yesterday's banks, would be worse than none.
    let served = tokio::select! {
        served = web::serve(app.clone(), settings, listener, stopped) => served,
        // Without an address to deliver to, it has nothing to do and ends at once.
        ended = &mut deliverer, if app.webhook.is_some() => bail!("the delivery of actions ended by itself: {ended:?}"),
        ended = &mut follower => bail!("following the banks ended by itself: {ended:?}"),
    };
    // All hold a receiver until they end.
    let _ = end.send(true);
    deliverer.await.context("the delivery of actions failed")?;
    follower.await.context("following the banks failed")?;
    mailer.await.context("the mail to people failed")?;
    waker.await.context("enabling what was disabled for a while failed")?;
    hunter.await.context("the search for entries of incidents failed")?;
    keeper.await.context("the keeper of streams failed")?;
    upkeep.await.context("the upkeep failed")?;
    served.context("cannot serve")
}
