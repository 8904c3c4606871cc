#include "sim/check/witness.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "sim/check/witness_model.h"
#include "sim/check/witness_places.h"

namespace kelpie::sim {
namespace {

using Phase = WitnessEvent::Phase;
using Records = std::vector<TransactionRecord>;

// A read that is not what the model holds.
struct WrongRead {
  WitnessEvent event;  // of a comparison with the contents: one behind all
  Mismatch mismatch;
};

constexpr uint32_t kNobody = UINT32_MAX;

bool overlap(const std::vector<store::KeyRange>& a, const std::vector<store::KeyRange>& b) {
  return std::ranges::any_of(a, [&](const store::KeyRange& x) {
    return std::ranges::any_of(
        b, [&](const store::KeyRange& y) { return x.begin < y.end && y.begin < x.end; });
  });
}

bool contains(const std::vector<store::KeyRange>& ranges, const Bytes& key) {
  return std::ranges::any_of(ranges, [&](const auto& range) { return range.contains(key); });
}

std::optional<Mismatch> step(WitnessModel& model, const WitnessEvent& event,
                             const TransactionRecord& record, const IgnoredKeys& ignored) {
  if (event.phase == Phase::kCommit) {
    return model.run(record, event.transaction, WitnessModel::Verify::kSerializableReads,
                     WitnessModel::Effects::kKept, ignored);
  }
  const auto verify =
      record.writes() ? WitnessModel::Verify::kSnapshotReads : WitnessModel::Verify::kAllReads;
  return model.run(record, event.transaction, verify, WitnessModel::Effects::kForgotten, ignored);
}

class Replay {
 public:
  Replay(const Records& records, const WitnessOptions& options, const WitnessPlaces& places)
      : records_(records), options_(options), places_(places), events_(places.events()) {}

