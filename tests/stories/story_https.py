"""The HTTPS door: a business system hands over messages, sees what became of them and takes the receipts along; nobody sees
anybody else's. Every operation and every status that docs/openapi.json names is met here, and every answer fits its schema."""
import email
import email.policy
import json
import pathlib
import re
import signal
import socket
import sys

import jsonschema

from api import Client, https_config, message, token_for
from house import BINARY, House, run, until

POLICY = """
[[rule]]
name = "Gesundheitsdaten"
when = { direction = "outbound", keyword = "vertraulich" }
then = { encrypt = ["smime"], otherwise = "refuse" }

[[rule]]
name = "Erlaubt"
when = { direction = "outbound" }
then = { otherwise = "clear", transport = "any" }
"""
OPENAPI = json.loads((pathlib.Path(__file__).resolve().parents[2] / "docs" / "openapi.json").read_text())
SEEN = set()  # (path, method, status)


def operation_of(method, target):
    path = target.split("?")[0]
    for known in OPENAPI["paths"]:
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path):
            return known, OPENAPI["paths"][known].get(method.lower())
    return path, None


def resolved(schema):
    return {**schema, "components": OPENAPI["components"]}


def ask(client, method, target, body=None, **fields):
    """A request whose answer is held against the description of its operation."""
    status, headers, data = client.json(method, target, body, **fields)
    path, operation = operation_of(method, target)
    if operation is not None:
        assert str(status) in operation["responses"], f"{method} {path} answers {status}, which nothing documents: {data}"
        SEEN.add((path, method.lower(), str(status)))
        for media, content in operation["responses"][str(status)].get("content", {}).items():
            assert headers["content-type"] == media, (headers["content-type"], media)
            jsonschema.validate(data, resolved(content["schema"]), cls=jsonschema.Draft202012Validator)
    return status, headers, data


def examples():
    """The examples of the description fit its schemas."""
    for path, operations in OPENAPI["paths"].items():
        for operation in operations.values():
            contents = [operation.get("requestBody", {})] + list(operation["responses"].values())
            for content in (c for holder in contents for c in holder.get("content", {}).values()):
                if "example" in content:
                    jsonschema.validate(content["example"], resolved(content["schema"]), cls=jsonschema.Draft202012Validator)


def submit(h, client):
    status, headers, taken = ask(client, "POST", "/v1/messages", message(cc={"address": "zwei@aussen.example", "name": "Zwei \"Z\""}, bcc="drei@aussen.example",
                                 html="<p>Guten Tag</p>", attachments=[{"filename": "Bescheid Nr. 7 – ü.pdf", "type": "application/pdf", "content": "JVBERi0="}]))
    assert status == 202 and headers["location"] == "/v1/messages/" + taken["mid"], (status, taken)
    assert [r["decision"] for r in taken["recipients"]] == ["deliver"] * 3
    to = ["buerger@aussen.example", "drei@aussen.example", "zwei@aussen.example"]
    until("each recipient has it", lambda: sorted(a for m in h.internet.messages for a in m["to"]) == to)
    sent = h.internet.messages
    data = sent[0]["data"]
    assert b"\r\nMessage-ID: <" in data and b"\r\nDate: " in data and b"drei@" not in data and b"filename*=utf-8''Bescheid%20Nr.%207%20%E2%80%93%20%C3%BC.pdf" in data
    assert b"with HTTPS" in data
    return taken["mid"]


