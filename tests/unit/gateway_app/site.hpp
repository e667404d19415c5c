// A small site in a directory of its own, and the command line run inside the test.
#pragma once

#include <sstream>

#include <boost/json/array.hpp>
#include <gtest/gtest.h>

#include "base/core/file.hpp"
#include "gateway/app/cli.hpp"
#include "gateway/app/command_table.hpp"
#include "gateway/app/control_handlers.hpp"
#include "gateway/app/control_local.hpp"
#include "gateway/config/load.hpp"
#include "gateway/pipeline/decide.hpp"
#include "gateway/pipeline/events.hpp"
#include "mail/message/inspect.hpp"

namespace app {

constexpr const char* k_config = R"([site]
hostname = "gw.stadt.example"
timezone = "Europe/Berlin"
policies = "policies"
control = "control"
audit = "audit"
state_directory = "state"

[secrets]
seal = { file = "seal.key" }
log = { file = "log.key" }

[[listener]]
role = "relay"
address = "127.0.0.1:10025"
networks = ["127.0.0.0/8"]
departments = ["gesundheitsamt"]

[[domain]]
name = "stadt.example"
route = "mailserver"

[[department]]
id = "gesundheitsamt"
addresses = ["amt53@stadt.example"]

[[route]]
name = "mailserver"
to = ["stadt.example"]
lmtp = "127.0.0.1:24"

[[route]]
name = "internet"
to = ["*"]
smtp = "127.0.0.1:2525"
)";

constexpr const char* k_strict = R"([[rule]]
name = "health"
when = { department = "gesundheitsamt" }
then = { encrypt = ["smime"], otherwise = "hold" }
)";
constexpr const char* k_lenient = R"([[rule]]
name = "health"
when = { department = "gesundheitsamt" }
then = { otherwise = "clear" }
)";

struct Ran {
  int code = 0;
  std::string out, err;
  json::object answer() const { return parse_line(out.substr(0, out.find('\n')), k_max_answer).value_or(json::object{}); }
};

class Site : public ::testing::Test {
 protected:
  Site() {
    std::string pattern = (base::fs::temp_directory_path() / "amtsbote-app-XXXXXX").string();
    m_dir = ::mkdtemp(pattern.data());
    put("amtsbote.toml", k_config);
    put("policies/10.toml", k_strict);
    put("seal.key", std::string(32, 's'), 0400);
    put("log.key", std::string(32, 'l'), 0400);
  }
  ~Site() override { base::fs::remove_all(m_dir); }

  void put(const std::string& name, const std::string& text, unsigned mode = 0644) {
    base::fs::create_directories((m_dir / name).parent_path());
    ASSERT_TRUE(base::write_file_durably(m_dir / name, text, mode));
  }
  config::OptionsPtr options() {
    auto loaded = config::load_config(m_dir / "amtsbote.toml");
    for (const auto& fault : loaded.faults) ADD_FAILURE() << policies::format_fault(fault);
    return loaded.options;
  }
  static Ran run(std::vector<std::string> arguments, const std::string& input = {}) {
    std::istringstream in(input);
    std::ostringstream out, err;
    Ran ran;
    ran.code = run_command_line(arguments, in, out, err);
    ran.out = out.str();
    ran.err = err.str();
    return ran;
  }
  Ran at_site(std::vector<std::string> arguments, const std::string& input = {}) {
    arguments.insert(arguments.end(), {"--config", (m_dir / "amtsbote.toml").string()});
    return run(std::move(arguments), input);
  }

  // A message of amt53 to a citizen without a key, held for that, as the intake would have stored it.
  base::MessageId store_held(Live& live, store::State state = store::State::held) {
    const base::Timestamp now = live.now();
    const std::string text = "From: <amt53@stadt.example>\r\nTo: <buerger@example.org>\r\nSubject: Befund 53-4711/26\r\n\r\nGeheim\r\n";
    pipeline::MessageRecord record;
    record.origin = {policies::ListenerRole::relay, "127.0.0.1:10025", policies::Proof::network, "127.0.0.0/8", "gesundheitsamt"};
    record.reverse_path = *mail::Address::parse("amt53@stadt.example");
    record.from = "amt53@stadt.example";
    record.subject = "Befund 53-4711/26";
    record.message_id = "<1@stadt.example>";
    record.protocol = "ESMTP";
    record.receipt = base::EventId::make(now);
    record.language = "de";
    pipeline::RecipientRecord recipient;
    recipient.address = *mail::Address::parse("buerger@example.org");
    recipient.expires = now + std::chrono::hours{48};
    const auto facts = mail::inspect(base::ByteView(text));
    recipient.decision = pipeline::decide_one(*live.snapshot(), {record.origin, record.reverse_path, &facts, nullptr, now}, recipient.address, recipient.direction);
    store::NewMessage m;
    m.id = live.store().reserve_id();
    m.mid = base::MessageId::make(now);
    m.key = crypto::seal::make_message_key();
    m.received = now;
    m.body = {store::Store::seal_body(m.mid, m.key, text), {}, text.size()};
    m.record = pipeline::encode(record);
    m.recipients.push_back({state, now, "internet", static_cast<int>(recipient.decision.reason), pipeline::encode(recipient)});
    m.tags = {"amt53@stadt.example", "stadt.example", "<1@stadt.example>", "department:gesundheitsamt", "buerger@example.org", "example.org", "subject:befund",
              "subject:53-4711/26"};
    const base::MessageId mid = m.mid;
    store::Change change;
    const pipeline::EventTime at{now, live.snapshot()->cfg};
    change.events.push_back(pipeline::accept_event(at, mid, record, {recipient}, text.size(), base::sha256(text), {}));
    change.events.push_back(pipeline::decide_event(at, mid, 0, recipient));
    if (state == store::State::held) change.events.push_back(pipeline::hold_event(at, mid, 0, "policy", "no_key"));
    change.inserts.push_back(std::move(m));
    const auto done = live.store().commit_and_wait(std::move(change));
    EXPECT_TRUE(done) << done.error().describe();
    return mid;
  }

  base::fs::path m_dir;
};

}  // namespace app
