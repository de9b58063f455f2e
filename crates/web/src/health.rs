//! What monitors ask: is it alive, is it ready, how much of what.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use moderation::views::{self, ViewError};

use crate::metrics::Exposition;
use crate::problem::{ApiError, chain};
use crate::settings::MetricsAccess;
use crate::state::{RequestInfo, WebState};

/// Is the process alive? Asks nothing of anyone, so that an orchestrator does not restart it for the database's sake.
pub(crate) async fn is_alive() -> &'static str {
    "alive\n"
}

/// Can it serve? The store answers and the banks are in memory.
pub(crate) async fn is_ready(State(state): State<WebState>) -> Response {
    match state.app.ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(error = %chain(&error), "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response()
        }
    }
}

/// By one of these a proxy says that it passes a request on.
const PROXIES_SAY: [&str; 7] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
];

/// Counts for Prometheus.
pub(crate) async fn metrics(
    State(state): State<WebState>,
    Extension(info): Extension<RequestInfo>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    // A proxy on this machine connects over loopback as well, but says that it is one.
    let passed_on = PROXIES_SAY.iter().any(|name| headers.contains_key(*name));
    let allowed = match state.settings.metrics {
        MetricsAccess::Loopback => info.peer.is_loopback() && !passed_on,
        MetricsAccess::Everyone => true,
    };
    if !allowed {
        return Err(ApiError::UnknownPath);
    }
    let mut text = Exposition::default();
    state.shared.metrics.write(&mut text);
    text.value(
        "seawall_http_places_free",
        "gauge",
        "Requests that could be worked on at once besides those that are.",
        state.shared.admission.free(),
    );
    match views::metrics(&state.app).await {
        Ok(metrics) => write_moderation(&metrics, &mut text),
        Err(ViewError::Store(error)) => return Err(error.into()),
        Err(ViewError::Denied(denied)) => return Err(denied.into()),
        Err(ViewError::BadCursor | ViewError::Resting { .. }) => return Err(ApiError::UnknownPath),
    }
    Ok((
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text.finish(),
    )
        .into_response())
}

fn write_moderation(metrics: &views::Metrics, text: &mut Exposition) {
    text.head("seawall_cases_open", "gauge", "Cases that wait for a person.");
    for count in &metrics.desk.queues {
        text.line("seawall_cases_open", &[("queue", count.queue.as_str())], count.n_open);
    }
    text.value(
        "seawall_actions_waiting",
        "gauge",
        "Orders that the platform has not confirmed yet.",
        metrics.desk.n_waiting_actions,
    );
    text.value(
        "seawall_actions_dead",
        "gauge",
        "Orders that Seawall gave up on.",
        metrics.desk.n_dead_actions,
    );
    text.value(
        "seawall_actions_doubtful",
        "gauge",
        "Orders that the platform confirmed and that re-checks doubt.",
        metrics.desk.n_doubtful_actions,
    );
    text.value(
        "seawall_oldest_waiting_action_seconds",
        "gauge",
        "How long the oldest order has been waiting; 0 if none is.",
        metrics.oldest_waiting_action.unwrap_or_default().as_secs_f64(),
    );
    text.value(
        "seawall_proposals_waiting",
        "gauge",
        "Proposals that wait for a second person.",
        metrics.n_waiting_proposals,
    );
    text.value(
        "seawall_oldest_waiting_proposal_seconds",
        "gauge",
        "How long the oldest proposal has been waiting; 0 if none is.",
        metrics.oldest_waiting_proposal.unwrap_or_default().as_secs_f64(),
    );
    text.value(
        "seawall_rule_alarms",
        "gauge",
        "Alarms about rules that nobody took note of.",
        metrics.desk.n_rule_alarms,
    );
    text.value(
        "seawall_rules_version",
        "gauge",
        "The number of the rules that count.",
        metrics.rules.live,
    );
    text.value(
        "seawall_rules_judged_total",
        "counter",
        "Events that the rules judged.",
        metrics.rules.n_events,
    );
    text.head(
        "seawall_rule_fired_today",
        "gauge",
        "How often each live rule fired since the day began, UTC.",
    );
    for (rule, fired, _) in &metrics.rules.today {
        text.line("seawall_rule_fired_today", &[("rule", rule)], *fired);
    }
    text.head(
        "seawall_rule_undecided_today",
        "gauge",
        "How often each live rule could not be decided since the day began, UTC.",
    );
    for (rule, _, undecided) in &metrics.rules.today {
        text.line("seawall_rule_undecided_today", &[("rule", rule)], *undecided);
    }
    text.value(
        "seawall_rules_window_bytes",
        "gauge",
        "Bytes that the windows of the live rules take.",
        metrics.rules.windows.1,
    );
    text.value(
        "seawall_events_total",
        "counter",
        "Lines of the event log.",
        metrics.n_events,
    );
    text.value(
        "seawall_index_hashes",
        "gauge",
        "Perceptual hashes in the index.",
        metrics.matcher.n_hashes,
    );
    text.value(
        "seawall_index_changes_behind",
        "gauge",
        "Changes of banks that the index has not seen yet.",
        metrics.matcher_behind,
    );

    write_recordings(metrics, text);
    let media = &metrics.media;
    text.value(
        "seawall_media_scanned_total",
        "counter",
        "Files that were decoded and hashed.",
        media.scanned,
    );
    text.head(
        "seawall_media_failed_total",
        "counter",
        "Files that could not be hashed, by reason.",
    );
    for (reason, n) in &media.failed {
        text.line("seawall_media_failed_total", &[("reason", reason)], n);
    }
    text.value(
        "seawall_media_queued",
        "gauge",
        "Files that wait for a worker.",
        media.queued,
    );
    text.value(
        "seawall_media_running",
        "gauge",
        "Files that a worker is busy with.",
        media.running,
    );
    text.value(
        "seawall_media_workers_started_total",
        "counter",
        "Media workers that were started.",
        media.workers_started,
    );
    text.head(
        "seawall_media_restarts_total",
        "counter",
        "Media workers that were replaced, by cause.",
    );
    let restarts = &media.restarts;
    for (cause, n) in [
        ("served", restarts.served),
        ("crashed", restarts.crashed),
        ("time_limit", restarts.time_limit),
        ("memory_limit", restarts.memory_limit),
        ("jail_violation", restarts.jail_violation),
        ("bad_answer", restarts.bad_answer),
        ("not_started", restarts.not_started),
    ] {
        text.line("seawall_media_restarts_total", &[("cause", cause)], n);
    }
}

