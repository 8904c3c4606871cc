#include "sim/check/witness_places.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace kelpie::sim {
namespace {

using Phase = WitnessEvent::Phase;

bool has_snapshot_reads(const TransactionRecord& record) {
  return std::ranges::any_of(record.steps, [](const TransactionStep& step) {
    const auto* read = std::get_if<ReadStep>(&step);
    const auto* range = std::get_if<RangeStep>(&step);
    return (read != nullptr && read->isolation == store::Isolation::kSnapshot) ||
           (range != nullptr && range->isolation == store::Isolation::kSnapshot);
  });
}

}  // namespace

WitnessPlaces::WitnessPlaces(const std::vector<TransactionRecord>& transactions,
                             const WitnessOptions& options)
    : transactions_(transactions),
      has_log_(options.log.has_value()),
      logged_(transactions.size()),
      places_(transactions.size()) {
  if (options.log) {
    take_log(*options.log);
  }
  take_records();
  if (malformed_ || problem_) {
    return;
  }
  add_events();
  check_versions();
  check_real_time();
  for (Floating& floating : floating_) {
    bound_floating(floating);
  }
}

void WitnessPlaces::take_log(const std::vector<LoggedCommit>& log) {
  std::map<std::string_view, uint32_t> ids;
  for (uint32_t i = 0; i < transactions_.size(); ++i) {
    ids.emplace(transactions_[i].id, i);
  }
  for (const LoggedCommit& commit : log) {
    const auto id = ids.find(commit.transaction);
    if (id == ids.end()) {
      malformed_ = fmt::format("the log names {}, which is not in the history",
                               show_bytes(commit.transaction));
      return;
    }
    Place& place = logged_[id->second];
    const TransactionRecord& record = transactions_[id->second];
    if (commit.version < store::Version(0)) {
      not_usable("the log has no version of it", id->second);
    } else if (place.is_known) {
      found("duplicated effect",
            fmt::format("committed at version {} and again at version {}: {}", place.version.get(),
                        commit.version.get(), record.to_string()));
    } else if (record.fate == Fate::kFailed) {
      found("effect of a failed transaction",
            fmt::format("committed at version {}: {}", commit.version.get(), record.to_string()));
    }
    place = {true, commit.version, commit.order};
  }
}

void WitnessPlaces::take_records() {
  for (uint32_t i = 0; i < transactions_.size(); ++i) {
    const TransactionRecord& record = transactions_[i];
    if (record.writes() && record.fate == Fate::kOk) {
      place_writer(i);
    } else if (record.writes() && record.fate == Fate::kUnknown) {
      place_undecided(i);
    } else if (record.fate == Fate::kOk && !record.steps.empty()) {
      if (!record.read_version || *record.read_version < store::Version(0)) {
        not_usable("it read at no version", i);
      } else {
        places_[i] = {true, *record.read_version, std::nullopt};
      }
    }
  }
}

void WitnessPlaces::place_writer(uint32_t transaction) {
  const TransactionRecord& record = transactions_[transaction];
  const Place& logged = logged_[transaction];
  Place& place = places_[transaction];
  if (has_log_ && !logged.is_known) {
    found("lost acknowledged transaction", "no commit of it is in the log: " + record.to_string());
  } else if (logged.is_known && record.commit_version && *record.commit_version != logged.version) {
    found("wrong commit version",
          fmt::format("the log has it at {}: {}", logged.version.get(), record.to_string()));
  } else if (logged.is_known) {
    place = logged;
  } else if (!record.commit_version || *record.commit_version < store::Version(0)) {
    not_usable("it wrote and committed at no version", transaction);
    return;
  } else {
    place = {true, *record.commit_version, std::nullopt};
  }
  if (!place.order) {
    place.order = record.order;
  }
}

void WitnessPlaces::place_undecided(uint32_t transaction) {
  const TransactionRecord& record = transactions_[transaction];
  if (logged_[transaction].is_known) {
    places_[transaction] = logged_[transaction];
  } else if (!has_log_ && record.commit_version && *record.commit_version >= store::Version(0)) {
    places_[transaction] = {true, *record.commit_version, record.order};
  } else if (!has_log_ && record.mark != Mark::kNotFound) {
    Floating floating;
    floating.transaction = transaction;
    if (record.mark == Mark::kFound) {
      floating.happened = Floating::Happened::kSurely;
    }
    floating_.push_back(floating);
  }
}

