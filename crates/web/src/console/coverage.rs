//! Who is on shift when, who can do what, and when nobody is there. Start with [`show_coverage`].

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use moderation::flows::shifts::{self as flow, NewShift, ShiftError};
use moderation::model::{UserId, Zone};
use moderation::routing::{Choice, ShiftId, Skills, week_in};
use moderation::views::{self, QueueCover};

use super::flash::Flash;
use super::form::{FormState, Posted};
use super::page::{Answer, go_saying, show_with};
use super::problem::ConsoleError;
use super::shell::Shell;
use super::visit::Person;
use crate::WebState;

#[derive(Template)]
#[template(path = "coverage.html")]
struct CoveragePage {
    shell: Shell,
    form: FormState,
    queues: Vec<QueueCover>,
    people: Vec<PersonLine>,
    shifts: Vec<ShiftLine>,
    days: [(u8, String); 7],
}

struct PersonLine {
    id: UserId,
    name: String,
    languages: String,
    work: String,
    skills: String,
}

struct ShiftLine {
    id: ShiftId,
    name: String,
    days: String,
    from: String,
    until: String,
    /// By whose clocks it is meant, if not by those of who looks.
    zone: Option<Zone>,
}

/// `GET /coverage`
pub async fn show_coverage(State(state): State<WebState>, person: Person) -> Answer {
    coverage_page(&state, person, StatusCode::OK, FormState::default()).await
}

async fn coverage_page(state: &WebState, person: Person, status: StatusCode, form: FormState) -> Answer {
    let view = views::coverage(&state.app, &person.actor).await?;
    let shell = person.shell;
    let days: [(u8, String); 7] = std::array::from_fn(|day| {
        let day = u8::try_from(day).unwrap_or(0);
        (day, shell.word("weekday", format!("d{day}")))
    });
    let day_words = |of: &[u8]| -> String {
        let words = days
            .iter()
            .filter(|(day, _)| of.contains(day))
            .map(|(_, word)| word.as_str());
        words.collect::<Vec<_>>().join(" · ")
    };
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    let shifts = view.shifts.into_iter().map(|(shift, name)| {
        let week = week_in(&shift, shell.zone(), shell.now);
        ShiftLine {
            id: shift.id,
            name,
            days: day_words(&week.days),
            from: clock(week.from_minute),
            until: clock(week.until_minute),
            zone: Some(shift.zone).filter(|zone| *zone != shell.zone()),
        }
    });
    let text = |choice: &Choice| choice.to_string().trim().to_owned();
    let people = view.people.into_iter().map(|(id, name, skills)| PersonLine {
        id,
        name,
        languages: text(&skills.languages),
        work: text(&skills.work),
        skills: text(&skills.skills),
    });
    let (shifts, people): (Vec<ShiftLine>, Vec<PersonLine>) = (shifts.collect(), people.collect());
    show_with(
        status,
        &CoveragePage {
            form,
            queues: view.queues,
            people,
            shifts,
            days,
            shell,
        },
    )
}

/// `POST /coverage/shifts`
pub async fn add_shift(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let user: UserId = fields.get("user").parse().map_err(|_| ConsoleError::NotFound)?;
    let days = fields.all("day").filter_map(|day| day.parse().ok()).collect();
    let times = (minute_of(fields.get("from")), minute_of(fields.get("until")));
    let wrong = match times {
        (Some(from), Some(until)) => {
            // One that ends when it begins lasts a day; one that ends earlier ends the day after.
            let day = moderation::routing::Shift::MINUTES_MAX;
            let new = NewShift {
                user,
                days,
                from_minute: from,
                n_minutes: if until > from { until - from } else { day - from + until },
                // The form says by which clocks it was written: the person may have chosen others since.
                zone: Zone::named(fields.get("zone")).unwrap_or(person.shell.zone()),
            };
            match flow::add_shift(&state.app, &person.actor, new).await {
                Ok(_) => return Ok(go_saying(&state, "/coverage", &Flash::new("flash.shift_added", ""))),
                Err(ShiftError::Invalid { field, .. }) => (field, person.shell.t("coverage.need_days").to_owned()),
                Err(error) => return Err(error.into()),
            }
        }
        (_, _) => ("from", person.shell.t("coverage.need_times").to_owned()),
    };
    let form = FormState::filled(fields).wrong(wrong.0, wrong.1);
    coverage_page(&state, person, StatusCode::UNPROCESSABLE_ENTITY, form).await
}

/// `POST /coverage/shifts/{id}/remove`
pub async fn remove_shift(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id: ShiftId = id.parse().map_err(|_| ConsoleError::NotFound)?;
    flow::remove_shift(&state.app, &posted.person.actor, id).await?;
    Ok(go_saying(&state, "/coverage", &Flash::new("flash.shift_removed", "")))
}

/// `POST /coverage/people/{id}`
pub async fn set_skills(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let Posted { person, fields } = posted;
    let id: UserId = id.parse().map_err(|_| ConsoleError::NotFound)?;
    // Nothing in a field of what everybody takes at first means all of it.
    let all_or = |text: &str| if text.trim().is_empty() { "*" } else { text }.parse::<Choice>();
    let skills = (
        all_or(fields.get("languages")),
        all_or(fields.get("work")),
        fields.get("skills").parse::<Choice>(),
    );
    let (Ok(languages), Ok(work), Ok(skills)) = skills else {
        let form = FormState::default().wrong("", person.shell.t("coverage.need_words"));
        return coverage_page(&state, person, StatusCode::UNPROCESSABLE_ENTITY, form).await;
    };
    let skills = Skills {
        languages,
        work,
        skills,
    };
    flow::set_skills(&state.app, &person.actor, id, &skills).await?;
    Ok(go_saying(&state, "/coverage", &Flash::new("flash.skills_saved", "")))
}

/// The minute of a day that `09:30` stands for.
fn minute_of(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_read() {
        for (text, minute) in [("00:00", Some(0)), ("09:30", Some(570)), ("23:59", Some(1_439))] {
            assert_eq!(minute_of(text), minute);
        }
        for text in ["", "24:00", "12:60", "noon", "-1:00"] {
            assert_eq!(minute_of(text), None);
        }
    }
}
