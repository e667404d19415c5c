#include "gateway/store/log_writer.hpp"

#include "gateway/store/disclosures.hpp"
#include "gateway/store/errors.hpp"

namespace store {
namespace {

constexpr std::size_t k_max_chains = 100'000;  // cached; the table knows all

}  // namespace

base::Result<LogWriter> LogWriter::open(Database& db, LogOptions options, base::SecretBytes system_key) {
  LogWriter out;
  out.m_options = std::move(options);
  out.m_system_key = std::move(system_key);
  const std::pair<Statement*, const char*> statements[] = {
      {&out.m_sql.insert_leaf, "INSERT INTO leaf(idx,mid,bytes,disclosures) VALUES(?,?,?,?)"},
      {&out.m_sql.insert_trace, "INSERT INTO trace(mid,id,key,tags,mseq,prev,closed) VALUES(?,?,?,?,0,x'',0)"},
      {&out.m_sql.update_trace, "UPDATE trace SET mseq=?,prev=?,closed=?,epoch=? WHERE mid=?"},
      {&out.m_sql.find_trace, "SELECT mseq,prev,closed,epoch FROM trace WHERE mid=?"},
      {&out.m_sql.save_state, "UPDATE log_state SET tree=?,accepted=?,closed=?,cancelled=?,last_id=?,balance_open=?,balance_time=? WHERE one=1"},
      {&out.m_sql.find_epoch, "SELECT name FROM epoch WHERE no=?"},
  };
  for (const auto& [target, sql] : statements) {
    auto prepared = db.prepare(sql);
    if (!prepared) return std::move(prepared).error();
    *target = *std::move(prepared);
  }
  auto query = db.prepare(
      "SELECT vkey,tree,accepted,closed,cancelled,last_id,balance_open,balance_time,no,name,first,size,(SELECT bytes FROM leaf ORDER BY idx DESC LIMIT 1)"
      " FROM log_state JOIN epoch ON no=epoch WHERE one=1");
  if (!query) return std::move(query).error();
  const auto row = query->step();
  if (!row) return row.error();
  if (*row) {
    if (auto loaded = out.load(*query); !loaded) return loaded.error();
    return out;
  }
  if (auto made = out.make_state(db); !made) return made.error();
  return out;
}

base::Result<void> LogWriter::make_state(Database& db) {
  m_epoch.name = m_options.first_epoch;
  auto epoch = db.prepare("INSERT OR REPLACE INTO epoch(no,name,first) VALUES(1,?,0)");
  if (!epoch) return std::move(epoch).error();
  epoch->bind_text(1, m_epoch.name);
  if (auto done = epoch->run(); !done) return done;
  const std::string place = origin(), vkey = receipts::format_vkey({place, m_options.key});
  const base::Bytes empty = m_tree.save();
  auto state = db.prepare("INSERT INTO log_state VALUES(1,?,?,?,?,0,0,0,0,0,0,1)");
  if (!state) return std::move(state).error();
  state->bind_text(1, place).bind_text(2, m_options.node).bind_text(3, vkey).bind(4, base::ByteView(empty));
  return state->run();
}

base::Result<void> LogWriter::load(Statement& row) {
  const auto vkey = receipts::parse_vkey(row.blob(0));
  if (!vkey) return vkey.error();
  auto tree = receipts::CompactRange::load(row.blob(1));
  if (!tree) return std::move(tree).error();
  m_tree = *std::move(tree);
  m_balance = {row.integer(2), row.integer(6), row.integer(3), row.integer(4)};
  m_last_id = row.integer(5);
  m_balance_time = base::Timestamp{std::chrono::milliseconds{row.integer(7)}};
  m_epoch = {row.integer(8), row.blob(9), static_cast<std::uint64_t>(row.integer(10)), !row.is_null(11)};
  if (vkey->key != m_options.key || vkey->name != origin())
    return base::fail(k_foreign_key, "the log of this store is " + row.blob(0) + "; the key given is " + receipts::format_vkey({origin(), m_options.key}));
  if (const auto last = receipts::parse_leaf(row.blob(12))) m_last_time = last->event.time;
  return base::Done{};
}

void LogWriter::begin() {
  m_epoch_before = m_epoch;
  m_tree_before = m_tree;
  m_balance_before = m_balance;
  m_balance_time_before = m_balance_time;
  m_touched.clear();
  if (m_chains.size() > k_max_chains) m_chains.clear();
}

void LogWriter::rollback() {
  m_epoch = m_epoch_before;
  m_tree = m_tree_before;
  m_balance = m_balance_before;
  m_balance_time = m_balance_time_before;
  for (const auto& mid : m_touched) m_chains.erase(mid);
}

base::Result<void> LogWriter::start_chain(Database&, const NewMessage& message, std::int64_t id, base::ByteView wrapped_key,
                                          base::ByteView tags) {
  m_sql.insert_trace.bind(1, message.mid.view()).bind(2, id).bind(3, wrapped_key).bind(4, tags);
  if (auto done = m_sql.insert_trace.run(); !done) return done;
  Chain& chain = m_chains[message.mid] = {};
  touch(message.mid, chain);
  m_last_id = std::max(m_last_id, id);
  return base::Done{};
}

base::Result<LogWriter::Chain*> LogWriter::chain_of(const base::MessageId& mid) {
  if (const auto it = m_chains.find(mid); it != m_chains.end()) return &it->second;
  m_sql.find_trace.bind(1, mid.view());
  const auto row = m_sql.find_trace.step();
  if (!row) return row.error();
  Chain chain;
  if (*row) {
    chain.mseq = static_cast<std::uint64_t>(m_sql.find_trace.integer(0));
    const base::Bytes prev = m_sql.find_trace.blob(1);
    if (prev.size() == 32) std::copy(prev.begin(), prev.end(), reinterpret_cast<char*>(chain.last.emplace().data()));
    chain.closed = m_sql.find_trace.integer(2) != 0;
    chain.epoch = m_sql.find_trace.integer(3);
  }
  m_sql.find_trace.reset();
  if (!*row) return base::fail(k_no_message, mid.text());
  return &(m_chains[mid] = chain);
}

// Where the next leaf of a chain hangs; across an epoch it names the older one.
base::Result<receipts::ChainLink> LogWriter::link_of(const Chain& chain) {
  receipts::ChainLink link{chain.mseq + 1, chain.last, {}};
  if (!chain.last || chain.epoch == m_epoch.no) return link;
  m_sql.find_epoch.bind(1, chain.epoch);
  const auto row = m_sql.find_epoch.step();
  if (!row) return row.error();
  if (*row) link.epoch = m_sql.find_epoch.blob(0);
  m_sql.find_epoch.reset();
  if (link.epoch.empty()) return base::fail(k_database, "a chain hangs in an epoch that is not known");
  return link;
}

base::Result<void> LogWriter::append(Database&, const LogEntry& entry, const base::SecretBytes* key) {
  receipts::ChainLink link;
  Chain* chain = nullptr;
  if (entry.event.mid) {
    auto found = chain_of(*entry.event.mid);
    if (!found) return std::move(found).error();
    chain = *found;
    auto hung = link_of(*chain);
    if (!hung) return std::move(hung).error();
    link = *std::move(hung);
  }
  // a balance says what was counted up to its own place in the log
  receipts::Event balanced;
  if (entry.event.type == receipts::EventType::log_balance) {
    balanced = entry.event;
    balanced.facts = m_balance.facts();
    m_balance_time = entry.event.time;
  }
  const receipts::Event& event = entry.event.type == receipts::EventType::log_balance ? balanced : entry.event;
  auto leaf = receipts::compose(event, link, m_options.node, entry.eid);
  if (!leaf) return std::move(leaf).error();
  const base::Bytes sealed =
      leaf->disclosures.empty()
          ? base::Bytes{}
          : crypto::seal::seal(key != nullptr ? *key : m_system_key, pack_disclosures(leaf->disclosures), entry.eid.view());
  auto& insert = m_sql.insert_leaf;
  insert.bind(1, static_cast<std::int64_t>(m_epoch.first + m_tree.size())).bind(3, base::ByteView(leaf->bytes));
  if (entry.event.mid)
    insert.bind(2, entry.event.mid->view());
  else
    insert.bind_null(2);
  if (sealed.empty())
    insert.bind_null(4);
  else
    insert.bind(4, base::ByteView(sealed));
  if (auto done = insert.run(); !done) return done;
  m_tree.append(leaf->hash);
  m_balance.count(event.type, event.facts, event.out);
  if (chain == nullptr) return base::Done{};
  chain->mseq = link.mseq;
  chain->last = leaf->hash;
  chain->epoch = m_epoch.no;
  touch(*entry.event.mid, *chain);
  return base::Done{};
}

void LogWriter::touch(const base::MessageId& mid, Chain& chain) {
  if (chain.dirty) return;
  chain.dirty = true;
  m_touched.push_back(mid);
}

base::Result<void> LogWriter::end_chain(Database&, const base::MessageId& mid) {
  auto chain = chain_of(mid);
  if (!chain) return std::move(chain).error();
  (*chain)->closed = true;
  touch(mid, **chain);
  return base::Done{};
}

base::Result<void> LogWriter::save_chains() {
  for (const base::MessageId& mid : m_touched) {
    Chain& chain = m_chains.at(mid);
    chain.dirty = false;
    m_sql.update_trace.bind(1, static_cast<std::int64_t>(chain.mseq))
        .bind(2, chain.last ? base::view(*chain.last) : base::ByteView());
    m_sql.update_trace.bind(3, chain.closed ? 1 : 0).bind(4, chain.epoch).bind(5, mid.view());
    if (auto done = m_sql.update_trace.run(); !done) return done;
    if (chain.closed) m_chains.erase(mid);
  }
  return base::Done{};
}

base::Result<void> LogWriter::close_epoch(Database& db, base::Timestamp now) {
  for (const auto type : {receipts::EventType::log_balance, receipts::EventType::log_close}) {
    LogEntry entry{base::EventId::make(now), {}};
    entry.event.type = type;
    entry.event.time = now;
    entry.event.out = type == receipts::EventType::log_close ? "closed" : "ok";
    if (type == receipts::EventType::log_close) entry.event.facts.push_back({"open", m_balance.open()});
    if (auto done = append(db, entry, nullptr); !done) return done;
  }
  auto update = db.prepare("UPDATE epoch SET size=? WHERE no=?");
  if (!update) return std::move(update).error();
  update->bind(1, static_cast<std::int64_t>(m_tree.size())).bind(2, m_epoch.no);
  if (auto done = update->run(); !done) return done;
  m_epoch.is_closed = true;
  return base::Done{};
}

base::Result<void> LogWriter::start_epoch(Database& db, const receipts::EpochName& name, const std::string& note, LogEntry open) {
  auto end = db.prepare("UPDATE epoch SET size=?,note=? WHERE no=?");
  if (!end) return std::move(end).error();
  end->bind(1, static_cast<std::int64_t>(m_tree.size())).bind_text(2, note).bind(3, m_epoch.no);
  if (auto done = end->run(); !done) return done;
  m_epoch = {m_epoch.no + 1, receipts::format_epoch(name), m_epoch.first + m_tree.size(), false};
  auto start = db.prepare("INSERT INTO epoch(no,name,first) VALUES(?,?,?)");
  if (!start) return std::move(start).error();
  start->bind(1, m_epoch.no).bind_text(2, m_epoch.name).bind(3, static_cast<std::int64_t>(m_epoch.first));
  if (auto done = start->run(); !done) return done;
  const std::string vkey = receipts::format_vkey({origin(), m_options.key}), place = origin();
  auto state = db.prepare("UPDATE log_state SET epoch=?,origin=?,vkey=? WHERE one=1");
  if (!state) return std::move(state).error();
  state->bind(1, m_epoch.no).bind_text(2, place).bind_text(3, vkey);
  if (auto done = state->run(); !done) return done;
  m_tree = {};
  return open_epoch(db, std::move(open));
}

base::Result<void> LogWriter::open_epoch(Database& db, LogEntry open) {
  open.event.facts.push_back({"open", m_balance.open()});
  return append(db, open, nullptr);
}

base::Result<void> LogWriter::save(Database&) {
  if (auto done = save_chains(); !done) return done;
  const base::Bytes tree = m_tree.save();
  m_sql.save_state.bind(1, base::ByteView(tree))
      .bind(2, m_balance.accepted)
      .bind(3, m_balance.closed)
      .bind(4, m_balance.cancelled)
      .bind(5, m_last_id);
  m_sql.save_state.bind(6, m_balance.open_before).bind(7, static_cast<std::int64_t>(m_balance_time.time_since_epoch().count()));
  return m_sql.save_state.run();
}

}  // namespace store
