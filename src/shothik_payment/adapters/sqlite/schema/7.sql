CREATE INDEX payments_check_of_gateway ON payments (gateway, next_check_at, id)
    WHERE next_check_at IS NOT NULL;
