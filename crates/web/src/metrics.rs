//! Counts for Prometheus, in its text format 0.0.4: what passed over HTTP here, and what `moderation` says about itself.
//!
//! Labels hold routes, methods, statuses and words of closed sets; never an id, an address or a path as a client wrote it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{Method, StatusCode};

/// Counts of this process.
#[derive(Default)]
pub(crate) struct HttpMetrics {
    routes: Mutex<BTreeMap<Route, Durations>>,
    /// Connections that are open.
    pub connections: Gauge,
    /// Requests that are under way, from their head to the head of their answer.
    pub requests: Gauge,
    /// Connections that were closed at once: too many from one address.
    pub connections_refused: Counter,
}

/// A number that only grows.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A number of things that there are now.
#[derive(Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    /// One more, until the guard is dropped.
    pub fn enter(&self) -> GaugeGuard<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        GaugeGuard(self)
    }
}

pub(crate) struct GaugeGuard<'a>(&'a Gauge);

impl Drop for GaugeGuard<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Route {
    method: &'static str,
    route: String,
    status: u16,
}

/// Upper ends of the histogram's buckets, in milliseconds.
const BUCKETS_MS: [u64; 11] = [1, 5, 10, 25, 50, 100, 250, 1_000, 2_500, 10_000, 60_000];

#[derive(Debug, Clone, Default)]
struct Durations {
    n_by_bucket: [u64; BUCKETS_MS.len()],
    n: u64,
    sum: Duration,
}

impl HttpMetrics {
    /// Counts a request that was answered. `route` is the pattern of the path, not the path.
    pub fn count(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let route = Route {
            method: known(method),
            route: route.to_owned(),
            status: status.as_u16(),
        };
        // A poisoned lock means that another thread panicked in here; at worst one count is missing.
        let mut routes = self.routes.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let durations = routes.entry(route).or_default();
        durations.n += 1;
        durations.sum += took;
        for (n, end_ms) in durations.n_by_bucket.iter_mut().zip(BUCKETS_MS) {
            *n += u64::from(took <= Duration::from_millis(end_ms));
        }
    }

    /// The counts of this process as text.
    pub fn write(&self, text: &mut Exposition) {
        let routes = self
            .routes
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone();
        text.head(
            "seawall_http_request_duration_seconds",
            "histogram",
            "Time from a request's head to the head of its answer.",
        );
        for (Route { method, route, status }, durations) in &routes {
            let status = status.to_string();
            let labels = [("method", *method), ("route", route), ("status", &status)];
            for (n, end_ms) in durations.n_by_bucket.iter().zip(BUCKETS_MS) {
                let le = seconds(Duration::from_millis(end_ms));
                let labels: Vec<_> = labels.iter().copied().chain([("le", le.as_str())]).collect();
                text.line("seawall_http_request_duration_seconds_bucket", &labels, n);
            }
            let all: Vec<_> = labels.iter().copied().chain([("le", "+Inf")]).collect();
            text.line("seawall_http_request_duration_seconds_bucket", &all, durations.n);
            text.line(
                "seawall_http_request_duration_seconds_sum",
                &labels,
                seconds(durations.sum),
            );
            text.line("seawall_http_request_duration_seconds_count", &labels, durations.n);
        }
        text.value(
            "seawall_http_connections",
            "gauge",
            "Open connections.",
            self.connections.0.load(Ordering::Relaxed),
        );
        text.value(
            "seawall_http_requests_under_way",
            "gauge",
            "Requests that are not answered yet.",
            self.requests.0.load(Ordering::Relaxed),
        );
        text.value(
            "seawall_http_connections_refused_total",
            "counter",
            "Connections closed because their address had too many.",
            self.connections_refused.0.load(Ordering::Relaxed),
        );
    }
}

fn seconds(duration: Duration) -> String {
    duration.as_secs_f64().to_string()
}

/// The method if it is one that is served: a client cannot invent labels.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Text in Prometheus' exposition format.
#[derive(Default)]
pub(crate) struct Exposition(String);