def look(h, client, mid, other):
    until("the message is closed", lambda: "closed" in ask(client, "GET", f"/v1/messages/{mid}")[2]["states"])
    status, _, seen = ask(client, "GET", f"/v1/messages/{mid}")
    assert status == 200 and {r["state"] for r in seen["recipients"]} == {"handed_over"} and len(seen["recipients"]) == 3
    assert seen["recipients"][0]["rule"] == "Erlaubt" and seen["timeline"][0]["event"] == "msg.accept"
    assert ask(client, "GET", f"/v1/messages/{mid}/receipts")[0] == 200
    _, headers, receipts = client.ask("GET", f"/v1/messages/{mid}/receipts")
    file = h.dir / "from-api.json"
    file.write_bytes(receipts)
    r = run(BINARY, "receipts", "verify", file, "--vkey", headers["log-vkey"], check=False)
    assert r.returncode == 0, r.stdout.decode() + r.stderr.decode()
    status, _, page = ask(client, "GET", "/v1/messages?limit=1")
    assert status == 200 and page["messages"][0]["mid"] == mid and page["messages"][0]["subject"] == "Bescheid"
    assert ask(client, "GET", "/v1/messages?limit=0")[0] == 422 and ask(client, "GET", "/v1/messages?nonsense=1")[0] == 422
    # somebody else's, nobody's and no id at all are told alike
    answers = [ask(c, "GET", target) for c, target in ((other, f"/v1/messages/{mid}"), (client, "/v1/messages/01ARZ3NDEKTSV4RRFFQ69G5FAV"), (client, "/v1/messages/x"))]
    assert {a[0] for a in answers} == {404} and len({json.dumps(a[2]) for a in answers}) == 1
    assert ask(other, "GET", f"/v1/messages/{mid}/receipts")[0] == 404
    assert ask(other, "GET", "/v1/messages")[2]["messages"] == []


def pages(client):
    mids = [ask(client, "POST", "/v1/messages", message(subject=f"Seite {n}"))[2]["mid"] for n in range(5)]
    seen, target = [], "/v1/messages?limit=2"
    while True:
        page = ask(client, "GET", target)[2]
        seen += [m["mid"] for m in page["messages"]]
        if "next" not in page:
            break
        target = "/v1/messages?limit=2&cursor=" + page["next"]
    assert seen[:5] == mids[::-1] and len(seen) == len(set(seen)), (seen, mids)


def mail(h, client):
    text = "From: amt53@stadt.example\nTo: <buerger@aussen.example>\nSubject: Datei\n\nZeile\n.\nEnde"
    def there():
        return [m for m in list(h.internet.messages) if b"Subject: Datei" in m["data"]]

    for body, why in ((text.encode(), "LF"), (text.replace("\n", "\r\n").encode(), "CRLF")):
        status, _, taken = ask(client, "POST", "/v1/messages", body, Content_Type="message/rfc822")
        assert status == 202, (why, taken)
    until("both files arrive", lambda: len(there()) == 2)
    assert all(m["data"].endswith(b"\r\n\r\nZeile\r\n.\r\nEnde\r\n") for m in there()), there()
    # the envelope of the query, a body in chunks, larger than the row of the store
    large = ("x" * 70 + "\r\n") * 6000
    pieces = iter([text.replace("\n", "\r\n").encode(), b"\r\n"] + [large[i:i + 9000].encode() for i in range(0, len(large), 9000)])
    status, _, taken = ask(client, "POST", "/v1/messages?mail_from=amt53%40stadt.example&rcpt_to=a%40aussen.example&rcpt_to=b%40aussen.example", pieces,
                           Content_Type="message/rfc822", Transfer_Encoding="chunked")
    assert status == 202 and [r["address"] for r in taken["recipients"]] == ["a@aussen.example", "b@aussen.example"], taken
    until("the large one arrives", lambda: any(len(m["data"]) > 400_000 for m in there()))
    for body, word in (("From: amt53@stadt.example\r\nTo: a@b.example\n\nx", "LF"), ("From: amt53@stadt.example\rTo: a@b.example\r\n\r\nx", "CR")):
        status, _, problem = ask(client, "POST", "/v1/messages", body.encode(), Content_Type="message/rfc822")
        assert status == 422 and word in problem["detail"], problem


