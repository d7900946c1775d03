"""Every setting of the stream's programs, read from the environment and from `.env`."""

import difflib
import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeVar

from pydantic import Field, SecretStr, StringConstraints, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, DotEnvSettingsSource, SettingsConfigDict

from modeling.errors import OperatorError

PREFIX = "RESSENTI_"

# Kafka's own rule for topic names.
Topic = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9._-]{1,249}$")]
Port = Annotated[int, Field(ge=0, le=65535)]


def _setting(default: Any, what: str, unit: str = "", **limits: Any) -> Any:
    return Field(default, description=what, json_schema_extra={"unit": unit}, **limits)


class ProgramSettings(BaseSettings):
    """What every program's settings have in common."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        # An empty variable is how a compose file says that there is none.
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )


class KafkaSettings(ProgramSettings):
    """Where Kafka is, and the topics that all programs share."""

    bootstrap_servers: str = _setting(
        "localhost:9092", "Kafka's first addresses, as host:port, several with commas."
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = _setting(
        "PLAINTEXT", "How to speak to Kafka."
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = _setting(
        "SCRAM-SHA-512", "How to log in, when the protocol says SASL."
    )
    sasl_username: str | None = _setting(None, "The user name to log in with.")
    sasl_password: SecretStr | None = _setting(None, "The password to log in with.")
    ssl_ca_file: Path | None = _setting(
        None, "Certificates to trust; without it, the machine's own.", "PEM file"
    )
    input_topic: Topic = _setting("support.messages", "Messages come from this topic.")
    output_topic: Topic = _setting("support.messages.tagged", "Tagged messages go to this topic.")
    dead_letter_topic: Topic = _setting(
        "support.messages.dlq", "Messages that cannot be tagged go to this topic."
    )
    create_topics: bool = _setting(False, "Make topics that are missing.")
    topic_partitions: int = _setting(6, "Partitions of a topic made here.", ge=1)
    topic_replication: int = _setting(
        -1, "Replicas of a topic made here; -1 leaves it to the broker.", ge=-1
    )
    topic_retention_hours: int = _setting(168, "How long a topic made here keeps.", "hours", ge=1)
    startup_timeout_seconds: float = _setting(
        30.0, "How long to wait for Kafka or PostgreSQL at the start.", "seconds", gt=0
    )

    @model_validator(mode="after")
    def _login_is_complete(self) -> Self:
        if self.security_protocol.startswith("SASL") and not (
            self.sasl_username and self.sasl_password
        ):
            raise ValueError(
                f"{PREFIX}SECURITY_PROTOCOL={self.security_protocol} needs"
                f" {PREFIX}SASL_USERNAME and {PREFIX}SASL_PASSWORD"
            )
        return self


class TaggerSettings(KafkaSettings):
    """The tagger: Kafka in, model, Kafka out, and the API."""

    tagger_group: str = _setting("ressenti-tagger", "The tagger's consumer group.", min_length=1)
    model: Path | None = _setting(
        None, "The model's folder; without it, the starter model.", "folder"
    )
    taxonomy: Path | None = _setting(
        None, "The taxonomy that the model must have; without it, Ressenti's own.", "YAML file"
    )
    device: Annotated[str, StringConstraints(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = _setting(
        "auto", "Where the model runs: auto, cpu, cuda or cuda:1. auto takes a GPU if it can."
    )
    batch_tokens: int | None = _setting(
        None,
        "Tokens in one batch, padding included; without it, 16384 on a GPU and 2048 on a CPU.",
        "tokens",
        ge=16,
    )
    preparation_threads: int = _setting(
        2, "Threads that decode, mask and tokenize.", "threads", ge=1
    )
    max_in_flight: int = _setting(
        4000, "Messages read and not yet committed; reading pauses there.", "messages", ge=1
    )
    keep_raw_text: bool = _setting(
        False, "Publish the customer's words unmasked. The model always reads them masked."
    )
    drain_timeout_seconds: float = _setting(
        20.0, "How long a stop waits for the messages in hand.", "seconds", gt=0
    )
    api_host: str = _setting("127.0.0.1", "The API's address.")
    api_port: Port = _setting(8080, "The API's port; 0 takes a free one.")
    api_token: SecretStr | None = _setting(
        None, "Bearer token that the API asks for; needed unless the address is a loopback one."
    )

    @model_validator(mode="after")
    def _api_is_closed_to_strangers(self) -> Self:
        if self.api_token is None and not _is_loopback(self.api_host):
            raise ValueError(
                f"{PREFIX}API_HOST={self.api_host} can be reached from other machines:"
                f" set {PREFIX}API_TOKEN, or listen on 127.0.0.1"
            )
        return self


class DatabaseSettings(ProgramSettings):
    """Where the archive's PostgreSQL is."""

    database_url: SecretStr | None = _setting(
        None,
        "The PostgreSQL server, as postgresql://user:password@host/database;"
        " without it, an embedded one.",
    )
    database_folder: Path = _setting(
        Path("ressenti-data/postgresql"), "Where the embedded PostgreSQL keeps its files.", "folder"
    )


