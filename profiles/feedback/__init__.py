"""What readers do with papers: reactions, collections, reviews and comments, and the trend that follows from them."""
