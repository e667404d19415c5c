// POST /v1/messages: a message as it is, or as JSON. Both become one Submission, as by SMTP.
#include <algorithm>
#include <atomic>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/core/digest.hpp"
#include "base/core/log.hpp"
#include "base/net/pool.hpp"
#include "gateway/pipeline/events.hpp"
#include "gateway/store/errors.hpp"
#include "gateway/web/api.hpp"
#include "gateway/web/existence.hpp"
#include "gateway/web/mail_lines.hpp"
#include "mail/message/inspect.hpp"

namespace web {
namespace {

using base::net::Awaitable;
using pipeline::Denied;
using pipeline::Refusal;

constexpr base::log::Event k_event_refused{"https.refused"};

constexpr std::size_t k_max_key = 200;                         // bytes of an Idempotency-Key
constexpr std::chrono::hours k_remember{24};
constexpr std::uint64_t k_json_budget = 256ULL << 20;          // bytes that all JSON requests together may hold
constexpr std::uint64_t k_json_cost = 4;  // the text, what the parser makes of it, and the mail in two pieces

std::atomic<std::uint64_t> g_json_bytes{0};

// Memory that a JSON request takes; given back when the request ends.
class JsonShare {
 public:
  ~JsonShare() { g_json_bytes -= m_taken; }
  bool take(std::uint64_t bytes) {
    if (g_json_bytes.fetch_add(bytes) + bytes > k_json_budget) {
      g_json_bytes -= bytes;
      return false;
    }
    m_taken += bytes;
    return true;
  }

 private:
  std::uint64_t m_taken = 0;
};

std::string media_type_of(const Request& request) {
  const std::string_view value = request.field("content-type");
  std::string out = base::to_lower(value.substr(0, value.find(';')));
  std::erase_if(out, [](char c) { return c == ' ' || c == '\t'; });
  return out;
}

struct Envelope {
  mail::ReversePath from;
  std::vector<mail::Address> to;
};

// What the receipt of a refusal says.
struct Refused {
  smtp::Reply reply;
  std::string word;
};

// RFC 6531 section 3.4: such an address goes only where the next server says that it can.
bool needs_utf8(const std::vector<pipeline::RecipientRecord>& recipients) {
  return std::any_of(recipients.begin(), recipients.end(), [](const auto& r) { return r.address.needs_smtputf8(); });
}

// Recipients that are named twice get it once.
void add_recipient(std::vector<mail::Address>& to, mail::Address address) {
  if (std::find(to.begin(), to.end(), address) == to.end()) to.push_back(std::move(address));
}

class Submit : public Exchange {
 public:
  explicit Submit(std::shared_ptr<Visit> visit) : m_visit(std::move(visit)) {}

  Awaitable<std::optional<Response>> begin() override {
    std::string scope = "submit";
    auto refused = co_await admit(*m_visit, std::move(scope));
    if (refused) co_return refused;
    m_state.snapshot = m_visit->snapshot;
    m_state.listener = m_visit->listener;
    m_state.claim = m_visit->claim();
    m_state.claim.listener = &m_state.listener;
    m_state.principal = m_visit->caller.name;
    auto refusal = look_at_head();
    const std::string_view key = m_visit->request.field("idempotency-key");
    if (!refusal && !key.empty()) {
      m_key = store().request_key(std::string(policies::name_of(m_visit->caller.proof)) + ":" + m_visit->caller.name, std::string(key));
      auto job = [this] { return store().find_request(*m_key); };
      auto known = co_await base::net::run_on(*context().blocking, std::move(job));
      if (!known) co_return make_problem(Denied{Refusal::store_failed, ""}, m_visit->language);
      m_earlier = *std::move(known);
    }
    // what was taken stays taken, whatever has become of the disk, the rules or the account since
    if (!refusal && !m_earlier) refusal = read_query();
    if (refusal) co_await note_refusal();
    co_return refusal;
  }

  std::optional<Response> write(base::ByteView piece) override {
    m_content.update(piece);
    m_size += piece.size();
    if (m_size > limit()) return too_large();
    if (m_earlier) return std::nullopt;  // only to see whether it is the same once more
    if (m_is_json) {
      if (!m_json_share.take(piece.size() * k_json_cost)) return unfit(503, "busy", "too many large requests at once");
      m_json.append(piece);
      return std::nullopt;
    }
    base::Bytes mail;
    if (const char* fault = m_lines.feed(piece, mail)) return unfit(422, "malformed_message", fault);
    return take_mail(mail);
  }

