#include "base/net/resolver.hpp"

#include <algorithm>

#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unbound.h>

#include "base/core/bytes.hpp"
#include "base/core/errors.hpp"
#include "base/core/random.hpp"

namespace base::net {
namespace {

constexpr int k_a = 1, k_aaaa = 28, k_mx = 15, k_in = 1;
constexpr int k_nxdomain = 3;

struct Answer {
  std::vector<Bytes> data;
  bool secure = false;
};

Result<Answer> read_answer(int error, const ub_result* result) {
  // order matters: a bogus answer carries data and no error
  if (error != 0 || result == nullptr) return fail(k_resolve, error != 0 ? ub_strerror(error) : "no result");
  if (result->bogus) return fail(k_resolve, std::string("bogus: ") + (result->why_bogus ? result->why_bogus : ""));
  if (result->rcode == k_nxdomain || result->nxdomain) return fail(k_no_such_domain, result->qname ? result->qname : "");
  if (result->rcode != 0) return fail(k_resolve, "rcode " + std::to_string(result->rcode));
  Answer out;
  out.secure = result->secure != 0;
  if (result->havedata)
    for (int i = 0; result->data[i] != nullptr && i < 100; ++i) out.data.emplace_back(result->data[i], static_cast<std::size_t>(result->len[i]));
  return out;
}

// A name in wire form, uncompressed (unbound expands it). "" for the root and for what is no host name.
std::string read_name(ByteView wire) {
  std::string out;
  while (!wire.empty()) {
    const auto length = static_cast<unsigned char>(wire[0]);
    if (length == 0 || length > 63 || wire.size() <= length) break;
    if (!out.empty()) out += '.';
    out += to_lower(wire.substr(1, length));
    wire.remove_prefix(1 + length);
  }
  for (const char c : out)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_')) return {};
  return out;
}

std::size_t draw(std::size_t below) {
  std::uint32_t value = 0;
  fill_random(&value, sizeof value);
  return value % below;
}

using Handler = std::function<void(Result<Answer>)>;

// One question under way: owned by the callback of libunbound or, after a cancel, by nobody.
struct Query {
  std::function<void(Result<Answer>)> done;
  std::unique_ptr<asio::steady_timer> timer;
  int id = 0;
};

}  // namespace

struct Resolver::Impl : std::enable_shared_from_this<Resolver::Impl> {
  Impl(asio::any_io_executor e, ResolverOptions o) : executor(std::move(e)), options(std::move(o)), descriptor(executor) {}
  ~Impl() {
    descriptor.release();  // the descriptor belongs to libunbound
    if (context != nullptr) ub_ctx_delete(context);
  }

  Result<void> start() {
    context = ub_ctx_create();
    if (context == nullptr) return fail(k_resolve, "libunbound");
    ub_ctx_async(context, 1);
    ub_ctx_set_option(context, "do-not-query-localhost:", "no");
    ub_ctx_set_option(context, "msg-cache-size:", "4m");
    ub_ctx_set_option(context, "rrset-cache-size:", "8m");
    for (const std::string& zone : options.insecure) ub_ctx_set_option(context, "domain-insecure:", zone.c_str());
    int rc = ub_ctx_hosts(context, "/etc/hosts");
    if (options.forwarders.empty()) rc = ub_ctx_resolvconf(context, nullptr);
    for (const std::string& forwarder : options.forwarders)
      if (rc == 0) rc = ub_ctx_set_fwd(context, forwarder.c_str());
    if (rc != 0) return fail(k_resolve, ub_strerror(rc));
    if (!options.trust_anchor.empty()) {
      // a missing anchor file is only noticed at the first question, and then as an error of that question
      if (!std::filesystem::exists(options.trust_anchor)) return fail(k_not_found, options.trust_anchor.string());
      rc = ub_ctx_add_ta_file(context, options.trust_anchor.c_str());
      if (rc != 0) return fail(k_resolve, ub_strerror(rc));
    }
    descriptor.assign(ub_fd(context));
    return Done{};
  }