impl Exposition {
    /// Begins a metric.
    pub fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a `String` cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A line of a metric.
    pub fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (i, (label, text)) in labels.iter().enumerate() {
            let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.0, "{}{label}=\"{escaped}\"", if i == 0 { '{' } else { ',' });
        }
        let _ = writeln!(self.0, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    /// A metric of one line without labels.
    pub fn value(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
        self.head(name, kind, help);
        self.line(name, &[], value);
    }

    /// The text.
    pub fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_histogram_counts_upwards() {
        let metrics = HttpMetrics::default();
        metrics.count(
            &Method::GET,
            "/api/v1/items/{item}",
            StatusCode::OK,
            Duration::from_millis(7),
        );
        metrics.count(
            &Method::GET,
            "/api/v1/items/{item}",
            StatusCode::OK,
            Duration::from_millis(900),
        );
        metrics.count(
            &Method::from_bytes(b"BREW").unwrap(),
            "unmatched",
            StatusCode::NOT_FOUND,
            Duration::from_secs(90),
        );
        let guard = metrics.connections.enter();
        let mut text = Exposition::default();
        metrics.write(&mut text);
        drop(guard);
        let text: String = text
            .finish()
            .lines()
            .filter(|line| !line.contains("le=\"0.0"))
            .fold(String::new(), |all, line| all + line + "\n");
        expect![[r#"
            # HELP seawall_http_request_duration_seconds Time from a request's head to the head of its answer.
            # TYPE seawall_http_request_duration_seconds histogram
            seawall_http_request_duration_seconds_bucket{method="GET",route="/api/v1/items/{item}",status="200",le="0.1"} 1
            seawall_http_request_duration_seconds_bucket{method="GET",route="/api/v1/items/{item}",status="200",le="0.25"} 1
            seawall_http_request_duration_seconds_bucket{method="GET",route="/api/v1/items/{item}",status="200",le="1"} 2
            seawall_http_request_duration_seconds_bucket{method="GET",route="/api/v1/items/{item}",status="200",le="2.5"} 2
            seawall_http_request_duration_seconds_bucket{method="GET",route="/api/v1/items/{item}",status="200",le="10"} 2
            seawall_http_request_duration_seconds_bucket{method="GET",route="/api/v1/items/{item}",status="200",le="60"} 2
            seawall_http_request_duration_seconds_bucket{method="GET",route="/api/v1/items/{item}",status="200",le="+Inf"} 2
            seawall_http_request_duration_seconds_sum{method="GET",route="/api/v1/items/{item}",status="200"} 0.907
            seawall_http_request_duration_seconds_count{method="GET",route="/api/v1/items/{item}",status="200"} 2
            seawall_http_request_duration_seconds_bucket{method="other",route="unmatched",status="404",le="0.1"} 0
            seawall_http_request_duration_seconds_bucket{method="other",route="unmatched",status="404",le="0.25"} 0
            seawall_http_request_duration_seconds_bucket{method="other",route="unmatched",status="404",le="1"} 0
            seawall_http_request_duration_seconds_bucket{method="other",route="unmatched",status="404",le="2.5"} 0
            seawall_http_request_duration_seconds_bucket{method="other",route="unmatched",status="404",le="10"} 0
            seawall_http_request_duration_seconds_bucket{method="other",route="unmatched",status="404",le="60"} 0
            seawall_http_request_duration_seconds_bucket{method="other",route="unmatched",status="404",le="+Inf"} 1
            seawall_http_request_duration_seconds_sum{method="other",route="unmatched",status="404"} 90
            seawall_http_request_duration_seconds_count{method="other",route="unmatched",status="404"} 1
            # HELP seawall_http_connections Open connections.
            # TYPE seawall_http_connections gauge
            seawall_http_connections 1
            # HELP seawall_http_requests_under_way Requests that are not answered yet.
            # TYPE seawall_http_requests_under_way gauge
            seawall_http_requests_under_way 0
            # HELP seawall_http_connections_refused_total Connections closed because their address had too many.
            # TYPE seawall_http_connections_refused_total counter
            seawall_http_connections_refused_total 0
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn a_label_cannot_break_out() {
        let mut text = Exposition::default();
        text.line("m", &[("l", "a\"} 1\nevil 2 \\")], 1);
        assert_eq!(text.finish(), "m{l=\"a\\\"} 1\\nevil 2 \\\\\"} 1\n");
    }
}
