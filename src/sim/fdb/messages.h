// What a client library and the simulated cluster say to each other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/strong.h"
#include "sim/faults.h"
#include "store/database.h"
#include "store/fdb/c_api.h"

namespace kelpie::sim {

using FdbClientId = base::Strong<struct FdbClientIdTag, uint32_t>;
// One life of a transaction: from its making, or a reset, to the next reset or its end.
using FdbAttemptId = base::Strong<struct FdbAttemptIdTag, uint64_t>;
// One future of one client.
using FdbCallId = base::Strong<struct FdbCallIdTag, uint64_t>;

// What a transaction was told without asking for an answer: a write, or a watch.
struct FdbStep {
  std::move_only_function<void(store::Transaction&)> write;  // empty: a watch
  Bytes watched{};
  FdbCallId watch{};
};

struct FdbRequest {
  enum class Kind : uint8_t {
    kReadVersion,
    kGet,
    kGetKey,
    kGetRange,
    kCommit,
    kForget,     // the attempt is over
    kDropWatch,  // nobody waits for it any more
    kGone,       // the client is: the cluster's own, behind what had arrived
  };
  Kind kind = Kind::kReadVersion;
  FdbClientId client{};
  FdbAttemptId attempt{};
  FdbCallId call{};
  bool opens = false;  // the first of its attempt
  store::TransactionOptions options{};
  std::optional<store::Version> read_version{};  // that the attempt was given
  std::vector<FdbStep> steps{};                  // since the last request, in order
  store::KeySelector begin{};                    // of kGet: its key
  store::KeySelector end{};
  store::RangeRead read{};  // its range is not used
  bool writes = false;      // a commit of something
  // The link failed while it was under way: it has arrived, and the client cannot know.
  bool cut = false;
  // It has waited for the end of an outage.
  std::optional<Fault> outage{};
};

struct FdbAnswer {
  FdbClientId client{};
  FdbCallId call{};
  store::FdbErrorCode code = 0;
  bool of_commit = false;
  // The watch has been missed: nothing more will come.
  bool silent = false;
  store::Version version = store::kNoVersion;
  std::optional<Bytes> bytes{};
  store::RangePage page{};
  std::optional<store::Versionstamp> stamp{};
  // What the client receives with it, counted when the code that called it looks. Each once.
  std::vector<Fault> marks{};
  void mark(Fault fault) {
    if (std::ranges::find(marks, fault) == marks.end()) {
      marks.push_back(fault);
    }
  }
};

}  // namespace kelpie::sim
