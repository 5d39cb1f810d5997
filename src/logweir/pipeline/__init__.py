"""From a request to a stored document, with no SDK, database or web framework named."""
