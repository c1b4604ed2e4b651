import pytest

pytest.register_assert_rewrite(
    "adapters.kit.conformance.common", "adapters.kit.conformance.sink", "adapters.kit.conformance.source"
)
