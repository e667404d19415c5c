#include "gateway/web/message.hpp"

#include <algorithm>
#include <set>

namespace web {
namespace {

const char* reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 411: return "Length Required";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 417: return "Expectation Failed";
    case 501: return "Unsupported";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return status < 500 ? "Error" : "Internal Server Error";
  }
}

bool is_line(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string_view Request::field(std::string_view name) const {
  const auto it = std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; });
  return it == fields.end() ? std::string_view() : std::string_view(it->second);
}

bool Request::has_field(std::string_view name) const {
  return std::any_of(fields.begin(), fields.end(), [&](const auto& f) { return f.first == name; });
}

std::optional<std::string> Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return std::nullopt;
}

std::vector<std::string> Request::parameters(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& [key, value] : query)
    if (key == name) out.push_back(value);
  return out;
}

std::optional<std::string> Request::repeats_parameter(std::string_view list) const {
  std::set<std::string_view> seen;
  for (const auto& [key, value] : query)
    if (key != list && !seen.insert(key).second) return key;
  return std::nullopt;
}

base::Bytes format_response(const Response& response, bool keep_alive, const std::string& date, bool head) {
  base::Bytes out = "HTTP/1.1 " + std::to_string(response.status) + " " + reason_of(response.status) + "\r\nDate: " + date + "\r\n";
  if (!response.body.empty() && is_line(response.type)) out += "Content-Type: " + response.type + "\r\n";
  for (const auto& [name, value] : response.fields)
    if (is_line(name) && is_line(value)) out += name + ": " + value + "\r\n";
  // answers tell of mail: no cache between here and the client may keep them
  if (!head) out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  out += "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n";
  if (!keep_alive) out += "Connection: close\r\n";
  return out + "\r\n" + (head ? base::Bytes() : response.body);
}

std::string format_http_date(std::string rfc5322) {
  if (rfc5322.ends_with("+0000")) rfc5322.replace(rfc5322.size() - 5, 5, "GMT");
  return rfc5322;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
      continue;
    }
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view k_hex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) {
      out += c;
      continue;
    }
    const auto u = static_cast<unsigned char>(c);
    out += '%';
    out += k_hex[u >> 4];
    out += k_hex[u & 15];
  }
  return out;
}

}  // namespace web