  // The receipt of a refusal stands before its answer, as by SMTP for own senders; without it the refusal still stands.
  Awaitable<void> note_refusal() override {
    if (!m_refused) co_return;
    const Refused refused = *std::exchange(m_refused, std::nullopt);
    context().metrics.refused_for(refused.word).add();
    base::log::info(k_event_refused, {{"peer", m_visit->client.address}, {"code", refused.reply.code}, {"reason", refused.word}});
    store::Change change;
    const pipeline::EventTime at{context().clock->now(), m_visit->snapshot->cfg};
    change.events.push_back(pipeline::reject_event(at, m_state.origin(m_state.department_at_rcpt), m_from, m_to, refused.reply,
                                                   refused.word.c_str(), m_visit->client.address));
    const auto done = co_await store().commit(std::move(change));
    if (!done) base::log::error(k_event_refused, {{"error", done.error().describe()}});
  }

  Awaitable<Response> finish() override {
    const base::Sha256Digest content = m_content.finish();
    if (m_earlier) {
      Response same = repeat(*m_earlier, content);
      co_await note_refusal();
      co_return same;
    }
    if (m_is_json) {
      auto job = [this] { return read_json(); };
      m_composed = co_await base::net::run_on(*context().blocking, std::move(job));
    }
    auto refusal = m_is_json ? end_json() : end_mail();
    if (refusal) {
      co_await note_refusal();
      co_return std::move(*refusal);
    }
    std::vector<mail::Address> to;
    for (const auto& r : m_state.recipients) to.push_back(r.address);
    pipeline::SnapshotPtr snapshot = m_state.snapshot;
    const std::vector<Denied> missing = co_await look_for(context(), std::move(snapshot), std::move(to));
    if (!missing.empty()) {
      (void)deny(weightiest(missing));
      co_await note_refusal();
      co_return make_problem(missing, m_visit->language);
    }
    Response answer;
    pipeline::Amend amend = [this, &content, &answer](const pipeline::Taken& taken, const std::vector<pipeline::RecipientRecord>& recipients,
                                                      store::Change& change) { answer = accept(taken, recipients, content, change); };
    pipeline::Verdict verdict = co_await m_submission->commit(std::move(amend));
    const auto* refused = std::get_if<pipeline::NotTaken>(&verdict);
    if (refused == nullptr) co_return answer;
    if (!refused->repeated) co_return make_problem(*refused, m_state.recipients, m_visit->language);
    // the same key in two requests at once: the other one was first
    auto job = [this] { return store().find_request(*m_key); };
    auto known = co_await base::net::run_on(*context().blocking, std::move(job));
    if (!known || !*known) co_return make_problem(Denied{Refusal::store_failed, ""}, m_visit->language);
    Response same = repeat(**known, content);
    co_await note_refusal();
    co_return same;
  }

 private:
  pipeline::Context& context() { return m_visit->services.context; }
  store::Store& store() { return *context().store; }
  const config::Options& options() const { return *m_visit->snapshot->options; }
  std::uint64_t limit() const { return m_is_json ? std::min<std::uint64_t>(k_max_json, options().limits.size.message.value) : options().limits.size.message.value; }
  Response too_large() { return unfit(413, "too_large", "the limit is " + std::to_string(limit()) + " bytes"); }

  std::optional<Response> look_at_head() {
    const std::string type = media_type_of(m_visit->request);
    m_is_json = type == "application/json";
    if (!m_is_json && type != "message/rfc822") return unfit(415, "media_type", "send message/rfc822 or application/json");
    const std::string_view coding = m_visit->request.field("content-encoding");
    if (!coding.empty() && !base::equal_ignoring_case(coding, "identity"))
      return unfit(415, "media_type", "no content coding is taken");
    if (m_visit->request.length && *m_visit->request.length > limit()) return too_large();
    if (!m_visit->request.has_body()) return unfit(422, "malformed_message", "there is no message");
    const std::string_view key = m_visit->request.field("idempotency-key");
    // an empty one would be a promise that nobody keeps
    if (m_visit->request.has_field("idempotency-key") && (key.empty() || key.size() > k_max_key))
      return unfit(400, "bad_request", "an Idempotency-Key has 1 to 200 bytes");
    if (m_visit->request.repeats_parameter("rcpt_to")) return unfit(400, "bad_request", "mail_from stands once");
    m_content.update(type + "\n");
    for (const auto& [name, value] : m_visit->request.query) {
      m_content.update(name + "=" + percent_encode(value) + "\n");
      if (m_is_json || (name != "mail_from" && name != "rcpt_to"))
        return unfit(400, "bad_request", "the query takes mail_from and rcpt_to, beside message/rfc822 only");
    }
    m_content.update("\n");
    return std::nullopt;
  }

