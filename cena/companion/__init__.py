"""What executes, checks and publishes the notebooks, and the pipeline they share."""
