//! Banks change, and what is matched against changes with them.

use std::collections::HashSet;
use std::time::Duration;

use moderation::flows::banks::{BankError, add_entry, change_bank, create_bank, import_entries, set_entry_state};
use moderation::flows::{follow, upkeep};
use moderation::matching::{MatchSettings, Matcher};
use moderation::model::{BankChange, Clock, EntryState, NewBank, NewEntry, Outcome, PageRequest};
use moderation::store::{Created, Engine, IdempotencyKey};
use moderation::views;
use signal::{Md5, Sha256, Signal};

use super::world::{World, entry_of, hash_of};

const NOTHING: BankChange = BankChange {
    description: None,
    confirmed: None,
    enabled: None,
    crops: None,
};

pub async fn an_entry_is_found_as_soon_as_the_call_returns(world: World) {
    let bank = world.bank("known", true).await;
    let signals = [hash_of(1), Signal::Md5(Md5::of(b"x")), Signal::Sha256(Sha256::of(b"x"))];
    for signal in signals {
        assert_eq!(world.check(signal.clone()).await.outcome, Outcome::Allow);
        world.entry(bank, signal.clone()).await;
        assert_eq!(world.check(signal).await.outcome, Outcome::Restrict);
    }
}

pub async fn what_is_disabled_removed_or_expired_is_not_found(world: World) {
    let bank = world.bank("known", true).await;
    let entry = world.entry(bank, hash_of(1)).await;
    let set = async |state| set_entry_state(&world.app, &world.admin, entry, state).await;
    set(EntryState::Disabled).await.unwrap();
    assert_eq!(world.check(hash_of(1)).await.outcome, Outcome::Allow);
    set(EntryState::Enabled).await.unwrap();
    assert_eq!(world.check(hash_of(1)).await.outcome, Outcome::Restrict);

    let change = async |change| change_bank(&world.app, &world.admin, bank, change).await.unwrap();
    change(BankChange {
        enabled: Some(false),
        ..NOTHING
    })
    .await;
    assert_eq!(world.check(hash_of(1)).await.outcome, Outcome::Allow);
    change(BankChange {
        enabled: Some(true),
        confirmed: Some(false),
        ..NOTHING
    })
    .await;
    assert_eq!(world.check(hash_of(1)).await.outcome, Outcome::Review);

    set(EntryState::Removed).await.unwrap();
    assert_eq!(world.check(hash_of(1)).await.outcome, Outcome::Allow);
    assert!(matches!(
        set(EntryState::Enabled).await,
        Err(BankError::Invalid { field: "state", .. })
    ));

    let expires_at = Some(world.clock.now().after(Duration::from_secs(60)));
    let new = NewEntry {
        expires_at,
        ..entry_of(vec![hash_of(2)])
    };
    add_entry(&world.app, &world.admin, bank, new, None, None)
        .await
        .unwrap();
    assert_eq!(world.check(hash_of(2)).await.outcome, Outcome::Review);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.check(hash_of(2)).await.outcome, Outcome::Allow);
}

pub async fn an_import_can_be_run_again(world: World) {
    let bank = world.bank("known", true).await;
    let entries: Vec<NewEntry> = (0..50).map(|n| entry_of(vec![hash_of(n)])).collect();
    let import = async |entries| import_entries(&world.app, &world.admin, bank, entries).await.unwrap();
    let first = import(entries[..30].to_vec()).await;
    assert_eq!((first.added, first.already_present), (30, 0));
    let second = import(entries).await;
    assert_eq!((second.added, second.already_present), (20, 30));
    assert_eq!(
        views::bank(&world.app, &world.admin, bank)
            .await
            .unwrap()
            .unwrap()
            .n_entries,
        50
    );
    assert_eq!(world.app.matcher.stats().n_hashes, 50);
    let hollow = import_entries(&world.app, &world.admin, bank, vec![entry_of(Vec::new())]).await;
    assert!(matches!(hollow, Err(BankError::Invalid { field: "signals", .. })));
}

