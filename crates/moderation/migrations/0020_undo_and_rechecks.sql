-- An order that a person may still take back leaves only after this.
ALTER TABLE actions_action ADD COLUMN held_until BIGINT;
-- When it first left: what left is not taken back.
ALTER TABLE actions_action ADD COLUMN started_at BIGINT;
-- How often it was given: once more under a key of its own, where a re-check found that it was not carried out.
ALTER TABLE actions_action ADD COLUMN run BIGINT NOT NULL DEFAULT 1;
-- Of an order in doubt: what the re-check found.
ALTER TABLE actions_action ADD COLUMN found TEXT;
-- The decision that let go of an account without an order.
ALTER TABLE actions_action ADD COLUMN let_go_by TEXT;

UPDATE actions_action SET started_at = trying_since WHERE attempts > 0 OR state <> 'waiting';

CREATE INDEX actions_action_decision ON actions_action (decision_id);

-- What was found when it was asked again whether an order was carried out.
CREATE TABLE actions_recheck (
    action_id TEXT NOT NULL,
    run BIGINT NOT NULL,
    n BIGINT NOT NULL,
    checked_at BIGINT NOT NULL,
    found TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (action_id, run, n)
);
