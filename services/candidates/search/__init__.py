"""SearchItems: order, facets and pages of what the content index finds."""
