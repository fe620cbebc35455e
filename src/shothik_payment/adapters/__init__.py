"""What plugs into the ports that the domain declares; only the container imports it."""
