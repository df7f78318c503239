"""The API stated a second time, in process and over HTTP. It imports only ``core``."""
