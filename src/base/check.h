// CHECK: for what cannot happen. Always on, in release builds too. Never reached by user input.
#pragma once

namespace kelpie::base {

// Prints `file:line: CHECK failed: text` to standard error with a backtrace, and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* text) noexcept;

}  // namespace kelpie::base

#define CHECK(condition)                               \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::kelpie::base::check_failed(__FILE__, __LINE__, #condition))
