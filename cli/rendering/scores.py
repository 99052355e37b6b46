from collections.abc import Mapping

from rich.table import Table

from cli.evaluation.evaluation import Score


def render_scores(scores: Mapping[str, Score], *, users: int) -> Table:
    """The rankings side by side, as they were given."""
    table = Table("ranking", title=f"The next basket of {users} users", box=None, pad_edge=False, title_justify="left")
    for column in ("recall@10", "NDCG@10", "95 % interval"):
        table.add_column(column, justify="right")
    for name, score in scores.items():
        low, high = score.ndcg_interval
        table.add_row(name, f"{score.recall:.4f}", f"{score.ndcg:.4f}", f"{low:.4f} – {high:.4f}")
    return table
