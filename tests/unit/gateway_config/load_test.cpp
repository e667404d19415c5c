#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/core/digest.hpp"
#include "base/core/errors.hpp"
#include "gateway/config/errors.hpp"
#include "gateway/config/load.hpp"
#include "gateway/config/net_values.hpp"
#include "gateway/config/secret.hpp"

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
log = { credential = "amtsbote.log" }

[tls.gw]
certificate = "gw.pem"
key = { file = "gw.key" }

[[listener]]
role = "submission"
address = "[::]:587"
tls = "gw"

[[listener]]
role = "relay"
address = "127.0.0.1:10025"
networks = ["127.0.0.0/8"]
departments = ["gesundheitsamt"]

[[domain]]
name = "Stadt.example"
route = "mailserver"
recipients = { file = "recipients.txt" }

[[domain]]
name = "gesundheit.stadt.example"

[[department]]
id = "gesundheitsamt"
addresses = ["Amt53@stadt.example", "*@gesundheit.stadt.example"]

[[department]]
id = "hauptamt"
addresses = ["amt10*@stadt.example"]
language = "en"
notify = "sent"

[[identity]]
addresses = ["amt53@stadt.example"]
smime = "0123456789abcdef"

[[route]]
name = "mailserver"
to = ["stadt.example", "*.stadt.example"]
lmtp = "127.0.0.1:24"

[[route]]
name = "internet"
to = ["*"]
smtp = "relay.example.net:587"
)";

constexpr const char* k_rules = R"([[rule]]
name = "health"
when = { department = "gesundheitsamt" }
then = { encrypt = ["smime"], otherwise = "refuse" }
)";

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() {
    std::string pattern = (fs::temp_directory_path() / "amtsbote-config-XXXXXX").string();
    m_dir = ::mkdtemp(pattern.data());
    put("gw.pem", "x");
    put("recipients.txt", "amt53@stadt.example # health\r\n\nAmt10@Stadt.example\n");
    put("policies/10.toml", k_rules);
  }
  ~ConfigTest() override { fs::remove_all(m_dir); }

  void put(const std::string& name, const std::string& text) {
    fs::create_directories((m_dir / name).parent_path());
    ASSERT_TRUE(base::write_file_durably(m_dir / name, text));
  }
  Loaded load(const std::string& text = k_good) {
    put("amtsbote.toml", text);
    return load_config(m_dir / "amtsbote.toml");
  }
  // Faults without the directory, errors and warnings.
  std::vector<std::string> faults(const std::string& text) {
    std::vector<std::string> out;
    for (const auto& f : load(text).faults) {
      std::string line = policies::format_fault(f);
      if (line.rfind(m_dir.string() + "/", 0) == 0) line.erase(0, m_dir.string().size() + 1);
      out.push_back(line);
    }
    return out;
  }
  // The good config with one text replaced must have a fault that holds `expected`, at the line of the replacement.
  void expect_fault(const std::string& from, const std::string& to, const std::string& expected) {
    std::string text = k_good;
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const auto all = faults(text);
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const auto& f) { return f.find(expected) != std::string::npos; }))
        << expected << "\n"
        << ::testing::PrintToString(all);
  }

  fs::path m_dir;
};