def names(h, client):
    """Names as people have them leave addresses readable; an address beyond ASCII goes only where the next server can take it."""
    def there(subject):
        return until(subject + " arrives", lambda: [email.message_from_bytes(m["data"], policy=email.policy.default) for m in list(h.internet.messages)
                                                    if b"Subject: " + subject.encode() in m["data"]])

    sender, to = {"address": "amt53@stadt.example", "name": "Gesundheitsamt Münster"}, {"address": "a@aussen.example", "name": "Ümit, <x@y.example>"}
    status, _, taken = ask(client, "POST", "/v1/messages", message(**{"from": sender}, to=to, subject="Namen"))
    assert status == 202 and [r["address"] for r in taken["recipients"]] == ["a@aussen.example"], taken
    seen = there("Namen")[0]
    for field, meant in (("From", sender), ("To", to)):
        assert [(a.addr_spec, a.display_name) for a in seen[field].addresses] == [(meant["address"], meant["name"])], seen[field]
    status, _, taken = ask(client, "POST", "/v1/messages", message(to="jürgen@aussen.example", subject="Umlaut"))
    assert status == 202, taken
    until("the server that lacks SMTPUTF8 is not bothered with it", lambda: any(b"needs SMTPUTF8" in m["data"] for m in list(h.mailboxes.messages)))
    # named twice, in To and for the envelope: once
    status, _, taken = ask(client, "POST", "/v1/messages?mail_from=amt53@stadt.example&rcpt_to=a@aussen.example&rcpt_to=a@aussen.example",
                           b"From: amt53@stadt.example\nTo: a@aussen.example, a@aussen.example\nSubject: zweimal\n\nx", Content_Type="message/rfc822")
    assert status == 202 and len(taken["recipients"]) == 1, taken


def told(h, client):
    """Each refusal of somebody whom we know has its receipt, whatever it was that was wrong."""
    bad = ((b"{", "application/json", "", "bad_json"), (b'{"from":"amt53@stadt.example","to":"a@b.example","to":"c@d.example"}', "application/json", "", "bad_json"),
           (b'{"from":"amt53@stadt.example"}', "application/json", "", "bad_request"), (b"x", "text/plain", "", "media_type"),
           (b"From: amt53@stadt.example\rx", "message/rfc822", "", "malformed_message"), (b"From: amt53@stadt.example\n\nx", "message/rfc822", "", "no_recipients"),
           (b"From: amt53@stadt.example\n\nx", "message/rfc822", "?mail_from=amt53@stadt.example&mail_from=bauamt@stadt.example&rcpt_to=a@b.example", "bad_request"))
    for body, kind, query, word in bad:
        before = len(h.leaves("msg.reject"))
        status, _, problem = ask(client, "POST", "/v1/messages" + query, body, Content_Type=kind)
        assert 400 <= status < 500 and problem["type"].endswith(":" + word), (status, problem)
        assert [leaf["out"] for leaf in h.leaves("msg.reject")[before:]] == [word], word
    assert ask(client, "POST", "/v1/messages", message(), Idempotency_Key="")[0] == 400, "an empty key is no key and no promise"
    assert ask(client, "GET", "/v1/messages?limit=1&limit=2")[0] == 422
    assert ask(client, "GET", "/v1/preflight?from=amt53@stadt.example&from=bauamt@stadt.example&to=a@b.example")[0] == 422
    huge = b'{"to":[' + b"{}," * 3_000_000 + b"1]}"
    status, _, problem = client.ask("POST", "/v1/messages", huge, Content_Type="application/json")
    assert status == 422 and len(problem) < 1000, (status, len(problem))


def stopping(h, client):
    """An upload that is under way at the end is told so; nobody has to guess."""
    body = b"From: amt53@stadt.example\r\nTo: a@aussen.example\r\n\r\nx"
    client.close()
    sock = client.context.wrap_socket(socket.create_connection(("127.0.0.1", h.ports["https"]), 20), server_hostname="localhost")
    head = f"POST /v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {client.token}\r\nContent-Type: message/rfc822\r\nExpect: 100-continue\r\nContent-Length: {len(body) + 1}\r\n\r\n"
    sock.sendall(head.encode())
    assert sock.recv(100).startswith(b"HTTP/1.1 100 ")
    sock.sendall(body)
    h.process.send_signal(signal.SIGTERM)
    said = b""
    while piece := sock.recv(65536):
        said += piece
    assert said.startswith(b"HTTP/1.1 503 ") and b"Retry-After: " in said and b"Connection: close" in said, said
    sock.close()


