"""How far a share that was counted can be trusted."""

from __future__ import annotations

from math import sqrt

# the 97.5 % point of the normal distribution: intervals that hold the true share 19 times in 20
_Z = 1.959963984540054


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share, by Wilson's score.

    Wilson, "Probable inference, the law of succession, and statistical inference",
    https://doi.org/10.1080/01621459.1927.10502953, solved for the share.  It stays within
    [0, 1] and is (0, 1) where nothing was tried.

    Raises
    ------
    ValueError
        Unless 0 <= successes <= trials.
    """
    if not 0 <= successes <= trials:
        raise ValueError(
            f"successes lie between 0 and the number of trials, {trials}; got {successes}"
        )
    if trials == 0:
        return 0.0, 1.0
    share, z2 = successes / trials, _Z * _Z
    centre = share + z2 / (2 * trials)
    half = _Z * sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    low, high = (centre - half) / (1 + z2 / trials), (centre + half) / (1 + z2 / trials)
    return (0.0 if successes == 0 else low), (1.0 if successes == trials else high)
