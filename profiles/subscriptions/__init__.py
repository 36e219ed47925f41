"""Mail about papers for whoever asks for it, with an account or without: asking, confirming, digests, stopping."""
