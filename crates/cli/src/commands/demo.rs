//! `seawall demo`: a server with a story in it, a platform that obeys it, and one click to come in.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use media::{HostSettings, JailRequirement, MediaHost, WorkerCommand};
use moderation::access::secrets;
use moderation::actions::backoff::Backoff;
use moderation::actions::webhook::WebhookSettings;
use moderation::model::{Actor, Chance};
use moderation::views;
use moderation::{Parts, Seawall, Settings};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use web::WebSettings;

use super::{app, log, serve, stop};
use crate::args;
use crate::config::sections::Log;
use crate::config::{Config, Secret};
use crate::demo::clock::LaggingClock;
use crate::demo::door::Door;
use crate::demo::platform::{self, Behaviour, ORDERS_PATH, Platform};
use crate::demo::seed::{self, VISITOR, Visitor};
use crate::demo::story;
use crate::exit::{BadUsage, Exit};
use crate::offline::hasher::explain;
use crate::offline::target;
use crate::output;

/// Beside the store: what a visitor needs when the same data are shown again.
const KEPT_FILE: &str = "demo.json";

/// Where the platform's stand-in is usually found.
const PLATFORM_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8411);

/// One order in so many is failed at first, so that retrying shows.
const FAIL_EVERY: u32 = 4;

/// How patient the demonstration is: impatient, so that something is seen to happen.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_secs(2),
    max: Duration::from_secs(60),
    give_up_after: Duration::from_secs(2 * 3600),
};

/// Where to look, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Where<'a> {
    console: &'a str,
    sign_in: &'a str,
    name: &'a str,
    password: &'a str,
    code: &'a str,
    platform: &'a str,
    api_key: &'a str,
}

/// Shows the demonstration until it is told to stop.
pub async fn run(args: args::Demo) -> anyhow::Result<Exit> {
    for address in std::iter::once(args.listen).chain(args.platform_listen) {
        if !address.ip().is_loopback() {
            let what = format!(
                "{address}: the demonstration lets everyone in who has its link, so it listens on this machine alone"
            );
            return Err(BadUsage(what).into());
        }
    }
    log::start(&Log {
        level: "warn".to_owned(),
        ..Log::default()
    })?;
    let listener = serve::bind(args.listen).await?;
    let platform_listener = listen_for_platform(args.platform_listen).await?;
    let console_url = format!("http://{}", listener.local_addr()?);
    let platform_url = format!("http://{}", platform_listener.local_addr()?);
    let stopped = stop::on_signal()?;

    // Held until the end: dropping it deletes the folder.
    let temporary = match args.data {
        Some(_) => None,
        None => Some(
            tempfile::Builder::new()
                .prefix("seawall-demo-")
                .tempdir()
                .context("cannot make a folder for the data")?,
        ),
    };
    let folder = match (&args.data, &temporary) {
        (Some(folder), _) => folder.clone(),
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => unreachable!("the folder is either named or made"),
    };
    let clock = Arc::new(LaggingClock::default());
    let chance = Arc::new(Chance::from_system().context("the system gives no randomness")?);
    // Only this process and its own stand-in know it.
    let webhook_secret = secrets::fresh_token(&chance);
    let platform = Platform::new(webhook_secret.clone(), clock.clone(), behaviour());
    let app = open(&folder, args.jail, clock.clone(), chance, &platform_url, webhook_secret).await?;

    let door = Door::new(app.clone(), console_url.clone());
    let (end, ended) = watch::channel(false);
    // The stand-in has to answer while the story is told.
    let router = platform.router().merge(door.router());
    let standing_in = tokio::spawn(platform::serve(router, platform_listener, async move {
        let mut ended = ended;
        // An error means that the sender is gone, which is an end too.
        let _ = ended.wait_for(|end| *end).await;
    }));

    let served = match visitor(&app, &clock, &folder, stopped.clone()).await? {
        Some(visitor) => {
            door.open_for(visitor.clone());
            say_where(&args, &door, &visitor, &console_url, &platform_url)?;
            serve::serve_until(&app, WebSettings::new(console_url), listener, stopped).await
        }
        // Told to stop before the story was told.
        None => Ok(()),
    };
    let _ = end.send(true);
    standing_in.await.context("the platform's stand-in failed")??;
    app::close(app).await;
    served.map(|()| Exit::Success)
}

/// Listens where the platform's stand-in shall be found; anywhere, if the usual place is taken.
async fn listen_for_platform(named: Option<SocketAddr>) -> anyhow::Result<TcpListener> {
    match named {
        Some(address) => serve::bind(address).await,
        None => match TcpListener::bind(PLATFORM_ADDRESS).await {
            Ok(listener) => Ok(listener),
            Err(_) => serve::bind(SocketAddr::new(PLATFORM_ADDRESS.ip(), 0)).await,
        },
    }
}

