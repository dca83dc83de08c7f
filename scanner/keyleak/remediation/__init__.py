"""What follows a finding: a runbook, a rewritten history that is proven clean, a patch, better practice."""
