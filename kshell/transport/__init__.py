"""Send a request and get an exchange; keep exchanges in cassettes; show an exchange as text or JSON."""
