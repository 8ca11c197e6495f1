"""Tables, for the terminal and for the page."""


class Table:
    """A title, a header, rows of text, and what there is to say about them."""

    def __init__(self, title, header, rows, note="", data=None):
        self.title = title
        self.header = header
        self.rows = [[str(field) for field in row] for row in rows]
        self.note = note
        # The figures themselves, for whoever draws them.
        self.data = data

    def text(self):
        """For the terminal."""
        lines = [self.header, *self.rows]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.header))]
        table = "\n".join(
            "  ".join(field.ljust(width) for field, width in zip(line, widths)).rstrip()
            for line in lines
        )
        return "\n".join(filter(None, [f"\n{self.title}\n", table, self.note]))

    def markdown(self):
        """For the page."""
        row = "| {} |".format
        lines = [row(" | ".join(self.header)), "|---" + "|---:" * (len(self.header) - 1) + "|"]
        lines += [row(" | ".join(line)) for line in self.rows]
        return "\n\n".join(filter(None, [f"### {self.title}", self.note, "\n".join(lines)]))
