#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "receipts/log/balance.hpp"
#include "receipts/log/leaf.hpp"
#include "receipts/log/tree.hpp"

namespace receipts {
namespace {

using namespace std::chrono_literals;

base::Timestamp at(const char* text) { return *base::parse_utc(text); }
base::EventId an_eid() { return *base::EventId::parse("01HV6ZQ3J8Z8Z8Z8Z8Z8Z8Z8Z8"); }
base::MessageId a_mid() { return *base::MessageId::parse("01HV6ZQ3J8Z8Z8Z8Z8Z8Z8Z8Z9"); }

Event full_event() {
  Event e;
  e.type = EventType::relay_ok;
  e.mid = a_mid();
  e.time = at("2026-03-01T08:15:30.120Z");
  e.out = "handed_over";
  e.rc = ReplyCode{250, "2.0.0"};
  e.rx = 0;
  e.ch = "smtp";
  e.ret = "correspondence";
  e.actor = "gateway";
  e.cfg = base::sha256("config");
  e.facts = {{"size", std::int64_t{12345}}, {"group", std::string("a/1")}};
  e.disclosures = {{DisclosureClass::env, "to", "max@example.de"}, {DisclosureClass::peer, "reply", "250 Gr\xC3\xBC\xC3\x9F \"dich\"\r\n"}};
  return e;
}

ChainLink second() { return {2, leaf_hash("first"), ""}; }

// RFC 8785 by a library that is not ours: sorts the (ASCII) keys and prints
void canonical(std::string& out, const boost::json::value& v) {
  if (const auto* object = v.if_object()) {
    std::map<std::string, boost::json::value> sorted;
    for (const auto& [key, value] : *object) sorted.emplace(key, value);
    char sign = '{';
    for (const auto& [key, value] : sorted) {
      out += sign + boost::json::serialize(key) + ":";
      canonical(out, value);
      sign = ',';
    }
    out += '}';
  } else {
    out += boost::json::serialize(v);
  }
}

TEST(Leaf, is_canonical_json_with_the_keys_of_the_format) {
  const auto leaf = compose(full_event(), second(), "a", an_eid());
  ASSERT_TRUE(leaf) << leaf.error().describe();
  std::string again;
  canonical(again, boost::json::parse(leaf->bytes));
  EXPECT_EQ(again, leaf->bytes);
  EXPECT_EQ(leaf->hash, leaf_hash(leaf->bytes));
  const std::string_view bytes = leaf->bytes;
  EXPECT_TRUE(bytes.starts_with(R"({"actor":"gateway","cfg":")"));
  EXPECT_NE(bytes.find(R"("ev":"relay.ok","facts":{"group":"a/1","size":12345},"mid":"01HV6ZQ3J8Z8Z8Z8Z8Z8Z8Z8Z9","mseq":2,"node":"a")"),
            std::string_view::npos);
  EXPECT_TRUE(bytes.ends_with(R"("rc":{"code":250,"enh":"2.0.0"},"ret":"correspondence","rx":0,"t":"2026-03-01T08:15:30.120Z","v":1})")) << bytes;
}

TEST(Leaf, a_small_leaf_byte_for_byte) {
  Event e;
  e.time = at("2026-01-01T00:00:00.000Z");
  const auto leaf = compose(e, {}, "a", an_eid());
  ASSERT_TRUE(leaf);
  EXPECT_EQ(leaf->bytes, R"({"eid":"01HV6ZQ3J8Z8Z8Z8Z8Z8Z8Z8Z8","ev":"log.heartbeat","node":"a","t":"2026-01-01T00:00:00.000Z","v":1})");
}

TEST(Leaf, holds_nothing_of_the_disclosures_and_parses_back) {
  const Event e = full_event();
  const auto leaf = compose(e, second(), "a", an_eid());
  ASSERT_TRUE(leaf);
  EXPECT_EQ(leaf->bytes.find("max"), std::string::npos);
  EXPECT_EQ(leaf->bytes.find("example"), std::string::npos);
  const auto parsed = parse_leaf(leaf->bytes);
  ASSERT_TRUE(parsed) << parsed.error().describe();
  EXPECT_EQ(parsed->link, second());
  EXPECT_EQ(parsed->node, "a");
  EXPECT_EQ(parsed->eid, an_eid());
  EXPECT_EQ(parsed->hash, leaf->hash);
  EXPECT_EQ(parsed->event.type, e.type);
  EXPECT_EQ(parsed->event.rc, e.rc);
  EXPECT_EQ(parsed->event.cfg, e.cfg);
  EXPECT_EQ(parsed->event.time, e.time);
  EXPECT_EQ(parsed->event.facts.size(), 2u);
  ASSERT_EQ(leaf->disclosures.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_TRUE(belongs_to(*parsed, leaf->disclosures[i].encoded));
    const auto opened = parse_disclosure(leaf->disclosures[i].encoded);
    ASSERT_TRUE(opened) << opened.error().describe();
    EXPECT_EQ(opened->value, e.disclosures[i].value);
    EXPECT_EQ(opened->name, e.disclosures[i].name);
    EXPECT_EQ(opened->cls, e.disclosures[i].cls);
    EXPECT_EQ(base::parse_base64url(opened->salt)->size(), 16u);
  }
  const auto other = compose(e, second(), "a", an_eid());
  EXPECT_NE(other->bytes, leaf->bytes) << "salts must be fresh";
  EXPECT_FALSE(belongs_to(*parsed, other->disclosures[0].encoded));
}

TEST(Leaf, bytes_that_are_no_utf8_survive_in_a_disclosure) {
  Event e = full_event();
  e.disclosures = {{DisclosureClass::peer, "reply", std::string("250 Gr\xFC\xDF\0 \x01", 10)}};
  const auto leaf = compose(e, second(), "a", an_eid());
  ASSERT_TRUE(leaf);
  const auto opened = parse_disclosure(leaf->disclosures[0].encoded);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->value, e.disclosures[0].value);
}

// The digest of RFC 9901's example disclosure (section 4.2.3)
TEST(Leaf, disclosure_digest_of_the_standard) {
  EXPECT_EQ(disclosure_digest("WyI2cU1RdlJMNWhhaiIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"), "uutlBuYeMDyjLLTpf6Jxi7yNkEF35jdyWMn9U7b_RYY");
}

TEST(Leaf, refuses_what_is_no_word_or_too_much) {
  const auto refused = [](auto change, ChainLink link = second()) {
    Event e = full_event();
    change(e);
    return !compose(e, link, "a", an_eid()).has_value();
  };
  EXPECT_FALSE(refused([](Event&) {}));
  EXPECT_TRUE(refused([](Event& e) { e.out = "max@example.de"; }));
  EXPECT_TRUE(refused([](Event& e) { e.actor = "Max Mustermann"; }));
  EXPECT_TRUE(refused([](Event& e) { e.ch = "a\"b"; }));
  EXPECT_TRUE(refused([](Event& e) { e.ret = std::string(97, 'a'); }));
  EXPECT_TRUE(refused([](Event& e) { e.rc->enhanced = "2.x"; }));
  EXPECT_TRUE(refused([](Event& e) { e.rc->code = 99; }));
  EXPECT_TRUE(refused([](Event& e) { e.facts.push_back({"size", std::int64_t{1}}); }));
  EXPECT_TRUE(refused([](Event& e) { e.facts.push_back({"big", std::int64_t{1} << 53}); }));
  EXPECT_TRUE(refused([](Event& e) { e.facts.push_back({"word", std::string("a@b")}); }));
  EXPECT_TRUE(refused([](Event& e) { e.disclosures.resize(k_max_disclosures + 1, {DisclosureClass::env, "x", ""}); }));
  EXPECT_TRUE(refused([](Event& e) { e.disclosures[0].value.assign(k_max_disclosure_value + 1, 'x'); }));
  EXPECT_TRUE(refused([](Event& e) { e.disclosures[0].name = "A b"; }));
  EXPECT_TRUE(refused([](Event& e) { e.mid.reset(); }));
  EXPECT_TRUE(refused([](Event&) {}, {0, {}, ""}));
  EXPECT_TRUE(refused([](Event&) {}, {1, leaf_hash("x"), ""}));
  EXPECT_TRUE(refused([](Event&) {}, {2, {}, ""}));
  EXPECT_TRUE(refused([](Event&) {}, {2, leaf_hash("x"), "a:b"}));
  EXPECT_FALSE(refused([](Event&) {}, {2, leaf_hash("x"), "2025"}));
  EXPECT_FALSE(compose(full_event(), second(), "", an_eid()));
}

TEST(Leaf, the_largest_leaf_fits) {
  Event e = full_event();
  e.disclosures.resize(k_max_disclosures, {DisclosureClass::env, "x", "y"});
  const auto leaf = compose(e, second(), "a", an_eid());
  ASSERT_TRUE(leaf) << leaf.error().describe();
  EXPECT_LE(leaf->bytes.size(), k_max_leaf);
  EXPECT_TRUE(parse_leaf(leaf->bytes));
}

TEST(ParseLeaf, takes_only_the_canonical_form) {
  const std::string good = compose(full_event(), {3, leaf_hash("x"), "2025"}, "a", an_eid())->bytes;
  ASSERT_TRUE(parse_leaf(good));
  const auto replaced = [&](std::string_view from, std::string_view to) {
    std::string bad = good;
    const auto at = bad.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return bad.replace(at, from.size(), to);
  };
  for (const std::string& bad :
       {good + " ", " " + good, good + good, replaced("\"v\":1", "\"v\":2"), replaced("\"v\":1", "\"v\":1.0"), replaced("\"v\":1", "\"v\":1,\"w\":1"),
        replaced("{\"actor\"", "{\"Actor\":1,\"actor\""), replaced("\"mseq\":3", "\"mseq\":-3"), replaced("\"mseq\":3", "\"mseq\":1"),
        replaced("gateway", "g\\u0061teway"), replaced(",\"rx\":0", ",\"rx\":null"), replaced("\"rx\":0", "\"rx\":4294967296"),
        replaced("relay.ok", "relay.no"), replaced(".120Z", ".12Z"), replaced("F.1", "D.1"), replaced("2025:", "20 25:"),
        replaced("\"node\":\"a\"", "\"node\":\"\""), replaced("\"code\":250", "\"code\":66000"), replaced("{\"group\"", "{\"size\":1,\"group\"")})
    EXPECT_FALSE(parse_leaf(bad)) << bad;
  EXPECT_FALSE(parse_leaf(""));
  EXPECT_FALSE(parse_leaf("[1]"));
  EXPECT_FALSE(parse_leaf(std::string(3000, '[')));
  EXPECT_FALSE(parse_leaf(std::string(k_max_leaf + 1, ' ')));
}

TEST(ParseDisclosure, refuses_other_shapes) {
  for (const char* text : {"", "[]", R"(["s","env.x"])", R"(["s","x","v"])", R"(["s","who.x","v"])", R"([1,"env.x","v"])", R"(["s","env.x",1])",
                           R"(["s","env.x",{"base64":"!"}])", R"(["s","env.x",{"base64":"","b":1}])", R"(["s","env.x","v"] x)"})
    EXPECT_FALSE(parse_disclosure(base::to_base64url(text))) << text;
  EXPECT_FALSE(parse_disclosure("not base64!"));
}

TEST(EventTypes, names_go_both_ways) {
  for (int i = 0; i < k_event_types; ++i) {
    const auto type = static_cast<EventType>(i);
    EXPECT_EQ(parse_event_type(name_of(type)), type);
  }
  EXPECT_FALSE(parse_event_type("msg.delivered"));
  EXPECT_FALSE(parse_disclosure_class("ENV"));
}

TEST(BalanceOfADay, counts_and_carries_over) {
  Balance b;
  b.count(EventType::log_open, {{"open", std::int64_t{2}}}, "");
  b.count(EventType::msg_accept, {}, "");
  b.count(EventType::msg_accept_ext, {}, "");
  b.count(EventType::msg_decide, {}, "");
  b.count(EventType::msg_closed, {}, "final");
  b.count(EventType::msg_closed, {}, k_out_cancelled);
  EXPECT_EQ(b, (Balance{2, 2, 1, 1}));
  EXPECT_EQ(b.open(), 2);
  EXPECT_EQ(number_of(b.facts(), "open_before"), 2);
  b.count(EventType::log_balance, b.facts(), "");
  EXPECT_EQ(b, (Balance{0, 2, 0, 0}));
}

}  // namespace
}  // namespace receipts
