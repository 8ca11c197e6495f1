"""docs/benchmarks.md: what stands between two markers is made here, the rest by people."""

import os
import re


def put(path, part, facts, tables):
    """Replaces the part's tables in the page, or adds them at its end."""
    text = ""
    if os.path.exists(path):
        with open(path) as file:
            text = file.read()
    begin, end = f"<!-- begin {part} -->", f"<!-- end {part} -->"
    body = "\n\n".join([begin, f"*{facts}*", *(table.markdown() for table in tables), end])
    marked = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if marked.search(text):
        text = marked.sub(lambda _: body, text)
    else:
        text = text.rstrip() + "\n\n" + body + "\n" if text else body + "\n"
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)
