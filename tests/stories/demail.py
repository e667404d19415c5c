"""The De-Mail simulator for a story, and De-Mails judged by other programs: fields and hashes by Python, signatures by openssl and xmlsec1.

    with Simulator("--scheme", "rsa") as s:
        s.submit("stadt", message(...), ["max.mustermann@anbieter-b.de-mail.example"])
        s.until_quiet()
"""
import atexit
import base64
import email
import email.policy
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile

from house import PATIENCE, run, until

BINARY = os.environ.get("AMTSBOTE_DEMAIL_SIM", "build/release/amtsbote-demail-sim")

# part 3.4, section 3.1.21: what the hash is made of, in this order
HASHED = ["From", "Date", "Message-ID", "Subject", "Reply-To", "X-de-mail-confirmation-of-dispatch", "X-de-mail-confirmation-of-receipt",
          "X-de-mail-confirmation-of-retrieve", "X-de-mail-authoritative", "X-de-mail-private", "X-de-mail-sender", "X-de-mail-chosen-recipient",
          "X-de-mail-auth-mechanism", "X-de-mail-auth-level", "X-de-mail-originator-provider", "X-de-mail-message-type", "X-de-mail-version",
          "X-de-mail-private-id", "X-de-mail-message-id", "X-de-mail-account-holder"]
OFFICE = "amt53@stadt.de-mail.example"
TOWN, CITIZEN, COMPANY = "amt@stadt.de-mail.example", "erika.mustermann@anbieter-a.de-mail.example", "info@firma.de-mail.example"
WEAK, CLOSED, NOBODY = "max.mustermann@anbieter-b.de-mail.example", "zu@anbieter-b.de-mail.example", "niemand@anbieter-b.de-mail.example"


def message(sender=TOWN, to=(WEAK,), cc=(), subject="Bescheid 4711", options="", private_id="", body="Guten Tag,\r\nder Bescheid.\r\n", more=""):
    """A draft as a user's program writes it. `options`: "dispatch receipt retrieve authoritative private"."""
    names = {"dispatch": "confirmation-of-dispatch", "receipt": "confirmation-of-receipt", "retrieve": "confirmation-of-retrieve"}
    lines = [f"From: {sender}", "To: " + ", ".join(to)] + (["Cc: " + ", ".join(cc)] if cc else [])
    lines += [f"Subject: {subject}", "Message-ID: <draft." + os.urandom(8).hex() + "@stadt.example>", "Date: Mon, 01 Jan 2024 00:00:00 +0000"]
    lines += [f"x-de-mail-{names.get(o, o)}: yes" for o in options.split()]
    lines += [f"x-de-mail-private-id: {private_id}"] if private_id else []
    lines += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=us-ascii"]
    return ("\r\n".join(lines) + "\r\n" + more + "\r\n" + body).encode()


