"""docs/lookups.svg: the time of a lookup over the number of entries, both on logarithmic scales."""

import math

import samples

WIDTH, HEIGHT = 880, 520
LEFT, RIGHT, TOP, BOTTOM = 80, 226, 64, 64
LABEL_HEIGHT = 19

# Row of the table, label, colours on a light and on a dark panel, width, dashes.
SERIES = (
    ("files", "glibc files", "#c2410c", "#fb923c", 2.5, ""),
    ("workaround, no index", "workaround, no index", "#2563eb", "#60a5fa", 2.5, "7 4"),
    ("workaround", "workaround", "#1d4ed8", "#93c5fd", 4, ""),
    ("floor of workaround", "its system calls alone", "#6b7280", "#9ca3af", 1.5, "2 4"),
    ("nscd", "nscd, once asked", "#15803d", "#4ade80", 2, ""),
    ("nss_wrapper", "nss_wrapper, once loaded", "#a21caf", "#e879f9", 2, ""),
    ("dnsmasq", "dnsmasq", "#a16207", "#facc15", 2, ""),
)

STYLE = """
  text { font: 14px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #1f2937 }
  .title { font-size: 17px; font-weight: 600 }
  .panel { fill: #ffffff; stroke: #d1d5db }
  .grid { stroke: #e5e7eb }
  .line { fill: none; stroke-linejoin: round; stroke-linecap: round }
"""
DARK_STYLE = """
    text { fill: #e5e7eb }
    .panel { fill: #111827; stroke: #374151 }
    .grid { stroke: #374151 }
"""


class _Scale:
    """Maps values onto pixels, logarithmically."""

    def __init__(self, low, high, start, end):
        self.low, self.high = math.floor(math.log10(low)), math.ceil(math.log10(high))
        self.start, self.end = start, end

    def __call__(self, value):
        share = (math.log10(value) - self.low) / max(1, self.high - self.low)
        return self.start + share * (self.end - self.start)

    def powers(self):
        return [10.0**power for power in range(self.low, self.high + 1)]


def _text(x, y, text, attributes=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {attributes}>{text}</text>'


def _apart(heights):
    """Moves labels apart until none covers another; in and out by series."""
    placed = {}
    last = -math.inf
    for key, height in sorted(heights.items(), key=lambda item: item[1]):
        last = max(height, last + LABEL_HEIGHT)
        placed[key] = last
    over = last - (HEIGHT - BOTTOM + 8)
    return {key: height - max(0, over) for key, height in placed.items()}


def draw(path, tables):
    """Draws the lookups by getaddrinfo, the last name of the file, as the table has them."""
    data = next(table.data for table in tables if "getaddrinfo" in table.title)
    lines = {}
    for series in SERIES:
        points = data.get((series[0], "last"), {})
        points = [(size, took) for size, took in points.items() if took]
        if points:
            lines[series] = points
    every = [point for points in lines.values() for point in points]
    x = _Scale(min(p[0] for p in every), max(p[0] for p in every), LEFT, WIDTH - RIGHT)
    y = _Scale(min(p[1] for p in every), max(p[1] for p in every), HEIGHT - BOTTOM, TOP)

    dark = "".join(f"    .s{at} {{ stroke: {s[3]} }} .t{at} {{ fill: {s[3]} }}\n" for at, s in enumerate(SERIES))
    light = "".join(f"  .s{at} {{ stroke: {s[2]} }} .t{at} {{ fill: {s[2]} }}\n" for at, s in enumerate(SERIES))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        'aria-label="Time of a lookup over the number of entries">',
        f"<style>{STYLE}{light}  @media (prefers-color-scheme: dark) {{{DARK_STYLE}{dark}  }}\n</style>",
        f'<rect class="panel" x="0.5" y="0.5" width="{WIDTH - 1}" height="{HEIGHT - 1}" rx="10"/>',
        _text(LEFT, 36, "A lookup by getaddrinfo, the last name of the file", 'class="title"'),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 18, "entries", 'text-anchor="middle"'),
    ]
    for value in x.powers():
        parts.append(f'<path class="grid" d="M{x(value):.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(_text(x(value), HEIGHT - BOTTOM + 22, f"{value:,.0f}", 'text-anchor="middle"'))
    for value in y.powers():
        parts.append(f'<path class="grid" d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}"/>')
        label = samples.duration(value).replace(".00", "").replace(".0", "")
        parts.append(_text(LEFT - 10, y(value) + 5, label, 'text-anchor="end"'))
    heights = _apart({series: y(points[-1][1]) for series, points in lines.items()})
    for series, points in lines.items():
        at = SERIES.index(series)
        track = " ".join(f"{x(size):.1f},{y(took):.1f}" for size, took in points)
        dashes = f' stroke-dasharray="{series[5]}"' if series[5] else ""
        parts.append(f'<polyline class="line s{at}" stroke-width="{series[4]}"{dashes} points="{track}"/>')
        end_x, end_y = x(points[-1][0]), y(points[-1][1])
        parts.append(f'<circle class="t{at}" cx="{end_x:.1f}" cy="{end_y:.1f}" r="3.5"/>')
        label_x = WIDTH - RIGHT + 22
        parts.append(
            f'<path class="line s{at}" stroke-width="0.8" stroke-opacity="0.6" d="M{end_x + 5:.1f} {end_y:.1f}'
            f'L{label_x - 5} {heights[series]:.1f}"/>'
        )
        parts.append(_text(label_x, heights[series] + 5, series[1], f'class="t{at}"'))
    parts.append("</svg>\n")
    with open(path, "w") as file:
        file.write("\n".join(parts))
