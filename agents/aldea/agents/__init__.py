"""What runs at a site: probes that measure, an outbox that keeps, an uplink that delivers. Imports the model only."""