void WitnessPlaces::add_events() {
  std::map<store::Version, size_t> writers;
  for (uint32_t i = 0; i < transactions_.size(); ++i) {
    if (places_[i].is_known && transactions_[i].writes()) {
      ++writers[places_[i].version];
    }
  }
  for (uint32_t i = 0; i < transactions_.size(); ++i) {
    const TransactionRecord& record = transactions_[i];
    const Place& place = places_[i];
    if (!place.is_known) {
      continue;
    }
    if (!record.writes()) {
      events_.push_back({place.version, Phase::kReads, 0, i});
      continue;
    }
    if (place.order || writers[place.version] == 1) {
      events_.push_back({place.version, Phase::kCommit, place.order.value_or(0), i});
    } else {
      floating_.push_back({i, place.version, 0, 0, Floating::Happened::kSurely});
    }
    if (record.read_version && has_snapshot_reads(record)) {
      events_.push_back({*record.read_version, Phase::kReads, 0, i});
    }
  }
  std::ranges::sort(events_);
}

void WitnessPlaces::check_versions() {
  for (size_t i = 1; i < events_.size(); ++i) {
    const WitnessEvent& before = events_[i - 1];
    const WitnessEvent& after = events_[i];
    if (before.phase == Phase::kCommit && after.phase == Phase::kCommit &&
        before.version == after.version && before.order == after.order) {
      found("two transactions at one place",
            fmt::format("version {} order {}:\n  {}\n  {}", after.version.get(), after.order,
                        transactions_[before.transaction].to_string(),
                        transactions_[after.transaction].to_string()));
    }
  }
  for (uint32_t i = 0; i < transactions_.size(); ++i) {
    const TransactionRecord& record = transactions_[i];
    if (places_[i].is_known && record.writes() && record.read_version &&
        *record.read_version >= places_[i].version) {
      found(
          "commit not after its read version",
          fmt::format("committed at version {}: {}", places_[i].version.get(), record.to_string()));
    }
  }
}

void WitnessPlaces::check_real_time() {
  struct Returned {
    int64_t at_ns;
    uint32_t transaction;
    auto operator<=>(const Returned&) const = default;
  };
  std::vector<Returned> returned;
  std::vector<std::pair<int64_t, uint32_t>> called;
  for (uint32_t i = 0; i < transactions_.size(); ++i) {
    if (places_[i].is_known) {
      called.emplace_back(transactions_[i].called_ns, i);
      if (transactions_[i].fate == Fate::kOk) {
        returned.push_back({transactions_[i].returned_ns, i});
      }
    }
  }
  std::ranges::sort(returned);
  std::ranges::sort(called);
  std::optional<uint32_t> newest;  // of those that had returned
  size_t next = 0;
  for (const auto& [called_ns, i] : called) {
    for (; next < returned.size() && returned[next].at_ns < called_ns; ++next) {
      const uint32_t one = returned[next].transaction;
      if (!newest || places_[*newest].version < places_[one].version) {
        newest = one;
      }
    }
    if (!newest) {
      continue;
    }
    const TransactionRecord& record = transactions_[i];
    const store::Version must_see = places_[*newest].version;
    const bool commits_early = record.writes() && places_[i].version <= must_see;
    const bool reads_early = record.read_version && *record.read_version < must_see &&
                             record.freshness == Freshness::kNewest;
    if (commits_early || reads_early) {
      found("real-time violation",
            fmt::format("{} had returned, with version {}, when {} was called, which {} at version "
                        "{}:\n  {}\n  {}",
                        transactions_[*newest].id, must_see.get(), record.id,
                        commits_early ? "committed" : "read",
                        commits_early ? places_[i].version.get() : record.read_version->get(),
                        transactions_[*newest].to_string(), record.to_string()));
      return;
    }
  }
}

void WitnessPlaces::bound_floating(Floating& floating) const {
  const TransactionRecord& record = transactions_[floating.transaction];
  const auto first_above = [&](store::Version version) {
    return static_cast<size_t>(
        std::ranges::upper_bound(events_, version, {}, &WitnessEvent::version) - events_.begin());
  };
  if (floating.version) {
    const auto reads_of_it =
        std::ranges::lower_bound(events_, WitnessEvent{*floating.version, Phase::kReads, 0, 0});
    floating.first = first_above(store::Version(floating.version->get() - 1));
    floating.last = static_cast<size_t>(reads_of_it - events_.begin());
    return;
  }
  floating.last = events_.size();
  if (record.read_version) {
    floating.first = first_above(*record.read_version);
  }
  for (uint32_t i = 0; i < transactions_.size(); ++i) {
    const TransactionRecord& before = transactions_[i];
    if (places_[i].is_known && before.fate == Fate::kOk && before.returned_ns < record.called_ns) {
      floating.first = std::max(floating.first, first_above(places_[i].version));
    }
  }
}

void WitnessPlaces::found(std::string anomaly, std::string explanation) {
  if (!problem_) {
    problem_ = WitnessProblem{std::move(anomaly), std::move(explanation)};
  }
}

void WitnessPlaces::not_usable(std::string why, uint32_t transaction) {
  if (!malformed_) {
    malformed_ = fmt::format("{}: {}", why, transactions_[transaction].to_string());
  }
}

}  // namespace kelpie::sim
