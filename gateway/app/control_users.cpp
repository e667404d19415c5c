// Accounts that may submit mail. Passwords arrive as Argon2id hashes: the clear one never leaves the process that read it.
#include <algorithm>

#include <boost/json/array.hpp>

#include "base/core/random.hpp"
#include "gateway/app/command_table.hpp"
#include "gateway/app/control_handlers.hpp"
#include "gateway/web/tokens.hpp"
#include "mail/address/address.hpp"

namespace app {
namespace {

constexpr std::size_t k_max_name = 128;
constexpr std::size_t k_max_addresses = 1000;

// What a client can type into its settings, and what stands in logs and receipts without escapes.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= k_max_name && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("._@+-").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

// An address, or "*@domain" for a whole domain.
std::optional<std::string> pattern_of(const std::string& text) {
  if (text.starts_with("*@")) {
    const auto domain = mail::parse_domain(text.substr(2));
    if (!domain) return std::nullopt;
    return "*@" + *domain;
  }
  const auto address = mail::Address::parse(text);
  if (!address) return std::nullopt;
  return address->folded();
}

bool is_hash(std::string_view hash) { return hash.starts_with("$argon2id$") && hash.size() < 128; }

std::optional<store::Account> find(const Task& task, json::object& answer) {
  const std::string name = text_of(task.request, "name");
  auto found = task.live.store().find_account(name);
  if (!found) answer = error_answer(found.error());
  else if (!*found) answer = error_answer("no account \"" + shown(name, k_max_name) + "\"", k_exit_no);
  return found ? *std::move(found) : std::nullopt;
}

json::object put(const Task& task, const store::Account& account) {
  if (auto done = task.live.store().put_account(account); !done) return error_answer(done.error());
  task.live.forget_logins();
  return good_answer();
}

json::object add(const Task& task) {
  store::Account account;
  account.name = text_of(task.request, "name");
  account.password_hash = text_of(task.request, "hash");
  account.created = task.live.now();
  if (!is_name(account.name)) return error_answer("a name has letters, digits and . _ @ + -, at most 128", k_exit_error);
  if (!is_hash(account.password_hash)) return error_answer("not an Argon2id hash", k_exit_error);
  for (const std::string& text : texts_of(task.request, "addresses")) {
    auto pattern = pattern_of(text);
    if (!pattern) return error_answer("\"" + shown(text, 300) + "\" is no address and no *@domain", k_exit_error);
    account.addresses.push_back(*std::move(pattern));
  }
  if (account.addresses.empty() || account.addresses.size() > k_max_addresses)
    return error_answer("an account needs at least one address that it may send as, at most 1000", k_exit_error);
  const auto there = task.live.store().find_account(account.name);
  if (!there) return error_answer(there.error());
  if (*there) return error_answer("the account \"" + account.name + "\" exists already", k_exit_no);
  return put(task, account);
}

json::object change_password(const Task& task) {
  const std::string hash = text_of(task.request, "hash");
  if (!is_hash(hash)) return error_answer("not an Argon2id hash", k_exit_error);
  json::object answer;
  auto account = find(task, answer);
  if (!account) return answer;
  account->password_hash = hash;
  return put(task, *account);
}

json::object remove(const Task& task) {
  const std::string name = text_of(task.request, "name");
  const auto done = task.live.store().remove_account(name);
  if (!done) return error_answer(done.error());
  if (!*done) return error_answer("no account \"" + shown(name, k_max_name) + "\"", k_exit_no);
  task.live.forget_logins();
  return good_answer();
}

json::object list(const Task& task) {
  const auto accounts = task.live.store().accounts();
  if (!accounts) return error_answer(accounts.error());
  json::array users;
  for (const store::Account& a : *accounts) {
    json::array addresses;
    for (const std::string& address : a.addresses) addresses.emplace_back(shown(address));
    users.emplace_back(json::object{{"name", shown(a.name)}, {"addresses", std::move(addresses)}, {"created", base::format_utc(a.created)}});
  }
  json::object out = good_answer();
  out["users"] = std::move(users);
  return out;
}

constexpr std::int64_t k_most_days = 366;  // a token lives at most a year

store::LogEntry token_event(const Task& task, const std::string& what, const std::string& id, const std::string& account) {
  store::LogEntry entry{base::EventId::make(task.live.now()), {}};
  entry.event.type = receipts::EventType::sys_key;
  entry.event.time = task.live.now();
  entry.event.out = what;
  entry.event.actor = "person";
  entry.event.cfg = task.live.snapshot()->cfg;
  entry.event.disclosures.push_back({receipts::DisclosureClass::dec, "who", task.caller.text()});
  entry.event.disclosures.push_back({receipts::DisclosureClass::dec, "token", id});
  entry.event.disclosures.push_back({receipts::DisclosureClass::dec, "account", account});
  return entry;
}

// The secret is in this answer and nowhere else, ever.
json::object add_token(const Task& task) {
  json::object answer;
  const auto account = find(task, answer);
  if (!account) return answer;
  const std::string scope = text_of(task.request, "scope");
  if (scope != "submit" && scope != "read" && scope != "submit read") return error_answer("a scope is submit, read, or both", k_exit_error);
  const std::int64_t days = number_of(task.request, "days").value_or(90);
  if (days < 1 || days > k_most_days) return error_answer("a token is valid for 1 to 366 days", k_exit_error);
  const std::string secret = web::make_token_secret();
  store::ApiToken token;
  token.id = base::to_hex(base::random_bytes(6));
  token.hash = *web::hash_of_token(secret);
  token.account = account->name;
  token.scope = scope;
  token.created = task.live.now();
  token.expires = token.created + std::chrono::hours(24) * days;
  store::Change change;
  change.events.push_back(token_event(task, "token-added", token.id, token.account));
  answer = good_answer();
  answer["id"] = token.id;
  answer["token"] = secret;
  answer["expires"] = base::format_utc(token.expires);
  change.put_tokens.push_back(std::move(token));
  if (auto done = task.live.store().commit_and_wait(std::move(change)); !done) return error_answer(done.error());
  task.live.forget_logins();
  return answer;
}

json::object list_tokens(const Task& task) {
  const auto tokens = task.live.store().tokens();
  if (!tokens) return error_answer(tokens.error());
  const std::string name = text_of(task.request, "name");
  json::array list;
  for (const store::ApiToken& t : *tokens) {
    if (!name.empty() && t.account != name) continue;
    json::object item{{"id", t.id}, {"account", shown(t.account)}, {"scope", t.scope}, {"created", base::format_utc(t.created)}, {"expires", base::format_utc(t.expires)}};
    item["expired"] = t.expires <= task.live.now();
    if (t.last_used) item["last_used"] = base::format_utc(*t.last_used);
    list.emplace_back(std::move(item));
  }
  json::object out = good_answer();
  out["tokens"] = std::move(list);
  return out;
}

json::object revoke_token(const Task& task) {
  const std::string id = text_of(task.request, "id");
  const auto tokens = task.live.store().tokens();
  if (!tokens) return error_answer(tokens.error());
  const auto it = std::find_if(tokens->begin(), tokens->end(), [&](const store::ApiToken& t) { return t.id == id; });
  if (it == tokens->end()) return error_answer("no token \"" + shown(id, 60) + "\"", k_exit_no);
  store::Change change;
  change.events.push_back(token_event(task, "token-revoked", id, it->account));
  change.remove_tokens.push_back(id);
  if (auto done = task.live.store().commit_and_wait(std::move(change)); !done) return error_answer(done.error());
  task.live.forget_logins();
  return good_answer();
}

}  // namespace

std::vector<Handler> users_handlers() {
  return {{"users.list", false, list}, {"users.add", false, add}, {"users.passwd", false, change_password}, {"users.remove", false, remove},
          {"tokens.add", false, add_token}, {"tokens.list", false, list_tokens}, {"tokens.revoke", false, revoke_token}};
}

}  // namespace app
