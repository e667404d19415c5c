#include "gateway/web/compose.hpp"

#include <algorithm>
#include <set>

#include <boost/json/array.hpp>

#include "base/core/random.hpp"
#include "demail/model/fields.hpp"
#include "gateway/web/message.hpp"
#include "mail/address/words.hpp"
#include "mail/message/edit.hpp"

namespace web {
namespace {

constexpr std::size_t k_base64_line = 76;   // RFC 2045 section 6.8
constexpr std::size_t k_max_field = 10'000;  // bytes of one value
constexpr std::size_t k_max_line = 998;      // RFC 5322 section 2.1.1
constexpr std::size_t k_max_filename = 255;  // bytes; what file systems take, and percent-encoded it fits a line
constexpr std::size_t k_max_faults = 50;     // that are named
// Fields that a business system may set itself; none of them decides who gets a message or who it is from.
constexpr std::string_view k_allowed_fields[] = {"in-reply-to", "references", "importance", "priority", "x-priority", "keywords", "comments",
                                                 "organization", "auto-submitted", "x-mailer"};
constexpr std::string_view k_known[] = {"from", "reply_to", "to", "cc", "bcc", "subject", "text", "html", "attachments", "headers", "classification", "demail"};

bool is_control_free(std::string_view text, bool lines) {
  return std::none_of(text.begin(), text.end(), [&](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u < 32 && !(lines && (c == '\n' || c == '\r' || c == '\t'))) || u == 127;
  });
}

class Composer {
 public:
  Composer(const json::object& request, std::vector<JsonFault>& faults) : m_request(request), m_faults(faults) {}

  std::optional<Composed> run() {
    for (const auto& member : m_request)
      if (std::find(std::begin(k_known), std::end(k_known), std::string_view(member.key())) == std::end(k_known))
        fault(shown(std::string_view(member.key()), 60), "is not known");
    const auto from = sender();
    add_mailboxes("To", "to");
    add_mailboxes("Cc", "cc");
    add_mailboxes("", "bcc");
    add_mailboxes("Reply-To", "reply_to");
    if (m_recipients.empty() && !m_named) fault("to", "names nobody, nor do cc and bcc");
    add_text_field("Subject", "subject", text("subject", false));
    add_fields();
    add_classification();
    add_demail();
    const std::string body = compose_body();
    if (!m_faults.empty() || !from) return std::nullopt;
    return Composed{*from, std::move(m_recipients), m_header.append("MIME-Version: 1.0\r\n").append(body)};
  }

 private:
  void fault(std::string where, std::string what) {
    if (m_faults.size() < k_max_faults) m_faults.push_back({std::move(where), std::move(what)});
  }

  // Members of other names, or that are no strings, would be left out silently.
  void check_members(const json::object& object, std::initializer_list<std::string_view> known, const std::string& where) {
    for (const auto& member : object) {
      const std::string_view name(member.key());
      if (std::find(known.begin(), known.end(), name) == known.end())
        fault(where + "." + shown(name, 60), "is not known");
      else if (!member.value().is_string())
        fault(where + "." + std::string(name), "is no string");
    }
  }

  std::string text(std::string_view key, bool lines) {
    const json::value* value = m_request.if_contains(json::string_view(key.data(), key.size()));
    if (value == nullptr) return {};
    if (!value->is_string()) return fault(std::string(key), "is no string"), std::string();
    std::string out(value->get_string());
    if (!base::is_utf8(out)) return fault(std::string(key), "is no UTF-8"), std::string();
    if (!is_control_free(out, lines)) return fault(std::string(key), "holds control characters"), std::string();
    return out;
  }

  // "a@b.example" or {"address": "a@b.example", "name": "A"}.
  std::optional<mail::Mailbox> mailbox(const json::value& value, const std::string& where) {
    std::string address, name;
    if (value.is_string()) {
      address = std::string(value.get_string());
    } else if (value.is_object()) {
      check_members(value.get_object(), {"address", "name"}, where);
      address = text_of(value.get_object(), "address");
      name = text_of(value.get_object(), "name");
    } else {
      return fault(where, "is neither an address nor an object"), std::nullopt;
    }
    auto parsed = mail::Address::parse(address);
    if (!parsed) return fault(where, "is no address"), std::nullopt;
    if (!base::is_utf8(name) || !is_control_free(name, false) || name.size() > 500) return fault(where + ".name", "is no name"), std::nullopt;
    return mail::Mailbox{std::move(name), *std::move(parsed)};
  }

  std::optional<mail::Address> sender() {
    const json::value* value = m_request.if_contains("from");
    if (value == nullptr) return fault("from", "is missing"), std::nullopt;
    auto from = mailbox(*value, "from");
    if (!from) return std::nullopt;
    m_header += "From: " + format(*from) + "\r\n";
    return from->address;
  }

