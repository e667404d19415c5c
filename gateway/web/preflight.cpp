// GET /v1/preflight: what would become of a message that is not sent. The same questions as for one that is: the server of a
// domain that lists no recipients is asked here, too.
#include <algorithm>

#include <boost/json/array.hpp>

#include "base/net/pool.hpp"
#include "gateway/web/api.hpp"
#include "gateway/web/existence.hpp"
#include "mail/message/edit.hpp"
#include "mail/message/inspect.hpp"

namespace web {
namespace {

using base::net::Awaitable;
using pipeline::Denied;

constexpr std::size_t k_max_recipients = 100;
constexpr std::size_t k_max_header = 2000;  // bytes

class Preflight : public Exchange {
 public:
  explicit Preflight(std::shared_ptr<Visit> visit) : m_visit(std::move(visit)) {}

  Awaitable<std::optional<Response>> begin() override {
    std::string scope = "read";
    auto refused = co_await admit(*m_visit, std::move(scope));
    if (refused) co_return refused;
    if (m_visit->request.has_body()) co_return make_problem(400, "bad_request", "a GET has no body");
    co_return std::nullopt;
  }
  std::optional<Response> write(base::ByteView) override { return std::nullopt; }

  Awaitable<Response> finish() override {
    auto unfit = read_query();
    if (unfit) co_return std::move(*unfit);
    // only what could be sent is asked about
    std::vector<mail::Address> asked;
    for (const mail::Address& address : m_to)
      if (!pipeline::check_recipient(options(), m_claim, address).denied) asked.push_back(address);
    pipeline::SnapshotPtr snapshot = m_visit->snapshot;
    m_missing = co_await look_for(m_visit->services.context, std::move(snapshot), std::move(asked));
    auto job = [this] { return answer(); };
    Response response = co_await base::net::run_on(*m_visit->services.context.blocking, std::move(job));
    co_return response;
  }

 private:
  const config::Options& options() const { return *m_visit->snapshot->options; }

  // The message that has no content yet but a subject; a problem where it could not be the caller's.
  std::optional<Response> read_query() {
    std::vector<JsonFault> faults;
    if (const auto twice = m_visit->request.repeats_parameter("to")) faults.push_back({shown(*twice, 60), "stands twice"});
    auto from = mail::Address::parse(m_visit->request.parameter("from").value_or(""));
    if (!from) faults.push_back({"from", "is no address"});
    const auto to = m_visit->request.parameters("to");
    if (to.empty() || to.size() > k_max_recipients) faults.push_back({"to", "must stand 1 to 100 times"});
    std::string header = read_header(faults);
    for (std::size_t i = 0; i < std::min(to.size(), k_max_recipients); ++i) {
      auto address = mail::Address::parse(to[i]);
      if (!address)
        faults.push_back({"to[" + std::to_string(i) + "]", "is no address"});
      else
        m_to.push_back(*std::move(address));
    }
    if (!faults.empty()) return make_problem(std::move(faults), m_visit->language);
    m_facts = mail::inspect(base::ByteView("From: " + from->text() + "\r\n" + header + "\r\n"));
    m_from = *std::move(from);
    m_claim = m_visit->claim();
    const pipeline::Sender sender = pipeline::check_from(options(), m_claim, m_from, m_facts);
    if (sender.denied) return make_problem(*sender.denied, m_visit->language);
    m_department = sender.department;
    return std::nullopt;
  }

  std::string read_header(std::vector<JsonFault>& faults) const {
    std::string header;
    for (const auto& [name, value] : m_visit->request.query) {
      if (name == "subject") {
        auto field = mail::format_field("Subject", value);
        if (field && header.size() < k_max_header)
          header += *field;
        else
          faults.push_back({"subject", "cannot be a subject"});
      } else if (name == "classification") {
        if (value != "confidential") faults.push_back({"classification", "can only be \"confidential\""});
        header += "Sensitivity: Company-Confidential\r\n";
      } else if (name != "from" && name != "to") {
        faults.push_back({shown(name, 60), "is not known"});
      }
    }
    return header;
  }

  // By the rules of this moment. Blocks on the disk.
  Response answer() const {
    json::array list;
    for (const mail::Address& address : m_to) list.emplace_back(item_for(address));
    return make_json(200, {{"recipients", std::move(list)}, {"config", options().hash}});
  }

  json::object item_for(const mail::Address& address) const {
    const auto direction = pipeline::check_recipient(options(), m_claim, address);
    if (direction.denied) return denial_as_json(*direction.denied, m_visit->language);
    const auto missing = std::find_if(m_missing.begin(), m_missing.end(), [&](const Denied& d) { return d.who == address.text(); });
    if (missing != m_missing.end()) return denial_as_json(*missing, m_visit->language);
    const policies::Origin origin{m_claim.role, m_visit->listener.address, m_claim.proof, m_visit->caller.name, m_department};
    const pipeline::Case c{origin, m_from, &m_facts, nullptr, m_visit->services.context.clock->now()};
    pipeline::RecipientRecord record;
    record.address = address;
    record.direction = direction.direction;
    record.decision = pipeline::decide_one(*m_visit->snapshot, c, address, direction.direction);
    json::object item = decision_as_json(record);
    if (record.decision.outcome != policies::Outcome::deliver)
      item["detail"] = pipeline::decision_lines(record.decision, address.text(), m_visit->language).front();
    item["trail"] = policies::format_trail(record.decision);
    return item;
  }

  std::shared_ptr<Visit> m_visit;
  mail::ReversePath m_from;
  std::vector<mail::Address> m_to;
  mail::MessageFacts m_facts;
  pipeline::Claim m_claim;
  std::string m_department;
  std::vector<Denied> m_missing;
};

}  // namespace

std::unique_ptr<Exchange> make_preflight(std::shared_ptr<Visit> visit) { return std::make_unique<Preflight>(std::move(visit)); }

}  // namespace web
