"""The log's tables: `tables` and `schema` define them, `log_writer` applies write `operations` in transactions, and the
readers and the sweeper each have their own connection.
"""
