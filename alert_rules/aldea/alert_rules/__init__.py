"""Rules as pure folds over events, incidents, and notifications. Nothing is here yet but its place."""
