"""The event log: `app` wires it, `servicer` receives calls.

Events go through `ingestion` or `importing`, `cleaning` and `group_commit` into `storage`; `tailing` and `user_lists`
read them; `privacy`, `quarantine`, `retention` and `page_log` do the rest.
"""
