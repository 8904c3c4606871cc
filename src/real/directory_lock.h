// DirectoryLock: one process at a time owns a data directory.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kelpie::real {

// Who holds a directory, as its lock file says.
struct LockHolder {
  pid_t pid = 0;
  std::string host;
  std::string started;  // UTC, ISO 8601
  std::string version;
  bool operator==(const LockHolder&) const = default;
  // `process 4711 on host h (kelpie 0.1.0, since …)`
  [[nodiscard]] std::string to_string() const;
};

std::string encode_lock_holder(const LockHolder& holder);
// nullopt when the text is empty or not a whole record: a holder that died while it wrote.
std::optional<LockHolder> decode_lock_holder(std::string_view text);

// Holds `<directory>/kelpie.lock` by flock, which the kernel gives up with its process, however
// that ends: getting it proves the previous holder dead (on a local file system). The file stays;
// only a clean release empties it. Move-only, any thread.
class DirectoryLock {
 public:
  // Creates the directory (mode 0700) when there is none. `failed_precondition` naming the holder
  // when another process, or another lock of this one, has it; and when the directory holds
  // somebody else's files.
  static Result<DirectoryLock> acquire(const std::string& directory, const std::string& version);

  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  ~DirectoryLock();

  // The holder before, if it ended without a clean release: a crash.
  [[nodiscard]] const std::optional<LockHolder>& crashed_holder() const { return crashed_; }

 private:
  DirectoryLock(int descriptor, std::optional<LockHolder> crashed);
  void release();
  int descriptor_ = -1;
  std::optional<LockHolder> crashed_;
};

}  // namespace kelpie::real
