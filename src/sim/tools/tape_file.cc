#include "sim/tools/tape_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace kelpie::sim {
namespace {

constexpr std::string_view kMagic = "kelpie-tape 1";
constexpr size_t kColumnsMax = 100;

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = !text.empty() && code == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(value) : std::nullopt;
}

void write_stream(std::string_view label, const std::vector<Decision>& taken, std::string& text) {
  text += fmt::format("stream {} {}\n", label, taken.size());
  std::string line;
  uint64_t bound = 0;
  for (const Decision& decision : taken) {
    const std::string word = decision.bound == bound
                                 ? std::to_string(decision.value)
                                 : fmt::format("{}:{}", decision.bound, decision.value);
    bound = decision.bound;
    if (!line.empty() && line.size() + 1 + word.size() > kColumnsMax) {
      text += line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  text += line.empty() ? "" : line + "\n";
}

// Reads the text line by line.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<TapeFile> read() {
    std::string_view line;
    if (!next(line) || line != kMagic) {
      return wrong(fmt::format("expected \"{}\"", kMagic));
    }
    while (next(line)) {
      const std::string_view key = line.substr(0, line.find(' '));
      const std::string_view value = line.substr(std::min(line.size(), key.size() + 1));
      if (key == "stream") {
        TRY(read_stream(value));
      } else if (!line.empty()) {
        TRY(read_field(key, value));
      }
    }
    if (tape_.scenario.empty()) {
      return wrong("expected a line `scenario NAME`");
    }
    return std::move(tape_);
  }

 private:
  bool next(std::string_view& line) {
    if (text_.empty()) {
      return false;
    }
    line = text_.substr(0, text_.find('\n'));
    text_.remove_prefix(std::min(text_.size(), line.size() + 1));
    ++line_;
    return true;
  }

  [[nodiscard]] Error wrong(std::string_view why) const {
    return base::invalid_argument(fmt::format("line {} of the tape: {}", line_, why));
  }

  Result<void> read_field(std::string_view key, std::string_view value) {
    if (key == "scenario") {
      tape_.scenario = value;
    } else if (key == "seed" && number(value)) {
      tape_.seed = *number(value);
    } else if (key == "mutant") {
      tape_.mutants.emplace(value);
    } else if (key == "oracle") {
      tape_.oracle = value;
    } else if (key == "what") {
      tape_.what = value;
    } else if (key == "swarm") {
      Result<Swarm> swarm = Swarm::parse(value);
      if (!swarm.ok()) {
        return wrong(swarm.error().message);
      }
      tape_.swarm = *swarm;
    } else if (key == "beyond" && (value == "mild" || value == "draw")) {
      tape_.beyond = value == "mild" ? Beyond::kMild : Beyond::kDraw;
    } else {
      return wrong(fmt::format("\"{} {}\" is nothing that a tape says", key, value));
    }
    return kOk;
  }

  Result<void> read_stream(std::string_view value) {
    const size_t space = value.rfind(' ');
    const std::optional<uint64_t> count =
        space == std::string_view::npos ? std::nullopt : number(value.substr(space + 1));
    if (!count) {
      return wrong("expected `stream LABEL COUNT`");
    }
    std::vector<Decision>& taken = tape_.streams[std::string(value.substr(0, space))];
    uint64_t bound = 0;
    while (taken.size() < *count) {
      std::string_view line;
      if (!next(line) || line.empty()) {
        return wrong(fmt::format("expected {} more decisions", *count - taken.size()));
      }
      TRY(read_decisions(line, bound, taken));
    }
    return taken.size() == *count ? Result<void>(kOk) : wrong("more decisions than were announced");
  }

  Result<void> read_decisions(std::string_view line, uint64_t& bound,
                              std::vector<Decision>& taken) {
    while (!line.empty()) {
      std::string_view word = line.substr(0, line.find(' '));
      line.remove_prefix(std::min(line.size(), word.size() + 1));
      const size_t colon = word.find(':');
      if (colon != std::string_view::npos) {
        bound = number(word.substr(0, colon)).value_or(0);
        word.remove_prefix(colon + 1);
      }
      const std::optional<uint64_t> decided = number(word);
      if (!decided || *decided >= bound) {
        return wrong("expected `value`, or `bound:value`, with the value below the bound");
      }
      taken.push_back(Decision{bound, *decided});
    }
    return kOk;
  }

  std::string_view text_;
  size_t line_ = 0;
  TapeFile tape_;
};

}  // namespace

RunOptions run_of(const TapeFile& tape) {
  RunOptions run;
  run.seed = tape.seed;
  run.mutants = tape.mutants;
  run.swarm = tape.swarm;
  run.choices.tapes = tape.streams;
  run.choices.beyond = tape.beyond;
  return run;
}

TapeFile tape_of(std::string_view scenario, const RunOptions& run) {
  TapeFile tape;
  tape.scenario = scenario;
  tape.seed = run.seed;
  tape.mutants = run.mutants;
  tape.swarm = run.swarm.value_or(Swarm{});
  tape.streams = run.choices.tapes.value_or(StreamTapes{});
  tape.beyond = run.choices.beyond;
  return tape;
}

std::string write_tape(const TapeFile& tape) {
  std::string text = fmt::format("{}\nscenario {}\nseed {}\n", kMagic, tape.scenario, tape.seed);
  for (const std::string& mutant : tape.mutants) {
    text += "mutant " + mutant + "\n";
  }
  text += tape.oracle.empty() ? "" : "oracle " + tape.oracle + "\n";
  text += tape.what.empty() ? "" : "what " + tape.what + "\n";
  text += "swarm " + tape.swarm.to_string() + "\n";
  text += tape.beyond == Beyond::kMild ? "beyond mild\n" : "beyond draw\n";
  for (const auto& [label, taken] : tape.streams) {
    write_stream(label, taken, text);
  }
  return text;
}

Result<TapeFile> read_tape(std::string_view text) { return Reader(text).read(); }

size_t decisions(const StreamTapes& streams) {
  size_t count = 0;
  for (const auto& [label, taken] : streams) {
    count += taken.size();
  }
  return count;
}

}  // namespace kelpie::sim
