"""The embedded benchmark: every NATS-Bench topology cell, small, trained by this project on scikit-learn's digits."""
