"""Incident updates -> deliveries (an outbox in the store) -> channels. Judges nothing; knows no page."""
