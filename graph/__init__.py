"""Who works with whom: coauthorship and slices of the research graph."""
