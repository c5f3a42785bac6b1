"""The slow twin of `fold`, written from section 6 of the method: one image, one literal at a time.

An image is a tuple of truth values.  Rules are plain tuples, so that nothing is shared with the
learner: (literals, exceptions), a literal (feature, active), an exception a rule again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

Image = tuple[bool, ...]
Literal = tuple[int, bool]
Rule = tuple[tuple[Literal, ...], tuple["Rule", ...]]


def holds(literal: Literal, image: Image) -> bool:
    feature, active = literal
    return image[feature] if active else not image[feature]


def fires(rule: Rule, image: Image) -> bool:
    literals, exceptions = rule
    for literal in literals:
        if not holds(literal, image):
            return False
    return not any(fires(exception, image) for exception in exceptions)


def entropy_term(a: int, b: int) -> float:
    """F of the text."""
    return a * math.log(a / (a + b)) if a else 0.0


def score(literal: Literal, pos: Sequence[Image], neg: Sequence[Image]) -> float | None:
    """The score of a literal, None where it is not valid."""
    tp = fp = tn = fn = 0
    for image in pos:
        if holds(literal, image):
            tp += 1
        else:
            fn += 1
    for image in neg:
        if holds(literal, image):
            fp += 1
        else:
            tn += 1
    if not (tp + tn >= fp + fn and tp >= 1 and tn >= 1):
        return None
    covered = entropy_term(tp, fp) + entropy_term(fp, tp)
    dropped = entropy_term(tn, fn) + entropy_term(fn, tn)
    return round((covered + dropped) / (tp + fp + tn + fn), 12)


def best_literal(pos: Sequence[Image], neg: Sequence[Image], used: set[int]) -> Literal | None:
    best: tuple[float, Literal] | None = None
    width = len(pos[0]) if pos else 0
    for feature in range(width):
        if feature in used:
            continue
        for active in (True, False):
            found = score((feature, active), pos, neg)
            if found is not None and (best is None or found > best[0]):
                best = found, (feature, active)
    return None if best is None else best[1]


def learn_rule(
    pos: list[Image], neg: list[Image], used: set[int], depth: float, ratio: float, support: int
) -> Rule | None:
    body: list[Literal] = []
    while not body or len(neg) > ratio * len(pos):
        if not neg:
            break
        literal = best_literal(pos, neg, used | {feature for feature, _ in body})
        if literal is None:
            break
        body.append(literal)
        pos = [image for image in pos if holds(literal, image)]
        neg = [image for image in neg if holds(literal, image)]
    if not body:
        return None
    exceptions: tuple[Rule, ...] = ()
    if neg and depth > 0:
        beneath = used | {feature for feature, _ in body}
        exceptions = learn_set(neg, pos, beneath, depth - 1, ratio, support)
    return tuple(body), exceptions


def learn_set(
    pos: list[Image], neg: list[Image], used: set[int], depth: float, ratio: float, support: int
) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    while True:
        rule = learn_rule(pos, neg, used, depth, ratio, support)
        if rule is None:
            break
        new = [image for image in pos if fires(rule, image)]
        if len(new) < support:
            break
        rules.append(rule)
        pos = [image for image in pos if not fires(rule, image)]
    return tuple(rules)


def fit(
    images: Sequence[Image],
    target: Sequence[int],
    *,
    ratio: float,
    tail: str,
    max_depth: int | None,
) -> tuple[list[tuple[int, Rule]], int, list[int]]:
    """The rules with their classes, the default, and which images no rule decides."""
    depth = math.inf if max_depth is None else max_depth
    left = list(range(len(images)))
    is_open = set(target)
    rules: list[tuple[int, Rule]] = []
    while True:
        counts = {c: sum(target[i] == c for i in left) for c in is_open}
        if not counts or max(counts.values()) == 0:
            break
        c = min(c for c in counts if counts[c] == max(counts.values()))
        if counts[c] == len(left):
            break
        support = max(1, math.ceil(Fraction(tail) * sum(t == c for t in target)))
        pos = [images[i] for i in left if target[i] == c]
        neg = [images[i] for i in left if target[i] != c]
        rule = learn_rule(pos, neg, set(), depth, ratio, support)
        if rule is None or sum(fires(rule, image) for image in pos) < support:
            is_open.remove(c)
            continue
        rules.append((c, rule))
        left = [i for i in left if not fires(rule, images[i])]
    voters = [target[i] for i in left] if left else list(target)
    default = min(c for c in set(voters) if voters.count(c) == max(map(voters.count, voters)))
    return rules, default, left


def predict(rules: Sequence[tuple[int, Rule]], default: int, image: Image) -> int:
    for c, rule in rules:
        if fires(rule, image):
            return c
    return default


def records(
    rules: Sequence[tuple[int, Rule]], images: Sequence[Image], target: Sequence[int]
) -> list[tuple[int, int, int]]:
    """Of each clause, a rule before its exceptions: how often it fires, decides, is right."""
    found: list[tuple[int, int, int]] = []
    left = list(range(len(images)))

    def record(rule: Rule, asked: list[int], right: set[int]) -> None:
        literals, exceptions = rule
        decided = [i for i in asked if fires(rule, images[i])]
        found.append(
            (
                sum(fires(rule, image) for image in images),
                len(decided),
                sum(i in right for i in decided),
            )
        )
        held = [i for i in asked if all(holds(literal, images[i]) for literal in literals)]
        for exception in exceptions:
            record(exception, held, set(range(len(images))) - right)

    for c, rule in rules:
        record(rule, left, {i for i in range(len(images)) if target[i] == c})
        left = [i for i in left if not fires(rule, images[i])]
    return found
