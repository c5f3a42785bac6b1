"""Proofs and refutations: a graph of goals, and what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from proofsight.node import Evidence, Kind, Node, Score, Status


@dataclass(frozen=True, slots=True)
class Tree:
    """A node with its children nested beneath.

    A node with children that was met before, in reading order, has the status REPEATED and no
    children here; `node` is the same as at its first place.
    """

    node: Node
    status: Status
    children: tuple[Tree, ...]

    @property
    def goal(self) -> str:
        """The goal as Prolog text."""
        return self.node.goal

    @property
    def kind(self) -> Kind:
        """What kind of goal it is."""
        return self.node.kind

    @property
    def rule(self) -> str:
        """The clause that proved or failed the goal; empty where there is none."""
        return self.node.rule

    @property
    def evidence(self) -> Evidence | None:
        """Why a proposition holds or not."""
        return self.node.evidence

    @property
    def score(self) -> Score | None:
        """The points of a class, and how they compare."""
        return self.node.score

    @property
    def label(self) -> str:
        """The name that people gave a proposition; empty where there is none."""
        return self.node.label

    def walk(self) -> Iterator[Tree]:
        """The node itself and all beneath, in reading order."""
        stack = [self]
        while stack:
            tree = stack.pop()
            yield tree
            stack.extend(reversed(tree.children))


class Proof:
    """A graph of nodes, shared where the same goal is used twice. Frozen.

    `nodes` is read from the answer when it is first asked for: a caller who only wants the
    decision does not pay for it.
    """

    __slots__ = ("_load", "_nodes", "cut_short", "root")

    root: int
    cut_short: str
    _nodes: tuple[Node, ...]
    _load: Callable[[], tuple[Node, ...]] | None

    def __init__(
        self,
        nodes: tuple[Node, ...] | Callable[[], tuple[Node, ...]],
        root: int = 0,
        cut_short: str = "",
    ) -> None:
        store = object.__setattr__
        store(self, "root", root)
        store(self, "cut_short", cut_short)
        store(self, "_nodes", () if callable(nodes) else tuple(nodes))
        store(self, "_load", nodes if callable(nodes) else None)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes; a node's number is its index."""
        load = self._load
        if load is not None:
            object.__setattr__(self, "_nodes", load())
            object.__setattr__(self, "_load", None)
        return self._nodes

    @property
    def tree(self) -> Tree:
        """The nested view. An empty proof has none: IndexError."""
        nodes = self.nodes
        met: set[int] = set()
        built: list[Tree] = []
        # Depth first without recursion, since proofs may be deeper than Python's stack. An entry
        # is a node to open, or one whose children are the last `count` trees of `built`.
        stack: list[tuple[int, int]] = [(self.root, -1)]
        while stack:
            number, count = stack.pop()
            node = nodes[number]
            if count >= 0:
                children = tuple(built[len(built) - count :])
                del built[len(built) - count :]
                built.append(Tree(node, node.status, children))
            elif node.children and number in met:
                built.append(Tree(node, Status.REPEATED, ()))
            else:
                met.add(number)
                stack.append((number, len(node.children)))
                stack.extend((child, -1) for child in reversed(node.children))
        return built[0]

    def text(self, language: str = "en") -> str:
        """The proof for people, the same bytes as `show/1` prints.

        Raises LookupError for a language that has no messages.
        """
        from proofsight.rendering.text import render

        return render(self, language)

    def to_prolog(self) -> str:
        """The proof as a Prolog term that reads back, as `proof/2` gives it, without full stop."""
        from proofsight.rendering.terms import proof_term

        return proof_term(self)

    def to_dict(self) -> dict[str, Any]:
        """JSON ready, as a graph: children are indices into `nodes`."""
        return {
            "root": self.root,
            "cut_short": self.cut_short,
            "nodes": [node.to_dict() for node in self.nodes],
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Proof):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __reduce__(self) -> tuple[type[Proof], tuple[tuple[Node, ...], int, str]]:
        return Proof, self._key()

    def _key(self) -> tuple[tuple[Node, ...], int, str]:
        return self.nodes, self.root, self.cut_short

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a Proof is frozen; {name!r} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a Proof is frozen; {name!r} cannot be deleted")

    def __repr__(self) -> str:
        return f"Proof(nodes={self.nodes!r}, root={self.root!r}, cut_short={self.cut_short!r})"

    def __str__(self) -> str:
        return self.text().rstrip("\n")
