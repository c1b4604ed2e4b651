"""The shipped proof that an adapter keeps its contract: subclass, say how to reach the far side, inherit the tests.

    class TestMySink(SinkConformance):
        endpoint, text = "accept", "name"

        @pytest.fixture(autouse=True)
        def far_side(self, tmp_path): ...          # start a real peer

        def adapter(self): ...                     # a fresh instance that talks to it
        def body(self, n): ...                     # the n-th body the far side likes
        def held(self): ...                        # [(message key, body), ...] as the far side really holds them

The adapter's own `guarantees()` decide which tests run; the others are skipped, each with its reason. pytest shows the values of
a failed assertion if the test package says `pytest.register_assert_rewrite("adapters.kit.conformance")` before importing this.
"""

from __future__ import annotations

from adapters.kit.conformance.sink import SinkConformance
from adapters.kit.conformance.source import SourceConformance

__all__ = ["SinkConformance", "SourceConformance"]
