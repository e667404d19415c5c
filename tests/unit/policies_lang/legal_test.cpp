#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "base/core/file.hpp"
#include "policies/lang/legal.hpp"

namespace policies {
namespace {

using Keys = std::vector<std::string>;

class Legal : public ::testing::Test {
 protected:
  Legal() {
    ::setenv("TZ", "Europe/Berlin", 1);
    ::tzset();
  }
  static Keys keys(const PolicyDecision& d, const char* utc) {
    Keys out;
    for (const LegalEffect* e : legal_effects_of(d, *base::parse_utc(utc))) out.push_back(e->key);
    return out;
  }
  static PolicyDecision demail(demail::Options options) {
    PolicyDecision d;
    d.outcome = Outcome::deliver;
    d.demail = DeMailChoice{"stadt", "amt53@stadt.de-mail.example", options};
    return d;
  }
};

TEST_F(Legal, TheShippedTableIsTheFile) {
  const auto text = base::read_file(std::string(AMTSBOTE_SOURCE) + "/policies/shipped/legal/legal-effect.toml", base::mib(1));
  ASSERT_TRUE(text);
  Faults faults;
  const auto parsed = parse_legal_effects("legal-effect.toml", *text, faults);
  for (const Fault& f : faults.take()) ADD_FAILURE() << format_fault(f);
  ASSERT_EQ(parsed.size(), legal_effects().size());
  for (std::size_t i = 0; i < parsed.size(); ++i) {
    EXPECT_EQ(parsed[i].key, legal_effects()[i].key);
    EXPECT_EQ(parsed[i].effect_de, legal_effects()[i].effect_de);
    EXPECT_FALSE(parsed[i].source.empty() || parsed[i].effect_en.empty() || parsed[i].sure.empty() || parsed[i].channels.empty());
    // no word that promises more than the law does
    for (const std::string& effect : {parsed[i].effect_de, parsed[i].effect_en})
      EXPECT_EQ(effect.find("rechtssicher"), std::string::npos) << effect;
  }
}

// By dates: on the last day of an entry it still holds, on the next no more.
TEST_F(Legal, ByDates) {
  const demail::Options plain{.dispatch = true, .receipt = true}, authoritative{.dispatch = true, .authoritative = true},
      retrieve{.dispatch = true, .retrieve = true, .personal = true};
  const struct {
    demail::Options options;
    const char* utc;
    Keys keys;
  } rows[] = {
      {plain, "2024-12-31T22:59:59.000Z", {"demail-act", "notification-third-day"}},
      {plain, "2024-12-31T23:00:00.000Z", {"demail-act", "notification-fourth-day"}},
      {authoritative, "2023-12-31T12:00:00.000Z", {"demail-act", "demail-courts", "notification-third-day"}},
      {authoritative,
       "2025-12-22T22:59:59.000Z",
       {"demail-act", "demail-courts", "demail-written-form", "notification-fourth-day"}},
      {authoritative,
       "2025-12-22T23:00:00.000Z",
       {"demail-act", "demail-courts-ended", "demail-written-form-open", "notification-fourth-day"}},
      {retrieve, "2025-12-22T12:00:00.000Z", {"demail-act", "demail-service", "notification-fourth-day"}},
      {retrieve,
       "2025-12-23T12:00:00.000Z",
       {"demail-act", "demail-courts-ended", "demail-written-form-open", "demail-service-open", "notification-fourth-day"}},
      {plain,
       "2026-12-31T22:59:59.000Z",
       {"demail-act", "demail-courts-ended", "demail-written-form-open", "notification-fourth-day"}},
      {plain,
       "2026-12-31T23:00:00.000Z",
       {"demail-act-ended", "demail-courts-ended", "demail-written-form-open", "notification-fourth-day"}},
  };
  for (const auto& row : rows) EXPECT_EQ(keys(demail(row.options), row.utc), row.keys) << row.utc;
}

// No day without a word about De-Mail itself, and none with two that contradict each other.
TEST_F(Legal, EachDayHasOneAnswer) {
  const PolicyDecision d = demail({true, true, true, true, true});
  for (auto day = *base::parse_utc("2023-06-01T12:00:00.000Z"); day < *base::parse_utc("2028-01-01T00:00:00.000Z");
       day += std::chrono::hours{24}) {
    const Keys found = keys(d, base::format_utc(day).c_str());
    for (const auto& [one, other] : {std::pair{"demail-act", "demail-act-ended"},
                                     {"demail-courts", "demail-courts-ended"},
                                     {"demail-service", "demail-service-open"},
                                     {"notification-third-day", "notification-fourth-day"}}) {
      const auto n = std::count(found.begin(), found.end(), one) + std::count(found.begin(), found.end(), other);
      ASSERT_EQ(n, 1) << one << " " << base::format_utc(day);
    }
  }
}

TEST_F(Legal, ByChannel) {
  PolicyDecision d;
  const char* now = "2026-03-02T09:00:00.000Z";
  EXPECT_EQ(keys(d, now), Keys{}) << "refused";
  d.outcome = Outcome::deliver;
  EXPECT_EQ(keys(d, now), Keys{}) << "among us";
  d.encrypt = certs::Method::openpgp;
  d.sign = SignMethod::openpgp;
  EXPECT_EQ(keys(d, now), (Keys{"openpgp-signature", "encrypted-channel", "notification-fourth-day"}));
  d.encrypt = certs::Method::smime;
  d.sign = SignMethod::none;
  EXPECT_EQ(keys(d, now), (Keys{"smime-signature", "encrypted-channel", "notification-fourth-day"}));
}

TEST_F(Legal, Faults) {
  Faults faults;
  parse_legal_effects("t.toml", R"([[effect]]
key = "a"
carrier = ["fax", "tls"]
options = "retrive"
from = "2026-12-31"
until = "2026-01-01"
sure = "certain"
source = "x"
effect_de = "x"
[[effect]]
key = "a"
carrier = "tls"
form = "2026-01-01"
from = "morgen"
sure = "open"
source = "x"
effect_de = "x"
effect_en = "x"
)",
                      faults);
  Keys got;
  for (const Fault& f : faults.take()) got.push_back(format_fault(f));
  EXPECT_EQ(got, (Keys{"t.toml:1:1: effect: \"effect_en\" is missing",
                       "t.toml:3:12: effect.carrier = unknown value \"fax\" (known: demail, smime, openpgp, tls)",
                       "t.toml:4:11: effect.options = unknown value \"retrive\"; did you mean \"retrieve\"?",
                       "t.toml:6:9: effect.until lies before from",
                       "t.toml:7:8: effect.sure = unknown value \"certain\" (known: confirmed, likely, open)",
                       "t.toml:11:7: effect.key = \"a\" stands twice",
                       "t.toml:13:1: effect: unknown key \"form\"; did you mean \"from\"?",
                       "t.toml:14:8: effect.from = \"morgen\" must be a day: \"2026-12-31\""}));
}

}  // namespace
}  // namespace policies
