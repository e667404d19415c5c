#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>

#include "gateway/config/load.hpp"

namespace config {
namespace {

namespace fs = base::fs;

constexpr const char* k_good = R"([site]
hostname = "gw.stadt.example"
policies = "policies"
control = "run/control"
audit = "run/audit"
state_directory = "state"

[secrets]
seal = { file = "seal.key" }
log = { file = "log.key" }

[tls.gw]
certificate = "gw.pem"
key = { file = "gw.key" }
client_anchors = "anchors.pem"

[[listener]]
role = "submission"
address = "[::]:587"
tls = "gw"

[[listener]]
role = "demail"
address = "[::]:2526"
tls = "gw"
client_certificates = ["mta.anbieter.example"]
accounts = ["stadt"]

[[domain]]
name = "stadt.example"
recipients = ["amt53@stadt.example", "amt10@stadt.example", "poststelle@stadt.example"]

[[domain]]
name = "kultur.stadt.example"

[[department]]
id = "gesundheitsamt"
addresses = ["amt53@stadt.example"]

[[department]]
id = "kulturamt"
addresses = ["amt10@stadt.example", "*@kultur.stadt.example"]

[[route]]
name = "mailserver"
to = ["*.example"]
lmtp = "127.0.0.1:24"

[demail]
domains = ["*.anbieter.example"]
anchors = "anchors.pem"

[[demail_account]]
name = "stadt"
provider = "de-mail.anbieter.example"
smtp = "127.0.0.1:2525"
client_certificate = "gw.pem"
client_key = { file = "gw.key" }
level = "high"
retrieve = true
domains = ["stadt.de-mail.de"]
addresses = { "Amt53@Stadt.example" = "Gesundheit@stadt.de-mail.de", "*@kultur.stadt.example" = "*@stadt.de-mail.de" }
default_mailbox = "poststelle@stadt.example"
poll = "imaps://imap.anbieter.example:993"
poll_user = "stadt"
poll_password = { file = "poll.key" }
poll_every = "5s"

[[demail_account]]
name = "kultur"
provider = "fp-demail.de"
smtp = "submit.fp-demail.de:465"
implicit_tls = true
user = "kultur"
password = { credential = "kultur" }
domains = ["kultur.fp-demail.de"]
addresses = { "amt10@stadt.example" = "amt10@kultur.fp-demail.de", "*@stadt.example" = "poststelle@kultur.fp-demail.de" }
default_mailbox = "amt10@stadt.example"
valid_until = "2027-06-30"
poll = "pop3s://pop.fp-demail.de:995"
poll_user = "kultur"
poll_password = { file = "poll.key" }
)";

mail::Address address(const char* text) { return *mail::Address::parse(text); }
base::Timestamp moment(const char* text) { return *base::parse_utc(text); }

class DeMailConfig : public ::testing::Test {
 protected:
  DeMailConfig() {
    std::string pattern = (fs::temp_directory_path() / "amtsbote-config-XXXXXX").string();
    m_dir = ::mkdtemp(pattern.data());
    put("gw.pem", "x");
    put("anchors.pem", "x");
    put("policies/10.toml",
        "[[rule]]\nname = \"r\"\nwhen = { recipient_domain = \"@demail\" }\nthen = { carrier = \"demail\" }\n");
  }
  ~DeMailConfig() override { fs::remove_all(m_dir); }

  void put(const std::string& name, const std::string& text) {
    fs::create_directories((m_dir / name).parent_path());
    ASSERT_TRUE(base::write_file_durably(m_dir / name, text));
  }
  Loaded load(const std::string& text = k_good) {
    put("amtsbote.toml", text);
    return load_config(m_dir / "amtsbote.toml");
  }
  static std::string changed(const std::string& from, const std::string& to, std::string text = k_good) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }
  // Each account is told about; that has a test of its own.
  static bool is_send_only(const std::string& line) { return line.find("counts no De-Mail against the limits of a day") != std::string::npos; }
  std::vector<std::string> faults(const std::string& text) {
    std::vector<std::string> out;
    for (const auto& f : load(text).faults) {
      std::string line = policies::format_fault(f);
      if (is_send_only(line)) continue;
      if (line.rfind(m_dir.string() + "/", 0) == 0) line.erase(0, m_dir.string().size() + 1);
      out.push_back(line);
    }
    return out;
  }

