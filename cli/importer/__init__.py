"""`vitrine import`: reads files or Elasticsearch, cleans rows, and sends them to the services."""