/// Rows go in several at a time and in another order than the file's: every one has to end where it belongs.
pub async fn an_import_of_many_keeps_each_entry_whole(world: World) {
    let bank = world.bank("known", true).await;
    let elsewhere = world.bank("elsewhere", true).await;
    let other = world.second_process().await;
    let digest = |n: u64| Signal::Md5(Md5::of(&n.to_be_bytes()));
    let ends = world.clock.now().after(Duration::from_secs(60));
    let entry = |n: u64| NewEntry {
        name: format!("'); {n}"),
        labels: vec![format!("label {n}"), "x".to_owned()],
        source: format!("source {n}"),
        expires_at: n.is_multiple_of(3).then_some(ends),
        signals: match n % 4 {
            0 => vec![digest(n), hash_of(n)],
            _ => vec![hash_of(n)],
        },
    };
    // What another bank has, and what was removed from this one, is new here.
    import_entries(&world.app, &world.admin, elsewhere, vec![entry(1)])
        .await
        .unwrap();
    let removed = world.entry(bank, hash_of(2)).await;
    set_entry_state(&world.app, &world.admin, removed, EntryState::Removed)
        .await
        .unwrap();
    // Of the 8th one signal is known and the other is not; the 12th stands in the file twice.
    world.entry(bank, digest(8)).await;
    let mut entries: Vec<NewEntry> = (0..101).map(entry).collect();
    entries.insert(50, entry(12));
    let imported = import_entries(&world.app, &world.admin, bank, entries).await.unwrap();
    assert_eq!((imported.added, imported.already_present), (101, 1));

    let page = PageRequest {
        cursor: None,
        limit: PageRequest::LIMIT_MAX,
    };
    let kept = views::list_entries(&world.app, &world.admin, bank, &page)
        .await
        .unwrap();
    let kept: Vec<_> = kept.rows.into_iter().filter(|kept| !kept.source.is_empty()).collect();
    assert!(kept.is_sorted_by_key(|kept| kept.handle), "numbered as in the file");
    let kept: Vec<NewEntry> = kept
        .into_iter()
        .map(|kept| NewEntry {
            name: kept.name,
            labels: kept.labels,
            source: kept.source,
            expires_at: kept.expires_at,
            signals: kept.signals,
        })
        .collect();
    assert_eq!(kept, (0..101).map(entry).collect::<Vec<_>>());

    follow::catch_up(&other).await.unwrap();
    for n in 0..101 {
        assert_eq!(world.check(hash_of(n)).await.outcome, Outcome::Restrict, "{n}");
        assert_eq!(
            world.check_in(&other, hash_of(n)).await.outcome,
            Outcome::Restrict,
            "{n}"
        );
    }
    assert_eq!(world.faults().await, Vec::<String>::new());
}

/// Signals are found by the beginning of their values; two that begin alike are two.
pub async fn digests_that_begin_alike_are_not_the_same(world: World) {
    let bank = world.bank("known", true).await;
    let digest = |end: u8| {
        let mut bytes = [7; 16];
        bytes[15] = end;
        Signal::Md5(Md5::from_bytes(bytes))
    };
    for end in 0..2 {
        assert_eq!(world.check(digest(end)).await.outcome, Outcome::Allow, "{end}");
        let imported = import_entries(&world.app, &world.admin, bank, vec![entry_of(vec![digest(end)])]).await;
        assert_eq!(imported.unwrap().added, 1, "{end}");
        assert_eq!(world.check(digest(end)).await.outcome, Outcome::Restrict, "{end}");
    }
}

/// More of them than one statement asks for, told together as one beginning.
pub async fn a_family_that_begins_alike_is_imported_once(world: World) {
    let bank = world.bank("known", true).await;
    let member = |n: u8| {
        let mut bytes = [7; 16];
        bytes[8 + usize::from(n) % 8] = n;
        entry_of(vec![Signal::Md5(Md5::from_bytes(bytes))])
    };
    let family = || (8..200).map(member).collect::<Vec<_>>();
    for (entries, expected) in [
        (family(), (192, 0)),
        (family(), (0, 192)),
        // Twice in one file, and the rest known.
        ((0..200).chain(0..8).map(member).collect(), (8, 200)),
    ] {
        let imported = import_entries(&world.app, &world.admin, bank, entries).await.unwrap();
        assert_eq!((imported.added, imported.already_present), expected);
    }
}

