//! Which folder may touch which table. A table begins with the name of the room that owns it; only that room writes it, and
//! only that room and `views` read it. `flows`, `model` and the other crates hold no SQL at all. So every invariant of a table
//! can be found in one folder.
//!
//! The rule reads string literals, so SQL has to be written as text with table names in full.

use crate::finding::Finding;
use crate::rules::room_arrows;
use crate::source::{self, Literal};
use crate::tree::Tree;
use std::collections::BTreeSet;

const RULE: &str = "table_owners";
const SOURCE: &str = "crates/moderation/src/";
const MIGRATIONS: &str = "crates/moderation/migrations/";

/// Tables that belong to the engine or the migration runner, not to a room.
const FOREIGN_TABLES: &[&str] = &[
    "_sqlx_migrations",
    "sqlite_master",
    "sqlite_schema",
    "information_schema",
    "pg_catalog",
];

/// Files that copy or empty every table whole, unread: they take the tables' names from the migrations and never write one.
const TAKES_WHOLE_TABLES: &[&str] = &[
    "crates/moderation/src/store/archive.rs",
    "crates/moderation/src/store/wipe.rs",
];

/// Modules that own no tables.
const WITHOUT_TABLES: &[&str] = &["model", "flows", "views", "seawall"];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut rooms = room_arrows::top_modules(tree);
    rooms.retain(|module| !WITHOUT_TABLES.contains(&module.as_str()));
    let (tables, mut findings) = tables_of_migrations(tree, &rooms);

    for file in source::shipped(tree, "crates/") {
        if TAKES_WHOLE_TABLES.contains(&file.path.as_str()) {
            continue;
        }
        let is_inside = file.path.starts_with(SOURCE);
        let parsed = match source::parse(file, RULE) {
            Ok(parsed) => parsed,
            Err(finding) => {
                findings.push(finding);
                continue;
            }
        };
        let module = source::module_path(&file.path);
        let here = if is_inside {
            module.first().map_or("lib.rs", String::as_str)
        } else {
            "another crate"
        };
        for literal in source::shipped_literals(&parsed) {
            for (what, remedy) in judge(here, &literal, &rooms, &tables) {
                findings.push(Finding {
                    file: file.path.clone(),
                    line: literal.line,
                    rule: RULE,
                    what,
                    remedy: remedy.into(),
                });
            }
        }
    }
    findings
}

/// What is wrong with one literal, and what to do.
fn judge(
    here: &str,
    literal: &Literal,
    rooms: &BTreeSet<String>,
    tables: &BTreeSet<String>,
) -> Vec<(String, &'static str)> {
    let words = words(&literal.value);
    let writes = written_tables(&words);
    let is_sql = is_sql(&words);
    let mut wrong = Vec::new();

    for table in &writes {
        if !is_sql && !tables.contains(table) {
            continue;
        }
        if FOREIGN_TABLES.contains(&table.as_str()) {
            continue;
        }
        match owner(table, rooms) {
            None => wrong.push((
                format!("`{here}` writes `{table}`, which belongs to no room"),
                "a table begins with the name of the room that owns it, and its name is written in full",
            )),
            Some(room) if room != here => wrong.push((
                format!("`{here}` writes `{table}`, which belongs to `{room}`"),
                "add a function to the room that owns the table and call it from a flow",
            )),
            Some(_) => {}
        }
    }
    let mut reads: BTreeSet<&String> = words.iter().filter(|word| tables.contains(*word)).collect();
    reads.retain(|table| !writes.contains(*table));
    for table in reads {
        let room = owner(table, rooms).unwrap_or("no room");
        if here != room && here != "views" {
            wrong.push((
                format!("`{here}` reads `{table}`, which belongs to `{room}`"),
                "read it through its room from a flow, or write a view: `views` may read every table",
            ));
        }
    }
    if wrong.is_empty() && is_sql && !rooms.contains(here) && here != "views" {
        wrong.push((
            format!("SQL in `{here}`"),
            "SQL stands in the room that owns the table, or in `views`",
        ));
    }
    wrong
}

