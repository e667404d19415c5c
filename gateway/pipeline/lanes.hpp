// Promise: step 9: one group's mail to one destination, over a kept connection where one is free. Connections to a
// destination are few and reused; what a host refuses for itself is tried at the next. External mail and mailbox mail come
// through two doors. All on one executor.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <utility>

#include <boost/asio/steady_timer.hpp>

#include "gateway/pipeline/context.hpp"
#include "gateway/pipeline/outgoing.hpp"
#include "smtp/client/connection.hpp"

namespace pipeline {

struct Delivery {
  std::vector<smtp::client::Outcome> outcomes;  // one for each recipient
  std::string host, tls;                        // whom we spoke with, and how; "" if with nobody
  bool peer_does_dsn = false;
};

struct Parcel {
  config::RouteOptions route;
  std::string lane_domain;                      // for MX lookup
  policies::Transport floor = policies::Transport::any;
  smtp::client::Transaction transaction;
  bool dot_lines = true;
  std::string top;                              // our own trace fields, in front of the message
  std::chrono::seconds patience{300};           // for each command (RFC 5321 section 4.5.3.2)
};

class Lanes {
  // So many at once and no more; the others wait in turn.
  struct Gate {
    std::size_t inside = 0, coming = 0;  // coming: those that wait, and those that were called and have not run yet
    std::deque<std::shared_ptr<boost::asio::steady_timer>> waiting;
  };

 public:
  // Held while something is inside a gate.
  class Place {
   public:
    Place() = default;
    explicit operator bool() const { return m_gate != nullptr; }
    Place(Place&& other) noexcept : m_gate(std::exchange(other.m_gate, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(m_gate, other.m_gate);
      return *this;
    }
    ~Place() {
      if (m_gate != nullptr) leave(*m_gate);
    }

   private:
    friend class Lanes;
    explicit Place(Gate& gate) : m_gate(&gate) {}
    Gate* m_gate = nullptr;
  };

  Lanes(Context& context, boost::asio::any_io_executor executor) : m_context(context), m_executor(std::move(executor)) {}
  // What keeps destinations apart: the route, the recipients' domain where it looks up MX, and the least TLS.
  static std::string name_of(const config::RouteOptions& route, const std::string& domain, policies::Transport floor);
  // The turn of this parcel has come, or nearly: what waits here has not been tried, and its attempt must not be on record.
  // A few more get in than there are connections, so that none of these stands idle while an attempt is committed. No place:
  // the turn has not come for a while, and somebody else may make better use of the time.
  base::net::Awaitable<Place> enter(SnapshotPtr snapshot, const Parcel& parcel);
  // Says goodbye on connections that nobody took for a while, and forgets lanes that nobody uses: there is one for each domain
  // that mail went to. Now and then.
  void sweep();
  base::net::Awaitable<Delivery> send_external(SnapshotPtr snapshot, Parcel parcel, ExternalMail mail, Place place);
  base::net::Awaitable<Delivery> send_to_mailbox(SnapshotPtr snapshot, Parcel parcel, MailboxMail mail, Place place);
  base::net::Awaitable<void> close_idle();      // says QUIT on every kept connection

 private:
  using ConnectionPtr = std::unique_ptr<smtp::client::Connection>;
  struct Kept {
    ConnectionPtr connection;
    std::string host;
    base::Steady since;
  };
  struct Lane {
    Gate entered, connected;
    std::vector<Kept> idle;
  };
  struct Opened {
    ConnectionPtr connection;
    std::string host;
    smtp::client::Outcome failure;              // if there is no connection
  };
  struct Target {
    std::string address, host;                  // an IP address or the path of a socket; the name the certificate must have
  };

  base::net::Awaitable<Delivery> send(SnapshotPtr snapshot, Parcel parcel, base::ContentPtr content, Place place);
  base::net::Awaitable<Delivery> attempt(SnapshotPtr snapshot, const Parcel& parcel, base::ContentPtr content, Lane& lane);
  Lane& lane_of(const Parcel& parcel);
  static base::net::Awaitable<Place> pass(Gate& gate, std::size_t most, std::chrono::steady_clock::duration patience);
  static void leave(Gate& gate);
  base::net::Awaitable<Opened> open(SnapshotPtr snapshot, const Parcel& parcel);
  base::net::Awaitable<std::variant<std::vector<Target>, smtp::client::Outcome>> targets(const Snapshot& snapshot, const Parcel& parcel);
  std::optional<Kept> take_idle(Lane& lane);

  Context& m_context;
  boost::asio::any_io_executor m_executor;
  std::map<std::string, Lane> m_lanes;          // sweep() takes out what no place points into
};

}  // namespace pipeline