/// An import takes its numbers of the feed at once, while others write: who follows the feed meanwhile misses nothing.
pub async fn an_import_and_others_who_write_leave_no_gap_in_the_feed(world: World) {
    const PARTS: u64 = 8;
    const OF_PART: u64 = 150;
    const SINGLE: u64 = 40;
    let bank = world.bank("known", true).await;
    let other = world.second_process().await;
    let follower = world.second_process().await;
    let import = async {
        for part in 0..PARTS {
            let entries = (part * OF_PART..(part + 1) * OF_PART).map(|n| entry_of(vec![hash_of(n)]));
            import_entries(&world.app, &world.admin, bank, entries.collect())
                .await
                .unwrap();
        }
    };
    let write = async {
        for n in 0..SINGLE {
            let entry = entry_of(vec![hash_of(1_000_000 + n)]);
            add_entry(&other, &world.admin, bank, entry, None, None).await.unwrap();
        }
    };
    let both = async { tokio::join!(import, write) };
    let mut both = std::pin::pin!(both);
    loop {
        tokio::select! {
            _ = &mut both => break,
            followed = follow::catch_up(&follower) => followed.unwrap(),
        }
        tokio::task::yield_now().await;
    }
    follow::catch_up(&follower).await.unwrap();
    for n in (0..PARTS * OF_PART).step_by(7).chain(1_000_000..1_000_000 + SINGLE) {
        assert_eq!(
            world.check_in(&follower, hash_of(n)).await.outcome,
            Outcome::Restrict,
            "{n}"
        );
    }
    let n_of = async |statement: &'static str| -> i64 {
        let mut conn = world.app.store.reader().await.unwrap();
        sqlx::query_scalar(statement).fetch_one(&mut *conn).await.unwrap()
    };
    let n_entries = (PARTS * OF_PART + SINGLE) as i64;
    assert_eq!(
        n_of("SELECT COUNT(DISTINCT change_seq) FROM banks_entry").await,
        n_entries
    );
    assert_eq!(n_of("SELECT COUNT(DISTINCT handle) FROM banks_entry").await, n_entries);
    let n_imported = n_of("SELECT COUNT(*) FROM store_event WHERE kind = 'bank.imported'").await;
    assert_eq!(n_imported, PARTS as i64, "one line of the log for each part");
    assert_eq!(world.faults().await, Vec::<String>::new());
}

/// Without counts of what it holds, Postgres reads a whole bank for each signal that is looked for, until it counts by itself.
pub async fn the_planner_knows_of_a_bank_that_grew(world: World) {
    let bank = world.bank("known", true).await;
    if world.app.store.engine() == Engine::Sqlite {
        // It plans by the statement: there is nothing to tell.
        return;
    }
    let n_counted = async || -> i64 {
        let mut conn = world.app.store.reader().await.unwrap();
        let counted = "SELECT COUNT(*) FROM pg_stats WHERE tablename = 'banks_signal_beginning'";
        sqlx::query_scalar(counted).fetch_one(&mut *conn).await.unwrap()
    };
    let import = async |range: std::ops::Range<u64>| {
        let entries = range.map(|n| entry_of(vec![hash_of(n)])).collect();
        import_entries(&world.app, &world.admin, bank, entries).await.unwrap();
    };
    import(0..900).await;
    assert_eq!(n_counted().await, 0, "reading so few is as fast");
    import(900..1_023).await;
    assert_eq!(n_counted().await, 0);
    world.entry(bank, hash_of(1_023)).await;
    assert_eq!(n_counted().await, 1, "one by one it grows, too");
}

pub async fn two_imports_of_one_file_at_once_add_each_entry_once(world: World) {
    let bank = world.bank("known", true).await;
    let other = world.second_process().await;
    let entries: Vec<NewEntry> = (0..500).map(|n| entry_of(vec![hash_of(n)])).collect();
    let (one, two) = tokio::join!(
        import_entries(&world.app, &world.admin, bank, entries.clone()),
        import_entries(&other, &world.admin, bank, entries)
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.added + two.added, 500);
    assert_eq!(one.already_present + two.already_present, 500);
    let row = views::bank(&world.app, &world.admin, bank).await.unwrap().unwrap();
    assert_eq!(row.n_entries, 500);
}

