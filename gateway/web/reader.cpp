#include "gateway/web/reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

namespace web {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t k_piece = 16 * 1024;
constexpr std::string_view k_end_of_header = "\r\n\r\n";

// What the library would accept and another server might read otherwise. Nothing if the raw header is well formed.
// `whole`: its end is there. What stands before `from` was looked at.
const char* fault_of_header(std::string_view head, std::size_t from, bool whole) {
  for (std::size_t i = from; i < head.size(); ++i) {
    const auto c = static_cast<unsigned char>(head[i]);
    if (c == '\r' && (i + 1 == head.size() ? whole : head[i + 1] != '\n')) return "a bare CR in the header";
    if (c == '\n' && (i == 0 || head[i - 1] != '\r')) return "a bare LF in the header";
    if (c == '\n' && i + 1 < head.size() && (head[i + 1] == ' ' || head[i + 1] == '\t')) return "a folded line in the header";
    if ((c < 32 && c != '\t' && c != '\r' && c != '\n') || c == 127) return "a control character in the header";
  }
  return nullptr;
}

std::size_t count_of(const Fields& fields, std::string_view name) {
  std::size_t n = 0;
  for (const auto& f : fields) n += f.first == name ? 1 : 0;
  return n;
}

std::optional<std::uint64_t> parse_length(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "a=b&c" into decoded pairs.
std::optional<Fields> parse_query(std::string_view text) {
  Fields out;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    if (item.empty()) continue;
    const auto eq = item.find('=');
    auto name = percent_decode(item.substr(0, eq), true);
    auto value = percent_decode(eq == std::string_view::npos ? std::string_view() : item.substr(eq + 1), true);
    if (!name || !value) return std::nullopt;
    out.emplace_back(*std::move(name), *std::move(value));
  }
  return out;
}

// The fields that say how long the body is, or what is wrong with them.
std::optional<Fault> frame(Request& request, bool http_1_1) {
  const std::size_t lengths = count_of(request.fields, "content-length"), encodings = count_of(request.fields, "transfer-encoding");
  if (lengths + encodings > 1) return Fault{400, "the length of the body is given twice"};
  if (encodings == 1) {
    if (!http_1_1) return Fault{400, "Transfer-Encoding in HTTP/1.0"};
    if (!base::equal_ignoring_case(request.field("transfer-encoding"), "chunked")) return Fault{501, "a transfer coding other than chunked"};
    request.chunked = true;
  }
  if (lengths == 1) {
    request.length = parse_length(request.field("content-length"));
    if (!request.length) return Fault{400, "Content-Length is no number"};
  }
  // who asks, for what, and under which key: of two, another reader would take the other
  for (const char* name : {"authorization", "content-type", "idempotency-key", "expect"})
    if (count_of(request.fields, name) > 1) return Fault{400, "a field that stands once stands twice"};
  const std::size_t hosts = count_of(request.fields, "host");
  if (hosts > 1 || (http_1_1 && hosts == 0)) return Fault{400, "not exactly one Host"};
  const std::string_view expect = request.field("expect");
  request.wants_continue = http_1_1 && base::equal_ignoring_case(expect, "100-continue");
  if (!expect.empty() && !request.wants_continue) return Fault{417, "an expectation other than 100-continue"};
  return std::nullopt;
}

std::optional<Fault> locate(Request& request, std::string_view target) {
  if (target.empty() || target.front() != '/') return Fault{400, "a target that is no path"};
  const auto mark = target.find('?');
  auto path = percent_decode(target.substr(0, mark), false);
  auto query = parse_query(mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1));
  if (!path || !query) return Fault{400, "a target with a broken percent encoding"};
  request.path = *std::move(path);
  request.query = *std::move(query);
  return std::nullopt;
}

Fault fault_of(const boost::system::error_code& ec) {
  if (ec == http::error::bad_version) return {505, "not HTTP/1.1"};
  if (ec == http::error::header_limit) return {431, "the header is too large"};
  if (ec == http::error::bad_chunk || ec == http::error::bad_chunk_extension) return {400, "a broken chunk"};
  return {400, "not HTTP"};
}

}  // namespace