class ArchiveSettings(KafkaSettings, DatabaseSettings):
    """The archive: tagged messages from Kafka into PostgreSQL."""

    archive_group: str = _setting("ressenti-archive", "The archive's consumer group.", min_length=1)
    archive_batch_messages: int = _setting(
        1000, "At most so many messages are written at once.", "messages", ge=1
    )
    archive_metrics_host: str = _setting("127.0.0.1", "The address of the archive's metrics.")
    archive_metrics_port: Port = _setting(
        8081, "The port of the archive's metrics; 0 takes a free one."
    )


ALL_SETTINGS: tuple[type[ProgramSettings], ...] = (TaggerSettings, ArchiveSettings)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


SettingsT = TypeVar("SettingsT", bound=ProgramSettings)


def load_settings(settings: type[SettingsT], **given: Any) -> SettingsT:
    """Reads settings of one kind; `given` ones go before the environment's.

    Raises:
        OperatorError: a value does not fit; every one of them is named, secrets are not shown.
    """
    try:
        return settings(**given)
    except UnicodeDecodeError as error:
        raise OperatorError(f"the file .env is not UTF-8 ({error.reason}); save it so") from None
    except ValidationError as error:
        lines = [_complaint(problem, settings) for problem in error.errors()]
        raise OperatorError("; ".join(lines)) from None


def _complaint(problem: Any, settings: type[ProgramSettings]) -> str:
    if not problem["loc"]:
        return str(problem["msg"]).removeprefix("Value error, ")
    name = str(problem["loc"][0])
    field = settings.model_fields.get(name)
    if field is None:
        return f"{PREFIX}{name.upper()}: {problem['msg']}"
    shown = "" if "SecretStr" in str(field.annotation) else f"={problem['input']!s}"
    return f"{PREFIX}{name.upper()}{shown}: {problem['msg']} ({field.description})"


def unknown_settings() -> list[str]:
    """A line for each RESSENTI_… variable that no program reads: most are typing errors."""
    known = {f"{PREFIX}{name.upper()}" for kind in ALL_SETTINGS for name in kind.model_fields}
    try:
        from_file = DotEnvSettingsSource(TaggerSettings).env_vars
    except UnicodeDecodeError:  # `load_settings` says so
        return []
    given = {name.upper() for name in (*os.environ, *from_file)}
    lines = []
    for name in sorted(name for name in given if name.startswith(PREFIX) and name not in known):
        close = " or ".join(difflib.get_close_matches(name, sorted(known), n=2, cutoff=0.8))
        lines.append(f"{name} is no setting" + (f"; did you mean {close}?" if close else ""))
    return lines


class SettingDescription(NamedTuple):
    """One line of `--help`."""

    variable: str
    default: str
    unit: str
    what: str


def describe(settings: type[ProgramSettings]) -> list[SettingDescription]:
    """Every setting of one kind, in the order of the classes that make it."""
    return [_describe(name, field) for name, field in settings.model_fields.items()]


def _describe(name: str, field: FieldInfo) -> SettingDescription:
    extra = field.json_schema_extra
    unit = str(extra.get("unit", "")) if isinstance(extra, dict) else ""
    default = "" if field.default is None else str(field.default)
    return SettingDescription(f"{PREFIX}{name.upper()}", default, unit, field.description or "")
