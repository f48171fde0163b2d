"""Studies: one experiment under one profile, from settings to kept results."""
