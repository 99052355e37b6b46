"""Checks that the links of all Markdown pages lead somewhere: to a file of the project and, where given, its heading.

Links to other sites are not followed: a check must not depend on them.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, urlsplit

from scripts.checks.tree import ROOT, project_files, report

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
INLINE_CODE = re.compile(r"(`+)(?:(?!\1).)+?\1")
LINK = re.compile(r"\]\(\s*<?((?:[^\s<>()]|\([^\s()]*\))+)")  # from the end of its text on: texts may hold images
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)>?")
HTML_TARGET = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=\"([^\"]+)\"", re.IGNORECASE)
HTML_ANCHOR = re.compile(r"<\w+\b[^>]*?\b(?:id|name)=\"([^\"]+)\"", re.IGNORECASE)
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$")
LINK_TEXT = re.compile(r"!?\[((?:[^\]\\]|\\.)*)\]\([^)]*\)")


def broken_links(root: Path, files: list[Path]) -> list[str]:
    """Returns a line for each link of the Markdown pages among `files` (relative to `root`) that leads nowhere."""
    known = {path.as_posix() for path in files}
    known |= {parent.as_posix() for path in files for parent in path.parents}
    pages = {path.as_posix(): (root / path).read_text(encoding="utf-8") for path in files if path.suffix == ".md"}
    anchors = {name: anchors_of(page) for name, page in pages.items()}
    return [
        f"{name}:{number}: {target} {problem}"
        for name, page in pages.items()
        for number, target in links_of(page)
        if (problem := why_broken(name, target, known, anchors))
    ]


def why_broken(page: str, target: str, known: set[str], anchors: dict[str, set[str]]) -> str | None:
    """Returns why a link from `page` to `target` leads nowhere, None if it does or if it leaves the project.

    `known` has the project's files and folders, `anchors` those of each page; all are paths relative to the root.
    """
    url = urlsplit(target)
    if url.scheme or url.netloc:
        return None
    path = unquote(url.path)
    if path.startswith("/"):
        return "is absolute: write it relative to the page"
    file = normpath((PurePosixPath(page).parent / path).as_posix()) if path else page
    if file not in known:
        return "is not a file of the project"
    if url.fragment and file in anchors and unquote(url.fragment) not in anchors[file]:
        return f"names no heading of {file}"
    return None


def links_of(page: str) -> list[tuple[int, str]]:
    """Returns line number and target of each link and image of a page, code left out."""
    found = []
    for number, line in prose_of(page):
        text = INLINE_CODE.sub("", line)
        for pattern in (LINK, REFERENCE, HTML_TARGET):
            found += [(number, match.group(1)) for match in pattern.finditer(text)]
    return found


def anchors_of(page: str) -> set[str]:
    """Returns the anchors of a page as GitHub names them: from headings, numbered where they repeat, and from HTML."""
    found: set[str] = set()
    seen: Counter[str] = Counter()
    for _, line in prose_of(page):
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


def prose_of(page: str) -> Iterator[tuple[int, str]]:
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


def main() -> int:
    """Checks the tree; returns the exit code."""
    files = project_files()
    pages = sum(path.suffix == ".md" for path in files)
    return report("links", broken_links(ROOT, files), f"all resolve in {pages} pages")


if __name__ == "__main__":
    sys.exit(main())