  // As it stands in a header, folded.
  static std::string format(const mail::Mailbox& m) {
    if (m.display_name.empty()) return m.address.text();
    const std::string name =
        mail::format_phrase(m.display_name, std::string_view("Reply-To: ").size()).value_or("");  // it was checked
    const std::string address = "<" + m.address.text() + ">";
    return name + (name.size() + address.size() < 60 ? " " : "\r\n ") + address;
  }

  void add_mailboxes(const char* field, const std::string& key) {
    const json::value* value = m_request.if_contains(key);
    if (value == nullptr) return;
    std::vector<std::string> texts;
    const auto add = [&](const json::value& item, const std::string& where) {
      const auto m = mailbox(item, where);
      m_named = m_named || key != "reply_to";
      if (!m) return;
      texts.push_back(format(*m));
      if (key != "reply_to" && m_seen.insert(m->address.text()).second) m_recipients.push_back(m->address);
    };
    if (value->is_array()) {
      std::size_t i = 0;
      for (const json::value& item : value->get_array()) add(item, key + "[" + std::to_string(i++) + "]");
    } else {
      add(*value, key);
    }
    if (*field == '\0' || texts.empty()) return;
    std::string all;
    for (const std::string& t : texts) all += (all.empty() ? "" : ",\r\n ") + t;
    m_header += std::string(field) + ": " + all + "\r\n";
  }

  void add_field(std::string_view name, std::string_view value, const std::string& where) {
    auto field = mail::format_field(name, value);
    if (!field) return fault(where, "cannot be written as a field");
    if (!fits_lines(*field)) return fault(where, "holds a word that is too long for a line");
    m_header += *field;
  }

