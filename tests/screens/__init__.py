"""Every screen in every language: examples, snapshots of them, and the gallery that shows them all."""
