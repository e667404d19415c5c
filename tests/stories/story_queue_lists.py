"""A next hop is down for a while: lists narrow to what somebody asks for, and one command tries all of its route again."""
from house import House, Sink, until

ROUTE = """
[[route]]
name = "partner"
to = ["partner.example"]
smtp = "127.0.0.1:{port}"
transport = "any"
"""


def main():
    with House(retry='first = "30m"\nmost = "1h"') as h:
        partner = Sink(answers={"rcpt": "451 4.2.0 busy"})
        text = h.config.read_text()
        at = text.index('[[route]]\nname = "internet"')
        h.config.write_text(text[:at] + ROUTE.format(port=partner.port) + "\n" + text[at:])
        (h.dir / "policies" / "10.toml").write_text(h.policy.replace('otherwise = "refuse"', 'otherwise = "hold"'))
        h.add_account()
        h.add_account("bau", "geheim", ("bauamt@stadt.example",))
        h.internet.answers["rcpt"] = "451 4.2.0 busy"
        h.start()
        bau = {"sender": "bauamt@stadt.example", "login": ("bau", "geheim")}
        for n in range(3):
            h.submit(to=[f"a{n}@partner.example"], **bau)
        h.submit(to=["b@x.example"], **bau)
        h.submit(to=["c@partner.example"])  # held: no key, and the rule says so

        def rows(*args):
            return [r for m in h.json("queue", "list", *args)["messages"] for r in m["recipients"]]

        until("all have been tried", lambda: [r["attempts"] for r in rows() if r["state"] == "due"] == [1] * 4)
        # the notice about the hold is on its way to the mailbox, or gone
        for args, count in ((("--route", "partner"), 4), (("--domain", "partner.example"), 4), (("--domain", "X.example"), 1), (("--department", "bauamt"), 4),
                            (("--department", "gesundheitsamt"), 1), (("--account", "bau"), 4), (("--reason", "held_by_rule"), 1),
                            (("--held", "--domain", "partner.example"), 1), (("--older-than", "1h"), 0), (("--route", "partner", "--limit", "2"), 2)):
            assert len(rows(*args)) == count, (args, rows(*args))
        assert h.cli("queue", "list", "--reason", "laune", check=False).returncode == 2
        assert h.cli("queue", "list", "--older-than", "bald", check=False).returncode == 2
        for wrong in ((), ("01JQ3V5R8WPZ6T0X2B4N7M9K1C", "--route", "partner")):
            assert h.cli("queue", "retry", *wrong, check=False).returncode == 2
        assert h.cli("queue", "retry", "--older-than", "1h", check=False).returncode == 1  # nothing is that old

        del partner.answers["rcpt"]
        h.internet.answers.clear()
        assert h.json("queue", "retry", "--route", "partner")["retried"] == 3
        partner.wait(3)
        until("the other route waits", lambda: [r["route"] for r in rows() if r["state"] == "due"] == ["internet"])
        assert not h.internet.messages and [r["state"] for r in rows("--route", "partner")] == ["held"]
        assert h.json("queue", "retry", "--department", "bauamt", "--domain", "x.example")["retried"] == 1
        h.internet.wait(1)
        h.stop()
        h.fsck()
        partner.close()


main()
