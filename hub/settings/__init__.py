"""The configuration as values: what `config/` and `mappings/` say, checked as a whole or refused with every finding."""

from __future__ import annotations

from hub.settings.load import load
from hub.settings.model import (
    DatasetSettings,
    HttpSettings,
    ParentSettings,
    PartSettings,
    PlatformSettings,
    QualitySettings,
    RouteSettings,
    ScheduleSettings,
    Settings,
    SystemSettings,
    TermsSettings,
)

__all__ = [
    "DatasetSettings",
    "HttpSettings",
    "ParentSettings",
    "PartSettings",
    "PlatformSettings",
    "QualitySettings",
    "RouteSettings",
    "ScheduleSettings",
    "Settings",
    "SystemSettings",
    "TermsSettings",
    "load",
]
