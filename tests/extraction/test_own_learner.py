"""A learner of one's own learns as those that come with Proofsight do."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from proofsight_server.errors import BadOption
from proofsight_server.extraction.extract import Source, extract
from proofsight_server.extraction.options import ExtractOptions
from proofsight_server.extraction.revise import revise
from proofsight_server.knowledge.repository import Repository
from proofsight_server.rules.edit import MuteChannel

MODULE = """
from dataclasses import replace
from proofsight_server.rules.tree import TreeRules

class Shallow(TreeRules):
    def __init__(self):
        super().__init__(max_rules=4)

class Silent(Shallow):
    def fit(self, *table, validation=None):
        super().fit(*table, validation=validation)
        self.program_ = replace(
            self.program_, rules=tuple(replace(rule, stats=()) for rule in self.program_.rules)
        )
        return self
"""


@pytest.fixture
def homegrown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "homegrown_learner"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return name


def test_it_learns_and_may_learn_again_only_where_it_is_allowed(
    homegrown: str, source: Source, tmp_path: Path
) -> None:
    learner, repository = f"{homegrown}:Shallow", Repository(tmp_path / "R")
    revision = extract(ExtractOptions(learner=learner), source, repository, "own")
    assert 1 <= len(revision.program.rules) <= 4
    assert revision.manifest.method["learner"] == learner
    used = revision.program.propositions()[:1]
    muted = MuteChannel(used[0], used, "relearn")
    muting = partial(
        revise,
        revision,
        edits=[muted],
        dataset=source.dataset,
        network=source.network,
        repository=repository,
    )
    with pytest.raises(BadOption, match=f"--allow-model {learner}"):
        muting(dataset=None, network=None)  # before any image is asked for
    revised = muting(allow=frozenset({learner}))
    assert revised.revision is not None
    assert used[0] not in revised.revision.program.propositions()


def test_what_it_breaks_is_told_and_what_is_not_there_is_refused(
    homegrown: str, source: Source, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    repository = Repository(tmp_path / "R")
    extract(ExtractOptions(learner=f"{homegrown}:Silent"), source, repository, "own")
    assert "- every rule tells its support" in caplog.text
    with pytest.raises(BadOption, match="no factory 'Sillent'; nearest: Silent"):
        extract(ExtractOptions(learner=f"{homegrown}:Sillent"), source, repository, "own")
    with pytest.raises(BadOption, match="leave out --budget"):
        ExtractOptions(learner=f"{homegrown}:Silent", budget=9)
