"""The HTTP surface: health, metrics, and /api/v1 for runs, deliveries and systems."""
