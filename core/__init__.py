"""The governance core: rules, numbers, the record, and the services that join them."""
