"""What the environment chooses, and where things lie."""

import os

WORKSPACE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOT = os.path.join(WORKSPACE, "target/bench/root")
CELLS = os.path.join(WORKSPACE, "target/bench/cells")

# About a minute instead of about a quarter of an hour; such figures are for a glance, so the page
# and the plot in docs/ stay as they are.
QUICK = os.environ.get("QUICK", "") not in ("", "0")

SIZES = [
    int(size)
    for size in os.environ.get("SIZES", "10 100 1000 10000 100000 1000000").split()
]
ROUNDS = int(os.environ.get("ROUNDS", "5" if QUICK else "31"))

# How long one sample takes, in microseconds: long against the clock, short against what else a
# machine does now and then.
SAMPLE = 2_000 if QUICK else 4_000

OUTPUT = os.environ.get("OUTPUT") or os.path.join(
    WORKSPACE, "target/bench/quick" if QUICK else "docs"
)
