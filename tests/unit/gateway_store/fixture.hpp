// A store in a directory of its own, and what goes into it.
#pragma once

#include <atomic>
#include <filesystem>
#include <mutex>

#include <gtest/gtest.h>

#include "base/core/file.hpp"
#include "gateway/store/errors.hpp"
#include "gateway/store/store.hpp"

namespace store {

// The time of day as the test says; deadlines run as ever.
class MovableClock : public base::Clock {
 public:
  explicit MovableClock(const char* utc) : m_now(base::parse_utc(utc)->time_since_epoch().count()) {}
  base::Timestamp now() const override { return base::Timestamp{std::chrono::milliseconds{m_now.load()}}; }
  base::Steady steady() const override { return std::chrono::steady_clock::now(); }
  void set(const char* utc) { m_now = base::parse_utc(utc)->time_since_epoch().count(); }

 private:
  std::atomic<std::int64_t> m_now;
};

class StoreTest : public testing::Test {
 protected:
  StoreTest() { std::filesystem::create_directories(m_dir); }
  ~StoreTest() override { std::filesystem::remove_all(m_dir); }

  Options options(char root = 'r', char log = 'l') {
    Options o;
    o.directory = m_dir;
    o.root = std::make_shared<const crypto::seal::RootKey>(*crypto::seal::RootKey::of(base::SecretBytes::copy_of(std::string(32, root))));
    o.log_key = std::make_shared<const base::Ed25519Key>(base::Ed25519Key::from_seed(std::string(32, log)));
    o.origin = "gw.stadt.example/receipts/a";
    o.node = "a";
    o.clock = m_clock;
    return o;
  }

  NewMessage message(const std::string& body = "Befund geheim", int recipients = 1) {
    NewMessage m;
    m.id = ++m_id;
    m.mid = base::MessageId::make(m_clock->now());
    m.key = crypto::seal::make_message_key();
    m.received = m_clock->now();
    m.body = {Store::seal_body(m.mid, m.key, body), {}, body.size()};
    m.record = "Umschlag von amt53@stadt.example";
    for (int i = 0; i < recipients; ++i) m.recipients.push_back({State::due, m.received, "internet", 0, "an a@x.example"});
    m.tags = {"amt53@stadt.example", "a@x.example"};
    return m;
  }

  LogEntry event(receipts::EventType type, std::optional<base::MessageId> mid) {
    LogEntry e{base::EventId::make(m_clock->now()), {}};
    e.event.type = type;
    e.event.mid = mid;
    e.event.time = m_clock->now();
    e.event.out = "ok";
    e.event.disclosures.push_back({receipts::DisclosureClass::env, "from", "amt53@stadt.example"});
    return e;
  }

  Change accept(NewMessage m) {
    Change c;
    c.events.push_back(event(receipts::EventType::msg_accept, m.mid));
    c.inserts.push_back(std::move(m));
    return c;
  }

  RecipientUpdate update(std::int64_t id, State from, State to, std::uint32_t rx = 0) {
    RecipientUpdate u;
    u.id = id;
    u.rx = rx;
    u.from = from;
    u.to = to;
    u.due = m_clock->now();
    return u;
  }

  const base::Clock* m_clock = &base::system_clock();
  std::atomic<std::int64_t> m_id = 0;
  std::filesystem::path m_dir = std::filesystem::temp_directory_path() / ("amtsbote-" + base::MessageId::make({}).text());
};

}  // namespace store