class Simulator:
    """`strange`: with authorities of its own. All others of a story share theirs: RSA keys take seconds."""
    shared = None

    def __init__(self, *arguments, directory=None, strange=False):
        self.own, self.strange = directory is None, strange
        self.dir = pathlib.Path(directory or tempfile.mkdtemp(prefix="demail-", dir="/tmp"))
        self.arguments = [str(a) for a in arguments]
        self.process, self.ready, self.control_socket = None, {}, None

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        if exc[0] is not None and (self.dir / "journal").exists():
            print("".join(line[:400] + "\n" for line in (self.dir / "journal").read_text().splitlines()[-40:]))
        self.stop()
        if self.own:
            shutil.rmtree(self.dir, ignore_errors=True)

    def start(self):
        if not self.strange and Simulator.shared and not (self.dir / "pki").exists():
            shutil.copytree(Simulator.shared, self.dir / "pki")
        self.process = subprocess.Popen([BINARY, "--directory", str(self.dir), *self.arguments], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, f"the simulator ended at start: {self.process.wait()}"
        self.ready = json.loads(line)
        if not self.strange and not Simulator.shared:
            Simulator.shared = tempfile.mkdtemp(prefix="demail-pki-", dir="/tmp")
            atexit.register(shutil.rmtree, Simulator.shared, ignore_errors=True)
            shutil.copytree(self.dir / "pki", Simulator.shared, dirs_exist_ok=True)
        return self

    def stop(self):
        if self.control_socket:
            self.control_socket.close()
            self.control_socket = None
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE) if self.process else None
        if self.process:
            self.process.stdout.close()
        return code

    def port(self, side, door):
        return self.ready[side][door]

    def pki(self, name):
        return self.dir / "pki" / name

    def control(self, command, good=True):
        if self.control_socket is None:
            self.control_socket = socket.socket(socket.AF_UNIX)
            self.control_socket.settimeout(PATIENCE)
            self.control_socket.connect(str(self.dir / "control"))
        self.control_socket.sendall(command.encode() + b"\n")
        line = b""
        while not line.endswith(b"\n"):
            piece = self.control_socket.recv(65536)
            assert piece, "the control socket was closed"
            line += piece
        answer = json.loads(line)
        assert answer["ok"] == good, (command, answer)
        return answer

    def journal(self, event=None, **members):
        # a line that is being written has no end yet
        lines = [json.loads(line) for line in (self.dir / "journal").read_text().split("\n")[:-1]]
        return [e for e in lines if event in (None, e["event"]) and all(e.get(k) == v for k, v in members.items())]

    def until_quiet(self):
        """Nothing is late, held back or on its way to a server any more."""
        def quiet():
            status = self.control("status")
            return status["waiting"] == 0 and status["unpushed"] == 0
        until("the simulator is quiet", quiet)

    def context(self, account=None, anchors="tls-root.pem"):
        out = ssl.create_default_context(cafile=str(self.pki(anchors)))
        if account:
            out.load_cert_chain(str(self.pki(f"client-{account}.pem")), str(self.pki(f"client-{account}.key")))
        return out

    def connection(self, account, side="a", password=None, implicit=False):
        """An SMTP session of that account: with its certificate, or with a password."""
        context = self.context(None if password else account)
        if implicit:
            out = smtplib.SMTP_SSL("localhost", self.port(side, "submissions"), timeout=PATIENCE, context=context)
        else:
            out = smtplib.SMTP("localhost", self.port(side, "submission"), timeout=PATIENCE)
            out.starttls(context=context)
        if password:
            out.login(account, password)
        return out

    def submit(self, account, data, to, sender=TOWN, side="a", password=None, implicit=False):
        with self.connection(account, side, password, implicit) as smtp:
            return smtp.sendmail(sender, to, data)

    def refused(self, account, data, to, **kw):
        """The code and text with which it was refused; nothing was taken."""
        before = len(self.journal("taken"))
        try:
            done = self.submit(account, data, to, **kw)
        except smtplib.SMTPSenderRefused as e:
            answer = (e.smtp_code, e.smtp_error.decode())
        except smtplib.SMTPRecipientsRefused as e:
            (code, text), = e.recipients.values()
            answer = (code, text.decode())
        except smtplib.SMTPDataError as e:
            answer = (e.smtp_code, e.smtp_error.decode())
        else:
            raise AssertionError(f"it was taken: {done}")
        assert len(self.journal("taken")) == before
        return answer


# --- a gateway at the provider ---

def town_config(s, valid_until="2099-12-31"):
    """How the town sends: for amtsbote.toml."""
    return f"""
[demail]
domains = ["*.de-mail.example"]
anchors = "{s.pki('signature-root.pem')}"
overdue = "3s"
uncertain = "2s"

[[demail_account]]
name = "stadt"
provider = "anbieter-a.de-mail.example"
smtp = "localhost:{s.port('a', 'submission')}"
client_certificate = "{s.pki('client-stadt.pem')}"
client_key = {{ file = "{s.pki('client-stadt.key')}" }}
level = "high"
domains = ["stadt.de-mail.example"]
addresses = {{ "amt53@stadt.example" = "{OFFICE}" }}
default_mailbox = "amt53@stadt.example"
messages_a_day = 1000
recipients_a_day = 1000
valid_until = "{valid_until}"
"""


LISTENER = """
[tls.provider]
certificate = "{pki}/a-tls.pem"
key = {{ file = "{pki}/a-tls.key" }}
client_anchors = "{pki}/tls-root.pem"

[[listener]]
role = "demail"
address = "127.0.0.1:0"
tls = "provider"
client_certificates = ["mail.anbieter-a.de-mail.example"]
"""


