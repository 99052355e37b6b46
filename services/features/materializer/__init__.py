"""From the event log to states and statistics: leases on partitions, applying, saving, parking, rebuilding."""
