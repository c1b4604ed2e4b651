"""The durable truth: records, deliveries, attempts, runs, cursors. Nothing outside this package writes SQL."""

from hub.store.opening import Store, open_store

__all__ = ["Store", "open_store"]
