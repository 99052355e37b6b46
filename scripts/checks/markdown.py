"""What the link check needs to know of a Markdown page: its links and the anchors that links can lead to."""

import re
from collections import Counter
from collections.abc import Iterator

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
INLINE_CODE = re.compile(r"(`+)(?:(?!\1).)+?\1")
LINK = re.compile(r"\]\(\s*<?((?:[^\s<>()]|\([^\s()]*\))+)")  # from the end of its text on: texts may hold images
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)>?")
HTML_TARGET = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=\"([^\"]+)\"", re.IGNORECASE)
HTML_ANCHOR = re.compile(r"<\w+\b[^>]*?\b(?:id|name)=\"([^\"]+)\"", re.IGNORECASE)
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$")
LINK_TEXT = re.compile(r"!?\[((?:[^\]\\]|\\.)*)\]\([^)]*\)")


def links(page: str) -> list[tuple[int, str]]:
    """Returns line number and target of each link and image of a page, code left out."""
    found = []
    for number, line in prose(page):
        text = INLINE_CODE.sub("", line)
        for pattern in (LINK, REFERENCE, HTML_TARGET):
            found += [(number, match.group(1)) for match in pattern.finditer(text)]
    return found


def anchors(page: str) -> set[str]:
    """Returns the anchors of a page as GitHub names them: from headings, numbered where they repeat, and from HTML."""
    found: set[str] = set()
    seen: Counter[str] = Counter()
    for _, line in prose(page):
        found.update(HTML_ANCHOR.findall(line))
        if heading := HEADING.match(line):
            name = slug(heading.group(1))
            found.add(f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1
    return found


def slug(heading: str) -> str:
    """Returns GitHub's anchor of a heading: lower case, spaces become hyphens, punctuation goes."""
    text = LINK_TEXT.sub(r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def prose(page: str) -> Iterator[tuple[int, str]]:
    """Yields number and text of the lines that stand in no fenced code block."""
    fence = ""
    for number, line in enumerate(page.splitlines(), start=1):
        mark = FENCE.match(line)
        if not fence and mark:
            fence = mark.group(1)
        elif fence and mark and mark.group(1).startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        elif not fence:
            yield number, line
