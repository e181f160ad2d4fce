"""What Starling costs, measured side by side in one run (see README.md)."""
