from __future__ import annotations

import re
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def read(wheel: Path, name: str) -> str:
    with ZipFile(wheel) as archive:
        return archive.read(name).decode()


def test_every_proto_file_is_in_the_wheel_as_messages_types_and_stubs(
    names: set[str], checkout: Path
) -> None:
    protos = {path.stem for path in (checkout / "proto/proofsight/v1").glob("*.proto")}
    assert protos
    wanted = {
        f"proofsight/v1/{proto}{ending}"
        for proto in protos
        for ending in ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py")
    }
    found = {name for name in names if name.startswith("proofsight/v1/")}
    assert found == wanted | {"proofsight/v1/__init__.py"}


def test_every_file_of_prolog_is_in_the_wheel(names: set[str], checkout: Path) -> None:
    wanted = {
        f"proofsight/prolog/{path.relative_to(checkout / 'prolog')}"
        for path in (checkout / "prolog").rglob("*")
        if path.is_file()
    }
    found = {name for name in names if name.startswith("proofsight/prolog/")}
    assert found == wanted
    assert {"proofsight/prolog/proofsight.pl", "proofsight/prolog/messages/en.json"} <= found


def test_every_module_of_both_roots_is_in_the_wheel_with_its_types(
    names: set[str], checkout: Path
) -> None:
    for directory, package in (("client", "proofsight"), ("server", "proofsight_server")):
        modules = {
            str(path.relative_to(checkout / directory))
            for path in (checkout / directory / package).rglob("*.py")
        }
        assert modules <= names
        assert f"{package}/py.typed" in names


def test_the_wheel_holds_the_two_packages_and_its_metadata_only(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    (metadata,) = (top for top in tops if top.endswith(".dist-info"))
    assert tops == {"proofsight", "proofsight_server", metadata}
    assert f"{metadata}/licenses/LICENSE" in names
    assert not any("__pycache__" in name or name.endswith(".pyc") for name in names)


def test_the_source_distribution_leaves_the_stubs_to_the_build(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert "proto/proofsight/v1/proof.proto" in names
    assert "hatch_build.py" in names
    assert not any(name.startswith("client/proofsight/v1") for name in names)


def lower_bound(wheel: Path, package: str) -> str:
    metadata = next(
        name for name in ZipFile(wheel).namelist() if name.endswith(".dist-info/METADATA")
    )
    for line in re.findall(r"^Requires-Dist: (.*)$", read(wheel, metadata), re.MULTILINE):
        requirement = Requirement(line)
        if requirement.name == package:
            (specifier,) = requirement.specifier
            assert specifier.operator == ">="
            return specifier.version
    raise AssertionError(f"{package} is not required")


def test_the_lower_bound_of_grpcio_is_what_the_generated_code_needs(wheel: Path) -> None:
    text = read(wheel, "proofsight/v1/facts_pb2_grpc.py")
    needed = re.search(r"GRPC_GENERATED_VERSION = '([^']+)'", text)
    assert needed is not None
    assert lower_bound(wheel, "grpcio") == needed[1]


def test_the_lower_bound_of_protobuf_is_what_the_generated_code_needs(wheel: Path) -> None:
    needed = re.search(
        r"^# Protobuf Python Version: (\S+)$",
        read(wheel, "proofsight/v1/facts_pb2.py"),
        re.MULTILINE,
    )
    assert needed is not None
    assert lower_bound(wheel, "protobuf") == needed[1]
