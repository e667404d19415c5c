#include "gateway/store/api_rows.hpp"

#include "gateway/store/errors.hpp"

namespace store {
namespace {

std::int64_t millis(base::Timestamp t) { return t.time_since_epoch().count(); }
base::Timestamp time_of(std::int64_t ms) { return base::Timestamp{std::chrono::milliseconds{ms}}; }
base::Bytes place_of_answer(base::ByteView key) { return "answer" + base::Bytes(key); }

base::Sha256Digest digest_of(const base::Bytes& bytes) {
  base::Sha256Digest out{};
  if (bytes.size() == out.size()) std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(out.data()));
  return out;
}

}  // namespace

base::Result<ApiWriter> ApiWriter::open(Database& db) {
  ApiWriter out;
  const std::pair<Statement*, const char*> statements[] = {
      {&out.m_sql.put_token, "INSERT OR REPLACE INTO token(id,hash,account,scope,created,expires,last_used) VALUES(?,?,?,?,?,?,?)"},
      {&out.m_sql.remove_token, "DELETE FROM token WHERE id=?"},
      {&out.m_sql.remove_account, "DELETE FROM token WHERE account=?"},
      {&out.m_sql.use_token, "UPDATE token SET last_used=? WHERE id=?"},
      {&out.m_sql.forget_requests, "DELETE FROM request WHERE until<=?"},
      {&out.m_sql.find_request, "SELECT 1 FROM request WHERE key=?"},
      {&out.m_sql.put_request, "INSERT INTO request(key,content,mid,answer,until) VALUES(?,?,?,?,?)"},
  };
  for (const auto& [target, sql] : statements) {
    auto prepared = db.prepare(sql);
    if (!prepared) return std::move(prepared).error();
    *target = *std::move(prepared);
  }
  return out;
}

base::Result<void> ApiWriter::apply(const Change& change, const base::SecretBytes& system_key, base::Timestamp now) {
  if (auto done = tokens(change); !done) return done;
  return change.request ? request(*change.request, system_key, now) : base::Result<void>{};
}

base::Result<void> ApiWriter::tokens(const Change& change) {
  for (const ApiToken& t : change.put_tokens) {
    m_sql.put_token.bind_text(1, t.id).bind(2, base::view(t.hash)).bind_text(3, t.account).bind_text(4, t.scope);
    m_sql.put_token.bind(5, millis(t.created)).bind(6, millis(t.expires));
    t.last_used ? m_sql.put_token.bind(7, millis(*t.last_used)) : m_sql.put_token.bind_null(7);
    if (auto done = m_sql.put_token.run(); !done) return done;
  }
  for (const std::string& id : change.remove_tokens)
    if (auto done = m_sql.remove_token.bind_text(1, id).run(); !done) return done;
  for (const std::string& account : change.remove_accounts)
    if (auto done = m_sql.remove_account.bind_text(1, account).run(); !done) return done;
  for (const auto& [id, when] : change.used_tokens)
    if (auto done = m_sql.use_token.bind(1, millis(when)).bind_text(2, id).run(); !done) return done;
  return base::Done{};
}

base::Result<void> ApiWriter::request(const ApiRequest& request, const base::SecretBytes& system_key, base::Timestamp now) {
  if (auto done = m_sql.forget_requests.bind(1, millis(now)).run(); !done) return done;
  const auto known = m_sql.find_request.bind(1, base::ByteView(request.key)).step();
  m_sql.find_request.reset();
  if (!known) return known.error();
  if (*known) return base::fail(k_repeated, "");
  const base::Bytes answer = crypto::seal::seal(system_key, request.answer, place_of_answer(request.key));
  m_sql.put_request.bind(1, base::ByteView(request.key)).bind(2, base::view(request.content)).bind(3, request.mid.view());
  return m_sql.put_request.bind(4, base::ByteView(answer)).bind(5, millis(request.until)).run();
}

base::Result<std::vector<ApiToken>> read_tokens(Database& db) {
  auto query = db.prepare("SELECT id,hash,account,scope,created,expires,last_used FROM token ORDER BY account,created,id");
  if (!query) return std::move(query).error();
  std::vector<ApiToken> out;
  while (true) {
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return out;
    ApiToken t{query->blob(0), digest_of(query->blob(1)), query->blob(2), query->blob(3), time_of(query->integer(4)), time_of(query->integer(5)), {}};
    if (!query->is_null(6)) t.last_used = time_of(query->integer(6));
    out.push_back(std::move(t));
  }
}

base::Result<std::optional<ApiRequest>> read_request(Database& db, base::ByteView key, const base::SecretBytes& system_key, base::Timestamp now) {
  auto query = db.prepare("SELECT content,mid,answer,until FROM request WHERE key=? AND until>?");
  if (!query) return std::move(query).error();
  query->bind(1, key).bind(2, millis(now));
  const auto row = query->step();
  if (!row) return row.error();
  if (!*row) return std::optional<ApiRequest>{};
  auto mid = base::MessageId::of(query->blob(1));
  if (!mid) return std::move(mid).error();
  auto answer = crypto::seal::unseal(system_key, query->blob(2), place_of_answer(key));
  if (!answer) return std::move(answer).error();
  return std::optional(ApiRequest{base::Bytes(key), digest_of(query->blob(0)), *mid, *std::move(answer), time_of(query->integer(3))});
}

}  // namespace store
