"""The De-Mail simulator alone: what it takes and refuses, what it makes of it, judged by Python, openssl and xmlsec1; and each way in which it
can be made to fail."""
import base64
import smtplib
import ssl

import demail
from demail import CITIZEN, CLOSED, COMPANY, NOBODY, TOWN, WEAK, Confirmation, Integrity, Simulator, message, value
from house import Sink, run, until

TYPES = {"dispatch": "confirmation of dispatch", "receipt": "confirmation of receipt", "retrieve": "confirmation of retrieve"}


def towns_server(s):
    """Where the provider hands over what comes for the town: it must show its certificate."""
    sink = Sink(tls=(s.pki("a-tls.pem"), s.pki("a-tls.key")))
    sink.context.verify_mode = ssl.CERT_REQUIRED
    sink.context.load_verify_locations(str(s.pki("tls-root.pem")))
    s.control(f"push 127.0.0.1:{sink.port}")
    return sink


def swaks(s, side, door, *more):
    tls = ["--tls-on-connect"] if door == "submissions" else ["--tls"]
    r = run("swaks", "--server", "127.0.0.1", "--port", s.port(side, door), *tls, *more, check=False)
    return r.returncode, r.stdout.decode(errors="replace") + r.stderr.decode(errors="replace")


def ordinary_clients(s):
    """Certificate and password, STARTTLS and TLS from the start, by swaks and curl."""
    shown = ["--tls-cert", s.pki("client-stadt.pem"), "--tls-key", s.pki("client-stadt.key")]
    for n, (door, proof, level) in enumerate([("submission", shown, "high"), ("submissions", shown, "high"),
                                              ("submission", ["--auth", "PLAIN", "--auth-user", "stadt", "--auth-password", "geheim"], "normal"),
                                              ("submissions", ["--auth", "LOGIN", "--auth-user", "stadt", "--auth-password", "geheim"], "normal")]):
        code, protocol = swaks(s, "a", door, *proof, "--from", TOWN, "--to", WEAK, "--header", f"Subject: swaks {n}")
        assert code == 0, protocol
        assert s.journal("taken")[-1]["level"] == level, s.journal("taken")[-1]
    path = s.dir / "draft"
    path.write_bytes(message(subject="curl"))
    run("curl", "--silent", "--show-error", "--cacert", s.pki("tls-root.pem"), "--url", f"smtps://localhost:{s.port('a', 'submissions')}", "--mail-from", TOWN,
        "--mail-rcpt", WEAK, "--user", "stadt:geheim", "--upload-file", path)
    assert s.journal("taken")[-1]["subject"] == "curl"
    # nobody, a wrong password, another provider's account, a certificate of nobody's
    for proof, want in (([], "530"), (["--auth", "PLAIN", "--auth-user", "stadt", "--auth-password", "falsch"], "535"),
                        (["--auth", "PLAIN", "--auth-user", "firma", "--auth-password", "firma"], "535"),
                        (["--tls-cert", s.pki("a-push.pem"), "--tls-key", s.pki("a-push.key")], "530"),
                        (["--tls-cert", s.pki("client-firma.pem"), "--tls-key", s.pki("client-firma.key")], "530")):
        code, protocol = swaks(s, "a", "submission", *proof, "--from", TOWN, "--to", WEAK)
        assert code != 0 and f"<~* {want}" in protocol.replace("<~**", "<~*"), (want, protocol)


def check_normal(s, data, signed, private_id):
    """Table 1, column N, and the integrity."""
    integrity = Integrity(data, s.pki("signature-root.pem"))
    assert integrity.holds() and integrity.order_is_right(data), vars(integrity)
    assert bool(integrity.scheme) == signed
    for name in ("confirmation-of-dispatch", "confirmation-of-receipt", "confirmation-of-retrieve", "authoritative", "private"):
        assert value(data, "x-de-mail-" + name) in ("yes", "no"), name
    for name in ("sender", "chosen-recipient", "auth-level", "auth-mechanism", "message-id", "originator-provider", "message-type", "actual-recipient", "version",
                 "account-holder"):
        assert value(data, "x-de-mail-" + name), name
    assert value(data, "x-de-mail-message-type") == "normal" and value(data, "x-de-mail-private-id") == private_id
    assert value(data, "x-de-mail-notification-type") is None
    names = [n for n, _ in demail.fields(data)]
    assert all(names.count(n) == 1 for n in names if n.startswith("x-de-mail-") or n in ("from", "date", "subject", "message-id", "envelope-to")), names


