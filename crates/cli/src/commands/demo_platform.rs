//! `seawall demo-platform`: only the stand-in for a platform, for tests that have a server of their own.

use std::sync::Arc;

use moderation::model::SystemClock;

use super::{serve, stop};
use crate::args::DemoPlatform;
use crate::demo::platform::{self, Behaviour, Platform};
use crate::exit::Exit;
use crate::output;

/// Serves the stand-in until it is told to stop. Prints its address first.
pub async fn run(args: DemoPlatform) -> anyhow::Result<Exit> {
    let mut stopped = stop::on_signal()?;
    let listener = serve::bind(args.listen).await?;
    output::line(&format!("http://{}", listener.local_addr()?))?;
    let behaviour = Behaviour {
        fail_every: args.fail_every,
        refused: args.refused.into_iter().collect(),
        gone: args.gone.into_iter().collect(),
        ..Behaviour::default()
    };
    let platform = Platform::new(args.secret, Arc::new(SystemClock), behaviour);
    platform::serve(platform.router(), listener, async move {
        // An error means that nobody can tell it to stop any more.
        let _ = stopped.wait_for(|stop| *stop).await;
    })
    .await?;
    Ok(Exit::Success)
}
