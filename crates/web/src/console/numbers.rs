//! How the desk keeps up, and what it could do with other people on shift. Start with [`show_numbers`]; `/numbers.csv` has the same figures as a file.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use moderation::model::{Queue, Timestamp};
use moderation::quality::numbers::{CASES_MIN, QueueNumbers, TIMED_MIN, handling};
use moderation::quality::staffing::{Forecast, Range};
use moderation::views::{self, NumbersView, WhatIf};
use serde::Deserialize;

use super::figures::{ShareWords, decimal, percent, span_words, tall};
use super::form::{Fields, FormState};
use super::page::{Answer, show};
use super::plot::{Cell, Columns, week};
use super::quality::day_words;
use super::shell::Shell;
use super::visit::Person;
use crate::WebState;

#[derive(Template)]
#[template(path = "numbers.html")]
struct NumbersPage {
    shell: Shell,
    form: FormState,
    since: String,
    cases_min: usize,
    timed: String,
    is_timed: bool,
    is_cut: bool,
    queues: Vec<QueueLine>,
    has_due: bool,
    days: Vec<DayLine>,
    days_plot: Columns,
    week: Vec<Cell>,
    week_days: Vec<WeekDay>,
    people_reversed: Option<ShareWords>,
    rules_reversed: Option<ShareWords>,
    forecast: Option<Vec<ForecastLine>>,
    is_asked: bool,
    n_repeats: usize,
    is_forecast_cut: bool,
}

struct QueueLine {
    /// None for all queues together.
    queue: Option<Queue>,
    n: QueueNumbers,
    median: Option<String>,
    p90: Option<String>,
}

impl QueueLine {
    fn of(shell: &Shell, queue: Option<Queue>, n: QueueNumbers) -> Self {
        // Whole minutes are enough: a span of milliseconds fits by far.
        let words = |ms: Option<i64>| ms.map(|ms| span_words(shell, tall(ms) / 60_000.0));
        Self {
            queue,
            median: words(n.median_ms),
            p90: words(n.p90_ms),
            n,
        }
    }
}

struct DayLine {
    begins: String,
    n_arrived: usize,
    n_decided: usize,
    n_open: usize,
}

struct WeekDay {
    /// The word for it, from Monday.
    key: &'static str,
    /// What arrives on it on average.
    total: String,
    /// Its busiest hour, and how much arrives in it.
    busiest: Option<(String, String)>,
}

const DAY_KEYS: [&str; 7] = [
    "numbers.monday",
    "numbers.tuesday",
    "numbers.wednesday",
    "numbers.thursday",
    "numbers.friday",
    "numbers.saturday",
    "numbers.sunday",
];

struct ForecastLine {
    key: &'static str,
    middle: String,
    between: String,
}

/// What somebody wants to know.
#[derive(Debug, Default, Deserialize)]
pub struct NumbersQuery {
    night: Option<String>,
    day: Option<String>,
    evening: Option<String>,
    surge: Option<String>,
    burst: Option<String>,
    burst_hour: Option<String>,
    deadline: Option<String>,
}

