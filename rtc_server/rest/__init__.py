"""HTTP: resources, pages, and what surrounds every request."""
