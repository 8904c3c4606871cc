#include "base/check.h"

#include <execinfo.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace kelpie::base {

void check_failed(const char* file, int line, const char* text) noexcept {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, text);
  constexpr int kFramesMax = 64;
  void* frames[kFramesMax];
  backtrace_symbols_fd(frames, backtrace(frames, kFramesMax), STDERR_FILENO);
  std::abort();
}

}  // namespace kelpie::base