  fs::path m_dir;
};

TEST_F(DeMailConfig, AccountsAndTheirRoutes) {
  const auto loaded = load();
  for (const auto& f : loaded.faults) EXPECT_TRUE(is_send_only(policies::format_fault(f))) << policies::format_fault(f);
  EXPECT_EQ(loaded.faults.size(), loaded.options->demail.accounts.size());
  ASSERT_TRUE(loaded.options);
  const DeMailOptions& d = loaded.options->demail;
  EXPECT_EQ(d.overdue, std::chrono::hours{8});
  EXPECT_EQ(d.uncertain, std::chrono::minutes{30});
  EXPECT_EQ(d.most, base::mib(20));
  EXPECT_EQ(d.anchors, m_dir / "anchors.pem");
  ASSERT_EQ(d.accounts.size(), 2u);
  const DeMailAccountOptions& stadt = *d.find_account("stadt");
  EXPECT_TRUE(stadt.high && stadt.may_retrieve);
  EXPECT_EQ(stadt.messages_a_day, 0u);
  EXPECT_EQ(stadt.poll.kind, PollKind::imaps);
  EXPECT_EQ(stadt.poll.mailbox, "INBOX");
  EXPECT_EQ(stadt.poll.port, 993);
  EXPECT_EQ(stadt.poll.every, std::chrono::seconds{5});
  const RouteOptions& route = *loaded.options->find_route("demail:stadt");
  EXPECT_EQ(stadt.submission, route.name);
  EXPECT_EQ(route.kind, RouteKind::demail);
  EXPECT_EQ(route.transport, Transport::verified) << "on loopback, too";
  EXPECT_EQ(route.client_certificate, m_dir / "gw.pem");
  EXPECT_EQ(route.client_key.file, m_dir / "gw.key");
  const DeMailAccountOptions& kultur = *d.find_account("kultur");
  EXPECT_FALSE(kultur.high || kultur.may_retrieve);
  EXPECT_EQ(kultur.messages_a_day, 100u);
  EXPECT_EQ(kultur.recipients_a_day, 300u);
  EXPECT_EQ(kultur.poll.kind, PollKind::pop3s);
  EXPECT_EQ(kultur.poll.every, std::chrono::minutes{1});
  EXPECT_EQ(loaded.options->find_route("demail:kultur")->account, "kultur");
  EXPECT_TRUE(loaded.options->find_route("demail:kultur")->implicit_tls);
  EXPECT_EQ(d.find_account("x"), nullptr);
  EXPECT_EQ(loaded.options->listeners[1].role, ListenerRole::demail);
  EXPECT_EQ(loaded.options->listeners[1].accounts, std::vector<std::string>{"stadt"});
}

TEST_F(DeMailConfig, DomainsBesideTheKnownOnes) {
  const auto loaded = load();
  for (const char* yes : {"x@de-mail.de", "x@a.de-mail.de", "x@a.b.DE-MAIL.de", "x@fp-demail.de", "x@y.anbieter.example"})
    EXPECT_TRUE(loaded.options->demail.is_demail_address(address(yes))) << yes;
  for (const char* no : {"x@anbieter.example", "x@xde-mail.de", "x@de-mail.de.example", "x@web.de"})
    EXPECT_FALSE(loaded.options->demail.is_demail_address(address(no))) << no;
  EXPECT_EQ(loaded.options->route_for("a.de-mail.de"), nullptr) << "an account's next hop is for no domain";
}

