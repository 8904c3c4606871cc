// Flags of `kelpie sim`, read from its words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sim/runner.h"

namespace kelpie::sim {

struct Flags {
  std::string verb;
  std::vector<std::string> words;  // those that are no flags
  std::string scenario{scenarios().front().name};
  Profile profile = Profile::kShort;
  uint64_t from = 1;
  uint64_t count = 1;
  std::optional<uint64_t> until;  // an event
  MutantSet mutants;
  bool twice = false;
  bool trace = false;
  bool stop = false;
  bool sampled = false;
  bool check = false;
  // Names of files, or empty.
  std::string log;
  std::string hashes;
  std::string out;
  std::string record;
  std::string tape;
  std::string follow;   // a request
  std::string version;  // of the program
};

std::string_view sim_usage();

// invalid_argument says which word is wrong.
Result<Flags> parse_flags(const std::vector<std::string>& words, const char* dst_seed);

// A whole number in decimal digits, and nothing else.
std::optional<uint64_t> parse_number(std::string_view text);

}  // namespace kelpie::sim
