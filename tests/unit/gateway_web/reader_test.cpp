// Requests as RFC 9112 has them, whole and byte by byte, and the forms that must not pass.
#include "gateway/web/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using testing::ElementsAre;
using testing::Pair;

struct Read {
  std::vector<web::Request> requests;
  std::vector<std::string> bodies;
  std::optional<web::Fault> fault;
};

Read read(std::string_view bytes, std::size_t piece, web::ReaderLimits limits = {}) {
  web::Reader reader(limits);
  Read out;
  while (true) {
    web::ReaderStep step = reader.next();
    if (auto* request = std::get_if<web::Request>(&step)) {
      out.requests.push_back(std::move(*request));
      out.bodies.emplace_back();
    } else if (const auto* body = std::get_if<web::BodyPiece>(&step)) {
      out.bodies.back().append(body->bytes);
    } else if (const auto* fault = std::get_if<web::Fault>(&step)) {
      out.fault = *fault;
      return out;
    } else if (std::holds_alternative<web::NeedMore>(step)) {
      if (bytes.empty()) return out;
      reader.feed(bytes.substr(0, piece));
      bytes.remove_prefix(std::min(piece, bytes.size()));
    }
  }
}

class EveryPiece : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, EveryPiece, testing::Values(1, 2, 3, 7, 64, 100000));

TEST_P(EveryPiece, PipelinedRequestsComeApart) {
  const std::string bytes =
      "GET /v1/messages?limit=10&state=held HTTP/1.1\r\nHost: gw\r\nX-A: 1\r\nX-A: 2\r\n\r\n"
      "POST /v1/messages?rcpt_to=a%40b.example&rcpt_to=c+d HTTP/1.1\r\nHost: gw\r\nContent-Length: 11\r\n\r\nhello\r\nworl"
      "POST /x HTTP/1.1\r\nhost: gw\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
      "GET /last HTTP/1.0\r\n\r\n";
  const Read got = read(bytes, GetParam());
  ASSERT_FALSE(got.fault) << got.fault->what;
  ASSERT_EQ(got.requests.size(), 4u);
  EXPECT_EQ(got.requests[0].path, "/v1/messages");
  EXPECT_THAT(got.requests[0].query, ElementsAre(Pair("limit", "10"), Pair("state", "held")));
  EXPECT_EQ(got.requests[0].field("x-a"), "1");
  EXPECT_THAT(got.requests[1].parameters("rcpt_to"), ElementsAre("a@b.example", "c d"));
  EXPECT_THAT(got.bodies, ElementsAre("", "hello\r\nworl", "hello world", ""));
  EXPECT_TRUE(got.requests[2].keep_alive);
  EXPECT_FALSE(got.requests[3].keep_alive);
}

struct Bad {
  const char* name;
  std::string bytes;
  int status;
};

class BadRequest : public testing::TestWithParam<Bad> {};

std::string with(const std::string& fields, const std::string& body = "") { return "POST /v1/messages HTTP/1.1\r\n" + fields + "\r\n" + body; }

