// Faults: where code asks whether something bad shall happen here, and tells what a campaign must
// have seen. The real World's answer is always no, and no flag or environment variable changes
// that. Every site's name is listed in sites.h.
#pragma once

#include <string_view>

#include "base/check.h"

namespace kelpie::world {

// The loop's own, like the World that has it.
class Faults {
 public:
  Faults() = default;
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;
  virtual ~Faults() = default;

  // Is the planted bug (promises.md: "M8", ...) on in this run?
  [[nodiscard]] virtual bool mutant(std::string_view name) = 0;
  // Shall this rare but legal branch be taken now? `site` names the place, once in the code.
  [[nodiscard]] virtual bool buggify(std::string_view site) = 0;

  // A campaign in which the condition was never true has not tested this place. The dual of CHECK.
  void sometimes(std::string_view site, bool condition) {
    if (condition) {
      reached(site);
    }
  }
  // A campaign that never came here has not tested it.
  virtual void reached(std::string_view /*site*/) {}
  // What a CHECK is, at a place that a campaign must have passed: a simulation fails by it and goes
  // on to say with which seed; a process ends.
  virtual void always(std::string_view /*site*/, bool holds) { CHECK(holds); }
};

}  // namespace kelpie::world
