#include "store/rocksdb/testing/rounds.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "base/check.h"

namespace kelpie::store::testing {

int rounds_asked_for(const char* variable, int usual) {
  const char* text = std::getenv(variable);
  if (text == nullptr) {
    return usual;
  }
  const std::string_view digits(text);
  int rounds = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), rounds);
  CHECK(code == std::errc() && end == digits.data() + digits.size() && rounds > 0);
  return rounds;
}

}  // namespace kelpie::store::testing
