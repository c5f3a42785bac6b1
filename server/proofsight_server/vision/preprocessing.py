"""What happens to every image before the network sees it, in training and serving alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from proofsight_server.errors import BadImage, BadOption, BadTensor
from proofsight_server.vision.image import CHANNELS, Mode, Pixels, to_mode

Images = Sequence[Pixels] | npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """From uint8 pixels to the network's input.

    In this order: to `mode`; the short side to `size` (antialiased bilinear, no rounding;
    images that have that side already stay as they are); the centre square of side `crop`;
    times `scale`; minus `mean`; divided by `std`.  `size` without `crop` crops to `size`, so
    that every image gets the same shape.  `mean` and `std` are per channel, in units after
    `scale`; empty means none, one number counts for every channel.
    """

    mode: Mode = "RGB"
    size: int | None = None
    crop: int | None = None
    scale: float = 1 / 255
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.mode not in CHANNELS:
            raise BadOption(f"mode is 'L' or 'RGB', not {self.mode!r}", mode=self.mode)
        # torch's antialiased resize to a width of one repeats the first row.
        for name, least in (("size", 2), ("crop", 1)):
            side = getattr(self, name)
            if side is not None and (not isinstance(side, int) or side < least):
                raise BadOption(f"{name} is a number of pixels from {least}, not {side!r}")
        if self.size is not None and self.crop is not None and self.crop > self.size:
            raise BadOption(
                f"crop {self.crop} is larger than size {self.size}, the short side to cut it from",
                crop=self.crop,
                size=self.size,
            )
        if not (math.isfinite(self.scale) and self.scale > 0):
            raise BadOption(f"scale is a positive number, not {self.scale!r}", scale=self.scale)
        for name in ("mean", "std"):
            numbers = getattr(self, name)
            if len(numbers) not in {0, 1, self.channels}:
                raise BadOption(
                    f"{name} has {len(numbers)} numbers {numbers}, but mode {self.mode} has "
                    f"{self.channels} channel(s); give one number, or one per channel"
                )
            if not all(math.isfinite(number) for number in numbers):
                raise BadOption(f"{name} must be finite, not {numbers}")
        if any(number <= 0 for number in self.std):
            raise BadOption(f"std must be positive, not {self.std}", std=self.std)

    @property
    def channels(self) -> int:
        """Channels of the network's input."""
        return CHANNELS[self.mode]

    @property
    def side(self) -> int | None:
        """The side of the square that every image becomes; None: images keep their shape."""
        return self.size if self.crop is None else self.crop

    def __call__(self, images: Images) -> Tensor:
        """The network's input for one batch.

        Every step works on each number or each image by itself, so a tensor does not depend
        on the batch that its image came in.

        Parameters
        ----------
        images
            (n, height, width, channels) uint8, or a sequence of (height, width, channels)
            uint8 whose sizes may differ; 1 or 3 channels.

        Returns
        -------
        (n, channels, height, width) float32, contiguous

        Raises
        ------
        BadTensor
            Another type, rank or number of channels.
        BadImage
            An image smaller than `crop`, or shapes that differ where no `size` makes them equal.
        """
        if isinstance(images, np.ndarray):
            return self._prepare(images)
        if len(images) == 0:
            raise BadTensor("a batch needs at least one image, it has none")
        shapes = {np.shape(image) for image in images}
        if len(shapes) == 1:
            return self._prepare(np.stack(list(images)))
        batch = [self._prepare(np.asarray(image)[None]) for image in images]
        results = sorted({tuple(one.shape[1:]) for one in batch})
        if len(results) > 1:
            raise BadImage(
                f"images of one batch have the different shapes {results[0]} and {results[-1]} "
                "(channels, height, width); give --size, so that all become alike"
            )
        return torch.cat(batch)

    def _prepare(self, images: npt.NDArray[np.uint8]) -> Tensor:
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in {1, 3}:
            raise BadTensor(
                f"images are uint8 (n, height, width, 1 or 3), not {images.dtype} {images.shape}",
                dtype=images.dtype,
                shape=images.shape,
            )
        if 0 in images.shape:
            raise BadTensor(f"images of shape {images.shape} have no pixels", shape=images.shape)
        pixels = np.ascontiguousarray(to_mode(images, self.mode))
        if not pixels.flags.writeable:
            pixels = pixels.copy()
        batch = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        batch = batch.to(torch.float32, memory_format=torch.contiguous_format)
        return self.of_levels(batch)

    def of_levels(self, levels: Tensor) -> Tensor:
        """The network's input for levels between those of uint8, as blurred pixels have.

        Parameters
        ----------
        levels
            (n, channels, height, width) float32 in 0..255, channels as those of `mode`; it may be
            written to.

        Returns
        -------
        (n, channels, height, width) float32
            For whole levels the very tensor that `__call__` gives.
        """
        batch = self._crop(self._resize(levels))
        factor, offset = self._affine()
        batch = batch.mul_(factor)
        return batch if offset is None else batch.add_(offset)

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of a picture whose short side became `size`."""
        short = min(height, width)
        if self.size is None or short == self.size:
            return height, width
        return (
            self.size if height == short else self.size * height // short,
            self.size if width == short else self.size * width // short,
        )

    def _resize(self, batch: Tensor) -> Tensor:
        height, width = batch.shape[-2:]
        target = self._resized(height, width)
        if target == (height, width):
            return batch
        # One image at a time: the kernel may order its sums by the size of the batch.
        return torch.cat(
            [
                functional.interpolate(
                    image[None], target, mode="bilinear", antialias=True, align_corners=False
                )
                for image in batch
            ]
        )

    def _crop(self, batch: Tensor) -> Tensor:
        side = self.side
        height, width = batch.shape[-2:]
        if side is None or (height, width) == (side, side):
            return batch
        if min(height, width) < side:
            raise BadImage(
                f"an image of {width} x {height} pixels is smaller than the crop of {side}; "
                "give --size too, to enlarge it first",
                width=width,
                height=height,
                crop=side,
            )
        top, left = round((height - side) / 2), round((width - side) / 2)
        return batch[..., top : top + side, left : left + side].contiguous()

    def window(self, height: int, width: int) -> tuple[float, float, float, float]:
        """The part of a picture that the network sees: left, top, right, bottom in its pixels.

        `height` and `width` are those of the picture.  Its side may not be a whole number where
        the picture is resized before it is cropped.
        """
        tall, wide = self._resized(height, width)
        side = self.side
        if side is None:
            return 0.0, 0.0, float(width), float(height)
        top, left = round((tall - side) / 2), round((wide - side) / 2)
        x, y = width / wide, height / tall
        return left * x, top * y, (left + side) * x, (top + side) * y

    def _affine(self) -> tuple[Tensor, Tensor | None]:
        """(x * scale - mean) / std as one factor and one offset per channel, rounded once."""
        mean = np.broadcast_to(np.array(self.mean or (0.0,)), self.channels)
        std = np.broadcast_to(np.array(self.std or (1.0,)), self.channels)
        factor = torch.tensor(self.scale / std, dtype=torch.float32)[:, None, None]
        if not self.mean or not mean.any():
            return factor, None
        return factor, torch.tensor(-mean / std, dtype=torch.float32)[:, None, None]

    def to_json(self) -> dict[str, object]:
        """As a JSON object, for manifests and weight files."""
        return {
            "mode": self.mode,
            "size": self.size,
            "crop": self.crop,
            "scale": self.scale,
            "mean": list(self.mean),
            "std": list(self.std),
        }

    @classmethod
    def from_json(cls, data: object) -> Preprocessing:
        """Read back `to_json`.

        Raises
        ------
        BadOption
            Unknown or missing keys, or values that are refused.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(data, Mapping) or set(data) != names:
            raise BadOption(f"preprocessing is an object with the keys {sorted(names)}, not {data}")
        try:
            return cls(
                mode=data["mode"],
                size=data["size"],
                crop=data["crop"],
                scale=float(data["scale"]),
                mean=tuple(float(number) for number in data["mean"]),
                std=tuple(float(number) for number in data["std"]),
            )
        except TypeError as error:
            raise BadOption(f"preprocessing cannot be read: {error} in {dict(data)}") from error
