"""Everything that reads or fetches data sets: labels, images and the files they come from.

`registry` knows the files, their public addresses and checksums; `labels` gives the accuracies of a space in its own
order; `images` gives the data points at which Jacobians are taken.
"""
