"""Recipients that do not exist are refused in the dialogue, as the internal server says; where it says nothing, the answer is later, never no.
The same by HTTPS, where one answer is for all recipients."""
from api import Client, https_config, message, token_for
from house import House, Sink, until

NOBODY, ODD, OLD = "weg@stadt.example", "seltsam@stadt.example", "alt@stadt.example"


def by_https(h, asked):
    client = Client(h, token_for(h)["token"], language="de")

    def submit(*to, **more):
        return client.json("POST", "/v1/messages", message(to=list(to), **more))

    # one that does not exist: nobody gets it, each that stands in the way has his reason, and one that is only unknown does not hide it
    before = len(h.leaves("msg.reject"))
    status, _, problem = submit("amt53@stadt.example", NOBODY, ODD)
    assert status == 422 and problem["type"] == "urn:amtsbote:problem:unknown_recipient" and problem["smtp"] == "550 5.1.1", problem
    assert NOBODY + " gibt es hier nicht" in problem["detail"], problem
    assert {r["address"]: (r["decision"], r["reason"]) for r in problem["recipients"]} == {
        NOBODY: ("refuse", "unknown_recipient"), ODD: ("later", "recipient_unchecked")}, problem
    refusals = h.leaves("msg.reject")[before:]
    assert [(leaf["out"], leaf["rc"]) for leaf in refusals] == [("unknown_recipient", {"code": 550, "enh": "5.1.1"})], refusals
    # no answer about the mailbox is no answer: later
    status, headers, problem = submit("amt53@stadt.example", ODD)
    assert status == 503 and int(headers["retry-after"]) > 0 and problem["smtp"] == "451 4.4.1", problem
    assert [r["reason"] for r in problem["recipients"]] == ["recipient_unchecked"], problem
    # as a message that is streamed, with the envelope of the query or of its own header
    text = f"From: amt53@stadt.example\r\nTo: {NOBODY}\r\nSubject: Datei\r\n\r\nx\r\n".encode()
    for query in ("", f"?mail_from=amt53@stadt.example&rcpt_to={NOBODY}"):
        status, _, problem = client.json("POST", "/v1/messages" + query, text, Content_Type="message/rfc822")
        assert status == 422 and problem["type"].endswith(":unknown_recipient"), problem
    # what both doors learned they remember together; a refusal under a key is not remembered as an answer
    assert asked(NOBODY) == 1 and asked("amt53@stadt.example") == 1, h.mailboxes.asked
    assert client.json("POST", "/v1/messages", message(to=NOBODY), Idempotency_Key="k")[0] == 422
    # preflight asks what a submission would ask, and not for a sender who may not send
    status, _, seen = client.json("GET", f"/v1/preflight?from=amt53@stadt.example&to=amt53@stadt.example&to={NOBODY}&to={ODD}&to=frei@stadt.example")
    assert status == 200 and [(r["decision"], r.get("reason")) for r in seen["recipients"]] == [
        ("deliver", None), ("refuse", "unknown_recipient"), ("later", "recipient_unchecked"), ("deliver", None)], seen
    assert "gibt es hier nicht" in seen["recipients"][1]["detail"] and asked("frei@stadt.example") == 1, seen
    assert client.json("GET", "/v1/preflight?from=bauamt@stadt.example&to=neu@stadt.example")[0] == 403 and asked("neu@stadt.example") == 0
    client.close()


def main():
    with House() as h:
        h.extra = https_config(h)
        def configure(more=""):
            h.write_config()
            text = h.config.read_text().replace('name = "stadt.example"\n', 'name = "stadt.example"\nrecipients = { probe = true' + more + ' }\n', 1)
            h.config.write_text(text)

        configure()
        h.add_account()
        h.mailboxes.answers.update({"rcpt " + NOBODY: "550 5.1.1 no such user", "rcpt " + ODD: "550 5.7.1 not you", "rcpt " + OLD: "550 unbekannt"})
        h.start()
        s = h.client("mx")
        s.ehlo("fremd.example")

        def rcpt(to, role=s):
            role.mail("x@fremd.example" if role is s else "bauamt@stadt.example")
            code, text = role.rcpt(to)
            role.rset()
            return code, text.decode()

        def asked(address):
            return h.mailboxes.asked.count(address)

        assert rcpt("amt53@stadt.example")[0] == 250
        assert rcpt(NOBODY) == (550, "5.1.1 No such recipient")
        assert rcpt(OLD)[0] == 550
        # a no that is not about the mailbox is none
        assert rcpt(ODD)[0] == 451
        # asked once, remembered; what was not known is asked again
        for _ in range(3):
            assert rcpt("AMT53@Stadt.example")[0] == 250 and rcpt(NOBODY)[0] == 550 and rcpt(ODD)[0] == 451
        assert (asked("amt53@stadt.example"), asked(NOBODY), asked(ODD)) == (1, 1, 4), h.mailboxes.asked
        by_https(h, asked)
        # the domain beside it is not asked about, own users are told in their language
        assert rcpt("egal@gesundheit.stadt.example")[0] == 250 and asked("egal@gesundheit.stadt.example") == 0
        own = h.client("relay")
        own.ehlo()
        code, text = rcpt(NOBODY, own)
        assert code == 550 and "gibt es hier nicht" in text, text
        own.close()
        # nothing but questions arrived, and mail to one that exists goes its way
        assert not h.mailboxes.messages and h.mailboxes.attempts == 0
        h.submit(["amt53@stadt.example"], sender="x@fremd.example", role="mx")
        assert h.mailboxes.wait(1)[0]["to"] == ["amt53@stadt.example"]
        client = Client(h, token_for(h)["token"])
        assert client.json("POST", "/v1/messages", message(to="amt53@stadt.example"))[0] == 202
        client.close()
        h.mailboxes.wait(2)

        # the server is away: what is remembered stands, everything else is later
        port = h.mailboxes.port
        h.mailboxes.close()
        h.mailboxes = Sink(lmtp=True)  # on another port: the route still leads to the old one
        h.stop()
        text = h.config.read_text()
        h.start()
        s = h.client("mx")
        s.ehlo("fremd.example")
        assert f":{port}" in text
        s.mail("x@fremd.example")
        assert s.rcpt("amt53@stadt.example")[0] == 451
        s.rset()
        s.close()
        client = Client(h, token_for(h)["token"])
        status, headers, problem = client.json("POST", "/v1/messages", message(to="amt53@stadt.example"))
        assert status == 503 and "retry-after" in headers and problem["type"].endswith(":recipient_unchecked"), problem
        client.close()

        # forgotten after the time that the configuration names
        configure(', known = "1s", absent = "1s"')
        h.mailboxes.answers["rcpt " + NOBODY] = "550 5.1.1 no such user"
        h.cli("reload")
        s = h.client("mx")
        s.ehlo("fremd.example")
        s.mail("x@fremd.example")
        assert s.rcpt(NOBODY)[0] == 550
        h.mailboxes.answers.pop("rcpt " + NOBODY)
        s.close()

        def found():
            again = h.client("mx")
            again.ehlo("fremd.example")
            again.mail("x@fremd.example")
            code, _ = again.rcpt(NOBODY)
            again.close()
            return code == 250

        until("the new mailbox is found", found)
        assert h.stop() == 0


if __name__ == "__main__":
    main()
    print("recipients: good")
