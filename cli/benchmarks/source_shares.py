from collections.abc import Collection, Mapping

from services.candidates.retrieval import Retrieved


def source_shares(retrieved: Retrieved, wanted: Collection[int]) -> Mapping[str, tuple[float, float]]:
    """Returns for each source that was asked which part of the wanted items it proposes among its quota, and which part
    it alone proposes.
    """
    proposed = {made.source: set(made.proposals.item_nos.tolist()) for made in retrieved.outcomes}
    shares = {}
    for name, found in proposed.items():
        hits = found.intersection(wanted)
        others = set().union(*(own for other, own in proposed.items() if other != name))
        shares[name] = len(hits) / len(wanted), len(hits - others) / len(wanted)
    return shares
