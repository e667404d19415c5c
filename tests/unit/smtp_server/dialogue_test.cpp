// The dialogues of tests/data/dialogues against the engine alone, each also cut off after every step.
#include <filesystem>
#include <fstream>

#include <fnmatch.h>
#include <gtest/gtest.h>

#include "base/core/bytes.hpp"
#include "smtp/server/engine.hpp"

namespace smtp::server {
namespace {

struct Step {
  char kind = 0;
  std::string text;
};
struct Dialogue {
  std::string role;
  std::vector<Step> steps;
};

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    if (c == 'x') {
      out += *base::parse_hex(text.substr(i + 1, 2));
      i += 2;
    } else {
      out += c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? '\0' : c;
    }
  }
  return out;
}

Dialogue load(const std::filesystem::path& path) {
  Dialogue out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("role: ")) {
      out.role = line.substr(6);
      continue;
    }
    const std::string text = line.size() > 3 ? line.substr(3) : "";
    switch (line[0]) {
      case 'C': out.steps.push_back({'C', text + "\r\n"}); break;
      case 'B': out.steps.push_back({'C', base::to_base64(text) + "\r\n"}); break;
      case 'R': out.steps.push_back({'C', unescape(text)}); break;
      case 'N': {
        const auto blank = text.find(' ');
        std::string many;
        for (int i = std::stoi(text); i > 0; --i) many += text.substr(blank + 1);
        out.steps.push_back({'C', many});
        break;
      }
      default: out.steps.push_back({line[0], text});
    }
  }
  return out;
}

Options options_for(const std::string& role) {
  Options o;
  o.hostname = "gw.stadt.example";
  o.starttls = true;
  o.need_tls = o.auth = o.need_auth = role == "submission";
  return o;
}

// Plays the gateway behind the engine: the accounts, domains and answers that the dialogues expect.
class Player {
 public:
  explicit Player(const Dialogue& d) : m_dialogue(d), m_engine(options_for(d.role), false) {}

  enum class End { hang_up, stop };

  // Runs the first `count` steps, then hangs up, or is stopped by the server. False with a message if the script does not hold.
  testing::AssertionResult run(std::size_t count, End how = End::hang_up) {
    for (std::size_t i = 0; i < count; ++i) {
      const Step& step = m_dialogue.steps[i];
      if (step.kind == 'C') {
        // neighbouring lines arrive as one piece
        m_pending += step.text;
        if (i + 1 < count && m_dialogue.steps[i + 1].kind == 'C') continue;
        pump();
        m_engine.received(std::exchange(m_pending, {}));
        pump();
      } else if (step.kind == 'S') {
        pump();
        if (auto ok = expect(step.text); !ok) return ok << " at step " << i;
      } else if (step.kind == 'T') {
        if (!m_tls_wanted) return testing::AssertionFailure() << "no handshake wanted at step " << i;
        m_tls_wanted = false;
        m_engine.tls_started();
      } else if (step.kind == 'X') {
        pump();
        if (!m_closed) return testing::AssertionFailure() << "still open at step " << i;
      }
    }
    pump();  // what is due before the end
    if (!m_closed) {
      const bool can_speak = !std::exchange(m_tls_wanted, false);
      m_output.clear();
      if (how == End::stop && can_speak)
        m_engine.stop();
      else
        m_engine.closed();
      pump();
      if (how == End::stop && can_speak && m_output != "421 4.3.2 gw.stadt.example is shutting down, try again later\r\n")
        return testing::AssertionFailure() << "stopped with " << m_output << " after " << count;
    }
    if (!m_closed || m_body_open) return testing::AssertionFailure() << "not closed, or a body left behind, after " << count;
    return testing::AssertionSuccess();
  }

  std::vector<std::string> messages;

 private:
  void pump() {
    while (!m_closed && !m_tls_wanted) {
      Action action = m_engine.next();
      if (std::holds_alternative<Read>(action)) return;
      act(std::move(action));
    }
  }

