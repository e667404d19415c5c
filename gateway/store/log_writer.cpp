#include "gateway/store/log_writer.hpp"

#include "gateway/store/disclosures.hpp"
#include "gateway/store/errors.hpp"

namespace store {
namespace {

constexpr std::size_t k_max_chains = 100'000;  // cached; the table knows all

}  // namespace

base::Result<LogWriter> LogWriter::open(Database& db, std::string origin, std::string node, std::string vkey,
                                        base::SecretBytes system_key) {
  LogWriter out;
  out.m_origin = std::move(origin);
  out.m_node = std::move(node);
  out.m_system_key = std::move(system_key);
  const std::pair<Statement*, const char*> statements[] = {
      {&out.m_sql.insert_leaf, "INSERT INTO leaf(idx,mid,bytes,disclosures) VALUES(?,?,?,?)"},
      {&out.m_sql.insert_trace, "INSERT INTO trace(mid,id,key,tags,mseq,prev,closed) VALUES(?,?,?,?,0,x'',0)"},
      {&out.m_sql.update_trace, "UPDATE trace SET mseq=?,prev=?,closed=? WHERE mid=?"},
      {&out.m_sql.find_trace, "SELECT mseq,prev,closed FROM trace WHERE mid=?"},
      {&out.m_sql.save_state,
       "UPDATE log_state SET tree=?,accepted=?,closed=?,cancelled=?,last_id=?,balance_open=?,balance_time=? WHERE one=1"},
  };
  for (const auto& [target, sql] : statements) {
    auto prepared = db.prepare(sql);
    if (!prepared) return std::move(prepared).error();
    *target = *std::move(prepared);
  }
  auto query = db.prepare(
      "SELECT origin,vkey,tree,accepted,closed,cancelled,last_id,balance_open,balance_time FROM log_state WHERE one=1");
  if (!query) return std::move(query).error();
  const auto row = query->step();
  if (!row) return row.error();
  if (*row) {
    if (query->blob(0) != out.m_origin || query->blob(1) != vkey)
      return base::fail(k_foreign_key, "the log of this store is " + query->blob(1) + "; the key given is " + vkey);
    auto tree = receipts::CompactRange::load(query->blob(2));
    if (!tree) return std::move(tree).error();
    out.m_tree = *std::move(tree);
    out.m_balance = {query->integer(3), query->integer(7), query->integer(4), query->integer(5)};
    out.m_last_id = query->integer(6);
    out.m_balance_time = base::Timestamp{std::chrono::milliseconds{query->integer(8)}};
    return out;
  }
  auto insert = db.prepare("INSERT INTO log_state VALUES(1,?,?,?,?,0,0,0,0,0,0)");
  if (!insert) return std::move(insert).error();
  const base::Bytes empty = out.m_tree.save();
  insert->bind_text(1, out.m_origin).bind_text(2, out.m_node).bind_text(3, vkey).bind(4, base::ByteView(empty));
  if (auto done = insert->run(); !done) return done.error();
  return out;
}

void LogWriter::begin() {
  m_tree_before = m_tree;
  m_balance_before = m_balance;
  m_balance_time_before = m_balance_time;
  m_touched.clear();
  if (m_chains.size() > k_max_chains) m_chains.clear();
}

void LogWriter::rollback() {
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
  }
  m_sql.find_trace.reset();
  if (!*row) return base::fail(k_no_message, mid.text());
  return &(m_chains[mid] = chain);
}

base::Result<void> LogWriter::append(Database&, const LogEntry& entry, const base::SecretBytes* key) {
  receipts::ChainLink link;
  Chain* chain = nullptr;
  if (entry.event.mid) {
    auto found = chain_of(*entry.event.mid);
    if (!found) return std::move(found).error();
    chain = *found;
    link = {chain->mseq + 1, chain->last, {}};
  }
  // a balance says what was counted up to its own place in the log
  receipts::Event balanced;
  if (entry.event.type == receipts::EventType::log_balance) {
    balanced = entry.event;
    balanced.facts = m_balance.facts();
    m_balance_time = entry.event.time;
  }
  const receipts::Event& event = entry.event.type == receipts::EventType::log_balance ? balanced : entry.event;
  auto leaf = receipts::compose(event, link, m_node, entry.eid);
  if (!leaf) return std::move(leaf).error();
  const base::Bytes sealed =
      leaf->disclosures.empty()
          ? base::Bytes{}
          : crypto::seal::seal(key != nullptr ? *key : m_system_key, pack_disclosures(leaf->disclosures), entry.eid.view());
  auto& insert = m_sql.insert_leaf;
  insert.bind(1, static_cast<std::int64_t>(m_tree.size())).bind(3, base::ByteView(leaf->bytes));
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
    m_sql.update_trace.bind(3, chain.closed ? 1 : 0).bind(4, mid.view());
    if (auto done = m_sql.update_trace.run(); !done) return done;
    if (chain.closed) m_chains.erase(mid);
  }
  return base::Done{};
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