  static bool fits_lines(std::string_view text) {
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find("\r\n"));
      if (line.size() > k_max_line) return false;
      text.remove_prefix(std::min(line.size() + 2, text.size()));
    }
    return true;
  }

  void add_text_field(const char* name, const std::string& where, const std::string& value) {
    if (value.size() > k_max_field) return fault(where, "is too long");
    if (!value.empty()) add_field(name, value, where);
  }

  void add_fields() {
    const json::value* value = m_request.if_contains("headers");
    if (value == nullptr) return;
    if (!value->is_object()) return fault("headers", "is no object");
    std::set<std::string> seen;
    for (const auto& member : value->get_object()) {
      const std::string name(member.key()), where = "headers." + shown(name, 60), lower = base::to_lower(name);
      if (std::find(std::begin(k_allowed_fields), std::end(k_allowed_fields), lower) == std::end(k_allowed_fields)) {
        fault(where, "may not be set");
      } else if (!seen.insert(lower).second) {
        fault(where, "stands twice");
      } else if (!member.value().is_string() || !base::is_utf8(std::string_view(member.value().get_string())) ||
                 !is_control_free(std::string_view(member.value().get_string()), false) || member.value().get_string().size() > k_max_field) {
        fault(where, "is no line of text");
      } else {
        add_field(name, std::string_view(member.value().get_string()), where);
      }
    }
  }

  void add_classification() {
    const std::string value = text("classification", false);
    if (value.empty()) return;
    if (value != "confidential") return fault("classification", "can only be \"confidential\"");
    m_header += "Sensitivity: Company-Confidential\r\n";  // RFC 4021 section 2.1.53
  }

  // What is asked of a De-Mail, as the fields that a user's program would set (TR 01201 part 3.4, table 1); policy decides the rest.
  void add_demail() {
    const json::value* value = m_request.if_contains("demail");
    if (value == nullptr) return;
    if (!value->is_object()) return fault("demail", "is no object");
    constexpr std::pair<std::string_view, std::string_view> k_options[] = {{"dispatch", demail::field::dispatch},
                                                                           {"receipt", demail::field::receipt},
                                                                           {"retrieve", demail::field::retrieve},
                                                                           {"authoritative", demail::field::authoritative},
                                                                           {"personal", demail::field::personal}};
    for (const auto& member : value->get_object()) {
      const std::string name(member.key()), where = "demail." + shown(name, 60);
      const auto option = std::find_if(std::begin(k_options), std::end(k_options), [&](const auto& o) { return o.first == name; });
      if (option == std::end(k_options))
        fault(where, "is no option of a De-Mail");
      else if (!member.value().is_bool())
        fault(where, "is neither true nor false");
      else
        add_field(option->second, member.value().get_bool() ? "yes" : "no", where);
    }
  }

  // Slice by slice: beside a large attachment there is no room for many copies of it.
  static void append_base64(std::string& out, base::ByteView bytes) {
    constexpr std::size_t k_slice = k_base64_line / 4 * 3 * 1000;
    out.reserve(out.size() + (bytes.size() / 3 + 1) * 4 / k_base64_line * (k_base64_line + 2) + k_base64_line + 4);
    for (std::size_t at = 0; at < bytes.size(); at += k_slice) {
      const std::string all = base::to_base64(bytes.substr(at, k_slice));
      for (std::size_t i = 0; i < all.size(); i += k_base64_line) out.append(all, i, k_base64_line).append("\r\n");
    }
  }

  // Line ends as mail has them, whatever the client writes.
  static std::string with_crlf(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
      out += text[i] == '\n' || text[i] == '\r' ? "\r\n" : std::string(1, text[i]);
    }
    return out;
  }

  static std::string text_part(const char* type, const std::string& text) {
    std::string out = std::string("Content-Type: ") + type + "; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    append_base64(out, with_crlf(text));
    return out;
  }

  static std::string multipart(const char* type, std::vector<std::string> parts) {
    // base64 has no underscore: no part can hold the boundary
    const std::string boundary = "=_" + base::to_hex(base::random_bytes(16));
    std::string out = std::string("Content-Type: multipart/") + type + "; boundary=\"" + boundary + "\"\r\n\r\n";
    std::size_t size = out.size() + 100;
    for (const std::string& part : parts) size += part.size() + 100;
    out.reserve(size);
    for (std::string& part : parts) {
      out.append("--").append(boundary).append("\r\n").append(part).append("\r\n");
      std::string().swap(part);
    }
    return out.append("--").append(boundary).append("--\r\n");
  }

  std::string compose_body() {
    const std::string plain = text("text", true), html = text("html", true);
    std::string body = html.empty() ? text_part("text/plain", plain)
                       : plain.empty() ? text_part("text/html", html)
                                       : multipart("alternative", {text_part("text/plain", plain), text_part("text/html", html)});
    const json::value* list = m_request.if_contains("attachments");
    if (list == nullptr) return body;
    if (!list->is_array()) return fault("attachments", "is no list"), body;
    if (list->get_array().size() > k_max_attachments) return fault("attachments", "are too many"), body;
    if (list->get_array().empty()) return body;
    std::vector<std::string> parts{std::move(body)};
    std::size_t i = 0;
    for (const json::value& item : list->get_array()) parts.push_back(attachment(item, "attachments[" + std::to_string(i++) + "]"));
    return multipart("mixed", std::move(parts));
  }

  std::string attachment(const json::value& item, const std::string& where) {
    if (!item.is_object()) return fault(where, "is no object"), std::string();
    const json::object& object = item.get_object();
    check_members(object, {"filename", "type", "content"}, where);
    std::string type = text_of(object, "type"), name = text_of(object, "filename");
    if (type.empty()) type = "application/octet-stream";
    const json::value* content = object.if_contains("content");
    if (content == nullptr) return fault(where + ".content", "is missing"), std::string();
    if (!content->is_string()) return {};
    auto bytes = base::parse_base64(std::string_view(content->get_string()));
    if (!bytes) return fault(where + ".content", "is no base64"), std::string();
    if (!is_media_type(type)) return fault(where + ".type", "is no media type"), std::string();
    if (!is_file_name(name)) return fault(where + ".filename", "is no file name"), std::string();
    std::string out = "Content-Type: " + type + "\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment";
    // RFC 2231: percent encoding says the same to every reader, whatever stands in the name
    if (!name.empty()) out += ";\r\n filename*=utf-8''" + percent_encode(name);
    out += "\r\n\r\n";
    append_base64(out, *bytes);
    return out;
  }

  // Nothing that could lead out of the directory in which somebody saves it; "" is none.
  static bool is_file_name(std::string_view name) {
    return base::is_utf8(name) && is_control_free(name, false) && name.size() <= k_max_filename &&
           name.find_first_of("/\\") == std::string_view::npos && name != "." && name != "..";
  }

  // type "/" subtype of RFC 2045 tokens, no parameters; composite types have an inside that nobody checked.
  static bool is_media_type(std::string_view type) {
    const auto slash = type.find('/');
    if (slash == std::string_view::npos || slash == 0 || slash + 1 == type.size() || type.size() > 120) return false;
    const std::string lower = base::to_lower(type.substr(0, slash));
    if (lower == "multipart" || lower == "message") return false;
    return std::all_of(type.begin(), type.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("/!#$&-^_.+").find(c) != std::string_view::npos;
    }) && std::count(type.begin(), type.end(), '/') == 1;
  }

  const json::object& m_request;
  std::vector<JsonFault>& m_faults;
  std::vector<mail::Address> m_recipients;
  std::set<std::string> m_seen;
  std::string m_header;
  bool m_named = false;  // somebody, readable or not
};

}  // namespace

std::optional<Composed> compose_message(const json::object& request, std::vector<JsonFault>& faults) { return Composer(request, faults).run(); }

}  // namespace web