  void act(Action action) {
    if (auto* w = std::get_if<Write>(&action)) {
      m_output += w->bytes;
    } else if (std::holds_alternative<server::StartTls>(action)) {
      m_tls_wanted = true;
      m_output += "";
    } else if (auto* p = std::get_if<CheckPassword>(&action)) {
      m_engine.password_checked(p->account == "amt53" && p->password.view() == "geheim" ? PasswordResult::good : PasswordResult::wrong);
    } else if (std::holds_alternative<AskSender>(action)) {
      const auto& path = m_engine.envelope().reverse_path;
      const bool own = path && path->domain() == "stadt.example";
      const bool good = m_dialogue.role == "mx" ? !own : own;
      m_engine.asked(good ? Reply{250, "2.1.0", "Ok"} : Reply{550, "5.7.1", "no"});
    } else if (auto* r = std::get_if<AskRecipient>(&action)) {
      const bool good = r->recipient.address.domain() == "stadt.example";
      m_engine.asked(good ? Reply{250, "2.1.5", "Ok"} : Reply{550, "5.7.1", "no"});
    } else if (std::holds_alternative<OpenBody>(action)) {
      m_body_open = true;
      m_body.clear();
      m_engine.body_opened(std::nullopt);
    } else if (auto* b = std::get_if<BodyPiece>(&action)) {
      m_body += b->bytes;
      m_engine.body_written(std::nullopt);
    } else if (std::holds_alternative<DropBody>(action)) {
      m_body_open = false;
    } else if (std::holds_alternative<Accept>(action)) {
      m_body_open = false;
      messages.push_back(m_body);
      m_engine.asked({250, "2.0.0", "Ok 01 receipt=02"});
    } else if (std::holds_alternative<Close>(action)) {
      m_closed = true;
    }
  }

  testing::AssertionResult expect(const std::string& pattern) {
    std::string code, joined;
    while (true) {
      const auto end = m_output.find("\r\n");
      if (end == std::string::npos) return testing::AssertionFailure() << "no reply for " << pattern;
      const std::string line = m_output.substr(0, end);
      m_output.erase(0, end + 2);
      code = line.substr(0, 3);
      joined += (joined.empty() ? "" : " ") + line.substr(4);
      if (line[3] == ' ') break;
    }
    if (::fnmatch(pattern.c_str(), (code + " " + joined).c_str(), 0) == 0) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "got " << code << " " << joined << ", expected " << pattern;
  }

  const Dialogue& m_dialogue;
  Engine m_engine;
  std::string m_pending, m_output, m_body;
  bool m_closed = false, m_tls_wanted = false, m_body_open = false;
};

std::vector<std::filesystem::path> dialogues() {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(AMTSBOTE_TEST_DATA) / "dialogues"))
    if (entry.path().extension() == ".txt") out.push_back(entry.path());
  return out;
}

TEST(Dialogue, HoldsAndHoldsUpToAnyStep) {
  ASSERT_GT(dialogues().size(), 20u);
  for (const auto& path : dialogues()) {
    const Dialogue d = load(path);
    SCOPED_TRACE(path.filename());
    Player whole(d);
    EXPECT_TRUE(whole.run(d.steps.size()));
    const std::size_t accepted = whole.messages.size();
    const std::size_t stride = d.steps.size() > 100 ? 97 : 1;
    for (std::size_t n = 0; n < d.steps.size(); n += stride) {
      Player cut(d);
      EXPECT_TRUE(cut.run(n));
      EXPECT_LE(cut.messages.size(), accepted);
      Player stopped(d);
      EXPECT_TRUE(stopped.run(n, Player::End::stop));
      EXPECT_LE(stopped.messages.size(), accepted);
    }
  }
}

TEST(Dialogue, BodyIsUnstuffed) {
  const Dialogue d = load(std::filesystem::path(AMTSBOTE_TEST_DATA) / "dialogues" / "submission_starttls.txt");
  Player player(d);
  ASSERT_TRUE(player.run(d.steps.size()));
  ASSERT_EQ(player.messages.size(), 1u);
  EXPECT_EQ(player.messages[0], "From: amt53@stadt.example\r\nSubject: Probe\r\n\r\n.ein Punkt\r\n");
}

}  // namespace
}  // namespace smtp::server