pub async fn the_same_key_makes_one_entry(world: World) {
    let key = |fingerprint: &str| IdempotencyKey {
        caller: "key_1".to_owned(),
        key: "k".to_owned(),
        fingerprint: fingerprint.to_owned(),
    };
    let new = NewBank {
        name: "known".to_owned(),
        description: String::new(),
        confirmed: true,
    };
    let make = async |key: IdempotencyKey| create_bank(&world.app, &world.admin, new.clone(), Some(&key)).await;
    let Created::New(bank) = make(key("1")).await.unwrap() else {
        panic!()
    };
    assert_eq!(make(key("1")).await.unwrap(), Created::Replayed(bank));
    assert!(matches!(make(key("2")).await, Err(BankError::KeyReused)));
    let taken = create_bank(&world.app, &world.admin, new.clone(), None).await;
    assert!(matches!(taken, Err(BankError::NameTaken)));
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn another_process_sees_changes_through_the_feed(world: World) {
    let bank = world.bank("known", true).await;
    let other = world.second_process().await;
    let entry = world.entry(bank, hash_of(1)).await;
    assert_eq!(other.matcher.stats().n_hashes, 0);
    follow::catch_up(&other).await.unwrap();
    assert_eq!(other.matcher.stats().n_hashes, 1);
    set_entry_state(&other, &world.admin, entry, EntryState::Disabled)
        .await
        .unwrap();
    follow::catch_up(&world.app).await.unwrap();
    assert_eq!(world.check(hash_of(1)).await.outcome, Outcome::Allow);
    assert_eq!(views::metrics(&world.app).await.unwrap().matcher_behind, 0);
}

pub async fn what_was_found_before_is_not_found_once_it_is_out_of_force(world: World) {
    let bank = world.bank("known", true).await;
    let ends = world.clock.now().after(Duration::from_secs(60));
    let entry = NewEntry {
        expires_at: Some(ends),
        ..entry_of(vec![hash_of(1)])
    };
    moderation::flows::banks::add_entry(&world.app, &world.admin, bank, entry, None, None)
        .await
        .unwrap();
    world.entry(bank, hash_of(2)).await;
    for _ in 0..2 {
        assert_eq!(world.check(hash_of(1)).await.outcome, Outcome::Restrict);
        assert_eq!(world.check(hash_of(2)).await.outcome, Outcome::Restrict);
    }
    // The clock alone takes one out of force, and a change of the bank the other.
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(world.check(hash_of(1)).await.outcome, Outcome::Allow);
    assert_eq!(world.check(hash_of(2)).await.outcome, Outcome::Restrict);
    let off = BankChange {
        enabled: Some(false),
        ..NOTHING
    };
    change_bank(&world.app, &world.admin, bank, off).await.unwrap();
    assert_eq!(world.check(hash_of(2)).await.outcome, Outcome::Allow);
}

pub async fn an_index_in_a_folder_goes_on_where_it_stopped(world: World) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    let bank = world.bank("known", true).await;
    let first = world.entry(bank, hash_of(1)).await;
    world.entry(bank, hash_of(2)).await;

    let other = world.process_with_index(&path).await;
    assert_eq!(other.matcher.stats().n_hashes, 2);
    other.matcher.persist().unwrap();
    let cursor = other.matcher.cursor();
    drop(other);
    // While it is away, one entry comes and one goes.
    world.entry(bank, hash_of(3)).await;
    set_entry_state(&world.app, &world.admin, first, EntryState::Disabled)
        .await
        .unwrap();

    let opened = Matcher::open(*world.app.matcher.settings(), &path).unwrap();
    let cursors = (opened.hashes.unwrap().cursor, opened.keypoints.unwrap().cursor);
    assert_eq!((cursors, opened.matcher.stats().n_hashes), ((cursor, cursor), 2));
    assert_eq!(opened.damage, []);
    drop(opened);
    let again = world.process_with_index(&path).await;
    assert_eq!(again.matcher.stats().n_hashes, 2);
    for (n, expected) in [(1, Outcome::Allow), (2, Outcome::Restrict), (3, Outcome::Restrict)] {
        assert_eq!(world.check_in(&again, hash_of(n)).await.outcome, expected, "{n}");
    }
    drop(again);

    // A file that was damaged is made anew from the banks.
    for file in std::fs::read_dir(&path).unwrap() {
        let file = file.unwrap().path();
        if file.file_name().unwrap().to_str().unwrap().starts_with("segment-") {
            std::fs::write(file, "no segment").unwrap();
        }
    }
    let mended = world.process_with_index(&path).await;
    assert_eq!(world.check_in(&mended, hash_of(2)).await.outcome, Outcome::Restrict);
}

pub async fn an_index_of_another_store_is_not_believed(world: World) {
    let folder = tempfile::tempdir().unwrap();
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    let other = World::on_sqlite().await;
    let foreign = other.bank("other", true).await;
    for n in 0..5 {
        other.entry(foreign, hash_of(100 + n)).await;
    }
    let process = other.process_with_index(folder.path()).await;
    process.matcher.persist().unwrap();
    drop(process);

    // The other store is further on, so that its cursor would pass over everything here.
    let process = world.process_with_index(folder.path()).await;
    assert_eq!(process.matcher.stats().n_hashes, 1);
    assert_eq!(world.check_in(&process, hash_of(1)).await.outcome, Outcome::Restrict);
}

