#include "sim/cli/flags.h"

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "sim/tools/campaign_log.h"

namespace kelpie::sim {
namespace {

constexpr std::string_view kUsage =
    "kelpie sim run [--from SEED] [--count N] [--scenario NAME] [--profile short|long]\n"
    "               [--mutant M] [--twice] [--stop] [--log FILE] [--hashes FILE]\n"
    "kelpie sim replay SEED [--scenario NAME] [--profile short|long] [--mutant M]\n"
    "               [--until EVENT] [--trace] [--follow REQUEST] [--record FILE]\n"
    "kelpie sim replay --tape FILE [--until EVENT] [--trace] [--follow REQUEST]\n"
    "kelpie sim minimise SEED [--scenario NAME] [--profile short|long] [--mutant M] [--out FILE]\n"
    "kelpie sim explore [NAME...] [--mutant M] [--log FILE]\n"
    "kelpie sim explore NAME --tape DECISIONS [--mutant M] [--trace]\n"
    "kelpie sim mutants [--from SEED] [--log FILE]\n"
    "kelpie sim corpus FILE|DIRECTORY...\n"
    "kelpie sim hashes [--from SEED] [--count N] [--scenario NAME] [--profile short|long]\n"
    "               [--sampled]\n"
    "kelpie sim report LOG... [--out FILE] [--check]\n"
    "kelpie sim list\n";

using Toggles = std::map<std::string_view, bool Flags::*>;
using Texts = std::map<std::string_view, std::string Flags::*>;
using Numbers = std::map<std::string_view, uint64_t Flags::*>;

const Toggles& toggles() {
  static const Toggles all = {{"--twice", &Flags::twice},
                              {"--trace", &Flags::trace},
                              {"--stop", &Flags::stop},
                              {"--sampled", &Flags::sampled},
                              {"--check", &Flags::check}};
  return all;
}

const Texts& texts() {
  static const Texts all = {{"--log", &Flags::log},          {"--hashes", &Flags::hashes},
                            {"--out", &Flags::out},          {"--record", &Flags::record},
                            {"--tape", &Flags::tape},        {"--follow", &Flags::follow},
                            {"--scenario", &Flags::scenario}};
  return all;
}

const Numbers& numbers() {
  static const Numbers all = {
      {"--from", &Flags::from}, {"--count", &Flags::count}, {"--seeds", &Flags::count}};
  return all;
}

Error wrong(std::string_view word) {
  return base::invalid_argument(
      fmt::format("\"{}\" is no flag, or its value is none\n{}", word, kUsage));
}

// The value of a flag that takes one.
Result<void> set_value(std::string_view flag, const std::string& value, Flags& flags) {
  const std::optional<uint64_t> number = parse_number(value);
  if (const auto text = texts().find(flag); text != texts().end()) {
    flags.*text->second = value;
  } else if (const auto count = numbers().find(flag); count != numbers().end() && number) {
    flags.*count->second = *number;
  } else if (flag == "--until" && number) {
    flags.until = number;
  } else if (flag == "--mutant") {
    flags.mutants.insert(value);
  } else if (flag == "--profile" && find_profile(value)) {
    flags.profile = *find_profile(value);
  } else {
    return wrong(flag);
  }
  return kOk;
}

// What a verb makes of its words.
Result<void> take_words(Flags& flags) {
  const bool seeded = flags.verb == "replay" || flags.verb == "minimise";
  if (seeded && flags.words.size() == 1 && parse_number(flags.words.front())) {
    flags.from = *parse_number(flags.words.front());
    return kOk;
  }
  const bool may_have_words =
      flags.verb == "corpus" || flags.verb == "report" || flags.verb == "explore";
  return flags.words.empty() || may_have_words ? Result<void>(kOk) : wrong(flags.words.front());
}

}  // namespace

std::string_view sim_usage() { return kUsage; }

std::optional<uint64_t> parse_number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

Result<Flags> parse_flags(const std::vector<std::string>& words, const char* dst_seed) {
  Flags flags;
  if (words.empty()) {
    return base::invalid_argument(std::string(kUsage));
  }
  flags.verb = words.front();
  if (dst_seed != nullptr) {
    const std::optional<uint64_t> seed = parse_number(dst_seed);
    if (!seed) {
      return base::invalid_argument(
          fmt::format("expected a number in DST_SEED, got \"{}\"", dst_seed));
    }
    flags.from = *seed;
  }
  for (size_t at = 1; at < words.size(); ++at) {
    const std::string& word = words[at];
    if (const auto toggle = toggles().find(word); toggle != toggles().end()) {
      flags.*toggle->second = true;
    } else if (!word.starts_with("--")) {
      flags.words.push_back(word);
    } else if (at + 1 < words.size()) {
      TRY(set_value(word, words[++at], flags));
    } else {
      return wrong(word);
    }
  }
  TRY(take_words(flags));
  if (find_scenario(flags.scenario) == nullptr) {
    return base::invalid_argument("there is no scenario \"" + flags.scenario +
                                  "\"; `kelpie sim list` names them");
  }
  return flags;
}

}  // namespace kelpie::sim
