"""The published schemas, made from the contracts: `python -m consumer.schemas` writes them.

JSON Schema 2020-12 for each event, and an AsyncAPI 3.0 document that joins them to the topics.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from consumer.contracts import (
    CONTENT_TYPE,
    ERROR_HEADER_PREFIX,
    TAGGED_EVENT_TYPE,
    DeadLetterHeaders,
    Message,
    TaggedMessage,
)
from consumer.settings import TaggerSettings

FOLDER = Path(__file__).parents[1] / "deploy" / "contracts"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_documents() -> dict[str, dict[str, Any]]:
    """Every published document, by its file name."""
    return {
        "message.schema.json": _schema(Message, "validation"),
        "tagged-message.schema.json": _schema(TaggedMessage, "serialization"),
        "dead-letter-headers.schema.json": _dead_letter_headers(),
        "asyncapi.json": _asyncapi(),
    }


def render(document: dict[str, Any]) -> str:
    """A document as it stands in its file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Writes the documents."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, document in schema_documents().items():
        (FOLDER / name).write_text(render(document), encoding="utf-8")
        print(f"wrote {name}")
    return 0


def _schema(model: type[BaseModel], mode: Any) -> dict[str, Any]:
    return {"$schema": _DIALECT} | model.model_json_schema(mode=mode)


def _dead_letter_headers() -> dict[str, Any]:
    """Headers are texts on Kafka, whatever they mean."""
    schema = _schema(DeadLetterHeaders, "serialization")
    schema["properties"] = {
        f"{ERROR_HEADER_PREFIX}{name}": {
            "type": "string",
            "description": field.description or name.replace("_", " "),
        }
        for name, field in DeadLetterHeaders.model_fields.items()
    }
    schema["required"] = list(schema["properties"])
    return schema


def _asyncapi() -> dict[str, Any]:
    settings = TaggerSettings.model_fields
    messages = {
        "message": {
            "name": "message",
            "title": "What a customer sent",
            "contentType": CONTENT_TYPE,
            "payload": {"$ref": "message.schema.json"},
        },
        "taggedMessage": {
            "name": TAGGED_EVENT_TYPE,
            "title": "A message with its tagging",
            "contentType": CONTENT_TYPE,
            "headers": {
                "type": "object",
                "description": "CloudEvents 1.0, binary mode; the message's own headers follow.",
                "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time"],
                "properties": {
                    "ce_specversion": {"const": "1.0"},
                    "ce_id": {"type": "string", "description": "The message's id."},
                    "ce_type": {"const": TAGGED_EVENT_TYPE},
                    "ce_source": {"type": "string", "description": "/topic/partition"},
                    "ce_time": {"type": "string", "format": "date-time"},
                },
            },
            "payload": {"$ref": "tagged-message.schema.json"},
        },
        "deadLetter": {
            "name": "deadLetter",
            "title": "A message that could not be tagged: its bytes as they came, and why",
            "headers": {"$ref": "dead-letter-headers.schema.json"},
            "payload": {},
        },
    }
    channels = {"input_topic": "message", "output_topic": "taggedMessage"}
    channels["dead_letter_topic"] = "deadLetter"
    actions = {"input_topic": "receive", "output_topic": "send", "dead_letter_topic": "send"}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Ressenti",
            "version": "1.0.0",
            "description": "The tagger reads messages and publishes them with what it says of"
            " them; what it cannot tag goes to the dead-letter topic.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            channel: {
                "address": settings[channel].default,
                "description": settings[channel].description,
                "messages": {
                    message: {"$ref": f"#/components/messages/{message}"},
                },
            }
            for channel, message in channels.items()
        },
        "operations": {
            f"{actions[channel]}_{message}": {
                "action": actions[channel],
                "channel": {"$ref": f"#/channels/{channel}"},
                "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
            }
            for channel, message in channels.items()
        },
        "components": {"messages": messages},
    }


if __name__ == "__main__":
    sys.exit(main())
