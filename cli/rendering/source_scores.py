from rich.table import Table

from cli.benchmarks.candidate_baskets import BasketScores

_COLUMNS = ("NDCG@10", "recall@10", "new NDCG@10", "new recall@10", "share", "unique")


def render_source_scores(scores: BasketScores) -> Table:
    """What each source finds of next baskets: overall, of what was never bought before, and what it alone finds."""
    table = Table("source", title=f"{scores.users:,} next baskets, recall@300 {scores.recall_at_300:.4f}", box=None)
    table.title_justify = "left"
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    for name, source in scores.sources.items():
        values = (
            source.ndcg,
            source.recall,
            source.new_ndcg,
            source.new_recall,
            source.share,
            source.unique_share,
        )
        table.add_row(name, *(f"{value:.4f}" for value in values))
    return table
