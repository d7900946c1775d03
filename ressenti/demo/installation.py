"""A whole Ressenti on this machine for as long as a demo lasts: broker, database, programs."""

import asyncio
import http.client
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from consumer.kafka import prepare_topics
from consumer.settings import PREFIX, KafkaSettings, load_settings
from consumer.store.embedded import embedded_postgresql
from modeling.errors import OperatorError
from ressenti.broker import Broker, RunningBroker
from ressenti.broker.ports import free_ports
from ressenti.broker.process import LocalProcess, ending_like_ctrl_c, nothing_interrupts
from ressenti.demo.removal import remove_from_broker

_READY_SECONDS = 90.0
_STOP_SECONDS = 10.0
_TOPICS = {
    "input_topic": "support.messages",
    "output_topic": "support.messages.tagged",
    "dead_letter_topic": "support.messages.dlq",
}


@dataclass(frozen=True)
class Installation:
    """What runs, and where."""

    kafka: KafkaSettings
    database_url: str
    api_url: str
    api_port: int
    archive_metrics_url: str
    broker: Broker
    programs: tuple[LocalProcess, ...]

    def check(self) -> None:
        """Sees whether everything still runs.

        Raises:
            OperatorError: something ended; with its last lines.
        """
        failure = self.broker.failure()
        if failure:
            raise OperatorError(failure)
        for program in self.programs:
            if not program.running():
                raise OperatorError(program.obituary())

    def last_lines(self) -> str:
        """The end of each program's log."""
        return "\n".join(f"{program.name}:\n{program.last_lines()}" for program in self.programs)


@contextmanager
def installed(broker: Broker, say: Callable[[str], None]) -> Iterator[Installation]:
    """Starts everything and waits until it works; ends everything with the context.

    Data and logs lie in a temporary folder, which goes too. On a broker that somebody else runs,
    topics and consumer groups have names of their own and are deleted in the end; what the broker
    does not let go of is named.

    Ctrl-C, SIGTERM and SIGHUP end the context with a `KeyboardInterrupt`, and cannot stop it from
    ending everything.

    Args:
        broker: where the messages travel.
        say: told what happens, in a line for people.

    Raises:
        OperatorError: something does not start; with its last lines.
    """
    stack = ExitStack()
    with ending_like_ctrl_c():
        try:
            yield _start_all(stack, broker, say)
        finally:
            with nothing_interrupts():
                stack.close()


def _start_all(stack: ExitStack, broker: Broker, say: Callable[[str], None]) -> Installation:
    folder = Path(stack.enter_context(_temporary_folder()))
    say(f"{'using' if isinstance(broker, RunningBroker) else 'starting'} {broker.name}")
    stack.enter_context(broker)
    kafka = _kafka_settings(broker)
    topics = [kafka.input_topic, kafka.output_topic, kafka.dead_letter_topic]
    groups = [f"{kafka.input_topic}.{program}" for program in ("tagger", "archive")]
    if isinstance(broker, RunningBroker):
        asyncio.run(prepare_topics(kafka, []))  # with a broker that is not there, nothing stays
        stack.callback(lambda: asyncio.run(remove_from_broker(kafka, topics, groups)))
    asyncio.run(prepare_topics(kafka, topics))
    api_port, metrics_port = free_ports(2)
    environment = _environment(kafka, groups, api_port, metrics_port)
    # The tagger first: it takes the longest, and PostgreSQL starts meanwhile.
    say("starting the tagger")
    tagger = _started(stack, "the tagger", "tag", folder, environment)
    say("starting the embedded PostgreSQL and the archive")
    database_url = stack.enter_context(embedded_postgresql(folder / "pg"))
    environment[f"{PREFIX}DATABASE_URL"] = database_url
    archive = _started(stack, "the archive", "archive", folder, environment)
    tagger.wait_until(lambda: _answers(api_port, "/readyz"), _READY_SECONDS)
    archive.wait_until(lambda: _answers(metrics_port, "/readyz"), _READY_SECONDS)
    return Installation(
        kafka=kafka,
        database_url=database_url,
        api_url=f"http://127.0.0.1:{api_port}",
        api_port=api_port,
        archive_metrics_url=f"http://127.0.0.1:{metrics_port}/metrics",
        broker=broker,
        programs=(tagger, archive),
    )


def get(port: int, path: str) -> tuple[int, str]:
    """Asks a program on the loopback address by HTTP.

    Returns:
        The status and the body; status 0 when nobody answers.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def _answers(port: int, path: str) -> bool:
    return get(port, path)[0] == 200


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    # Short names: PostgreSQL's socket lies in it, and a socket's path has at most 103 characters.
    return tempfile.TemporaryDirectory(prefix="ressenti-", ignore_cleanup_errors=True)


def _kafka_settings(broker: Broker) -> KafkaSettings:
    topics, login = dict(_TOPICS), {}
    if isinstance(broker, RunningBroker):
        # Somebody's broker: nobody's topics are touched, and its login is in the settings.
        suffix = f"demo-{secrets.token_hex(4)}"
        topics = {setting: f"{name}.{suffix}" for setting, name in _TOPICS.items()}
    else:
        login = {"security_protocol": "PLAINTEXT"}
    return load_settings(
        KafkaSettings,
        bootstrap_servers=broker.bootstrap_servers,
        create_topics=True,
        **topics,
        **login,
    )


def _environment(
    kafka: KafkaSettings, groups: Sequence[str], api_port: int, metrics_port: int
) -> dict[str, str]:
    tagger_group, archive_group = groups
    settings = {
        "bootstrap_servers": kafka.bootstrap_servers,
        "security_protocol": kafka.security_protocol,
        "input_topic": kafka.input_topic,
        "output_topic": kafka.output_topic,
        "dead_letter_topic": kafka.dead_letter_topic,
        "create_topics": "true",
        "tagger_group": tagger_group,
        "archive_group": archive_group,
        "api_host": "127.0.0.1",
        "api_port": str(api_port),
        "archive_metrics_host": "127.0.0.1",
        "archive_metrics_port": str(metrics_port),
        # The demo ends with its messages: there is nothing to finish.
        "drain_timeout_seconds": "2",
    }
    return {f"{PREFIX}{name.upper()}": value for name, value in settings.items()}


def _started(
    stack: ExitStack, name: str, command: str, folder: Path, environment: dict[str, str]
) -> LocalProcess:
    program = LocalProcess(
        name,
        [sys.executable, "-m", "ressenti", command],
        folder / f"{command}.log",
        environment,
    )
    stack.callback(program.stop, _STOP_SECONDS)
    program.start()
    return program
