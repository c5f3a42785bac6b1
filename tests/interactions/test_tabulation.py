from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from proofsight_server.errors import BadOption, BadTensor, UnknownClass
from proofsight_server.interactions.baseline import Baseline, parse_baseline
from proofsight_server.interactions.cache import LogitCache, digest_network
from proofsight_server.interactions.first_layer import first_layer
from proofsight_server.interactions.masked import MaskedImage
from proofsight_server.interactions.regions import Regions, boxes, grid, label_image
from proofsight_server.interactions.score import Score, parse_score
from proofsight_server.interactions.tables import Subject
from proofsight_server.interactions.tabulation import Asked, tabulate
from proofsight_server.interactions.transforms import and_effects
from proofsight_server.symbols.feature import Floats
from proofsight_server.vision.image import Pixels
from proofsight_server.vision.network import Network
from proofsight_server.vision.preprocessing import Preprocessing
from tests.interactions.networks import CLASSES, picture, small_network, subject, with_module


def slow_table(network: Network, pixels: Pixels, fill: Floats, regions: Regions) -> list[float]:
    """Log-odds of class 0, one masked image at a time, pixel by pixel."""
    table = []
    for mask in range(1 << len(regions)):
        masked = pixels.astype(np.float32).copy()
        for row in range(pixels.shape[0]):
            for column in range(pixels.shape[1]):
                region = int(regions.labels[row, column])
                if region >= 0 and not mask & (1 << region):
                    masked[row, column] = fill[row, column]
        levels = torch.from_numpy(masked.transpose(2, 0, 1)[None].copy())
        logits = network.module(network.preprocessing.of_levels(levels))[0].double()
        table.append(float(logits[0] - torch.logsumexp(logits[1:], 0)))
    return table


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("shortcut_from", [3, 4])
def test_tables_are_those_of_masked_images_one_by_one(stride: int, shortcut_from: int) -> None:
    network = small_network(1, stride=stride)
    pixels = picture(2)
    regions = boxes((8, 8), [(0, 0, 4, 4), (4, 0, 8, 4), (1, 4, 7, 8)])
    asked = Asked(Baseline("black"), class_name="cat", shortcut_from=shortcut_from)
    tables = tabulate([Subject("a/1", network, pixels)], regions, asked)
    slow = slow_table(network, pixels, np.zeros_like(pixels, np.float32), regions)
    assert tables.tables.dtype == np.float64
    assert np.allclose(tables.tables[0], slow, atol=1e-4)
    assert np.isfinite(tables.shortcut[0]) == (shortcut_from <= len(regions))


def test_masks_apply_to_pixels_before_they_are_resized_for_each_network() -> None:
    pixels = picture(4, side=12, channels=3)
    regions = grid((12, 12), 2, 2)
    colour = small_network(0, mode="RGB", side=8)
    grey = small_network(1, side=6, preprocessing=Preprocessing(mode="L", size=10, crop=6))
    asked = Asked(Baseline("black"), class_name="cat")
    subjects = [Subject("a/1", colour, pixels), Subject("b/1", grey, pixels[..., :1])]
    tables = tabulate(subjects, regions, asked)
    for row, one in zip(tables.tables, subjects, strict=True):
        fill = np.zeros_like(one.pixels, np.float32)
        assert np.allclose(row, slow_table(one.network, one.pixels, fill, regions), atol=1e-4)


def test_the_zero_baseline_is_zero_in_the_networks_own_input() -> None:
    network = small_network(0)
    pixels = picture().astype(np.float32)
    fill = Baseline("zero").fill(pixels, network.preprocessing, None, np.random.default_rng(0))[0]
    image = MaskedImage(network, pixels, fill, grid((8, 8), 2, 2))
    assert float(image.batch(np.array([0])).abs().max()) < 1e-6


@pytest.mark.parametrize(
    "text", ["zero", "black", "mean", "image_mean", "blur", "blur:2", "noise_mean:3", "learned:2"]
)
def test_every_baseline_leaves_the_whole_image_as_it_is(text: str) -> None:
    one = replace(subject(), mean=np.array([99], np.float32))
    asked = Asked(parse_baseline(text), class_name="cat")
    tables = tabulate([one], grid((8, 8), 2, 2), asked)
    logits = one.network.module(one.network.prepare(one.pixels[None]))[0].double()
    whole = float(logits[0] - torch.logsumexp(logits[1:], 0))
    assert tables.tables[0, -1] == pytest.approx(whole, abs=1e-4)
    assert tables.baseline == text


def test_a_learned_baseline_has_no_denser_effects_than_where_it_starts() -> None:
    regions = grid((8, 8), 2, 3)

    def density(text: str) -> float:
        table = tabulate([subject(seed=3)], regions, Asked(parse_baseline(text))).tables[0]
        return float(np.abs(and_effects(table)[1:]).sum() / abs(table[-1] - table[0]))

    assert density("learned:12") < density("image_mean")


