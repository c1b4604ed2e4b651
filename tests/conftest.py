"""Settings for all tests."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no bug: property tests are judged by what they find, never by how long an example takes.
settings.register_profile("hub", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hub")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything is said to be there (HUB_TEST_NOTHING_SKIPPED), a skipped test has failed: it proved nothing."""
    report = yield
    if report.skipped and os.environ.get("HUB_TEST_NOTHING_SKIPPED"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome, report.longrepr = "failed", f"{item.nodeid} was skipped: {reason}"
    return report
