// One pass over a message: plain text, and a multipart with a base64 attachment. The argument is its size in KiB.
#include <benchmark/benchmark.h>

#include "mail/message/inspect.hpp"

namespace {

std::string make_message(std::size_t size, bool attachment) {
  std::string out = "From: Amt <amt@stadt.example>\r\nTo: buerger@web.example\r\nSubject: Bescheid\r\nMessage-ID: <1@stadt.example>\r\n"
                    "Date: Thu, 01 Jan 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: ";
  out += attachment ? "multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nAnbei.\r\n--b\r\nContent-Type: application/pdf; "
                      "name=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                    : "text/plain; charset=us-ascii\r\n\r\n";
  while (out.size() < size) out += "QSBsaW5lIG9mIHNldmVudHktc2l4IGNoYXJhY3RlcnMgYXMgYmFzZTY0IHdyaXRlcyB0aGVtLg==\r\n";
  return attachment ? out + "--b--\r\n" : out;
}

void inspect(benchmark::State& state) {
  const std::string message = make_message(static_cast<std::size_t>(state.range(0)) * 1024, state.range(1) != 0);
  for (auto _ : state) benchmark::DoNotOptimize(mail::inspect(message));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(message.size()));
}
BENCHMARK(inspect)->ArgNames({"KiB", "attachment"})->ArgsProduct({{10, 100, 1024}, {0, 1}})->Unit(benchmark::kMicrosecond);

}  // namespace
