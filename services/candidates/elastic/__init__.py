"""The content index in Elasticsearch: `elastic_index.py` asks it, `keeper.py` and what it uses keep it up to date."""
