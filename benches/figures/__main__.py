"""Runs the parts that the arguments name, prints their tables, and keeps them in docs/.

Started by benches/run, as PID 1 of its own mount and PID namespaces.
"""

import os
import sys

import cold
import costs
import inits
import lookups
import machine
import page
import plot
import settings
import sizes
import threads

# Each part measures, and gives back tables; the order is that of the page.
PARTS = {
    "lookups": lookups.measure,
    "cold": cold.measure,
    "threads": threads.measure,
    "costs": costs.measure,
    "init": inits.measure,
    "size": sizes.measure,
}


def main(names):
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"benches/run: unknown part {unknown[0]}; it takes {' '.join(PARTS)}")
    output = settings.OUTPUT
    os.makedirs(output, exist_ok=True)
    for name in names or PARTS:
        print(f"== {name}", flush=True)
        tables = PARTS[name]()
        for table in tables:
            print(table.text(), flush=True)
        page.put(os.path.join(output, "benchmarks.md"), name, machine.facts(), tables)
        if name == "lookups":
            plot.draw(os.path.join(output, "lookups.svg"), tables)
    print(f"written: {output}/benchmarks.md")


main(sys.argv[1:])