TEST_F(DeMailConfig, WhoWritesAsWhom) {
  const auto loaded = load();
  const DeMailOptions& d = loaded.options->demail;
  const auto line = [&](const char* sender) {
    const auto found = d.line_of(address(sender));
    return found ? found->account->name + " " + found->demail : "";
  };
  EXPECT_EQ(line("amt53@stadt.example"), "stadt gesundheit@stadt.de-mail.de")
      << "an exact line goes before a domain's of another account";
  EXPECT_EQ(line("Museum@Kultur.Stadt.example"), "stadt museum@stadt.de-mail.de");
  EXPECT_EQ(line("amt10@stadt.example"), "kultur amt10@kultur.fp-demail.de");
  EXPECT_EQ(line("irgendwer@stadt.example"), "kultur poststelle@kultur.fp-demail.de");
  EXPECT_EQ(line("irgendwer@x.stadt.example"), "");
  EXPECT_EQ(line("x@web.example"), "");
  const auto mailbox = [&](const char* demail) {
    const auto found = d.mailbox_of(address(demail));
    return found ? found->text() : "";
  };
  EXPECT_EQ(mailbox("Gesundheit@stadt.de-mail.de"), "amt53@stadt.example");
  EXPECT_EQ(mailbox("museum@stadt.de-mail.de"), "museum@kultur.stadt.example");
  EXPECT_EQ(mailbox("amt10@kultur.fp-demail.de"), "amt10@stadt.example");
  EXPECT_EQ(mailbox("poststelle@kultur.fp-demail.de"), "amt10@stadt.example") << "everybody's address is nobody's mailbox";
  EXPECT_EQ(mailbox("unbekannt@kultur.fp-demail.de"), "amt10@stadt.example");
  EXPECT_EQ(mailbox("erika@anderswo.de-mail.de"), "");
}

TEST_F(DeMailConfig, FactsForPolicies) {
  const auto loaded = load();
  const DeMailOptions& d = loaded.options->demail;
  auto f = d.facts_of(address("amt53@stadt.example"), address("erika@x.de-mail.de"), moment("2026-12-31T22:59:59.999Z"));
  EXPECT_TRUE(f.is_demail_address && f.may_high && f.may_retrieve && !f.has_ended);
  EXPECT_EQ(f.account, "stadt");
  EXPECT_EQ(f.sender, "gesundheit@stadt.de-mail.de");
  f = d.facts_of(address("amt53@stadt.example"), address("erika@web.example"), moment("2026-12-31T23:00:00.000Z"));
  EXPECT_TRUE(f.has_ended) << "the day is over in Germany";
  EXPECT_FALSE(f.is_demail_address);
  f = d.facts_of(std::nullopt, address("erika@x.de-mail.de"), moment("2026-03-02T09:00:00.000Z"));
  EXPECT_TRUE(f.is_demail_address && f.account.empty());
  f = d.facts_of(address("amt10@stadt.example"), address("erika@x.de-mail.de"), moment("2026-03-02T09:00:00.000Z"));
  EXPECT_FALSE(f.may_high || f.may_retrieve);
}

// The last day in Germany, through both nights in which the clocks change.
TEST_F(DeMailConfig, LastDay) {
  const struct {
    const char *day, *end;
  } rows[] = {{"2027-06-30", "2027-06-30T22:00:00.000Z"}, {"2027-01-31", "2027-01-31T23:00:00.000Z"},
              {"2027-03-26", "2027-03-26T23:00:00.000Z"}, {"2027-03-27", "2027-03-27T23:00:00.000Z"},
              {"2027-03-28", "2027-03-28T22:00:00.000Z"}, {"2027-10-30", "2027-10-30T22:00:00.000Z"},
              {"2027-10-31", "2027-10-31T23:00:00.000Z"}, {"2028-02-29", "2028-02-29T23:00:00.000Z"}};
  for (const auto& row : rows) {
    const auto loaded = load(changed("valid_until = \"2027-06-30\"", std::string("valid_until = \"") + row.day + "\""));
    ASSERT_TRUE(loaded.options) << row.day;
    EXPECT_EQ(base::format_utc(loaded.options->demail.find_account("kultur")->valid_until), row.end);
  }
}

