"""Crash points of relay and consumer; the mechanism is the database's, which has points of its own."""

from shared.database.crash import at

RELAY_BEFORE_PUBLISH = "relay.before_publish"
RELAY_AFTER_PUBLISH = "relay.after_publish"
CONSUMER_BEFORE_COMMIT = "consumer.before_commit"
CONSUMER_AFTER_EFFECT = "consumer.after_effect"
"""The effect is committed, the offset is not."""

__all__ = ["CONSUMER_AFTER_EFFECT", "CONSUMER_BEFORE_COMMIT", "RELAY_AFTER_PUBLISH", "RELAY_BEFORE_PUBLISH", "at"]
