"""Explainable: two recipients, each delivered, refused, held or postponed, by each listener: the exact reply, what the store
holds and what the receipts say. One refusal is the answer for all; nobody gets a part of a message that was not taken."""
import collections
import itertools
import smtplib
import sys

from faults import check_log, mid_of_reply
from house import House, until

POLICY = """
[[rule]]
name = "Lieferbar"
when = { direction = "outbound", recipient = "deliver*" }
then = { otherwise = "clear", transport = "any" }

[[rule]]
name = "Verboten"
when = { recipient = "refuse*", sender = ["bauamt@stadt.example", "fremde@aussen.example"] }
then = { refuse = { de = "Bitte De-Mail benutzen.", en = "Please use De-Mail." } }

[[rule]]
name = "sonst offen"
when = { direction = "outbound", recipient = "refuse*" }
then = { otherwise = "clear", transport = "any" }

[[rule]]
name = "Angehalten"
when = { recipient = "hold*" }
then = { quarantine = true }

[[rule]]
name = "Hinaus nur verschluesselt"
when = { direction = "outbound", recipient = "later*" }
then = { encrypt = ["smime"], otherwise = "refuse" }

[[rule]]
name = "Herein ohne Schluessel"
when = { direction = "inbound", recipient = "later*", has_key = "smime" }
then = { refuse = { de = "Nein.", en = "No." } }
"""
OUTCOMES = ("deliver", "refuse", "hold", "later")
LISTENERS = {"submission": ("bauamt@stadt.example", "aussen.example"), "relay": ("bauamt@stadt.example", "aussen.example"),
             "mx": ("fremde@aussen.example", "stadt.example")}


def expected_reply(pair):
    """(code, enhanced code, word of the receipt)"""
    if "refuse" in pair:
        return 550, "5.7.1", "by_rule"
    if "later" in pair:
        return 451, "4.7.5", "unknown_lookup"
    return 250, "2.0.0", None


def send(h, role, sender, to):
    """(code at the end, text); each RCPT must be taken: what is decided here hangs on the sender in From or on a lookup."""
    s = h.client(role, ("bauamt", "geheim"))
    try:
        s.ehlo_or_helo_if_needed()
        assert s.mail(sender)[0] == 250
        for r in to:
            code, text = s.rcpt(r)
            assert code == 250, (role, r, code, text)
        code, text = s.data(f"From: {sender}\r\nTo: {', '.join(to)}\r\nSubject: Probe\r\n\r\nHallo\r\n".encode())
        return code, text.decode()
    finally:
        s.close()


def check_refused(new, role, pair, to, code, text):
    """One receipt of the refusal, and nothing else."""
    want, enhanced, word = expected_reply(pair)
    leaves = [leaf for leaf in new if leaf["ev"].startswith("msg.")]
    assert len(leaves) == 1 and leaves[0]["ev"] == "msg.reject", leaves
    assert (leaves[0]["out"], leaves[0]["rc"], leaves[0]["ch"]) == (word, {"code": want, "enh": enhanced}, role), leaves
    named = [r for r, outcome in zip(to, pair) if outcome == ("refuse" if "refuse" in pair else "later")]
    if role == "mx":
        # strangers read no rule and no address
        assert not any(r in text for r in to) and "De-Mail" not in text, text
    elif "refuse" in pair:
        assert all(f"{r}: Bitte De-Mail benutzen." in text and f"{r}: Please use De-Mail." in text for r in named), text
        assert not any(r in text for r in to if r not in named), text
    else:
        assert named[0] in text and "Bitte spaeter erneut senden" in text and "try again later" in text, text


def mids_in_queue(h):
    return {m["mid"] for m in h.json("queue", "list")["messages"]}


def copies_for(h, to):
    return sum(r in to for sink in (h.internet, h.mailboxes) for m in list(sink.messages) for r in m["to"])


def state_of(h, mid):
    return {r["rx"]: r["state"] for m in h.json("queue", "list")["messages"] if m["mid"] == mid for r in m["recipients"]}


