"""Asking issuers whether keys live. The one package that opens sockets; only commands/ may call it."""
