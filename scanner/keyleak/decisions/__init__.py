"""Whether a finding counts: entries, inline markers, the baseline, severities. Pure: no files, no clock."""