pub async fn an_index_of_other_qualities_is_made_anew(world: World) {
    let folder = tempfile::tempdir().unwrap();
    let bank = world.bank("known", true).await;
    let Signal::Pdq { hash, .. } = hash_of(1) else { panic!() };
    let blurred = Signal::Pdq {
        hash,
        quality: Some(40),
    };
    world.entry(bank, blurred).await;
    for (quality_min, n_hashes, expected) in [
        (50, 0, Outcome::Allow),
        (30, 1, Outcome::Restrict),
        (50, 0, Outcome::Allow),
    ] {
        let settings = MatchSettings {
            quality_min,
            ..MatchSettings::default()
        };
        let process = world.process_with_settings(folder.path(), settings).await;
        assert_eq!(process.matcher.stats().n_hashes, n_hashes, "from {quality_min} on");
        assert_eq!(world.check_in(&process, hash_of(1)).await.outcome, expected);
        process.matcher.persist().unwrap();
    }
}

pub async fn pages_cover_every_entry_once(world: World) {
    let bank = world.bank("known", true).await;
    let entries = (0..57)
        .map(|n| NewEntry {
            name: format!("{n}"),
            ..entry_of(vec![hash_of(n), hash_of(n + 1_000)])
        })
        .collect();
    import_entries(&world.app, &world.admin, bank, entries).await.unwrap();
    let mut request = PageRequest {
        cursor: None,
        limit: 10,
    };
    let mut names = Vec::new();
    loop {
        let page = views::list_entries(&world.app, &world.admin, bank, &request)
            .await
            .unwrap();
        assert!(page.rows.iter().all(|entry| entry.signals.len() == 2));
        names.extend(page.rows.into_iter().map(|entry| entry.name));
        match page.next {
            Some(next) => request.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(names.len(), 57);
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), 57);
    request.cursor = Some("nonsense".to_owned());
    assert!(matches!(
        views::list_entries(&world.app, &world.admin, bank, &request).await,
        Err(views::ViewError::BadCursor)
    ));
}

/// In Danish `aa` is a letter that comes after `z`. Ids are compared by their bytes, wherever the database stands.
pub async fn entries_are_whole_whatever_the_language_of_the_database(world: World) {
    let world = match world.app.store.engine() {
        Engine::Sqlite => world,
        Engine::Postgres => World::on_postgres_in("da").await,
    };
    let bank = world.bank("known", true).await;
    let mut request = PageRequest {
        cursor: None,
        limit: 200,
    };
    // Ids of one moment are counted up, so that somewhere among so many the last two digits are `aa`.
    let entries = (0..1_100).map(|n| entry_of(vec![hash_of(n)])).collect();
    import_entries(&world.app, &world.admin, bank, entries).await.unwrap();
    let mut ids = Vec::new();
    loop {
        let page = views::list_entries(&world.app, &world.admin, bank, &request)
            .await
            .unwrap();
        for entry in page.rows {
            assert_eq!(entry.signals.len(), 1, "{}", entry.id);
            ids.push(entry.id);
        }
        match page.next {
            Some(next) => request.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(ids.len(), 1_100);
    assert!(ids.is_sorted(), "the oldest first");
}

pub async fn keys_are_forgotten_after_a_week(world: World) {
    let make = async |name: &str| {
        let key = IdempotencyKey {
            caller: "key_1".to_owned(),
            key: "k".to_owned(),
            fingerprint: "1".to_owned(),
        };
        let new = NewBank {
            name: name.to_owned(),
            description: String::new(),
            confirmed: false,
        };
        create_bank(&world.app, &world.admin, new, Some(&key)).await.unwrap()
    };
    let Created::New(first) = make("one").await else {
        panic!()
    };
    world.clock.advance(upkeep::IDEMPOTENCY_LIFETIME);
    upkeep::forget_what_is_over(&world.app).await.unwrap();
    assert_eq!(make("two").await, Created::Replayed(first));
    world.clock.advance(Duration::from_millis(1));
    upkeep::forget_what_is_over(&world.app).await.unwrap();
    assert!(matches!(make("two").await, Created::New(_)));
}
