#include <algorithm>
#include <array>
#include <functional>
#include <limits>

#include <boost/json.hpp>

#include "receipts/log/leaf_format.hpp"
#include "receipts/log/tree.hpp"

namespace receipts {
namespace {

namespace json = boost::json;

base::Result<base::Sha256Digest> parse_digest(std::string_view text) {
  const auto bytes = base::parse_base64url(text);
  base::Sha256Digest digest{};
  if (!bytes || bytes->size() != digest.size()) return fail(k_leaf_invalid, "digest");
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

// Reads the members of one object and remembers the first fault, so that the reader below stays a plain list.
class Reader {
 public:
  explicit Reader(const json::object& object) : m_object(object) {}

  std::string_view text(std::string_view key) {
    const json::value* v = m_object.if_contains(key);
    if (v == nullptr) return {};
    if (!v->is_string() || v->get_string().empty()) return fault(key);
    return v->get_string();
  }
  std::optional<std::int64_t> number(std::string_view key) {
    const json::value* v = m_object.if_contains(key);
    if (v == nullptr) return std::nullopt;
    if (v->is_int64()) return v->get_int64();
    fault(key);
    return std::nullopt;
  }
  template <class T>
  std::optional<T> number_as(std::string_view key) {
    const auto n = number(key);
    if (!n) return std::nullopt;
    if (*n < 0 || static_cast<std::uint64_t>(*n) > std::numeric_limits<T>::max()) {
      fault(key);
      return std::nullopt;
    }
    return static_cast<T>(*n);
  }
  const json::object* object(std::string_view key) {
    const json::value* v = m_object.if_contains(key);
    if (v == nullptr) return nullptr;
    if (!v->is_object()) fault(key);
    return v->if_object();
  }
  const json::array* array(std::string_view key) {
    const json::value* v = m_object.if_contains(key);
    if (v == nullptr) return nullptr;
    if (!v->is_array()) fault(key);
    return v->if_array();
  }
  std::string_view fault(std::string_view key) {
    if (m_fault.empty()) m_fault = std::string(key);
    return {};
  }
  const std::string& first_fault() const { return m_fault; }

 private:
  const json::object& m_object;
  std::string m_fault;
};

void read_link(Reader& r, ChainLink& link) {
  link.mseq = r.number_as<std::uint64_t>("mseq").value_or(0);
  std::string_view prev = r.text("prev");
  if (prev.empty()) return;
  if (const std::size_t colon = prev.find(':'); colon != std::string_view::npos) {
    link.epoch = prev.substr(0, colon);
    prev.remove_prefix(colon + 1);
  }
  if (auto digest = parse_digest(prev))
    link.prev = *digest;
  else
    r.fault("prev");
}

void read_facts(Reader& r, std::vector<Fact>& facts) {
  const json::object* object = r.object("facts");
  if (object == nullptr) return;
  for (const auto& [name, value] : *object) {
    if (value.is_int64())
      facts.push_back({std::string(name), value.get_int64()});
    else if (value.is_string())
      facts.push_back({std::string(name), std::string(value.get_string())});
    else
      r.fault("facts");
  }
}

void read_digests(Reader& r, std::vector<std::string>& out) {
  const json::array* array = r.array("dr");
  if (array == nullptr) return;
  for (const json::value& value : *array) {
    if (!value.is_string() || !parse_digest(value.get_string())) {
      r.fault("dr");
      return;
    }
    out.emplace_back(value.get_string());
  }
  if (out.size() > k_max_disclosures || std::adjacent_find(out.begin(), out.end(), std::greater_equal<>()) != out.end()) r.fault("dr");
}

void read_reply(Reader& r, std::optional<ReplyCode>& rc) {
  const json::object* object = r.object("rc");
  if (object == nullptr) return;
  Reader inner(*object);
  rc = ReplyCode{inner.number_as<std::uint16_t>("code").value_or(0), std::string(inner.text("enh"))};
  if (!inner.first_fault().empty()) r.fault("rc");
}

void read_event(Reader& r, Event& event) {
  if (const auto type = parse_event_type(r.text("ev")))
    event.type = *type;
  else
    r.fault("ev");
  if (const std::string_view mid = r.text("mid"); !mid.empty()) {
    if (auto id = base::MessageId::parse(mid))
      event.mid = *id;
    else
      r.fault("mid");
  }
  if (auto time = base::parse_utc(r.text("t")))
    event.time = *time;
  else
    r.fault("t");
  event.out = r.text("out");
  event.ch = r.text("ch");
  event.ret = r.text("ret");
  event.actor = r.text("actor");
  event.rx = r.number_as<std::uint32_t>("rx");
  read_reply(r, event.rc);
  read_facts(r, event.facts);
  if (const std::string_view cfg = r.text("cfg"); !cfg.empty()) {
    if (auto digest = parse_digest(cfg))
      event.cfg = *digest;
    else
      r.fault("cfg");
  }
}

}  // namespace

base::Result<ParsedLeaf> parse_leaf(base::ByteView bytes) {
  if (bytes.size() > k_max_leaf) return fail(k_leaf_too_large, std::to_string(bytes.size()) + " bytes");
  // a leaf fits: the parser never allocates
  std::array<unsigned char, 32768> memory;
  json::monotonic_resource resource(memory.data(), memory.size());
  json::error_code ec;
  json::parse_options options;
  options.max_depth = 3;
  const json::value value = json::parse(json::string_view(bytes.data(), bytes.size()), ec, &resource, options);
  if (ec || !value.is_object()) return fail(k_leaf_invalid, "not a JSON object");
  Reader r(value.get_object());
  ParsedLeaf leaf;
  read_event(r, leaf.event);
  read_link(r, leaf.link);
  read_digests(r, leaf.dr);
  leaf.node = r.text("node");
  if (auto eid = base::EventId::parse(r.text("eid")))
    leaf.eid = *eid;
  else
    r.fault("eid");
  if (!r.first_fault().empty()) return fail(k_leaf_invalid, "member " + r.first_fault());
  // Canonical means: we would have written the same bytes. This catches blanks, order, duplicates, members unknown to us,
  // other spellings of numbers and strings, and a wrong version, all at once.
  const auto again = format_leaf(leaf.event, leaf.link, LeafFrame{leaf.eid, leaf.node, leaf.dr});
  if (!again) return again.error();
  if (*again != bytes) return fail(k_leaf_invalid, "not in canonical form");
  leaf.hash = leaf_hash(bytes);
  return leaf;
}

}  // namespace receipts
