"""The demo runs the whole chain, and leaves no server behind."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from proofsight_server.commands.demo import chosen
from proofsight_server.commands.running_server import running_server
from proofsight_server.errors import NotReady

Run = Callable[..., Any]


def answers(address: str) -> bool:
    host, port = address.rsplit(":", 1)
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex((host, int(port))) == 0


def test_the_demo_trains_extracts_serves_and_asks(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    ran = run("demo", "--out", out, "--epochs", 2)
    assert ran.code == 0, ran.err
    assert ran.out.count("\nwhy?  ") == 3
    assert len(re.findall(r"(?m)^digit_\d was decided$", ran.out)) >= 3
    assert re.search(r"(?m)^   ├─ conv3_c\d+ is (not )?active: ", ran.out)
    assert re.search(r"(?m)^why not digit_\d\?  ", ran.out)
    assert re.search(r"(?m)^Channel = conv3_c\d+, Value = ", ran.out)
    assert re.search(r"CNN accuracy 0\.\d+; .* \d+ rules of \d+ literals", ran.out)
    assert f"serve {out / 'repository'} --port 50051" in ran.out
    assert "--server 127.0.0.1:50051 --kb digits" in ran.out
    image = re.search(r"why (\S+\.png)", ran.out)
    assert image is not None
    assert np.asarray(Image.open(image[1])).shape == (8, 8)
    assert len(list((out / "images").glob("*.png"))) == 450
    assert (out / "repository" / "digits" / "1" / "rules.pl").exists()
    served = re.search(r"serving digits on (\S+)", (out / "server.log").read_text())
    assert served is not None and not answers(served[1])


def test_ctrl_c_stops_the_server_that_the_demo_started(workplace: Path, tmp_path: Path) -> None:
    def interrupted() -> None:
        with running_server(workplace / "repository", tmp_path / "log") as address:
            places.append(address)
            assert answers(address)
            raise KeyboardInterrupt

    places: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not answers(places[0])


def test_a_server_that_does_not_start_tells_its_last_words(tmp_path: Path) -> None:
    with (
        pytest.raises(NotReady, match=r"it said: .*nowhere"),
        running_server(tmp_path / "nowhere", tmp_path / "log"),
    ):
        raise AssertionError("it started")


def test_the_third_image_is_one_where_somebody_errs_if_there_is_one() -> None:
    labels = np.array([0, 0, 1, 1, 2])
    right = labels.copy()
    off = np.array([0, 0, 1, 1, 0])
    assert chosen(labels, right, right) == [0, 2, 3]
    assert chosen(labels, right, off) == [0, 2, 4]  # the program errs
    assert chosen(labels, off, off) == [0, 2, 4]  # both err alike