  // The envelope that the query gives; without one it comes from the header.
  std::optional<Response> read_query() {
    const auto from = m_visit->request.parameter("mail_from");
    const auto to = m_visit->request.parameters("rcpt_to");
    if (!from && to.empty()) return std::nullopt;
    if (!from || to.empty()) return unfit(400, "bad_request", "mail_from and rcpt_to stand together");
    std::vector<JsonFault> faults;
    Envelope envelope;
    if (!from->empty()) {
      auto parsed = mail::Address::parse(*from);
      if (!parsed)
        faults.push_back({"mail_from", "is no address"});
      else
        envelope.from = *std::move(parsed);
    }
    for (std::size_t i = 0; i < to.size(); ++i) {
      auto parsed = mail::Address::parse(to[i]);
      if (!parsed)
        faults.push_back({"rcpt_to[" + std::to_string(i) + "]", "is no address"});
      else
        add_recipient(envelope.to, *std::move(parsed));
    }
    if (!faults.empty()) return unfit(std::move(faults));
    return start(std::move(envelope));
  }

  // Steps of MAIL and RCPT: who may send as whom to where. Afterwards there is a submission that takes bytes.
  std::optional<Response> start(Envelope envelope) {
    m_from = envelope.from;
    for (const mail::Address& address : envelope.to) m_to.push_back(address.text());
    if (envelope.to.size() > options().limits.count.recipients) return unfit(422, "too_many_recipients", "too many recipients");
    if (const auto denied = pipeline::check_reverse_path(options(), m_state.claim, envelope.from)) return deny(*denied);
    const auto* department = m_from ? options().department_of(*m_from) : nullptr;
    if (department != nullptr) m_state.department_at_rcpt = department->id;
    const auto free = store().free_bytes();
    if (free && *free < options().store.free_space.value + m_visit->request.length.value_or(0)) return deny({Refusal::disk_full, ""});
    for (mail::Address& address : envelope.to) {
      auto direction = pipeline::check_recipient(options(), m_state.claim, address);
      const bool has_way = options().route_for(address.domain()) != nullptr || options().demail.domains.matches(address.domain());
      if (!direction.denied && !has_way) direction.denied = Denied{Refusal::no_route, address.text()};
      if (direction.denied) return deny(*direction.denied);
      pipeline::RecipientRecord record;
      record.address = std::move(address);
      record.direction = direction.direction;
      m_state.recipients.push_back(std::move(record));
    }
    smtp::server::SessionInfo session;
    session.peer_address = m_visit->client.address;
    session.peer_port = m_visit->client.port;
    session.tls = m_visit->client.tls;
    smtp::server::Envelope out;
    out.parameters.smtputf8 = (m_from && m_from->needs_smtputf8()) || needs_utf8(m_state.recipients);
    out.reverse_path = std::move(envelope.from);
    m_submission = pipeline::make_submission(context(), m_visit->services.handoff, m_state, session, out);
    return std::nullopt;
  }

  Response deny(const Denied& denied) {
    m_submission.reset();
    m_refused = Refused{pipeline::reply_for_own(denied.refusal, denied.who, "", m_visit->language),
                        pipeline::row_of(denied.refusal).word};
    return make_problem(denied, m_visit->language);
  }

  // What is wrong with the request itself; SMTP has no words for it but these.
  Response unfit(int status, std::string word, std::string detail) {
    m_submission.reset();
    const bool later = status == 503;
    m_refused = Refused{{later           ? 451
                         : status == 413 ? 552
                                         : 554,
                         later           ? "4.3.2"
                         : status == 413 ? "5.3.4"
                                         : "5.6.0",
                         detail},
                        word};
    return make_problem(status, word, detail);
  }

  Response unfit(std::vector<JsonFault> faults) {
    Response out = make_problem(std::move(faults), m_visit->language);
    m_submission.reset();
    m_refused = Refused{{554, "5.6.0", "the request has faults"}, "bad_request"};
    return out;
  }

  // The bytes could not be kept.
  Response unfit(const pipeline::NotTaken& refused) {
    m_refused = Refused{refused.reply, refused.word};
    return make_problem(refused, m_state.recipients, m_visit->language);
  }

  // Until the envelope is known the bytes of the header wait here.
  std::optional<Response> take_mail(base::Bytes& mail) {
    if (!m_submission) {
      const std::size_t looked_at =
          m_waiting.size() < 3 ? 0 : m_waiting.size() - 3;  // small pieces must not cost the whole header each
      m_waiting.append(mail);
      const auto end = m_waiting.find("\r\n\r\n", looked_at);
      if (end == base::Bytes::npos) {
        if (m_waiting.size() <= mail::k_max_header_bytes) return std::nullopt;
        return deny({Refusal::header_too_large, ""});
      }
      if (auto refusal = start_by_header(base::ByteView(m_waiting).substr(0, end + 4))) return refusal;
      mail = std::exchange(m_waiting, {});
    }
    auto refused = m_submission->write(mail);
    if (refused) return unfit(*refused);
    return std::nullopt;
  }