@pytest.mark.parametrize("text", ["zeros", "zero:3", "blur:-1", "blur:x", "noise_mean:1.5", ""])
def test_other_baselines_are_refused(text: str) -> None:
    with pytest.raises(BadOption, match=r"baseline|refused"):
        parse_baseline(text)


def test_the_mean_baseline_needs_a_mean() -> None:
    with pytest.raises(BadOption, match="needs the data"):
        tabulate([subject()], grid((8, 8), 2, 2), Asked(Baseline("mean")))


def test_regions_that_equal_the_baseline_are_dropped_and_told() -> None:
    one = subject()
    pixels = one.pixels.copy()
    pixels[:4, :4] = 0
    one = replace(one, pixels=pixels)
    tables = tabulate([one], grid((8, 8), 2, 2), Asked(Baseline("black")))
    assert tables.dropped == ("row 1, column 1",)
    assert tables.tables.shape == (1, 8)
    kept = tabulate([one], grid((8, 8), 2, 2), Asked(Baseline("image_mean")))
    assert kept.dropped == ()
    left = label_image(np.kron([[0, 1], [0, 2]], np.ones((4, 4), dtype=np.int64)))
    right = replace(one, pixels=np.where(left.labels[..., None] == 0, 0, one.pixels))
    with pytest.raises(BadOption, match="1 of 2 regions equal the baseline black, so that masking"):
        tabulate([right], left, Asked(Baseline("black")))


def test_the_short_cut_is_not_taken_where_another_layer_reads_the_input() -> None:
    class Skipping(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            logits: Tensor = self.inner(x)
            return logits + x.mean(dim=(1, 2, 3))[:, None] * torch.tensor([1.0, 2.0, 3.0])

    network = small_network(0)
    pixels, rng = picture().astype(np.float32), np.random.default_rng(0)
    regions = grid((8, 8), 2, 2)
    plain = MaskedImage(network, pixels, 0 * pixels, regions)
    assert first_layer(plain, rng) is not None
    skipping = with_module(network, Skipping(network.module))
    assert first_layer(replace(plain, network=skipping), rng) is None


def test_a_network_is_as_it_was_after_the_short_cut() -> None:
    one = subject()
    before = one.network.module(one.network.prepare(one.pixels[None]))
    tabulate([one], grid((8, 8), 2, 2), Asked())
    assert torch.equal(one.network.module(one.network.prepare(one.pixels[None])), before)


def test_work_that_was_stopped_goes_on_from_what_was_done(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stopping(phase: str, done: int, total: int) -> None:
        if done >= 256:
            raise Stop

    cache, seen = LogitCache(tmp_path), list[int]()
    regions = grid((8, 8), 3, 3)
    with pytest.raises(Stop):
        tabulate([subject()], regions, Asked(), cache=cache, progress=stopping)
    tables = tabulate(
        [subject()], regions, Asked(), cache=cache, progress=lambda _, done, __: seen.append(done)
    )
    assert seen[0] == 256
    assert np.array_equal(tables.tables, tabulate([subject()], regions, Asked()).tables)


def test_the_cache_knows_weights_images_regions_and_baselines_apart(tmp_path: Path) -> None:
    cache = LogitCache(tmp_path)
    regions = grid((8, 8), 2, 2)
    tabulate([subject()], regions, Asked(class_name="cat"), cache=cache)
    tabulate([subject()], regions, Asked(Baseline(), Score("margin"), "dog"), cache=cache)
    assert len(list(tmp_path.iterdir())) == 1  # of the same logits
    tabulate([subject(seed=1)], regions, Asked(), cache=cache)
    tabulate([replace(subject(), pixels=picture(9))], regions, Asked(), cache=cache)
    tabulate([subject()], grid((8, 8), 2, 3), Asked(), cache=cache)
    tabulate([subject()], regions, Asked(Baseline("black")), cache=cache)
    assert len(list(tmp_path.iterdir())) == 5
    network = small_network(0)
    other = replace(network, preprocessing=Preprocessing(mode="L", size=8))
    assert digest_network(network) != digest_network(other)


def test_a_damaged_table_is_computed_again(tmp_path: Path) -> None:
    cache, regions = LogitCache(tmp_path), grid((8, 8), 2, 2)
    first = tabulate([subject()], regions, Asked(), cache=cache)
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:50])
    assert np.array_equal(tabulate([subject()], regions, Asked(), cache=cache).tables, first.tables)


