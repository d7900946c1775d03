"""The published documents are those of the contracts."""

import json

import jsonschema
import pytest

from consumer.contracts import Message
from consumer.enrichment import tagged_message
from consumer.schemas import FOLDER, render, schema_documents
from tests.consumer.test_contracts import NOW, SOURCE, TAGGED


@pytest.mark.parametrize("name", schema_documents())
def test_a_published_document_is_current(name: str) -> None:
    published = (FOLDER / name).read_text(encoding="utf-8")
    assert published == render(schema_documents()[name]), "run `make schemas`"


@pytest.mark.parametrize("name", [name for name in schema_documents() if "schema" in name])
def test_a_published_schema_is_a_json_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema_documents()[name])


def test_a_tagged_message_fits_its_schema_and_a_broken_one_does_not() -> None:
    schema = jsonschema.Draft202012Validator(schema_documents()["tagged-message.schema.json"])
    event = tagged_message(Message(text="x"), ("x", None), TAGGED, SOURCE, NOW)
    document = json.loads(event.model_dump_json())
    schema.validate(document)
    del document["global_score"]["score"]
    with pytest.raises(jsonschema.ValidationError):
        schema.validate(document)


def test_the_asyncapi_document_refers_to_documents_that_exist() -> None:
    text = render(schema_documents()["asyncapi.json"])
    for name in schema_documents():
        assert name == "asyncapi.json" or f'"$ref": "{name}"' in text
