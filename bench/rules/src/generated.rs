//! Generated posts and rules: the same on every machine.
//!
//! Rules of four conditions, as in the measurement of Osprey's engine: a comparison, a number, an age and a linear-time pattern in each; every fifth asks a
//! windowed counter, and counters share their keys as they do in practice.

use std::fmt::Write;

const WORDS: &[&str] = &[
    "today", "people", "market", "garden", "river", "music", "coffee", "window", "summer", "letter", "morning",
    "street", "football", "recipe", "holiday", "photo", "train", "library", "weather", "picture", "story", "village",
    "evening", "bridge", "mountain", "teacher", "concert", "forest", "island", "bicycle", "dinner", "museum",
];

/// A small generator.
pub struct Draw(pub u64);

impl Draw {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// So many rules that fire seldom, as a file.
pub fn rules_text(n: usize) -> String {
    let windows = [
        "count(by: account.id, within: 10min)",
        "distinct(account.id, by: item.url, within: 10min)",
        "count(by: channel.id, within: 1h)",
        "sum(item.views, by: account.id, within: 1d)",
        "distinct(item.url, by: account.id, within: 1h)",
        "count(by: item.url, within: 1d, where: account.age < 7d)",
    ];
    let mut text = String::new();
    for i in 0..n {
        let word = WORDS[i % WORDS.len()];
        let other = WORDS[(i * 7 + 3) % WORDS.len()];
        let kind = ["post", "image", "profile"][i % 3];
        let pattern = match i % 4 {
            0 => format!(r"(?i)\b{word}s?\s+{other}\b"),
            1 => format!(r"(?i){word}[0-9]{{2,}}"),
            2 => format!(r"(?i)\b(?:{word}|{other}) (?:free|cheap|now) offer{}\b", i % 17),
            _ => format!(r"https?://[a-z0-9.-]*{word}{}\.example/", i % 13),
        };
        let third = if i % 5 == 4 {
            format!("{} > {}", windows[(i / 5) % windows.len()], 3 + i % 20)
        } else {
            format!("account.followers < {}", 50 + (i * 37) % 5_000)
        };
        let kind = if i % 10 < 7 {
            format!("item.kind != \"{kind}\"")
        } else {
            "item.kind == \"post\"".to_owned()
        };
        let _ = write!(
            text,
            "rule rule_{i} {{\n  policy: other_terms\n  when: {kind} && account.age < {}h && {third} && item.text.matches(r\"{pattern}\")\n  \
             then: case matches\n  reason: \"bench\"\n  owner: \"bench\"\n  review: 2030-01-01\n  mode: live\n}}\n",
            24 + (i * 13) % 2_000,
        );
    }
    text
}

/// What somebody posted.
pub struct Post {
    pub number: usize,
    pub kind: &'static str,
    pub text: String,
    pub url: String,
    pub views: i64,
    pub account: u64,
    pub account_age_ms: i64,
    pub followers: i64,
    /// Milliseconds by which it comes late.
    pub late_ms: i64,
}

/// So many posts. Few accounts post much, few addresses are shared often.
pub fn posts(n: usize) -> Vec<Post> {
    let mut draw = Draw(7);
    (0..n)
        .map(|number| {
            let late_ms = draw.below(2_000) as i64;
            let busy = draw.below(14);
            let account = draw.below(1 << (4 + busy));
            let shared = draw.below(12);
            let url = draw.below(1 << (4 + shared));
            let mut text = String::new();
            for _ in 0..20 + draw.below(30) {
                let word = WORDS[draw.below(WORDS.len() as u64) as usize];
                let _ = match draw.below(24) {
                    0 => write!(text, "{word}{} ", draw.below(1_000)),
                    1 => write!(text, "https://{word}{}.example/a ", draw.below(13)),
                    _ => write!(text, "{word} "),
                };
            }
            Post {
                number,
                kind: ["post", "image", "profile"][draw.below(3) as usize],
                text,
                url: format!("https://host{url}.example/page"),
                views: draw.below(1_000) as i64,
                account,
                account_age_ms: draw.below(3_000) as i64 * 3_600_000,
                followers: draw.below(6_000) as i64,
                late_ms,
            }
        })
        .collect()
}
