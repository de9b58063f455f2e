//! The keys and words of the console, explained. Start with [`GROUPS`], which the script follows.

use askama::Template;

use super::page::{Answer, show};
use super::shell::Shell;
use super::visit::Person;

/// Keys that belong together.
pub struct KeyGroup {
    /// The key of its title in the message files.
    pub title: &'static str,
    /// Its keys.
    pub lines: &'static [KeyLine],
}

/// What a key does.
pub struct KeyLine {
    /// What to press, one after the other.
    pub keys: &'static [&'static str],
    /// The key of the words for it in the message files.
    pub does: &'static str,
}

/// All keys that the script knows.
pub const GROUPS: &[KeyGroup] = &[
    KeyGroup {
        title: "help.everywhere",
        lines: &[
            KeyLine {
                keys: &["?"],
                does: "help.k_help",
            },
            KeyLine {
                keys: &["G", "D"],
                does: "help.k_desk",
            },
            KeyLine {
                keys: &["G", "I"],
                does: "help.k_items",
            },
            KeyLine {
                keys: &["G", "S"],
                does: "help.k_search",
            },
            KeyLine {
                keys: &["Ctrl K"],
                does: "help.k_palette",
            },
            KeyLine {
                keys: &["G", "B"],
                does: "help.k_banks",
            },
            KeyLine {
                keys: &["G", "R"],
                does: "help.k_rules",
            },
            KeyLine {
                keys: &["G", "A"],
                does: "help.k_actions",
            },
            KeyLine {
                keys: &["G", "P"],
                does: "proposals.key",
            },
        ],
    },
    KeyGroup {
        title: "help.on_desk",
        lines: &[
            KeyLine {
                keys: &["N"],
                does: "help.k_next",
            },
            KeyLine {
                keys: &["J", "K"],
                does: "help.k_move",
            },
            KeyLine {
                keys: &["↵"],
                does: "help.k_open",
            },
        ],
    },
    KeyGroup {
        title: "together.title",
        lines: &[
            KeyLine {
                keys: &["L"],
                does: "cluster.key",
            },
            KeyLine {
                keys: &["D"],
                does: "together.key",
            },
        ],
    },
    KeyGroup {
        title: "help.on_case",
        lines: &[
            KeyLine {
                keys: &["V"],
                does: "help.k_hold",
            },
            KeyLine {
                keys: &["C"],
                does: "help.k_grey",
            },
            KeyLine {
                keys: &["J", "K"],
                does: "help.k_media",
            },
            KeyLine {
                keys: &["A"],
                does: "help.k_allow",
            },
            KeyLine {
                keys: &["R"],
                does: "help.k_restrict",
            },
            KeyLine {
                keys: &["1", "…", "6"],
                does: "help.k_policy",
            },
            KeyLine {
                keys: &["0"],
                does: "help.k_purpose",
            },
            KeyLine {
                keys: &["W"],
                does: "help.k_measures",
            },
            KeyLine {
                keys: &["M"],
                does: "help.k_reason",
            },
            KeyLine {
                keys: &["O"],
                does: "help.k_notice",
            },
            KeyLine {
                keys: &["↵", "Ctrl ↵"],
                does: "help.k_submit",
            },
            KeyLine {
                keys: &["Z"],
                does: "undo.key",
            },
            KeyLine {
                keys: &["E"],
                does: "help.k_escalate",
            },
            KeyLine {
                keys: &["T"],
                does: "help.k_take",
            },
        ],
    },
];

#[derive(Template)]
#[template(path = "help.html")]
struct HelpPage {
    shell: Shell,
}

/// `GET /help`
pub async fn show_help(Person { shell, .. }: Person) -> Answer {
    show(&HelpPage { shell })
}

#[cfg(test)]
mod tests {
    use super::super::words::{Lang, Words};
    use super::*;

    #[test]
    fn every_key_is_explained() {
        let words = Words::of(Lang::En);
        for group in GROUPS {
            assert!(words.get(group.title).is_some(), "{}", group.title);
            for line in group.lines {
                assert!(words.get(line.does).is_some(), "{}", line.does);
            }
        }
    }

    /// The letters that the templates bind are in the help, and the help names no others.
    #[test]
    fn the_help_names_the_keys_that_there_are() {
        let templates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let script = include_str!("../../static/console.js");
        let mut bound: std::collections::BTreeSet<String> = ["v", "c", "j", "k", "?", "g"].map(str::to_owned).into();
        for key in &bound {
            assert!(script.contains(&format!("\"{key}\"")), "{key}");
        }
        for file in [
            "desk.html",
            "layout.html",
            "parts/decide.html",
            "parts/measures.html",
            "case.html",
            "cluster.html",
        ] {
            let text = std::fs::read_to_string(templates.join(file)).unwrap();
            bound.extend(
                text.split("data-key=\"")
                    .skip(1)
                    .map(|rest| rest.split('"').next().unwrap().to_owned()),
            );
        }
        let layout = std::fs::read_to_string(templates.join("layout.html")).unwrap();
        bound.extend(
            layout
                .split("data-go=\"")
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().to_owned()),
        );
        bound.retain(|key| !key.contains("loop.index"));
        let told = GROUPS.iter().flat_map(|group| group.lines).flat_map(|line| line.keys);
        let told = told
            .filter(|key| key.chars().count() == 1 && !"123456…↵".contains(**key))
            .map(|key| key.to_lowercase());
        assert_eq!(told.collect::<std::collections::BTreeSet<_>>(), bound);
    }
}
