"""The compose file speaks of settings, files and extras that exist."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumer.settings import ALL_SETTINGS, describe

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_every_ressenti_variable_is_a_setting() -> None:
    known = {line.variable for settings in ALL_SETTINGS for line in describe(settings)}
    named = {
        variable
        for service in COMPOSE["services"].values()
        for variable in service.get("environment", {})
        if variable.startswith("RESSENTI_")
    }
    assert named
    assert named <= known


def test_every_mounted_file_is_there() -> None:
    mounted = [
        volume.split(":")[0]
        for service in COMPOSE["services"].values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    ]
    assert mounted
    for path in mounted:
        assert (ROOT / "deploy" / path).is_file(), path


def test_images_are_built_with_extras_that_exist() -> None:
    extras = [
        service["build"]["args"]["EXTRAS"]
        for service in COMPOSE["services"].values()
        if "build" in service
    ]
    assert set(extras) == {"tagger", "archive"}
    assert set(extras) <= set(PROJECT["optional-dependencies"])


def test_prometheus_scrapes_the_services_on_their_ports() -> None:
    scraped = (ROOT / "deploy" / "prometheus" / "prometheus.yaml").read_text()
    ports = {line.variable: line.default for kind in ALL_SETTINGS for line in describe(kind)}
    assert re.findall(r'"(\w+):(\d+)"', scraped) == [
        ("tagger", ports["RESSENTI_API_PORT"]),
        ("archive", ports["RESSENTI_ARCHIVE_METRICS_PORT"]),
    ]


@pytest.mark.parametrize("folder", ["modeling", "consumer", "bot", "ressenti"])
def test_the_image_holds_every_package(folder: str) -> None:
    assert f"COPY {folder} ./{folder}" in (ROOT / "Dockerfile").read_text()
