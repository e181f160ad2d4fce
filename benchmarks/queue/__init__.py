"""A round trip through the queue, beside a bare PING, naive streams and the frameworks that were not taken."""