constexpr const char* k_wrong = R"([demail]
domain = "x"
overdue = "31d"
domains = ["*", "a b"]
[[demail_account]]
name = "Stadt"
provider = "web.example"
smtp = "anbieter.example"
retrieve = true
password = { file = "x" }
level = "hoch"
domains = ["stadt.example", "stadt.de-mail.de"]
valid_until = "31.12.2026"
messages_a_day = 0
poll = "imap://a:1"
poll_every = "10ms"
default_mailbox = "x@web.example"
[demail_account.addresses]
"amt53@stadt.example" = "amt53@web.de-mail.de"
"amt53@web.example" = "a@stadt.de-mail.de"
"niemand@stadt.example" = "*@stadt.de-mail.de"
"*@web.example" = "b@stadt.de-mail.de"
"amt10@stadt.example" = 1
)";

TEST_F(DeMailConfig, EveryFaultAtOnce) {
  const std::string text = std::string(k_good).substr(0, std::string(k_good).find("[demail]")) + k_wrong;
  const std::vector<std::string> expected = {
      "listener.accounts = unknown account \"stadt\"; did you mean \"Stadt\"?",
      "demail: unknown key \"domain\"; did you mean \"domains\"?",
      "demail.overdue must be between",
      "demail.domains: \"*\" is everybody",
      "demail.domains: \"a b\" is no domain",
      "demail_account.name must be lower-case letters",
      "demail_account.provider = \"web.example\" is no domain of De-Mail by demail.domains",
      "demail_account.smtp = \"anbieter.example\" must be host:port",
      "demail_account.retrieve needs level = \"high\"",
      "demail_account: user and password go together",
      "must have client_certificate, or user and password",
      "demail_account.level = unknown value \"hoch\"",
      "demail_account.domains: \"stadt.example\" is no domain of De-Mail by demail.domains",
      "demail_account.valid_until = \"31.12.2026\" must be a day",
      "demail_account.messages_a_day must be between",
      "demail_account.poll needs poll_user and poll_password",
      "demail_account.poll = \"imap://a:1\" must be",
      "demail_account.poll_every must be between",
      "demail_account.default_mailbox = \"x@web.example\" lies in no domain of ours",
      "\"amt53@web.de-mail.de\" lies in none of the account's domains",
      "\"amt53@web.example\" lies in no domain of ours",
      "\"niemand@stadt.example\" belongs to no department",
      "\"*@stadt.de-mail.de\" stands for many",
      "\"*@web.example\" names no domain of ours",
      "must have De-Mail addresses on the right",
      "demail.anchors is missing",
  };
  const auto all = faults(text);
  for (const auto& e : expected)
    EXPECT_EQ(std::count_if(all.begin(), all.end(),
                            [&](const auto& f) { return f.find(e) != std::string::npos && f.rfind("amtsbote.toml:", 0) == 0; }),
              1)
        << e;
  EXPECT_EQ(all.size(), expected.size()) << ::testing::PrintToString(all);
}

