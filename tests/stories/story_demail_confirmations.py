"""What the provider brings: confirmations reach the sender as readable mail and move the message's state, in any order and twice; what is forged, or names
nothing of ours, is kept for a person and counts for nothing; incoming De-Mails reach their mailbox with a mark that nobody else can set."""
import email
import email.policy
import hashlib
import random
import signal
import smtplib
import time

from demail import CITIZEN, NOBODY, OFFICE as SENDER, TOWN, WEAK, Confirmation, Simulator, join, letter, message, submit, value
from house import House, run, until
from story_demail_outgoing import events, state

def parsed(data):
    return email.message_from_bytes(data, policy=email.policy.default)


def mails_about(h, mid_of_letter, title):
    """Mail in the department's mailbox whose subject begins so."""
    return [m["data"] for m in h.mailboxes.messages if str(parsed(m["data"])["Subject"]).startswith(title + ": ") and mid_of_letter in str(parsed(m["data"])["Subject"])]


def opened(event):
    """What a leaf discloses, by class."""
    return event.get("disclosures") or event.get("opened") or event["contents"]


def gone(h, mid):
    return not [m for m in h.json("queue", "list")["messages"] if m["mid"] == mid]


def confirmed(s, h):
    mid = submit(h, WEAK, "Bescheid eins")
    until("it is over", lambda: gone(h, mid))
    kinds = events(h, mid)
    assert sorted(k for k in kinds if k.startswith("demail.")) == ["demail.dispatch", "demail.receipt", "demail.submit"], kinds
    assert kinds[-1] == "msg.closed", kinds
    for title, text in (("Versandbestätigung", "dass er die Nachricht versandt hat"), ("Eingangsbestätigung", "in dessen Postfach liegt")):
        data, = until(title, lambda: mails_about(h, "Bescheid eins", title))
        mail = parsed(data)
        assert mail["From"].startswith("Amtsbote") and text in mail.get_body(("plain",)).get_content().replace("\n", " "), mail
        attached, = [p for p in mail.walk() if p.get_content_type() == "message/rfc822"]
        assert "Acknowledge-Message" in "".join(str(p.get_payload(decode=True)) for p in attached.get_content().walk() if p.get_content_type().endswith("xml"))
        report, = [p for p in mail.walk() if p.get_content_type() == "message/delivery-status"]
        assert ("relayed" if "Versand" in title else "delivered") in report.as_string(), report.as_string()
    shown = h.json("receipts", "show", mid)["timeline"]
    assert set(h.json("receipts", "show", mid)["states"]) == {"closed", "delivered"}, h.json("receipts", "show", mid)["states"]
    receipt, = [e for e in shown if e["event"] == "demail.receipt"]
    assert receipt["out"] == "received" and receipt["facts"]["signed"] == 1 and opened(receipt)["dec"]["recipient"] == WEAK, receipt
    # the raw bytes are kept, and openssl finds the chain that is kept beside them good
    out = h.dir / "evidence"
    h.cli("receipts", "prove", "-o", out, mid)
    came = h.json("receipts", "show", receipt["facts"]["confirmation"])
    assert set(came["states"]) == {"closed", "delivered"} and [e["facts"]["about"] for e in came["timeline"] if e["event"] == "demail.receipt"] == [mid], came
    kept = {name: out / f"{receipt['eid']}.{name}" for name in ("message.eml", "header-chain.pem", "xml-chain.pem")}
    assert value(kept["message.eml"].read_bytes(), "x-de-mail-private-id") == mid + ".0"
    assert hashlib.sha256(kept["message.eml"].read_bytes()).hexdigest() == opened(receipt)["msg"]["sha256"]
    for chain in ("header-chain.pem", "xml-chain.pem"):
        run("openssl", "verify", "-CAfile", s.pki("signature-root.pem"), "-untrusted", kept[chain], kept[chain])
    return mid


