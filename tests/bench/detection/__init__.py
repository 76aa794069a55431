"""How well the rules tell an outage from noise, against a known truth. Seeded, on a virtual clock, no sockets."""