struct Reader::Impl {
  using Parser = http::request_parser<http::buffer_body>;

  explicit Impl(ReaderLimits l) : limits(l) {}

  base::ByteView unread() const { return base::ByteView(input).substr(at); }
  void consume(std::size_t n) {
    at += n;
    if (at == input.size()) {
      input.clear();
      at = 0;
    } else if (at > k_piece * 4) {
      input.erase(0, at);
      at = 0;
    }
  }

  ReaderStep head() {
    const base::ByteView bytes = unread();
    const std::size_t from = std::exchange(looked_at, bytes.size() < 3 ? 0 : bytes.size() - 3);
    const auto end = bytes.find(k_end_of_header, from);
    const std::size_t size = end == base::ByteView::npos ? bytes.size() : end + k_end_of_header.size();
    if (size > limits.header) return Fault{431, "the header is too large"};
    if (end == base::ByteView::npos) {
      // what can never become a header is refused before its end comes
      if (const char* what = fault_of_header(bytes, from, false)) return Fault{400, what};
      return NeedMore{};
    }
    const base::ByteView raw = bytes.substr(0, size);
    if (const char* what = fault_of_header(raw, std::min(from, raw.size()), true)) return Fault{400, what};
    parser.emplace();
    parser->header_limit(static_cast<std::uint32_t>(limits.header));
    parser->body_limit(boost::none);
    boost::system::error_code ec;
    const std::size_t taken = parser->put(boost::asio::buffer(raw.data(), raw.size()), ec);
    if (ec && ec != http::error::need_more && ec != http::error::need_buffer) return fault_of(ec);
    if (!parser->is_header_done() || taken != raw.size()) return Fault{400, "not HTTP"};
    auto request = take_request();
    consume(raw.size());
    looked_at = 0;
    return request;
  }

  ReaderStep take_request() {
    const auto& message = parser->get();
    Request request;
    request.method = std::string(message.method_string());
    for (const auto& field : message) request.fields.emplace_back(base::to_lower(std::string_view(field.name_string())), std::string(field.value()));
    if (request.fields.size() > limits.fields) return Fault{431, "too many fields"};
    const bool http_1_1 = message.version() == 11;
    if (message.version() != 10 && !http_1_1) return Fault{505, "not HTTP/1.1"};
    if (auto fault = frame(request, http_1_1)) return *fault;
    if (auto fault = locate(request, std::string_view(message.target()))) return *fault;
    request.keep_alive = message.keep_alive();
    return request;
  }

  ReaderStep body() {
    while (!parser->is_done()) {
      const base::ByteView bytes = unread();
      auto& body = parser->get().body();
      body.data = piece.data();
      body.size = piece.size();
      body.more = true;
      boost::system::error_code ec;
      const std::size_t taken = parser->put(boost::asio::buffer(bytes.data(), bytes.size()), ec);
      if (ec == http::error::need_more || ec == http::error::need_buffer) ec = {};
      if (ec) return fault_of(ec);
      const std::size_t made = piece.size() - body.size;
      consume(taken);
      if (made > 0) return BodyPiece{{piece.data(), made}};
      if (taken > 0 || parser->is_done()) continue;  // the size line of a chunk, for instance
      if (unread().size() > limits.chunk_line) return Fault{400, "a chunk without end"};
      return NeedMore{};
    }
    parser.reset();
    return EndOfRequest{};
  }

  ReaderLimits limits;
  base::Bytes input;
  std::size_t at = 0;            // of input, what is read
  std::size_t looked_at = 0;     // of a header whose end is not there: single bytes must not cost the whole of it each
  std::optional<Parser> parser;  // of the request under way
  std::array<char, k_piece> piece;
};

Reader::Reader(ReaderLimits limits) : m_impl(std::make_unique<Impl>(limits)) {}
Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;

void Reader::feed(base::ByteView bytes) { m_impl->input.append(bytes); }

ReaderStep Reader::next() { return m_impl->parser ? m_impl->body() : m_impl->head(); }

bool Reader::within_request() const { return m_impl->parser.has_value() || !m_impl->unread().empty(); }

}  // namespace web
