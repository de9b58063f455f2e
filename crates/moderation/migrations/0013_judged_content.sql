-- SHA-256 of what an item holds, without what changes while nobody touches it: views, followers, reports. Not known of items of before.
ALTER TABLE items_item ADD COLUMN content TEXT;

-- Whom a restriction of an account restricts, and whether its item let go of it while another item's still holds.
ALTER TABLE actions_action ADD COLUMN account TEXT;
ALTER TABLE actions_action ADD COLUMN let_go BIGINT NOT NULL DEFAULT 0;
UPDATE actions_action SET account = (SELECT i.account FROM items_item i WHERE i.id = actions_action.item_id)
WHERE what = 'account' AND kind = 'restrict';
CREATE INDEX actions_action_account ON actions_action (account);

-- The ends of one item's restrictions are asked for whenever it is judged.
CREATE INDEX rules_restriction_item ON rules_restriction (item_id, what);
