"""Faults: programs that are killed, disks that are full or gone, clocks and locales that surprise; nothing is lost."""
