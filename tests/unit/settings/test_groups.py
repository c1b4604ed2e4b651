"""Datasets and platforms name what is there, each member once; whatever is wrong is told with its place and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import ConfigurationError
from hub.settings import load
from tests import configs

GROUPS = """
    datasets:
      cases: {title: 办件信息库, kinds: [case, local/step], note: 推测}
      certificates: {title: 电子证照库}
    platforms:
      exchange: {title: 数据交换平台, systems: [city]}
      approval: {title: 网上审批平台, systems: [local]}
    """


def test_groups_become_values_in_the_order_of_the_file(tmp_path: Path) -> None:
    made = load(configs.write(tmp_path, {"config/hub.yaml": configs.HUB + GROUPS}), env={})
    assert [(one.name, one.title, one.kinds, one.note) for one in made.datasets] == [
        ("cases", "办件信息库", (("local", "case"), ("local", "step")), "推测"),
        ("certificates", "电子证照库", (), ""),
    ]
    assert [(one.name, one.systems) for one in made.platforms] == [("exchange", ("city",)), ("approval", ("local",))]
    platform = made.platform_of("local")
    assert platform is not None
    assert platform.title == "网上审批平台"
    assert made.platform_of("nobody") is None


def test_a_kind_without_a_source_is_that_of_every_source(tmp_path: Path) -> None:
    second = configs.LOCAL.replace("system: local", "system: town").replace("schemas: {case: local/case, step: local/step}", "")
    files: dict[str, str | None] = {"config/hub.yaml": configs.HUB + GROUPS, "config/systems/town.yaml": second}
    made = load(configs.write(tmp_path, files), env={})
    assert made.datasets[0].kinds == (("local", "case"), ("town", "case"), ("local", "step"))


@pytest.mark.parametrize(
    ("old", "new", "code", "path", "hint"),
    [
        ("kinds: [case,", "kinds: [csae,", "HUB-C-164", "datasets.cases.kinds[0]", "did you mean case?"),
        ("local/step", "lokal/step", "HUB-C-164", "datasets.cases.kinds[1]", "did you mean local/step?"),
        (
            "title: 电子证照库",
            "title: 电子证照库, kinds: [local/case]",
            "HUB-C-165",
            "datasets.certificates.kinds[0]",
            "one of them",
        ),
        ("systems: [city]", "systems: [ctiy]", "HUB-C-140", "platforms.exchange.systems[0]", "did you mean city?"),
        ("systems: [city]", "systems: [local]", "HUB-C-165", "platforms.approval.systems[0]", "one of them"),
        ("title: 电子证照库", "titel: 电子证照库", "HUB-C-106", "datasets.certificates.titel", "did you mean title?"),
    ],
)
def test_what_is_wrong_is_told_where_and_how(tmp_path: Path, old: str, new: str, code: str, path: str, hint: str) -> None:
    assert old in GROUPS
    with pytest.raises(ConfigurationError) as caught:
        load(configs.write(tmp_path, {"config/hub.yaml": configs.HUB + GROUPS.replace(old, new)}), env={})
    found = next(one for one in caught.value.findings if one.code == code)
    assert (found.place.file, found.place.path) == ("config/hub.yaml", path)
    assert hint in found.hint


def test_a_system_with_findings_of_its_own_makes_none_here(tmp_path: Path) -> None:
    files: dict[str, str | None] = {
        "config/hub.yaml": configs.HUB + GROUPS,
        "config/systems/local.yaml": configs.LOCAL.replace("tests.fakes:", "tests.fake:"),
    }
    with pytest.raises(ConfigurationError) as caught:
        load(configs.write(tmp_path, files), env={})
    assert [one.code for one in caught.value.findings if not one.warning] == ["HUB-C-121"]
