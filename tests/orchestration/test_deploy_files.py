"""The files of `deploy/` agree with each other and with the project: nobody starts them in a test."""

import re
from pathlib import Path

import yaml

from cli.app import app
from orchestration.instance.timeline import CODE_LOCATION
from settings import PROJECT_DIR, Settings

SYSTEMD = PROJECT_DIR / "deploy" / "systemd"


def read_yaml(path: Path) -> dict:
    return yaml.safe_load(path.read_text())


def test_services_find_the_code_server_of_its_unit() -> None:
    code = (SYSTEMD / "growth-pipeline-code.service").read_text()
    server = read_yaml(SYSTEMD / "workspace.yaml")["load_from"][0]["grpc_server"]
    assert f"--socket {server['socket']}" in code
    assert f"--location-name {server['location_name']}" in code
    assert server["location_name"] == CODE_LOCATION
    for name in ("daemon", "web"):
        unit = (SYSTEMD / f"growth-pipeline-{name}.service").read_text()
        [workspace] = re.findall(r"--workspace (\S+)", unit)
        assert (PROJECT_DIR / workspace).exists()


def test_the_web_server_of_one_machine_listens_to_the_proxy_only() -> None:
    unit = (SYSTEMD / "growth-pipeline-web.service").read_text()
    # Which listens where the settings say.
    assert "bin/growth webserver" in unit
    assert Settings.model_fields["ui_host"].default == "127.0.0.1"


def test_settings_of_one_machine_keep_those_of_the_units() -> None:
    # A value in an EnvironmentFile wins over one of Environment=.
    assert "EnvironmentFile=" in (SYSTEMD / "growth-pipeline-.service.d" / "common.conf").read_text()
    example = (PROJECT_DIR / ".env.example").read_text()
    assert [line for line in example.splitlines() if line and not line.startswith("# ")] == []


def test_every_command_of_a_deployment_is_one_of_growth() -> None:
    text = "\n".join(path.read_text() for path in sorted((PROJECT_DIR / "deploy").rglob("*")) if path.is_file())
    called = set(re.findall(r"(?:bin/growth |\[growth, )([a-z]+)", text))
    assert called == {"backup", "parse", "webserver"}
    commands = {each.name or each.callback.__name__ for each in app.registered_commands if each.callback}
    assert called <= commands


def test_the_proxy_asks_for_tls_of_today_and_says_that_it_always_will() -> None:
    nginx = (PROJECT_DIR / "deploy" / "nginx.conf").read_text()
    assert re.findall(r"ssl_protocols\s+(.*);", nginx) == ["TLSv1.2 TLSv1.3"]
    assert re.search(r'add_header Strict-Transport-Security "max-age=\d{8}" always;', nginx)


def test_helm_chart_serves_the_code_location_that_commands_use() -> None:
    values = read_yaml(PROJECT_DIR / "deploy" / "kubernetes" / "values.yaml")
    [code] = values["dagster-user-deployments"]["deployments"]
    [server] = values["dagsterWebserver"]["workspace"]["servers"]
    assert (server["host"], server["port"], server["name"]) == (code["name"], code["port"], CODE_LOCATION)
    data_dir = {variable["name"]: variable["value"] for variable in code["env"]}["GROWTH_DATA_DIR"]
    assert [mount["mountPath"] for mount in code["volumeMounts"]] == [data_dir]
    assert values["global"]["dagsterHome"] == f"{data_dir}/dagster"
    own = read_yaml(PROJECT_DIR / "orchestration" / "instance" / "dagster.yaml")["concurrency"]["pools"]
    pools = values["concurrency"]["pools"]
    assert (pools["granularity"], pools["defaultLimit"]) == (own["granularity"], own["default_limit"])
    claims = [
        document["metadata"]["name"]
        for document in yaml.safe_load_all((PROJECT_DIR / "deploy" / "kubernetes" / "volume.yaml").read_text())
        if document["kind"] == "PersistentVolumeClaim"
    ]
    assert code["volumes"][0]["persistentVolumeClaim"]["claimName"] in claims
