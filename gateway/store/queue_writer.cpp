#include "gateway/store/queue_writer.hpp"

#include <map>

#include "base/core/digest.hpp"
#include "gateway/store/errors.hpp"

namespace store {
namespace {

constexpr std::size_t k_max_open = 2048;  // remembered; with their keys in a quarter of the locked arena

std::int64_t millis(base::Timestamp t) { return t.time_since_epoch().count(); }

}  // namespace

std::string place_of(const base::MessageId& mid, std::string_view what) { return base::Bytes(mid.view()) + std::string(what); }

base::Bytes tag_of(const base::SecretBytes& search_key, base::ByteView word) {
  return base::Bytes(base::view(base::hmac_sha256(search_key.view(), word))).substr(0, 8);
}

base::Result<QueueWriter> QueueWriter::open(Database& db, const crypto::seal::RootKey& root, base::SecretBytes search_key) {
  QueueWriter out;
  out.m_root = &root;
  out.m_search_key = std::move(search_key);
  const std::pair<Statement*, const char*> statements[] = {
      {&out.m_sql.insert_message, "INSERT INTO message(id,mid,received,size,key,record,spool,body,department,account) VALUES(?,?,?,?,?,?,?,?,?,?)"},
      {&out.m_sql.insert_recipient,
       "INSERT INTO recipient(id,rx,state,due,attempts,route,reason,record,domain) VALUES(?,?,?,?,0,?,?,?,?)"},
      {&out.m_sql.update, "UPDATE recipient SET state=?,due=?,attempts=?,reason=? WHERE id=? AND rx=? AND state=? AND due=coalesce(?,due)"},
      {&out.m_sql.update_record, "UPDATE recipient SET record=? WHERE id=? AND rx=?"},
      {&out.m_sql.update_overdue, "UPDATE recipient SET overdue=? WHERE id=? AND rx=?"},
      {&out.m_sql.unfinished, "SELECT 1 FROM recipient WHERE id=? AND (state<4 OR state=7) LIMIT 1"},
      {&out.m_sql.find_message, "SELECT mid,key,spool FROM message WHERE id=?"},
      {&out.m_sql.delete_message, "DELETE FROM message WHERE id=?"},
      {&out.m_sql.delete_recipients, "DELETE FROM recipient WHERE id=?"},
      {&out.m_sql.cancelled, "SELECT count(*) FROM recipient WHERE id=? AND state=6"},
      {&out.m_sql.put_account, "INSERT OR REPLACE INTO account(name,password,addresses,created) VALUES(?,?,?,?)"},
      {&out.m_sql.put_mark, "INSERT OR REPLACE INTO meta(name,value) VALUES('mark:'||?,?)"},
      {&out.m_sql.remove_account, "DELETE FROM account WHERE name=?"},
      {&out.m_sql.archive, "INSERT OR IGNORE INTO config_text(hash,name,text) VALUES(?,?,?)"},
  };
  for (const auto& [target, sql] : statements) {
    auto prepared = db.prepare(sql);
    if (!prepared) return std::move(prepared).error();
    *target = *std::move(prepared);
  }
  auto api = ApiWriter::open(db);
  if (!api) return std::move(api).error();
  out.m_api = *std::move(api);
  auto evidence = EvidenceWriter::open(db);
  if (!evidence) return std::move(evidence).error();
  out.m_evidence = *std::move(evidence);
  return out;
}

base::Result<void> QueueWriter::apply(Database& db, LogWriter& log, const Change& change, base::Timestamp now,
                                      AfterCommit& after) {
  std::map<base::MessageId, const base::SecretBytes*> keys;
  for (const NewMessage& message : change.inserts) {
    if (auto done = insert(db, log, message); !done) return done;
    keys[message.mid] = &message.key;
  }
  std::map<std::int64_t, const Open*> touched;
  if (m_open.size() + change.updates.size() > k_max_open) m_open.clear();
  for (const RecipientUpdate& u : change.updates) {
    auto& open = touched[u.id];
    if (open == nullptr) {
      const auto found = find(u.id);
      if (!found) return found.error();
      open = *found;
    }
    if (auto done = update(db, u, *open); !done) return done;
  }
  for (const auto& [id, open] : touched) keys[open->mid] = &open->key;
  for (const LogEntry& entry : change.events) {
    const base::SecretBytes* key = nullptr;
    if (entry.event.mid) {
      const auto it = keys.find(*entry.event.mid);
      if (it == keys.end()) return base::fail(k_no_message, "an event of a message that its change does not touch");
      key = it->second;
    }
    if (auto done = log.append(db, entry, key); !done) return done;
  }
  for (const NewEvidence& evidence : change.evidence) {
    const auto it = keys.find(evidence.mid);
    if (it == keys.end()) return base::fail(k_no_message, "evidence about a message that its change does not touch");
    if (auto done = m_evidence.add(evidence, *it->second, m_search_key); !done) return done;
  }
  for (const auto& [id, open] : touched)
    if (auto done = close_if_done(db, log, id, *open, now, after); !done) return done;
  if (auto done = marks(change); !done) return done;
  if (auto done = accounts(change); !done) return done;
  if (auto done = m_api.apply(change, log.system_key(), now); !done) return done;
  return archive(log, change);
}

base::Result<void> QueueWriter::insert(Database& db, LogWriter& log, const NewMessage& message) {
  const std::int64_t id = message.id;
  const base::Bytes wrapped = m_root->wrap(message.key, message.mid.view());
  const base::Bytes record = crypto::seal::seal(message.key, message.record, place_of(message.mid, "record"));
  auto& row = m_sql.insert_message;
  row.bind(1, id)
      .bind(2, message.mid.view())
      .bind(3, millis(message.received))
      .bind(4, static_cast<std::int64_t>(message.body.size));
  row.bind(5, base::ByteView(wrapped)).bind(6, base::ByteView(record));
  if (message.body.spool_file.empty())
    row.bind_null(7).bind(8, base::ByteView(message.body.sealed));
  else
    row.bind_text(7, message.body.spool_file).bind_null(8);
  const base::Bytes department = tag_of(m_search_key, "department:" + message.department), account = tag_of(m_search_key, "account:" + message.account);
  row.bind_null(9).bind_null(10);
  if (!message.department.empty()) row.bind(9, base::ByteView(department));
  if (!message.account.empty()) row.bind(10, base::ByteView(account));
  if (auto done = row.run(); !done) return done;
  std::int64_t rx = 0;
  for (const NewRecipient& r : message.recipients) {
    const base::Bytes sealed = crypto::seal::seal(message.key, r.record, place_of(message.mid, "rx" + std::to_string(rx)));
    auto& insert_row = m_sql.insert_recipient;
    insert_row.bind(1, id).bind(2, rx++).bind(3, static_cast<std::int64_t>(r.state)).bind(4, millis(r.due));
    insert_row.bind_text(5, r.route).bind(6, static_cast<std::int64_t>(r.reason)).bind(7, base::ByteView(sealed));
    const base::Bytes domain = tag_of(m_search_key, r.domain);
    insert_row.bind(8, base::ByteView(domain));
    if (auto done = insert_row.run(); !done) return done;
  }
  base::Bytes tags;
  for (const base::Bytes& word : message.tags) tags += tag_of(m_search_key, word);
  m_open.insert_or_assign(id, Open{message.mid, message.key.clone(), message.body.spool_file});
  return log.start_chain(db, message, id, wrapped, tags);
}

base::Result<const QueueWriter::Open*> QueueWriter::find(std::int64_t id) {
  if (const auto it = m_open.find(id); it != m_open.end()) return &it->second;
  auto& query = m_sql.find_message;
  query.bind(1, id);
  const auto row = query.step();
  if (!row) return row.error();
  if (!*row) {
    query.reset();
    return base::fail(k_no_message, "id " + std::to_string(id));
  }
  auto mid = base::MessageId::of(query.blob(0));
  const base::Bytes wrapped = query.blob(1);
  std::string spool = query.blob(2);
  query.reset();
  if (!mid) return std::move(mid).error();
  auto key = m_root->unwrap(wrapped, mid->view());
  if (!key) return std::move(key).error();
  return &m_open.insert_or_assign(id, Open{*mid, *std::move(key), std::move(spool)}).first->second;
}

base::Result<void> QueueWriter::update(Database& db, const RecipientUpdate& u, const Open& open) {
  if (!may_follow(u.from, u.to)) return base::fail(k_wrong_state, std::string(name_of(u.from)) + " to " + name_of(u.to));
  auto& row = m_sql.update;
  row.bind(1, static_cast<std::int64_t>(u.to)).bind(2, millis(u.due)).bind(3, static_cast<std::int64_t>(u.attempts));
  row.bind(4, static_cast<std::int64_t>(u.reason))
      .bind(5, u.id)
      .bind(6, static_cast<std::int64_t>(u.rx))
      .bind(7, static_cast<std::int64_t>(u.from))
      .bind_null(8);
  if (u.from_due) row.bind(8, millis(*u.from_due));
  if (auto done = row.run(); !done) return done;
  if (db.changed_rows() != 1)
    return base::fail(k_wrong_state, open.mid.text() + "/" + std::to_string(u.rx) + " is not " + name_of(u.from) + (u.from_due ? " as it was" : ""));
  if (u.overdue) {
    m_sql.update_overdue.bind(1, std::int64_t{*u.overdue}).bind(2, u.id).bind(3, static_cast<std::int64_t>(u.rx));
    if (auto done = m_sql.update_overdue.run(); !done) return done;
  }
  if (!u.record) return base::Done{};
  const base::Bytes sealed = crypto::seal::seal(open.key, *u.record, place_of(open.mid, "rx" + std::to_string(u.rx)));
  m_sql.update_record.bind(1, base::ByteView(sealed)).bind(2, u.id).bind(3, static_cast<std::int64_t>(u.rx));
  return m_sql.update_record.run();
}

base::Result<void> QueueWriter::close_if_done(Database& db, LogWriter& log, std::int64_t id, const Open& open,
                                              base::Timestamp now, AfterCommit& after) {
  m_sql.unfinished.bind(1, id);
  const auto row = m_sql.unfinished.step();
  if (!row) return row.error();
  m_sql.unfinished.reset();
  if (*row) return base::Done{};
  m_sql.cancelled.bind(1, id);
  const auto counted = m_sql.cancelled.step();
  if (!counted) return counted.error();
  const bool cancelled = m_sql.cancelled.integer(0) > 0;
  m_sql.cancelled.reset();
  LogEntry closed{base::EventId::make(now), {}};
  closed.event.type = receipts::EventType::msg_closed;
  closed.event.mid = open.mid;
  closed.event.time = now;
  closed.event.out = cancelled ? receipts::k_out_cancelled : "closed";
  if (auto done = log.append(db, closed, &open.key); !done) return done;
  if (auto done = log.end_chain(db, open.mid); !done) return done;
  m_sql.delete_recipients.bind(1, id);
  if (auto done = m_sql.delete_recipients.run(); !done) return done;
  m_sql.delete_message.bind(1, id);
  if (auto done = m_sql.delete_message.run(); !done) return done;
  if (!open.spool.empty()) after.spool_files.push_back(open.spool);
  m_open.erase(id);
  return base::Done{};
}

base::Result<void> QueueWriter::marks(const Change& change) {
  for (const auto& [name, value] : change.marks) {
    m_sql.put_mark.bind_text(1, name).bind_text(2, value);
    if (auto done = m_sql.put_mark.run(); !done) return done;
  }
  return base::Done{};
}

base::Result<void> QueueWriter::accounts(const Change& change) {
  for (const Account& account : change.put_accounts) {
    std::string addresses;
    for (const std::string& pattern : account.addresses) addresses.append(pattern).append("\n");
    m_sql.put_account.bind_text(1, account.name)
        .bind_text(2, account.password_hash)
        .bind_text(3, addresses)
        .bind(4, millis(account.created));
    if (auto done = m_sql.put_account.run(); !done) return done;
  }
  for (const std::string& name : change.remove_accounts) {
    m_sql.remove_account.bind_text(1, name);
    if (auto done = m_sql.remove_account.run(); !done) return done;
  }
  return base::Done{};
}

base::Result<void> QueueWriter::archive(LogWriter& log, const Change& change) {
  for (const auto& [name, text] : change.archive) {
    base::Bytes hash;
    for (const LogEntry& entry : change.events)
      if (entry.event.type == receipts::EventType::sys_config && entry.event.cfg)
        hash = base::Bytes(base::view(*entry.event.cfg));
    const base::Bytes sealed = crypto::seal::seal(log.system_key(), text, hash + name);
    m_sql.archive.bind(1, base::ByteView(hash)).bind_text(2, name).bind(3, base::ByteView(sealed));
    if (auto done = m_sql.archive.run(); !done) return done;
  }
  return base::Done{};
}

}  // namespace store