/// Every table that a migration makes; one that no room owns is a finding.
fn tables_of_migrations(tree: &Tree, rooms: &BTreeSet<String>) -> (BTreeSet<String>, Vec<Finding>) {
    let mut tables = BTreeSet::new();
    let mut findings = Vec::new();
    for file in tree
        .files
        .iter()
        .filter(|file| file.path.starts_with(MIGRATIONS) && file.path.ends_with(".sql"))
    {
        for (idx, line) in file.text.lines().enumerate() {
            let without_comment = line.split("--").next().unwrap_or(line);
            let words = words(without_comment);
            let Some(table) = created_table(&words) else { continue };
            if owner(&table, rooms).is_none() {
                findings.push(Finding {
                    file: file.path.clone(),
                    line: idx + 1,
                    rule: RULE,
                    what: format!("table `{table}` belongs to no room"),
                    remedy: "name it `<room>_<noun>` after a module of crates/moderation/src".into(),
                });
            }
            tables.insert(table);
        }
    }
    (tables, findings)
}

/// The room with the longest name that the table's name begins with.
fn owner<'a>(table: &str, rooms: &'a BTreeSet<String>) -> Option<&'a str> {
    rooms
        .iter()
        .filter(|room| {
            table
                .strip_prefix(room.as_str())
                .is_some_and(|rest| rest.starts_with('_'))
        })
        .max_by_key(|room| room.len())
        .map(String::as_str)
}

/// Names and keywords of a piece of SQL, without quotes; placeholders of `format!` stay as `{…}`.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '{' | '}')))
        .filter(|word| !word.is_empty())
        .map(String::from)
        .collect()
}

/// Keywords are written in capitals here, which tells a statement from a sentence.
fn is_sql(words: &[String]) -> bool {
    const FIRST: &[&str] = &[
        "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH", "CREATE", "ALTER", "DROP", "TRUNCATE", "FROM",
        "WHERE", "JOIN", "VALUES",
    ];
    words.len() > 1 && words.first().is_some_and(|word| FIRST.contains(&word.as_str()))
}

fn created_table(words: &[String]) -> Option<String> {
    let upper: Vec<String> = words.iter().map(|word| word.to_ascii_uppercase()).collect();
    let table_at = upper
        .windows(2)
        .position(|pair| pair[0] == "CREATE" && pair[1] == "TABLE")?
        + 2;
    let skipped = if upper.get(table_at).is_some_and(|word| word == "IF") {
        3
    } else {
        0
    };
    words.get(table_at + skipped).cloned()
}