def named_by_its_hash(s, h):
    """The recipient's provider never saw the private-id: what the confirmation of dispatch called the message, and its hash, name it together."""
    s.control("misbehave drop-private-id=100")
    mid = submit(h, WEAK, "Bescheid ohne Kennzeichen")
    until("it is over", lambda: gone(h, mid))
    kinds = events(h, mid)
    assert kinds.count("demail.dispatch") == 1 and kinds.count("demail.receipt") == 1, kinds
    letter_, = s.journal("letter", private_id=mid + ".0")
    sent = {e["type"]: e["private_id"] for e in s.journal("issued") if e["about"] == letter_["id"]}
    assert sent == {"confirmation of dispatch": mid + ".0", "confirmation of receipt": ""}, sent
    receipt, = [e for e in h.json("receipts", "show", mid)["timeline"] if e["event"] == "demail.receipt"]
    out = h.dir / "evidence-by-hash"
    h.cli("receipts", "prove", "-o", out, mid)
    raw = (out / f"{receipt['eid']}.message.eml").read_bytes()
    assert value(raw, "x-de-mail-private-id") is None and b"private-id" not in Confirmation(raw).xml.lower()
    assert not h.json("queue", "list", "--held")["messages"], h.json("queue", "list", "--held")
    # a retrieve confirmation with another hash, and one of a message of which nothing was heard before: neither counts
    for heard, later, why in ((True, "none wrong-hash=100", "demail_unproven"), (False, "none", "demail_unmatched")):
        s.control("misbehave none drop-private-id=100" + ("" if heard else " lost=100"))
        mid = submit(h, CITIZEN, "[Abholbestätigung] Bescheid ohne Kennzeichen")
        if heard:
            until("it was received", lambda: "demail.receipt" in events(h, mid))
        else:
            until("it is submitted", lambda: state(h, mid) == "submitted")
        s.control("misbehave " + later)
        s.control("login erika high")
        held, = until("it is held", lambda: h.json("queue", "list", "--held")["messages"])
        assert h.json("queue", "show", held["mid"])["recipients"][0]["last_error"] == why, h.json("queue", "show", held["mid"])
        assert state(h, mid) == "submitted" and "demail.retrieve" not in events(h, mid)
        if heard:
            hold, = [e for e in h.json("receipts", "show", held["mid"])["timeline"] if e["event"] == "msg.hold"]
            assert "not_bound" in opened(hold)["dec"]["findings"], hold
        for one in (mid, held["mid"]):
            h.cli("queue", "cancel", one, "--reason", "nachgesehen")
    s.control("misbehave none")


def in_any_order(s, h):
    """Doubled, and the receipt before the dispatch."""
    s.control("misbehave doubled=100 shuffle=2")
    mid = submit(h, WEAK, "Bescheid doppelt")
    until("it is over", lambda: gone(h, mid))
    s.until_quiet()
    until("nothing waits", lambda: h.json("status")["queue"]["due"] == 0)
    kinds = events(h, mid)
    assert kinds.count("demail.dispatch") == 1 and kinds.count("demail.receipt") == 1, kinds
    assert not h.json("queue", "list", "--held")["messages"], h.json("queue", "list", "--held")
    s.control("misbehave none")


def retrieved(s, h):
    """The retrieve confirmation comes days later; until then the message is not over."""
    mid = h.submit([CITIZEN], raw=letter(CITIZEN, "[Abholbestätigung] Bescheid zum Abholen".encode().decode(), "")).split()[2]
    until("it was received", lambda: "demail.receipt" in events(h, mid))
    assert state(h, mid) == "submitted"
    s.control("login erika high")
    until("it is over", lambda: gone(h, mid))
    assert "demail.retrieve" in events(h, mid)
    until("the mail", lambda: mails_about(h, "Bescheid zum Abholen", "Abholbestätigung"))


def lost(s, h):
    """Notifications: no such recipient, for one of two."""
    mid = h.submit([NOBODY, WEAK], raw=letter(f"{NOBODY}, {WEAK}", "Bescheid an zwei")).split()[2]
    until("it is over", lambda: gone(h, mid))
    shown = h.json("receipts", "show", mid)["timeline"]
    ends = {(e["event"], e["rx"]) for e in shown if e["event"] in ("demail.receipt", "demail.notice")}
    assert ends == {("demail.notice", 0), ("demail.receipt", 1)}, shown
    data, = until("the mail", lambda: mails_about(h, "Bescheid an zwei", "De-Mail nicht zugestellt"))
    assert "Empfängeradresse ist nicht bekannt" in parsed(data).get_body(("plain",)).get_content()
    assert "Status: 5.1.1" in "".join(p.as_string() for p in parsed(data).walk() if p.get_content_type() == "message/delivery-status")


def malware(s, h):
    s.control("misbehave malware=100")
    mid = submit(h, WEAK, "Bescheid mit Befall")
    until("it is over", lambda: gone(h, mid))
    assert "demail.malware" in events(h, mid), events(h, mid)
    assert set(h.json("receipts", "show", mid)["states"]) == {"closed", "failed"}
    until("the mail", lambda: mails_about(h, "Bescheid mit Befall", "Schadsoftware gefunden: De-Mail nicht zugestellt"))
    s.control("misbehave none")


FORGED = ["wrong-hash", "wrong-signer", "altered-xml", "altered-mail", "unsigned", "wrapped", "wrong-private-id", "other-recipient", "expired"]


