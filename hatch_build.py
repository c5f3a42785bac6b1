"""Writes the protobuf and gRPC stubs from `proto/` when the package is built or installed.

The stubs go to `client/proofsight/v1`, which git ignores, for wheels and editable installs
alike. `python hatch_build.py` does the same by hand (`make proto`).
"""

from __future__ import annotations

import importlib.resources
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PROTO = "proto"
PACKAGE = "proofsight/v1"
CLIENT = "client"


def write_stubs(root: Path) -> Path:
    """Generate the stubs below `root` and return their directory.

    They are generated beside their final place and then moved over it file by file, so that a
    failing protoc leaves the old ones alone and a running program never misses one.

    Raises
    ------
    RuntimeError
        protoc refused a file; its own messages are on standard error.
    """
    # Only a build needs protoc; the hook itself is also imported where it is not installed.
    from grpc_tools import protoc

    proto = root / PROTO
    sources = sorted(str(path) for path in (proto / PACKAGE).glob("*.proto"))
    if not sources:
        raise RuntimeError(f"no .proto files in {proto / PACKAGE}; build from a full checkout")
    stubs = root / CLIENT / PACKAGE
    stubs.parent.mkdir(parents=True, exist_ok=True)
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    googleapis = importlib.resources.files("google.rpc") / ".." / ".."
    with (
        tempfile.TemporaryDirectory(prefix=".stubs-", dir=stubs.parent) as scratch,
        tempfile.TemporaryDirectory() as renamed,
    ):
        # googleapis-common-protos ships this one file under another name than the descriptor in
        # its generated code, which is what ours has to import.
        operations = Path(renamed) / "google" / "longrunning" / "operations.proto"
        operations.parent.mkdir(parents=True)
        shipped = Path(str(googleapis), "google", "longrunning", "operations_proto.proto")
        shutil.copyfile(shipped, operations)
        arguments = [
            "protoc",
            f"--proto_path={proto}",
            f"--proto_path={well_known}",
            f"--proto_path={renamed}",
            f"--proto_path={googleapis}",
            f"--python_out={scratch}",
            f"--pyi_out={scratch}",
            f"--grpc_python_out={scratch}",
            *sources,
        ]
        if protoc.main(arguments) != 0:
            raise RuntimeError(f"protoc refused the files of {proto / PACKAGE}; see its messages")
        fresh = Path(scratch) / PACKAGE
        (fresh / "__init__.py").write_text(
            '"""Protobuf messages and gRPC stubs, generated from `proto/`; not to be edited."""\n',
            encoding="utf-8",
        )
        stubs.mkdir(exist_ok=True)
        names = {path.name for path in fresh.iterdir()}
        for path in sorted(fresh.iterdir()):
            path.replace(stubs / path.name)
        for path in stubs.iterdir():
            if path.is_file() and path.name not in names:
                path.unlink()
        shutil.rmtree(stubs / "__pycache__", ignore_errors=True)
    return stubs


class StubsHook(BuildHookInterface[BuilderConfig]):
    """Hatchling's entry: writes the stubs before the files of a wheel are collected."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the stubs; `version` is `standard` or `editable`, and both need them."""
        write_stubs(Path(self.root))


if __name__ == "__main__":
    print(write_stubs(Path(__file__).resolve().parent))