TEST_F(DeMailConfig, EachContradiction) {
  const struct {
    const char *from, *to, *expected;
  } rows[] = {
      {"name = \"kultur\"\n", "name = \"stadt\"\n", "= \"stadt\" stands twice"},
      {"name = \"kultur\"\n", "name = \"none\"\n", "and not \"none\""},
      {"name = \"mailserver\"", "name = \"demail:kultur\"", "which is the account's own name for it"},
      {"client_certificate = \"gw.pem\"\nclient_key = { file = \"gw.key\" }\n", "", "= \"high\" needs client_certificate"},
      {"client_key = { file = \"gw.key\" }\nlevel", "level", "client_certificate and client_key go together"},
      {"client_certificate = \"gw.pem\"", "client_certificate = \"fehlt.pem\"", "fehlt.pem does not exist"},
      {"anchors = \"anchors.pem\"\n\n", "anchors = \"fehlt.pem\"\n\n", "fehlt.pem does not exist"},
      {"domains = [\"kultur.fp-demail.de\"]", "domains = [\"kultur.fp-demail.de\", \"stadt.de-mail.de\"]",
       "belongs to the account \"stadt\" already"},
      {"\"amt10@stadt.example\" = ", "\"AMT53@stadt.example\" = ", "is mapped already, by the account \"stadt\""},
      {"\"*@stadt.example\" = \"poststelle@", "\"*@stadt.example\" = \"amt10@", ""},
      {"\"*@stadt.example\" = \"poststelle@kultur.fp-demail.de\"", "\"amt53@stadt.example\" = \"amt10@kultur.fp-demail.de\"",
       "which of them would get its mail?"},
      {"default_mailbox = \"amt10@stadt.example\"", "default_mailbox = \"amt11@stadt.example\"",
       "is not among the recipients of its domain"},
      {"poll = \"pop3s://pop.fp-demail.de:995\"", "poll = \"pop3s://pop.fp-demail.de:995/INBOX\"", "must be \"imaps://"},
      {"poll = \"pop3s://pop.fp-demail.de:995\"\n", "", "poll_user has a meaning with poll only"},
      {"poll = \"pop3s://pop.fp-demail.de:995\"\npoll_user = \"kultur\"\npoll_password = { file = \"poll.key\" }\n", "",
       "warning: demail_account \"kultur\" has neither poll nor"},
      {"client_certificates = [\"mta.anbieter.example\"]\n", "", "demail needs client_certificates"},
      {"client_anchors = \"anchors.pem\"\n", "", "= \"gw\" has no client_anchors"},
      {"tls = \"gw\"\nclient_certificates", "client_certificates", "demail needs tls"},
      {"accounts = [\"stadt\"]", "accounts = [\"stdat\"]", "did you mean \"stadt\"?"},
      {"accounts = [\"stadt\"]", "networks = [\"10.0.0.0/8\"]", "has no meaning for demail: the provider shows"},
      {"accounts = [\"stadt\"]", "departments = [\"gesundheitsamt\"]", "has a meaning for relay and https only"},
      {"address = \"[::]:587\"", "address = \"[::]:587\"\naccounts = [\"stadt\"]",
       "has a meaning for demail only, not for submission"},
      {"name = \"kultur.stadt.example\"", "name = \"kultur.de-mail.de\"", "is a domain of De-Mail: it belongs under"},
      {"recipients = [", "route = \"demail:stadt\"\nrecipients = [", "unknown route \"demail:stadt\""},
      {"lmtp = \"127.0.0.1:24\"",
       "smtp = \"mx\"\ntransport = \"tls\"\nclient_certificate = \"gw.pem\"\nclient_key = { file = \"x\" }",
       "client_certificate has no meaning with mx"},
      {"lmtp = \"127.0.0.1:24\"", "lmtp = \"127.0.0.1:24\"\nclient_certificate = \"gw.pem\"\nclient_key = { file = \"x\" }",
       "client_certificate needs TLS"},
      {"lmtp = \"127.0.0.1:24\"", "lmtp = \"127.0.0.1:24\"\nclient_key = { file = \"x\" }",
       "client_certificate and client_key go together"},
  };
  for (const auto& row : rows) {
    const auto all = faults(changed(row.from, row.to));
    if (*row.expected == '\0') {
      EXPECT_EQ(all, std::vector<std::string>{}) << row.to;
      continue;
    }
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const auto& f) { return f.find(row.expected) != std::string::npos; }))
        << row.expected << "\n"
        << ::testing::PrintToString(all);
  }
}

TEST_F(DeMailConfig, RulesCannotNameAnAccountsNextHop) {
  put("policies/10.toml", "[[rule]]\nname = \"r\"\nthen = { route = \"demail:stadt\" }\n");
  const auto all = faults(k_good);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_NE(all[0].find("unknown route \"demail:stadt\""), std::string::npos) << all[0];
}

// Cases beside the policies know the accounts and the domains of the configuration.
TEST_F(DeMailConfig, CasesKnowTheAccounts) {
  put("policies/tests/demail.toml", R"([[case]]
name = "by the account's line"
message = { from = "amt53@stadt.example", to = "erika@x.de-mail.de", subject = "[Persönlich] Befund" }
expect = { carrier = "demail", demail_account = "stadt", demail = ["dispatch", "receipt", "personal"], rule = "r" }
[[case]]
name = "after the last day"
message = { from = "amt53@stadt.example", to = "erika@x.de-mail.de", time = "2026-12-31T23:00:00Z" }
expect = { outcome = "refuse", reason = "demail_ended" }
)");
  EXPECT_EQ(faults(k_good), std::vector<std::string>{});
}

}  // namespace
}  // namespace config
