"""The promises of the room that turns facts into figures."""