/// Tables that a statement writes, by the word before them.
fn written_tables(words: &[String]) -> Vec<String> {
    const NOT_TABLES: &[&str] = &["SET", "SKIP", "NOWAIT", "OF", "ON", "CASCADE", "RESTRICT"];
    let mut tables = Vec::new();
    let word_at = |idx: usize| words.get(idx).map(String::as_str).unwrap_or("");
    for idx in 0..words.len() {
        let mut table_idx = match (word_at(idx), word_at(idx + 1)) {
            ("INSERT" | "REPLACE", "INTO") => idx + 2,
            ("INSERT", "OR") => idx + 4, // INSERT OR IGNORE INTO t
            ("UPDATE", "OR") => idx + 3, // UPDATE OR IGNORE t
            ("DELETE", "FROM") => idx + 2,
            ("CREATE" | "ALTER" | "DROP" | "TRUNCATE", "TABLE") => idx + 2,
            ("UPDATE", _) => idx + 1,
            _ => continue,
        };
        if word_at(table_idx) == "ONLY" {
            table_idx += 1;
        }
        if word_at(table_idx) == "IF" {
            table_idx += if word_at(table_idx + 1) == "NOT" { 3 } else { 2 };
        }
        let table = word_at(table_idx);
        if !table.is_empty() && !NOT_TABLES.contains(&table) {
            tables.push(table.to_string());
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{assert_found, assert_none};

    const SQL: &str = "CREATE TABLE cases_case (id TEXT);\nCREATE TABLE IF NOT EXISTS banks_bank (id TEXT);\n";

    fn check_file(path: &str, text: &str) -> Vec<Finding> {
        let mut files = vec![
            ("crates/moderation/src/model/mod.rs", ""),
            ("crates/moderation/src/store/mod.rs", ""),
            ("crates/moderation/src/banks/mod.rs", ""),
            ("crates/moderation/src/cases/mod.rs", ""),
            ("crates/moderation/migrations/0001_start.sql", SQL),
        ];
        files.retain(|(existing, _)| *existing != path);
        files.push((path, text));
        check(&Tree::of(&files))
    }

    #[test]
    fn the_tree_keeps_it() {
        assert_none(&check(&Tree::of_workspace()));
    }

    #[test]
    fn a_room_reads_and_writes_its_own_tables() {
        let text = r#"
            const A: &str = "INSERT INTO cases_case (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET id = $1";
            const B: &str = "SELECT id FROM cases_case WHERE id = $1 FOR UPDATE SKIP LOCKED";
        "#;
        assert_none(&check_file("crates/moderation/src/cases/close.rs", text));
    }

    #[test]
    fn a_room_that_writes_a_neighbours_table_is_refused() {
        for statement in [
            "INSERT INTO banks_bank (id) VALUES ($1)",
            "INSERT OR IGNORE INTO banks_bank (id) VALUES ($1)",
            "UPDATE banks_bank SET id = $1",
            "DELETE FROM banks_bank",
            "CREATE TABLE IF NOT EXISTS banks_bank (id TEXT)",
            "DROP TABLE IF EXISTS banks_bank",
            "WITH x AS (SELECT 1) UPDATE \\\"banks_bank\\\" SET id = $1",
        ] {
            let text = format!("fn f() {{\n    query(\"{statement}\");\n}}\n");
            assert_found(
                &check_file("crates/moderation/src/cases/close.rs", &text),
                &[(
                    "crates/moderation/src/cases/close.rs:2",
                    "`cases` writes `banks_bank`, which belongs to `banks`",
                )],
            );
        }
    }

    #[test]
    fn a_room_that_reads_a_neighbours_table_is_refused_but_views_may() {
        let text = "fn f() { query!(\"SELECT * FROM cases_case JOIN banks_bank USING (id)\"); }\n";
        assert_found(
            &check_file("crates/moderation/src/cases/mod.rs", text),
            &[("crates/moderation/src/cases/mod.rs:1", "`cases` reads `banks_bank`")],
        );
        assert_none(&check_file("crates/moderation/src/views/desk.rs", text));
    }

    #[test]
    fn the_name_of_a_table_alone_counts_as_reading_it() {
        assert_found(
            &check_file(
                "crates/moderation/src/cases/mod.rs",
                "const TABLE: &str = \"banks_bank\";\n",
            ),
            &[("crates/moderation/src/cases/mod.rs:1", "`cases` reads `banks_bank`")],
        );
    }

    #[test]
    fn views_do_not_write() {
        assert_found(
            &check_file(
                "crates/moderation/src/views/desk.rs",
                "const A: &str = \"DELETE FROM cases_case\";\n",
            ),
            &[("crates/moderation/src/views/desk.rs:1", "`views` writes `cases_case`")],
        );
    }

    #[test]
    fn flows_model_and_other_crates_hold_no_sql() {
        let text = "const A: &str = \"SELECT 1 AS one\";\n";
        assert_found(
            &check_file("crates/moderation/src/flows/submit.rs", text),
            &[("crates/moderation/src/flows/submit.rs:1", "SQL in `flows`")],
        );
        assert_found(
            &check_file("crates/moderation/src/model/id.rs", text),
            &[("crates/moderation/src/model/id.rs:1", "SQL in `model`")],
        );
        assert_found(
            &check_file(
                "crates/web/src/lib.rs",
                "const A: &str = \"SELECT id FROM cases_case\";\n",
            ),
            &[("crates/web/src/lib.rs:1", "`another crate` reads `cases_case`")],
        );
    }

    #[test]
    fn a_table_that_no_room_owns_is_refused() {
        assert_found(
            &check_file(
                "crates/moderation/migrations/0002_more.sql",
                "-- CREATE TABLE x\nCREATE TABLE notes (id TEXT);\n",
            ),
            &[(
                "crates/moderation/migrations/0002_more.sql:2",
                "table `notes` belongs to no room",
            )],
        );
        assert_found(
            &check_file(
                "crates/moderation/src/cases/mod.rs",
                "const A: &str = \"INSERT INTO {table} (id) VALUES ($1)\";\n",
            ),
            &[(
                "crates/moderation/src/cases/mod.rs:1",
                "writes `{table}`, which belongs to no room",
            )],
        );
    }

    #[test]
    fn sentences_are_not_statements() {
        let text = "const A: &str = \"Update the case first\"; const B: &str = \"select a file FROM the list\";\n";
        assert_none(&check_file("crates/web/src/lib.rs", text));
    }
}
