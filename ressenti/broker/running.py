"""A broker that somebody else runs: named, never started, never stopped."""

from typing import Self


class RunningBroker:
    """A Kafka at a known address."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.name = f"the broker at {bootstrap_servers}"
        self.bootstrap_servers = bootstrap_servers

    def start(self) -> str:
        """Gives the bootstrap servers; there is nothing to start."""
        return self.bootstrap_servers

    def stop(self) -> None:
        """Leaves the broker as it is."""

    def failure(self) -> str | None:
        """Always None: whether it runs is seen by talking to it."""
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves the broker as it is."""