def check_confirmation(s, data, kind, letter, answer_to, recipient, private_id, side):
    """Table 1, column B, and section 3.5.1; signed three times, and bound to the letter that it is about."""
    root, domain = s.pki("signature-root.pem"), f"anbieter-{side}.de-mail.example"
    address = {"dispatch": "Versandbestaetigung", "receipt": "Eingangsbestaetigung", "retrieve": "Abholbestaetigung"}[kind] + "@" + domain
    word = {"dispatch": "Versandbestätigung", "receipt": "Eingangsbestätigung", "retrieve": "Abholbestätigung"}[kind]
    integrity = Integrity(data, root)
    assert integrity.holds() and integrity.scheme and integrity.order_is_right(data), vars(integrity)
    assert value(data, "x-de-mail-message-type") == TYPES[kind] and value(data, "From") == address and value(data, "x-de-mail-sender") == address
    assert value(data, "To") == answer_to and (value(data, "Cc") == recipient if kind != "dispatch" else value(data, "Cc") is None)
    assert value(data, "x-de-mail-private-id") == private_id and value(data, "x-de-mail-originator-provider").endswith(domain)
    for name in ("confirmation-of-dispatch", "confirmation-of-receipt", "confirmation-of-retrieve", "authoritative", "account-holder", "notification-type"):
        assert value(data, "x-de-mail-" + name) is None, name
    subject = str(demail.email.header.make_header(demail.email.header.decode_header(value(data, "Subject"))))
    assert subject.startswith(f"*{word}* "), subject
    c = Confirmation(data, root)
    assert c.kind == "Acknowledge-Message" and c.good and demail.pdf_signature_holds(c.pdf, root)
    assert c.element("Sender") == address and c.element("Subject").startswith(word + ": ")
    assert c.element("Hash") == letter["integrity"] and c.hash_matches()
    assert (c.element("DeliveryTime") is not None) == (kind == "retrieve")
    cited = {n.decode().lower(): v.decode() for n, v, _ in c.metadata()}
    assert cited["x-de-mail-message-id"] == letter["id"] and cited["x-de-mail-integrity"] == letter["integrity"]
    assert cited.get("envelope-to") == (None if kind == "dispatch" else recipient)
    return c


def letters_and_confirmations(scheme, hash_name):
    with Simulator("--scheme", scheme, "--hash", hash_name) as s:
        ordinary_clients(s)
        sink = towns_server(s)
        private_id = "01HZY3V9M3Z7R1T8E5Q2W4C6B8.0"
        # authoritative, to one at A and one at B, with a copy and a blind one
        s.submit("stadt", message(to=[CITIZEN], cc=[COMPANY], options="dispatch receipt authoritative private", private_id=private_id, subject="=?utf-8?q?Pr=C3=BCfung?="),
                 [CITIZEN, COMPANY, "geheim@firma.de-mail.example"])
        letters = s.journal("letter", private_id=private_id)
        assert [l["blind"] for l in letters] == [False, True] and letters[0]["id"] != letters[1]["id"] and letters[0]["integrity"] != letters[1]["integrity"]
        sink.wait(5)
        s.until_quiet()
        seen = []
        for got in sink.messages:
            data = got["data"]
            kind = {v: k for k, v in TYPES.items()}[value(data, "x-de-mail-message-type")]
            id_ = value(data, "x-de-mail-message-id")
            issued, = s.journal("issued", id=id_)
            letter, = [l for l in letters if l["id"] == issued["about"]]
            side = "a" if kind == "dispatch" or issued["recipients"] == [CITIZEN] else "b"
            check_confirmation(s, data, kind, letter, TOWN, issued["recipients"][0], private_id, side)
            assert value(data, "Envelope-to") == TOWN and got["from"].endswith(f"@anbieter-{side}.de-mail.example")
            seen.append((kind, tuple(issued["recipients"])))
        blind = "geheim@firma.de-mail.example"
        assert sorted(seen) == sorted([("dispatch", (CITIZEN, COMPANY)), ("dispatch", (blind,)), ("receipt", (CITIZEN,)), ("receipt", (COMPANY,)), ("receipt", (blind,))])
        # what the town receives itself: from the company at B, hashed only; the answer goes to Reply-To
        s.submit("firma", message(sender=COMPANY, to=[TOWN], options="dispatch", private_id="f.1", more="Reply-To: antwort@stadt.de-mail.example\r\n"), [TOWN], sender=COMPANY, side="b",
                 password="firma")
        sink.wait(7)
        s.until_quiet()
        normal, = [m["data"] for m in sink.messages if value(m["data"], "x-de-mail-message-type") == "normal"]
        check_normal(s, normal, signed=False, private_id="f.1")
        assert value(normal, "x-de-mail-chosen-recipient") == f"to={TOWN}" and value(normal, "x-de-mail-auth-level") == "high"
        assert demail.body_of(normal) == b"Guten Tag,\r\nder Bescheid.\r\n" and value(normal, "Date") != "Mon, 01 Jan 2024 00:00:00 +0000"
        answer, = [m for m in sink.messages if value(m["data"], "x-de-mail-private-id") == "f.1" and m["data"] is not normal]
        assert answer["to"] == ["antwort@stadt.de-mail.example"]
        sink.close()
        assert s.stop() == 0


def main():
    for scheme, hash_name in (("rsassa-pss", "sha256"), ("rsa", "sha384"), ("ec-dsa", "sha512")):
        letters_and_confirmations(scheme, hash_name)


if __name__ == "__main__":
    main()
    print("demail_simulator: good")
