"""What the sources say: records, papers, topics, signatures. Imports from no other app."""
