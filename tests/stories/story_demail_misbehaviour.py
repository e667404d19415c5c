"""Each way in which the De-Mail simulator fails on demand: what it forges is forged in that one way and in no other, what is lost never comes, and
every failure at a step of SMTP leaves the client, and the journal, with what was asked for."""
import smtplib
import socket
import ssl

import demail
from demail import TOWN, WEAK, Confirmation, Integrity, Simulator, message, value
from house import Sink, until
from story_demail_simulator import towns_server

FORGERIES = ["wrong-hash", "wrong-signer", "altered-xml", "altered-mail", "unsigned", "wrapped", "wrong-private-id", "other-recipient", "expired", "unknown-version"]


def verdict(s, data, letter):
    """What a receiver finds wrong with it; nothing with a good one."""
    root, found = s.pki("signature-root.pem"), set()
    integrity, c = Integrity(data, root), Confirmation(data, root)
    cited = {n.decode().lower(): v.decode() for n, v, _ in c.metadata()}
    wrong = {"header not signed": not integrity.scheme, "header changed": not integrity.header, "body changed": not integrity.body,
             "header's signer": integrity.trusted is False, "XML not signed": not c.signed, "XML's signature": c.signed and not c.good,
             "not the root is signed": b'URI=""' not in c.xml and c.signed, "hash": c.element("Hash") != letter["integrity"], "cited lines": not c.hash_matches(),
             "private-id": value(data, "x-de-mail-private-id") != letter["private_id"], "recipient": WEAK not in cited["x-de-mail-chosen-recipient"],
             "version": value(data, "x-de-mail-version") != "1.8"}
    found.update(name for name, is_so in wrong.items() if is_so)
    return found


WRONG = {"good": set(), "wrong-hash": {"hash"}, "wrong-signer": {"header's signer", "XML's signature"}, "altered-xml": {"XML's signature"},
         "altered-mail": {"header changed"}, "unsigned": {"header not signed", "XML not signed"}, "wrapped": {"not the root is signed", "hash"},
         "wrong-private-id": {"private-id"}, "other-recipient": {"recipient", "cited lines"}, "expired": {"header's signer", "XML's signature"},
         "unknown-version": {"version"}}


def send(s, n, options="dispatch", to=WEAK):
    s.submit("stadt", message(to=[to], options=options, private_id=f"id.{n}"), [to])
    letter, = s.journal("letter", private_id=f"id.{n}")
    return letter


def forgeries(s, sink):
    for kind in ("dispatch", "receipt"):
        for fate in FORGERIES:
            s.control(f"misbehave none {fate}=100")
            before = len(sink.messages)
            letter = send(s, f"{kind}.{fate}", kind)
            issued, = s.journal("issued", about=letter["id"])
            assert issued["fate"] == fate
            data = sink.wait(before + 1)[before]["data"]
            assert verdict(s, data, letter) == WRONG[fate], (kind, fate, verdict(s, data, letter))
            if fate == "wrong-signer":
                # good in itself: the strangers' authority would vouch for it
                assert Integrity(data, s.pki("foreign-root.pem")).holds() and Confirmation(data, s.pki("foreign-root.pem")).good
            if fate == "wrapped":
                assert Confirmation(data, s.pki("signature-root.pem")).good  # what a careless receiver believes
    s.control("misbehave none spoofed=100")
    before = len(sink.messages)
    letter = send(s, "spoofed")
    pair = [m["data"] for m in sink.wait(before + 2)[before:]]
    assert [verdict(s, d, letter) for d in pair] == [WRONG["wrong-signer"], set()]
    assert [e["fate"] for e in s.journal("issued", about=letter["id"])] == ["spoofed", "good"]


def times(s, sink):
    """Late, lost, doubled, shuffled."""
    s.control("misbehave none doubled=100")
    before = len(sink.messages)
    letter = send(s, "doubled")
    pair = [m["data"] for m in sink.wait(before + 2)[before:]]
    assert pair[0] == pair[1] and not verdict(s, pair[0], letter)
    s.control("misbehave none late=100 delay=150")
    letter = send(s, "late")
    assert not verdict(s, sink.wait(before + 3)[before + 2]["data"], letter)
    # longer than any story: it comes when it is told to
    s.control("misbehave none late=100 delay=3600000")
    letter = send(s, "very late")
    assert s.control("status")["waiting"] == 1 and len(sink.messages) == before + 3
    assert s.control("flush")["sent"] == 1
    assert not verdict(s, sink.wait(before + 4)[before + 3]["data"], letter)
    s.control("misbehave none lost=100")
    lost = send(s, "lost")
    s.control("misbehave none")
    letter = send(s, "behind it")
    assert not verdict(s, sink.wait(before + 5)[before + 4]["data"], letter)
    s.until_quiet()
    assert [e["fate"] for e in s.journal("issued", about=lost["id"])] == ["lost"]
    assert not any(value(m["data"], "x-de-mail-private-id") == "id.lost" for m in sink.messages) and len(sink.messages) == before + 5
    # malware where there is none
    s.control("misbehave malware=100")
    send(s, "malware")
    kinds = {value(m["data"], "x-de-mail-message-type") for m in sink.wait(before + 7)[before + 5:]}
    assert kinds == {"malware-acknowledge", "confirmation of dispatch"}
    s.control("misbehave none")


def shuffled(seed):
    """The order in which seven confirmations came, and the fates of forty."""
    with Simulator("--misbehave", f"shuffle=7 seed={seed}") as s:
        sink = towns_server(s)
        for n in range(7):
            send(s, n)
        order = [value(m["data"], "x-de-mail-private-id") for m in sink.wait(7)]
        assert sorted(order) == [f"id.{n}" for n in range(7)]
        s.control("misbehave none late=10 lost=20 forged=30 doubled=10 delay=3600000")
        for n in range(40):
            send(s, f"f{n}")
        fates = [e["fate"] for e in s.journal("issued")][7:]
        sink.close()
        return order, fates