TEST_F(ConfigTest, GoodConfig) {
  const auto loaded = load();
  for (const auto& f : loaded.faults) ADD_FAILURE() << policies::format_fault(f);
  ASSERT_TRUE(loaded.options);
  const Options& o = *loaded.options;
  EXPECT_EQ(o.site.hostname, "gw.stadt.example");
  EXPECT_EQ(o.site.control, m_dir / "run/control");
  EXPECT_EQ(o.site.language, "de");
  EXPECT_EQ(o.limits.size.message, base::mib(100));
  EXPECT_EQ(o.limits.count.recipients, 1000u);
  EXPECT_EQ(o.retry.expiry, std::chrono::hours{48});
  EXPECT_TRUE(o.is_own_domain("stadt.example"));
  EXPECT_EQ(o.find_domain("stadt.example")->recipients, (std::set<std::string>{"amt10@stadt.example", "amt53@stadt.example"}));
  EXPECT_FALSE(o.find_domain("gesundheit.stadt.example")->recipients);
  const auto department = [&](const char* a) {
    const auto* d = o.department_of(*mail::Address::parse(a));
    return d != nullptr ? d->id : "";
  };
  EXPECT_EQ(department("AMT53@stadt.example"), "gesundheitsamt");
  EXPECT_EQ(department("egal@gesundheit.stadt.example"), "gesundheitsamt");
  EXPECT_EQ(department("Amt10-3@stadt.example"), "hauptamt");
  EXPECT_EQ(department("wer@stadt.example"), "");
  EXPECT_EQ(department("egal@x.gesundheit.stadt.example"), "");
  EXPECT_EQ(o.route_for("stadt.example")->name, "mailserver");
  EXPECT_EQ(o.route_for("web.example")->name, "internet");
  EXPECT_EQ(o.route_for("web.example")->transport, Transport::verified);
  EXPECT_EQ(o.find_route("mailserver")->transport, Transport::any);
  EXPECT_EQ(o.identity_of(*mail::Address::parse("AMT53@stadt.example"))->smime, std::vector<std::string>{"0123456789ABCDEF"});
  EXPECT_EQ(o.rules->rules().size(), 1u);
}

TEST_F(ConfigTest, RecipientsByProbe) {
  std::string text = k_good;
  const std::string listed = "recipients = { file = \"recipients.txt\" }";
  text.replace(text.find(listed), listed.size(), "recipients = { probe = true, absent = \"90s\" }");
  const auto loaded = load(text);
  ASSERT_TRUE(loaded.options);
  const auto* domain = loaded.options->find_domain("stadt.example");
  EXPECT_FALSE(domain->recipients);
  ASSERT_TRUE(domain->probe);
  EXPECT_EQ(domain->probe->known, std::chrono::hours{1});
  EXPECT_EQ(domain->probe->absent, std::chrono::seconds{90});
}

TEST_F(ConfigTest, Dns) {
  put("anchor", "");
  const auto plain = load();
  EXPECT_TRUE(plain.options->dns.forwarders.empty());
  EXPECT_EQ(plain.options->dns.timeout, std::chrono::seconds{10});
  EXPECT_EQ(plain.options->find_route("internet")->is_trial, false);
  const auto loaded = load("[dns]\nforwarders = [\"127.0.0.1:5300\", \"[2001:db8::1]:53\"]\ntrust_anchor = \"anchor\"\ninsecure = \"M\u00fcnchen.example\"\n" +
                           std::string(k_good));
  ASSERT_TRUE(loaded.options);
  EXPECT_EQ(loaded.options->dns.forwarders, (std::vector<std::string>{"127.0.0.1@5300", "2001:db8::1@53"}));
  EXPECT_EQ(loaded.options->dns.trust_anchor, m_dir / "anchor");
  EXPECT_EQ(loaded.options->dns.insecure, std::vector<std::string>{"xn--mnchen-3ya.example"});
}

TEST_F(ConfigTest, Reports) {
  const auto plain = load();
  ASSERT_TRUE(plain.options);
  EXPECT_EQ(plain.options->reports.minute, 6 * 60);
  const auto loaded = load("[reports]\nadministrators = \"a@stadt.example\"\nauditors = [\"b@x.example\", \"c@y.example\"]\nat = \"23:59\"\nalways = true\n" + std::string(k_good));
  ASSERT_TRUE(loaded.options);
  const ReportsOptions& r = loaded.options->reports;
  EXPECT_EQ(r.administrators.size(), 1U);
  EXPECT_EQ(r.auditors.at(1).text(), "c@y.example");
  EXPECT_EQ(r.minute, 23 * 60 + 59);
  EXPECT_TRUE(r.always);
  for (const char* wrong : {"at = \"24:00\"", "at = \"6:00\"", "at = \"06:60\"", "at = \"06:0a\"", "administrators = \"niemand\""})
    EXPECT_FALSE(load("[reports]\n" + std::string(wrong) + "\n" + std::string(k_good)).options) << wrong;
}

