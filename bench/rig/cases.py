"""The cases of side.py: what is sent, how much of it, and what performance goal stands beside it."""
from dataclasses import dataclass


@dataclass
class Case:
    name: str
    sessions: int
    size: int
    postfix: int          # messages through Postfix; 0: not asked
    amtsbote: int         # messages through Amtsbote: more, because it is over sooner
    rate_goal: float = 0  # times Postfix's messages a second, at least
    cpu_goal: float = 0   # part of Postfix's CPU a message, at most
    secret: bool = False  # sign and encrypt
    reconnect: bool = False
    rate: float = 0       # a second, steady; 0: as fast as possible
    p99_goal: float = 0   # part of Postfix's p99, at most
    bare: str = ""        # the line of bench_bare that does the same operations


KIB = 1024
CASES = [
    Case("10 KiB, 1 connection", 1, 10 * KIB, 500, 2500),
    Case("10 KiB, 10 connections", 10, 10 * KIB, 1500, 15000, 12, 1 / 10),
    Case("10 KiB, 50 connections", 50, 10 * KIB, 1500, 20000, 12, 1 / 10),
    Case("10 KiB, a new connection for each", 10, 10 * KIB, 800, 2500, 3.5, 1 / 4, reconnect=True),
    Case("100 KiB, 10 connections", 10, 100 * KIB, 1000, 4000, 5, 1 / 5),
    Case("100 KiB, 1 connection", 1, 100 * KIB, 0, 1000),
    Case("100 KiB, 50 connections", 50, 100 * KIB, 0, 4000),
    Case("1 MiB, 10 connections", 10, 1024 * KIB, 300, 600, 3, 1 / 3),
    Case("10 KiB at a steady 100/s", 10, 10 * KIB, 500, 500, rate=100, p99_goal=1 / 2),
    Case("S/MIME 10 KiB, 1 connection", 1, 10 * KIB, 0, 1500, secret=True, bare="p256 cbc 10k"),
    Case("S/MIME 10 KiB, 10 connections", 10, 10 * KIB, 0, 4000, secret=True, bare="p256 cbc 10k"),
    Case("S/MIME 10 KiB, 50 connections", 50, 10 * KIB, 0, 4000, secret=True, bare="p256 cbc 10k"),
    Case("S/MIME 100 KiB, 1 connection", 1, 100 * KIB, 0, 600, secret=True, bare="p256 cbc 100k"),
    Case("S/MIME 100 KiB, 10 connections", 10, 100 * KIB, 0, 1500, secret=True, bare="p256 cbc 100k"),
    Case("S/MIME 100 KiB, 50 connections", 50, 100 * KIB, 0, 1500, secret=True, bare="p256 cbc 100k"),
]
# which pass-through case a protected one is compared with: bare + pass-through is the goal
PLAIN_OF = {10 * KIB: {1: "10 KiB, 1 connection", 10: "10 KiB, 10 connections", 50: "10 KiB, 50 connections"},
            100 * KIB: {1: "100 KiB, 1 connection", 10: "100 KiB, 10 connections", 50: "100 KiB, 50 connections"}}
