"""Hosts files of any size, always the same ones, and questions about them."""

import functools
import random

# A hundred names all over the file, asked in turn, so that no cache of one line flatters.
ANY = 100
# The questions by their place in the list that a driver is given: FROM and COUNT.
QUESTIONS = {"first": (0, 1), "any": (3, ANY), "last": (1, 1), "miss": (2, 1)}

DOMAINS = ["example.com", "svc.cluster.example", "ads.example.net", "lan", "dev.example.org"]


def _name(draw, number):
    letters = "".join(draw.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(draw.randint(3, 12)))
    return f"{letters}-{number}.{draw.choice(DOMAINS)}"


def _address(number):
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@functools.lru_cache(maxsize=2)
def hosts(size):
    """The text of a hosts file of so many lines, and the questions about it.

    A line in four has an alias, as service maps do; the questions ask for canonical names.
    """
    draw = random.Random(2267)
    lines, entries = [], []
    for number in range(size):
        name = _name(draw, number)
        alias = f" {name.split('.')[0]}" if number % 4 == 3 else ""
        lines.append(f"{_address(number)}\t{name}{alias}\n")
        entries.append((name, _address(number)))
    asked = [entries[0], entries[-1], (_name(draw, size), "192.0.2.1")]
    asked += [entries[draw.randrange(size)] for _ in range(ANY)]
    rows = [f"{name} {address} {int(at != 2)}\n" for at, (name, address) in enumerate(asked)]
    return "".join(lines), "".join(rows)
