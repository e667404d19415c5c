"""What a De-Mail provider does not take, and what it tells about what it cannot deliver: each refusal of a draft in the dialogue and by a
notification, and each notification about a recipient."""
import base64
import subprocess

from demail import CITIZEN, CLOSED, COMPANY, NOBODY, TOWN, WEAK, Confirmation, Integrity, Simulator, message, pdf_signature_holds, value

OUTSIDE = "jemand@internet.example"
EICAR = base64.b64decode("WDVPIVAlQEFQWzRcUFpYNTQoUF4pN0NDKTd9JEVJQ0FSLVNUQU5EQVJELUFOVElWSVJVUy1URVNULUZJTEUhJEgrSCo=").decode()


def drafts():
    """reason, code, who submits how, the draft, its recipients"""
    town, weak = dict(account="stadt"), dict(account="stadt", password="geheim")
    yield "sender_not_yours", 550, dict(town, sender=CITIZEN), message(), [WEAK]
    yield "sender_not_yours", 550, town, message(sender=CITIZEN), [WEAK]
    yield "sender_not_yours", 550, town, message(more=f"x-de-mail-sender: {CITIZEN}\r\n"), [WEAK]
    yield "invalid_format", 554, town, message(more="From: zweiter@stadt.de-mail.example\r\n"), [WEAK]
    yield "reply_not_demail", 554, town, message(more=f"Reply-To: {OUTSIDE}\r\n"), [WEAK]
    yield "recipient_not_demail", 554, town, message(more=f"x-de-mail-chosen-recipient: to={WEAK},{OUTSIDE}\r\n"), [WEAK]
    for option, word in (("authoritative", "authoritative"), ("private", "private"), ("retrieve", "confirmation of retrieve")):
        yield "needs_high", 554, weak, message(options=option), [WEAK]
    # the value of an option is read with its case: this one is off, and the draft goes
    yield None, 250, weak, message(more="x-de-mail-authoritative: Yes\r\n"), [WEAK]
    # of two fields the first counts
    yield None, 250, weak, message(options="", more="x-de-mail-private: no\r\nx-de-mail-private: yes\r\n"), [WEAK]
    yield "needs_high", 554, weak, message(options="", more="X-DE-MAIL-PRIVATE: yes\r\nx-de-mail-private: no\r\n"), [WEAK]
    firm = dict(account="firma", side="b", sender=COMPANY)
    yield "retrieve_not_permitted", 554, firm, message(sender=COMPANY, options="retrieve"), [CITIZEN]
    pseudonym = "pn_erika@anbieter-a.de-mail.example"
    yield "pseudonym_authoritative", 554, dict(account="erika", sender=pseudonym), message(sender=pseudonym, options="authoritative"), [TOWN]
    yield "long_private_id", 554, town, message(private_id="a" * 500 + "\r\n " + "b" * 524), [WEAK]
    yield None, 250, town, message(private_id="a" * 500 + "\r\n " + "b" * 523), [WEAK]


