"""The tagger's HTTP API, served for real."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from consumer.api import MAX_BODY_BYTES, MAX_TEXTS, MAX_WAITING, create_api
from consumer.health import Health
from consumer.http_server import HttpServer, bind
from consumer.pipeline import TextPipeline
from modeling.errors import OperatorError
from tests.consumer.parts import RunningPipeline, running_pipeline


@contextmanager
def served(
    running: RunningPipeline,
    token: str | None = None,
    health: Health | None = None,
    loading: bool = False,
) -> Iterator[httpx.Client]:
    pipeline: TextPipeline | None = None if loading else running.pipeline
    api = create_api(lambda: pipeline, health or Health(), running.registry, token)
    server = HttpServer(api, bind("127.0.0.1", 0, "api_port"), running.crashes.append)
    try:
        with httpx.Client(base_url=server.url, timeout=20, trust_env=False) as client:
            yield client
    finally:
        server.stop()


@pytest.fixture(scope="module")
def running(tiny_model: Path) -> Iterator[RunningPipeline]:
    with running_pipeline(tiny_model, breaks_on="poison") as pipeline:
        yield pipeline


def test_many_texts_are_tagged_in_their_order(running: RunningPipeline) -> None:
    texts = ["Merci beaucoup", "Toujours aucune réponse à mon dossier", "Bonjour"]
    with served(running) as client:
        answer = client.post("/v1/tag", json={"texts": texts})
        alone = [client.post("/v1/tag", json={"texts": [text]}).json() for text in texts]
    assert answer.status_code == 200
    scores = [tagging["global_score"]["score"] for tagging in answer.json()["taggings"]]
    expected = [one["taggings"][0]["global_score"]["score"] for one in alone]
    assert scores == pytest.approx(expected, abs=1e-2)
    assert answer.json()["taggings"][0]["model"] == {"name": "tiny", "version": "0"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"texts": []},
        {"texts": [""]},
        {"texts": ["  \n"]},
        {"texts": "one"},
        {"texts": [3]},
        {"texts": ["x"] * (MAX_TEXTS + 1)},
        {"texts": ["x" * 200_001]},
    ],
)
def test_a_request_that_does_not_fit_is_refused(running: RunningPipeline, body: object) -> None:
    with served(running) as client:
        assert client.post("/v1/tag", json=body).status_code == 422


@pytest.mark.parametrize(
    "body", [b'{"texts": ["", "SECRET"]}', b'{"texts": ["SECRET \\ud800"]}', b'["SECRET"']
)
def test_a_refusal_does_not_repeat_the_customer_s_words(
    running: RunningPipeline, body: bytes
) -> None:
    with served(running) as client:
        answer = client.post("/v1/tag", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert "SECRET" not in answer.text


def test_a_body_that_is_too_large_is_refused(running: RunningPipeline) -> None:
    chunk = b"x" * 2**20

    def endless() -> Iterator[bytes]:
        for _ in range(MAX_BODY_BYTES // len(chunk) + 1):
            yield chunk

    with served(running) as client:
        assert client.post("/v1/tag", content=chunk * 9).status_code == 413
        assert client.post("/v1/tag", content=endless()).status_code == 413


def test_a_process_that_stops_takes_no_more_texts(running: RunningPipeline) -> None:
    with served(running, health=Health(stopping=True)) as client:
        assert client.post("/v1/tag", json={"texts": ["x"]}).status_code == 503


def test_a_text_that_cannot_be_tagged_is_named(running: RunningPipeline) -> None:
    with served(running) as client:
        answer = client.post("/v1/tag", json={"texts": ["fine", "poison"]})
    assert answer.status_code == 500
    assert answer.json()["detail"] == "texts[1] cannot be tagged: mask failed with RuntimeError"


def test_more_than_can_be_answered_soon_is_refused(
    running: RunningPipeline,
) -> None:
    running.engine.gate.clear()
    with served(running) as client, ThreadPoolExecutor(8) as people:
        asked = [
            people.submit(client.post, "/v1/tag", json={"texts": ["x"] * MAX_TEXTS})
            for _ in range(MAX_WAITING // MAX_TEXTS + 1)
        ]
        refused = next(future.result() for future in as_completed(asked))
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "1"
        running.engine.gate.set()
        assert sorted(future.result().status_code for future in asked) == [200] * 4 + [503]
        assert client.post("/v1/tag", json={"texts": ["x"]}).status_code == 200


@pytest.mark.parametrize(
    ("given", "status"),
    [(None, 401), ("Bearer wrong", 401), ("Basic s3cret", 401), ("Bearer s3cret", 200)],
)
def test_the_token_is_asked_for(running: RunningPipeline, given: str | None, status: int) -> None:
    headers = {"Authorization": given} if given else {}
    with served(running, token="s3cret") as client:
        assert client.get("/v1/model", headers=headers).status_code == status
        tagging = client.post("/v1/tag", json={"texts": ["x"]}, headers=headers)
        assert tagging.status_code == status
        assert client.get("/livez").status_code == 200
        assert client.get("/metrics").status_code == 200


def test_the_model_is_described_with_its_labels(running: RunningPipeline) -> None:
    with served(running) as client:
        model = client.get("/v1/model").json()
    assert (model["name"], model["version"], model["device"]) == ("tiny", "0", "cpu")
    assert [group["name"] for group in model["taxonomy"]["groups"]] == [
        "global_score",
        "emotions",
        "causes",
    ]


def test_requests_wait_for_the_model_to_be_loaded(running: RunningPipeline) -> None:
    with served(running, loading=True) as client:
        answer = client.post("/v1/tag", json={"texts": ["x"]})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


def test_health_tells_why(running: RunningPipeline) -> None:
    health = Health(model_ready=True, broker_answers=True)
    with served(running, health=health) as client:
        assert client.get("/livez").text == "ok\n"
        answer = client.get("/readyz")
        assert (answer.status_code, answer.text) == (
            503,
            "the group has not assigned partitions\n",
        )
        health.assigned_partitions = 0
        assert client.get("/readyz").status_code == 200
        health.workers = {"the device's thread": False}
        assert client.get("/livez").status_code == 503
        assert client.get("/readyz").status_code == 503


def test_metrics_are_in_the_exposition_format(running: RunningPipeline) -> None:
    with served(running) as client:
        client.post("/v1/tag", json={"texts": ["x"]})
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "ressenti_batch_rows_count" in answer.text


def test_the_openapi_document_describes_what_is_served(running: RunningPipeline) -> None:
    with served(running) as client:
        document = client.get("/openapi.json").json()
    assert set(document["paths"]) == {"/v1/tag", "/v1/model", "/livez", "/readyz", "/metrics"}
    assert "TaggedText" in document["components"]["schemas"]
    assert document["paths"]["/v1/tag"]["post"]["security"] == [{"HTTPBearer": []}]


def test_a_taken_port_is_told_with_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OperatorError, match=f"port {port} .* set RESSENTI_API_PORT"):
            bind("127.0.0.1", port, "api_port")


def test_an_address_of_another_machine_is_told_with_its_setting() -> None:
    with pytest.raises(OperatorError, match="correct RESSENTI_API_PORT or RESSENTI_API_HOST"):
        bind("192.0.2.1", 0, "api_port")
