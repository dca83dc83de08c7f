"""The rules as data: issuers, key shapes, context words, placeholders. Read from `rules/`, never changed."""
