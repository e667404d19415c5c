#include "gateway/web/tokens.hpp"

#include "base/core/digest.hpp"
#include "base/core/random.hpp"

namespace web {
namespace {

constexpr std::size_t k_secret_digits = 43;  // 32 bytes in base64url
constexpr std::chrono::minutes k_note_every{1};

bool has_word(const std::string& words, const std::string& word) { return (" " + words + " ").find(" " + word + " ") != std::string::npos; }

}  // namespace

std::string make_token_secret() { return std::string(k_token_prefix) + base::to_base64url(base::random_bytes(32)); }

std::optional<base::Sha256Digest> hash_of_token(std::string_view secret) {
  if (!secret.starts_with(k_token_prefix) || secret.size() != k_token_prefix.size() + k_secret_digits) return std::nullopt;
  return base::sha256(secret);
}

base::Result<std::optional<Tokens::Holder>> Tokens::find(std::string_view secret) {
  const auto hash = hash_of_token(secret);
  const std::lock_guard lock(m_mutex);
  if (!m_loaded)
    if (auto loaded = load(); !loaded) return loaded.error();
  const auto it = hash ? m_known.find(*hash) : m_known.end();
  const base::Timestamp now = m_context.clock->now();
  if (it == m_known.end() || it->second.token.expires <= now) return std::optional<Holder>{};
  Known& known = it->second;
  Holder out{known.token.id, known.token.account, known.addresses, has_word(known.token.scope, "submit"), has_word(known.token.scope, "read"), false};
  if (now - known.noted >= k_note_every) {
    known.noted = now;
    out.note_use = true;
  }
  return std::optional(std::move(out));
}

void Tokens::forget() {
  const std::lock_guard lock(m_mutex);
  m_loaded = false;
  m_known.clear();
}

base::Result<void> Tokens::load() {
  auto tokens = m_context.store->tokens();
  if (!tokens) return tokens.error();
  auto accounts = m_context.store->accounts();
  if (!accounts) return accounts.error();
  for (store::ApiToken& token : *tokens)
    for (const store::Account& account : *accounts)
      if (account.name == token.account) m_known[token.hash] = {std::move(token), account.addresses, token.last_used.value_or(base::Timestamp{})};
  m_loaded = true;
  return base::Done{};
}

}  // namespace web
