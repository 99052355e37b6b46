"""The batch jobs: read catalog and log, compute the tables, measure their quality, publish them."""
