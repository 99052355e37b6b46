from collections import Counter
from collections.abc import Collection, Sequence

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_decimal
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from vitrine.homepage.v1 import page_pb2, reason_pb2

WIDTH = 80


def render_page(
    page: page_pb2.Page, *, heading: str, cards: int = 4, milliseconds: float | None = None, locale: str = "en"
) -> RenderableType:
    """A page for a terminal of 80 columns: what each card is, where it belongs, what it costs and why it is there.

    Args:
        page: the page.
        heading: whose it is.
        cards: how many cards of each shelf to show.
        milliseconds: how long the page took, if that was measured.
        locale: in which prices are written, such as de-AT.
    """
    step = page_pb2.DegradationStep.Name(page.degradation_step).removeprefix("DEGRADATION_STEP_").lower()
    facts = [f"step: {step}", f"page {page.page_id}"]
    if milliseconds is not None:
        facts.insert(0, f"{milliseconds:.0f} ms")
    if page.degradation_reasons:
        facts.append(", ".join(page.degradation_reasons))
    parts: list[RenderableType] = [Text(heading, style="bold reverse", overflow="ellipsis", no_wrap=True)]
    parts.append(Text(" · ".join(facts), style="dim", overflow="fold"))
    if page.shop_empty:
        parts.append(
            Text("The shop has nothing that may be shown yet: import items with `vitrine import --items FILE`.")
        )
    elif not page.shelves:
        parts.append(Text("No shelf could be filled at this step."))
    parts.extend(_shelf(shelf, cards, locale, page.degradation_reasons) for shelf in page.shelves)
    return Group(*parts)


def _shelf(shelf: page_pb2.Shelf, cards: int, locale: str, known_reasons: Collection[str]) -> RenderableType:
    title = Text("\n" + shelf.title, style="bold")
    kind = page_pb2.ShelfKind.Name(shelf.kind).removeprefix("SHELF_KIND_").lower()
    title.append(f"  [{kind}]", style="dim")
    # What the head of the page says already isn't repeated on each shelf.
    if shelf.status.state == page_pb2.SHELF_STATE_DEGRADED and shelf.status.reason not in known_reasons:
        title.append(f"  {shelf.status.reason}", style="yellow")
    if shelf.kind == page_pb2.SHELF_KIND_CATEGORY_NAVIGATION:
        names = " · ".join(link.path.names[-1] for link in shelf.categories[: cards * 3])
        return Group(title, Text("  " + names))
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), width=WIDTH)
    table.add_column(width=2, justify="right", style="dim", no_wrap=True)
    table.add_column(width=26, no_wrap=True, overflow="ellipsis")
    table.add_column(width=13, no_wrap=True, overflow="ellipsis", style="cyan")
    table.add_column(width=11, no_wrap=True, justify="right")
    table.add_column(width=22, overflow="fold", style="green")
    for card in shelf.cards[:cards]:
        path = card.item.category_path.names
        table.add_row(
            str(card.position + 1),
            card.item.title,
            # The leaf often says what the title says.
            path[min(1, len(path) - 1)] if path else "",
            price_of(card.item, locale),
            reason_of(card.reasons),
        )
    return Group(title, table)


def price_of(item: page_pb2.CardItem, locale: str = "en") -> str:
    """Returns an item's price as a locale writes it, with its currency if it has one; empty without a price."""
    if not item.HasField("price"):
        return ""
    try:
        known = Locale.parse(locale or "en", sep="-")
    except (UnknownLocaleError, ValueError):
        known = Locale.parse("en")
    if item.currency_code:
        return format_currency(item.price, item.currency_code, locale=known)
    return format_decimal(item.price, "#,##0.00", locale=known)


def reason_of(reasons: Sequence[reason_pb2.Reason]) -> str:
    """Returns the strongest reason's text, or an empty one."""
    return reasons[0].text if reasons else ""


def render_funnel(funnel: page_pb2.Funnel) -> RenderableType:
    """What became of the candidates, in sum, and what each unit of the pipeline took."""
    units = Table("unit", "stage", "outcome", "ms", "in", "out", box=None, pad_edge=False)
    for unit in funnel.units:
        milliseconds = unit.duration.seconds * 1000 + unit.duration.nanos / 1e6
        outcome = f"{unit.outcome} {unit.reason}".strip()
        units.add_row(
            unit.unit, unit.stage, outcome, f"{milliseconds:.1f}", str(unit.input_count), str(unit.output_count)
        )
    removed = Counter((trace.removed_by, trace.removed_reason) for trace in funnel.candidates if trace.removed_by)
    table = Table("removed", "by", "because", box=None, pad_edge=False)
    for (unit_name, reason), count in removed.most_common():
        table.add_row(str(count), unit_name, reason)
    placed = sum(1 for trace in funnel.candidates if trace.shelf_id)
    summary = Text(f"\n{len(funnel.candidates)} candidates, {placed} of them on the page", style="bold")
    return Group(summary, units, Text(), table)
