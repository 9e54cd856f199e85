"""The API and the pages: what the stores hold, as documents for programs and as pages for people.

`create_app` (in `app`) makes the application from a register, a series store, a clock and settings; `server`
runs it. Nothing here writes to a store.
"""
