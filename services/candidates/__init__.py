"""The candidates service: proposes, out of all items, the few hundred worth ranking for a visitor (docs/candidates.md).

`app.py` wires it; `servicer.py`, `requests.py` and `marshal.py` are its edge; `retrieval.py` asks the sources and fuses
what they propose.
"""
