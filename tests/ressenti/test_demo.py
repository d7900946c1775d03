"""The demo itself, every program of it real, with a tiny model."""

import json
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ressenti.broker.ports import free_ports
from tests.ressenti.command import started, wait_for_line

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Where the demo puts its temporary files; pytest's own folder has too long a name for that.

    The embedded PostgreSQL's library keeps an empty lock file there for all its servers.
    """
    with tempfile.TemporaryDirectory(prefix="r-") as folder:
        yield Path(folder)


def left_behind(temporary: Path) -> set[str]:
    return {path.name for path in temporary.iterdir()} - {".lockfile"}


def demo_in(temporary: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    environment = {"TMPDIR": str(temporary), **settings}
    return started("demo", *arguments, folder=temporary, environment=environment)


def test_the_demo_tags_its_samples_and_leaves_nothing_behind(
    temporary: Path, tiny_model: Path
) -> None:
    # Settings of one's own for other programs are none of the demo's business.
    demo = demo_in(
        temporary,
        RESSENTI_MODEL=str(tiny_model),
        RESSENTI_DATABASE_URL="postgresql://nowhere/nothing",
        RESSENTI_INPUT_TOPIC="production",
        RESSENTI_SECURITY_PROTOCOL="SSL",
    )
    said, complained = demo.communicate()
    assert demo.returncode == 0, complained
    summary = json.loads(said.splitlines()[-1])
    assert {name: summary[name] for name in ("messages", "tagged", "dead_letters", "archived")} == {
        "messages": 249,
        "tagged": 239,
        "dead_letters": 10,
        "archived": 239,
    }
    assert summary["seconds"] > 0
    assert summary["messages_per_second"] == pytest.approx(249 / summary["seconds"], rel=0.01)
    assert 0 < summary["latency_ms"]["p50"] <= summary["latency_ms"]["p99"]
    assert "tokens per batch" in said
    assert left_behind(temporary) == set()


def test_a_program_that_dies_ends_the_demo_with_its_last_lines(temporary: Path) -> None:
    demo = demo_in(temporary, RESSENTI_MODEL=str(temporary / "no-model"))
    _, complained = demo.communicate()
    assert demo.returncode == 2
    assert "the tagger ended by itself (exit code 2); its last lines:" in complained
    assert "no-model" in complained
    assert "Traceback" not in complained
    assert left_behind(temporary) == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_demo_takes_everything_with_it(
    temporary: Path, tiny_model: Path, number: signal.Signals
) -> None:
    demo = demo_in(temporary, RESSENTI_MODEL=str(tiny_model))
    # By then the broker and the tagger run, and the embedded PostgreSQL is about to.
    wait_for_line(demo, "starting the embedded PostgreSQL")
    children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
    assert len(children) >= 2
    demo.send_signal(number)
    _, complained = demo.communicate()
    assert demo.returncode == 130
    assert complained == ""
    assert [child for child in children if Path(f"/proc/{child}").exists()] == []
    assert left_behind(temporary) == set()


def test_a_file_that_cannot_be_read_is_named_before_anything_starts(temporary: Path) -> None:
    demo = demo_in(temporary, "--messages", "absent.csv")
    said, complained = demo.communicate()
    assert (demo.returncode, said) == (2, "")
    assert "cannot read absent.csv" in complained


def test_a_broker_that_does_not_answer_is_named(temporary: Path) -> None:
    (port,) = free_ports(1)
    demo = demo_in(
        temporary, "--broker", f"127.0.0.1:{port}", RESSENTI_STARTUP_TIMEOUT_SECONDS="0.5"
    )
    _, complained = demo.communicate()
    assert demo.returncode == 2
    assert complained.startswith(f"ressenti demo: no Kafka answers at 127.0.0.1:{port}")
    assert len(complained.splitlines()) == 1, "not aiokafka's own lines too"
