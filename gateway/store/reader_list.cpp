// Lists of what is under way. A queue of a million recipients is read in a second or two; the way of a message pays nothing.
#include "gateway/store/queue_writer.hpp"
#include "gateway/store/reader.hpp"

namespace store {
namespace {

base::Timestamp time_of(std::int64_t ms) { return base::Timestamp{std::chrono::milliseconds{ms}}; }

// Every condition has its parameter, bound or not: ?2 state and so on. What is not asked for has no condition.
std::string query_for(const ListFilter& f) {
  std::string sql =
      "SELECT r.id,m.mid,m.received,m.size,r.rx,r.state,r.due,r.attempts,r.route,r.reason FROM recipient r JOIN message m ON m.id=r.id";
  if (!f.domain.empty() || !f.department.empty()) sql += " JOIN trace t ON t.mid=m.mid";
  sql += " WHERE r.id>?1";
  // as literals: a bound parameter would not use the partial indexes
  if (f.state) sql += " AND r.state=" + std::to_string(static_cast<int>(*f.state));
  if (f.state == State::in_flight || f.state == State::unknown) sql += " AND r.state IN (2,3)";
  if (!f.state) sql += " AND (r.state<4 OR r.state=7)";
  if (!f.route.empty()) sql += " AND r.route=?2";
  if (f.reason) sql += " AND r.reason=?3";
  if (f.received_before) sql += " AND m.received<?4";
  // rows from before schema 4: the search words of the message
  if (!f.domain.empty()) sql += " AND (r.domain=?5 OR (r.domain IS NULL AND instr(t.tags,?5)>0))";
  if (!f.department.empty()) sql += " AND (m.department=?6 OR (r.domain IS NULL AND instr(t.tags,?6)>0))";
  if (!f.account.empty()) sql += " AND m.account=?7";
  return sql + " ORDER BY r.id,r.rx LIMIT ?8";
}

}  // namespace

base::Result<std::vector<MessageRow>> Reader::list(const ListFilter& f, const base::SecretBytes& search_key) {
  const std::lock_guard lock(m_mutex);
  auto query = m_db.prepare(query_for(f).c_str());
  if (!query) return std::move(query).error();
  const base::Bytes domain = tag_of(search_key, f.domain), department = tag_of(search_key, "department:" + f.department),
                    account = tag_of(search_key, "account:" + f.account);
  query->bind(1, f.after_id).bind_text(2, f.route).bind(3, static_cast<std::int64_t>(f.reason.value_or(0)));
  query->bind(4, f.received_before.value_or(base::Timestamp{}).time_since_epoch().count());
  query->bind(5, base::ByteView(domain)).bind(6, base::ByteView(department)).bind(7, base::ByteView(account));
  query->bind(8, static_cast<std::int64_t>(f.limit));
  std::vector<MessageRow> out;
  while (true) {
    const auto row = query->step();
    if (!row) return row.error();
    if (!*row) return out;
    if (out.empty() || out.back().id != query->integer(0)) {
      MessageRow message;
      message.id = query->integer(0);
      auto mid = base::MessageId::of(query->blob(1));
      if (!mid) return std::move(mid).error();
      message.mid = *mid;
      message.received = time_of(query->integer(2));
      message.size = static_cast<std::uint64_t>(query->integer(3));
      out.push_back(std::move(message));
    }
    RecipientRow r;
    r.rx = static_cast<std::uint32_t>(query->integer(4));
    r.state = static_cast<State>(query->integer(5));
    r.due = time_of(query->integer(6));
    r.attempts = static_cast<std::uint32_t>(query->integer(7));
    r.route = query->blob(8);
    r.reason = static_cast<int>(query->integer(9));
    out.back().recipients.push_back(std::move(r));
  }
}

base::Result<std::optional<std::string>> Reader::mark(const std::string& name) {
  const std::lock_guard lock(m_mutex);
  auto query = m_db.prepare("SELECT value FROM meta WHERE name='mark:'||?");
  if (!query) return std::move(query).error();
  const auto row = query->bind_text(1, name).step();
  if (!row) return row.error();
  if (!*row) return std::optional<std::string>{};
  return std::optional(query->blob(0));
}

// Leaves hold codes of ours and hashes of everything else, so no text of a peer can look like this.
base::Result<std::uint64_t> Reader::count_unopened(std::uint64_t from) {
  const std::lock_guard lock(m_mutex);
  auto query = m_db.prepare("SELECT count(DISTINCT mid) FROM leaf WHERE idx>=? AND instr(bytes,CAST('\"out\":\"unopened\"' AS BLOB))>0");
  if (!query) return std::move(query).error();
  const auto row = query->bind(1, static_cast<std::int64_t>(from)).step();
  if (!row) return row.error();
  return static_cast<std::uint64_t>(query->integer(0));
}

}  // namespace store
