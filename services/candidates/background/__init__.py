"""What keeps the inputs fresh beside the requests: catalog, statistics, artifacts, rankings, new vectors."""
