"""The tagger's HTTP API: tag texts, say which model serves, health and metrics."""

import asyncio
import hmac
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from pydantic import AfterValidator, BaseModel, Field

from consumer.body_limit import BodyLimit
from consumer.contracts import TaggedText
from consumer.deadletter import Failure
from consumer.health import Health
from consumer.pipeline import TextPipeline, TextTagged, TextToTag
from consumer.supervision import verdict
from modeling.taxonomy import Taxonomy

MAX_TEXTS = 256
MAX_CHARACTERS = 200_000
MAX_BODY_BYTES = 8 * 2**20
# Texts of all requests that may be in hand; more would wait longer than a person does.
MAX_WAITING = 1024
ANSWER_SECONDS = 30.0


def _says_something(text: str) -> str:
    if not text.strip():
        raise ValueError("the text is empty: there is nothing to tag")
    return text


Text = Annotated[str, Field(max_length=MAX_CHARACTERS), AfterValidator(_says_something)]


class TagRequest(BaseModel):
    """One text or many, to be tagged together."""

    texts: list[Text] = Field(
        min_length=1,
        max_length=MAX_TEXTS,
        examples=[["Bravo pour votre accueil !", "Toujours aucune réponse à mon dossier."]],
    )


class TagResponse(BaseModel):
    """The taggings, in the order of the texts."""

    taggings: list[TaggedText]


class ModelResponse(BaseModel):
    """The model that serves."""

    name: str
    version: str
    device: str
    max_tokens: int = Field(description="Of a longer text, the head and the tail are read.")
    taxonomy: Taxonomy


class Problem(BaseModel):
    """Why a request was not answered."""

    detail: str


def create_api(
    pipeline: Callable[[], TextPipeline | None],
    health: Health,
    registry: CollectorRegistry,
    token: str | None,
) -> FastAPI:
    """The application.

    Args:
        pipeline: gives the pipeline, or None while the model is being loaded.
        health: what the process knows of itself.
        registry: the metrics to export.
        token: the bearer token that `/v1` asks for; None leaves it open.
    """
    api = FastAPI(
        title="Ressenti",
        version="1",
        description="Says how a customer feels, and why.",
        docs_url=None,
        redoc_url=None,
    )
    api.add_middleware(BodyLimit, max_bytes=MAX_BODY_BYTES)
    bearer = HTTPBearer(auto_error=False)

    def authorized(
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> None:
        if token is None:
            return
        if given is None or not hmac.compare_digest(given.credentials.encode(), token.encode()):
            raise HTTPException(
                401, "send the API's token: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"}
            )

    def serving() -> TextPipeline:
        if health.stopping:
            raise HTTPException(503, "the process is stopping", {"Retry-After": "5"})
        current = pipeline()
        if current is None:
            raise HTTPException(503, "the model is being loaded", {"Retry-After": "5"})
        return current

    refusals: dict[int | str, dict[str, type[BaseModel]]] = {
        code: {"model": Problem} for code in (401, 500, 503)
    }
    allowed = [Depends(authorized)]
    in_hand = 0

    @api.post("/v1/tag", dependencies=allowed, responses=refusals, tags=["tagging"])
    async def tag(
        request: TagRequest, pipeline: Annotated[TextPipeline, Depends(serving)]
    ) -> TagResponse:
        """Tags texts, ahead of the stream. They are masked before the model reads them."""
        nonlocal in_hand
        if in_hand + len(request.texts) > MAX_WAITING:
            raise HTTPException(503, "too many texts are waiting", {"Retry-After": "1"})
        in_hand += len(request.texts)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                futures = _submit(pipeline, request.texts)
                outcomes = await asyncio.gather(*map(asyncio.wrap_future, futures))
        except TimeoutError as error:
            raise HTTPException(
                503, f"no answer within {ANSWER_SECONDS:.0f} s", {"Retry-After": "5"}
            ) from error
        finally:
            in_hand -= len(request.texts)
        taggings = []
        for place, outcome in enumerate(outcomes):
            if isinstance(outcome, Failure):
                raise HTTPException(500, f"texts[{place}] cannot be tagged: {outcome.explanation}")
            taggings.append(outcome.tagged)
        return TagResponse(taggings=taggings)

    @api.get("/v1/model", dependencies=allowed, responses=refusals, tags=["tagging"])
    async def model(pipeline: Annotated[TextPipeline, Depends(serving)]) -> ModelResponse:
        """Which model serves, where, and the labels that it knows."""
        engine = pipeline.engine
        return ModelResponse(
            name=engine.name,
            version=engine.version,
            device=engine.device,
            max_tokens=engine.max_tokens,
            taxonomy=engine.taxonomy,
        )

    @api.get("/livez", response_class=PlainTextResponse, tags=["operation"])
    async def livez() -> Response:
        """200 while the process works; 503, with why, when it should be restarted."""
        return verdict(health.not_alive(time.monotonic()))

    @api.get("/readyz", response_class=PlainTextResponse, tags=["operation"])
    async def readyz() -> Response:
        """200 when the process can serve; 503, with why, until then."""
        return verdict(health.not_alive(time.monotonic()) + health.not_ready())

    @api.get("/metrics", response_class=PlainTextResponse, tags=["operation"])
    async def metrics() -> Response:
        """Prometheus metrics."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    @api.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:  # noqa: ARG001
        # Without the input, which is the customer's words.
        problems = [
            {"loc": problem["loc"], "msg": problem["msg"], "type": problem["type"]}
            for problem in error.errors()
        ]
        return JSONResponse({"detail": problems}, 422)

    @api.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001
        # The error's own words may quote the customer's.
        return JSONResponse({"detail": f"unexpected {type(error).__name__}"}, 500)

    return api


def _submit(pipeline: TextPipeline, texts: list[str]) -> list[Future[TextTagged | Failure]]:
    futures: list[Future[TextTagged | Failure]] = [Future() for _ in texts]

    def answer(future: Future[TextTagged | Failure]) -> Callable[[TextTagged | Failure], None]:
        def done(outcome: TextTagged | Failure) -> None:
            # Who asked may have gone in the meantime.
            if future.set_running_or_notify_cancel():
                future.set_result(outcome)

        return done

    items = [
        TextToTag(text, None, answer(future), interactive=True, wanted=_still_asked(future))
        for text, future in zip(texts, futures, strict=True)
    ]
    pipeline.submit(lambda: items, interactive=True)
    return futures


def _still_asked(future: Future[TextTagged | Failure]) -> Callable[[], bool]:
    return lambda: not future.cancelled()
