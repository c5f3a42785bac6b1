"""Prolog, called from C: terms in, text out.

Text never becomes Prolog source on the way: what a user wrote goes in as a string or an
atom, through the C interface that pyswip has loaded.  pyswip's own `query` would parse
a goal from text, and cannot return what it cannot convert.

Importing this module starts SWI-Prolog: only workers do.
"""

from __future__ import annotations

import ctypes
import math
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from proofsight_server.reasoning import foreign as c

Term = int
"""A term reference: it ends with the foreign frame around it."""


class Atom(NamedTuple):
    """A Python value that becomes an atom; a plain `str` becomes a string."""

    name: str


class Compound(NamedTuple):
    """A Python value that becomes a compound term.

    As `arguments`, an array of floats is the fast way in.
    """

    name: str
    arguments: tuple[Any, ...] | array[float]


class Pairs(NamedTuple):
    """A Python value that becomes a list of `Name-Number`, atoms and floats.

    As would a list of Compounds, in half the time.
    """

    names: Sequence[str]
    numbers: array[float]


class PrologError(Exception):
    """What Prolog threw, as text."""


_KNOWN_ATOMS = 4096
_NO_ROOM = "Prolog has no room for the arguments of a call"


class Engine:
    """The process's one Prolog engine."""

    def __init__(self) -> None:
        self._functors: dict[tuple[str, int], int] = {}
        self._predicates: dict[tuple[str, str, int], int] = {}
        self._callbacks: list[Any] = []
        self._atoms: dict[str, int] = {}
        self._put_as: dict[type, Callable[[Term, Any], int]] = {
            str: self._put_string,
            bool: c.put_bool,
            int: c.put_integer,
            float: self._put_float,
            type(None): lambda term, _: int(c.put_variable(term)),
            list: self._put_list,
            Atom: self._put_atom,
            Compound: self._put_compound,
            Pairs: self._put_pairs,
        }

    def call(self, module: str, name: str, *arguments: Any, answers: int = 0) -> tuple[bytes, ...]:
        """Call a predicate once, with Python values as its arguments.

        Everything that the call builds is gone when it returns.

        Parameters
        ----------
        module, name : str
            The predicate; its arity is the number of arguments and answers.
        *arguments
            See `put`.
        answers : int
            How many more arguments the predicate has, atoms or strings that it binds.

        Returns
        -------
        tuple of bytes
            The answers in UTF-8; empty bytes for one that is no text.

        Raises
        ------
        PrologError
            Where the predicate throws or fails.
        MemoryError
            Where there is no room for the arguments.
        """
        given, arity = len(arguments), len(arguments) + answers
        with self.frame():
            first = c.new_refs(arity)
            for position, argument in enumerate(arguments):
                self.put(first + position, argument)
            query = c.open_query(None, c.CALL, self._procedure(module, name, arity), first)
            try:
                if not c.next_solution(query):
                    thrown = c.exception(query)
                    said = self.written(thrown) if thrown else f"{module}:{name}/{arity} failed"
                    raise PrologError(said)
                return tuple(map(self.text, range(first + given, first + arity)))
            finally:
                c.cut_query(query)

    @contextmanager
    def frame(self) -> Iterator[None]:
        """A block whose terms are discarded at its end."""
        frame = c.open_frame()
        try:
            yield
        finally:
            c.discard_frame(frame)

    def put(self, term: Term, value: Any) -> None:
        """Make `term` the Prolog counterpart of a Python value.

        str: string; bool: true or false; int: integer; float: float, NaN: the atom none;
        None: a variable; list; Atom; Compound; Pairs.
        """
        done = self._put_as[type(value)](term, value)
        if not done:  # only memory can be short here; Prolog says which
            c.clear_exception()
            raise MemoryError(_NO_ROOM)

    def text(self, term: Term) -> bytes:
        """The UTF-8 text of an atom or string; empty for anything else."""
        return _chars(term, c.PLAIN_TEXT)

    def written(self, term: Term) -> str:
        """Any term as `writeq/1` would write it."""
        return _chars(term, c.ANY_TEXT).decode(errors="replace")

    def define(self, module: str, name: str, function: Callable[[bytes], None]) -> None:
        """Define the deterministic predicate `module:name(+Text)` that calls `function`."""

        def called(term: int) -> int:
            function(self.text(term))
            return 1

        callback = c.Predicate(called)
        self._callbacks.append(callback)  # ctypes keeps no reference for C
        c.register_foreign(module.encode(), name.encode(), 1, callback, 0)

    def throw_on(self, number: int) -> None:
        """Have a signal of the operating system throw at the goal's next call.

        `on_signal/3` would run a handler at once, and lose what it throws where it meets
        foreign code.
        """
        action = c.SignalAction(flags=c.THROW_SYNCHRONOUSLY)
        c.set_signal_action(number, ctypes.byref(action), None)

    def settle(self) -> None:
        """Let signals that came too late for their goal come to nothing."""
        with self.frame():
            c.handle_signals()
            c.clear_exception()

    def _put_string(self, term: Term, value: str) -> int:
        data = value.encode()
        return int(c.put_chars(term, c.STRING, len(data), data))

    def _put_atom(self, term: Term, value: Atom) -> int:
        return int(c.put_atom(term, self._atom(value.name)))

    def _put_float(self, term: Term, value: float) -> int:
        if math.isnan(value):
            return int(c.put_atom(term, self._atom("none")))
        return int(c.put_float(term, value))

    def _put_compound(self, term: Term, value: Compound) -> int:
        name, arguments = value
        arity = len(arguments)
        functor = self._functor(name, arity)
        first = c.new_refs(arity)
        if isinstance(arguments, array):
            self._put_floats(first, arguments)
        else:
            for position, argument in enumerate(arguments, first):
                self.put(position, argument)
        if not arity:  # what PL_cons_functor_v would make an atom
            return int(c.put_variable(term) and c.unify_compound(term, functor))
        return int(c.cons_functor(term, functor, first))

    def _put_floats(self, first: Term, values: array[float]) -> None:
        if not all(map(c.put_float, range(first, first + len(values)), values)):
            raise MemoryError(_NO_ROOM)
        if math.isnan(sum(values)):
            for term, value in enumerate(values, first):
                if math.isnan(value):
                    c.put_atom(term, self._atom("none"))

    def _put_list(self, term: Term, values: list[Any]) -> int:
        done = int(c.put_nil(term))
        element = c.new_refs(1)
        for value in reversed(values):
            self.put(element, value)
            done = done and int(c.cons_list(term, element, term))
        return done

    def _put_pairs(self, term: Term, value: Pairs) -> int:
        done = int(c.put_nil(term))
        functor = self._functor("-", 2)
        first = c.new_refs(2)
        for name, number in zip(reversed(value.names), reversed(value.numbers), strict=True):
            done = (
                done
                and c.put_atom(first, self._atom(name))
                and c.put_float(first + 1, number)
                and c.cons_functor(first, functor, first)
                and c.cons_list(term, first, term)
            )
        return done

    def _atom(self, name: str) -> int:
        """The handle of an atom, which is not garbage while it is known here."""
        atom = self._atoms.get(name)
        if atom is None:
            if len(self._atoms) == _KNOWN_ATOMS:  # images have names without end
                for known in self._atoms.values():
                    c.unregister_atom(known)
                self._atoms.clear()
            data = name.encode()
            atom = self._atoms[name] = c.new_atom(c.UTF8, len(data), data)
        return atom

    def _functor(self, name: str, arity: int) -> int:
        functor = self._functors.get((name, arity))
        if functor is None:
            functor = self._functors[name, arity] = c.new_functor(self._atom(name), arity)
        return functor

    def _procedure(self, module: str, name: str, arity: int) -> int:
        procedure = self._predicates.get((module, name, arity))
        if procedure is None:
            procedure = c.predicate(name.encode(), arity, module.encode())
            self._predicates[module, name, arity] = procedure
        return procedure


def _chars(term: Term, flags: int) -> bytes:
    length, chars, mark = ctypes.c_size_t(), ctypes.c_void_p(), ctypes.c_size_t()
    c.mark_buffers(ctypes.byref(mark))
    try:
        if not c.get_text(term, ctypes.byref(length), ctypes.byref(chars), flags):
            c.clear_exception()
            return b""
        return ctypes.string_at(chars.value or 0, length.value)
    finally:
        c.release_buffers(mark)  # or Prolog would keep the text for ever
