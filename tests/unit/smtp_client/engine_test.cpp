#include "smtp/client/engine.hpp"

#include <gtest/gtest.h>

namespace smtp::client {
namespace {

// Plays a server: expects what is written, answers, and can be cut off before any step.
struct Script {
  struct Step {
    char kind;         // 'S' server says, 'C' client must write exactly, 'T' handshake, 'B' body, 'V' handshake unverified
    std::string text;
  };
  std::vector<Step> steps;
  Script& s(std::string t) { return steps.push_back({'S', t + "\r\n"}), *this; }
  Script& c(std::string t) { return steps.push_back({'C', t}), *this; }
  Script& t() { return steps.push_back({'T', ""}), *this; }
  Script& v() { return steps.push_back({'V', ""}), *this; }
  Script& b() { return steps.push_back({'B', ""}), *this; }
};

Transaction two(std::uint64_t size = 100) {
  Transaction t;
  t.reverse_path = *mail::Address::parse("amt53@stadt.example");
  t.parameters.size = size;
  t.recipients = {{*mail::Address::parse("a@x.example"), {}}, {*mail::Address::parse("b@x.example"), {}}};
  return t;
}

struct Result {
  std::string outcome;      // "ok", "tmp", "perm", "unk" for each recipient, or "fail: text"
  bool usable = false;
};

std::string word(OutcomeKind kind) {
  return kind == OutcomeKind::ok ? "ok" : kind == OutcomeKind::temporary ? "tmp" : kind == OutcomeKind::permanent ? "perm" : "unk";
}

Result run(const Script& script, Options options, Transaction transaction, std::size_t steps = 1000) {
  Engine engine(std::move(options));
  Result out;
  bool begun = false, finished = false;
  std::string written;
  std::size_t at = 0;
  const auto report = [&] {
    for (const auto& o : engine.outcomes()) out.outcome += (out.outcome.empty() ? "" : " ") + word(o.kind);
  };
  for (int guard = 0; guard < 1000; ++guard) {
    Action action = engine.next();
    if (auto* w = std::get_if<Write>(&action)) {
      written += w->bytes;
      continue;
    }
    if (std::holds_alternative<Close>(action)) {
      if (engine.failed()) out.outcome = "fail: " + engine.failure().reply.text.printable();
      break;
    }
    if (std::holds_alternative<Finished>(action)) {
      finished = true;
      report();
      continue;
    }
    if (std::holds_alternative<Ready>(action)) {
      if (finished) {
        out.usable = true;
        break;
      }
      EXPECT_FALSE(begun);
      begun = true;
      engine.begin(transaction);
      continue;
    }
    while (at < script.steps.size() && script.steps[at].kind == 'C') {
      if (at >= steps) break;
      EXPECT_EQ(written, script.steps[at].text);
      written.clear();
      ++at;
    }
    if (at >= std::min(steps, script.steps.size())) {
      engine.lost("cut");
      continue;
    }
    const auto& step = script.steps[at++];
    if (std::holds_alternative<Read>(action) && step.kind == 'S') engine.received(step.text);
    else if (std::holds_alternative<StartTls>(action) && step.kind == 'T') engine.tls_started(true, "");
    else if (std::holds_alternative<StartTls>(action) && step.kind == 'V') engine.tls_started(false, "self-signed");
    else if (std::holds_alternative<SendBody>(action) && step.kind == 'B') engine.body_sent();
    else {
      ADD_FAILURE() << "step " << at - 1 << " does not fit, written: " << written;
      break;
    }
  }
  return out;
}

Options verified() {
  Options o;
  o.helo = "gw.stadt.example";
  o.floor = TlsFloor::verified;
  return o;
}

Script whole() {
  return Script()
      .s("220 mx.example ESMTP").c("EHLO gw.stadt.example\r\n").s("250-mx.example\r\n250-STARTTLS\r\n250 SIZE 1000").c("STARTTLS\r\n").s("220 go").t()
      .c("EHLO gw.stadt.example\r\n").s("250-mx.example\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 8BITMIME")
      .c("MAIL FROM:<amt53@stadt.example> SIZE=100\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n")
      .s("250 2.1.0 ok").s("250 ok").s("550 5.1.1 nobody").s("354 go").b().s("250 2.0.0 queued as 1");
}

TEST(Client, PipelinedWithTls) {
  const Result r = run(whole(), verified(), two());
  EXPECT_EQ(r.outcome, "ok perm");
  EXPECT_TRUE(r.usable);
}

TEST(Client, OnlyAsks) {
  Options plain;
  plain.helo = "gw.stadt.example";
  Transaction question = two();
  question.only_ask = true;
  question.reverse_path.reset();
  const std::string mail = "MAIL FROM:<> SIZE=100\r\n", a = "RCPT TO:<a@x.example>\r\n", b = "RCPT TO:<b@x.example>\r\n";
  const auto hello = [](const char* features) {
    Script s;
    s.s("220 mx").c("EHLO gw.stadt.example\r\n").s(std::string("250-mx\r\n") + features + "250 SIZE 1000");
    return s;
  };
  // never DATA, pipelined or not
  auto r = run(hello("250-PIPELINING\r\n").c(mail + a + b).s("250 ok").s("250 ok").s("550 5.1.1 nobody").c("RSET\r\n").s("250 ok"), plain, question);
  EXPECT_EQ(r.outcome, "ok perm");
  EXPECT_TRUE(r.usable);
  r = run(hello("").c(mail).s("250 ok").c(a).s("451 4.3.0 later").c(b).s("250 ok").c("RSET\r\n").s("250 ok"), plain, question);
  EXPECT_EQ(r.outcome, "tmp ok");
  r = run(hello("").c(mail).s("550 5.7.1 no null senders").c("RSET\r\n").s("250 ok"), plain, question);
  EXPECT_EQ(r.outcome, "perm perm");
}

TEST(Client, AllOrNone) {
  Options plain;
  plain.helo = "gw.stadt.example";
  Transaction message = two();
  message.all_or_none = true;
  const std::string mail = "MAIL FROM:<amt53@stadt.example> SIZE=100\r\n", a = "RCPT TO:<a@x.example>\r\n", b = "RCPT TO:<b@x.example>\r\n";
  const auto hello = [](const char* features) {
    Script s;
    s.s("220 mx").c("EHLO gw.stadt.example\r\n").s(std::string("250-mx\r\n") + features + "250 SIZE 1000");
    return s;
  };
  // DATA waits for every reply, pipelined or not; a refusal means that none is sent
  auto r = run(hello("250-PIPELINING\r\n").c(mail + a + b).s("250 ok").s("250 ok").s("250 ok").c("DATA\r\n").s("354 go").b().s("250 ok"), plain, message);
  EXPECT_EQ(r.outcome, "ok ok");
  r = run(hello("250-PIPELINING\r\n").c(mail + a + b).s("250 ok").s("250 ok").s("550 5.1.1 nobody").c("RSET\r\n").s("250 ok"), plain, message);
  EXPECT_EQ(r.outcome, "tmp perm");
  EXPECT_TRUE(r.usable);
  r = run(hello("").c(mail).s("250 ok").c(a).s("550 5.1.1 nobody").c(b).s("250 ok").c("RSET\r\n").s("250 ok"), plain, message);
  EXPECT_EQ(r.outcome, "perm tmp");
  r = run(hello("").c(mail).s("250 ok").c(a).s("250 ok").c(b).s("250 ok").c("DATA\r\n").s("354 go").b().s("451 later"), plain, message);
  EXPECT_EQ(r.outcome, "tmp tmp");
}

// cut off at each step: before the dot everything is temporary, behind it unknown; nothing is ever "ok"
TEST(Client, FailsAtEveryStep) {
  const Script script = whole();
  for (std::size_t n = 0; n < script.steps.size(); ++n) {
    const Result r = run(script, verified(), two(), n);
    EXPECT_FALSE(r.usable) << n;
    EXPECT_EQ(r.outcome.find("ok"), std::string::npos) << n << r.outcome;
    if (n + 1 == script.steps.size()) {
      EXPECT_EQ(r.outcome, "unk perm");
    }
  }
}

TEST(Client, TlsFloor) {
  Options any = verified();
  any.floor = TlsFloor::any;
  const Script plain = Script().s("220 x").c("EHLO gw.stadt.example\r\n").s("250 x");
  EXPECT_NE(run(plain, verified(), two()).outcome.find("fail: the server offers no TLS"), std::string::npos);
  const Script self_signed = Script().s("220 x").c("EHLO gw.stadt.example\r\n").s("250-x\r\n250 STARTTLS").c("STARTTLS\r\n").s("220 go").v();
  EXPECT_NE(run(self_signed, verified(), two()).outcome.find("fail: the server's certificate"), std::string::npos);
  // a man in the middle who injects a reply behind the 220
  const Script injected = Script().s("220 x").c("EHLO gw.stadt.example\r\n").s("250-x\r\n250 STARTTLS").c("STARTTLS\r\n").s("220 go\r\n250 x");
  EXPECT_NE(run(injected, any, two()).outcome.find("fail: data sent behind"), std::string::npos);
  // no downgrade to HELO where TLS is demanded
  EXPECT_NE(run(Script().s("220 x").c("EHLO gw.stadt.example\r\n").s("500 what"), verified(), two()).outcome.find("fail"), std::string::npos);
}

TEST(Client, OldServerStepByStep) {
  Options any = verified();
  any.floor = TlsFloor::any;
  const Script script = Script().s("220 x").c("EHLO gw.stadt.example\r\n").s("500 what").c("HELO gw.stadt.example\r\n").s("250 x")
      .c("MAIL FROM:<amt53@stadt.example>\r\n").s("250 ok").c("RCPT TO:<a@x.example>\r\n").s("450 later").c("RCPT TO:<b@x.example>\r\n")
      .s("250 ok").c("DATA\r\n").s("354 go").b().s("451 later");
  EXPECT_EQ(run(script, any, two()).outcome, "tmp tmp");
}

TEST(Client, Lmtp) {
  Options o = verified();
  o.floor = TlsFloor::any;
  o.lmtp = true;
  const Script script = Script().s("220 x").c("LHLO gw.stadt.example\r\n").s("250-x\r\n250 PIPELINING")
      .c("MAIL FROM:<amt53@stadt.example>\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n")
      .s("250 ok").s("250 ok").s("250 ok").s("354 go").b().s("250 2.0.0 a").s("552 5.2.2 full");
  EXPECT_EQ(run(script, o, two()).outcome, "ok perm");
  EXPECT_EQ(run(script, o, two(), script.steps.size() - 1).outcome, "ok unk");
}

TEST(Client, RefusalsOfTheWholeEnvelope) {
  Options any = verified();
  any.floor = TlsFloor::any;
  const auto hello = [] { return Script().s("220 x").c("EHLO gw.stadt.example\r\n").s("250-x\r\n250-PIPELINING\r\n250 SIZE 1000"); };
  const std::string envelope = "MAIL FROM:<amt53@stadt.example> SIZE=100\r\nRCPT TO:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\n";
  Result r = run(hello().c(envelope).s("550 5.7.1 no").s("503 x").s("503 x").s("503 x").c("RSET\r\n").s("250 ok"), any, two());
  EXPECT_EQ(r.outcome, "perm perm");
  EXPECT_TRUE(r.usable);
  r = run(hello().c(envelope).s("250 ok").s("550 no").s("450 later").s("354 go").c(".\r\n").s("554 no"), any, two());
  EXPECT_EQ(r.outcome, "perm tmp");
  EXPECT_TRUE(r.usable);
  r = run(hello().c(envelope).s("421 4.3.2 going down"), any, two());
  EXPECT_EQ(r.outcome, "tmp tmp");
  EXPECT_FALSE(r.usable);
  EXPECT_EQ(run(hello(), any, two(5000)).outcome, "perm perm");
  Transaction eight = two();
  eight.eight_bit = true;
  EXPECT_EQ(run(hello(), any, eight).outcome, "perm perm");
  EXPECT_EQ(run(Script().s("554 go away"), any, two()).outcome, "fail: go away");
  EXPECT_NE(run(Script().s("hello"), any, two()).outcome.find("fail"), std::string::npos);
}

}  // namespace
}  // namespace smtp::client
