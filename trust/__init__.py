"""How far to believe a page: the trust score and the verification level."""
