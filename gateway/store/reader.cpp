#include "gateway/store/reader.hpp"

#include <limits>

#include "gateway/store/api_rows.hpp"

#include "gateway/store/errors.hpp"
#include "gateway/store/queue_writer.hpp"

namespace store {
namespace {

base::Timestamp time_of(std::int64_t ms) { return base::Timestamp{std::chrono::milliseconds{ms}}; }
std::int64_t millis(base::Timestamp t) { return t.time_since_epoch().count(); }

base::Result<std::vector<std::int64_t>> ids_of(Statement& query) {
  std::vector<std::int64_t> out;
  while (true) {
    const auto row = query.step();
    if (!row) return row.error();
    if (!*row) return out;
    out.push_back(query.integer(0));
  }
}

}  // namespace

Reader::Reader(Database db, std::filesystem::path spool, std::shared_ptr<const crypto::seal::RootKey> root)
    : m_db(std::move(db)), m_spool(std::move(spool)), m_root(std::move(root)) {}

base::Result<DueLot> Reader::find_due(base::Timestamp now, const std::optional<Due>& after, std::size_t limit) {
  const std::lock_guard lock(m_mutex);
  // answered by the index recipient_due alone: in a table without rowid it ends with the primary key
  auto query = m_db.prepare("SELECT id,due FROM recipient WHERE state=1 AND due<=? AND (due,id)>(?,?) ORDER BY due,id LIMIT ?");
  if (!query) return std::move(query).error();
  const std::int64_t from = after ? millis(after->due) : std::numeric_limits<std::int64_t>::min();
  query->bind(1, millis(now)).bind(2, from).bind(3, after ? after->id : 0).bind(4, static_cast<std::int64_t>(limit));
  DueLot out;
  std::size_t rows = 0;
  while (true) {
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) break;
    ++rows;
    const std::int64_t id = query->integer(0);
    if (out.due.empty() || out.due.back().id != id) out.due.push_back({id, time_of(query->integer(1))});
  }
  out.is_last = rows < limit;
  return out;
}

base::Result<std::optional<base::Timestamp>> Reader::next_due() {
  const std::lock_guard lock(m_mutex);
  auto value = integer_of(
      "SELECT min(due) FROM (SELECT * FROM (SELECT due FROM recipient WHERE state=1 ORDER BY due LIMIT 1) UNION ALL "
      "SELECT * FROM (SELECT due FROM recipient WHERE state IN (3,7) ORDER BY due LIMIT 1))");
  if (!value) return std::move(value).error();
  if (!*value) return std::optional<base::Timestamp>{};
  return std::optional(time_of(**value));
}

base::Result<std::optional<std::int64_t>> Reader::integer_of(const char* sql) {
  auto query = m_db.prepare(sql);
  if (!query) return std::move(query).error();
  const auto row = query->step();
  if (!row) return row.error();
  if (!*row || query->is_null(0)) return std::optional<std::int64_t>{};
  return std::optional(query->integer(0));
}

base::Result<std::vector<std::int64_t>> Reader::find_overdue(base::Timestamp now, std::size_t limit) {
  const std::lock_guard lock(m_mutex);
  auto query = m_db.prepare("SELECT DISTINCT id FROM recipient WHERE state IN (3,7) AND due<=? LIMIT ?");
  if (!query) return std::move(query).error();
  query->bind(1, millis(now)).bind(2, static_cast<std::int64_t>(limit));
  return ids_of(*query);
}

base::Result<std::vector<std::int64_t>> Reader::find_in_state(State state, std::size_t limit) {
  const std::lock_guard lock(m_mutex);
  // the state as a literal: a bound parameter would not use the partial indexes
  const std::string sql = "SELECT DISTINCT id FROM recipient WHERE state=" + std::to_string(static_cast<int>(state)) +
                          (state == State::in_flight || state == State::unknown ? " AND state IN (2,3)" : "") + " LIMIT ?";
  auto query = m_db.prepare(sql.c_str());
  if (!query) return std::move(query).error();
  query->bind(1, static_cast<std::int64_t>(limit));
  return ids_of(*query);
}

