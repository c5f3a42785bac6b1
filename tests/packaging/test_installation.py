from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.packaging.environment import Environment

HEAVY = {
    "torch",
    "torchvision",
    "numpy",
    "scikit-learn",
    "scipy",
    "pillow",
    "safetensors",
    "pyswip",
}
INSTALLED = """
import json, importlib.metadata
print(json.dumps([found.metadata["Name"].lower() for found in importlib.metadata.distributions()]))
"""
WALK = """
import importlib, pkgutil, {package}
for found in pkgutil.walk_packages({package}.__path__, "{package}."):
    if not found.name.endswith("__main__"):
        importlib.import_module(found.name)
        print(found.name)
"""
TRAIN = (
    "proofsight",
    "train",
    "--data",
    "digits",
    "--model",
    "small-cnn",
    "--out",
    "w.safetensors",
)


def commands(environment: Environment) -> list[str]:
    names = environment.python(
        "import importlib.metadata as m;"
        "print(*(e.name for e in m.entry_points(group='proofsight.commands')))"
    )
    return names.split()


def test_the_light_install_has_nothing_of_the_server_extra(light: Environment) -> None:
    assert not HEAVY & set(json.loads(light.python(INSTALLED)))


def test_the_full_install_has_all_of_the_server_extra(full: Environment) -> None:
    assert set(json.loads(full.python(INSTALLED))) >= HEAVY


def test_every_module_of_the_client_imports_in_the_light_install(light: Environment) -> None:
    imported = light.python(WALK.format(package="proofsight")).split()
    assert {"proofsight.client", "proofsight.cli", "proofsight.v1.facts_pb2_grpc"} <= set(imported)


def test_every_module_of_the_server_imports_in_the_full_install(full: Environment) -> None:
    imported = full.python(WALK.format(package="proofsight_server")).split()
    assert {"proofsight_server.serving", "proofsight_server.reasoning"} <= set(imported)


def test_the_light_install_lists_every_command_in_its_help(light: Environment) -> None:
    done = light.run("proofsight", "--help")
    assert done.returncode == 0, done.stderr
    assert [name for name in (*commands(light), "why", "why-not") if name not in done.stdout] == []


def test_the_light_install_says_what_train_needs_and_exits_with_1(light: Environment) -> None:
    done = light.run(*TRAIN)
    assert "pip install 'proofsight[server]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert (done.returncode, done.stdout) == (1, "")


def test_every_command_of_the_full_install_loads_and_has_a_help(full: Environment) -> None:
    for name in commands(full):
        done = full.run("proofsight", name, "--help")
        assert done.returncode == 0, (name, done.stderr)
        assert done.stdout.startswith("usage:"), name


@pytest.mark.parametrize("kind", ["light", "full"])
def test_swipl_loads_the_facade_that_the_wheel_brings(
    kind: str, request: pytest.FixtureRequest
) -> None:
    environment: Environment = request.getfixturevalue(kind)
    home = Path(
        environment.python("from proofsight.prolog_home import prolog_home; print(prolog_home())")
    )
    assert home == environment.site / "proofsight" / "prolog"
    assert (home / "messages" / "en.json").is_file()
    done = subprocess.run(
        ["swipl", "--on-error=status", "-g", "halt", str(home / "proofsight.pl")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
