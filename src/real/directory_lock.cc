#include "real/directory_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "real/real_clock.h"

namespace kelpie::real {
namespace {

constexpr size_t kRecordBytesMax = 4096;
constexpr std::string_view kLockFile = "kelpie.lock";

std::string error_text(int number) { return std::generic_category().message(number); }

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

// The value of `name=value` in a text of such lines; nullopt when the line is missing or cut.
std::optional<std::string> field(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == '=') {
      return std::string(line.substr(name.size() + 1));
    }
  }
  return std::nullopt;
}

std::string read_record(int descriptor) {
  std::string text(kRecordBytesMax, '\0');
  const ssize_t count = pread(descriptor, text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return text;
}

Result<void> write_record(int descriptor, const std::string& path, const std::string& text) {
  if (ftruncate(descriptor, 0) != 0 ||
      pwrite(descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return base::unavailable("cannot write " + path + ": " + error_text(errno));
  }
  return kOk;
}

Error cannot_create(const std::string& directory, const std::error_code& code) {
  return base::failed_precondition("cannot create the data directory " + directory + ": " +
                                   code.message());
}

// A new directory is an entry in its parent: without a sync there, a power loss would take it, and
// everything in it that was acknowledged.
Result<void> make_synced(const std::filesystem::path& directory) {
  std::error_code code;
  if (directory.empty() || std::filesystem::is_directory(directory, code)) {
    return kOk;
  }
  TRY(make_synced(directory.parent_path()));
  if (!std::filesystem::create_directory(directory, code) && code) {
    return cannot_create(directory.string(), code);
  }
  // Messages and keys of agents are nobody else's.
  std::filesystem::permissions(directory, std::filesystem::perms::owner_all, code);
  const std::string parent =
      directory.has_parent_path() ? directory.parent_path().string() : std::string(".");
  const int descriptor = open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && fsync(descriptor) == 0;
  const int reason = errno;
  if (descriptor >= 0) {
    close(descriptor);
  }
  if (!synced) {
    return base::unavailable("cannot sync the directory " + parent + ": " + error_text(reason));
  }
  return kOk;
}

// A directory without a lock file is new, or it belongs to somebody else: then it has files, and
// stays as it is. Hidden files and a file system's own do not count.
Result<void> check_ours(const std::string& directory) {
  std::error_code code;
  if (std::filesystem::exists(directory + "/" + std::string(kLockFile), code)) {
    return kOk;
  }
  std::filesystem::directory_iterator entries(directory, code);
  for (; !code && entries != std::filesystem::directory_iterator(); entries.increment(code)) {
    const std::string name = entries->path().filename().string();
    if (!name.starts_with('.') && name != "lost+found") {
      return base::failed_precondition("the directory " + directory +
                                       " is not empty and not Kelpie's: it holds " + name +
                                       "; choose another with --data-dir");
    }
  }
  return code ? cannot_create(directory, code) : Result<void>(kOk);
}

}  // namespace

std::string LockHolder::to_string() const {
  return fmt::format("process {} on host {} (kelpie {}, since {})", pid, host, version, started);
}

std::string encode_lock_holder(const LockHolder& holder) {
  return fmt::format("pid={}\nhost={}\nstarted={}\nversion={}\n", holder.pid, holder.host,
                     holder.started, holder.version);
}

std::optional<LockHolder> decode_lock_holder(std::string_view text) {
  const auto pid = field(text, "pid");
  const auto host = field(text, "host");
  const auto started = field(text, "started");
  const auto version = field(text, "version");
  if (!pid || !host || !started || !version) {
    return std::nullopt;
  }
  LockHolder holder{.pid = 0, .host = *host, .started = *started, .version = *version};
  const auto [end, code] = std::from_chars(pid->data(), pid->data() + pid->size(), holder.pid);
  if (code != std::errc() || end != pid->data() + pid->size()) {
    return std::nullopt;
  }
  return holder;
}

Result<DirectoryLock> DirectoryLock::acquire(const std::string& directory,
                                             const std::string& version) {
  TRY(make_synced(std::filesystem::path(directory).lexically_normal()));
  TRY(check_ours(directory));
  const std::string path = directory + "/" + std::string(kLockFile);
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return base::failed_precondition("cannot open " + path + ": " + error_text(errno));
  }
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    const auto holder = decode_lock_holder(read_record(descriptor));
    close(descriptor);
    if (reason != EWOULDBLOCK) {
      return base::failed_precondition("cannot lock " + path + ": " + error_text(reason));
    }
    return base::failed_precondition(
        "the data directory " + directory + " is in use by " +
        (holder ? holder->to_string() : std::string("another process")) +
        "; stop that process, or choose another directory with --data-dir");
  }
  DirectoryLock lock(descriptor, decode_lock_holder(read_record(descriptor)));
  const LockHolder self{.pid = getpid(),
                        .host = host_name(),
                        .started = format_time(RealClock().wall()),
                        .version = version};
  TRY(write_record(descriptor, path, encode_lock_holder(self)));
  return lock;
}

DirectoryLock::DirectoryLock(int descriptor, std::optional<LockHolder> crashed)
    : descriptor_(descriptor), crashed_(std::move(crashed)) {}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), crashed_(std::move(other.crashed_)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  if (this != &other) {
    release();
    descriptor_ = std::exchange(other.descriptor_, -1);
    crashed_ = std::move(other.crashed_);
  }
  return *this;
}

DirectoryLock::~DirectoryLock() { release(); }

void DirectoryLock::release() {
  if (descriptor_ >= 0) {
    // Emptied while it is still ours: whoever comes next sees a clean end. A failure only makes the
    // next start report a crash that was none.
    [[maybe_unused]] const int ignored = ftruncate(descriptor_, 0);
    close(std::exchange(descriptor_, -1));
  }
}

}  // namespace kelpie::real
