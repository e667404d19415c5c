// Promise: a function that can fail says so in its type. A Result<T> holds a T or an Error and cannot be dropped
// unnoticed. Errors carry a code (a number in the band of the room that made it), a private detail for the log, and the
// place. No text of an Error is ever shown to a peer: public texts come from tables, one row per code.
#pragma once

#include <cassert>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace base {

// Bands: base 100, mail 200, smtp 300, certs 400, crypto 500, policies 600, receipts 700, store 800, pipeline 900,
// config 1000. Each room lists its own codes in its errors.hpp.
struct Code {
  std::uint16_t value = 0;
  const char* name = "";  // static storage; for logs and tables

  friend constexpr bool operator==(Code a, Code b) { return a.value == b.value; }
};

// Where in our sources; std::source_location, which Clang 14 lacks.
struct Place {
  const char* file = "";
  int line = 0;
  static constexpr Place here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }
};

struct Error {
  Code code;
  std::string detail;  // private: may hold untrusted text; the log escapes it
  Place where = Place::here();

  // code name, detail and place in one line, for logs
  std::string describe() const;
};

// Makes an Error at the caller's place.
inline Error fail(Code code, std::string detail = {}, Place where = Place::here()) {
  return Error{code, std::move(detail), where};
}

// Member names follow std::expected, which GCC 12 does not have.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : m_state(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : m_state(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return m_state.index() == 0; }
  explicit operator bool() const { return has_value(); }

  // Asserts that there is a value: test first.
  T& operator*() & { return value(); }
  const T& operator*() const& { return const_cast<Result*>(this)->value(); }
  T&& operator*() && { return std::move(value()); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &const_cast<Result*>(this)->value(); }

  const Error& error() const& {
    assert(!has_value());
    return *std::get_if<1>(&m_state);
  }
  Error&& error() && {
    assert(!has_value());
    return std::move(*std::get_if<1>(&m_state));
  }

  template <class U>
  T value_or(U&& other) const& {
    return has_value() ? **this : static_cast<T>(std::forward<U>(other));
  }
  template <class F>
  auto and_then(F&& f) && -> decltype(f(std::declval<T>())) {
    if (!has_value()) return std::move(*this).error();
    return f(std::move(value()));
  }
  template <class F>
  auto transform(F&& f) && -> Result<decltype(f(std::declval<T>()))> {
    if (!has_value()) return std::move(*this).error();
    return f(std::move(value()));
  }

 private:
  T& value() {
    assert(has_value());
    return *std::get_if<0>(&m_state);
  }
  std::variant<T, Error> m_state;
};

// Success without a value.
struct Done {};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Done) {}
  Result(Error error) : m_state(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return m_state.index() == 0; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const& {
    assert(!has_value());
    return *std::get_if<1>(&m_state);
  }
  Error&& error() && {
    assert(!has_value());
    return std::move(*std::get_if<1>(&m_state));
  }

 private:
  std::variant<Done, Error> m_state;
};

}  // namespace base
