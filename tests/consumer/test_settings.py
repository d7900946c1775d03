"""Settings come from the environment, and a wrong one is named."""

from pathlib import Path

import pytest

from consumer.settings import (
    ALL_SETTINGS,
    ArchiveSettings,
    KafkaSettings,
    TaggerSettings,
    describe,
    load_settings,
    unknown_settings,
)
from modeling.errors import OperatorError


@pytest.fixture(autouse=True)
def _no_dotenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_environment_goes_before_the_dotenv_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("RESSENTI_INPUT_TOPIC=from-file\nRESSENTI_API_PORT=1234\n")
    monkeypatch.setenv("RESSENTI_INPUT_TOPIC", "from-environment")
    settings = load_settings(TaggerSettings)
    assert (settings.input_topic, settings.api_port) == ("from-environment", 1234)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("RESSENTI_API_PORT", "eighty"),
        ("RESSENTI_API_PORT", "70000"),
        ("RESSENTI_INPUT_TOPIC", "no spaces please"),
        ("RESSENTI_DEVICE", "gpu"),
        ("RESSENTI_BATCH_TOKENS", "0"),
        ("RESSENTI_SECURITY_PROTOCOL", "TLS"),
    ],
)
def test_a_malformed_setting_is_named_with_its_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(OperatorError, match=f"{variable}={value}: "):
        load_settings(TaggerSettings)


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESSENTI_API_HOST", "0.0.0.0")
    monkeypatch.setenv("RESSENTI_API_TOKEN", "")
    with pytest.raises(OperatorError, match="set RESSENTI_API_TOKEN"):
        load_settings(TaggerSettings)


def test_a_dotenv_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("RESSENTI_SASL_USERNAME=René".encode("latin-1"))
    assert unknown_settings() == []
    with pytest.raises(OperatorError, match=r"\.env is not UTF-8"):
        load_settings(TaggerSettings)


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESSENTI_DATABASE_URL", "postgresql://bot:hunter2@db/ressenti")
    monkeypatch.setenv("RESSENTI_ARCHIVE_METRICS_PORT", "x")
    with pytest.raises(OperatorError) as raised:
        load_settings(ArchiveSettings)
    assert "hunter2" not in str(raised.value)
    monkeypatch.delenv("RESSENTI_ARCHIVE_METRICS_PORT")
    assert "hunter2" not in repr(load_settings(ArchiveSettings))


def test_an_api_that_others_can_reach_needs_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESSENTI_API_HOST", "0.0.0.0")
    with pytest.raises(OperatorError, match="set RESSENTI_API_TOKEN"):
        load_settings(TaggerSettings)
    monkeypatch.setenv("RESSENTI_API_TOKEN", "s3cret")
    assert load_settings(TaggerSettings).api_host == "0.0.0.0"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_a_loopback_api_needs_none(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("RESSENTI_API_HOST", host)
    assert load_settings(TaggerSettings).api_token is None


def test_a_login_needs_a_name_and_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESSENTI_SECURITY_PROTOCOL", "SASL_SSL")
    with pytest.raises(OperatorError, match="RESSENTI_SASL_USERNAME and RESSENTI_SASL_PASSWORD"):
        load_settings(KafkaSettings)


def test_a_typing_error_in_a_name_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RESSENTI_INPUT_TOPICS", "x")
    (tmp_path / ".env").write_text("RESSENTI_DEVISE=cpu\n")
    assert unknown_settings() == [
        "RESSENTI_DEVISE is no setting; did you mean RESSENTI_DEVICE?",
        "RESSENTI_INPUT_TOPICS is no setting; did you mean RESSENTI_INPUT_TOPIC or"
        " RESSENTI_OUTPUT_TOPIC?",
    ]


@pytest.mark.parametrize("settings", ALL_SETTINGS)
def test_every_setting_is_described(settings: type[KafkaSettings]) -> None:
    for line in describe(settings):
        assert line.variable.startswith("RESSENTI_")
        assert line.what.endswith(".")
        if line.variable.endswith(("SECONDS", "HOURS", "TOKENS", "FOLDER")):
            assert line.unit
