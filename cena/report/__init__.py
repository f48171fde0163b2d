"""What a page shows: style, plots, tables, and what is said of results."""
