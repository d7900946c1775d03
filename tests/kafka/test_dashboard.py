"""Every query of the Grafana dashboard finds series that the running programs really export."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.kafka.programs import Topics, program

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "ressenti.json"
# Grafana puts its own value there.
RATE_INTERVAL = "$__rate_interval"

Series = list[tuple[str, dict[str, str]]]


def queries() -> Iterator[str]:
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]


def selectors(query: str) -> list[promql_parser.VectorSelector]:
    found = []

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(query.replace(RATE_INTERVAL, "5m")), visit)
    return found


def grouping_labels(query: str) -> set[str]:
    found: set[str] = set()

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            found.update(node.modifier.labels)

    promql_parser.walk(promql_parser.parse(query.replace(RATE_INTERVAL, "5m")), visit)
    return found


def problems(query: str, series: Series) -> list[str]:
    """Why a query would show nothing, or group by a label that is not there."""
    wrong = []
    for selector in selectors(query):
        wanted = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
        matched = [
            labels
            for name, labels in series
            if name == selector.name and wanted.items() <= labels.items()
        ]
        if not matched:
            wrong.append(f"{query}: nothing exports {selector.name}{wanted or ''}")
        wrong += [
            f"{query}: {selector.name} has no label {label}"
            for label in grouping_labels(query)
            if matched and label not in matched[0]
        ]
    return wrong


def exported(text: str) -> Series:
    return [
        (sample.name, sample.labels)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


async def fetch(log: str) -> Series:
    address = re.findall(r"metrics at (http://[^/\s]+)", log)[0]
    async with httpx.AsyncClient(trust_env=False) as client:
        return exported((await client.get(f"{address}/metrics")).text)


async def test_every_query_finds_what_the_programs_export(
    apache_kafka: str, tiny_model: Path, tmp_path: Path
) -> None:
    topics = Topics(apache_kafka)
    await topics.create()
    texts = [f"Message {number} " * number for number in range(1, 60)]
    await topics.send([json.dumps({"text": text}).encode() for text in texts] + [b"malformed"])
    tagger = topics.environment() | {"RESSENTI_MODEL": str(tiny_model)}
    archive = topics.environment() | {
        "RESSENTI_ARCHIVE_GROUP": f"{topics.input}-archive",
        "RESSENTI_ARCHIVE_METRICS_PORT": "0",
        "RESSENTI_DATABASE_FOLDER": str(tmp_path / "postgresql"),
    }
    with (
        program("tag", tagger, tmp_path) as tagging,
        program("archive", archive, tmp_path) as archiving,
    ):
        tagging.wait_until_ready()
        await topics.read(topics.output, len(texts))
        await topics.read(topics.dead_letters, 1)
        await topics.spoil_output()
        series: Series = []
        while not any(
            name == "ressenti_archive_unreadable_events_total" for name, _ in series
        ) or not any(name == "ressenti_consumer_lag_records" for name, _ in series):
            assert archiving.process.poll() is None, archiving.log
            series = await fetch(tagging.log) + await fetch(archiving.log)
    wrong = [line for query in queries() for line in problems(query, series)]
    assert wrong == []
    assert len(list(queries())) > 20


def test_a_query_for_a_name_that_nobody_exports_is_found() -> None:
    series: Series = [("ressenti_labels_total", {"group": "causes", "label": "C1"})]
    assert problems("sum by (label) (rate(ressenti_labels_total[5m]))", series) == []
    assert problems("rate(ressenti_label_total[5m])", series)
    assert problems('ressenti_labels_total{group="cause"}', series)
    assert problems("sum by (labels) (ressenti_labels_total)", series)
