"""Characters as a reader sees them: which cannot be seen, and which pass for others."""
