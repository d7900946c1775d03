"""The brokers that a demo or a test can use: the embedded one, Apache Kafka, or a running one."""

import re
from typing import Protocol, Self

from modeling.errors import OperatorError
from ressenti.broker.apache import ApacheKafka
from ressenti.broker.embedded import EmbeddedBroker
from ressenti.broker.running import RunningBroker

__all__ = ["ApacheKafka", "Broker", "EmbeddedBroker", "RunningBroker", "open_broker"]

_ADDRESS = re.compile(r"[^\s,:]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")


class Broker(Protocol):
    """What the demo needs of a broker."""

    name: str
    bootstrap_servers: str

    def start(self) -> str:
        """Starts it; gives the bootstrap servers."""
        ...

    def stop(self) -> None:
        """Ends it, if it was started here."""
        ...

    def failure(self) -> str | None:
        """What happened to it, if it was started here and is not running."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def open_broker(name: str) -> Broker:
    """The broker of that name, not started yet.

    Args:
        name: `embedded`, `apache`, or the address of a running one as host:port, several of one
            cluster with commas.

    Raises:
        OperatorError: it is none of these.
    """
    if name == "embedded":
        return EmbeddedBroker()
    if name == "apache":
        return ApacheKafka()
    addresses = [address.strip() for address in name.split(",")]
    if all(_ADDRESS.fullmatch(address) for address in addresses):
        return RunningBroker(",".join(addresses))
    raise OperatorError(f"{name!r} is no broker; give embedded, apache, or an address as host:port")
