#include "simulator/doors/push.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include "smtp/client/connection.hpp"

namespace simulator {
namespace {

namespace asio = boost::asio;
using base::net::Awaitable;
using smtp::client::Connection;
using smtp::client::Outcome;
using smtp::client::OutcomeKind;

constexpr std::chrono::seconds k_connect{10}, k_command{30}, k_final{60};

std::string text_of(const Outcome& outcome) {
  return (outcome.reply.code == 0 ? "" : std::to_string(outcome.reply.code) + " ") + outcome.reply.enhanced + " " +
         outcome.reply.text.printable();
}

}  // namespace

struct Pusher::Impl {
  asio::any_io_executor executor;
  World& world;
  PushOptions options;
  asio::steady_timer timer;
  std::unique_ptr<Connection> connections[2];  // by Side
  bool is_moved = false;                       // the target is another one: what is open leads to the old

  Impl(asio::any_io_executor e, World& w, PushOptions o) : executor(e), world(w), options(std::move(o)), timer(e) {}

  base::Result<base::net::TlsClientPtr> client(Side side) const {
    const Signer& shown = world.settings.issue.pki->of(side).push;
    std::optional<base::fs::path> anchors = options.anchors;
    // nobody's anchors: whoever it is, the connection is encrypted
    if (options.anchors.empty()) anchors = world.settings.issue.pki->file("tls-root");
    return base::net::make_tls_client(anchors, shown.certificate_pem, base::SecretBytes::copy_of(shown.key_pem));
  }

  // An empty text, or why not.
  Awaitable<std::string> open(Side side) {
    auto& connection = connections[side == Side::a ? 0 : 1];
    if (std::exchange(is_moved, false))
      for (auto& old : connections) old.reset();
    if (connection && connection->usable()) co_return std::string();
    const auto tls = client(side);
    if (!tls) co_return tls.error().describe();
    const base::net::HostPort target = *options.target;
    auto stream = co_await base::net::connect(target.host, target.port, k_connect);
    if (!stream) co_return stream.error().describe();
    smtp::client::Options how;
    how.helo = provider_of(side).hostname;
    how.implicit_tls = options.implicit_tls;
    how.floor = options.anchors.empty() ? smtp::client::TlsFloor::tls : smtp::client::TlsFloor::verified;
    how.command_time = k_command;
    how.final_time = k_final;
    std::string name = options.server_name.empty() ? target.host : options.server_name;
    auto opened = co_await Connection::open(*std::move(stream), std::move(how), *tls, std::move(name));
    if (auto* outcome = std::get_if<Outcome>(&opened)) co_return text_of(*outcome);
    connection = std::move(std::get<std::unique_ptr<Connection>>(opened));
    co_return std::string();
  }

  Awaitable<void> hand_over(Push push) {
    const Account* account = world.directory.find_login(push.account);
    const Side side = account->side;
    std::string failure = co_await open(side);
    if (!failure.empty()) {
      world.push_failed(std::move(push), failure, options.retry);
      co_return;
    }
    smtp::client::Transaction transaction;
    transaction.reverse_path = push.from;
    transaction.parameters.size = push.bytes.size();
    transaction.eight_bit = !base::is_ascii(push.bytes);
    transaction.recipients.push_back({push.to, {}});
    base::ContentPtr content = base::make_content(push.bytes);
    const std::vector<Outcome> outcomes =
        co_await connections[side == Side::a ? 0 : 1]->send(std::move(transaction), std::move(content), true);
    const Outcome& outcome = outcomes.front();
    if (outcome.kind == OutcomeKind::ok)
      world.push_done(push, text_of(outcome));
    else if (outcome.kind == OutcomeKind::permanent)
      world.push_refused(push, text_of(outcome));
    else
      world.push_failed(std::move(push), text_of(outcome), options.retry);
  }

  Awaitable<void> run() {
    while (true) {
      std::optional<Push> push;
      if (options.target) push = world.next_push();
      if (push) {
        co_await hand_over(*std::move(push));
        continue;
      }
      boost::system::error_code ignored;
      timer.expires_after(options.retry);
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
  }
};

Pusher::Pusher(asio::any_io_executor executor, World& world, PushOptions options)
    : m_impl(std::make_unique<Impl>(executor, world, std::move(options))) {
  world.has_push_target = m_impl->options.target.has_value();
}
Pusher::~Pusher() = default;

void Pusher::start() {
  asio::co_spawn(m_impl->executor, m_impl->run(), [](std::exception_ptr) {});
}

void Pusher::wake() { m_impl->timer.cancel(); }

void Pusher::set_target(std::optional<base::net::HostPort> target) {
  m_impl->options.target = std::move(target);
  m_impl->world.has_push_target = m_impl->options.target.has_value();
  m_impl->is_moved = true;
  wake();
}

const PushOptions& Pusher::options() const { return m_impl->options; }

}  // namespace simulator
