-- Judgements that wait for a second person before they become decisions, and judgements on several items that need none. Nobody approves what they
-- proposed: the table itself sees to that.
CREATE TABLE proposals_proposal (
    id TEXT PRIMARY KEY,
    proposed_by TEXT NOT NULL,
    proposed_at BIGINT NOT NULL,
    reasons TEXT NOT NULL,
    judgement TEXT NOT NULL,
    state TEXT NOT NULL,
    lapses_at BIGINT NOT NULL,
    ended_by TEXT,
    ended_at BIGINT,
    note TEXT NOT NULL,
    carried_at BIGINT,
    undone_at BIGINT,
    CHECK (state <> 'approved' OR (ended_by IS NOT NULL AND ended_by <> proposed_by)),
    CHECK (state <> 'alone' OR reasons = '')
);

CREATE INDEX proposals_proposal_state ON proposals_proposal (state, id);
CREATE INDEX proposals_proposal_lapses ON proposals_proposal (lapses_at) WHERE state = 'waiting';
CREATE INDEX proposals_proposal_carry ON proposals_proposal (id) WHERE state IN ('approved', 'alone') AND carried_at IS NULL;

-- The items of a proposal, each with the revision and the decision that the person saw.
CREATE TABLE proposals_item (
    proposal_id TEXT NOT NULL,
    idx BIGINT NOT NULL,
    item_id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    seen_decision TEXT,
    case_id TEXT,
    notice TEXT,
    state TEXT NOT NULL,
    decision_id TEXT,
    PRIMARY KEY (proposal_id, idx)
);

CREATE INDEX proposals_item_item ON proposals_item (item_id);
CREATE INDEX proposals_item_decision ON proposals_item (decision_id) WHERE decision_id IS NOT NULL;
-- Of one item one judgement waits at a time.
CREATE UNIQUE INDEX proposals_item_waiting ON proposals_item (item_id) WHERE state = 'waiting';
