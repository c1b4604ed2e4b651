"""The adapter for far sides that push: signed HTTP requests in which they hand records over to the hub by themselves."""

from __future__ import annotations

from adapters.push.adapter import PushAdapter

__all__ = ["PushAdapter"]
