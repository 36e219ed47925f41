"""Who wrote it, and who is who here: authors, assignments, corrections, accounts."""
