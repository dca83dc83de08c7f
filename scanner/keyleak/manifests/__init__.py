"""What a project says that it depends on, read from manifests. Nothing here opens a file."""