TEST_F(ConfigTest, MetricsListeners) {
  const auto with = [&](const std::string& lines) { return load(std::string(k_good) + "\n[[listener]]\nrole = \"metrics\"\n" + lines); };
  const auto good = with("address = \"127.0.0.1:9925\"\n");
  ASSERT_TRUE(good.options);
  EXPECT_EQ(good.options->metrics_listeners.size(), 1U);
  EXPECT_EQ(good.options->listeners.size(), load().options->listeners.size());  // nothing that a rule could name
  EXPECT_TRUE(with("address = \"0.0.0.0:9925\"\nnetworks = [\"10.0.0.0/8\"]\n").options);
  for (const char* wrong : {"address = \"0.0.0.0:9925\"\n", "address = \"[::]:9925\"\nnetworks = [\"::/0\"]\n", "address = \"127.0.0.1:9925\"\ntls = \"gw\"\n",
                            "address = \"127.0.0.1:9925\"\ndepartments = [\"gesundheitsamt\"]\n", "networks = \"10.0.0.0/8\"\n"})
    EXPECT_FALSE(with(wrong).options) << wrong;
}

TEST_F(ConfigTest, HashCoversEveryText) {
  const auto first = load();
  std::vector<std::string> names;
  std::string expected;
  for (const auto& t : first.options->texts) {
    names.push_back(t.name);
    expected += t.name + std::string(1, '\0') + std::to_string(t.text.size()) + "\n" + t.text;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"amtsbote.toml", "policies/10.toml", "recipients.txt"}));
  EXPECT_EQ(first.options->hash, base::to_hex(base::view(base::sha256(expected))));
  EXPECT_EQ(load().options->hash, first.options->hash);
  put("policies/10.toml", std::string(k_rules) + "# \n");
  EXPECT_NE(load().options->hash, first.options->hash);
}

TEST_F(ConfigTest, FaultsStandAtTheirPlaces) {
  const auto all = faults(R"([site]
hostname = "gw.stadt.example"
hostnmae = "x"
language = "fr"

[secrets]
seal = "geheim"

[limits]
message_size = "1GB"
recipients = 5
idle = 300
)");
  const std::vector<std::string> expected = {
      "amtsbote.toml:1:1: [[listener]] is missing",
      "amtsbote.toml:1:1: [[route]] is missing",
      "amtsbote.toml:1:1: [[domain]] is missing",
      "amtsbote.toml:3:1: site: unknown key \"hostnmae\"; did you mean \"hostname\"?",
      "amtsbote.toml:4:12: site.language = unknown value \"fr\" (known: de, en)",
      "amtsbote.toml:6:1: secrets: \"log\" is missing",
      "amtsbote.toml:7:8: secrets.seal must be { credential = \"…\" }, { file = \"…\" } or both: a secret never stands in this file",
      "amtsbote.toml:10:16: limits.message_size must be a size such as \"64KiB\" or \"20MiB\"",
      "amtsbote.toml:11:14: limits.recipients must be between 100 and 10000",
      "amtsbote.toml:12:8: limits.idle must be a string, not a number",
      "policies/10.toml:3:23: rule \"health\".when: unknown department \"gesundheitsamt\"",
  };
  EXPECT_EQ(all, expected);
}