base::Result<std::vector<std::int64_t>> Reader::find_expired_holds(base::Timestamp now, std::size_t limit) {
  const std::lock_guard lock(m_mutex);
  auto query = m_db.prepare("SELECT DISTINCT id FROM recipient WHERE state=0 AND due<=? LIMIT ?");
  if (!query) return std::move(query).error();
  query->bind(1, millis(now)).bind(2, static_cast<std::int64_t>(limit));
  return ids_of(*query);
}

base::Result<std::vector<RecipientRow>> Reader::recipients_of(std::int64_t id, const base::MessageId& mid, const base::SecretBytes& key) {
  auto query = m_db.prepare("SELECT rx,state,due,attempts,route,reason,record FROM recipient WHERE id=? ORDER BY rx");
  if (!query) return std::move(query).error();
  query->bind(1, id);
  std::vector<RecipientRow> out;
  while (true) {
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return out;
    RecipientRow r;
    r.rx = static_cast<std::uint32_t>(query->integer(0));
    r.state = static_cast<State>(query->integer(1));
    r.due = time_of(query->integer(2));
    r.attempts = static_cast<std::uint32_t>(query->integer(3));
    r.route = query->blob(4);
    r.reason = static_cast<int>(query->integer(5));
    auto record = crypto::seal::unseal(key, query->blob(6), place_of(mid, "rx" + std::to_string(r.rx)));
    if (!record) return std::move(record).error();
    r.record = *std::move(record);
    out.push_back(std::move(r));
  }
}

base::Result<std::optional<MessageRow>> Reader::load(std::int64_t id, bool with_body) {
  const std::lock_guard lock(m_mutex);
  auto query = m_db.prepare(with_body ? "SELECT mid,received,size,key,record,spool,body FROM message WHERE id=?"
                                      : "SELECT mid,received,size,key,record,spool FROM message WHERE id=?");
  if (!query) return std::move(query).error();
  query->bind(1, id);
  const auto row = query->step();
  if (!row) return row.error();
  if (!*row) return std::optional<MessageRow>{};
  MessageRow out;
  out.id = id;
  auto mid = base::MessageId::of(query->blob(0));
  if (!mid) return std::move(mid).error();
  out.mid = *mid;
  out.received = time_of(query->integer(1));
  out.size = static_cast<std::uint64_t>(query->integer(2));
  auto key = m_root->unwrap(query->blob(3), mid->view());
  if (!key) return std::move(key).error();
  out.key = *std::move(key);
  auto record = crypto::seal::unseal(out.key, query->blob(4), place_of(out.mid, "record"));
  if (!record) return std::move(record).error();
  out.record = *std::move(record);
  if (with_body) {
    if (!query->is_null(5)) {
      out.body = crypto::seal::open_sealed_file(m_spool / query->blob(5), out.key.clone(), {out.size});
    } else {
      auto body = crypto::seal::unseal(out.key, query->blob(6), place_of(out.mid, "body"));
      if (!body) return std::move(body).error();
      out.body = base::make_content(*std::move(body));
    }
  }
  query->reset();
  auto recipients = recipients_of(id, out.mid, out.key);
  if (!recipients) return std::move(recipients).error();
  out.recipients = *std::move(recipients);
  return std::optional(std::move(out));
}

base::Result<std::optional<std::int64_t>> Reader::find_id(const base::MessageId& mid) {
  const std::lock_guard lock(m_mutex);
  auto query = m_db.prepare("SELECT id FROM trace WHERE mid=? AND closed=0");
  if (!query) return std::move(query).error();
  query->bind(1, mid.view());
  const auto row = query->step();
  if (!row) return row.error();
  if (!*row) return std::optional<std::int64_t>{};
  return std::optional(query->integer(0));
}