def large(size):
    """A draft whose attachment has so many bytes once it is decoded."""
    coded = base64.encodebytes(bytes(size)).replace(b"\n", b"\r\n").decode()
    return message(body=coded).replace(b"Content-Type: text/plain; charset=us-ascii", b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64")


def in_the_dialogue():
    with Simulator("--messages-a-day", "6", "--recipients-a-day", "9") as s:
        for reason, code, how, data, to in drafts():
            how = dict(how)
            account = how.pop("account")
            if reason is None:
                s.submit(account, data, to, **how)
                continue
            got, text = s.refused(account, data, to, **how)
            assert got == code, (reason, got, text)
            assert s.journal("refused")[-1]["reason"] == reason, s.journal("refused")[-1]
        # the whole draft goes with the one recipient that is none, even if the client would do with the others
        with s.connection("stadt") as smtp:
            smtp.ehlo()
            assert smtp.mail(TOWN)[0] == 250 and smtp.rcpt(WEAK)[0] == 250
            code, text = smtp.rcpt(OUTSIDE)
            assert code == 554 and OUTSIDE.encode() in text, (code, text)
            assert smtp.docmd("DATA")[0] == 554
        s.submit("stadt", large(20 << 20), [WEAK])
        assert s.refused("stadt", large((20 << 20) + 1), [WEAK])[0] == 552
        # the level normal has limits of a day: by now three messages with a recipient each have been sent by password
        assert len(s.journal("taken", level="normal")) == 2
        many = [f"a{n}@firma.de-mail.example" for n in range(8)]
        assert s.refused("stadt", message(), many, password="geheim")[0] == 452
        s.submit("stadt", message(), many[:4], password="geheim")
        for _ in range(3):
            s.submit("stadt", message(), many[:1], password="geheim")
        assert s.refused("stadt", message(), many[:1], password="geheim")[0] == 452
        assert {e["reason"] for e in s.journal("refused")[-2:]} == {"quota"}
        s.submit("stadt", message(), many)  # at the level high there is none


def messages_of(s, account, side, password):
    """All that lies in a mailbox, by curl over POP3."""
    url = f"pop3s://localhost:{s.port(side, 'pop3s')}/"
    base = ["curl", "--silent", "--show-error", "--cacert", str(s.pki("tls-root.pem")), "--user", f"{account}:{password}"]
    listing = subprocess.run([*base, url], capture_output=True, check=True).stdout.decode().split("\r\n")
    return [subprocess.run([*base, url + line.split()[0]], capture_output=True, check=True).stdout for line in listing if line]


def notification(s, data, kind, why, private_id, side, text):
    assert value(data, "x-de-mail-message-type") == kind and value(data, "x-de-mail-notification-type") == why, (kind, why, value(data, "x-de-mail-notification-type"))
    assert value(data, "x-de-mail-private-id") == (private_id or None)
    assert value(data, "From") == f"Meldung@anbieter-{side}.de-mail.example", value(data, "From")
    integrity = Integrity(data, s.pki("signature-root.pem"))
    assert integrity.holds() and bool(integrity.scheme) == (side == "b"), vars(integrity)
    n = Confirmation(data)
    assert n.kind == "Notification-Message" and not n.signed and text in n.element("Text"), n.element("Text")
    assert [n.element(e) is not None for e in ("Subject", "Text", "Time", "Sender")] == [True] * 4
    for name in ("confirmation-of-dispatch", "authoritative", "private", "account-holder"):
        assert value(data, "x-de-mail-" + name) is None, name


def by_message():
    """The same drafts, told by notifications: each draft is taken with a 250 and goes nowhere."""
    with Simulator("--refuse-by", "message", "--account", "name=stadt address=*@stadt.de-mail.example password=geheim level=normal retrieve=yes holder=Stadt",
                   "--account", "name=firma side=b address=*@firma.de-mail.example password=firma") as s:
        cases = [(r, d, to) for r, c, how, d, to in drafts() if r and how.get("account") == "stadt" and not how.get("password") and "sender" not in how]
        assert len(cases) >= 6
        for n, (reason, data, to) in enumerate(cases):
            s.submit("stadt", data, to)
            assert s.journal("refused")[-1]["reason"] == reason and s.journal("refused")[-1]["answer"] == "250"
            got = messages_of(s, "stadt", "a", "geheim")
            assert len(got) == n + 1
            why = "invalid-format" if reason in ("invalid_format", "long_private_id") else "other"
            notification(s, got[-1], "notification", why, "", "a", "nicht versandt")
        assert not s.journal("letter") and not s.journal("taken")


def about_recipients():
    with Simulator("--account", "name=stadt address=*@stadt.de-mail.example password=geheim level=high retrieve=yes", "--account",
                   "name=max side=b address=max.mustermann@anbieter-b.de-mail.example password=max can-high=no", "--account",
                   "name=zu side=b address=zu@anbieter-b.de-mail.example closed=yes", "--account", "name=erika side=a address=" + CITIZEN + " password=e") as s:
        cases = [(NOBODY, "", "unknown-recipient", "b", "nicht bekannt"), (CLOSED, "", "closed-account", "b", "gesperrt"), (WEAK, "private", "other", "b", "nicht sicher anmelden"),
                 (WEAK, "retrieve", "other", "b", "nicht sicher anmelden"), ("niemand@dritter.de-mail.example", "", "unknown-recipient", "a", "nicht bekannt")]
        for n, (recipient, option, why, side, text) in enumerate(cases):
            s.submit("stadt", message(to=[recipient], options="receipt " + option, private_id=f"n.{n}"), [recipient])
            got = messages_of(s, "stadt", "a", "geheim")
            assert len(got) == n + 1, s.journal()[-3:]
            notification(s, got[-1], "notification", why, f"n.{n}", side, text)
            assert recipient in Confirmation(got[-1]).element("Text")
        # malware: acknowledged to both where a confirmation was asked for, else a notification; in clear or in an attachment
        coded = base64.b64encode(b"PK " + EICAR.encode()).decode()
        attached = message(body=coded + "\r\n", options="receipt", private_id="m.1", to=[WEAK]).replace(
            b"Content-Type: text/plain; charset=us-ascii", b"Content-Type: application/zip\r\nContent-Transfer-Encoding: base64")
        for data, kind in ((message(body=EICAR + "\r\n", private_id="m.0", to=[WEAK]), "malware-notification"), (attached, "malware-acknowledge")):
            before = len(messages_of(s, "stadt", "a", "geheim")), len(messages_of(s, "max", "b", "max"))
            s.submit("stadt", data, [WEAK])
            town, weak = messages_of(s, "stadt", "a", "geheim"), messages_of(s, "max", "b", "max")
            assert (len(town), len(weak)) == (before[0] + 1, before[1] + 1)
            assert value(town[-1], "x-de-mail-message-type") == value(weak[-1], "x-de-mail-message-type") == kind
        root = s.pki("signature-root.pem")
        notice = Confirmation(town[-1], root)
        letter = s.journal("letter")[-1]
        assert notice.good and notice.element("Hash") == letter["integrity"] and notice.hash_matches() and pdf_signature_holds(notice.pdf, root)
        assert value(town[-1], "From") == "Schadsoftware-Warnung@anbieter-b.de-mail.example" and value(town[-1], "x-de-mail-private-id") == "m.1"
        assert not [e for e in s.journal("issued") if e["type"] == "confirmation of receipt"]
        # an account that is blocked while it runs, and open again
        s.control("close max")
        s.submit("stadt", message(), [WEAK])
        assert s.journal("issued")[-1]["type"] == "notification"
        s.control("open max")
        s.submit("stadt", message(), [WEAK])
        assert s.journal("stored")[-1]["account"] == "max"
        s.control("open niemand", good=False)


def main():
    in_the_dialogue()
    by_message()
    about_recipients()


if __name__ == "__main__":
    main()
    print("demail_refusals: good")