TEST_F(ConfigTest, EachFault) {
  const struct {
    const char *from, *to, *expected;
  } rows[] = {
      {"departments = [\"gesundheitsamt\"]\n", "", "a relay must name its departments"},
      {"departments = [\"gesundheitsamt\"]", "departments = [\"gesundheitamt\"]", "did you mean \"gesundheitsamt\"?"},
      {"networks = [\"127.0.0.0/8\"]\n", "", "a relay must name networks or client_certificates"},
      {"networks = [\"127.0.0.0/8\"]", "networks = [\"0.0.0.0/0\"]", "that is everybody"},
      {"networks = [\"127.0.0.0/8\"]", "networks = [\"10.1.0.0/8\"]", "bits beyond its prefix"},
      {"address = \"127.0.0.1:10025\"", "address = \"192.0.2.1:25\"", "a relay that does not listen on loopback, or behind a proxy, needs tls"},
      {"address = \"127.0.0.1:10025\"", "address = \"[::]:587\"", "is taken by another listener"},
      {"address = \"127.0.0.1:10025\"", "address = \"mail.example:25\"", "must be an IP address and a port"},
      {"tls = \"gw\"", "tls = \"gx\"", "unknown name \"gx\"; did you mean \"gw\"?"},
      {"tls = \"gw\"\n", "", "passwords are taken over TLS only"},
      {"role = \"submission\"", "role = \"submision\"", "did you mean \"submission\"?"},
      {"route = \"mailserver\"", "route = \"mailsrver\"", "did you mean \"mailserver\"?"},
      {"to = [\"*\"]", "to = [\"*\"]\ntransport = \"any\"", "warning: route.transport = \"any\""},
      {"smtp = \"relay.example.net:587\"", "smtp = \"mx\"", "cannot be verified on an mx route"},
      {"smtp = \"relay.example.net:587\"", "smtp = \"mx\"\ntransport = \"dane\"", "cannot be dane on an mx route"},
      {"smtp = \"relay.example.net:587\"", "smtp = \"relay.example.net\"", "must be host:port or \"mx\""},
      {"smtp = \"relay.example.net:587\"", "smtp = \"a:1\"\nlmtp = \"b:2\"", "must have either smtp or lmtp"},
      {"smtp = \"relay.example.net:587\"", "smtp = \"r.example:587\"\naccount = \"x\"", "account and password go together"},
      {"smtp = \"relay.example.net:587\"",
       "smtp = \"r.example:587\"\ntransport = \"tls\"\naccount = \"x\"\npassword = { file = \"p\" }",
       "a password goes to nobody else"},
      {"to = [\"stadt.example\", \"*.stadt.example\"]", "to = [\"stadt.example\"]", ""},
      {"\"*@gesundheit.stadt.example\"", "\"*@anderswo.example\"", "lies in no domain of ours"},
      {"\"*@gesundheit.stadt.example\"", "\"amt53@stadt.example\"", "belongs to \"gesundheitsamt\" already"},
      {"addresses = [\"amt53@stadt.example\"]", "addresses = [\"amt53@web.example\"]", "lies in no domain of ours"},
      {"smime = \"0123456789abcdef\"\n", "", "must name an S/MIME or an OpenPGP key"},
      {"smime = \"0123456789abcdef\"", "smime = \"0123456789abcde\"", "is no fingerprint"},
      {"smime = \"0123456789abcdef\"", "openpgp = [\"0123456789abcdef\", \"amt53-schluessel-neu\"]", "is no fingerprint"},
      {"certificate = \"gw.pem\"", "certificate = \"fehlt.pem\"", "does not exist"},
      {"hostname = \"gw.stadt.example\"", "hostname = \"gw_stadt..example\"", "is no host name"},
      {"policies = \"policies\"", "policies = \"fehlt\"", "site.policies:"},
      {"policies = \"policies\"", "timezone = \"Europe/Berlim\"", "is not in the zone database"},
      {"audit = \"run/audit\"", "audit = \"run/control\"", "is the same as site.control"},
      {"log = { credential = \"amtsbote.log\" }", "log = { }", "must name a credential or a file"},
      {"[secrets]", "[[secrets]]", "write [secrets], once"},
      {"[[domain]]\nname = \"gesundheit.stadt.example\"", "[[domain]]\nname = \"stadt.example\"", "stands twice"},
      {"id = \"hauptamt\"", "id = \"Hauptamt\"", "must be lower-case letters"},
      {"recipients = { file = \"recipients.txt\" }", "recipients = { probe = false }", "must have either file or probe = true"},
      {"recipients = { file = \"recipients.txt\" }", "recipients = { file = \"recipients.txt\", probe = true }", "must have either file or probe = true"},
      {"recipients = { file = \"recipients.txt\" }", "recipients = { file = \"recipients.txt\", known = \"1h\" }", "has a meaning with probe only"},
      {"recipients = { file = \"recipients.txt\" }", "recipients = { probe = true, absent = \"2d\" }", "domain.recipients.absent must be between"},
      {"policies = \"policies\"", "partial = \"splt\"", "did you mean \"split\"?"},
      {"[secrets]", "[retry]\nexpiry = \"10m\"\n[secrets]", "warning: retry.expiry is below an hour"},
      {"[secrets]", "[dns]\nforwarders = \"ns.example:53\"\n[secrets]", "must be an IP address and a port"},
      {"[secrets]", "[dns]\nforwarders = \"127.0.0.1\"\n[secrets]", "must be an IP address and a port"},
      {"[secrets]", "[dns]\ntrust_anchor = \"fehlt.key\"\n[secrets]", "fehlt.key does not exist"},
      {"[secrets]", "[dns]\ntrust_anchor = \"none\"\n[secrets]", "warning: dns.trust_anchor = \"none\""},
      {"[secrets]", "[dns]\ninsecure = [\"a b\"]\n[secrets]", "is no domain"},
      {"[secrets]", "[dns]\ntimeout = \"2h\"\n[secrets]", "dns.timeout must be between"},
      {"smtp = \"relay.example.net:587\"", "smtp = \"relay.example.net:587\"\ntrial_port = 2525", "has a meaning with mx only"},
      {"smtp = \"relay.example.net:587\"", "smtp = \"mx\"\ntransport = \"tls\"\ntrial_port = 2525", "warning: route.trial_port is for trials"},
  };
  for (const auto& row : rows)
    if (*row.expected != '\0') expect_fault(row.from, row.to, row.expected);
}

