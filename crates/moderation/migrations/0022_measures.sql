-- In which countries, with which label, which service: empty where an order is of a kind that has none.
ALTER TABLE actions_action ADD COLUMN scope TEXT NOT NULL DEFAULT '';
