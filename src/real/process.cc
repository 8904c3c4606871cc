#include "real/process.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "real/real_loop_impl.h"

namespace kelpie::real {
namespace {

constexpr size_t kKeyFileBytesMax = 4096;
constexpr mode_t kOthersMayRead = S_IRWXG | S_IRWXO;

std::string error_text(int number) { return std::generic_category().message(number); }

void exit_at_once(int signal) { _exit(128 + signal); }

}  // namespace

Result<uint64_t> raise_open_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return base::internal("cannot read the limit of open files: " + error_text(errno));
  }
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised = limit;
    raised.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
      limit = raised;
    }
  }
  return static_cast<uint64_t>(limit.rlim_cur);
}

void ignore_broken_pipes() { CHECK(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR); }

struct ShutdownSignals::State {
  State(RealLoop& loop, Action first, Action second)
      : signals(loop.impl().io), on_first(std::move(first)), on_second(std::move(second)) {}
  boost::asio::signal_set signals;
  Action on_first;
  Action on_second;
  bool asked = false;
  bool gone = false;

  static void listen(const std::shared_ptr<State>& state, RealLoop& loop) {
    state->signals.async_wait([state, &loop](const boost::system::error_code& code, int signal) {
      if (code || state->gone) {
        return;
      }
      listen(state, loop);
      const bool second = std::exchange(state->asked, true);
      loop.post([state, signal, second] {
        if (!state->gone) {
          (second ? state->on_second : state->on_first)(signal);
        }
      });
    });
  }
};

ShutdownSignals::ShutdownSignals(RealLoop& loop, Action on_first)
    : ShutdownSignals(loop, std::move(on_first), exit_at_once) {}

ShutdownSignals::ShutdownSignals(RealLoop& loop, Action on_first, Action on_second)
    : state_(std::make_shared<State>(loop, std::move(on_first), std::move(on_second))) {
  boost::system::error_code code;
  state_->signals.add(SIGTERM, code);
  CHECK(!code);
  state_->signals.add(SIGINT, code);
  CHECK(!code);
  State::listen(state_, loop);
}

ShutdownSignals::~ShutdownSignals() {
  state_->gone = true;
  boost::system::error_code ignored;
  state_->signals.cancel(ignored);
  state_->signals.clear(ignored);
}

Result<KeyFile> read_key_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  struct stat about{};
  if (!file || stat(path.c_str(), &about) != 0) {
    return base::not_found("cannot read the key file " + path + ": " + error_text(errno));
  }
  std::string text(kKeyFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kKeyFileBytesMax) {
    return base::invalid_argument("expected a key of one line in " + path + ", got more than " +
                                  std::to_string(kKeyFileBytesMax) + " bytes");
  }
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string::npos) {
    return base::invalid_argument("expected a key of one line in " + path + ", got an empty file");
  }
  KeyFile result;
  result.key = text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
  if (!std::ranges::all_of(result.key, [](char c) { return c > 0x20 && c < 0x7f; })) {
    return base::invalid_argument("expected a key of one line in " + path +
                                  ": printable ASCII without blanks");
  }
  if ((about.st_mode & kOthersMayRead) != 0) {
    result.warning = "the key file " + path + " is open to others; chmod 600 keeps it to its owner";
  }
  return result;
}

uint64_t resident_memory_bytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t size_pages = 0;
  uint64_t resident_pages = 0;
  if (!(file >> size_pages >> resident_pages)) {
    return 0;
  }
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace kelpie::real