INSTANTIATE_TEST_SUITE_P(
    Forms, BadRequest,
    testing::Values(
        Bad{"length_and_encoding", with("Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
        Bad{"two_lengths", with("Host: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
        Bad{"list_of_lengths", with("Host: a\r\nContent-Length: 5, 5\r\n", "hello"), 400},
        Bad{"negative_length", with("Host: a\r\nContent-Length: -5\r\n", "hello"), 400},
        Bad{"plus_length", with("Host: a\r\nContent-Length: +5\r\n", "hello"), 400},
        Bad{"huge_length", with("Host: a\r\nContent-Length: 99999999999999999999\r\n"), 400},
        Bad{"two_encodings", with("Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
        Bad{"gzip_chunked", with("Host: a\r\nTransfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
        Bad{"identity", with("Host: a\r\nTransfer-Encoding: identity\r\n"), 501},
        Bad{"chunked_in_1_0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        Bad{"no_host", "GET / HTTP/1.1\r\n\r\n", 400}, Bad{"two_hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        Bad{"bare_lf", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400}, Bad{"bare_lf_in_field", with("Host: a\r\nX: 1\nY: 2\r\n"), 400},
        Bad{"bare_cr", with("Host: a\r\nX: 1\r2\r\n"), 400},
        Bad{"folded", with("Host: a\r\nX: 1\r\n Content-Length: 5\r\n"), 400},
        Bad{"nul", with(std::string("Host: a\r\nX: 1\0\r\n", 17)), 400},
        Bad{"space_before_colon", with("Host: a\r\nContent-Length : 5\r\n", "hello"), 400},
        Bad{"field_without_name", with("Host: a\r\n: x\r\n"), 400},
        Bad{"absolute_target", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Bad{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Bad{"broken_percent", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Bad{"percent_nul", "GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400}, Bad{"http_2", "PRI * HTTP/2.0\r\n\r\n", 505},
        Bad{"no_http", "EHLO me\r\n\r\n", 400},
        Bad{"tls", std::string("\x16\x03\x01\x02", 4) + std::string(40, 'x') + "\r\n\r\n", 400},
        Bad{"chunk_overflow", with("Host: a\r\nTransfer-Encoding: chunked\r\n", "FFFFFFFFFFFFFFFFF\r\n"), 400},
        Bad{"chunk_no_hex", with("Host: a\r\nTransfer-Encoding: chunked\r\n", "xyz\r\n"), 400},
        Bad{"chunk_too_long", with("Host: a\r\nTransfer-Encoding: chunked\r\n", "2\r\nabcde\r\n0\r\n\r\n"), 400},
        Bad{"chunk_line_without_end", with("Host: a\r\nTransfer-Encoding: chunked\r\n", "1;" + std::string(9000, 'e')), 400},
        Bad{"two_tokens", with("Host: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n"), 400},
        Bad{"two_types", with("Host: a\r\nContent-Type: application/json\r\ncontent-type: message/rfc822\r\n"), 400},
        Bad{"two_keys", with("Host: a\r\nIdempotency-Key: a\r\nIdempotency-Key: a\r\n"), 400},
        Bad{"expectation", with("Host: a\r\nExpect: 200-ok\r\n"), 417}),
    [](const auto& info) { return info.param.name; });

TEST_P(BadRequest, IsRefusedHoweverItArrives) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, std::size_t{100000}}) {
    const Read got = read(GetParam().bytes, piece);
    ASSERT_TRUE(got.fault) << "in pieces of " << piece;
    EXPECT_EQ(got.fault->status, GetParam().status) << got.fault->what;
  }
}

TEST(Reader, ALargeHeaderIsRefusedBeforeItsEnd) {
  const Read got = read("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(1 << 20, 'x'), 4096);
  ASSERT_TRUE(got.fault);
  EXPECT_EQ(got.fault->status, 431);
}

TEST(Reader, ManyFieldsAreRefused) {
  std::string fields = "Host: a\r\n";
  for (int i = 0; i < 200; ++i) fields += "X" + std::to_string(i) + ": y\r\n";
  const Read got = read(with(fields), 4096);
  ASSERT_TRUE(got.fault);
  EXPECT_EQ(got.fault->status, 431);
}

TEST(Reader, ABodyOfAnySizeCostsOnePiece) {
  const std::string bytes = with("Host: a\r\nContent-Length: 3000000\r\n", std::string(3000000, 'b'));
  const Read got = read(bytes, 50000);
  ASSERT_FALSE(got.fault);
  EXPECT_EQ(got.bodies.at(0).size(), 3000000u);
}

TEST(Response, FieldsThatCouldEndTheirLineStayOut) {
  web::Response response{202, "application/json", "{}", {{"Location", "/v1/messages/1"}, {"X", "a\r\nSet-Cookie: b"}}};
  const std::string text = web::format_response(response, false, web::format_http_date("Wed, 25 Nov 2026 06:53:14 +0000"));
  EXPECT_THAT(text, testing::StartsWith("HTTP/1.1 202 Accepted\r\nDate: Wed, 25 Nov 2026 06:53:14 GMT\r\nContent-Type: application/json\r\nLocation: /v1/messages/1\r\n"));
  EXPECT_THAT(text, testing::EndsWith("Connection: close\r\n\r\n{}"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("Set-Cookie")));
}

// What follows on the connection is the next answer, not this one's body.
TEST(Response, ToHeadNoBodyGoes) {
  const web::Response response{405, "application/problem+json", "{}", {{"Allow", "GET"}}};
  const std::string text = web::format_response(response, true, "x", true);
  EXPECT_THAT(text, testing::EndsWith("\r\n\r\n"));
  EXPECT_THAT(text, testing::AllOf(testing::HasSubstr("Allow: GET\r\n"), testing::Not(testing::HasSubstr("Content-Length"))));
}

TEST(Request, AParameterThatStandsTwiceIsSeen) {
  const Read got = read("GET /x?a=1&b=2&b=3&a=4 HTTP/1.1\r\nHost: a\r\n\r\n", 100);
  ASSERT_EQ(got.requests.size(), 1u);
  EXPECT_EQ(got.requests[0].repeats_parameter(), "b");
  EXPECT_EQ(got.requests[0].repeats_parameter("b"), "a");
  EXPECT_FALSE(read("GET /x?b=2&b=3&a=4 HTTP/1.1\r\nHost: a\r\n\r\n", 100).requests.at(0).repeats_parameter("b"));
}

}  // namespace
