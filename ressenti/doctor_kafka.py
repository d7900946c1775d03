"""The doctor's look at Kafka: whether it answers, and whether its topics suit the tagger."""

from collections.abc import Mapping, Sequence

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from consumer.kafka import client_options, prepare_topics
from consumer.settings import PREFIX, KafkaSettings
from modeling.errors import OperatorError

# A dead letter is the message as it came, its key, and headers that say what happened.
_HEADER_BYTES = 64 * 2**10
_LARGEST = "max.message.bytes"


async def look_at_kafka(settings: KafkaSettings) -> tuple[str, list[str]]:
    """Looks at the settings' Kafka and makes nothing there.

    Returns:
        What was found, and what had better be changed.

    Raises:
        OperatorError: no broker answers, or a topic is missing that the programs may not make.
    """
    names = (settings.input_topic, settings.output_topic, settings.dead_letter_topic)
    await prepare_topics(settings, [])
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        existing = set(await admin.list_topics())
        missing = [name for name in names if name not in existing]
        if missing and not settings.create_topics:
            await prepare_topics(settings, names)
        there = [name for name in names if name in existing]
        counts = await _partition_counts(admin, there)
        largest = await _largest_messages(admin, there)
    except KafkaError as error:
        raise OperatorError(
            f"Kafka at {settings.bootstrap_servers} does not tell of its topics"
            f" ({type(error).__name__}); see its log, and this program's rights"
        ) from error
    finally:
        await admin.close()
    shown = ", ".join(f"{name} ({count} partitions)" for name, count in counts.items())
    found = f"{settings.bootstrap_servers} answers; {shown or 'it has none of the topics'}"
    made_later = [f"{', '.join(missing)} will be made at the first start"] if missing else []
    return found, made_later + advice(settings, counts, largest)


def advice(
    settings: KafkaSettings, counts: Mapping[str, int], largest: Mapping[str, int]
) -> list[str]:
    """What had better be changed about the topics.

    Args:
        settings: which topics there should be.
        counts: how many partitions each topic has that is there.
        largest: the bytes that each topic takes in one batch of records, where Kafka told them.
    """
    return _advice_on_counts(settings, counts) + _advice_on_sizes(settings, largest)


def _advice_on_counts(settings: KafkaSettings, counts: Mapping[str, int]) -> list[str]:
    if settings.input_topic not in counts or settings.output_topic not in counts:
        return []
    if counts[settings.input_topic] == counts[settings.output_topic]:
        return []
    return [
        "the partition counts differ, so a message's partition number is not kept: give"
        f" {settings.input_topic} and {settings.output_topic} the same count"
    ]


def _advice_on_sizes(settings: KafkaSettings, largest: Mapping[str, int]) -> list[str]:
    if settings.input_topic not in largest or settings.dead_letter_topic not in largest:
        return []
    wanted = largest[settings.input_topic] + _HEADER_BYTES
    taken = largest[settings.dead_letter_topic]
    if taken >= wanted:
        return []
    return [
        f"{settings.dead_letter_topic} takes {_LARGEST}={taken} and may refuse a dead letter:"
        f" set it to {wanted} or more ({PREFIX}CREATE_TOPICS makes a new one large enough)"
    ]


async def _partition_counts(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, int]:
    # No name at all would mean every topic.
    topics = await admin.describe_topics(list(names)) if names else []
    return {topic["topic"]: len(topic["partitions"]) for topic in topics}


async def _largest_messages(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, int]:
    answers = await admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name, {_LARGEST: ""}) for name in names]
    )
    return {
        topic: int(value)
        for answer in answers
        for _, _, _, topic, configs in answer.resources
        for name, value, *_ in configs
        if name == _LARGEST and value
    }
