"""What the environment chooses, and where things lie."""

import os

WORKSPACE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOT = os.path.join(WORKSPACE, "target/bench/root")
CELLS = os.path.join(WORKSPACE, "target/bench/cells")

# 0: about a quarter of an hour, for the record. 1: about a minute, for a glance. 2: seconds, to
# show that all of it works. Only figures for the record go to docs/.
QUICK = int(os.environ.get("QUICK") or 0)


def by_haste(*choices):
    """The choice for the record, for a glance, or for a test."""
    return choices[min(QUICK, 2)]


_SIZES = os.environ.get("SIZES") or by_haste(
    "10 100 1000 10000 100000 1000000", "10 1000 100000", "10"
)
SIZES = [int(size) for size in _SIZES.split()]
ROUNDS = by_haste(31, 5, 2)

# How long one sample takes, in microseconds: long against the clock, short against what else a
# machine does now and then.
SAMPLE = by_haste(4_000, 1_000, 200)

OUTPUT = os.environ.get("OUTPUT") or os.path.join(
    WORKSPACE, by_haste("docs", "target/bench/quick", "target/bench/quick")
)
