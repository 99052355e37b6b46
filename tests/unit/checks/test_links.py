from pathlib import Path

import pytest

from scripts.checks.links import broken_links


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "guide").mkdir(parents=True)
    (tmp_path / "docs" / "guide" / "page.md").write_text("# Page\n## A part\n")
    (tmp_path / "docs" / "with space.md").write_text("# Space\n")
    (tmp_path / "Makefile").write_text("all:\n")
    return tmp_path


def check(root: Path, text: str, page: str = "docs/README.md") -> list[str]:
    (root / page).write_text(text)
    return broken_links(root, sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file()))


@pytest.mark.parametrize(
    "target",
    [
        "guide/page.md",
        "guide/page.md#a-part",
        "guide/",
        "guide",
        "../Makefile",
        "../",
        "#here",
        "with%20space.md#space",
        "https://example.com/nowhere",
        "mailto:a@example.com",
    ],
)
def test_a_link_that_leads_somewhere_passes(tree: Path, target: str) -> None:
    assert check(tree, f"# Here\n[x]({target})\n") == []


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("guide/pages.md", "is not a file of the project"),
        ("guide/Page.md", "is not a file of the project"),
        ("guide/page.md#another-part", "names no heading of docs/guide/page.md"),
        ("#there", "names no heading of docs/README.md"),
        ("../../outside.md", "is not a file of the project"),
        ("/docs/guide/page.md", "is absolute: write it relative to the page"),
    ],
)
def test_a_link_that_leads_nowhere_is_reported(tree: Path, target: str, problem: str) -> None:
    assert check(tree, f"# Here\n\n[x]({target})\n") == [f"docs/README.md:3: {target} {problem}"]


def test_a_file_that_git_ignores_is_no_target(tree: Path) -> None:
    (tree / "README.md").write_text("[x](docs/guide/page.md)")

    assert broken_links(tree, [Path("README.md")]) == [
        "README.md:1: docs/guide/page.md is not a file of the project",
    ]
