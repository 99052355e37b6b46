"""The feature store: catalog, users, and what the event log says of users and items. `app.py` wires it."""