  // waits for libunbound only while questions are under way, so that an idle resolver does not keep the loop alive
  void wait() {
    if (waiting || under_way == 0) return;
    waiting = true;
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& ec) {
      self->waiting = false;
      if (ec) return;
      ub_process(self->context);
      self->wait();
    });
  }

  void ask(const std::string& name, int type, Handler done) {
    auto query = std::make_shared<Query>();
    query->done = std::move(done);
    query->timer = std::make_unique<asio::steady_timer>(executor, options.deadline);
    auto* cookie = new std::pair(weak_from_this(), query);
    const int rc = ub_resolve_async(context, name.c_str(), type, k_in, cookie, &Impl::answered, &query->id);
    if (rc != 0) {
      delete cookie;
      query->done(fail(k_resolve, ub_strerror(rc)));
      return;
    }
    ++under_way;
    query->timer->async_wait([self = shared_from_this(), query, cookie](const boost::system::error_code& ec) {
      if (ec || !query->done) return;
      if (ub_cancel(self->context, query->id) == 0) delete cookie;  // after a cancel the callback never runs
      self->finish(*query, fail(k_resolve, "deadline"));
    });
    wait();
  }

  void finish(Query& query, Result<Answer> answer) {
    if (!query.done) return;
    --under_way;
    const auto done = std::exchange(query.done, nullptr);
    query.timer->cancel();
    done(std::move(answer));
  }

  static void answered(void* cookie, int error, ub_result* result) {
    const std::unique_ptr<std::pair<std::weak_ptr<Impl>, std::shared_ptr<Query>>> owned(
        static_cast<std::pair<std::weak_ptr<Impl>, std::shared_ptr<Query>>*>(cookie));
    auto answer = read_answer(error, result);
    ub_resolve_free(result);
    if (const auto self = owned->first.lock()) self->finish(*owned->second, std::move(answer));
  }

  Awaitable<Result<Answer>> question(std::string name, int type) {
    Result<Answer> result = fail(k_resolve, "no answer");
    Result<Answer>* slot = &result;
    const auto self = shared_from_this();
    const std::string* asked = &name;
    Impl* impl = self.get();
    // pointers only: GCC 12.2 destroys the captures of this argument twice; all of it lives in this frame until the end
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
        [impl, slot, asked, type](auto handler) {
          auto shared = std::make_shared<decltype(handler)>(std::move(handler));
          impl->ask(*asked, type, [impl, slot, shared](Result<Answer> answer) {
            *slot = std::move(answer);
            asio::post(impl->executor, std::move(*shared));
          });
        },
        asio::use_awaitable);
    co_return std::move(result);
  }

  asio::any_io_executor executor;
  ResolverOptions options;
  asio::posix::stream_descriptor descriptor;
  ub_ctx* context = nullptr;
  int under_way = 0;
  bool waiting = false;
};

void order_hosts(std::vector<MxHost>& hosts, const std::function<std::size_t(std::size_t)>& draw) {
  for (std::size_t i = hosts.size(); i > 1; --i) std::swap(hosts[i - 1], hosts[draw(i)]);
  std::stable_sort(hosts.begin(), hosts.end(), [](const MxHost& a, const MxHost& b) { return a.preference < b.preference; });
}

Resolver::Resolver(std::shared_ptr<Impl> impl) : m_impl(std::move(impl)) {}
Resolver::~Resolver() = default;

Result<std::unique_ptr<Resolver>> Resolver::make(asio::any_io_executor executor, ResolverOptions options) {
  auto impl = std::make_shared<Impl>(std::move(executor), std::move(options));
  if (auto started = impl->start(); !started) return started.error();
  return std::unique_ptr<Resolver>(new Resolver(std::move(impl)));
}

Awaitable<Result<MxAnswer>> Resolver::mx(std::string domain) {
  auto answer = co_await m_impl->question(std::move(domain), k_mx);
  if (!answer) co_return std::move(answer).error();
  MxAnswer out;
  out.secure = answer->secure;
  for (const Bytes& record : answer->data) {
    if (record.size() < 3) continue;
    const auto preference = static_cast<std::uint16_t>(u8(record)[0] << 8 | u8(record)[1]);
    const std::string host = read_name(ByteView(record).substr(2));
    if (host.empty())
      out.null_mx = out.null_mx || record.size() == 3;
    else
      out.hosts.push_back({preference, host});
  }
  order_hosts(out.hosts, draw);
  if (!out.hosts.empty()) out.null_mx = false;
  co_return out;
}

Awaitable<Result<std::vector<std::string>>> Resolver::addresses(std::string host) {
  boost::system::error_code ec;
  asio::ip::make_address(host, ec);
  if (!ec) co_return std::vector<std::string>{host};
  auto v4 = co_await m_impl->question(host, k_a);
  auto v6 = co_await m_impl->question(std::move(host), k_aaaa);
  std::vector<std::string> out;
  if (v4)
    for (const Bytes& d : v4->data)
      if (d.size() == 4) out.push_back(asio::ip::make_address_v4(asio::ip::address_v4::bytes_type{u8(d)[0], u8(d)[1], u8(d)[2], u8(d)[3]}).to_string());
  if (v6)
    for (const Bytes& d : v6->data)
      if (d.size() == 16) {
        asio::ip::address_v6::bytes_type bytes;
        std::copy(u8(d), u8(d) + 16, bytes.begin());
        out.push_back(asio::ip::make_address_v6(bytes).to_string());
      }
  if (!out.empty()) co_return out;
  // half an answer without addresses is no "no"
  if (!v4) co_return std::move(v4).error();
  if (!v6) co_return std::move(v6).error();
  co_return out;
}

}  // namespace base::net
