"""The configuration is accepted as a whole or refused with every finding, each with its place and a way out."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.errors import ConfigurationError
from hub.model import Finding
from hub.settings import Settings, load
from tests import configs
from tests.fakes import MemoryAdapter
from tests.pushing import SECRET


def settings(directory: Path, files: dict[str, str | None] | None = None, **env: str) -> Settings:
    return load(configs.write(directory, files), env=env)


def findings(directory: Path, files: dict[str, str | None], **env: str) -> list[Finding]:
    with pytest.raises(ConfigurationError) as caught:
        settings(directory, files, **env)
    return caught.value.findings


def only(found: list[Finding], code: str) -> Finding:
    matching = [finding for finding in found if finding.code == code]
    assert len(matching) == 1, [str(finding) for finding in found]
    return matching[0]


def test_a_valid_configuration_becomes_values(tmp_path: Path) -> None:
    made = settings(tmp_path)
    assert (made.name, made.title, made.division, made.timezone) == ("test", "测试中枢", "621125", ZoneInfo("Asia/Shanghai"))
    assert made.store == f"sqlite:///{tmp_path.resolve()}/var/hub.db"
    assert (made.http.host, made.http.port, made.http.token) == ("127.0.0.1", 8621, None)
    assert made.directory == tmp_path.resolve()
    assert made.warnings == ()
    local = made.systems["local"]
    assert (local.kinds, local.endpoints, set(local.schemas)) == (frozenset({"case", "step"}), frozenset(), {"case", "step"})
    assert local.retry[:2] == (timedelta(seconds=30), timedelta(minutes=2))
    assert local.schedule is not None
    assert (local.schedule.cron, local.schedule.overlap, local.schedule.misfire) == ("*/5 * * * *", "skip", "once")


def test_a_feed_says_what_is_expected_of_it_and_a_route_what_it_may_delete(tmp_path: Path) -> None:
    expecting = configs.LOCAL.rstrip(" ") + "    expect: {case: {at_least: 5, per: week}, step: {}}\n"
    routes = configs.ROUTES.replace("lane: BJBH}", "lane: BJBH, deletes: {at_most: 2%, always: 0}}", 1)
    made = settings(tmp_path, {"config/systems/local.yaml": expecting, "config/routes/city.yaml": routes})
    assert {kind: (one.at_least, one.per) for kind, one in made.systems["local"].expect.items()} == {
        "case": (5, "week"),
        "step": (1, "workday"),
    }
    accept, process = made.routes
    assert accept.deletes is not None
    assert (accept.deletes.at_most, accept.deletes.always, accept.deletes.approver) == (0.02, 0, "批量删除审批人")
    assert process.deletes is None


def test_routes_carry_what_the_engine_needs(tmp_path: Path) -> None:
    made = settings(tmp_path)
    accept, process = made.routes
    assert (accept.system, accept.endpoint, accept.mapping.name) == ("city", "accept", "city/accept")
    assert accept.when({}) is True
    assert (process.when({"ZT": "1"}), process.when({"ZT": "2"})) == (True, False)
    assert (process.lane_of({"BJBH": 7}), process.lane_of({"BJBH": ""}), process.lane_of({})) == ("7", None, None)
    assert (process.parent_key_of({"BJBH": "A1"}), accept.parent_key_of({"BJBH": "A1"})) == ("A1", None)
    assert [system.name for system in made.sources()] == ["local"]
    assert made.routes_for("local", "step") == (process,)
    assert made.routes_for("local", "none") == ()


def test_open_makes_a_fresh_adapter_of_that_system(tmp_path: Path) -> None:
    city = settings(tmp_path).systems["city"]
    adapter = city.open()
    assert isinstance(adapter, MemoryAdapter)
    assert adapter.guarantees().batch == 10
    adapter.close()


def test_paths_in_options_start_where_config_stands(tmp_path: Path) -> None:
    options = settings(tmp_path).systems["local"].options
    assert options.records == tmp_path.resolve() / "records.json"  # type: ignore[attr-defined]


def test_no_hub_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path)
    assert caught.value.code == "HUB-C-130"
    assert "hub init" in caught.value.findings[0].hint


def test_all_findings_of_all_files_come_at_once_in_order(tmp_path: Path) -> None:
    found = findings(
        tmp_path,
        {
            "config/hub.yaml": "version: 1\nname: test\ntitle: T\ndivision: 621125\nstor: x\n",
            "config/systems/city.yaml": "version: 2\nsystem: city\ntitle: C\nadapter: rset\n",
            "config/routes/city.yaml": """
                version: 1
                routes:
                  - {route: a, title: A, from: locl, kind: case, mapping: city/acept, to: city/x, lane: BJBH}
                """,
        },
    )
    assert [(finding.code, str(finding.place), finding.hint) for finding in found] == [
        ("HUB-C-106", "config/hub.yaml:5 stor", "did you mean store?"),
        ("HUB-C-140", "config/routes/city.yaml:3 routes[0].from", "did you mean local?"),
        ("HUB-C-143", "config/routes/city.yaml:3 routes[0].mapping", "did you mean city/accept?"),
        ("HUB-C-108", "config/systems/city.yaml:1 version", ""),
        ("HUB-C-120", "config/systems/city.yaml:4 adapter", "did you mean rest?"),
    ]


def test_the_version_must_stand_in_every_file(tmp_path: Path) -> None:
    found = findings(tmp_path, {"config/hub.yaml": "name: test\ntitle: T\ndivision: '621125'\n"})
    assert (found[0].code, found[0].place.path) == ("HUB-C-107", "version")


def test_a_division_without_quotes_keeps_its_digits(tmp_path: Path) -> None:
    assert settings(tmp_path, {"config/hub.yaml": configs.HUB.replace('"621125"', "0621125")}).division == "0621125"


# --- systems ---


@pytest.mark.parametrize(
    ("line", "code", "path", "hint"),
    [
        ("adapter: rset", "HUB-C-120", "adapter", "did you mean rest?"),
        ("adapter: tests.fakes:Nothing", "HUB-C-121", "adapter", ""),
        ("options: {endpoint: [accept]}", "HUB-C-106", "options.endpoint", "did you mean endpoints?"),
        ("options: {}", "HUB-C-122", "options", ""),
        ("retry: [30x]", "HUB-C-108", "retry[0]", ""),
        ("jitter: 2", "HUB-C-108", "jitter", ""),
        (
            'schedule: {cron: "* * *"}',
            "HUB-C-150",
            "schedule.cron",
            'five fields: minute hour day month weekday, for example "*/5 * * * *"',
        ),
        ('schedule: {cron: "*/5 * * * *"}', "HUB-C-149", "schedule", "configure what it reads, or remove schedule:"),
        ("feedback: {every: 5m}", "HUB-C-155", "feedback", "remove feedback:"),
        ("expect: {cas: {at_least: 1}}", "HUB-C-142", "expect.cas", "it reads: nothing"),
        ("schemas: {case: local/cas}", "HUB-C-145", "schemas.case", "did you mean local/case?"),
    ],
)
def test_a_wrong_system_is_told_where_and_how(tmp_path: Path, line: str, code: str, path: str, hint: str) -> None:
    key = line.split(":")[0]
    lines = [old for old in configs.CITY.splitlines() if not old.strip().startswith(f"{key}:")]
    finding = only(findings(tmp_path, {"config/systems/city.yaml": "\n".join([*lines, f"    {line}", ""])}), code)
    assert (finding.place.file, finding.place.path) == ("config/systems/city.yaml", path)
    assert finding.place.line > 0
    assert finding.hint == hint or not hint


def test_a_signature_without_a_place_in_a_request_is_refused_where_the_options_stand(tmp_path: Path) -> None:
    """It would leave unsigned, and the far side would only say «bad signature»."""
    signed = """
        version: 1
        system: city
        title: 市平台
        adapter: rest
        options:
          base_url: https://city.example
          auth: {type: signature, fields: [{a: $nonce}], digest: sm3, into: {form: sign}}
          endpoints:
            accept: {path: /accept}
            process: {path: /process, body: form, template: {a: $key}}
        """
    finding = only(findings(tmp_path, {"config/systems/city.yaml": signed}), "HUB-C-122")
    assert (finding.place.file, finding.place.line, finding.place.path) == ("config/systems/city.yaml", 5, "options")
    assert "POST /accept does not send" in finding.message


def test_a_kind_the_source_does_not_read_is_refused(tmp_path: Path) -> None:
    found = findings(tmp_path, {"config/systems/local.yaml": configs.LOCAL.replace("{case: local/case,", "{cse: local/case,")})
    assert only(found, "HUB-C-142").hint == "did you mean case?"


def test_a_schedule_that_never_comes_is_refused(tmp_path: Path) -> None:
    """At work it would stop the schedules of all sources."""
    found = findings(tmp_path, {"config/systems/local.yaml": configs.LOCAL.replace("*/5 * * * *", "0 0 30 2 *")})
    assert only(found, "HUB-C-150").place.path == "schedule.cron"


def test_two_systems_of_one_name_are_refused(tmp_path: Path) -> None:
    finding = only(findings(tmp_path, {"config/systems/other.yaml": configs.CITY}), "HUB-C-146")
    assert (finding.place.file, finding.hint) == ("config/systems/other.yaml", "first in config/systems/city.yaml:2 system")


class BrokenAdapter(MemoryAdapter):
    """An adapter with a bug, which quotes a secret."""

    def endpoints(self) -> frozenset[str]:
        raise RuntimeError("hunter2")


def test_a_broken_adapter_is_told_by_its_place_and_quotes_nothing(tmp_path: Path) -> None:
    text = configs.CITY.replace("tests.fakes:MemoryAdapter", f"{__name__}:BrokenAdapter")
    finding = only(findings(tmp_path, {"config/systems/city.yaml": text}), "HUB-C-123")
    assert finding.place.path == "adapter"
    assert "RuntimeError at " in finding.message
    assert "hunter2" not in finding.message


# --- routes ---


@pytest.mark.parametrize(
    ("old", "new", "code", "path", "hint"),
    [
        ("from: local, kind: case", "from: loacl, kind: case", "HUB-C-140", "routes[0].from", "did you mean local?"),
        ("from: local, kind: case", "from: city, kind: case", "HUB-C-149", "routes[0].from", ""),
        ("kind: case", "kind: cases", "HUB-C-142", "routes[0].kind", "did you mean case?"),
        ("to: city/accept,", "to: ctiy/accept,", "HUB-C-140", "routes[0].to", "did you mean city?"),
        ("to: city/accept,", "to: city/acept,", "HUB-C-141", "routes[0].to", "did you mean accept?"),
        ("to: city/accept,", "to: local/accept,", "HUB-C-149", "routes[0].to", ""),
        ("to: city/accept,", "to: city,", "HUB-C-108", "routes[0].to", ""),
        ("mapping: city/accept,", "mapping: city/acept,", "HUB-C-143", "routes[0].mapping", "did you mean city/accept?"),
        ("lane: BJBH}", "lane: BJHB}", "HUB-C-148", "routes[0].lane", "did you mean BJBH?"),
        ("lane: BJBH}", "lane: BJBH, row: project_nr}", "HUB-C-154", "routes[0].row", "did you mean project_no?"),
        ("path: ZT", "path: ZTX", "HUB-C-148", "routes[1].when", "did you mean ZT?"),
        ('equals: "1"', 'equls: "1"', "HUB-C-106", "routes[1].when.equls", "did you mean equals?"),
        ('equals: "1"', 'matches: "("', "HUB-C-108", "routes[1].when", ""),
        (
            "parent: {route: city-accept",
            "parent: {route: city-acept",
            "HUB-C-144",
            "routes[1].parent.route",
            "did you mean city-accept?",
        ),
        ("key: BJBH}", "key: BJB}", "HUB-C-148", "routes[1].parent.key", "did you mean BJBH?"),
        ("route: city-process", "route: city-accept", "HUB-C-146", "routes[1].route", ""),
    ],
)
def test_a_wrong_route_is_told_where_and_how(tmp_path: Path, old: str, new: str, code: str, path: str, hint: str) -> None:
    assert old in configs.ROUTES
    finding = only(findings(tmp_path, {"config/routes/city.yaml": configs.ROUTES.replace(old, new, 1)}), code)
    assert (finding.place.file, finding.place.path) == ("config/routes/city.yaml", path)
    assert finding.place.line > 0
    assert finding.hint == hint or not hint


def test_a_parent_of_another_system_is_refused(tmp_path: Path) -> None:
    files = {
        "config/systems/town.yaml": configs.CITY.replace("system: city", "system: town"),
        "config/routes/city.yaml": configs.ROUTES.replace("to: city/process", "to: town/process"),
    }
    assert "another system" in only(findings(tmp_path, files), "HUB-C-144").message


def test_routes_that_wait_for_each_other_are_told_once(tmp_path: Path) -> None:
    text = configs.ROUTES.replace("lane: BJBH}", "lane: BJBH, parent: {route: city-process, key: BJBH}}", 1)
    finding = only(findings(tmp_path, {"config/routes/city.yaml": text}), "HUB-C-147")
    assert "city-accept → city-process → city-accept" in finding.message


def test_a_system_with_findings_makes_no_further_findings_in_its_routes(tmp_path: Path) -> None:
    found = findings(tmp_path, {"config/systems/city.yaml": configs.CITY.replace("title:", "titel:")})
    assert {finding.place.file for finding in found} == {"config/systems/city.yaml"}


@pytest.mark.parametrize("wrong", ["contakt: 张三", "jitter: 2", "schedule: often", "feedback: {evry: 5m}"])
def test_a_wrong_key_of_a_system_hides_neither_its_options_nor_its_routes(tmp_path: Path, wrong: str) -> None:
    key = wrong.split(":")[0]
    options = f"{configs.CITY}{wrong}\n".replace("batch:", "bacth:")
    found = findings(tmp_path / "options", {"config/systems/city.yaml": options})
    assert {finding.place.path.split(".")[0] for finding in found} == {key, "options"}
    files = {
        "config/systems/city.yaml": f"{configs.CITY}{wrong}\n",
        "config/routes/city.yaml": configs.ROUTES.replace("to: city/accept", "to: city/case"),
    }
    assert only(findings(tmp_path / "routes", files), "HUB-C-141").place.path == "routes[0].to"


def test_a_wrong_name_of_a_system_hides_not_its_options(tmp_path: Path) -> None:
    text = configs.CITY.replace("system: city", "system: 市").replace("batch:", "bacth:")
    found = findings(tmp_path, {"config/systems/city.yaml": text})
    assert {finding.place.path for finding in found if finding.place.file == "config/systems/city.yaml"} == {
        "system",
        "options.bacth",
    }


def test_an_unknown_key_of_a_route_hides_not_what_else_is_wrong_with_the_routes(tmp_path: Path) -> None:
    text = configs.ROUTES.replace("to: city/accept", "to: city/case").replace("lane: BJBH}", "lane: BJBH, gaet: true}", 1)
    found = findings(tmp_path, {"config/routes/city.yaml": text})
    assert {(finding.code, finding.place.path) for finding in found} == {
        ("HUB-C-106", "routes[0].gaet"),
        ("HUB-C-141", "routes[0].to"),
    }


def test_a_mapping_with_findings_makes_no_further_findings_in_its_routes(tmp_path: Path) -> None:
    found = findings(tmp_path, {"mappings/city/accept.yaml": configs.ACCEPT.replace("fields:", "feilds:")})
    assert {finding.place.file for finding in found} == {"mappings/city/accept.yaml"}


# --- the store and the address ---


def test_another_address_than_loopback_needs_a_token(tmp_path: Path) -> None:
    finding = only(findings(tmp_path, {"config/hub.yaml": f"{configs.HUB}http: {{listen: 0.0.0.0}}\n"}), "HUB-C-153")
    assert finding.place.path == "http.listen"


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.5", '"::1"', "localhost"])
def test_loopback_needs_none(tmp_path: Path, address: str) -> None:
    assert settings(tmp_path, {"config/hub.yaml": f"{configs.HUB}http: {{listen: {address}}}\n"}).http.token is None


#: A system that pushes: `{secret}` is how its file has the secret.
PUSHES = """
    version: 1
    system: town
    title: 武阳镇
    adapter: push
    schemas: {{case: local/case}}
    options:
      auth: {{type: standard-webhooks, secret: '{secret}'}}
      feeds: {{case: {{columns: {{办件号: BJBH}}, key: [BJBH]}}}}
    """
TOWN_ROUTE = """
    version: 1
    routes: [{route: town-case, title: 乡镇办件, from: town, kind: case, mapping: city/accept, to: city/accept, lane: BJBH}]
    """


def _listening(tmp_path: Path, secret: str, listen: str) -> dict[str, str | None]:
    http = f"http: {{listen: {listen}, token: '${{HUB_TOKEN}}'}}\n"
    return {
        "config/hub.yaml": f"{configs.HUB}{http}",
        "config/systems/town.yaml": PUSHES.format(secret=secret),
        "config/routes/town.yaml": TOWN_ROUTE,
    }


@pytest.mark.parametrize("secret", [f"${{TOWN_SECRET:-{SECRET}}}", SECRET], ids=["default", "plain"])
def test_who_listens_to_others_knows_nobody_by_a_secret_that_all_can_read(tmp_path: Path, secret: str) -> None:
    files = _listening(tmp_path, secret, "0.0.0.0")
    finding = only(findings(tmp_path, files, HUB_TOKEN="0123456789abcdef"), "HUB-C-156")
    assert (finding.place.file, finding.place.path) == ("config/systems/town.yaml", "options.auth.secret")
    assert SECRET not in str(finding)


@pytest.mark.parametrize(
    ("secret", "listen"), [(f"${{TOWN_SECRET:-{SECRET}}}", "127.0.0.1"), ("${TOWN_SECRET}", "0.0.0.0"), ("${TOWN_SECRET:-x}", "::")]
)
def test_a_secret_of_its_own_or_this_machine_alone_will_do(tmp_path: Path, secret: str, listen: str) -> None:
    own = f"whsec_{base64.b64encode(bytes(range(9, 41))).decode()}"
    env = {"HUB_TOKEN": "0123456789abcdef"} | ({"TOWN_SECRET": own} if listen != "127.0.0.1" else {})
    assert "town" in settings(tmp_path, _listening(tmp_path, secret, f"'{listen}'"), **env).systems


def test_a_token_opens_the_address_and_stays_hidden(tmp_path: Path) -> None:
    text = f"{configs.HUB}http: {{listen: 0.0.0.0, token: '${{HUB_TOKEN}}'}}\n"
    made = settings(tmp_path, {"config/hub.yaml": text}, HUB_TOKEN="0123456789abcdef")
    assert made.http.token is not None
    assert made.http.token.get_secret_value() == "0123456789abcdef"
    assert "0123456789abcdef" not in repr(made)


def test_a_store_that_is_no_url_is_refused(tmp_path: Path) -> None:
    assert only(findings(tmp_path, {"config/hub.yaml": f"{configs.HUB}store: var/hub.db\n"}), "HUB-C-152").place.path == "store"


def test_a_password_that_spoils_the_stores_url_is_not_quoted(tmp_path: Path) -> None:
    text = f"{configs.HUB}store: postgresql+psycopg://hub:an@unquoted:secret-word@db/hub\n"
    assert "secret-word" not in str(only(findings(tmp_path, {"config/hub.yaml": text}), "HUB-C-152"))


def test_the_stores_password_is_kept_but_not_shown(tmp_path: Path) -> None:
    text = f"{configs.HUB}store: postgresql+psycopg://hub:${{PW}}@db/hub\n"
    made = settings(tmp_path, {"config/hub.yaml": text}, PW="p@ss-w0rd".replace("@", "%40"))
    assert made.store == "postgresql+psycopg://hub:p%40ss-w0rd@db/hub"
    assert "w0rd" not in repr(made)


# --- warnings ---


def test_a_kind_that_no_route_takes_is_told(tmp_path: Path) -> None:
    made = settings(
        tmp_path, {"config/systems/local.yaml": configs.LOCAL.replace("kinds: [case, step]", "kinds: [case, fee, step]")}
    )
    assert [(one.code, one.message.split(":")[0]) for one in made.warnings] == [
        ("HUB-C-166", "no route takes the kind 'fee' of 'local'")
    ]
    assert made.warnings[0].place.file == "config/systems/local.yaml"


def test_a_source_without_a_schedule_is_told(tmp_path: Path) -> None:
    made = settings(tmp_path, {"config/systems/local.yaml": configs.LOCAL.replace('schedule: {cron: "*/5 * * * *"}\n', "\n")})
    assert [(one.code, one.place.file) for one in made.warnings] == [("HUB-C-167", "config/systems/local.yaml")]


def test_a_broken_file_of_routes_is_not_told_as_a_missing_route(tmp_path: Path) -> None:
    found = findings(tmp_path, {"config/routes/city.yaml": "version: 1\nroutes: [{route: Broken}]\n"})
    assert not [one for one in found if one.code == "HUB-C-166"]


def test_a_secret_in_plain_text_is_a_warning(tmp_path: Path) -> None:
    made = settings(tmp_path, {"config/systems/city.yaml": configs.CITY.replace("batch: 10}", "batch: 10, password: hunter2}")})
    assert [(warning.code, warning.place.path, warning.warning) for warning in made.warnings] == [
        ("HUB-C-160", "options.password", True)
    ]
    assert "hunter2" not in str(made.warnings[0])
    assert "hunter2" not in repr(made)


def test_a_secret_from_a_variable_is_none(tmp_path: Path) -> None:
    text = configs.CITY.replace("batch: 10}", 'batch: 10, password: "${PW}"}')
    assert settings(tmp_path, {"config/systems/city.yaml": text}, PW="hunter2").warnings == ()


def test_a_cap_above_the_guarantee_is_a_warning(tmp_path: Path) -> None:
    made = settings(tmp_path, {"config/systems/city.yaml": f"{configs.CITY}batch: 50\n"})
    assert [warning.code for warning in made.warnings] == ["HUB-C-161"]


def test_a_yml_file_is_not_read_silently_past(tmp_path: Path) -> None:
    made = settings(tmp_path, {"config/systems/extra.yml": "nonsense: [\n"})
    assert [(warning.code, warning.place.file) for warning in made.warnings] == [("HUB-C-135", "config/systems/extra.yml")]


def test_a_mapping_for_another_schema_is_a_warning(tmp_path: Path) -> None:
    made = settings(
        tmp_path,
        {
            "config/systems/local.yaml": configs.LOCAL.replace("step: local/step", "step: local/case"),
            "config/routes/city.yaml": configs.ROUTES.replace("when: {path: ZT", "when: {path: SXLX"),
        },
    )
    assert [(warning.code, warning.place.path) for warning in made.warnings] == [("HUB-C-162", "routes[1].mapping")]


def test_a_mapping_without_cases_is_a_warning(tmp_path: Path) -> None:
    made = settings(tmp_path, {"mappings/city/process.cases.yaml": None})
    assert [(warning.code, warning.place.file) for warning in made.warnings] == [("HUB-M-207", "mappings/city/process.yaml")]


# --- variables ---


def test_hub_env_is_read_and_the_process_wins(tmp_path: Path) -> None:
    files = {"config/systems/city.yaml": configs.CITY.replace("title: 市平台", "title: ${NAME}"), "config/hub.env": "NAME=file\n"}
    assert settings(tmp_path, dict(files)).systems["city"].title == "file"
    assert settings(tmp_path, dict(files), NAME="process").systems["city"].title == "process"


def test_another_file_of_variables_can_be_named(tmp_path: Path) -> None:
    files: dict[str, str | None] = {"config/systems/city.yaml": configs.CITY.replace("title: 市平台", "title: ${NAME}")}
    configs.put(tmp_path, "elsewhere/site.env", "NAME=other\n")
    made = load(configs.write(tmp_path, files), env={}, env_file=tmp_path / "elsewhere/site.env")
    assert made.systems["city"].title == "other"


def test_a_file_of_variables_that_is_named_and_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(configs.write(tmp_path), env={}, env_file=tmp_path / "none.env")
    assert [finding.code for finding in caught.value.findings] == ["HUB-C-134"]


# --- the digest ---


def test_the_digest_follows_every_file_but_no_secret(tmp_path: Path) -> None:
    before = settings(tmp_path).digest
    configs.put(tmp_path, "config/hub.env", "A=1\n")
    assert settings(tmp_path).digest == before
    assert settings(tmp_path, {"mappings/city/process.yaml": configs.PROCESS.replace("过程", "进程")}).digest != before


@pytest.mark.parametrize("row", ["", ", row: applyer_name"])
def test_a_replacement_table_must_spare_the_keys(tmp_path: Path, row: str) -> None:
    files: dict[str, str | None] = {
        "config/routes/city.yaml": configs.ROUTES.replace("to: city/accept, lane: BJBH", f"to: city/accept, lane: BJBH{row}"),
        "mappings/contracts/city/accept.yaml": configs.CONTRACT_ACCEPT + "x-encoding: gbk\n    x-replace: characters/gbk\n",
        "mappings/codes/characters/gbk.csv": "local,target,label\n䶮,岩,\n",
    }
    found = findings(tmp_path, files)
    assert [one.message.split()[0] for one in found if one.code == "HUB-C-163"] == (["applyer_name"] if row else []) + [
        "project_no"
    ]
    spared = str(files["mappings/contracts/city/accept.yaml"])
    for name in ("project_no", "applyer_name"):
        spared = spared.replace(f"{name}: {{type: string", f"{name}: {{type: string, x-replace: false")
    assert settings(tmp_path, {**files, "mappings/contracts/city/accept.yaml": spared}).warnings == ()