def join(s, h, overdue="2h", uncertain="2s", retrieve="90d"):
    """Gateway and provider know each other, both ways; neither is started by it."""
    for name in ("client-stadt.key", "a-tls.key"):
        s.pki(name).chmod(0o400)
    anchors = h.dir / "anchors.pem"
    anchors.write_bytes(h.pki.ca.read_bytes() + s.pki("tls-root.pem").read_bytes())
    times = f'overdue = "{overdue}"\nuncertain = "{uncertain}"\nretrieve = "{retrieve}"'
    h.extra = town_config(s).replace('overdue = "3s"\nuncertain = "2s"', times) + LISTENER.format(pki=s.pki("").as_posix())
    h.extra = h.extra.replace('level = "high"', 'level = "high"\nretrieve = true')
    h.write_config()
    h.change_config(f'tls_anchors = "{h.pki.ca}"', f'tls_anchors = "{anchors}"')


def letter(to, subject, more=""):
    return (f"From: Amt 53 <amt53@stadt.example>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{os.urandom(8).hex()}@stadt.example>\r\n"
            f"Date: Mon, 01 Jan 2024 00:00:00 +0000\r\n{more}MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nGuten Tag.\r\n").encode()


def submit(h, to, subject, more=""):
    return h.submit([to], raw=letter(to, subject, more)).split()[2]


# --- a De-Mail, judged ---

def fields(data):
    """(name in lower case, raw field with its CRLFs), from the top."""
    head = data.split(b"\r\n\r\n", 1)[0] + b"\r\n"
    return [(f.split(b":", 1)[0].decode().lower(), f) for f in re.findall(rb"[^ \t\r\n][^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", head)]


def raw(data, name):
    return next((f for n, f in fields(data) if n == name.lower()), None)


def value(data, name):
    field = raw(data, name)
    return None if field is None else re.sub(rb"\r\n([ \t])", rb"\1", field.split(b":", 1)[1]).strip().decode()


def body_of(data):
    return data.split(b"\r\n\r\n", 1)[1]


def tags(text):
    out = {}
    for part in text.split(";"):
        if part.strip():
            name, content = part.split("=", 1)
            out[name.strip()] = re.sub(r"\s", "", content)
    return out


def hash_input(lines, integrity, names):
    """RFC 6376 section 3.7. `lines`: (name, raw field), from the top; `integrity`: the raw field."""
    first = {}
    for name, field in lines:
        first.setdefault(name.lower(), field)
    out = b"".join(first.get(name.lower(), b"") for name in names)
    return out + empty_b(integrity)


def empty_b(field):
    """The value of b= deleted, with the white space around it."""
    name, rest = field.split(b":", 1)
    out = []
    for part in rest.rstrip(b"\r\n").split(b";"):
        out.append(part.split(b"=", 1)[0] + b"=" if part.split(b"=", 1)[0].strip() == b"b" else part)
    return name + b":" + b";".join(out)


def canonical_body(body):
    body = re.sub(rb"(\r\n)+\Z", b"", body)
    return body + b"\r\n"


def openssl_verify(directory, hash_name, scheme, certificate_der, content, signature):
    d = pathlib.Path(directory)
    (d / "certificate.der").write_bytes(certificate_der)
    (d / "content").write_bytes(content)
    (d / "signature").write_bytes(signature)
    run("openssl", "x509", "-inform", "DER", "-in", d / "certificate.der", "-noout", "-pubkey", "-out", d / "public.pem")
    pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if scheme == "rsassa-pss" else []
    return run("openssl", "dgst", "-" + hash_name, "-verify", d / "public.pem", "-signature", d / "signature", *pss, d / "content", check=False).returncode == 0


def chain_holds(directory, certificate_der, root):
    d = pathlib.Path(directory)
    pem = run("openssl", "x509", "-inform", "DER", input=certificate_der).stdout
    (d / "leaf.pem").write_bytes(pem)
    return run("openssl", "verify", "-no-CApath", "-no-CAstore", "-CAfile", root, d / "leaf.pem", check=False).returncode == 0


class Integrity:
    """x-de-mail-integrity computed anew: what holds and what does not."""

    def __init__(self, data, root=None):
        field = raw(data, "x-de-mail-integrity")
        self.tags = tags(field.split(b":", 1)[1].decode())
        self.names = self.tags["h"].split(":")
        self.hash, _, self.scheme = self.tags["a"].partition("/")
        digest = getattr(hashlib, self.hash)
        self.body = base64.b64decode(self.tags["bh"]) == digest(canonical_body(body_of(data))).digest()
        content = hash_input(fields(data), field, self.names)
        coded = value(data, "x-de-mail-signature-certificate")
        self.certificate = base64.b64decode(re.sub(r"\s", "", coded)) if coded else None
        given = base64.b64decode(self.tags["b"])
        if not self.scheme:
            self.header, self.trusted = given == digest(content).digest(), None
            return
        assert self.tags["q"] == "x-header/x-de-mail-signature-certificate", self.tags
        with tempfile.TemporaryDirectory() as d:
            self.header = openssl_verify(d, self.hash, self.scheme, self.certificate, content, given)
            self.trusted = chain_holds(d, self.certificate, root) if root else None

    def holds(self):
        return self.body and self.header and self.trusted is not False

    def order_is_right(self, data):
        want = [n for n in HASHED if n != "X-de-mail-private-id" or raw(data, n) is not None]
        return [n.lower() for n in self.names] == [n.lower() for n in want] and self.tags["c"] == "simple/simple" and "l" not in self.tags


