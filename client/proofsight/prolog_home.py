"""Where the SWI-Prolog modules are: inside the wheel, or in a checkout."""

from __future__ import annotations

from pathlib import Path

__all__ = ["prolog_home"]

FACADE = "proofsight.pl"


def prolog_home() -> Path:
    """The directory that holds `proofsight.pl`, absolute; put it on Prolog's library path.

    A wheel carries it as `proofsight/prolog`; a checkout has it beside `client/`. Where both
    exist, the wheel's own copy wins, since it is the one built with this code.

    Raises
    ------
    FileNotFoundError
        Neither place has the façade; the installation is damaged.
    """
    package = Path(__file__).resolve().parent
    places = (package / "prolog", package.parents[1] / "prolog")
    for place in places:
        if (place / FACADE).is_file():
            return place
    raise FileNotFoundError(
        f"{FACADE} is in neither {places[0]} nor {places[1]}; "
        "install proofsight again, from a wheel or a full checkout"
    )
