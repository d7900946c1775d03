"""Apache Kafka for the tests that are marked `kafka`: one broker for the whole run."""

import os
from collections.abc import Iterator

import pytest

from ressenti.broker.apache import ApacheKafka, missing_requirements

_why_not = pytest.StashKey[str]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("kafka")]
    why = missing_requirements() if marked else None
    if why is None:
        return
    config.stash[_why_not] = why
    if os.environ.get("CI") != "true":
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=why))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    why = config.stash.get(_why_not, None)
    if why is not None:
        terminalreporter.write_line(f"Apache Kafka tests did not run: {why}", yellow=True)


@pytest.fixture(scope="session")
def apache_kafka() -> Iterator[str]:
    """The bootstrap servers of an Apache Kafka that runs for the whole test run."""
    with ApacheKafka() as broker:
        yield broker.bootstrap_servers
