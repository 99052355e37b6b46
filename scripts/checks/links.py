"""Checks that the links of all Markdown pages lead somewhere: to a file of the project and, where given, its heading.

Links to other sites are not followed: a check must not depend on them.
"""

import sys
from pathlib import Path, PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, urlsplit

from scripts.checks import markdown
from scripts.checks.report import report
from scripts.checks.tree import ROOT, project_files


def broken_links(root: Path, files: list[Path]) -> list[str]:
    """Returns a line for each link of the Markdown pages among `files` (relative to `root`) that leads nowhere."""
    known = {path.as_posix() for path in files}
    known |= {parent.as_posix() for path in files for parent in path.parents}
    pages = {path.as_posix(): (root / path).read_text(encoding="utf-8") for path in files if path.suffix == ".md"}
    anchors = {name: markdown.anchors(page) for name, page in pages.items()}
    return [
        f"{name}:{number}: {target} {problem}"
        for name, page in pages.items()
        for number, target in markdown.links(page)
        if (problem := why_broken(name, target, known, anchors))
    ]


def why_broken(page: str, target: str, known: set[str], anchors: dict[str, set[str]]) -> str | None:
    """Returns why a link from `page` to `target` leads nowhere, None where it does or where it leaves the project.

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


def main() -> int:
    """Checks the tree; returns the exit code."""
    files = project_files()
    pages = sum(path.suffix == ".md" for path in files)
    return report("links", broken_links(ROOT, files), f"all resolve in {pages} pages")


if __name__ == "__main__":
    sys.exit(main())
