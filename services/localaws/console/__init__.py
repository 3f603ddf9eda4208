"""What a command tells its user: the protocol, and one implementation per kind of reader."""
