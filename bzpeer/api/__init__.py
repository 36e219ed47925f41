"""The programming interface: `/api/v1/`, its schema and documentation, and the feed of changes."""
