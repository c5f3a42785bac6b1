"""The functions of SWI-Prolog's C interface that we call, with their types.

`PL_put_float` is `put_float` here, and so on; SWI-Prolog's manual has them in section
"A C interface".  Importing this module starts SWI-Prolog: only workers do.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from pyswip import core

# pyswip.core declares some of the C interface, and with pointer types, so that a zero
# comes back as None. Function objects of our own leave its declarations alone. PyDLL
# keeps the interpreter's lock, which this process has no second thread to give to.
_lib = ctypes.PyDLL(None, handle=core._lib._handle)

_word, _int, _text, _out = ctypes.c_size_t, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p
_truth = ctypes.c_bool  # an int in SWI-Prolog 9.0 and a bool in later ones; the low byte tells


def _function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    function = _lib[name]
    function.restype = result
    function.argtypes = arguments
    return function


open_frame = _function("PL_open_foreign_frame", _word)
discard_frame = _function("PL_discard_foreign_frame", None, _word)
new_refs = _function("PL_new_term_refs", _word, _word)
new_atom = _function("PL_new_atom_mbchars", _word, _int, _word, _text)
unregister_atom = _function("PL_unregister_atom", None, _word)
new_functor = _function("PL_new_functor_sz", _word, _word, _word)
put_chars = _function("PL_put_chars", _truth, _word, _int, _word, _text)
put_atom = _function("PL_put_atom", _truth, _word, _word)
put_float = _function("PL_put_float", _truth, _word, ctypes.c_double)
put_integer = _function("PL_put_int64", _truth, _word, ctypes.c_int64)
put_bool = _function("PL_put_bool", _truth, _word, _int)
put_variable = _function("PL_put_variable", _truth, _word)
put_nil = _function("PL_put_nil", _truth, _word)
cons_list = _function("PL_cons_list", _truth, _word, _word, _word)
cons_functor = _function("PL_cons_functor_v", _truth, _word, _word, _word)
unify_compound = _function("PL_unify_compound", _truth, _word, _word)
get_text = _function("PL_get_nchars", _truth, _word, _out, _out, ctypes.c_uint)
mark_buffers = _function("PL_mark_string_buffers", None, _out)
release_buffers = _function("PL_release_string_buffers_from_mark", None, _word)
predicate = _function("PL_predicate", ctypes.c_void_p, _text, _int, _text)
open_query = _function("PL_open_query", _word, ctypes.c_void_p, _int, ctypes.c_void_p, _word)
next_solution = _function("PL_next_solution", _truth, _word)
cut_query = _function("PL_cut_query", _int, _word)
exception = _function("PL_exception", _word, _word)
clear_exception = _function("PL_clear_exception", None)
set_signal_action = _function("PL_sigaction", _int, _int, _out, _out)
handle_signals = _function("PL_handle_signals", _int)
register_foreign = _function(
    "PL_register_foreign_in_module", _int, _text, _text, _int, ctypes.c_void_p, _int
)

UTF8 = core.REP_UTF8
STRING = core.PL_STRING | core.REP_UTF8
THROW_SYNCHRONOUSLY = 0x0002 | 0x0004  # PLSIG_THROW | PLSIG_SYNC
CALL = core.PL_Q_NODEBUG | core.PL_Q_CATCH_EXCEPTION
PLAIN_TEXT = core.CVT_ATOM | core.CVT_STRING | core.REP_UTF8
ANY_TEXT = core.CVT_WRITEQ | core.CVT_ALL | core.REP_UTF8


class SignalAction(ctypes.Structure):
    """What to do on a signal (`pl_sigaction_t`)."""

    _fields_ = (
        ("function", ctypes.c_void_p),
        ("predicate", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("reserved", ctypes.c_void_p * 2),
    )


Predicate = ctypes.CFUNCTYPE(_word, _word)
"""A deterministic foreign predicate with one argument."""
