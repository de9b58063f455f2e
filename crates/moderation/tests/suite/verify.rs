//! Verification finds what was tampered with.

use moderation::flows::verify::verify_store;

use super::world::{World, hash_of};

async fn busy(world: &World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    for n in 0..3 {
        world.submit(&format!("post-{n}"), hash_of(1)).await;
    }
    world.deliver().await;
}

pub async fn a_sound_store_has_no_faults(world: World) {
    let empty = verify_store(&world.app).await.unwrap();
    assert_eq!((empty.n_events, empty.faults.len()), (0, 0));
    busy(&world).await;
    let verified = verify_store(&world.app).await.unwrap();
    assert_eq!(verified.faults, Vec::<String>::new());
    // bank.created, entry.added, and for each item: submitted, decided, case opened, action ordered, action confirmed.
    assert_eq!(verified.n_events, 2 + 3 * 5);
}

pub async fn tampering_with_any_part_of_the_log_is_found(world: World) {
    busy(&world).await;
    let statements = [
        "UPDATE store_event SET body = '{}' WHERE seq = 3",
        "UPDATE store_event SET at = at + 1 WHERE seq = 4",
        "UPDATE store_event SET actor = 'operator' WHERE seq = 5",
        "UPDATE store_event SET hash = prev_hash WHERE seq = 6",
        "DELETE FROM store_event WHERE seq = 7",
        "DELETE FROM store_event WHERE seq = (SELECT MAX(seq) FROM store_event)",
    ];
    let mut n_faults = 0;
    for statement in statements {
        world.sql(statement).await;
        let faults = world.faults().await;
        assert!(faults.len() > n_faults, "not found: {statement}\n{faults:#?}");
        n_faults = faults.len();
    }
}

pub async fn an_order_without_a_decision_is_found(world: World) {
    busy(&world).await;
    world
        .sql("DELETE FROM decisions_decision WHERE item_id = 'post-1'")
        .await;
    let faults = world.faults().await;
    assert!(
        faults
            .iter()
            .any(|fault| fault.starts_with("an action has no decision on its item: act_")),
        "{faults:#?}"
    );
    assert!(
        faults.iter().any(|fault| fault == "an item has no decision: post-1"),
        "{faults:#?}"
    );
}