def check_taken(h, before, pair, role, to, text):
    """Each recipient went his own way: receipts, store, and what arrived."""
    mid = mid_of_reply(text)
    sink = h.mailboxes if role == "mx" else h.internet
    delivered = [r for r, outcome in zip(to, pair) if outcome == "deliver"]
    held = {rx: "held" for rx, outcome in enumerate(pair) if outcome == "hold"}

    def mine():
        return [leaf for leaf in h.leaves()[before:] if leaf.get("mid") == mid]

    final, taken = ("mbox.ok", "msg.accept.ext") if role == "mx" else ("relay.ok", "msg.accept")
    until("the outcomes", lambda: sum(leaf["ev"] == final for leaf in mine()) == len(delivered))
    until("the state in the store", lambda: {rx: s for rx, s in state_of(h, mid).items() if s != "delivered"} == held)
    leaves = mine()
    counts = collections.Counter(leaf["ev"] for leaf in leaves)
    assert counts[taken] == 1 and counts["msg.decide"] == 2 and counts["msg.hold"] == len(held), counts
    assert {leaf["rx"]: leaf["out"] for leaf in leaves if leaf["ev"] == "msg.decide"} == dict(enumerate(pair)), leaves
    assert {leaf["rx"] for leaf in leaves if leaf["ev"] == "msg.hold"} == set(held)
    assert all(leaf["actor"] == "policy" for leaf in leaves if leaf["ev"] in ("msg.decide", "msg.hold"))
    assert {leaf["rx"] for leaf in leaves if leaf["ev"] == final} == {rx for rx in (0, 1) if rx not in held}
    assert counts["msg.closed"] == (not held), counts
    got = [r for m in sink.messages if mid.encode() in m["data"] for r in m["to"]]
    assert sorted(got) == sorted(delivered), (got, delivered)
    accept = next(leaf for leaf in leaves if leaf["ev"] == taken)
    assert accept["ch"] == role and f"receipt={accept['eid']}" in text, (accept, text)
    # a sender of ours hears of the hold, in the same transaction; a stranger does not
    told = [leaf for leaf in leaves if leaf["ev"] == "dsn.sent"]
    assert len(told) == (1 if held and role != "mx" else 0), leaves
    until("the notice has left", lambda: (q := h.json("status")["queue"])["due"] == 0 and q["in_flight"] == 0)


def cell(h, role, pair):
    sender, domain = LISTENERS[role]
    to = [f"{outcome}{n}@{domain}" for n, outcome in enumerate(pair, 1)]
    # notices about what was held may still be on their way to their sender
    until("a quiet house", lambda: h.json("status")["queue"]["due"] + h.json("status")["queue"]["in_flight"] == 0)
    before, queued, there = len(h.leaves()), mids_in_queue(h), copies_for(h, to)
    code, text = send(h, role, sender, to)
    want, enhanced, _ = expected_reply(pair)
    assert code == want and text.startswith(enhanced), (role, pair, code, text)
    if code == 250:
        check_taken(h, before, pair, role, to, text)
    else:
        check_refused(h.leaves()[before:], role, pair, to, code, text)
        assert mids_in_queue(h) <= queued and copies_for(h, to) == there, (role, pair)
    print(f"{role:10} {pair[0]:7} + {pair[1]:7} -> {code} {enhanced}")


def refused_at_rcpt(h):
    """What is a no whatever the message holds is said at RCPT, with a receipt of its own, and the others go on."""
    before = len(h.leaves())
    s = h.client("relay")
    s.ehlo_or_helo_if_needed()
    s.mail("bauamt@stadt.example")
    assert s.rcpt("deliver1@aussen.example")[0] == 250
    code, text = s.rcpt("niemand@aussen.example")
    assert code == 550 and b"5.7.1" in text and b"niemand@aussen.example" in text, (code, text)
    code, text = s.data(b"From: bauamt@stadt.example\r\nTo: deliver1@aussen.example\r\n\r\nHallo\r\n")
    s.close()
    assert code == 250, text
    mid = mid_of_reply(text.decode())
    until("the one copy", lambda: [m["to"] for m in h.internet.messages if mid.encode() in m["data"]] == [["deliver1@aussen.example"]])
    leaves = h.leaves()[before:]
    assert [(leaf["out"], leaf["rc"]) for leaf in leaves if leaf["ev"] == "msg.reject"] == [("no_rule", {"code": 550, "enh": "5.7.1"})], leaves
    assert sum(leaf["ev"] == "msg.decide" for leaf in leaves) == 1, leaves


def main():
    with House(policy=POLICY) as h:
        h.start()
        h.add_account("bauamt", "geheim", ("bauamt@stadt.example",))
        h.import_partner("later1@aussen.example")
        for notes in (h.dir / "state" / "keys").glob("*.meta"):
            notes.write_bytes(b"\x00 not notes\n")  # whoever's key this is: lookups are unknown now
        h.reload()
        for role in LISTENERS:
            for pair in itertools.product(OUTCOMES, repeat=2):
                cell(h, role, pair)
        refused_at_rcpt(h)
        assert h.stop() == 0
        check_log(h)


if __name__ == "__main__":
    sys.exit(main())
