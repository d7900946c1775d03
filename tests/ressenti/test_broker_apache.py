import subprocess
import sys
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

import pytest

from modeling.errors import OperatorError
from ressenti.broker.apache import (
    VERSION,
    ApacheKafka,
    fetch_jars,
    jars_folder,
    missing_requirements,
)

MAVEN = """#!/bin/sh
# Stands in for Maven: says that it was called, takes its time, and writes one jar.
echo called >> "$CALLS"
for argument; do case "$argument" in -DoutputDirectory=*) folder=${argument#*=} ;; esac; done
mkdir -p "$folder"
echo half > "$folder/kafka.jar"
sleep 0.5
echo whole > "$folder/kafka.jar"
"""


def executable(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text(script, encoding="utf-8")
    program.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder, before the system's own, in which Java and Maven are looked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "mkdir", "sleep"):
        (folder / name).symlink_to(Path("/bin") / name)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return folder


def java(folder: Path, version: str) -> None:
    executable(folder, "java", f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")


def test_the_pom_brings_the_version_that_the_program_names() -> None:
    pom = resources.files("ressenti.broker").joinpath("pom.xml").read_text(encoding="utf-8")
    space = {"maven": "http://maven.apache.org/POM/4.0.0"}
    versions = {
        dependency.findtext("maven:artifactId", namespaces=space): dependency.findtext(
            "maven:version", namespaces=space
        )
        for dependency in ElementTree.fromstring(pom).iterfind(".//maven:dependency", space)
    }
    assert versions["kafka_2.13"] == VERSION


def test_without_java_one_is_asked_for(programs: Path) -> None:
    assert "there is no Java here" in (missing_requirements() or "")
    with pytest.raises(OperatorError, match="install a JRE 17"):
        ApacheKafka().start()


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.21", "16"])
def test_an_old_java_is_named(programs: Path, version: str) -> None:
    java(programs, version)
    number = version.removeprefix("1.").partition(".")[0]
    assert f"this is Java {number};" in (missing_requirements() or "")


@pytest.mark.parametrize("version", ["17.0.15", "17-ea", "25.0.1"])
def test_maven_is_needed_only_until_the_jars_are_there(programs: Path, version: str) -> None:
    java(programs, version)
    assert "Maven (mvn) must fetch" in (missing_requirements() or "")
    jars_folder().mkdir(parents=True)
    assert missing_requirements() is None


def test_java_home_goes_before_the_path(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java(programs, "11.0.1")
    jars_folder().mkdir(parents=True)
    (tmp_path / "jdk").mkdir()
    java(tmp_path / "jdk" / "bin", "21.0.2")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    assert missing_requirements() is None


def test_two_processes_fetch_the_jars_once_and_never_see_half_of_them(
    programs: Path, tmp_path: Path
) -> None:
    executable(programs, "mvn", MAVEN)
    look = (
        "from ressenti.broker.apache import fetch_jars;"
        "print((fetch_jars() / 'kafka.jar').read_text(), end='')"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", look], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [process.communicate(timeout=60)[0] for process in running] == ["whole\n"] * 3
    assert (tmp_path / "calls").read_text() == "called\n"
    assert sorted(path.name for path in jars_folder().parent.iterdir()) == [
        f"kafka-{VERSION}",
        f"kafka-{VERSION}.lock",
    ]


def test_a_failed_download_says_what_maven_said_and_leaves_nothing(programs: Path) -> None:
    executable(programs, "mvn", "#!/bin/sh\necho '[ERROR] Could not transfer artifact'; exit 1\n")
    with pytest.raises(OperatorError, match=r"check the network(.|\n)*Could not transfer"):
        fetch_jars()
    assert not jars_folder().exists()
    executable(programs, "mvn", MAVEN)
    assert (fetch_jars() / "kafka.jar").read_text() == "whole\n"


def test_a_cache_that_cannot_be_written_is_named(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(OperatorError, match="set XDG_CACHE_HOME to another folder"):
        fetch_jars()
