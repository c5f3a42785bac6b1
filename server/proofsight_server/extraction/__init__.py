"""From networks and data sets to measured revisions."""