fn write_recordings(metrics: &views::Metrics, text: &mut Exposition) {
    let (videos, sounds) = (&metrics.matcher.videos, &metrics.matcher.sounds);
    for (name, help, n) in [
        ("seawall_index_videos", "Videos in the index.", videos.n_videos),
        ("seawall_index_videos_bytes", "Bytes that they take.", videos.n_bytes),
        ("seawall_index_sounds", "Sounds in the index.", sounds.n_entries),
        ("seawall_index_sounds_bytes", "Bytes that they take.", sounds.n_bytes),
    ] {
        text.value(name, "gauge", help, n);
    }
    // Zeroes where there is no program for them: an alert is not to go quiet because a metric is missing.
    let av = metrics.av.clone().unwrap_or_default();
    text.value(
        "seawall_av_scanned_total",
        "counter",
        "Videos and sounds that were decoded and hashed.",
        av.scanned,
    );
    text.head(
        "seawall_av_failed_total",
        "counter",
        "Videos, sounds and streams that could not be, by reason.",
    );
    for (reason, n) in &av.failed {
        text.line("seawall_av_failed_total", &[("reason", reason)], n);
    }
    text.value(
        "seawall_av_resumed_total",
        "counter",
        "Scans of videos and sounds that went on where their worker was cut off.",
        av.resumed,
    );
    text.value(
        "seawall_av_looked_at_ms_total",
        "counter",
        "How much of videos and sounds was looked at, in milliseconds of their own time.",
        av.looked_at_ms,
    );
    text.value(
        "seawall_av_queued",
        "gauge",
        "Videos and sounds that wait for a worker.",
        av.queued,
    );
    text.value(
        "seawall_av_running",
        "gauge",
        "Videos and sounds that a worker is busy with.",
        av.running,
    );
    text.value(
        "seawall_streams_open",
        "gauge",
        "Live streams that come to this process.",
        metrics.streams.open,
    );
    text.head(
        "seawall_streams_ended_total",
        "counter",
        "Live streams that this process ended, by reason.",
    );
    for (reason, n) in &metrics.streams.ended {
        text.line("seawall_streams_ended_total", &[("reason", reason)], n);
    }
}