def repeated():
    first, again, other = shuffled(3), shuffled(3), shuffled(4)
    assert first == again and first[0] != other[0] and first[1] != other[1]
    assert first[0] != sorted(first[0])
    assert {"good", "lost"} < set(first[1]) and set(first[1]) & set(FORGERIES), first[1]


# --- SMTP ---

def connects(s):
    """The answer to a connection: a code, or None where it was closed without a word."""
    with socket.create_connection(("127.0.0.1", s.port("a", "submission")), timeout=10) as c:
        line = c.makefile("rb").readline()
        return int(line[:3]) if line else None


def dialogue(s, data):
    """(step, code) at which it ended: code None where the connection was lost."""
    step = "connect"
    try:
        smtp = s.connection("stadt")
        smtp.ehlo()
        for step, command in (("mail", f"MAIL FROM:<{TOWN}>"), ("rcpt", f"RCPT TO:<{WEAK}>"), ("data", "DATA")):
            code, _ = smtp.docmd(command)
            if code >= 400:
                return step, code
        step = "dot"
        smtp.send(data + b".\r\n")
        return step, smtp.getreply()[0]
    except (smtplib.SMTPServerDisconnected, ssl.SSLError, OSError) as e:
        return step, "silence" if "timed out" in str(e) else None


def steps():
    with Simulator() as s:
        sink = towns_server(s)
        assert dialogue(s, message()) == ("dot", 250)
        for code in (421, 451, 550):
            s.control(f"smtp none connect={code}:1")
            assert connects(s) == code and connects(s) == 220
        s.control("smtp none connect=close:1")
        assert connects(s) is None and connects(s) == 220
        for step in ("mail", "rcpt", "data", "dot"):
            for how, want in (("451", 451), ("550", 550), ("close", None)):
                taken = len(s.journal("taken"))
                s.control(f"smtp none {step}={how}:1")
                assert dialogue(s, message()) == (step, want), (step, how)
                failed = s.journal("failed")[-1]
                assert (failed["step"], failed["how"]) == (step, "close" if how == "close" else "reply") and len(s.journal("taken")) == taken
                assert dialogue(s, message()) == ("dot", 250)
        # always, until it is told otherwise
        s.control("smtp none dot=452")
        assert [dialogue(s, message()) for _ in range(3)] == [("dot", 452)] * 3
        # taken, and no answer: the confirmation tells
        s.control("smtp none dot=close-taken:1")
        assert dialogue(s, message(options="dispatch", private_id="taken.1")) == ("dot", None)
        sink.wait(1)
        assert value(sink.messages[0]["data"], "x-de-mail-private-id") == "taken.1" and s.journal("taken", private_id="taken.1")[0]["answer"] == "none"
        # silence: the client gives up when it likes
        for step, word in (("connect", "hang"), ("mail", "hang"), ("rcpt", "hang"), ("dot", "hang"), ("dot", "hang-taken")):
            s.control(f"smtp none {step}={word}:1")
            demail.PATIENCE, before = 1, demail.PATIENCE
            taken = len(s.journal("taken"))
            try:
                assert dialogue(s, message()) == (step, "silence")
            finally:
                demail.PATIENCE = before
            assert len(s.journal("taken")) == taken + (word == "hang-taken")
        s.control("smtp data=hang", good=False)
        s.control("smtp mail=close-taken", good=False)
        s.control("misbehave lost=60 late=60", good=False)
        sink.close()


def pushing():
    """The account's own server is away, refuses for now, loses the connection behind the dot, refuses for good."""
    with Simulator("--push-retry", "50") as s:
        sink = towns_server(s)
        port = sink.port
        sink.close()
        letter = send(s, "away")
        until("attempts in vain", lambda: len(s.journal("push_failed")) >= 2)
        sink = Sink(tls=(s.pki("a-tls.pem"), s.pki("a-tls.key")), address=("127.0.0.1", port), answers={"data": "451 4.3.0 later"})
        until("a refusal for now", lambda: any("451" in e["why"] for e in s.journal("push_failed")))
        sink.answers["data"] = "drop"
        attempts = sink.attempts
        until("a lost answer", lambda: sink.attempts > attempts + 1)
        del sink.answers["data"]
        assert not verdict(s, sink.wait(1)[0]["data"], letter)
        s.until_quiet()
        assert len(s.journal("pushed")) == 1 and len(s.journal("queued")) == 1
        sink.answers["data"] = "550 5.7.1 never"
        send(s, "refused")
        until("a refusal for good", lambda: s.journal("push_refused"))
        s.until_quiet()
        assert s.control("status")["stored"]["stadt"] == 1
        # the server must be whom it is said to be
        sink.answers.clear()
        s.control("push off")
        send(s, "off")
        assert s.control("status")["stored"]["stadt"] == 2
        sink.close()
    with Simulator(strange=True) as other, Simulator("--push-retry", "50", "--push-anchors", other.pki("tls-root.pem")) as s:
        sink = Sink(tls=(s.pki("a-tls.pem"), s.pki("a-tls.key")))
        s.control(f"push 127.0.0.1:{sink.port}")
        send(s, "stranger")
        until("a server that is a stranger", lambda: s.journal("push_failed"))
        assert not sink.messages
        sink.close()


def main():
    with Simulator("--scheme", "ec-dsa") as s:
        sink = towns_server(s)
        forgeries(s, sink)
        times(s, sink)
        sink.close()
    repeated()
    steps()
    pushing()


if __name__ == "__main__":
    main()
    print("demail_misbehaviour: good")
