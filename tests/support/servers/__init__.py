"""The real servers that the tests run against, started when first needed and stopped at the end."""
