#include "simulator/doors/control.hpp"

#include <array>

#include "simulator/model/json.hpp"
#include "simulator/model/words.hpp"

namespace simulator {
namespace {

using base::net::Awaitable;

constexpr std::size_t k_max_line = 8 * 1024;
constexpr std::chrono::hours k_patience{24};

std::string good(const JsonLine& more = {}) {
  const std::string rest = more.text();
  return "{\"ok\": true" + (rest == "{}" ? "" : ", " + rest.substr(1, rest.size() - 2)) + "}";
}

std::string bad(const std::string& why) { return JsonLine().add("ok", false).add("error", why).text(); }

std::string count(const char* name, std::size_t number) { return good(JsonLine().add(name, static_cast<std::int64_t>(number))); }

std::string misbehave(Controlled& c, std::string_view words) {
  auto parsed = parse_misbehaviour(c.world.settings.misbehaviour, words);
  if (!parsed) return bad(parsed.error().detail);
  c.world.settings.misbehaviour = *std::move(parsed);
  return good();
}

std::string fault(Controlled& c, std::string_view words) {
  auto parsed = parse_faults(c.world.settings.faults, words);
  if (!parsed) return bad(parsed.error().detail);
  c.world.settings.faults = *std::move(parsed);
  return good();
}

std::string push(Controlled& c, std::string_view where) {
  if (where == "off") {
    c.pusher.set_target(std::nullopt);
    return good();
  }
  const auto target = base::net::parse_host_port(where);
  if (!target) return bad("HOST:PORT or off");
  c.pusher.set_target(*target);
  return good();
}

// "ACCOUNT" or "ACCOUNT normal".
std::string login(Controlled& c, std::string_view words) {
  const auto name = words.substr(0, words.find(' '));
  const bool normal = words.ends_with(" normal");
  const Account* account = c.world.directory.find_login(name);
  if (account == nullptr || account->is_closed) return bad("no such account");
  return count("confirmed", c.world.log_in(*account, normal ? demail::AuthLevel::normal : demail::AuthLevel::high));
}

std::string set_closed(Controlled& c, std::string_view name, bool closed) {
  for (Account& account : c.world.directory.accounts()) {
    if (account.name != name) continue;
    account.is_closed = closed;
    return good();
  }
  return bad("no such account");
}

// "ACCOUNT": the folder is another one now, its UIDs mean nothing any more.
std::string renew(Controlled& c, std::string_view name) {
  const Account* account = c.world.directory.find_login(name);
  if (account == nullptr) return bad("no such account");
  return count("uid_validity", ++c.world.mailbox(*account).uid_validity);
}

std::string status(Controlled& c) {
  JsonLine out, stored;
  for (const Account& account : c.world.directory.accounts())
    stored.add(account.name, static_cast<std::int64_t>(c.world.mailbox(account).messages().size()));
  out.add("waiting", static_cast<std::int64_t>(c.world.waiting())).add("unpushed", static_cast<std::int64_t>(c.world.unpushed()));
  return good(out.add("stored", stored));
}

}  // namespace

std::string answer(Controlled& c, std::string_view line) {
  const auto word = line.substr(0, line.find(' '));
  const auto rest = line.substr(std::min(word.size() + 1, line.size()));
  if (word == "misbehave") return misbehave(c, rest);
  if (word == "smtp") return fault(c, rest);
  if (word == "push") return push(c, rest);
  if (word == "login") return login(c, rest);
  if (word == "flush") return count("sent", c.world.flush());
  if (word == "close") return set_closed(c, rest, true);
  if (word == "open") return set_closed(c, rest, false);
  if (word == "renew") return renew(c, rest);
  if (word == "status") return status(c);
  if (word != "stop") return bad("misbehave, smtp, push, login, flush, close, open, renew, status, stop");
  c.stop();
  return good();
}

Awaitable<void> serve_control(base::net::Stream stream, Controlled& controlled) {
  std::string in;
  std::array<char, 4096> buffer{};
  while (true) {
    stream.expires_after(k_patience);
    const auto got = co_await stream.read_some(buffer);
    if (!got || in.size() > k_max_line) co_return;
    in.append(buffer.data(), *got);
    for (auto lf = in.find('\n'); lf != std::string::npos; lf = in.find('\n')) {
      const std::string line = in.substr(0, lf);
      in.erase(0, lf + 1);
      const std::string out = answer(controlled, line) + "\n";
      const auto done = co_await stream.write(out);
      if (!done) co_return;
    }
  }
}

}  // namespace simulator
