// What the process as a whole asks of the operating system: limits, signals, key files, memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "real/real_loop.h"

namespace kelpie::real {

// Raises the soft limit of open files to the hard one; returns the limit that holds now.
Result<uint64_t> raise_open_file_limit();

// Writing to a peer that went away is an error there, not the end of the process.
void ignore_broken_pipes();

// SIGTERM and SIGINT, heard on a loop. The first is a request, the second an order.
class ShutdownSignals {
 public:
  using Action = std::function<void(int signal)>;

  // Both run on the loop. The default of `on_second` ends the process at once with 128 + signal.
  ShutdownSignals(RealLoop& loop, Action on_first);
  ShutdownSignals(RealLoop& loop, Action on_first, Action on_second);
  ShutdownSignals(const ShutdownSignals&) = delete;
  ShutdownSignals& operator=(const ShutdownSignals&) = delete;
  ~ShutdownSignals();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

struct KeyFile {
  std::string key;
  // Empty, or what is unsafe about the file.
  std::string warning;
};

// The key in a file of one line, without the blanks around it. `invalid_argument` when it is
// empty, longer than 4 KiB or not one line of printable ASCII.
Result<KeyFile> read_key_file(const std::string& path);

// Bytes of memory in use (resident set); 0 when the system does not tell.
uint64_t resident_memory_bytes();

}  // namespace kelpie::real
