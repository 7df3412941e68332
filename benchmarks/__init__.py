"""Search spaces with their networks and ground truth; inputs/ contains the image data sets."""