class Confirmation:
    """The XML of a confirmation or notification, found by its content; its signature judged by xmlsec1."""

    def __init__(self, data, root=None):
        message_ = email.message_from_bytes(data, policy=email.policy.default)
        assert message_.get_content_type() == "multipart/mixed", message_.get_content_type()
        contents = [part.get_payload(decode=True) for part in message_.iter_parts()]
        (self.xml,) = [c for c in contents if c.lstrip().startswith(b"<?xml") or b"urn:de-mail" in c[:200]]
        (self.pdf,) = [c for c in contents if c.startswith(b"%PDF-")]
        self.kind = re.search(rb"<(Acknowledge-Message|Notification-Message)\b", self.xml).group(1).decode()
        self.signed = b"SignatureValue>" in self.xml
        self.good = self.signed and root is not None and xmlsec_verify(self.xml, root)

    def element(self, name):
        found = re.search(rf"<{name}>(.*?)</{name}>".encode(), self.xml, re.S)
        return None if found is None else unescape(found.group(1)).decode()

    def metadata(self):
        """(name, value, original header as bytes)."""
        return [tuple(unescape(x) for x in m) for m in re.findall(
            rb"<Metadate><Name>(.*?)</Name><Value>(.*?)</Value><OriginalHeader>(.*?)</OriginalHeader></Metadate>", self.xml, re.S)]

    def hash_matches(self):
        """The header hash, made of nothing but the lines that the confirmation cites."""
        lines = [(n.decode().lower(), o if o.endswith(b"\r\n") else o + b"\r\n") for n, _, o in self.metadata()]
        field = next(o for n, o in lines if n == "x-de-mail-integrity")
        got = tags(field.split(b":", 1)[1].decode())
        name, _, scheme = got["a"].partition("/")
        content = hash_input(lines, field, got["h"].split(":"))
        given = base64.b64decode(got["b"])
        if not scheme:
            return getattr(hashlib, name)(content).digest() == given
        certificate = next(v for n, v, _ in self.metadata() if n.decode().lower() == "x-de-mail-signature-certificate")
        with tempfile.TemporaryDirectory() as d:
            return openssl_verify(d, name, scheme, base64.b64decode(re.sub(rb"\s", b"", certificate)), content, given)


def unescape(text):
    for name, char in ((b"&#13;", b"\r"), (b"&#xD;", b"\r"), (b"&lt;", b"<"), (b"&gt;", b">"), (b"&amp;", b"&")):
        text = text.replace(name, char)
    return text


def xmlsec_verify(xml, root):
    with tempfile.TemporaryDirectory() as d:
        path = pathlib.Path(d) / "document.xml"
        path.write_bytes(xml)
        # xmlsec1 trusts the machine's authorities as well; none of them signs for us
        return run("xmlsec1", "--verify", "--trusted-pem", root, "--id-attr:Id", "urn:de-mail:Acknowledge-Message", path, check=False).returncode == 0


def pdf_signature_holds(pdf, root):
    """The CMS of a signed PDF over the ranges that it names; they leave out nothing but the signature itself."""
    a, b, c, d = map(int, re.search(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\s*\]", pdf).groups())
    assert a == 0 and c + d == len(pdf) and pdf[b:b + 1] == b"<" and pdf[c - 1:c] == b">"
    cms = bytes.fromhex(pdf[b + 1:c - 1].decode())
    with tempfile.TemporaryDirectory() as where:
        w = pathlib.Path(where)
        (w / "cms").write_bytes(cms)
        (w / "content").write_bytes(pdf[:b] + pdf[c:])
        return run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", w / "cms", "-content", w / "content", "-CAfile", root, "-no-CApath",
                   "-purpose", "any", "-out", "/dev/null", check=False).returncode == 0
