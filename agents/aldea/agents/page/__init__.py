"""The box's own page, on the site's network: for the technician, the facilitator, and whoever asks what is measured.

Plain HTML made on the box, no scripts, nothing from elsewhere: it works on any phone and without Internet. bottle
routes, waitress serves in a few threads, jinja2 renders. Bottle, waitress and jinja2 are loaded only where
the page is enabled (`server.start_page` is the way in).
"""
