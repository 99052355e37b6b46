"""The revisions of the event log's schema; see services/common/migrations.py."""
