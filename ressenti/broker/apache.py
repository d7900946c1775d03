"""Apache Kafka itself, one node on the loopback address, for the tests and for a demo on it.

Its jars come from Maven's central repository, once, into the user's cache folder.
"""

import fcntl
import functools
import importlib.resources
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final, Self

from modeling.errors import OperatorError
from ressenti.broker.ports import free_ports
from ressenti.broker.process import LocalProcess, listens

VERSION: Final = "4.3.0"
_OLDEST_JAVA = 17
_CLUSTER = "cmVzc2VudGktb25lLW5vZA"  # 16 bytes in base64, as Kafka wants it
_STARTUP_SECONDS = 60.0
_STOP_SECONDS = 15.0
_DOWNLOAD_SECONDS = 600.0
_PORT_ATTEMPTS = 3
# Serial collection and a small heap: one broker beside a model on two cores.
_JAVA_OPTIONS = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Djava.awt.headless=true")


class ApacheKafka:
    """One Apache Kafka node in KRaft mode, in a temporary folder.

    Usable as a context manager. After `kill`, `restart` brings it back on the same port with the
    same data; `stop` ends it and removes its folder.
    """

    name = f"Apache Kafka {VERSION}"

    def __init__(self) -> None:
        self.bootstrap_servers = ""
        self._folder: Path | None = None
        self._process: LocalProcess | None = None
        self._port = 0

    def start(self) -> str:
        """Fetches the jars if they are missing, and starts the broker.

        Returns:
            The bootstrap servers, as host:port.

        Raises:
            OperatorError: Java or Maven is missing or too old, the download failed, or the
                broker did not start.
        """
        missing = missing_requirements()
        if missing:
            raise OperatorError(missing)
        jars = fetch_jars()
        for attempt in range(_PORT_ATTEMPTS):
            try:
                self._start_fresh(jars)
            except BaseException as error:
                self.stop()
                # Somebody else took the port between its choice and its use.
                if attempt + 1 < _PORT_ATTEMPTS and "Address already in use" in str(error):
                    continue
                raise
            break
        return self.bootstrap_servers

    def _start_fresh(self, jars: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ressenti-kafka-"))
        self._port, controller_port = free_ports(2)
        properties = self._folder / "server.properties"
        properties.write_text(
            _server_properties(self._port, controller_port, self._folder / "data"), encoding="utf-8"
        )
        java = [_java(), *_JAVA_OPTIONS, "-cp", f"{jars}/*"]
        _run_once(
            [*java, "kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(properties)],
            "Apache Kafka could not prepare its folder",
            _STARTUP_SECONDS,
        )
        self._process = LocalProcess(
            self.name, [*java, "kafka.Kafka", str(properties)], self._folder / "broker.log"
        )
        self.restart()
        self.bootstrap_servers = f"127.0.0.1:{self._port}"

    def restart(self) -> None:
        """Starts the broker again on the same port with the same data; ends it first if it runs.

        Raises:
            OperatorError: it was never started, or it does not come up.
        """
        if self._process is None:
            raise OperatorError(f"{self.name} was not started; call start first")
        self._process.stop(_STOP_SECONDS)
        self._process.start()
        # Kafka opens its port only when it can serve requests.
        self._process.wait_until(functools.partial(listens, self._port), _STARTUP_SECONDS)

    def kill(self) -> None:
        """Ends the broker as a power cut does (kill -9); its data stays."""
        if self._process is not None:
            self._process.kill()

    def stop(self) -> None:
        """Ends the broker and removes its folder; does nothing when it is not there."""
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


def missing_requirements() -> str | None:
    """Why Apache Kafka cannot run on this machine and what to do, or None when it can."""
    wanted = f"Apache Kafka {VERSION} needs Java {_OLDEST_JAVA} or newer"
    try:
        answer = subprocess.run(
            [_java(), "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        answer = None
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr) if answer else None
    if found is None:
        return f"{wanted}, and there is no Java here; install a JRE {_OLDEST_JAVA}"
    if int(found[1]) < _OLDEST_JAVA:
        return f"{wanted}, and this is Java {found[1]}; install it, or set JAVA_HOME to it"
    if not jars_folder().is_dir() and shutil.which("mvn") is None:
        return f"Maven (mvn) must fetch Apache Kafka {VERSION} once and is not here; install it"
    return None


def jars_folder() -> Path:
    """Where the jars are kept: a folder of the user's cache, there only when it is complete."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "ressenti" / f"kafka-{VERSION}"


def fetch_jars() -> Path:
    """Fetches Kafka's jars with Maven, unless they are there already.

    Any number of processes may call it at once: one fetches, the others wait for it, and the
    folder gets its name only when it is complete.

    Returns:
        The folder with the jars.

    Raises:
        OperatorError: Maven could not fetch them, or the cache folder cannot be written.
    """
    folder = jars_folder()
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_name(f"{folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir():
                _fetch_into(folder)
    except OSError as error:
        raise OperatorError(
            f"cannot keep Apache Kafka in {folder} ({error.strerror});"
            " make room or set XDG_CACHE_HOME to another folder"
        ) from error
    return folder


def _fetch_into(folder: Path) -> None:
    with (
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as unfinished,
        importlib.resources.as_file(
            importlib.resources.files("ressenti.broker") / "pom.xml"
        ) as packaged_pom,
    ):
        # A copy, because Maven may write beside the pom, and a package's folder is not its place.
        pom = Path(unfinished) / "pom.xml"
        shutil.copyfile(packaged_pom, pom)
        jars = Path(unfinished) / "jars"
        _run_once(
            [
                "mvn", "-B", "-q", "-f", str(pom),
                "dependency:copy-dependencies", f"-DoutputDirectory={jars}",
            ],
            f"Maven could not fetch Apache Kafka {VERSION}; check the network and Maven's settings",
            _DOWNLOAD_SECONDS,
        )  # fmt: skip
        jars.rename(folder)


def _run_once(command: list[str], complaint: str, timeout_seconds: float) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise OperatorError(f"{complaint} (it took more than {timeout_seconds:.0f} s)") from error
    except OSError as error:
        raise OperatorError(f"{complaint} ({command[0]}: {error.strerror})") from error
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[:8]
        raise OperatorError("\n  ".join([f"{complaint}:", *said]))


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else "java"


def _server_properties(port: int, controller_port: int, data: Path) -> str:
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.min.isr=1
default.replication.factor=1
min.insync.replicas=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""
