"""Folders of image files, as people lay them out."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.vision.arrays import images


def write_images(folder: Path, count: int, *, grey: bool = False, kind: str = "png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(images(count, 8, 9, 3)):
        picture = Image.fromarray(pixels[..., 0] if grey else pixels)
        picture.save(folder / f"{number:03}.{kind}")


def write_folders(root: Path, parts: tuple[str, ...] = ("train", "test")) -> None:
    for part in parts:
        for name in ("dog", "Cat"):
            write_images(root / part / name, 10)
