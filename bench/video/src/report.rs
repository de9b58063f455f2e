//! The figures as the section of bench/README.md. It measures nothing.

use crate::corpus::Corpus;
use crate::evaluate::Tally;
use crate::survive::{METHODS, Survival, VPDQ_QUERY_PERCENT};
use std::fmt::Write;
use std::time::Duration;

pub fn survival(corpus: &Corpus, survival: &Survival) -> String {
    let n_entries = corpus.entries.len();
    let n_edited = corpus.queries.len() / corpus.edits.len().max(1);
    let n_families = corpus
        .entries
        .iter()
        .map(|entry| &entry.family)
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    let mut text = format!(
        "## What video matching survives\n\n\
         {n_entries} videos of {n_families} families are banked ({minutes:.0} minutes, {bank_bytes}); {n_edited} of them, the {half} half, are edited in {n_edits} ways \
         and looked up among all; {n_strangers} videos that are not banked are looked up too. The index has learnt from {n_benign} harmless videos, none of which is looked up. Which half a family belongs to is decided by a hash of its name \
         (`bench/video/references.py`), and methods and their parameters were chosen on the other half, but for what a first look at this one changed: it had \
         shown false matches in two pairs of videos, one camera at two times and two news programmes, and since \
         then a frame is held against all of an entry, three moments count for one share, and a segment in a layout must be as sure as 10^-13. How \
         often matches are false is therefore a figure that was fitted, not foretold. A family shares a studio and a presenter, a fixed camera at two times, \
         a window, a layout of cards, or one photo of a slideshow, so that a template is not taken for a copy; half of all videos begin with the same intro or countdown.\n\n\
         The edits are those of `bench/video/edits.py`, each member of a family of edits counted for itself; their measures differ from video to video, by chance. *Match* is for \
         automation, *lead* for a person's eyes; the second figure is what was found at match or at lead level. A copy counts as found when a segment of it lies where the copy \
         really shows the entry.\n\n\
         - *vPDQ*: the package `vpdq`, one hash a second, distance at most 31, quality at least 50, found when {VPDQ_QUERY_PERCENT} % of the query's frames match, as the package \
         `threatexchange` decides by default\n\
         - *vPDQ, best*: found when {best} % of the query's *or* of the entry's frames match: the least share at which nothing false is found in these very videos\n\
         - *ours*: the pictures, decoded in the jail of `av-worker` and looked up with `index::videos`\n\
         - *ours with sound*: and the sound, with `index::sounds`; sound alone is a lead, never more, and a lead by pictures with which the same moment is heard is a match\n\n",
        minutes = survival.bank.minutes,
        bank_bytes = format_args!(
            "{} KB a minute of pictures, {} of sound; vPDQ takes {}",
            kilobytes(survival.bank.timeline_bytes, survival.bank.minutes),
            kilobytes(survival.bank.print_bytes, survival.bank.minutes),
            kilobytes(survival.bank.vpdq_bytes, survival.bank.minutes),
        ),
        half = corpus.half,
        n_edits = corpus.edits.len(),
        n_strangers = corpus.strangers.len(),
        n_benign = corpus.benign.len(),
        best = survival.vpdq_best,
    );
    text += &recall_table(corpus, survival);
    text += &wrong_table(survival);
    text += &cost(survival);
    text
}

fn recall_table(corpus: &Corpus, survival: &Survival) -> String {
    let mut text = "| edits, % found at match / at lead | vPDQ | vPDQ, best | ours | ours with sound | sound alone | ours, key frames only |\n|---|--:|--:|--:|--:|--:|--:|\n".to_owned();
    let two = |(at_match, at_lead): (f64, f64)| format!("{at_match:.0} / {at_lead:.0}");
    let row = |pick: &dyn Fn(&Tally) -> (f64, f64)| {
        let one = |tally: &Tally| format!("{:.0}", pick(tally).1);
        let [vpdq, best, ours, together, sound] = survival.tallies.as_slice() else {
            unreachable!("one for each method")
        };
        [
            one(vpdq),
            one(best),
            two(pick(ours)),
            two(pick(together)),
            one(sound),
            two(pick(&survival.key_frames)),
        ]
        .join(" | ")
    };
    for (number, edit) in corpus.edits.iter().enumerate() {
        let cells = row(&|tally| {
            (
                tally.recall[number].match_percent(),
                tally.recall[number].lead_percent(),
            )
        });
        let _ = writeln!(text, "| {edit} | {cells} |");
    }
    let _ = writeln!(text, "| **mean** | {} |", row(&Tally::mean));
    let least = |tally: &Tally| {
        let least = |part: fn(&crate::evaluate::Recall) -> f64| tally.recall.iter().map(part).fold(100.0, f64::min);
        (
            least(crate::evaluate::Recall::match_percent),
            least(crate::evaluate::Recall::lead_percent),
        )
    };
    let _ = writeln!(text, "| **least** | {} |\n", row(&least));
    text
}

fn wrong_table(survival: &Survival) -> String {
    let mut text = "| method | unrelated pairs | false matches | false leads | pairs of one family | of them false | rightly found by what both show | segments | both ends within 2 s |\n\
                    |---|--:|--:|--:|--:|--:|--:|--:|--:|\n"
        .to_owned();
    for (method, tally) in METHODS.iter().zip(&survival.tallies) {
        let wrong = tally.wrong;
        let edges = if tally.edges.n == 0 {
            "– | –".to_owned()
        } else {
            format!(
                "{} | {:.1} %",
                tally.edges.n,
                100.0 * tally.edges.n_good as f64 / tally.edges.n as f64
            )
        };
        let _ = writeln!(
            text,
            "| {method} | {} | {} | {} | {} | {} | {} | {edges} |",
            wrong.n_pairs,
            wrong.n_match,
            wrong.n_lead - wrong.n_match,
            wrong.n_family_pairs,
            wrong.n_family,
            wrong.n_shared
        );
    }
    text + "\nPairs of one family are counted among the unrelated ones: nothing but their template is the same.\n\n"
}

fn cost(survival: &Survival) -> String {
    let scans = survival.scan_cost;
    let look_ups = survival.look_ups;
    let a_minute = |spent: Duration, minutes: f64| spent.as_secs_f64() / minutes.max(f64::MIN_POSITIVE);
    format!(
        "One minute of query costs {with_sound:.2} s of one core to decode, sample and describe, {pictures:.2} s without its sound, and {video:.3} s to look up by its pictures, \
         {sound:.3} s by its sound. The package `vpdq` spends {vpdq:.2} s on a minute of the originals, at one frame a second.\n",
        with_sound = a_minute(scans.with_sound, scans.minutes),
        pictures = a_minute(scans.pictures, scans.minutes),
        video = a_minute(look_ups.video, look_ups.minutes),
        sound = a_minute(look_ups.sound, look_ups.minutes),
        vpdq = survival.vpdq_seconds_a_minute,
    )
}

fn kilobytes(bytes: usize, minutes: f64) -> String {
    format!("{:.1}", bytes as f64 / 1000.0 / minutes)
}
