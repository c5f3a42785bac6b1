"""Knowledge bases on disk: a repository of revisions, as Prolog people can read and edit."""

from proofsight_server.knowledge.annex import add_annex
from proofsight_server.knowledge.atom import number, quote
from proofsight_server.knowledge.label import Label
from proofsight_server.knowledge.manifest import Manifest
from proofsight_server.knowledge.reading import ProgramSource, read_program
from proofsight_server.knowledge.repository import Address, Draft, Repository, parse_name
from proofsight_server.knowledge.revision import Revision, open_revision

__all__ = [
    "Address",
    "Draft",
    "Label",
    "Manifest",
    "ProgramSource",
    "Repository",
    "Revision",
    "add_annex",
    "number",
    "open_revision",
    "parse_name",
    "quote",
    "read_program",
]