TEST_F(ConfigTest, ProxiesAndSockets) {
  expect_fault("networks = [\"127.0.0.0/8\"]", "networks = [\"127.0.0.0/8\"]\nproxy_networks = \"::/0\"", "that he is somebody else");
  expect_fault("networks = [\"127.0.0.0/8\"]", "networks = [\"127.0.0.0/8\"]\nproxy_networks = [\"10.1.0.0/8\"]", "listener.proxy_networks: \"10.1.0.0/8\" is no network");
  expect_fault("networks = [\"127.0.0.0/8\"]", "networks = [\"127.0.0.0/8\"]\nproxy_networks = [\"127.0.0.1\"]", "or behind a proxy, needs tls");
  expect_fault("smtp = \"relay.example.net:587\"", "lmtp = \"unix:/run/lmtp\"\ntransport = \"tls\"", "has no meaning on a Unix socket");
}

TEST_F(ConfigTest, DomainWithoutRoute) {
  std::string text = k_good;
  text.replace(text.find("to = [\"stadt.example\", \"*.stadt.example\"]"), 41, "to = [\"stadt.example\"]");
  text.replace(text.find("to = [\"*\"]"), 10, "to = [\"*.de\"]");
  const auto all = faults(text);
  ASSERT_EQ(all.size(), 1u) << ::testing::PrintToString(all);
  EXPECT_NE(all[0].find("domain \"gesundheit.stadt.example\" has no route"), std::string::npos);
}

TEST_F(ConfigTest, IncludeTakesWholeFiles) {
  put("more/routes.toml", "[[route]]\nname = \"extra\"\nto = \"extra.example\"\nlmtp = \"unix:lmtp.sock\"\n");
  const auto loaded = load("include = \"more/routes.toml\"\n" + std::string(k_good));
  ASSERT_TRUE(loaded.options);
  EXPECT_EQ(loaded.options->find_route("extra")->socket, m_dir / "more/lmtp.sock");
  EXPECT_TRUE(loaded.options->find_route("extra")->is_loopback);
  put("more/routes.toml", "include = \"x\"\n[site]\nhostname = \"b.example\"\n");
  const auto all = faults("include = \"more/routes.toml\"\n" + std::string(k_good));
  EXPECT_EQ(all, (std::vector<std::string>{
                     "more/routes.toml:1:11: file.include stands in an included file: only the main file includes",
                     "more/routes.toml:2:1: [site] stands already in " + (m_dir / "amtsbote.toml").string() + ":2"}));
}

