"""Reading git repositories: the subprocess seam, packs, objects, and where an object comes from."""