def refusals(h, client, other):
    english = Client(h, client.token, language="en-GB,de;q=0.3")
    status, _, problem = ask(client, "POST", "/v1/messages", message(subject="[vertraulich] Befund"))
    assert status == 422 and "Schlüssel" in problem["detail"] and problem["type"] == "urn:amtsbote:problem:no_key" and problem["smtp"].startswith("550"), problem
    assert problem["recipients"][0]["reason"] == "no_key" and problem["recipients"][0]["rule"] == "Gesundheitsdaten"
    status, _, problem = ask(english, "POST", "/v1/messages", message(subject="[vertraulich] Befund"))
    assert status == 422 and "No usable key" in problem["detail"], problem
    status, _, problem = ask(client, "POST", "/v1/messages", message(**{"from": "bauamt@stadt.example"}))
    assert status == 403 and problem["type"].endswith("sender_not_yours"), problem
    status, _, problem = ask(client, "POST", "/v1/messages", message(to=["a@b.example\r\nBcc: x@y.example", "kein at"], subject="x", attachments=[{"content": "***"}], foo=1))
    assert status == 422 and {f["where"] for f in problem["faults"]} == {"to[0]", "to[1]", "attachments[0].content", "foo"}, problem
    assert ask(client, "POST", "/v1/messages", b'{"from":' + b'[' * 100_000, Content_Type="application/json")[0] == 422
    assert ask(client, "POST", "/v1/messages", b"x", Content_Type="text/plain")[0] == 415
    assert ask(client, "POST", "/v1/messages", b"x", Content_Type="message/rfc822", Content_Encoding="gzip")[0] == 415
    assert ask(client, "POST", "/v1/messages?foo=1", b"x", Content_Type="message/rfc822")[0] == 400
    assert ask(client, "POST", "/v1/messages", iter([b"{" + b" " * (1 << 20)] * 40), Content_Type="application/json", Transfer_Encoding="chunked")[0] == 413
    status, _, seen = ask(client, "GET", "/v1/preflight?from=amt53@stadt.example&to=buerger@aussen.example&subject=%5Bvertraulich%5D+x")
    assert status == 200 and seen["recipients"][0]["decision"] == "refuse" and "Gesundheitsdaten" in seen["recipients"][0]["trail"], seen
    assert ask(client, "GET", "/v1/preflight?to=x")[0] == 422
    assert ask(client, "GET", "/v1/preflight?from=bauamt@stadt.example&to=x@y.example")[0] == 403
    assert ask(Client(h, None), "GET", "/v1/openapi.json")[2] == OPENAPI
    for target in ("/v1/messages", "/v1/messages/x", "/v1/messages/x/receipts", "/v1/preflight"):
        for token in (None, "amtb_" + "A" * 43, "nonsense"):
            status, headers, problem = ask(Client(h, token), "GET", target)
            assert status == 401 and headers["www-authenticate"] == "Bearer", (target, token, problem)
    assert ask(Client(h, None), "POST", "/v1/messages", message())[0] == 401
    reader, writer = (Client(h, token_for(h, "amt53", "--scope", scope)["token"]) for scope in ("read", "submit"))
    assert ask(reader, "POST", "/v1/messages", message())[0] == 403
    for target in ("/v1/messages", "/v1/messages/x", "/v1/messages/x/receipts"):
        assert ask(writer, "GET", target)[0] == 403
    assert client.ask("DELETE", "/v1/messages")[0] == 405 and client.ask("GET", "/v2")[0] == 404
    revoked = token_for(h, "amt53")
    gone = Client(h, revoked["token"])
    assert ask(gone, "GET", "/v1/messages")[0] == 200
    h.cli("users", "token", "revoke", revoked["id"])
    assert ask(gone, "GET", "/v1/messages")[0] == 401, "a revoked token goes on"
    listed = {t["id"]: t for t in h.json("users", "token", "list")["tokens"]}
    assert revoked["id"] not in listed and any("last_used" in t for t in listed.values())


def certificates(h):
    known = Client(h, certificate=h.pki.issue("fachverfahren", "extendedKeyUsage=clientAuth\n"))
    status, _, taken = ask(known, "POST", "/v1/messages", message(**{"from": "bauamt@stadt.example"}))
    assert status == 202, taken
    assert ask(known, "POST", "/v1/messages", message())[0] == 403, "a certificate sends as another department"
    assert len(ask(known, "GET", "/v1/messages")[2]["messages"]) == 1
    assert ask(Client(h, certificate=h.pki.issue("fremd", "extendedKeyUsage=clientAuth\n")), "GET", "/v1/messages")[0] == 401


