"""The mend for a torchvision that lacks its compiled operators."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def _run(code: str, *path: Path) -> subprocess.CompletedProcess[str]:
    prelude = f"import sys; sys.path[:0] = {[str(one) for one in path]!r}\n"
    return subprocess.run(
        [sys.executable, "-c", prelude + code], capture_output=True, text=True, check=False
    )


def test_models_and_transforms_work_after_the_mend() -> None:
    result = _run(
        "from proofsight_server.vision.operators import import_torchvision\n"
        "torchvision = import_torchvision()\n"
        "assert import_torchvision() is torchvision\n"
        "import torch, torchvision as again\n"
        "from torchvision.transforms import v2\n"
        "assert again is torchvision\n"
        "model = torchvision.models.squeezenet1_1(num_classes=3).eval()\n"
        "print(tuple(model(torch.zeros(2, 3, 64, 64)).shape))\n"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "(2, 3)"


def test_operators_that_are_there_already_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text("models = 'ours'\n")
    result = _run(
        "from proofsight_server.vision.operators import import_torchvision\n"
        "print(import_torchvision().models)\n"
        "import torch\n"
        "print(torch.ops.torchvision.__dict__.get('nms'), hasattr(torch.ops.torchvision, 'nms'))\n",
        tmp_path,
    )
    assert result.stdout.split("\n")[0] == "ours", result.stderr
    assert result.stdout.split("\n")[1].endswith("False")


def test_another_failure_of_torchvision_is_told_and_not_mended(tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('the disk is on fire')\n")
    result = _run(
        "from proofsight_server.vision.operators import import_torchvision\n"
        "try:\n    import_torchvision()\n"
        "except ImportError as error:\n    print(error)\n",
        tmp_path,
    )
    assert "the disk is on fire" in result.stdout, result.stderr
