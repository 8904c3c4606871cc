#include "sim/cli/output.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace kelpie::sim {

std::string replay_command(const Flags& flags, uint64_t seed) {
  std::string command = fmt::format("kelpie sim replay {} --scenario {}", seed, flags.scenario);
  if (flags.profile != Profile::kShort) {
    command += fmt::format(" --profile {}", profile_name(flags.profile));
  }
  for (const std::string& mutant : flags.mutants) {
    command += " --mutant " + mutant;
  }
  return command + " --trace";
}

void print_failure(const RunResult& run, std::string_view replay) {
  fmt::print("FAILED seed {} by {}: {}\n  hash {:016x}, {}\n  broken for good: {}\n  replay: {}\n",
             run.seed, run.failure->oracle, run.failure->message, run.hash, run.swarm.to_string(),
             run.frozen.to_string(), replay);
  std::fflush(stdout);
}

int cannot(const Error& error) {
  fmt::print(stderr, "{}\n", error.message);
  return 2;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return base::not_found(fmt::format("cannot read \"{}\"", path));
  }
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

Result<void> write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  return file ? Result<void>(kOk) : base::unavailable(fmt::format("cannot write \"{}\"", path));
}

Result<CampaignLog> read_log_file(const std::string& path) {
  CampaignLog log;
  const Result<std::string> text = read_file(path);
  if (text.ok()) {
    TRY(read_log(*text, log));
  }
  return log;
}

Result<LogFile> LogFile::open(const std::string& path) {
  const Result<std::string> text = path.empty() ? std::string() : read_file(path);
  if (text.ok() && !text->empty() && text->back() != '\n') {
    const size_t whole = text->rfind('\n') == std::string::npos ? 0 : text->rfind('\n') + 1;
    std::error_code failed;
    std::filesystem::resize_file(path, whole, failed);
    if (failed) {
      return base::unavailable(fmt::format("cannot write \"{}\": {}", path, failed.message()));
    }
  }
  return LogFile(path);
}

Result<void> LogFile::add(std::string_view line) {
  if (path_.empty()) {
    return kOk;
  }
  std::ofstream file(path_, std::ios::binary | std::ios::app);
  file << line;
  file.close();
  return file ? Result<void>(kOk) : base::unavailable(fmt::format("cannot write \"{}\"", path_));
}

}  // namespace kelpie::sim