def forged(s, h):
    """None counts; each is held with what is wrong with it."""
    for fate in FORGED:
        s.control(f"misbehave none {fate}=100")
        mails = len(h.mailboxes.messages)
        held_before = {m["mid"] for m in h.json("queue", "list", "--held")["messages"]}
        mid = submit(h, WEAK, f"Bescheid {fate}")
        held = until("both are held", lambda: [m for m in h.json("queue", "list", "--held")["messages"] if m["mid"] not in held_before][1:] and
                     [m for m in h.json("queue", "list", "--held")["messages"] if m["mid"] not in held_before])
        assert state(h, mid) == "submitted", fate
        assert [k for k in events(h, mid) if k.startswith("demail.")] == ["demail.submit"], (fate, events(h, mid))
        assert len(h.mailboxes.messages) == mails, fate
        for m in held:
            shown = h.json("queue", "show", m["mid"])
            why = shown["recipients"][0]["last_error"]
            assert why == ("demail_unmatched" if fate == "wrong-private-id" and why != "demail_unproven" else "demail_unproven"), (fate, shown)
            hold, = [e for e in h.json("receipts", "show", m["mid"])["timeline"] if e["event"] == "msg.hold"]
            assert opened(hold)["dec"]["findings"], (fate, hold)
            assert ("wrapped" in opened(hold)["dec"]["findings"]) == (fate == "wrapped"), (fate, hold)
        h.cli("queue", "cancel", mid, "--reason", "im Konto nachgesehen")
        for m in held:
            h.cli("queue", "cancel", m["mid"], "--reason", "gefälscht")
    s.control("misbehave none")


def anchors_are_mended(s, h):
    """The provider's authority was missing: what it confirmed meanwhile counts once it is there and somebody lets it in."""
    good = s.pki("signature-root.pem")
    h.change_config(f'anchors = "{good}"', f'anchors = "{s.pki("foreign-root.pem")}"')
    h.reload()
    mid = submit(h, WEAK, "Bescheid unter fremdem Anker")
    held = until("both are held", lambda: len(h.json("queue", "list", "--held")["messages"]) == 2 and h.json("queue", "list", "--held")["messages"])
    h.change_config(f'anchors = "{s.pki("foreign-root.pem")}"', f'anchors = "{good}"')
    h.reload()
    for m in held:
        h.cli("queue", "release", m["mid"], "--reason", "Anker ergänzt")
    until("it is over", lambda: gone(h, mid))
    assert {"demail.dispatch", "demail.receipt"} <= set(events(h, mid))


def what_proves_nothing_is_mail(s, h):
    s.control("misbehave none unsigned=100")
    mid = submit(h, WEAK, "Bescheid ohne Beweis")
    held = until("both are held", lambda: len(h.json("queue", "list", "--held")["messages"]) == 2 and h.json("queue", "list", "--held")["messages"])
    s.control("misbehave none")
    for m in held:
        h.cli("queue", "release", m["mid"], "--reason", "soll das Amt lesen")
    got = until("they are delivered", lambda: [m["data"] for m in h.mailboxes.messages if b"quarantine=released" in m["data"]][1:] and
                [m["data"] for m in h.mailboxes.messages if b"quarantine=released" in m["data"]])
    assert all("signed=no" in parsed(d)["Amtsbote-De-Mail"] for d in got), got
    assert state(h, mid) == "submitted" and not {"demail.dispatch", "demail.receipt"} & set(events(h, mid))
    h.cli("queue", "cancel", mid, "--reason", "erledigt")


def uncertain_is_cleared_up(s, h):
    """Taken, but no answer: the confirmation says so, and nothing is sent twice."""
    before = len(s.journal("taken"))
    s.control("smtp dot=close-taken:1")
    mid = submit(h, WEAK, "Bescheid ohne Antwort")
    until("it is over", lambda: gone(h, mid))
    assert len(s.journal("taken")) == before + 1
    kinds = events(h, mid)
    assert "relay.unknown" in kinds and "demail.receipt" in kinds, kinds


def killed(s, h):
    """Whenever the gateway dies: what was taken ends confirmed, once, with one mail for each confirmation."""
    draw, mids = random.Random(53), []
    for n in range(20):
        mids.append(submit(h, WEAK, f"Bescheid im Absturz {n}."))
        time.sleep(draw.random() * 0.15)
        h.process.send_signal(signal.SIGKILL)
        h.process.wait()
        h.process = None
        h.start()
        s.control(f"push 127.0.0.1:{h.ports['demail']}")
    taken = {e["private_id"].split(".")[0] for e in s.journal("taken")}
    until("what was taken is over", lambda: all(gone(h, mid) for mid in mids if mid in taken))
    until("the rest is for a person", lambda: all(state(h, mid) == "held" for mid in mids if mid not in taken))
    s.until_quiet()
    until("nothing moves", lambda: sum(h.json("status")["queue"][k] for k in ("due", "in_flight", "unknown")) == 0)
    for n, mid in enumerate(mids):
        kinds = events(h, mid)
        if mid not in taken:
            h.cli("queue", "cancel", mid, "--reason", "nie angenommen")
            continue
        assert kinds.count("demail.receipt") == 1 and kinds.count("demail.dispatch") == 1, (mid, kinds)
        told = [e for e in h.json("receipts", "show", mid)["timeline"] if e["event"] == "dsn.sent" and e["out"] == "confirmed"]
        assert len(told) == 2 and len({e["facts"]["notice"] for e in told}) == 2, told
    print(f"killed 20 times while confirmations came: {len([m for m in mids if m in taken])} taken, each confirmed once")


