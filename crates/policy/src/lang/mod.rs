//! The language in which rules are written: text in, a tree with places out. It knows no types and no facts.
//!
//! The syntax of expressions is that of CEL, with units in literals. Start with [`ast`], then [`parser`].

pub mod ast;
mod expr;
mod lexer;
pub mod parser;
pub mod source;
mod test_block;

/// The instant that a text begins with, in milliseconds since 1970, and how long it is: `2027-05-01` or
/// `2027-05-01T10:00:00Z`.
pub(crate) fn source_time(text: &str) -> Option<(usize, i64)> {
    let bytes = text.as_bytes();
    let number = |from: usize, n: usize| -> Option<i64> {
        let digits = bytes.get(from..from + n)?;
        let is_number = digits.iter().all(u8::is_ascii_digit);
        is_number.then(|| digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
    };
    let sign = |at: usize, sign: u8| bytes.get(at) == Some(&sign);
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let is_date = sign(4, b'-') && sign(7, b'-') && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_date {
        return None;
    }
    let mut ms = days_since_1970(year, month, day) * 86_400_000;
    let mut length = 10;
    if sign(10, b'T') {
        let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
        let is_time = sign(13, b':') && sign(16, b':') && hour < 24 && minute < 60 && second < 60;
        if !is_time {
            return None;
        }
        ms += (hour * 3_600 + minute * 60 + second) * 1_000;
        length = 19;
        if sign(length, b'.') {
            ms += number(20, 3)?;
            length = 23;
        }
        if !sign(length, b'Z') {
            return None;
        }
        length += 1;
    }
    Some((length, ms))
}

/// As Howard Hinnant's `days_from_civil`.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// An instant as people and programs read it: `2027-05-01T10:00:00.000Z`.
pub(crate) fn time_text(ms: i64) -> String {
    let (days, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, milli) = (rest / 1_000 % 60, rest % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}
