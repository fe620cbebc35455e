-- One user's events without the deductions, of which there may be any number.
CREATE INDEX outbox_rare_of_user ON outbox (user_id, sequence) WHERE type <> 'credit.deducted';
