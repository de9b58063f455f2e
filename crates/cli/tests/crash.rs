//! Kills the server at random moments under load, and checks each time that nothing that was acknowledged is lost, that no order
//! goes out without a decision, and that the log is whole.
//!
//! The server is the real program, killed with SIGKILL. Platforms submit over HTTP, a person decides through the console, and the
//! stand-in for a platform receives the orders; for the second half of the kills it cannot be reached at all. What was acknowledged is
//! kept outside, in a [`ledger::Ledger`], and held against the store in the end.
//!
//! `SEAWALL_CRASH_KILLS` says how many kills (10 unless set; `scripts/crash.sh` does 200), `SEAWALL_CRASH_DOWN_S` for how many seconds the platform
//! stays away at least, `SEAWALL_TEST_POSTGRES` where there is a Postgres to do it all again on.

mod common;
#[path = "crash/ledger.rs"]
mod ledger;
#[path = "crash/load.rs"]
mod load;
#[path = "crash/server.rs"]
mod server;
#[path = "crash/shift.rs"]
mod shift;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use cli::demo::canvas::Dice;
use sqlx::Connection;

use ledger::Ledger;
use load::Load;
use server::World;

/// Eight people share the work of a real server that is stopped twice and killed once.
#[tokio::test(flavor = "multi_thread")]
async fn eight_people_decide_each_case_once() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("seawall.db").display());
    let n_cases = usize::try_from(number("SEAWALL_SHIFT_CASES", 80)).unwrap();
    shift::work_through(&url, n_cases).await;
}

/// A number from the environment.
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("seawall.db").display());
    kill_again_and_again(&url, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_on_postgres() {
    let Ok(server) = std::env::var("SEAWALL_TEST_POSTGRES") else {
        eprintln!("NOT CHECKED: SEAWALL_TEST_POSTGRES names no server");
        return;
    };
    let name = format!("seawall_crash_{}", std::process::id());
    let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut admin)
        .await
        .unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    kill_again_and_again(&format!("{base}/{name}"), 2).await;
    sqlx::query(sqlx::AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)")))
        .execute(&mut admin)
        .await
        .unwrap();
}

async fn kill_again_and_again(store_url: &str, seed: u64) {
    let n_kills = number("SEAWALL_CRASH_KILLS", 10);
    let down_for = Duration::from_secs(number("SEAWALL_CRASH_DOWN_S", 0));
    let mut dice = Dice::new(seed);
    let mut world = World::prepare(store_url).await;
    let ledger = Arc::new(Ledger::default());
    let stop = Arc::new(AtomicBool::new(false));

    world.start_server().await;
    let load = Load::start(&world, &ledger, &stop);
    let mut down_since = None;
    for kill in 0..n_kills {
        if kill == n_kills / 2 {
            world.platform_down().await;
            down_since = Some(Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(100 + dice.below(1_100) as u64)).await;
        world.kill_server().await;
        world.verify(&format!("after kill {}", kill + 1));
        world.start_server().await;
    }
    stop.store(true, Ordering::SeqCst);
    load.join().await;
    assert!(
        world.n_unfinished_actions().await > 0,
        "nothing was ordered while the platform was away"
    );
    if let Some(since) = down_since {
        tokio::time::sleep(down_for.saturating_sub(since.elapsed())).await;
    }
    world.platform_up().await;
    world.wait_until_delivered(Duration::from_secs(300)).await;
    world.stop_server().await;
    world.verify("in the end");

    let told = ledger.hold_against(&world).await;
    eprintln!("{n_kills} kills: {told}");
}
