//! With the store: posts are submitted to a whole Seawall as a platform submits them, and each decision is kept before it is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use media::{HostSettings, JailRequirement, MediaHost, WorkerCommand};
use moderation::flows::rules::{self, NewChange};
use moderation::flows::submit::{Submission, check_item, submit_item};
use moderation::model::{
    Actor, Chance, Clock, ItemKind, PlatformFacts, Role, RuleFile, SystemClock, Timestamp, UserId,
};
use moderation::store::Store;
use moderation::{Parts, Seawall, Settings};

use crate::generated::{Post, posts, rules_text};

/// What decides where no other rule does: a set of rules must say.
const NOTHING_ELSE: &str = "rule nothing_else { when: true then: allow reason: \"nothing speaks against it\" owner: \"bench\" review: 2030-01-01 mode: live }\n";
/// Posts that are submitted before anything is counted.
const WARM_UP: usize = 200;

/// Submits posts from so many clients at once, and prints how many a second were decided and kept, and how long one took.
pub async fn measure(n_rules: usize, n_posts: usize, n_clients: usize, store: Option<String>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let address = store.unwrap_or_else(|| format!("sqlite://{}?mode=rwc", folder.path().join("store.db").display()));
    let app = open(&address).await?;
    have_live(&app, rules_text(n_rules)).await?;
    let posts = Arc::new(posts(n_posts + WARM_UP));
    run(&app, &posts, 0..WARM_UP, n_clients, true).await?;
    let checked = run(&app, &posts, WARM_UP..posts.len(), n_clients, false).await?;
    let kept = run(&app, &posts, WARM_UP..posts.len(), n_clients, true).await?;
    println!(
        "inline rules {n_rules} clients {n_clients} {} {}",
        checked.words("check"),
        kept.words("submit")
    );
    Ok(())
}

struct Times {
    all: Vec<Duration>,
    took: Duration,
}

impl Times {
    fn words(&self, name: &str) -> String {
        let at = |share: f64| self.all[((self.all.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        let rate = self.all.len() as f64 / self.took.as_secs_f64();
        format!(
            "{name}_rate {rate:.0} {name}_p50_ms {:.2} {name}_p99_ms {:.2} {name}_max_ms {:.1}",
            at(0.5),
            at(0.99),
            at(1.0)
        )
    }
}

/// Gives each client the next post as soon as it has an answer.
async fn run(
    app: &Seawall,
    posts: &Arc<Vec<Post>>,
    range: std::ops::Range<usize>,
    n_clients: usize,
    is_kept: bool,
) -> Result<Times> {
    let next = Arc::new(AtomicUsize::new(range.start));
    let began = Instant::now();
    let clients = (0..n_clients).map(|_| {
        let (app, posts, next, end) = (app.clone(), posts.clone(), next.clone(), range.end);
        tokio::spawn(async move {
            let mut times = Vec::new();
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= end {
                    return Ok::<_, anyhow::Error>(times);
                }
                let submission = submission(&posts[at])?;
                let began = Instant::now();
                if is_kept {
                    submit_item(&app, &Actor::Operator, submission, None).await?;
                } else {
                    check_item(&app, &Actor::Operator, submission).await?;
                }
                times.push(began.elapsed());
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    let mut all = Vec::new();
    for client in clients {
        all.extend(client.await??);
    }
    let took = began.elapsed();
    all.sort_unstable();
    Ok(Times { all, took })
}

fn submission(post: &Post) -> Result<Submission> {
    let now = SystemClock.now();
    let before = |ms: i64| Timestamp::from_unix_ms(now.unix_ms() - ms);
    let mut platform = PlatformFacts {
        posted_at: Some(before(post.late_ms)),
        views: Some(post.views),
        ..PlatformFacts::default()
    };
    platform.account.created_at = Some(before(post.account_age_ms));
    platform.account.followers = Some(post.followers);
    Ok(Submission {
        id: format!("item{}", post.number).parse().context("no name of an item")?,
        kind: if post.kind == "profile" {
            ItemKind::Profile
        } else {
            ItemKind::Post
        },
        account: Some(format!("account{}", post.account)),
        channel: Some(format!("channel{}", post.account % 97)),
        audience: None,
        url: Some(post.url.clone()),
        text: Some(post.text.clone()),
        report: None,
        platform,
        media: Vec::new(),
    })
}

/// A whole Seawall on an empty store.
async fn open(address: &str) -> Result<Seawall> {
    let program = std::env::current_exe()?.with_file_name("media-worker");
    let worker = WorkerCommand {
        program,
        args: Vec::new(),
    };
    let host = HostSettings {
        workers: 1,
        jail: JailRequirement::BestEffort,
        ..HostSettings::new(worker)
    };
    let parts = Parts {
        store: Store::open(address).await?,
        clock: Arc::new(SystemClock),
        chance: Arc::new(Chance::seeded(1)),
        media: Arc::new(
            MediaHost::start(host)
                .await
                .context("is media-worker built beside this program?")?,
        ),
        av: None,
        settings: Settings::default(),
        index_folder: None,
    };
    Ok(Seawall::open(parts).await?)
}

/// Proposed by one and approved by another, as rules are.
async fn have_live(app: &Seawall, text: String) -> Result<()> {
    let lead = |seed| {
        Actor::person(
            UserId::fresh(SystemClock.now(), &Chance::seeded(seed)),
            Role::Lead.into(),
        )
    };
    let files = [("bench.rules", text), ("else.rules", NOTHING_ELSE.to_owned())];
    let new = NewChange {
        files: files
            .map(|(name, text)| RuleFile {
                name: name.to_owned(),
                text,
            })
            .into(),
        note: "to be measured".to_owned(),
    };
    let change = rules::propose(app, &lead(1), new).await?;
    rules::approve(app, &lead(2), change, "to be measured").await?;
    Ok(())
}
