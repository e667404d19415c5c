"""Recipients that do not exist are refused in the dialogue, as the internal server says; where it says nothing, the answer is later, never no."""
from house import House, Sink, until

NOBODY, ODD, OLD = "weg@stadt.example", "seltsam@stadt.example", "alt@stadt.example"


def main():
    with House() as h:
        def configure(more=""):
            h.write_config()
            text = h.config.read_text().replace('name = "stadt.example"\n', 'name = "stadt.example"\nrecipients = { probe = true' + more + ' }\n', 1)
            h.config.write_text(text)

        configure()
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
