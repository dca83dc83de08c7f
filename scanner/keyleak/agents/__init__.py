"""AI coding agents: what their hooks say and want to hear, and where they keep configuration."""
