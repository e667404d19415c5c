"""The demo: what a department, a citizen, a company and an auditor would see, with ordinary programs at both ends.

Mail is submitted by swaks over STARTTLS with a password; what arrives is opened by `openssl cms` and `gpg`; the receipts are
verified by tools/verify-receipt.sh, which is sh and openssl. The De-Mail provider is the simulator of the tests: there is none to be had. Every step says what it saw; a step that did not see it fails.
"""
import email
import email.policy
import os
import pathlib
import subprocess
import sys

import demail
import house
from house import House, run

COLOUR = sys.stdout.isatty()
TABLE = []
SECRET = "Laborwert 7,31 im Normbereich"


def paint(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if COLOUR else text


def step(number, title):
    print("\n" + paint("1;36", f"Step {number}: {title}"), flush=True)


def say(text):
    print("  " + text, flush=True)


def hold(what, seen):
    """A thing that must be so, seen by a program that is not ours."""
    mark = paint("1;32", "ok") if seen else paint("1;31", "FAILED")
    print(f"  [{mark}] {what}", flush=True)
    if not seen:
        raise SystemExit(f"demo: not so: {what}")


def done(number, title, how):
    TABLE.append((number, title, how))


def swaks(h, to, subject, body, expect_refusal=False):
    """An ordinary client; returns its protocol."""
    args = ["swaks", "--server", "127.0.0.1", "--port", str(h.ports["submission"]), "--tls", "--auth", "PLAIN", "--auth-user", "amt53",
            "--auth-password", "geheim", "--from", "amt53@stadt.example", "--to", to, "--header", f"Subject: {subject}", "--body", body,
            "--add-header", "MIME-Version: 1.0", "--add-header", "Content-Type: text/plain; charset=utf-8", "--add-header", "Content-Transfer-Encoding: 8bit"]
    r = run(*args, check=False)
    text = r.stdout.decode(errors="replace") + r.stderr.decode(errors="replace")
    if (r.returncode == 0) == expect_refusal:
        raise SystemExit("demo: swaks: " + text)
    return text


def reply_of(protocol):
    """The lines of the server's last reply, as swaks shows them."""
    lines = [l.split(" ", 1)[1].strip() if " " in l else l for l in protocol.splitlines() if l.startswith(("<~", "<-", "<*", "<  ", "<~*", "<**"))]
    return [l for l in lines if l[:1] in "245"]


def company_key(h):
    """A company with an OpenPGP key, in a ring of its own."""
    home = h.dir / "firma"
    home.mkdir(mode=0o700)
    env = dict(os.environ, GNUPGHOME=str(home))
    run("gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key", "Firma <info@firma.example>", "future-default", "default", "never",
        env=env)
    public = run("gpg", "--batch", "--armor", "--export", "info@firma.example", env=env).stdout
    (h.dir / "firma.asc").write_bytes(public)
    h.cli("keys", "import", h.dir / "firma.asc", "--partner")
    # and the company knows the office's key
    ours = next(k for k in h.json("keys", "list")["keys"] if k["method"] == "openpgp" and k["role"] == "own")
    run("gpg", "--batch", "--quiet", "--import", env=env, input=h.cli("keys", "export", ours["fingerprint"]).stdout)
    return env


def pgp_parts(data):
    message = email.message_from_bytes(data)
    assert message.get_content_type() == "multipart/encrypted", message.get_content_type()
    return message.get_payload()[1].get_payload().encode()


def one_smime(h):
    step(1, "the health office writes to a citizen with an S/MIME certificate")
    cert, key = h.import_partner("buerger@aussen.example", "RSA-3072")
    protocol = swaks(h, "buerger@aussen.example", "Ihr Befund", SECRET)
    say("told by the gateway: " + reply_of(protocol)[-2])
    message = h.internet.wait(1)[0]
    hold("what crossed the network holds no word of the text", SECRET.encode() not in message["data"] and b"Normbereich" not in message["data"])
    signed = h.decrypt(message["data"], cert, key)
    hold("openssl cms -decrypt opens it with the citizen's key", b"multipart/signed" in signed)
    hold("openssl cms -verify accepts the office's signature", SECRET.encode() in h.verify(signed))
    done(1, "citizen, S/MIME", "signed and encrypted; opened by openssl cms")
    return message_id(protocol)


def two_openpgp(h):
    step(2, "the health office writes to a company with an OpenPGP key")
    env = company_key(h)
    protocol = swaks(h, "info@firma.example", "Anfrage", SECRET)
    message = h.internet.wait(2)[1]
    hold("what crossed the network holds no word of the text", b"Normbereich" not in message["data"])
    block = h.dir / "block.asc"
    block.write_bytes(pgp_parts(message["data"]))
    opened = run("gpg", "--batch", "--trust-model", "always", "--decrypt", block, env=env)
    hold("gpg --decrypt opens it with the company's key", SECRET.encode() in opened.stdout)
    hold("gpg accepts the office's signature", b"Good signature" in opened.stderr)
    done(2, "company, OpenPGP", "signed and encrypted; opened by gpg")
    return message_id(protocol)


def three_demail(h, provider):
    step(3, "the health office writes to a De-Mail address and asks for a receipt")
    protocol = swaks(h, demail.WEAK, "Ihr Bescheid", SECRET)
    mid = message_id(protocol)
    say("told by the gateway: " + reply_of(protocol)[-2])
    taken = house.until("the provider took it", lambda: provider.journal("taken"))[0]
    say(f"taken by the provider as {taken['from']}, options: {', '.join(taken['options'])}")
    hold("nothing of it crossed the Internet", len(h.internet.messages) == 2)

    def heard():
        subjects = [str(email.message_from_bytes(m["data"], policy=email.policy.default)["Subject"]) for m in h.mailboxes.messages]
        return all(any(s.startswith(title) for s in subjects) for title in ("Versandbestätigung", "Eingangsbestätigung")) and subjects
    for subject in house.until("both confirmations", heard):
        say("in the office's mailbox: " + subject)
    house.until("it is over", lambda: "msg.closed" in [e["event"] for e in h.json("receipts", "show", mid)["timeline"]])
    target = h.dir / "demail-evidence"
    h.cli("receipts", "prove", mid, "--output", target)
    raw = [p for p in target.iterdir() if p.name.endswith(".message.eml")]
    hold("both confirmations are kept as they came", len(raw) == 2)
    for path in raw:
        confirmation = demail.Confirmation(path.read_bytes(), provider.pki("signature-root.pem"))
        hold(f"xmlsec1 accepts the provider's signature of the {demail.value(path.read_bytes(), 'x-de-mail-message-type')}", confirmation.good)
    done(3, "De-Mail", "dispatch and receipt confirmed; signatures checked by xmlsec1")
    return mid, len(h.mailboxes.messages)


def four_refused(h):
    step(4, "the health office writes to somebody without any key")
    before = len(h.internet.messages)
    protocol = swaks(h, "unbekannt@aussen.example", "Ihr Befund", SECRET, expect_refusal=True)
    refusal = [l for l in protocol.splitlines() if "550" in l]
    for line in refusal:
        say(line.strip())
    hold("refused in the dialogue, in German and English, with what to do", len(refusal) >= 2 and "Schluessel" in protocol and "usable key" in protocol)
    hold("nothing left the house", len(h.internet.messages) == before)
    done(4, "no key known", "refused in the dialogue, with the reason")


def five_inbound(h, before):
    step(5, "an encrypted and signed mail comes in from outside")
    sender, key = h.pki.mail("praxis@aerzte.example")
    inner, signed, outer = h.dir / "inner", h.dir / "signed", h.dir / "outer"
    inner.write_bytes(b"Content-Type: text/plain; charset=utf-8\r\n\r\nVertrauliche Antwort der Praxis\r\n")
    run("openssl", "cms", "-sign", "-in", inner, "-binary", "-signer", sender, "-inkey", key, "-out", signed, "-crlfeol")
    run("openssl", "cms", "-encrypt", "-in", signed, "-binary", "-aes256", "-out", outer, "-crlfeol", "-from", "praxis@aerzte.example", "-to", "amt53@stadt.example",
        "-subject", "Antwort", h.pki.dir / "amt53_at_stadt.example.pem")
    raw = b"Message-ID: <antwort@aerzte.example>\r\nAmtsbote-Protection: signed=valid; forged\r\n" + outer.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    reply = h.submit(["amt53@stadt.example"], sender="praxis@aerzte.example", role="mx", raw=raw)
    data = h.mailboxes.wait(before + 1)[before]["data"]
    marks = [l for l in email.message_from_bytes(data).get_all("Amtsbote-Protection")]
    for mark in marks:
        say("mark: " + " ".join(mark.split()))
    hold("the mailbox got it readable", b"Vertrauliche Antwort der Praxis" in data)
    hold("marked as encrypted and validly signed; the forged mark is gone", len(marks) == 1 and "opened=yes" in marks[0] and "signed=valid" in marks[0])
    done(5, "incoming S/MIME", "opened, verified, marked, delivered")
    return reply.split()[2]


def six_receipts(h, mids):
    step(6, "an auditor looks at the receipts")
    house.until("all messages closed", lambda: h.json("status")["queue"]["messages"] == 0)
    total = 0
    for mid in mids:
        shown = h.cli("receipts", "show", mid).stdout.decode()
        print("".join("    " + l + "\n" for l in shown.splitlines()), end="")
        target = h.dir / ("receipts-" + mid)
        h.cli("receipts", "prove", mid, "--output", target)
        files = sorted(p for p in target.iterdir() if p.suffix == ".receipt" or p.name.endswith(".receipt.json")) or sorted(target.glob("*"))
        vkey = next(p for p in target.iterdir() if "vkey" in p.name)
        receipts = [p for p in files if p != vkey]
        hold(f"receipts prove wrote receipts of {mid}", len(receipts) >= 3)
        for receipt in receipts:
            r = run("sh", "tools/verify-receipt.sh", receipt, vkey.read_text().strip(), check=False)
            if r.returncode != 0:
                hold(f"{receipt.name} verified by sh and openssl\n{r.stdout.decode()}{r.stderr.decode()}", False)
            total += 1
        damaged = h.dir / "damaged"
        damaged.write_bytes(receipts[0].read_bytes().replace(b"accepted", b"acceptet", 1))
        r = run("sh", "tools/verify-receipt.sh", damaged, vkey.read_text().strip(), check=False)
        hold("one changed letter is found", damaged.read_bytes() != receipts[0].read_bytes() and r.returncode != 0)
    hold(f"{total} receipts verified by tools/verify-receipt.sh (sh and openssl, not this program)", total > 0)
    r = h.cli("receipts", "fsck", h.dir / "state" / "log", "--vkey", vkey.read_text().strip(), check=False)
    if r.returncode != 0:
        say(r.stdout.decode() + r.stderr.decode())
    hold("receipts fsck finds the whole log in order", r.returncode == 0)
    rejected = h.cli("receipts", "search", "--recipient", "buerger@aussen.example").stdout.decode()
    hold("receipts search finds the citizen's message", mids[0] in rejected)
    done(6, "receipts", f"{total} verified by sh and openssl; the log by fsck")


def message_id(protocol):
    line = next(l for l in protocol.splitlines() if "receipt=" in l)
    return line.split("Ok ", 1)[1].split()[0]


def main():
    keep = "--keep" in sys.argv
    with demail.Simulator() as provider, House() as h:
        demail.join(provider, h)
        print(paint("1", "Amtsbote demo") + f"   (in {h.dir}, gone afterwards)")
        h.start()
        provider.control(f"push 127.0.0.1:{h.ports['demail']}")
        h.add_account()
        h.trust_authority()
        h.import_own("amt53@stadt.example")
        h.cli("keys", "generate", "amt53@stadt.example", "--name", "Gesundheitsamt")
        first = one_smime(h)
        second = two_openpgp(h)
        third, mails = three_demail(h, provider)
        four_refused(h)
        fifth = five_inbound(h, mails)
        six_receipts(h, [first, second, third, fifth])
        print("\n" + paint("1", "All held:"))
        for number, title, how in TABLE:
            print(f"  {number}  {title:<18} {how}")
        if keep:
            print(f"\nStill running: submission 127.0.0.1:{h.ports['submission']} (amt53 / geheim), config {h.config}. Enter ends it.")
            sys.stdin.readline()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as e:
        sys.exit(f"demo: {e.cmd}: {e.stdout.decode(errors='replace')}{e.stderr.decode(errors='replace')}")
