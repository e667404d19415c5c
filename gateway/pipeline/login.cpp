#include "gateway/pipeline/login.hpp"

#include "base/core/random.hpp"

namespace pipeline {
namespace {

constexpr std::size_t k_max_remembered = 10'000;

}  // namespace

Login::Login(Context& context) : m_context(context) {
  if (auto hash = crypto::seal::hash_password(base::random_bytes(32))) m_nobody = *std::move(hash);
}

void Login::forget() {
  const std::lock_guard lock(m_mutex);
  m_remembered.clear();
}

base::net::Awaitable<Login::Answer> Login::check(std::string name, base::SecretBytes password) {
  const base::Bytes ticket(base::view(base::hmac_sha256(m_process_key.view(), name + std::string(1, '\0') + std::string(password.view()))));
  const base::Steady now = m_context.clock->steady();
  {
    const std::lock_guard lock(m_mutex);
    const auto it = m_remembered.find(ticket);
    if (it != m_remembered.end() && it->second.until > now) co_return Answer{smtp::server::PasswordResult::good, it->second.addresses};
  }
  if (m_under_way.fetch_add(1) >= k_at_once + k_waiting) {
    m_under_way.fetch_sub(1);
    co_return Answer{smtp::server::PasswordResult::temporary, {}};
  }
  auto job = [this, &name, &password] { return work(name, password); };
  Answer answer = co_await base::net::run_on(m_pool, std::move(job));
  m_under_way.fetch_sub(1);
  if (answer.result == smtp::server::PasswordResult::good) {
    const std::lock_guard lock(m_mutex);
    if (m_remembered.size() >= k_max_remembered) m_remembered.clear();
    m_remembered[ticket] = {now + k_remember, answer.addresses};
  }
  co_return answer;
}

Login::Answer Login::work(const std::string& name, const base::SecretBytes& password) {
  using smtp::server::PasswordResult;
  const auto account = m_context.store->find_account(name);
  if (!account) return {PasswordResult::temporary, {}};
  const bool known = account->has_value();
  const auto good = crypto::seal::verify_password(known ? (*account)->password_hash : m_nobody, password.view());
  if (!good) return {PasswordResult::temporary, {}};
  if (!known || !*good) return {PasswordResult::wrong, {}};
  return {PasswordResult::good, (*account)->addresses};
}

}  // namespace pipeline
