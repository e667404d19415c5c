#include "base/core/clock.hpp"

#include <array>
#include <cstdio>
#include <ctime>

#include "base/core/errors.hpp"

namespace base {
namespace {

class SystemClock : public Clock {
 public:
  Timestamp now() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
  Steady steady() const override { return std::chrono::steady_clock::now(); }
};

struct Civil {
  int year;
  unsigned month, day, weekday;
  int hour, minute, second, milli;
};

Civil civil(Timestamp t) {
  using namespace std::chrono;
  const auto day = floor<days>(t);
  const year_month_day ymd{day};
  const hh_mm_ss time{t - day};
  return {static_cast<int>(ymd.year()),        static_cast<unsigned>(ymd.month()),
          static_cast<unsigned>(ymd.day()),    weekday{day}.c_encoding(),
          static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
          static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count())};
}

template <class... A>
std::string print(const char* format, A... args) {
  std::array<char, 96> buffer{};
  const int n = std::snprintf(buffer.data(), buffer.size(), format, args...);
  return {buffer.data(), static_cast<std::size_t>(n)};
}

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::string format_utc(Timestamp t) {
  const Civil c = civil(t);
  return print("%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", c.year, c.month, c.day, c.hour, c.minute, c.second, c.milli);
}

Result<Timestamp> parse_utc(std::string_view text) {
  int year = 0, hour = 0, minute = 0, second = 0, milli = 0, end = 0;
  unsigned month = 0, day = 0;
  const std::string copy(text);
  const int n = std::sscanf(copy.c_str(), "%4d-%2u-%2uT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour, &minute, &second,
                            &milli, &end);
  using namespace std::chrono;
  const year_month_day ymd{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
  if (n != 7 || end != 24 || copy.size() != 24 || !ymd.ok()) return fail(k_malformed, "time");
  const Timestamp t = sys_days{ymd} + hours{hour} + minutes{minute} + seconds{second} + milliseconds{milli};
  // one spelling per moment: what does not print as it was read (hour 24, "+1") is malformed
  if (format_utc(t) != text) return fail(k_malformed, "time");
  return t;
}

std::string format_local(Timestamp t) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count();
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 64> buffer{};
  const auto n = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%d %H:%M:%S %Z", &local);
  return {buffer.data(), n};
}

std::string format_rfc5322(Timestamp t) {
  static constexpr std::array k_days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array k_months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Civil c = civil(t);
  return print("%s, %02u %s %04d %02d:%02d:%02d +0000", k_days.at(c.weekday), c.day, k_months.at(c.month - 1), c.year, c.hour,
               c.minute, c.second);
}

}  // namespace base