fn behaviour() -> Behaviour {
    let set = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<HashSet<String>>();
    Behaviour {
        fail_every: FAIL_EVERY,
        refused: set(&[story::REFUSED]),
        gone: set(&[story::GONE]),
        failing: set(&story::FAILING),
        restricted_before: set(&[story::RESTRICTED_BEFORE]),
    }
}

async fn open(
    folder: &Path,
    jail: args::Jail,
    clock: Arc<LaggingClock>,
    chance: Arc<Chance>,
    platform_url: &str,
    webhook_secret: String,
) -> anyhow::Result<Seawall> {
    app::make_private_folder(Some(folder))?;
    let url = Secret::new(format!("sqlite://{}", folder.join("seawall.db").display()));
    let store = app::open_store(&url).await?;
    let worker = WorkerCommand::this_executable().context("cannot find the program that is running")?;
    let mut host = HostSettings::new(worker);
    if jail.allow_weak_jail {
        host.jail = JailRequirement::BestEffort;
    }
    let media = MediaHost::start(host).await.map_err(explain)?;
    let webhook = WebhookSettings {
        url: format!("{platform_url}{ORDERS_PATH}"),
        secret: webhook_secret,
        timeout: Duration::from_secs(5),
        backoff: BACKOFF,
    };
    let settings = Settings {
        webhook: Some(webhook),
        ..Settings::default()
    };
    Ok(Seawall::open(Parts {
        store,
        clock,
        chance,
        media: Arc::new(media),
        av: app::av_host(&Config::default(), jail.allow_weak_jail).await?,
        settings,
        index_folder: Some(folder.join("seawall.index")),
    })
    .await?)
}

/// The visitor of an earlier demonstration with the same data, or of a story told now. `None` if it was told to stop meanwhile.
async fn visitor(
    app: &Seawall,
    clock: &LaggingClock,
    folder: &Path,
    mut stopped: watch::Receiver<bool>,
) -> anyhow::Result<Option<Visitor>> {
    let kept = folder.join(KEPT_FILE);
    match std::fs::read(&kept) {
        Ok(text) => {
            let visitor = serde_json::from_slice(&text).with_context(|| format!("`{}` is damaged", kept.display()))?;
            return Ok(Some(visitor));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", kept.display())),
    }
    if !views::list_users(app, &Actor::Operator).await?.is_empty() {
        bail!(
            "`{}` holds a store that is no finished demonstration; name another folder, or delete this one if it is left of one that was interrupted",
            folder.display()
        );
    }
    let bar = ProgressBar::with_draw_target(Some(100), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("Making up some data {bar:30} {percent} %") {
        bar.set_style(style);
    }
    let seeded = tokio::select! {
        seeded = seed::seed(app, clock, |percent| bar.set_position(percent as u64)) => seeded?,
        _ = stopped.wait_for(|stop| *stop) => return Ok(None),
    };
    bar.finish_and_clear();
    for surprise in &seeded.surprises {
        tracing::warn!("the demonstration's story went otherwise: {surprise}");
    }
    target::write(&kept, false, |writer| {
        Ok(writer.write_all(&serde_json::to_vec(&seeded.visitor)?)?)
    })?;
    Ok(Some(seeded.visitor))
}

fn say_where(args: &args::Demo, door: &Door, visitor: &Visitor, console: &str, platform: &str) -> anyhow::Result<()> {
    let sign_in = format!("{platform}{}", door.sign_in_path());
    let code = format!("{platform}{}", door.code_path());
    let Visitor {
        password,
        api_key,
        totp_secret: _,
    } = visitor;
    if args.json {
        let (sign_in, code) = (sign_in.as_str(), code.as_str());
        return output::json(&Where {
            console,
            sign_in,
            name: VISITOR,
            password,
            code,
            platform,
            api_key,
        });
    }
    let data = match &args.data {
        Some(folder) => format!("The data stay in {}.", folder.display()),
        None => "The data are gone then; --data DIR keeps them.".to_owned(),
    };
    output::line(&format!(
        "
  Seawall is ready, with made-up data.

    Sign in     {sign_in}
                one click, for this demonstration only
    Console     {console}
                name {VISITOR}, password {password},
                one-time code from {code}
    Platform    {platform}
                a stand-in that receives the orders and obeys
    API         curl -H 'Authorization: Bearer {api_key}' {console}/api/v1/items
                described at {console}/api/docs

  Ctrl-C ends it. {data}
"
    ))
}
