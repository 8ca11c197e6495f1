"""Medians, spread, and how they are written."""

import statistics

UNITS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns"))


def median(samples):
    """The median; None without samples."""
    return statistics.median(samples) if samples else None


def spread(samples):
    """Half the distance between the quartiles, as a share of the median."""
    if len(samples) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(samples, n=4, method="inclusive")
    return (high - low) / 2 / middle if middle else 0.0


def ratio(samples, others):
    """The median of the ratios, round by round: what slowed a round down slowed both."""
    return median([sample / other for sample, other in zip(samples, others) if other])


def digits(value):
    """Three significant digits, thousands set apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def duration(nanoseconds):
    """A time in the unit that suits it."""
    for factor, unit in UNITS:
        if nanoseconds >= factor:
            return f"{digits(nanoseconds / factor)} {unit}"
    return f"{digits(nanoseconds)} ns"


def timing(samples):
    """The median of times in nanoseconds, and their spread."""
    return f"{duration(median(samples))} ±{spread(samples):.0%}"


def size(count):
    """Bytes, in KiB or MiB."""
    if count < 10 * 2**20:
        return f"{digits(count / 2**10)} KiB"
    return f"{digits(count / 2**20)} MiB"
