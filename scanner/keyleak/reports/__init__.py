"""What a scan found, as text for people and as JSON for machines. One module for each format."""
