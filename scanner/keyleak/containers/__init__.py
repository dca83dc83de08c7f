"""What holds other contents: archives, compressed streams, documents. Bytes in, members out."""
