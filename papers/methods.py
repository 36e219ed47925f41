"""What a view answers to, beside Django's `require_safe` and `require_POST`."""

from django.views.decorators.http import require_http_methods

read_or_post = require_http_methods(["GET", "HEAD", "POST"])  # a form on its own page; a GET changes nothing
