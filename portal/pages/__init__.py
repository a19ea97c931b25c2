"""One file a page, one `render()` each: ask a service, draw."""
