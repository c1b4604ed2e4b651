"""The shipped proof that an adapter keeps its contract: subclass, say how to reach the far side, inherit the tests.

    class TestMySink(SinkConformance):
        endpoint, text = "accept", "name"

        @pytest.fixture(autouse=True)
        def far_side(self, tmp_path): ...          # start a real peer

        def adapter(self): ...                     # a fresh instance that talks to it
        def body(self, n): ...                     # the n-th body the far side likes
        def held(self): ...                        # [(message key, body), ...] as the far side really holds them

The adapter's own `guarantees()` decide which tests run; the others are skipped, each with its reason, or not collected at all when
the class names them in `leaves_out`.
"""

from __future__ import annotations

import pytest

# Before they are imported, so that a failed assertion shows its values in every test suite.
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in ("common", "feedback", "receiver", "sink", "source")))

from adapters.kit.conformance.feedback import FeedbackConformance  # noqa: E402
from adapters.kit.conformance.receiver import ReceiverConformance  # noqa: E402
from adapters.kit.conformance.sink import SinkConformance  # noqa: E402
from adapters.kit.conformance.source import SourceConformance  # noqa: E402

__all__ = ["FeedbackConformance", "ReceiverConformance", "SinkConformance", "SourceConformance"]
