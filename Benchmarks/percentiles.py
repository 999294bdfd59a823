"""What is said of many figures."""

import math


def percentile(figures: list[float], part: float) -> float:
    """The figure that this part of all of them is not above: 0.5 is the middle, 1 the largest."""
    ordered = sorted(figures)
    return ordered[max(0, math.ceil(len(ordered) * part) - 1)]
