"""NAS-Bench-201 and the size space of NATS-Bench, whose networks it shares."""
