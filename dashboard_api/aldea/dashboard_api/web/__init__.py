"""The pages: rendered on the server, useful without a program in the browser, in Spanish and English."""
