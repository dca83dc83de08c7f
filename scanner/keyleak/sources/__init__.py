"""Where content comes from: files and folders, standard input. One module for each source."""
