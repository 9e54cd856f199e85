"""The four-step model: indicators with their methods, periods and statistics. Nothing is here yet but its place."""
