"""Measurements side by side, ratios printed; never a test. See docs/performance.md for what each compares."""
