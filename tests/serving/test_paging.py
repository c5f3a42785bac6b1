from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofsight_server.errors import BadOption
from proofsight_server.serving.names import RevisionName
from proofsight_server.serving.paging import page


@given(items=st.lists(st.integers(), max_size=30), size=st.integers(1, 7))
def test_pages_make_up_the_whole_list(items: list[int], size: int) -> None:
    gathered: list[int] = []
    token, pages = "", 0
    while pages == 0 or token:
        here, token = page(items, size=size, token=token)
        assert len(here) <= size
        gathered += here
        pages += 1
    assert gathered == items


@pytest.mark.parametrize("size", [-1, 1001])
def test_a_page_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(BadOption, match=str(size)):
        page([1], size=size, token="")


@pytest.mark.parametrize("token", ["x", "!!", "bm90LWEtbnVtYmVyOg=="])
def test_a_made_up_token_is_refused(token: str) -> None:
    with pytest.raises(BadOption, match="page_token"):
        page([1, 2], size=1, token=token)


def test_a_token_of_another_list_is_refused() -> None:
    _, token = page([1, 2], size=1, token="", stamp="a")
    assert page([1, 2], size=1, token=token, stamp="a") == ([2], "")
    with pytest.raises(BadOption, match="changed"):
        page([1, 2], size=1, token=token, stamp="b")


@pytest.mark.parametrize("text", ["knowledgeBases/digits", "knowledgeBases/a-b_1/revisions/12"])
def test_names_read_back(text: str) -> None:
    assert str(RevisionName.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "digits", "knowledgeBases/", "knowledgeBases/../x", "knowledgeBases/a/revisions/0",
     "knowledgeBases/a/revisions/1/", "knowledgeBases/a/revisions/01", "knowledgeBases/A"],
)  # fmt: skip
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(BadOption, match="names no revision"):
        RevisionName.parse(text)