TEST_F(ConfigTest, FilesThatOthersMayWriteAreRefused) {
  put("amtsbote.toml", k_good);
  ::chmod((m_dir / "policies/10.toml").c_str(), 0666);
  auto loaded = load_config(m_dir / "amtsbote.toml");
  EXPECT_FALSE(loaded.options);
  ASSERT_EQ(loaded.faults.size(), 1u);
  EXPECT_NE(loaded.faults[0].message.find("can write it"), std::string::npos);
  ::chmod((m_dir / "amtsbote.toml").c_str(), 0664);
  EXPECT_FALSE(load_config(m_dir / "amtsbote.toml").options);
  EXPECT_FALSE(load_config(m_dir / "missing.toml").options);
}

TEST_F(ConfigTest, AFailedCaseIsAFault) {
  put("policies/tests/a.toml", R"([[case]]
name = "ohne Schlüssel"
message = { from = "amt53@stadt.example", to = "b@web.example" }
expect = { outcome = "deliver" }
)");
  const auto all = faults(k_good);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(
      all[0],
      "policies/tests/a.toml:1:1: case \"ohne Schlüssel\" failed: outcome: expected deliver, got refuse; decided by \"health\"");
  put("policies/tests/a.toml", R"([[case]]
name = "ohne Schlüssel"
message = { from = "amt53@stadt.example", to = "b@web.example" }
expect = { outcome = "refuse", reason = "no_key" }
[[case]]
name = "intern"
message = { from = "amt53@stadt.example", to = "amt10@stadt.example" }
expect = { rule = "health", encrypt = "none" }
)");
  EXPECT_TRUE(load().options);
}

TEST_F(ConfigTest, Secrets) {
  put("s", "geheim");
  ::chmod((m_dir / "s").c_str(), 0644);
  EXPECT_EQ(load_secret({"", m_dir / "s"}).error().code, base::k_bad_permissions);
  ::chmod((m_dir / "s").c_str(), 0400);
  EXPECT_EQ(load_secret({"", m_dir / "s"})->view(), "geheim");
  ::unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_EQ(load_secret({"s", {}}).error().code, k_no_credential);
  ::setenv("CREDENTIALS_DIRECTORY", m_dir.c_str(), 1);
  EXPECT_EQ(load_secret({"s", {}})->view(), "geheim");
  // both named: the credential inside a unit, even where it is missing; the file elsewhere
  put("elsewhere", "aus der Datei");
  ::chmod((m_dir / "elsewhere").c_str(), 0400);
  EXPECT_EQ(load_secret({"s", m_dir / "elsewhere"})->view(), "geheim");
  EXPECT_EQ(load_secret({"missing", m_dir / "elsewhere"}).error().code, base::k_not_found);
  ::unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_EQ(load_secret({"s", m_dir / "elsewhere"})->view(), "aus der Datei");
}

TEST(NetValues, Networks) {
  const auto in = [](const char* network, const char* address) { return parse_network(network)->contains(*parse_ip(address)); };
  EXPECT_TRUE(in("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(in("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(in("10.0.0.128/25", "10.0.0.200"));
  EXPECT_FALSE(in("10.0.0.128/25", "10.0.0.100"));
  EXPECT_TRUE(in("10.0.0.0/8", "::ffff:10.1.1.1"));
  EXPECT_TRUE(in("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(in("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_FALSE(in("::/0", "10.0.0.1"));
  EXPECT_TRUE(in("192.0.2.7", "192.0.2.7"));
  for (const char* bad : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "10.0.0.0/-1", "::1/129", "x"})
    EXPECT_FALSE(parse_network(bad)) << bad;
}

TEST(NetValues, HostPort) {
  EXPECT_TRUE(parse_host_port("[::1]:25")->is_loopback);
  EXPECT_TRUE(parse_host_port("127.0.0.9:25")->is_loopback);
  EXPECT_FALSE(parse_host_port("[::]:25")->is_loopback);
  EXPECT_EQ(parse_host_port("Mail.Example:587")->host, "mail.example");
  for (const char* bad : {"", ":25", "a", "a:", "a:65536", "a:-1", "::1:25", "[a]:25", "[::1]", "a b:25", "a:25 "})
    EXPECT_FALSE(parse_host_port(bad)) << bad;
}

}  // namespace
}  // namespace config
