"""The state machine of credits and the writer that feeds it."""