base::Result<Counters> Reader::counters() {
  const std::lock_guard lock(m_mutex);
  Counters out;
  const auto count = [&](const char* sql, std::uint64_t& into) -> base::Result<void> {
    auto value = integer_of(sql);
    if (!value) return std::move(value).error();
    into = static_cast<std::uint64_t>(value->value_or(0));
    return base::Done{};
  };
  for (const auto& [sql, into] : {std::pair{"SELECT count(*) FROM recipient WHERE state=0", &out.held},
                                  std::pair{"SELECT count(*) FROM recipient WHERE state=1", &out.due},
                                  std::pair{"SELECT count(*) FROM recipient WHERE state=2 AND state IN (2,3)", &out.in_flight},
                                  std::pair{"SELECT count(*) FROM recipient WHERE state=3 AND state IN (2,3)", &out.unknown},
                                  std::pair{"SELECT count(*) FROM recipient WHERE state=7 AND state IN (3,7)", &out.submitted},
                                  std::pair{"SELECT accepted+balance_open-closed-cancelled FROM log_state", &out.messages},
                                  std::pair{"SELECT coalesce(max(idx)+1,0) FROM leaf", &out.log_size}})
    if (auto done = count(sql, *into); !done) return done.error();
  // the last passes over what is held only, which a person will have decided before it becomes much
  for (const auto& [sql, into] :
       {std::pair{"SELECT received FROM message ORDER BY id LIMIT 1", &out.oldest},
        std::pair{"SELECT received FROM message WHERE id=(SELECT min(id) FROM recipient WHERE state=0)", &out.oldest_held},
        std::pair{"SELECT m.received FROM message m WHERE EXISTS(SELECT 1 FROM recipient r WHERE r.id=m.id AND r.state BETWEEN 1 AND 3) ORDER BY m.id LIMIT 1",
                  &out.oldest_moving}}) {
    auto oldest = integer_of(sql);
    if (!oldest) return std::move(oldest).error();
    if (*oldest) *into = time_of(**oldest);
  }
  return out;
}

base::Result<std::map<std::string, std::uint64_t>> Reader::count_overdue() {
  const std::lock_guard lock(m_mutex);
  // literals, for the partial index
  auto query = m_db.prepare("SELECT route,count(*) FROM recipient WHERE state=7 AND overdue=1 GROUP BY route");
  if (!query) return std::move(query).error();
  std::map<std::string, std::uint64_t> out;
  while (true) {
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return out;
    out[query->blob(0)] = static_cast<std::uint64_t>(query->integer(1));
  }
}

base::Result<std::vector<ApiToken>> Reader::tokens() {
  const std::lock_guard lock(m_mutex);
  return read_tokens(m_db);
}

base::Result<std::optional<ApiRequest>> Reader::find_request(base::ByteView key, const base::SecretBytes& system_key, base::Timestamp now) {
  const std::lock_guard lock(m_mutex);
  return read_request(m_db, key, system_key, now);
}

base::Result<std::vector<Account>> Reader::accounts(const std::optional<std::string>& name) {
  const std::lock_guard lock(m_mutex);
  auto query = m_db.prepare(name ? "SELECT name,password,addresses,created FROM account WHERE name=?"
                                 : "SELECT name,password,addresses,created FROM account ORDER BY name");
  if (!query) return std::move(query).error();
  if (name) query->bind_text(1, *name);
  std::vector<Account> out;
  while (true) {
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return out;
    Account account{query->blob(0), query->blob(1), {}, time_of(query->integer(3))};
    base::Bytes list = query->blob(2);
    for (std::size_t at = 0; at < list.size();) {
      const auto end = std::min(list.find('\n', at), list.size());
      if (end > at) account.addresses.push_back(list.substr(at, end - at));
      at = end + 1;
    }
    out.push_back(std::move(account));
  }
}

}  // namespace store