def incoming(s, h):
    """A citizen writes; what an outsider says of De-Mail is taken away."""
    mails = len(h.mailboxes.messages)
    forged_mark = "Amtsbote-De-Mail: type=normal; integrity=good; signed=proven; authoritative=yes\r\n"
    s.submit("erika", message(sender=CITIZEN, to=[SENDER], subject="Antrag", more=forged_mark, options="receipt"), [SENDER], sender=CITIZEN)
    until("it is there", lambda: [m for m in h.mailboxes.messages[mails:] if parsed(m["data"])["Subject"] == "Antrag"])
    got, = [m for m in h.mailboxes.messages[mails:] if parsed(m["data"])["Subject"] == "Antrag"]
    assert got["to"] == ["amt53@stadt.example"], got["to"]
    marks = parsed(got["data"]).get_all("Amtsbote-De-Mail")
    assert len(marks) == 1 and "type=normal; integrity=good" in marks[0] and "authoritative" not in marks[0], marks
    assert value(got["data"], "x-de-mail-sender") == CITIZEN
    # the receipt of what we received is about somebody else's message: mail like any other, and nothing for the quarantine
    until("its receipt too", lambda: [m for m in h.mailboxes.messages if str(parsed(m["data"])["Subject"]).startswith("*Eingangsbestätigung* Antrag")])
    assert not h.json("queue", "list", "--held")["messages"]
    # an address that no line names goes to the default mailbox
    s.submit("erika", message(sender=CITIZEN, to=[TOWN], subject="An niemand"), [TOWN], sender=CITIZEN)
    until("the default mailbox", lambda: [m for m in h.mailboxes.messages if parsed(m["data"])["Subject"] == "An niemand"])
    # from the Internet, with everything that a provider would write
    outside = (f"From: x@aussen.example\r\nTo: amt53@stadt.example\r\nSubject: Falsch\r\n{forged_mark}"
               "x-de-mail-message-type: normal\r\nX-De-Mail-Authoritative: yes\r\nx-de-mail-something-new: 1\r\nDate: Mon, 01 Jan 2024 00:00:00 +0000\r\n"
               "Message-ID: <f@aussen.example>\r\n\r\nHallo\r\n")
    h.submit(["amt53@stadt.example"], raw=outside.encode(), sender="x@aussen.example", role="mx")
    got = until("it is there", lambda: [m for m in h.mailboxes.messages if parsed(m["data"])["Subject"] == "Falsch"])[0]["data"]
    assert b"e-mail" not in got.split(b"\r\n\r\n")[0].lower(), got


def only_the_provider(s, h):
    """Nobody else may speak on that listener: nobody without a certificate, and no other provider."""
    other = s.context()
    other.load_cert_chain(str(s.pki("b-push.pem")), str(s.pki("b-push.key")))
    own = s.context()
    own.load_cert_chain(str(s.pki("a-push.pem")), str(s.pki("a-push.key")))
    for context, expected in ((s.context(), 554), (other, 554), (own, 250)):
        context.check_hostname = False
        with smtplib.SMTP("127.0.0.1", h.ports["demail"], timeout=20) as smtp:
            smtp.starttls(context=context)
            smtp.ehlo()
            code, text = smtp.docmd("MAIL FROM:<>")
            assert code == expected, (code, text)


def main():
    with Simulator("--messages-a-day", "1000", "--recipients-a-day", "1000") as s, House() as h:
        join(s, h)
        h.add_account()
        h.start()
        s.control(f"push 127.0.0.1:{h.ports['demail']}")
        for part in (confirmed, named_by_its_hash, in_any_order, retrieved, lost, malware, forged, anchors_are_mended, what_proves_nothing_is_mail, uncertain_is_cleared_up, killed, incoming, only_the_provider):
            part(s, h)
        assert not h.internet.messages
        assert h.stop() == 0
        h.fsck()


if __name__ == "__main__":
    main()
    print("demail_confirmations: good")
