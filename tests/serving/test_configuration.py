from __future__ import annotations

from pathlib import Path

import pytest

from proofsight_server.errors import BadOption
from proofsight_server.serving.configuration import Configuration, UnknownSetting, configure


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text("port = 1\nworkers = 1\nsolutions = 1\n")
    environment = {"PROOFSIGHT_PORT": "2", "PROOFSIGHT_WORKERS": "2", "PROOFSIGHT_SERVER": "x:1"}
    sourced = configure({"port": 3, "host": None}, file=file, environment=environment)
    settings = sourced.configuration
    assert (settings.port, settings.workers, settings.solutions) == (3, 2, 1)
    assert settings.host == Configuration().host
    assert [sourced.sources[name] for name in ("port", "workers", "solutions", "host")] == [
        "flag",
        "environment",
        str(file),
        "default",
    ]


def test_every_setting_is_printed_with_its_source() -> None:
    lines = configure({"port": 3}, environment={}).lines()
    assert "port = 3  (flag)" in lines
    assert "host = '127.0.0.1'  (default)" in lines
    assert len(lines) == len(Configuration.__dataclass_fields__)


@pytest.mark.parametrize(
    "text", ["prot = 1", "port = 'many'", "port = 1.5", "port = ]", "workers = 0"]
)
def test_a_bad_file_is_refused_with_the_settings_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "server.toml"
    file.write_text(text)
    with pytest.raises((BadOption, UnknownSetting)) as caught:
        configure({}, file=file, environment={})
    assert text.split()[0].strip("=") in str(caught.value) or "TOML" in str(caught.value)


def test_an_unknown_setting_names_the_nearest() -> None:
    with pytest.raises(UnknownSetting, match="port"):
        configure({"prot": 1}, environment={})


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadOption, match="No such file"):
        configure({}, file=tmp_path / "none.toml", environment={})


def test_beyond_loopback_plain_text_must_be_asked_for() -> None:
    with pytest.raises(BadOption, match="--insecure"):
        Configuration(host="0.0.0.0")
    assert Configuration(host="0.0.0.0", insecure=True).host == "0.0.0.0"


@pytest.mark.parametrize(("text", "value"), [("1", True), ("false", False)])
def test_booleans_from_the_environment_are_words(text: str, value: bool) -> None:
    settings = configure({}, environment={"PROOFSIGHT_INSECURE": text}).configuration
    assert settings.insecure is value


def test_another_word_is_no_boolean() -> None:
    with pytest.raises(BadOption, match="insecure"):
        configure({}, environment={"PROOFSIGHT_INSECURE": "perhaps"})