impl NumbersQuery {
    fn fields(&self) -> [(&'static str, &str); 7] {
        fn or<'a>(value: &'a Option<String>, otherwise: &'static str) -> &'a str {
            value
                .as_deref()
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .unwrap_or(otherwise)
        }
        [
            ("night", or(&self.night, "1")),
            ("day", or(&self.day, "1")),
            ("evening", or(&self.evening, "1")),
            ("surge", or(&self.surge, "1")),
            ("burst", or(&self.burst, "0")),
            ("burst_hour", or(&self.burst_hour, "0")),
            ("deadline", or(&self.deadline, "60")),
        ]
    }

    fn is_asked(&self) -> bool {
        self.deadline.is_some()
    }

    /// What is asked, or the name of the field that cannot be read.
    fn what_if(&self) -> Result<WhatIf, &'static str> {
        let [night, day, evening, surge, burst, burst_hour, deadline] = self.fields();
        let whole = |(name, text): (&'static str, &str)| text.parse::<u32>().map_err(|_| name);
        let people = [whole(night)?, whole(day)?, whole(evening)?];
        let ask = WhatIf {
            people,
            surge: surge.1.replace(',', ".").parse().map_err(|_| "surge")?,
            burst: whole(burst)?,
            burst_hour: burst_hour.1.parse().map_err(|_| "burst_hour")?,
            deadline_minutes: whole(deadline)?,
        };
        match ask.fault() {
            None => Ok(ask),
            Some("people") => Err("night"),
            Some(field) => Err(field),
        }
    }
}

/// `GET /numbers`
pub async fn show_numbers(State(state): State<WebState>, person: Person, Query(query): Query<NumbersQuery>) -> Answer {
    let view = views::numbers(&state.app, &person.actor).await?;
    let shell = person.shell;
    let mut form = FormState::filled(Fields::of(&query.fields()));
    let asked = match query.what_if() {
        Ok(ask) => Some(ask),
        Err(field) => {
            form = form.wrong(field, shell.t("numbers.out_of_range"));
            None
        }
    };
    let forecast = asked
        .filter(|_| query.is_asked())
        .and_then(|ask| views::what_if(&view, ask));
    let numbers = &view.numbers;
    let mut queues = vec![QueueLine::of(&shell, None, numbers.all)];
    queues.extend(
        numbers
            .queues
            .iter()
            .map(|(queue, n)| QueueLine::of(&shell, Some(*queue), *n)),
    );
    let day_names: Vec<String> = numbers.days.iter().map(|day| day_words(day.begins)).collect();
    let bars: Vec<f64> = numbers.days.iter().map(|day| tall(day.n_arrived)).collect();
    let line: Vec<f64> = numbers.days.iter().map(|day| tall(day.n_open)).collect();
    show(&NumbersPage {
        since: day_words(numbers.since),
        cases_min: CASES_MIN,
        timed: span_words(&shell, handling(&view.timed_seconds).mean() / 60.0),
        is_timed: view.timed_seconds.len() >= TIMED_MIN,
        is_cut: view.is_cut,
        has_due: numbers.all.n_due > 0,
        queues,
        days_plot: Columns::of(&shell, &bars, &line, &day_names),
        days: numbers
            .days
            .iter()
            .rev()
            .map(|day| DayLine {
                begins: day_words(day.begins),
                n_arrived: day.n_arrived,
                n_decided: day.n_decided,
                n_open: day.n_open,
            })
            .collect(),
        week: week(&shell, &numbers.hours),
        week_days: week_days(&shell, &numbers.hours),
        people_reversed: view.people_reversed.map(|share| ShareWords::of(&shell, share)),
        rules_reversed: view.rules_reversed.map(|share| ShareWords::of(&shell, share)),
        n_repeats: forecast.as_ref().map_or(0, |found| found.n_repeats),
        is_forecast_cut: forecast.as_ref().is_some_and(|found| found.is_cut),
        forecast: forecast.map(|found| forecast_lines(&shell, &found)),
        is_asked: query.is_asked(),
        form,
        shell,
    })
}

fn week_days(shell: &Shell, hours: &[f64]) -> Vec<WeekDay> {
    let days = DAY_KEYS.into_iter().zip(hours.chunks(24));
    days.map(|(key, hours)| {
        let busiest = hours.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let busiest = busiest.filter(|(_, n)| **n > 0.0);
        WeekDay {
            key,
            total: decimal(shell, hours.iter().sum(), 1),
            busiest: busiest.map(|(hour, n)| (format!("{hour:02}:00"), decimal(shell, *n, 1))),
        }
    })
    .collect()
}

fn forecast_lines(shell: &Shell, found: &Forecast) -> Vec<ForecastLine> {
    let line = |key, range: Range, words: &dyn Fn(f64) -> String| ForecastLine {
        key,
        middle: words(range.middle),
        between: format!("{} – {}", words(range.low), words(range.high)),
    };
    let share = |value: f64| percent(shell, value);
    let minutes = |value: f64| span_words(shell, value);
    let count = |value: f64| decimal(shell, value, 0);
    vec![
        line("numbers.late", found.late, &share),
        line("numbers.wait_p50", found.wait_p50, &minutes),
        line("numbers.wait_p90", found.wait_p90, &minutes),
        line("numbers.wait_p99", found.wait_p99, &minutes),
        line("numbers.backlog_max", found.backlog_max, &count),
        line("numbers.busy", found.busy, &share),
        line("numbers.n_cases", found.n_cases, &count),
    ]
}

/// `GET /numbers.csv`
pub async fn download_numbers(State(state): State<WebState>, person: Person) -> Answer {
    let view = views::numbers(&state.app, &person.actor).await?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"seawall-numbers.csv\""),
        ),
    ];
    Ok((headers, csv_of(&view)).into_response())
}

/// One figure a line: what, of which queue, of when, how much. No word in it comes from outside: names of queues are letters, digits and `_`.
fn csv_of(view: &NumbersView) -> String {
    let mut text = String::from("figure,queue,at,value\r\n");
    let mut put = |figure: &str, queue: &str, at: &str, value: String| {
        text.push_str(&format!("{figure},{queue},{at},{value}\r\n"));
    };
    let numbers = &view.numbers;
    let queues = numbers.queues.iter().map(|(queue, n)| (queue.to_string(), n));
    for (queue, n) in std::iter::once((String::new(), &numbers.all)).chain(queues) {
        put("arrived", &queue, "", n.n_arrived.to_string());
        put("decided", &queue, "", n.n_decided.to_string());
        put("open", &queue, "", n.n_open.to_string());
        let known = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        put("oldest_at", &queue, "", known(n.oldest_at));
        let ms = |ms: Option<i64>| ms.map(|ms| ms.to_string()).unwrap_or_default();
        put("median_ms", &queue, "", ms(n.median_ms));
        put("p90_ms", &queue, "", ms(n.p90_ms));
        put("due", &queue, "", n.n_due.to_string());
        put("due_missed", &queue, "", n.n_due_missed.to_string());
    }
    for day in &numbers.days {
        let at = day_words(day.begins);
        put("day_arrived", "", &at, day.n_arrived.to_string());
        put("day_decided", "", &at, day.n_decided.to_string());
        put("day_open", "", &at, day.n_open.to_string());
    }
    for (hour, n) in numbers.hours.iter().enumerate() {
        put("week_hour_arrived", "", &hour.to_string(), format!("{n:.4}"));
    }
    for (figure, share) in [
        ("people_reversed", view.people_reversed),
        ("rules_reversed", view.rules_reversed),
    ] {
        if let Some(share) = share {
            put(figure, "", "", share.hits.to_string());
            put(&format!("{figure}_of"), "", "", share.n.to_string());
        }
    }
    text
}