def repeated(h, client, other):
    first = ask(client, "POST", "/v1/messages", message(), Idempotency_Key="vorgang-1")
    again = ask(client, "POST", "/v1/messages", message(), Idempotency_Key="vorgang-1")
    assert first[0] == again[0] == 202 and first[2] == again[2] and first[1]["location"] == again[1]["location"]
    assert ask(client, "POST", "/v1/messages", message(subject="anders"), Idempotency_Key="vorgang-1")[0] == 422
    theirs = ask(other, "POST", "/v1/messages", message(**{"from": "bauamt@stadt.example"}), Idempotency_Key="vorgang-1")
    assert theirs[0] == 202 and theirs[2]["mid"] != first[2]["mid"], "the keys of two accounts are one"
    h.stop(9)
    h.start()
    client.close()
    client.port = h.ports["https"]
    assert ask(client, "POST", "/v1/messages", message(), Idempotency_Key="vorgang-1")[2] == first[2]


def certificate_change(h, client):
    """A reload changes the certificate for new connections; those that stand go on."""
    assert ask(client, "GET", "/v1/messages?limit=1")[0] == 200
    old = client.connection.sock.getpeercert(True)
    https_config(h)  # a new certificate in the same place
    assert h.json("reload")["ok"]
    sock = client.connection.sock
    assert ask(client, "GET", "/v1/messages?limit=1")[0] == 200 and client.connection.sock is sock
    fresh = Client(h, client.token)
    assert ask(fresh, "GET", "/v1/messages?limit=1")[0] == 200 and fresh.connection.sock.getpeercert(True) != old


def unavailable(h, client):
    """What SMTP answers with 4xx is 503 here."""
    h.cli("users", "list")
    target, mail = "/v1/messages?mail_from=amt53@stadt.example&rcpt_to=a@aussen.example", b"From: amt53@stadt.example\nTo: a@aussen.example\n\nx"
    taken = ask(client, "POST", target, mail, Content_Type="message/rfc822", Idempotency_Key="davor")
    (h.dir / "amtsbote.toml").write_text((h.dir / "amtsbote.toml").read_text().replace('free_space = "16MiB"', 'free_space = "900GiB"'))
    assert h.json("reload")["ok"]
    status, headers, problem = ask(client, "POST", "/v1/messages", message())
    assert status == 503 and headers["retry-after"] == "60" and problem["type"].endswith("disk_full"), problem
    assert ask(client, "POST", target, mail, Content_Type="message/rfc822")[0] == 503
    again = ask(client, "POST", target, mail, Content_Type="message/rfc822", Idempotency_Key="davor")
    assert taken[0] == again[0] == 202 and again[2] == taken[2], "what was taken is answered as something else later"
    (h.dir / "amtsbote.toml").write_text((h.dir / "amtsbote.toml").read_text().replace('free_space = "900GiB"', 'free_space = "16MiB"'))
    assert h.json("reload")["ok"]


def main():
    examples()
    with House(policy=POLICY) as h:
        h.extra = https_config(h)
        h.write_config()
        h.add_account()
        h.add_account("bau", addresses=("bauamt@stadt.example",))
        h.start()
        client, other = Client(h, token_for(h)["token"], language="de"), Client(h, token_for(h, "bau")["token"])
        mid = submit(h, client)
        look(h, client, mid, other)
        pages(client)
        mail(h, client)
        names(h, client)
        refusals(h, client, other)
        told(h, client)
        certificates(h)
        unavailable(h, client)
        certificate_change(h, client)
        other.close()
        repeated(h, client, other)
        stopping(h, client)
        assert h.stop() == 0
        h.fsck()
    documented = {(path, method, status) for path, operations in OPENAPI["paths"].items() for method, operation in operations.items() for status in operation["responses"]}
    # 503 of a look needs a store that cannot be read
    missing = {d for d in documented - SEEN if not (d[2] == "503" and d[1] == "get")}
    assert not missing, f"documented and never met: {sorted(missing)}"
    print(f"https: {len(SEEN)} of {len(documented)} documented answers met, each as its schema says")


if __name__ == "__main__":
    sys.exit(main())
