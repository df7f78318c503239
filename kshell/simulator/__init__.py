"""A simulator of the API, in process and over HTTP. It states the API a second time and imports only ``core``."""
