//! Backups: whole or refused, and the same in either engine.

use moderation::flows::backup::{ArchiveError, read_backup, write_backup};
use moderation::flows::verify::verify_store;
use moderation::store::{Engine, Store};

use super::world::{World, bytes, fresh_postgres, hash_of, item, open};

async fn backup_of_a_busy_store(world: &World) -> Vec<u8> {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    for n in 0..700 {
        world.submit(&format!("post-{n}"), hash_of(n)).await;
    }
    let media = vec![
        bytes("a.png", include_bytes!("../data/waves.png")),
        bytes("b.png", b"broken"),
    ];
    moderation::flows::submit::submit_item(
        &world.app,
        &moderation::model::Actor::Operator,
        item("post-x", media),
        None,
    )
    .await
    .unwrap();
    let mut file = Vec::new();
    write_backup(&world.app.store, &mut file).await.unwrap();
    file
}

pub async fn a_backup_restores_into_either_engine(world: World) {
    let file = backup_of_a_busy_store(&world).await;
    let before = verify_store(&world.app).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite://{}", folder.path().join("restored.db").display());
    let mut targets = vec![sqlite];
    if world.app.store.engine() == Engine::Postgres || std::env::var("SEAWALL_TEST_POSTGRES").is_ok() {
        targets.push(fresh_postgres().await);
    }
    for url in targets {
        let store = Store::open(&url).await.unwrap();
        read_backup(&store, &file[..]).await.unwrap();
        let mut again = Vec::new();
        write_backup(&store, &mut again).await.unwrap();
        assert!(
            inflate(&again) == inflate(&file),
            "a backup of the restored store differs: {url}"
        );
        assert!(matches!(
            read_backup(&store, &file[..]).await,
            Err(ArchiveError::NotEmpty)
        ));
        store.close().await;
        let app = open(&url, world.clock.clone(), &world.platform, 9).await;
        if app.store.engine() == Engine::Postgres {
            let counted = "SELECT COUNT(DISTINCT tablename) FROM pg_stats WHERE tablename IN ('items_item', 'banks_signal_beginning')";
            let mut conn = app.store.reader().await.unwrap();
            let n_counted: i64 = sqlx::query_scalar(counted).fetch_one(&mut *conn).await.unwrap();
            assert_eq!(n_counted, 2, "the planner knows what was restored");
        }
        assert_eq!(verify_store(&app).await.unwrap(), before);
        assert_eq!(app.matcher.stats(), world.app.matcher.stats());
    }
}

pub async fn a_damaged_backup_is_refused_whole(world: World) {
    let file = backup_of_a_busy_store(&world).await;
    let text = inflate(&file);
    let cut_line = text.rfind("post-699").unwrap();
    let mut damaged = vec![
        ("empty", Vec::new()),
        ("not gzip", b"hello".to_vec()),
        ("cut", file[..file.len() / 2].to_vec()),
        (
            "without its last line",
            deflate(&text[..text.trim_end().rfind('\n').unwrap() + 1]),
        ),
        ("changed", deflate(&text.replacen("post-699", "post-698x", 1))),
        ("with a line cut", deflate(&text[..cut_line])),
        (
            "of another version",
            deflate(&text.replacen("\"seawall_backup\":1", "\"seawall_backup\":2", 1)),
        ),
        (
            "with a strange table",
            deflate(&text.replacen("items_item", "items_itum", 1)),
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}", folder.path().join("restored.db").display()))
        .await
        .unwrap();
    for (what, bytes) in damaged.drain(..) {
        let error = read_backup(&store, &bytes[..]).await.expect_err(what);
        assert!(
            matches!(
                error,
                ArchiveError::Damaged { .. } | ArchiveError::Version { .. } | ArchiveError::Store(_)
            ),
            "{what}: {error:?}"
        );
    }
    // Nothing of the damaged ones stayed.
    read_backup(&store, &file[..]).await.unwrap();
}

fn inflate(bytes: &[u8]) -> String {
    std::io::read_to_string(flate2::read::GzDecoder::new(bytes)).unwrap()
}

fn deflate(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}
