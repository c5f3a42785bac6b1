"""What arguments and the environment say together."""

from __future__ import annotations

from argparse import Namespace

import pytest

from proofsight_server.commands.arguments import allowed
from proofsight_server.serving.configuration import configure


@pytest.mark.parametrize(
    ("flags", "environment", "expected"),
    [
        ((), None, set()),
        ((), "", set()),
        ((), "nets:small, nets:large", {"nets:small", "nets:large"}),
        (("nets:other",), "nets:small", {"nets:other"}),
    ],
)
def test_models_are_allowed_alike_by_commands_and_by_the_server(
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    environment: str | None,
    expected: set[str],
) -> None:
    monkeypatch.delenv("PROOFSIGHT_ALLOW_MODELS", raising=False)
    if environment is not None:
        monkeypatch.setenv("PROOFSIGHT_ALLOW_MODELS", environment)
    assert allowed(Namespace(allow_model=list(flags))) == expected
    served = configure({"allow_models": flags or None}).configuration
    assert set(served.allow_models) == expected


def test_a_factory_that_was_typed_as_the_model_is_allowed_besides() -> None:
    args = Namespace(allow_model=["nets:other"], model="nets:mine")
    assert allowed(args) == {"nets:mine", "nets:other"}
