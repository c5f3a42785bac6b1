"""Files of a revision that are changed while it is served."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proofsight_server.errors import BadProgram
from proofsight_server.knowledge.repository import Repository
from proofsight_server.serving.catalogue import Catalogue
from proofsight_server.serving.configuration import Configuration

from .conftest import KB


@asynccontextmanager
async def serving(repository: Path) -> AsyncIterator[Catalogue]:
    """What a server looks up revisions in; it looks at the disk when it is told to."""
    catalogue = Catalogue(Repository(repository), Configuration(workers=1, refresh=0))
    try:
        await catalogue.open()
        yield catalogue
    finally:
        await catalogue.close()


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Path:
    shutil.copytree(repository, tmp_path / "repository")
    return tmp_path / "repository"


async def etag(catalogue: Catalogue, name: str) -> str:
    async with catalogue.use(name) as host:
        return host.etag


async def test_weights_replaced_under_a_server_are_told_and_those_it_loaded_go_on_answering(
    copy: Path,
) -> None:
    weights = copy / "digits" / "1" / "model.safetensors"
    published = weights.read_bytes()
    async with serving(copy) as catalogue:
        before = await etag(catalogue, KB)
        weights.write_bytes(published[:-4] + bytes(4))
        await catalogue.refresh()
        assert "model.safetensors is not the file that was published" in catalogue.problem("digits")
        assert await etag(catalogue, KB) == before
        weights.write_bytes(published)
        await catalogue.refresh()
        assert not catalogue.problem("digits")


async def test_an_older_revision_that_was_edited_is_read_again_for_the_next_call(
    copy: Path,
) -> None:
    shutil.copytree(copy / "digits" / "1", copy / "digits" / "2")
    rules = copy / "digits" / "1" / "rules.pl"
    older = f"{KB}/revisions/1"
    async with serving(copy) as catalogue:
        before = await etag(catalogue, older)
        await catalogue.refresh()
        assert await etag(catalogue, older) == before
        rules.write_text(rules.read_text() + "% looked through\n")
        await catalogue.refresh()
        assert await etag(catalogue, older) != before
        rules.write_text("class(Image, \n")
        await catalogue.refresh()
        with pytest.raises(BadProgram, match=r"rules\.pl"):
            await etag(catalogue, older)
