"""The Redis side: lanes, leases, replies. One Lua script per step, so that each step happens whole or not."""
