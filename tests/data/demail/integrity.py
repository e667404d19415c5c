#!/usr/bin/env python3
"""x-de-mail-integrity by section 3.1.21 of BSI TR 01201 part 3.4, written from the text and independently of demail/integrity; the
signatures and their verification are those of the openssl program.

  integrity.py make ALGORITHM [KEY CERTIFICATE] < message > message with the field (and the certificate's) on top
  integrity.py check FILE ...      prints a line for each: "whole", "header", "body" or "header body" (what is not as it was hashed or signed)
  integrity.py input < message     the bytes that b= hashes or signs
"""
import base64
import hashlib
import re
import subprocess
import sys
import tempfile

ORDER = """From Date Message-ID Subject Reply-To X-de-mail-confirmation-of-dispatch X-de-mail-confirmation-of-receipt
X-de-mail-confirmation-of-retrieve X-de-mail-authoritative X-de-mail-private X-de-mail-sender X-de-mail-chosen-recipient
X-de-mail-auth-mechanism X-de-mail-auth-level X-de-mail-originator-provider X-de-mail-message-type X-de-mail-version
X-de-mail-private-id X-de-mail-message-id X-de-mail-account-holder""".split()
PSS = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]


def split(message):
    head, body = message.split(b"\r\n\r\n", 1)
    fields = re.findall(rb"[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*", head + b"\r\n")
    return fields, body


def name(field):
    return field.split(b":", 1)[0].strip().lower()


def first(fields, wanted):
    return next((f for f in fields if name(f) == wanted.lower().encode()), b"")


def body_hash(body, algorithm):
    body = re.sub(rb"(\r\n)*\Z", b"", body) + b"\r\n"
    return hashlib.new(algorithm, body).digest()


def header_input(fields, names, integrity):
    emptied = re.sub(rb"((?:^|[:;])\s*b\s*=)[^;]*", rb"\1", integrity)
    return b"".join(first(fields, n) for n in names) + re.sub(rb"\r\n\Z", b"", emptied)


def tags(field):
    value = re.sub(rb"\r\n", b"", field.split(b":", 1)[1]).decode()
    return {k.strip(): re.sub(r"\s", "", v) for k, v in (t.split("=", 1) for t in value.split(";") if t.strip())}


def fold(data, after):
    text = base64.b64encode(data).decode()
    lines = [text[:60]] + [text[i:i + 70] for i in range(60, len(text), 70)]
    return "\r\n ".join(lines)


def make(message, algorithm, key=None, certificate=None):
    fields, body = split(message)
    digest, _, scheme = algorithm.partition("/")
    names = [n for n in ORDER if n != "X-de-mail-private-id" or first(fields, n)]
    query = " q=x-header/x-de-mail-signature-certificate;\r\n" if scheme else "\r\n"
    integrity = ("X-de-mail-integrity: v=1; a=" + algorithm + "; c=simple/simple;" + query + " h=" + " :\r\n  ".join(names) + ";\r\n bh=" +
                 fold(body_hash(body, digest), 4) + ";\r\n b=")
    data = header_input(fields, names, integrity.encode())
    top = b""
    if scheme:
        with tempfile.NamedTemporaryFile() as f:
            f.write(data)
            f.flush()
            options = PSS if scheme == "rsassa-pss" else []
            b = subprocess.run(["openssl", "dgst", "-" + digest, "-sign", key, *options, f.name], check=True, capture_output=True).stdout
        der = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"], check=True, capture_output=True).stdout
        top = ("X-de-mail-signature-certificate: " + fold(der, 34) + "\r\n").encode()
    else:
        b = hashlib.new(digest, data).digest()
    return top + (integrity + fold(b, 3)).encode() + b"\r\n" + message


def check(message):
    fields, body = split(message)
    integrity = first(fields, "x-de-mail-integrity")
    t = tags(integrity)
    digest, _, scheme = t["a"].partition("/")
    data, b = header_input(fields, t["h"].split(":"), integrity), base64.b64decode(t["b"])
    if scheme:
        with tempfile.TemporaryDirectory() as d:
            for file, content in (("data", data), ("sig", b), ("der", base64.b64decode(b"".join(first(fields, "x-de-mail-signature-certificate").split(b":", 1)[1].split())))):
                open(f"{d}/{file}", "wb").write(content)
            subprocess.run(["openssl", "x509", "-inform", "DER", "-in", f"{d}/der", "-pubkey", "-noout", "-out", f"{d}/pub"], check=True)
            options = PSS[:2] + ["-sigopt", "rsa_pss_saltlen:auto"] if scheme == "rsassa-pss" else []
            header = subprocess.run(["openssl", "dgst", "-" + digest, "-verify", f"{d}/pub", "-signature", f"{d}/sig", *options, f"{d}/data"],
                                    capture_output=True).returncode == 0
    else:
        header = hashlib.new(digest, data).digest() == b
    wrong = ([] if header else ["header"]) + ([] if body_hash(body, digest) == base64.b64decode(t["bh"]) else ["body"])
    return " ".join(wrong) or "whole"


def main():
    if sys.argv[1] == "check":
        for path in sys.argv[2:]:
            with open(path, "rb") as f:
                print(check(f.read()))
        return
    message = sys.stdin.buffer.read()
    if sys.argv[1] == "make":
        sys.stdout.buffer.write(make(message, *sys.argv[2:]))
    elif sys.argv[1] == "input":
        fields, _ = split(message)
        integrity = first(fields, "x-de-mail-integrity")
        sys.stdout.buffer.write(header_input(fields, tags(integrity)["h"].split(":"), integrity))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
