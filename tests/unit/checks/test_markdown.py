import pytest

from scripts.checks.markdown import anchors, links, slug


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
    assert links(f"# Page\n\n{line}\n") == [(3, target)]


def test_two_links_of_one_line_are_both_found() -> None:
    assert [target for _, target in links("[a](a.md) and [b](b.md)")] == ["a.md", "b.md"]


def test_an_image_that_is_a_link_leads_to_two_places() -> None:
    assert [target for _, target in links("[![state](state.svg)](runs.md)")] == ["state.svg", "runs.md"]


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
def test_code_and_brackets_are_no_links(page: str) -> None:
    assert links(page) == []


def test_text_after_a_code_block_is_prose_again() -> None:
    assert links("```sh\nmake\n```\n[a](a.md)") == [(4, "a.md")]


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

    assert anchors(page) == {"use", "use-1", "here"}
