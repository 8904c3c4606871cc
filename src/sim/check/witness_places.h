// Where each transaction has its place in the store's order, as far as that is known, and what is
// wrong with the places themselves. The first half of check_witness.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/check/witness.h"

namespace kelpie::sim {

// What happens at one place: a commit, or the reads of a state that a version names.
struct WitnessEvent {
  enum class Phase : uint8_t { kCommit, kReads };  // at one version, reads see all its commits
  store::Version version;
  Phase phase = Phase::kCommit;
  uint16_t order = 0;  // of commits
  uint32_t transaction = 0;
  auto operator<=>(const WitnessEvent&) const = default;
};

// A commit of which the place is not known, or not exactly.
struct Floating {
  uint32_t transaction = 0;
  std::optional<store::Version> version;  // its order in the batch is not known
  size_t first = 0;                       // it may come before the events [first, last]; behind all
  size_t last = 0;                        // of them if this is their number
  enum class Happened : uint8_t { kMaybe, kSurely } happened = Happened::kMaybe;
};

struct WitnessProblem {
  std::string anomaly;
  std::string explanation;
};

class WitnessPlaces {
 public:
  WitnessPlaces(const std::vector<TransactionRecord>& transactions, const WitnessOptions& options);

  [[nodiscard]] const std::optional<std::string>& malformed() const { return malformed_; }
  [[nodiscard]] const std::optional<WitnessProblem>& problem() const { return problem_; }
  [[nodiscard]] const std::vector<WitnessEvent>& events() const { return events_; }
  [[nodiscard]] const std::vector<Floating>& floating() const { return floating_; }

 private:
  struct Place {
    bool is_known = false;
    store::Version version = store::kNoVersion;  // the commit's, or what a reader read at
    std::optional<uint16_t> order;
  };

  void take_log(const std::vector<LoggedCommit>& log);
  void take_records();
  void place_writer(uint32_t transaction);
  void place_undecided(uint32_t transaction);
  void add_events();
  void check_versions();
  void check_real_time();
  void bound_floating(Floating& floating) const;
  void found(std::string anomaly, std::string explanation);
  void not_usable(std::string why, uint32_t transaction);

  const std::vector<TransactionRecord>& transactions_;
  bool has_log_;
  std::vector<Place> logged_;  // by transaction
  std::vector<Place> places_;  // by transaction; of those that happened
  std::vector<WitnessEvent> events_;
  std::vector<Floating> floating_;
  std::optional<std::string> malformed_;
  std::optional<WitnessProblem> problem_;  // the first that was found
};

}  // namespace kelpie::sim
