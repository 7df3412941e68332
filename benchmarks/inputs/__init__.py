"""Image data sets, one file each; a file registers its data set in `DATA_SETS`."""