  std::optional<Response> start_by_header(base::ByteView header) {
    const mail::MessageFacts facts = mail::inspect(header);
    if (!facts.from)
      return deny({facts.defects.contains(mail::Defect::several_from)     ? Refusal::several_from
                   : facts.defects.contains(mail::Defect::malformed_from) ? Refusal::malformed_from
                                                                          : Refusal::no_from,
                   ""});
    Envelope envelope{facts.from->address, {}};
    for (const auto& field : facts.header.fields()) {
      if (!field.is("To") && !field.is("Cc") && !field.is("Bcc")) continue;
      const auto list = mail::parse_mailbox_list(field.value());
      if (!list) return unfit(422, "malformed_recipients", "To, Cc or Bcc is no list of addresses");
      for (const auto& m : *list) add_recipient(envelope.to, m.address);
    }
    if (envelope.to.empty()) return unfit(422, "no_recipients", "neither the query nor the header names a recipient");
    return start(std::move(envelope));
  }

  std::optional<Response> end_mail() {
    base::Bytes mail;
    if (const char* fault = m_lines.finish(mail)) return unfit(422, "malformed_message", fault);
    if (!m_submission && !m_waiting.empty()) mail += "\r\n";  // a header without a body
    if (auto refusal = take_mail(mail)) return refusal;
    if (!m_submission) return deny({Refusal::no_from, ""});
    return std::nullopt;
  }

  // Seconds for the largest, so not on the thread that serves everybody.
  std::optional<Composed> read_json() {
    const auto object = parse_json_message(m_json);
    base::Bytes().swap(m_json);
    if (object) return compose_message(*object, m_faults);
    m_bad_json = object.error().detail;
    return std::nullopt;
  }

  std::optional<Response> end_json() {
    if (!m_bad_json.empty()) return unfit(422, "bad_json", "the body is no JSON object as it is wanted here: " + m_bad_json);
    if (!m_composed) return unfit(std::move(m_faults));
    const Composed composed = *std::exchange(m_composed, std::nullopt);
    if (composed.message.size() > options().limits.size.message.value) return too_large();
    if (auto refusal = start({composed.from, composed.recipients})) return refusal;
    auto refused = m_submission->write(composed.message);
    if (refused) return unfit(*refused);
    return std::nullopt;
  }

  static Response accepted(const base::MessageId& mid, base::Bytes body) {
    Response out{202, "application/json", std::move(body), {}};
    out.fields.emplace_back("Location", "/v1/messages/" + mid.text());
    return out;
  }

  // The answer, and with an Idempotency-Key the row that remembers it, in the same transaction as the message.
  Response accept(const pipeline::Taken& taken, const std::vector<pipeline::RecipientRecord>& recipients, const base::Sha256Digest& content,
                  store::Change& change) {
    json::array list;
    for (const auto& r : recipients) list.emplace_back(decision_as_json(r));
    for (const auto& r : *taken.refused) {
      json::object item = decision_as_json(r);
      item["detail"] = pipeline::decision_lines(r.decision, r.address.text(), m_visit->language).front();
      list.emplace_back(std::move(item));
    }
    const json::object body{{"mid", taken.mid.text()}, {"receipt", taken.receipt.text()}, {"recipients", std::move(list)}};
    Response out = accepted(taken.mid, json::serialize(body) + "\n");
    if (m_key) change.request = store::ApiRequest{*m_key, content, taken.mid, out.body, context().clock->now() + k_remember};
    return out;
  }

  Response repeat(const store::ApiRequest& earlier, const base::Sha256Digest& content) {
    if (earlier.content != content) return unfit(422, "key_reused", "this Idempotency-Key was used for another message");
    return accepted(earlier.mid, earlier.answer);
  }

  std::shared_ptr<Visit> m_visit;
  bool m_is_json = false;
  std::uint64_t m_size = 0;
  base::Sha256 m_content;                          // of everything that was asked for
  std::optional<base::Bytes> m_key;
  std::optional<store::ApiRequest> m_earlier;
  MailLines m_lines;
  base::Bytes m_waiting, m_json;
  JsonShare m_json_share;
  std::string m_bad_json;  // what is wrong with it
  std::vector<JsonFault> m_faults;
  std::optional<Composed> m_composed;
  mail::ReversePath m_from;                        // as asked for, also where it is refused
  std::vector<std::string> m_to;
  std::optional<Refused> m_refused;  // not recorded yet
  pipeline::SessionState m_state;
  std::unique_ptr<pipeline::Submission> m_submission;
};

}  // namespace

std::unique_ptr<Exchange> make_submit(std::shared_ptr<Visit> visit) { return std::make_unique<Submit>(std::move(visit)); }

}  // namespace web
