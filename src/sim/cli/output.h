// What several verbs print, and the files that they read and write.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sim/cli/flags.h"
#include "sim/runner.h"
#include "sim/tools/campaign_log.h"

namespace kelpie::sim {

// The command that shows the seed's run again.
std::string replay_command(const Flags& flags, uint64_t seed);
void print_failure(const RunResult& run, std::string_view replay);
// To standard error; yields 2.
int cannot(const Error& error);

// not_found when it cannot be read.
Result<std::string> read_file(const std::string& path);
Result<void> write_file(const std::string& path, std::string_view text);

// The log that a file holds; nothing of it when there is no such file.
Result<CampaignLog> read_log_file(const std::string& path);
// A file that lines are added to, each written through at once. What a dying process has left
// behind the last whole line is cut off first.
class LogFile {
 public:
  // An empty path makes one that takes lines and keeps none.
  static Result<LogFile> open(const std::string& path);
  Result<void> add(std::string_view line);

 private:
  explicit LogFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Milliseconds on the wall since it was made.
class Stopwatch {
 public:
  [[nodiscard]] int64_t ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 begin_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace kelpie::sim
