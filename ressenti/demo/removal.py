"""Takes the demo's own topics and consumer groups away from a broker that somebody else runs."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import GroupIdNotFound, KafkaError, UnknownTopicOrPartitionError, for_code
from aiokafka.protocol.admin import DeleteGroupsRequest

from consumer.kafka import client_options
from consumer.settings import KafkaSettings

_TIMEOUT_MILLISECONDS = 10_000
_GONE = (UnknownTopicOrPartitionError, GroupIdNotFound)


async def remove_from_broker(
    settings: KafkaSettings, topics: Sequence[str], groups: Sequence[str]
) -> None:
    """Deletes topics, and groups that have no members; what stays is named on standard error."""
    left = [*topics, *groups]
    for removed in (_deleted_topics(settings, topics), _deleted_groups(settings, groups)):
        with suppress(KafkaError, OSError):  # who is not deleted stays in the list
            async for name in removed:
                left.remove(name)
    if left:
        print(
            f"{settings.bootstrap_servers} keeps what the demo made; delete there:"
            f" {', '.join(left)}",
            file=sys.stderr,
        )


async def _deleted_topics(settings: KafkaSettings, topics: Sequence[str]) -> AsyncIterator[str]:
    admin = AIOKafkaAdminClient(
        **client_options(settings), request_timeout_ms=_TIMEOUT_MILLISECONDS
    )
    try:
        await admin.start()
        answer = await admin.delete_topics(list(topics))
        for topic, code in answer.topic_error_codes:
            if _is_gone(code):
                yield topic
    finally:
        await admin.close()


async def _deleted_groups(settings: KafkaSettings, groups: Sequence[str]) -> AsyncIterator[str]:
    # aiokafka's admin client cannot delete groups; its plain client can send the request.
    client = AIOKafkaClient(**client_options(settings), request_timeout_ms=_TIMEOUT_MILLISECONDS)
    try:
        await client.bootstrap()
        for group in groups:
            coordinator = await client.coordinator_lookup(CoordinationType.GROUP, group)
            answer = await client.send(coordinator, DeleteGroupsRequest([group]))
            if all(_is_gone(code) for _, code in answer.results):
                yield group
    finally:
        await client.close()


def _is_gone(code: int) -> bool:
    return not code or for_code(code) in _GONE
