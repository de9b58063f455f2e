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
    // That rules were installed.
    assert_eq!((empty.n_events, empty.faults.len()), (1, 0));
    busy(&world).await;
    let verified = verify_store(&world.app).await.unwrap();
    assert_eq!(verified.faults, Vec::<String>::new());
    // bank.created, entry.added, and for each item: submitted, decided, case opened, action ordered, action confirmed.
    assert_eq!(verified.n_events, 1 + 2 + 3 * 5);
}

pub async fn tampering_with_any_part_of_the_log_is_found(world: World) {
    busy(&world).await;
    let statements = [
        "UPDATE store_event SET body = '{}' WHERE seq = 4",
        "UPDATE store_event SET at = at + 1 WHERE seq = 5",
        "UPDATE store_event SET actor = 'operator' WHERE seq = 6",
        "UPDATE store_event SET hash = prev_hash WHERE seq = 7",
        "DELETE FROM store_event WHERE seq = 8",
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

pub async fn a_log_whose_end_was_moved_back_is_found(world: World) {
    busy(&world).await;
    world
        .sql(
            "UPDATE store_chain SET seq = seq - 1,
                    hash = (SELECT prev_hash FROM store_event WHERE seq = (SELECT MAX(seq) FROM store_event))",
        )
        .await;
    let faults = world.faults().await;
    assert!(
        faults.iter().any(|fault| fault.contains("its end is said to be")),
        "{faults:#?}"
    );
}

pub async fn a_decision_that_was_changed_or_slipped_in_is_found(world: World) {
    busy(&world).await;
    world
        .sql("UPDATE decisions_decision SET outcome = 'allow' WHERE item_id = 'post-1'")
        .await;
    let faults = world.faults().await;
    for expected in [
        "a decision does not stand in the event log as it is: dec_",
        "an item is let go by its last decision and its last order restricts it: post-1",
    ] {
        assert!(
            faults.iter().any(|fault| fault.starts_with(expected)),
            "{expected}\n{faults:#?}"
        );
    }

    world
        .sql(
            "INSERT INTO decisions_decision
                (id, item_id, ordinal, revision, outcome, author_kind, author, reason, facts, seawall_version, rules_version,
                 supersedes, decided_at)
             SELECT 'dec_00000000000000000000000000', item_id, 2, revision, outcome, author_kind, author, reason, facts,
                    seawall_version, rules_version, id, decided_at
             FROM decisions_decision WHERE item_id = 'post-2'",
        )
        .await;
    let faults = world.faults().await;
    let expected = "a decision does not stand in the event log as it is: dec_00000000000000000000000000";
    assert!(faults.iter().any(|fault| fault == expected), "{faults:#?}");
}
