from pathlib import Path

import pytest

from scripts.checks.links import anchors_of, broken_links, links_of, slug


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


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("see [the design](design.md)", "design.md"),
        ("see [it](<design.md>)", "design.md"),
        ('see [it](design.md "the title")', "design.md"),
        ("![picture](pages/home.png)", "pages/home.png"),
        ("[`code` in the text](a.md#b)", "a.md#b"),
        ("[nested [brackets\\]](a.md)", "a.md"),
        ("[ref]: ../a.md", "../a.md"),
        ('<a href="a.md">a</a>', "a.md"),
        ('<img alt="x" src="a.png">', "a.png"),
        ("[parentheses](a_(b).md)", "a_(b).md"),
    ],
)
def test_every_form_of_link_is_found(line: str, target: str) -> None:
    assert links_of(f"# Page\n\n{line}\n") == [(3, target)]


def test_two_links_of_one_line_are_both_found() -> None:
    assert [target for _, target in links_of("[a](a.md) and [b](b.md)")] == ["a.md", "b.md"]


def test_an_image_that_is_a_link_leads_to_two_places() -> None:
    assert [target for _, target in links_of("[![state](state.svg)](runs.md)")] == ["state.svg", "runs.md"]


@pytest.mark.parametrize(
    "page",
    [
        "`[a](a.md)`",
        "``[a](a.md) ` ``",
        "```\n[a](a.md)\n```",
        "~~~md\n[a](a.md)\n```\n[a](a.md)\n~~~",
        "an index [0] (and a remark)",
    ],
)
def test_code_and_brackets_are_no_links_of(page: str) -> None:
    assert links_of(page) == []


def test_text_after_a_code_block_is_prose_again() -> None:
    assert links_of("```sh\nmake\n```\n[a](a.md)") == [(4, "a.md")]


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Numbers to reach", "numbers-to-reach"),
        ("8. Numbers, to reach!", "8-numbers-to-reach"),
        ("`make demo` and [links](x.md)", "make-demo-and-links"),
        ("Events & features", "events--features"),
        ("snake_case stays", "snake_case-stays"),
        ("Größe", "größe"),
    ],
)
def test_anchors_are_those_of_github(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


def test_repeated_headings_are_numbered_and_html_anchors_count() -> None:
    page = '# Use\n## Use ##\n<a id="here"></a>\n```\n# not a heading\n```\n'

    assert anchors_of(page) == {"use", "use-1", "here"}