  // All events in a row. Keys that something without a known place may have written are not
  // compared, so that what is found is wrong wherever those have their places.
  [[nodiscard]] std::optional<WrongRead> in_a_row() const {
    IgnoredKeys ignored;
    for (const Floating& floating : places_.floating()) {
      const auto written = written_ranges(records_[floating.transaction]);
      ignored.insert(ignored.end(), written.begin(), written.end());
    }
    WitnessModel model(options_.initial);
    for (const WitnessEvent& event : events_) {
      if (auto mismatch = step(model, event, records_[event.transaction], ignored)) {
        return WrongRead{event, *std::move(mismatch)};
      }
    }
    if (options_.contents) {
      if (auto mismatch = model.compare(*options_.contents, ignored)) {
        return WrongRead{at_the_end(), *std::move(mismatch)};
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] static WitnessEvent at_the_end() {
    return {store::Version(INT64_MAX), Phase::kReads, 0, kNobody};
  }

 private:
  const Records& records_;
  const WitnessOptions& options_;
  const WitnessPlaces& places_;
  const std::vector<WitnessEvent>& events_;
};

// Looks for places of the commits that have none, such that every read is right: goes along the
// events, and where one does not fit goes back and puts in a commit before it.
class PlaceSearch {
 public:
  PlaceSearch(const Records& records, const WitnessOptions& options, const WitnessPlaces& places)
      : records_(records),
        options_(options),
        events_(places.events()),
        floating_(places.floating()),
        used_(floating_.size(), false),
        model_(options.initial) {
    find_relevant();
  }

  enum class Answer : uint8_t { kYes, kNo, kBudget };

  Answer run() {
    size_t option = 0;  // of this node: 0 is to go on, then each floating commit
    while (true) {
      if (option == 0 && at_ == events_.size() && is_done()) {
        return Answer::kYes;
      }
      if (++states_ > options_.states_max) {
        return Answer::kBudget;
      }
      for (; option <= floating_.size() && !take(option); ++option) {
      }
      if (option <= floating_.size()) {
        option = 0;
        continue;
      }
      if (path_.empty()) {
        return Answer::kNo;
      }
      option = take_back() + 1;
    }
  }

  [[nodiscard]] uint64_t states() const { return states_; }
  // What went wrong furthest on.
  [[nodiscard]] const std::optional<WrongRead>& wrong() const { return wrong_; }

 private:
  struct Taken {
    size_t option;
    size_t moment;  // of the model, before it
  };

  // Putting a commit before an event that touches nothing of it is no different from putting it
  // behind that event. Only other commits without a place can tell. Reads of one version are as one
  // event.
  void find_relevant() {
    for (const Floating& floating : floating_) {
      const auto written = written_ranges(records_[floating.transaction]);
      const auto touched = touched_ranges(records_[floating.transaction]);
      const auto meets = [&](uint32_t other) {
        return overlap(written, touched_ranges(records_[other])) ||
               overlap(touched, written_ranges(records_[other]));
      };
      const bool always = std::ranges::any_of(floating_, [&](const Floating& other) {
        return other.transaction != floating.transaction && meets(other.transaction);
      });
      std::vector<bool> relevant;
      for (const WitnessEvent& event : events_) {
        relevant.push_back(always || meets(event.transaction));
      }
      relevant.push_back(true);
      for (size_t i = events_.size(); i > 1; --i) {
        if (relevant[i - 1] && is_amid_reads(i - 1)) {
          relevant[i - 2] = true;
        }
      }
      relevant_.push_back(std::move(relevant));
    }
  }

  bool take(size_t option) { return option == 0 ? take_event() : take_floating(option - 1); }

  bool take_event() {
    if (at_ == events_.size()) {
      return false;
    }
    for (size_t i = 0; i < floating_.size(); ++i) {
      const bool must = floating_[i].happened == Floating::Happened::kSurely;
      if (must && !used_[i] && floating_[i].last <= at_) {
        return false;
      }
    }
    const size_t moment = model_.moment();
    const WitnessEvent& event = events_[at_];
    if (auto mismatch = step(model_, event, records_[event.transaction], {})) {
      went_wrong({event, *std::move(mismatch)});
      return false;
    }
    path_.push_back({0, moment});
    ++at_;
    return true;
  }

  bool take_floating(size_t i) {
    const Floating& floating = floating_[i];
    const bool may = !used_[i] && floating.first <= at_ && at_ <= floating.last;
    if (!may || !(relevant_[i][at_] || at_ == floating.last) || is_amid_reads(at_)) {
      return false;
    }
    const size_t moment = model_.moment();
    const TransactionRecord& record = records_[floating.transaction];
    if (auto mismatch =
            model_.run(record, floating.transaction, WitnessModel::Verify::kSerializableReads,
                       WitnessModel::Effects::kKept, {})) {
      if (floating.happened == Floating::Happened::kSurely && !wrong_) {
        const auto version = floating.version.value_or(store::kNoVersion);
        wrong_ = WrongRead{{version, Phase::kCommit, 0, floating.transaction}, *mismatch};
      }
      return false;
    }
    used_[i] = true;
    path_.push_back({i + 1, moment});
    return true;
  }

  // Reads of one version see one state: no other commit comes between them.
  [[nodiscard]] bool is_amid_reads(size_t at) const {
    if (at == 0 || at == events_.size()) {
      return false;
    }
    const WitnessEvent& before = events_[at - 1];
    const WitnessEvent& after = events_[at];
    return before.phase == Phase::kReads && after.phase == Phase::kReads &&
           before.version == after.version;
  }

  size_t take_back() {
    CHECK(!path_.empty());
    const Taken last = path_.back();
    path_.pop_back();
    model_.go_back_to(last.moment);
    if (last.option == 0) {
      --at_;
    } else {
      used_[last.option - 1] = false;
    }
    return last.option;
  }

  bool is_done() {
    for (size_t i = 0; i < floating_.size(); ++i) {
      if (floating_[i].happened == Floating::Happened::kSurely && !used_[i]) {
        return false;
      }
    }
    if (options_.contents) {
      if (auto mismatch = model_.compare(*options_.contents, {})) {
        went_wrong({Replay::at_the_end(), *std::move(mismatch)});
        return false;
      }
    }
    return true;
  }

  void went_wrong(WrongRead wrong) {
    if (!wrong_ || wrong_->event < wrong.event) {
      wrong_ = std::move(wrong);
    }
  }

  const Records& records_;
  const WitnessOptions& options_;
  const std::vector<WitnessEvent>& events_;
  const std::vector<Floating>& floating_;
  std::vector<std::vector<bool>> relevant_;  // by floating commit, then by event
  std::vector<bool> used_;
  WitnessModel model_;
  size_t at_ = 0;
  std::vector<Taken> path_;
  uint64_t states_ = 0;
  std::optional<WrongRead> wrong_;
};

// Gives a wrong read its name and tells where what it saw came from.
class Explanation {
 public:
  Explanation(const Records& records, const WitnessOptions& options, const WitnessPlaces& places,
              const WrongRead& wrong)
      : records_(records), wrong_(wrong), mismatch_(wrong.mismatch) {
    find_source(options, places);
  }

  [[nodiscard]] CheckResult result() const {
    CheckResult result;
    result.verdict = HistoryVerdict::kViolation;
    result.anomaly = name();
    result.explanation =
        fmt::format("{} {}: expected {}, {}; saw {}, {}", reader(), show_bytes(mismatch_.key),
                    show_value(mismatch_.expected), by(mismatch_.writer, "so from the start"),
                    show_value(mismatch_.seen), source_text());
    for (const uint32_t one : {wrong_.event.transaction, mismatch_.writer.value_or(kNobody),
                               source_.value_or(kNobody)}) {
      if (one != kNobody) {
        result.explanation += "\n  " + records_[one].to_string();
      }
    }
    return result;
  }

 private:
  enum class Source : uint8_t { kNone, kStart, kBefore, kAfter, kInside, kFailed, kUndecided };

  // Who first made the key what was seen: along the order, then among all that was ever set.
  void find_source(const WitnessOptions& options, const WitnessPlaces& places) {
    for (const WitnessEvent& event : places.events()) {
      if (event.phase == Phase::kCommit && event.transaction == mismatch_.writer) {
        writer_version_ = event.version;
      }
    }
    WitnessModel model(options.initial);
    if (model.value(mismatch_.key) == mismatch_.seen) {
      where_ = Source::kStart;
    }
    const IgnoredKeys all = {{"", Bytes(64, '\xff')}};
    for (const WitnessEvent& event : places.events()) {
      const bool later = wrong_.event <= event;
      if ((later && where_ != Source::kNone) || !mismatch_.seen) {
        break;
      }
      (void)step(model, event, records_[event.transaction], all);
      if (event.phase == Phase::kCommit && event.transaction != wrong_.event.transaction &&
          contains(written_ranges(records_[event.transaction]), mismatch_.key) &&
          model.value(mismatch_.key) == mismatch_.seen) {
        source_ = event.transaction;
        where_ = later ? Source::kAfter : Source::kBefore;
      }
    }
    for (uint32_t i = 0; i < records_.size() && where_ == Source::kNone && mismatch_.seen; ++i) {
      if (i != wrong_.event.transaction && sets_what_was_seen(records_[i])) {
        source_ = i;
        where_ = records_[i].fate == Fate::kFailed    ? Source::kFailed
                 : records_[i].fate == Fate::kUnknown ? Source::kUndecided
                                                      : Source::kInside;
      }
    }
  }

  [[nodiscard]] bool sets_what_was_seen(const TransactionRecord& record) const {
    return std::ranges::any_of(record.steps, [&](const TransactionStep& step) {
      if (const auto* append = std::get_if<AppendStep>(&step)) {
        // What it made of a list that had others' elements is not known here.
        const auto seen = decode_list(*mismatch_.seen);
        return record.fate != Fate::kOk && append->key == mismatch_.key && seen && !seen->empty() &&
               seen->back() == append->element && std::ranges::count(*seen, append->element) == 1;
      }
      const auto* set = std::get_if<SetStep>(&step);
      return set != nullptr && set->key == mismatch_.key && set->value == *mismatch_.seen;
    });
  }

  [[nodiscard]] std::string name() const {
    if (wrong_.event.transaction == kNobody) {
      return "wrong contents";
    }
    switch (where_) {
      case Source::kFailed:
        return "aborted read";
      case Source::kInside:
        return "intermediate read";
      case Source::kAfter:
        return "read from the future";
      case Source::kUndecided:
        return "dirty read";
      default:
        break;
    }
    if (mismatch_.seen && where_ == Source::kNone) {
      return "value nobody wrote";
    }
    return name_of_old_read();
  }

  // It saw what had been there before the last writer came.
  [[nodiscard]] std::string name_of_old_read() const {
    const TransactionRecord& reader = records_[wrong_.event.transaction];
    const bool came_meanwhile = mismatch_.writer && reader.read_version &&
                                wrong_.event.phase == Phase::kCommit &&
                                writer_version_ > *reader.read_version;
    const bool is_row_set = mismatch_.read == Mismatch::Read::kRange &&
                            mismatch_.expected.has_value() != mismatch_.seen.has_value();
    if (mismatch_.writer == wrong_.event.transaction) {
      return "own write not seen";
    }
    if (came_meanwhile && contains(written_ranges(reader), mismatch_.key)) {
      return "lost update";
    }
    if (came_meanwhile) {
      return is_row_set ? "phantom" : "write skew";
    }
    return is_row_set && !mismatch_.seen ? "truncated range" : "stale read";
  }

  [[nodiscard]] std::string reader() const {
    const WitnessEvent& event = wrong_.event;
    if (event.transaction == kNobody) {
      return "the store at the end:";
    }
    const TransactionRecord& record = records_[event.transaction];
    const std::string_view how = mismatch_.read == Mismatch::Read::kRange ? "read a range" : "read";
    if (event.phase == Phase::kReads) {
      return fmt::format("{} {} at version {}:", record.id, how, event.version.get());
    }
    return fmt::format("{} {} and committed at version {} order {}:", record.id, how,
                       event.version.get(), event.order);
  }

  [[nodiscard]] std::string by(std::optional<uint32_t> writer, std::string_view otherwise) const {
    return writer ? "written by " + records_[*writer].id : std::string(otherwise);
  }

  [[nodiscard]] std::string source_text() const {
    if (!mismatch_.seen && where_ == Source::kNone) {
      return "as before it was written";
    }
    switch (where_) {
      case Source::kFailed:
        return by(source_, "") + ", which failed";
      case Source::kUndecided:
        return by(source_, "") + ", which has no place there";
      case Source::kInside:
        return by(source_, "") + " on its way to another value";
      case Source::kAfter:
        return by(source_, "") + ", which committed later";
      default:
        return by(source_, where_ == Source::kStart ? "so from the start" : "written by nobody");
    }
  }

  const Records& records_;
  const WrongRead& wrong_;
  const Mismatch& mismatch_;
  store::Version writer_version_ = store::kNoVersion;
  std::optional<uint32_t> source_;
  Source where_ = Source::kNone;
};

CheckResult search_places(const Records& transactions, const WitnessOptions& options,
                          const WitnessPlaces& places) {
  PlaceSearch search(transactions, options, places);
  const PlaceSearch::Answer answer = search.run();
  const size_t open = places.floating().size();
  CheckResult result;
  if (answer == PlaceSearch::Answer::kBudget) {
    result.verdict = HistoryVerdict::kUndecided;
    result.explanation =
        fmt::format("{} commits have no known place, and none fit all reads within {} states", open,
                    options.states_max);
  } else if (answer == PlaceSearch::Answer::kNo) {
    CHECK(search.wrong().has_value());
    result = Explanation(transactions, options, places, *search.wrong()).result();
    result.explanation += fmt::format(
        "\nwherever {} commits without a known place are put in, or left out if undecided", open);
  }
  result.states = search.states();
  return result;
}

}  // namespace

CheckResult check_witness(const Records& transactions, const WitnessOptions& options) {
  if (auto problem = find_malformed(transactions)) {
    return malformed_history(*std::move(problem));
  }
  const WitnessPlaces places(transactions, options);
  if (places.malformed()) {
    return malformed_history(*places.malformed());
  }
  if (places.problem()) {
    return {HistoryVerdict::kViolation, places.problem()->anomaly, places.problem()->explanation,
            0};
  }
  if (const auto wrong = Replay(transactions, options, places).in_a_row()) {
    return Explanation(transactions, options, places, *wrong).result();
  }
  if (places.floating().empty()) {
    CheckResult result;
    result.states = places.events().size();
    return result;
  }
  return search_places(transactions, options, places);
}

}  // namespace kelpie::sim