def test_the_cache_is_bounded_and_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    logits = np.zeros((16, 4), np.float32)
    LogitCache(tmp_path).write("a", logits)
    size = (tmp_path / "a.npz").stat().st_size
    cache = LogitCache(tmp_path, 2 * size)
    cache.write("b", logits)
    for name, age in (("a", 200), ("b", 100)):
        os.utime(tmp_path / f"{name}.npz", (time.time() - age,) * 2)
    assert cache.read("a") is not None  # and so b was not used for longer
    abandoned, begun = tmp_path / ".1-a.npz", tmp_path / ".2-b.npz"
    for path, age in ((abandoned, 10**6), (begun, 300)):
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    (tmp_path / "mine.txt").write_text("of somebody else")
    cache.write("c", logits)
    assert {path.name for path in tmp_path.iterdir()} == {"a.npz", "c.npz", begun.name, "mine.txt"}


def test_too_many_regions_are_refused_with_an_estimate_before_any_work() -> None:
    regions = grid((8, 8), 4, 4)
    with pytest.raises(
        BadOption, match=r"16 regions are too many: 2\^16 masked images .* --most-regions 16"
    ):
        tabulate([subject()], regions, Asked())
    with pytest.raises(
        BadOption, match=r"20 regions are too many: .*; .* MiB of memory; take at most 16"
    ):
        tabulate([subject()], grid((8, 8), 4, 5), Asked(most=16))
    with pytest.raises(BadOption, match=r"64 regions are too many"):
        tabulate([subject()], grid((8, 8), 8, 8), Asked())
    with pytest.raises(BadOption, match=r"can be 2\.\.16, not 17"):
        tabulate([subject()], regions, Asked(most=17))


def test_the_estimate_is_told_before_the_first_mask() -> None:
    order: list[str] = []
    tabulate(
        [subject()],
        grid((8, 8), 2, 2),
        Asked(),
        told=lambda estimate: order.append(str(estimate)),
        progress=lambda phase, done, total: order.append(phase),
    )
    assert order[0].startswith("2^4 masked images for each of 1 network(s): about ")
    assert "extract" not in order[0]  # of which tabulation knows nothing
    assert order[1] == "net/1: masks"


def test_networks_with_other_classes_and_classes_that_none_knows_are_refused() -> None:
    one, regions = subject("a/1"), grid((8, 8), 2, 2)
    other = replace(
        subject("b/1"), network=replace(small_network(2), classes=("cat", "dog", "bird"))
    )
    with pytest.raises(BadOption, match=r"a/1 and b/1 have different classes \(bird is one of b/1"):
        tabulate([one, other], regions, Asked())
    turned = replace(other, network=replace(other.network, classes=("dog", "two words", "cat")))
    tables = tabulate([one, turned], regions, Asked(class_name="cat"))
    assert tables.tables.shape == (2, 16)
    for name in ("cart", "3", "-1"):
        with pytest.raises(UnknownClass, match="nearest: cat"):
            tabulate([one], regions, Asked(class_name=name))
    with pytest.raises(BadOption, match="named twice"):
        tabulate([one, one], regions, Asked())
    assert set(CLASSES) == {"cat", "dog", "two words"}


@pytest.mark.parametrize("score", ["contrast:dog", "contrast:cart"])
def test_a_class_that_cannot_be_contrasted_is_refused_before_the_first_mask(score: str) -> None:
    begun: list[str] = []
    asked = Asked(score=parse_score(score), class_name="dog")
    with pytest.raises((BadOption, UnknownClass), match=r"itself|no class named 'cart'"):
        tabulate([subject()], grid((8, 8), 2, 2), asked, told=lambda e: begun.append(str(e)))
    assert not begun
    named = replace(asked, score=parse_score("contrast:cat"))
    indexed = replace(asked, class_name="1", score=parse_score("contrast:0"))
    told = [tabulate([subject()], grid((8, 8), 1, 2), one) for one in (named, indexed)]
    assert {(one.class_name, str(one.score)) for one in told} == {("dog", "contrast:cat")}
    assert np.array_equal(told[0].tables, told[1].tables)


def test_an_image_of_another_size_than_the_regions_is_refused() -> None:
    with pytest.raises(BadOption, match="the regions are of an image of 9 x 9 pixels"):
        tabulate([subject()], grid((9, 9), 2, 2), Asked())


def test_a_network_that_ignores_the_image_is_refused() -> None:
    one = subject()
    with torch.no_grad():
        one.network.module.get_parameter("5.weight").zero_()
    with pytest.raises(BadTensor, match=r"net/1: the score is .* whatever is masked"):
        tabulate([one], grid((8, 8), 2, 2), Asked())


def test_a_softmax_at_the_end_is_refused() -> None:
    one = subject()
    module = nn.Sequential(one.network.module, nn.Softmax(dim=1))
    with pytest.raises(BadTensor, match="take the softmax off"):
        tabulate(
            [replace(one, network=with_module(one.network, module))], grid((8, 8), 2, 2), Asked()
        )
