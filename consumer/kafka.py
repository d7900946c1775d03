"""How every program reaches Kafka: connection options, a first contact, and topics."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError, for_code
from aiokafka.helpers import create_ssl_context

from consumer.settings import PREFIX, KafkaSettings
from modeling.errors import OperatorError

_MILLISECONDS_PER_HOUR = 3_600_000
# A dead letter is the message as it came, and its headers: whatever fits the input must fit.
_LARGE_MESSAGES = {"max.message.bytes": str(10 * 2**20)}


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """What every aiokafka client takes to reach and to log in to the settings' Kafka.

    Raises:
        OperatorError: the certificates cannot be read.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": [
            address.strip() for address in settings.bootstrap_servers.split(",") if address.strip()
        ],
        "security_protocol": settings.security_protocol,
    }
    if settings.security_protocol.endswith("SSL"):
        try:
            options["ssl_context"] = create_ssl_context(
                cafile=str(settings.ssl_ca_file) if settings.ssl_ca_file else None
            )
        except OSError as error:
            raise OperatorError(
                f"cannot read the certificates {settings.ssl_ca_file} ({error.strerror});"
                f" correct {PREFIX}SSL_CA_FILE"
            ) from error
    if settings.security_protocol.startswith("SASL"):
        password = settings.sasl_password
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": password.get_secret_value() if password else None,
        }
    return options


async def prepare_topics(settings: KafkaSettings, names: Sequence[str]) -> dict[str, int]:
    """Makes sure that Kafka answers and that the topics are there; makes them if it may.

    Returns:
        How many partitions each topic has.

    Raises:
        OperatorError: no broker answers in time, or a topic is missing and may not be made.
    """
    admin = await _connected_admin(settings)
    try:
        existing = set(await admin.list_topics())
        missing = [name for name in names if name not in existing]
        if missing and not settings.create_topics:
            raise OperatorError(_missing_topics(settings, missing, existing))
        if missing:
            await _create_topics(admin, settings, missing)
        return await _partition_counts(admin, settings, names)
    except KafkaError as error:
        raise OperatorError(
            f"Kafka at {settings.bootstrap_servers} does not tell of its topics"
            f" ({type(error).__name__}: {error}); see its log, and this program's rights"
        ) from error
    finally:
        await admin.close()


async def _partition_counts(
    admin: AIOKafkaAdminClient, settings: KafkaSettings, names: Sequence[str]
) -> dict[str, int]:
    """Waits until every topic has partitions: one that was just made has none for a moment."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + settings.startup_timeout_seconds
    while True:
        counts = {
            topic["topic"]: len(topic["partitions"])
            for topic in await admin.describe_topics(list(names))
        }
        if all(counts.get(name) for name in names):
            return counts
        if loop.time() >= deadline:
            raise OperatorError(
                f"the topics {', '.join(name for name in names if not counts.get(name))} have no"
                f" partitions at {settings.bootstrap_servers}; see Kafka's log"
            )
        await asyncio.sleep(0.1)


async def _connected_admin(settings: KafkaSettings) -> AIOKafkaAdminClient:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + settings.startup_timeout_seconds
    while True:
        admin = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=10_000)
        try:
            await admin.start()
        except (KafkaError, OSError, ValueError) as error:
            await admin.close()
            if loop.time() >= deadline or not isinstance(error, KafkaConnectionError):
                raise OperatorError(
                    f"no Kafka answers at {settings.bootstrap_servers}; start it, or correct"
                    f" {PREFIX}BOOTSTRAP_SERVERS, {PREFIX}SECURITY_PROTOCOL and the login"
                ) from error
            await asyncio.sleep(0.5)
        else:
            return admin


async def _create_topics(
    admin: AIOKafkaAdminClient, settings: KafkaSettings, names: Sequence[str]
) -> None:
    retention = settings.topic_retention_hours * _MILLISECONDS_PER_HOUR
    answer = await admin.create_topics(
        [
            NewTopic(
                name,
                settings.topic_partitions,
                settings.topic_replication,
                # aiokafka wants an assignment, if only an empty one, beside the broker's choice.
                replica_assignments={} if settings.topic_replication == -1 else None,
                topic_configs={"retention.ms": str(retention)}
                | (_LARGE_MESSAGES if name == settings.dead_letter_topic else {}),
            )
            for name in names
        ]
    )
    for name, code, *_ in answer.topic_errors:
        error = for_code(code)
        # Another program may have made it in the meantime: just what was wanted.
        if code and error is not TopicAlreadyExistsError:
            raise OperatorError(
                f"Kafka refused to make the topic {name} ({error.__name__});"
                " make it by hand, or correct the topic settings"
            )


def _missing_topics(settings: KafkaSettings, missing: Sequence[str], existing: set[str]) -> str:
    there = ", ".join(sorted(name for name in existing if not name.startswith("__"))) or "none"
    return (
        f"no topic {', '.join(missing)} at {settings.bootstrap_servers} (it has: {there});"
        f" make it, correct the topic settings, or set {PREFIX}CREATE_TOPICS=true"
    )
