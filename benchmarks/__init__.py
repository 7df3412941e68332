"""Search spaces with their networks and their truth; inputs/ holds the image data sets."""
